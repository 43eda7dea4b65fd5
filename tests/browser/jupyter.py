"""A real JupyterLab server, a real Chromium, and notebooks that are open in them."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_client.blocking import BlockingKernelClient
from playwright.sync_api import Browser, Page, Playwright

TOKEN = "browser-tests"  # the server listens on the loopback interface only
# Factor on every time limit, for a machine that is busy with other work.
PATIENCE = float(os.environ.get("TSNE_WIDGET_PATIENCE", "1"))
START_SECONDS = 90
# Shows the browser: TSNE_WIDGET_HEADED=1 pytest tests/browser -k lasso
HEADED = bool(os.environ.get("TSNE_WIDGET_HEADED"))
SLOW_MILLISECONDS = 150  # delay of each gesture in a visible browser

CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # WebGL in software, for machines without a GPU
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
]
# The page itself is drawn without WebGL: half the CPU time, but a frame of the map takes longer.
PLAIN_PAGE = ["--disable-gpu-compositing", "--disable-gpu-rasterization"]
DEVELOPMENT = ("PYTHONDEVMODE", "PYTHONMALLOC")
# Errors of JupyterLab itself on a machine without a network, and one that anywidget reports of a
# widget that is closed or busy while its script is loaded. Any other error fails a test.
NOT_OURS = re.compile(
    r"favicon|api/me|/lsp/|ResizeObserver loop|GPU stall|GroupMarkerNotSet|"
    r"extension-manager|jupyterlab/api/news|Failed to load resource.*(404|lab/api)|"
    r"Failed to initialize model"
)


def chromium(playwright: Playwright) -> str | None:
    """Path of a Chromium: the system's, or the one that Playwright installed."""
    candidates = [
        os.environ.get("TSNE_WIDGET_CHROMIUM"),
        *map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome")),
        playwright.chromium.executable_path,
    ]
    return next((path for path in candidates if path and Path(path).exists()), None)


def launch(
    playwright: Playwright,
    *,
    headless: bool = not HEADED,
    arguments: Sequence[str] = PLAIN_PAGE,
) -> Browser:
    """Start a browser. Without one the tests fail; they are not skipped."""
    path = chromium(playwright)
    if path is None:
        raise RuntimeError("no Chromium found; run `make browser`, or set TSNE_WIDGET_CHROMIUM")
    return playwright.chromium.launch(
        executable_path=path,
        args=[*CHROMIUM_ARGUMENTS, *arguments],
        headless=headless,
        slow_mo=0 if headless else SLOW_MILLISECONDS,
    )


# Path at which an application opens a notebook, and its options.
APPLICATIONS = {
    "jupyterlab": (
        "lab/tree",
        ["--LabApp.news_url=", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"],
    ),
    "notebook": ("notebooks", []),
}


class Lab:
    """A JupyterLab or Notebook server in its own folder, without the user's settings.

    Parameters
    ----------
    folder : Path
        Root of the server: notebooks, settings and logs.
    application : {"jupyterlab", "notebook"}
    python : str
        Interpreter of the server and its kernels.
    base_url : str
        Path below which the server answers, as that of a user of JupyterHub.
    """

    def __init__(
        self,
        folder: Path,
        application: str = "jupyterlab",
        python: str = sys.executable,
        base_url: str = "/",
    ) -> None:
        self.folder = folder
        self.tree, options = APPLICATIONS[application]
        self.runtime = folder / ".runtime"
        self.runtime.mkdir(parents=True)
        # Python's development mode is for the tests, not for the server and its kernels.
        inherited = {k: v for k, v in os.environ.items() if k not in DEVELOPMENT}
        environment = inherited | {
            "JUPYTER_RUNTIME_DIR": str(self.runtime),
            "JUPYTER_CONFIG_DIR": str(folder / ".config"),
            "JUPYTERLAB_SETTINGS_DIR": str(folder / ".settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(folder / ".workspaces"),
            "IPYTHONDIR": str(folder / ".ipython"),
        }
        arguments = [
            "--no-browser",
            "--allow-root",
            "--expose-app-in-browser",
            "--ServerApp.port=0",
            f"--ServerApp.root_dir={folder}",
            f"--ServerApp.base_url={base_url}",
            f"--IdentityProvider.token={TOKEN}",
            *options,
        ]
        _ask_no_questions(folder / ".settings")
        self.log = (folder / "lab.log").open("wb")
        self._process = subprocess.Popen(
            [python, "-m", application, *arguments],
            stdout=self.log,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
        self.url = until(self._find_url, START_SECONDS, f"{application} to start")

    def _find_url(self) -> str | None:
        if self._process.poll() is not None:
            raise RuntimeError((self.folder / "lab.log").read_text()[-3000:])
        for file in self.runtime.glob("jpserver-*.json"):
            try:
                return str(json.loads(file.read_text())["url"])
            except (ValueError, KeyError):
                return None  # being written
        return None

    def request(self, method: str, path: str, body: object = None) -> Any:
        """Answer of the server's REST API; None if it is empty."""
        request = urllib.request.Request(
            f"{self.url}api/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {TOKEN}"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=START_SECONDS) as answer:
            content = answer.read()
        return json.loads(content) if content else None

    def end_session(self, name: str) -> None:
        """Shut down the kernel of a notebook if it is running."""
        for session in self.request("GET", "sessions"):
            if session["path"] == name:
                with suppress(urllib.error.HTTPError):  # the kernel is already dead
                    self.request("DELETE", f"sessions/{session['id']}")

    def connect(self, kernel: str) -> BlockingKernelClient:
        """Client of a running kernel, given by its id."""
        file = self.runtime / f"kernel-{kernel}.json"
        client = BlockingKernelClient(connection_file=str(file))
        client.load_connection_file()
        client.start_channels()
        client.wait_for_ready(timeout=60 * PATIENCE)
        return client

    def close(self) -> None:
        stop_group(self._process)
        self.log.close()


def stop_group(process: subprocess.Popen[bytes]) -> None:
    """End a process and its children; kill them if they have not ended after 20 seconds."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _ask_no_questions(settings: Path) -> None:
    file = settings / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    file.parent.mkdir(parents=True)
    file.write_text('{"fetchNews": "false", "checkForUpdates": false}')


@dataclass
class Notebook:
    """An open notebook: its page, its kernel and the errors in its console."""

    lab: Lab
    page: Page
    name: str
    console: list[str] = field(default_factory=list)
    _client: BlockingKernelClient | None = None

    @classmethod
    def open(cls, lab: Lab, page: Page, name: str, cells: list[str] | Path) -> Notebook:
        """Write cells as a notebook (or copy a file), open it and wait for its kernel."""
        notebook = cls(lab, page, name)
        notebook.write(cells)
        notebook.listen()
        notebook.load()
        return notebook

    def write(self, cells: list[str] | Path) -> None:
        """Write the notebook into the server's folder."""
        file = self.lab.folder / self.name
        if isinstance(cells, Path):
            shutil.copy(cells, file)
            return
        code = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
        book = {
            "cells": [{**code, "id": str(k), "source": cell} for k, cell in enumerate(cells)],
            "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        file.write_text(json.dumps(book), "utf-8")

    def listen(self) -> None:
        """Keep the errors of the page's console."""
        self.page.on("console", self._on_console)
        self.page.on("pageerror", self._on_error)

    def load(self) -> None:
        """(Re)load the page, and wait for the notebook and its kernel."""
        self.page.goto(f"{self.lab.url}{self.lab.tree}/{self.name}?token={TOKEN}&reset")
        self.wait_for_kernel()

    def wait_for_kernel(self) -> None:
        """Wait until the page shows this notebook and its kernel is idle."""
        self.page.wait_for_function(
            "(name) => { const panel = window.jupyterapp?.shell.currentWidget;"
            " return panel?.context?.path === name && panel.node.querySelector('.jp-Cell')"
            " && panel.sessionContext?.session?.kernel?.status === 'idle' }",
            arg=self.name,
            timeout=60_000 * PATIENCE,
        )

    def run_all(self, timeout: float = 120) -> None:
        """Run every cell, and wait until the last one ends (seconds)."""
        self.page.evaluate(
            "() => { window.ranAll = null;"
            " window.jupyterapp.commands.execute('notebook:run-all-cells')"
            ".then(() => { window.ranAll = true; }) }"
        )
        self.page.wait_for_function("() => window.ranAll", timeout=1000 * timeout * PATIENCE)

    def python(self, expression: str) -> Any:
        """Value of an expression in the notebook's kernel, sent as JSON."""
        reply = self.client.execute_interactive(
            "import json as _json",
            user_expressions={"value": f"_json.dumps({expression})"},
            timeout=60 * PATIENCE,
            output_hook=lambda _message: None,
        )
        value = reply["content"]["user_expressions"]["value"]
        if value["status"] != "ok":
            raise RuntimeError(f"{expression}: {value['ename']}: {value['evalue']}")
        return json.loads(eval(value["data"]["text/plain"]))  # the repr of a str, from our kernel

    def execute(self, code: str) -> None:
        """Run code in the notebook's kernel, outside its cells."""
        run(self.client, code)

    @property
    def client(self) -> BlockingKernelClient:
        if self._client is None:
            self._client = self.lab.connect(
                self.page.evaluate(
                    "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.id"
                )
            )
        return self._client

    def close(self) -> None:
        """Shut the kernel down and close the page."""
        self.detach()
        if self._client is not None:
            self._client.stop_channels()
        self.page.close()
        self.lab.end_session(self.name)

    def detach(self) -> None:
        """Stop listening to the page's console."""
        self.page.remove_listener("console", self._on_console)
        self.page.remove_listener("pageerror", self._on_error)

    def errors(self) -> list[str]:
        """Errors in the console, except those of JupyterLab itself."""
        return [line for line in self.console if not NOT_OURS.search(line)]

    def _on_console(self, message: Any) -> None:
        if message.type == "error":
            self.console.append(f"{message.text} ({message.location.get('url', '')})")

    def _on_error(self, error: Any) -> None:
        self.console.append(f"pageerror: {error}")


def run(client: BlockingKernelClient, code: str) -> None:
    """Run code in a kernel; an error there is an error here."""
    reply = client.execute_interactive(
        code, timeout=120 * PATIENCE, output_hook=lambda _message: None
    )
    if reply["content"]["status"] != "ok":
        raise RuntimeError("\n".join(reply["content"]["traceback"]))


def until(condition: Callable[[], Any], seconds: float, what: str) -> Any:
    """Wait for a true value of the condition and return it; TimeoutError after the seconds."""
    deadline = time.monotonic() + seconds * PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:g} s for {what}")
        time.sleep(0.02)
