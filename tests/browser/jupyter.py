"""A real JupyterLab and a real Chromium, and hands to use them with."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.blocking import BlockingKernelClient
from playwright.sync_api import Browser, Page, Playwright

TOKEN = "browser-tests"  # of a server on this machine's loopback only
# Factor on every time limit, for a machine that is busy with other work.
PATIENCE = float(os.environ.get("TSNE_WIDGET_PATIENCE", "1"))
START_SECONDS = 90
# Set it to see the browser: TSNE_WIDGET_HEADED=1 pytest tests/browser -k lasso
HEADED = bool(os.environ.get("TSNE_WIDGET_HEADED"))
SLOW_MILLISECONDS = 150  # between two gestures, so that eyes can follow

CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # WebGL in software, so that the map is drawn on a machine without a GPU
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
]
DEVELOPMENT = ("PYTHONDEVMODE", "PYTHONMALLOC")
# What JupyterLab itself logs in a closed network; everything else is ours to answer for.
NOT_OURS = re.compile(
    r"favicon|api/me|/lsp/|ResizeObserver loop|GPU stall|GroupMarkerNotSet|"
    r"extension-manager|jupyterlab/api/news|Failed to load resource.*(404|lab/api)"
)


def chromium(playwright: Playwright) -> str | None:
    """Path of a Chromium: of the system, or the one that Playwright has installed."""
    candidates = [
        os.environ.get("TSNE_WIDGET_CHROMIUM"),
        *map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome")),
        playwright.chromium.executable_path,
    ]
    return next((path for path in candidates if path and Path(path).exists()), None)


def launch(
    playwright: Playwright, *, headless: bool = not HEADED, arguments: Sequence[str] = ()
) -> Browser:
    """A browser. Without one the tests fail, they do not skip."""
    path = chromium(playwright)
    if path is None:
        raise RuntimeError("no Chromium found; run `make browser`, or set TSNE_WIDGET_CHROMIUM")
    return playwright.chromium.launch(
        executable_path=path,
        args=[*CHROMIUM_ARGUMENTS, *arguments],
        headless=headless,
        slow_mo=0 if headless else SLOW_MILLISECONDS,
    )


# Where an application opens a notebook, and what it is started with.
APPLICATIONS = {
    "jupyterlab": (
        "lab/tree",
        ["--LabApp.news_url=", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"],
    ),
    "notebook": ("notebooks", []),
}


class Lab:
    """A server of JupyterLab or Notebook over a folder of its own, without the user's settings.

    ``python`` is the interpreter that runs it and its kernels.
    """

    def __init__(
        self, folder: Path, application: str = "jupyterlab", python: str = sys.executable
    ) -> None:
        self.folder = folder
        self.tree, options = APPLICATIONS[application]
        self.runtime = folder / ".runtime"
        self.runtime.mkdir(parents=True)
        # The server and its kernels are not under test in development mode: see the Makefile.
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

    def close(self) -> None:
        os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self.log.close()


def _ask_no_questions(settings: Path) -> None:
    file = settings / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    file.parent.mkdir(parents=True)
    file.write_text('{"fetchNews": "false", "checkForUpdates": false}')


@dataclass
class Notebook:
    """An open notebook: its page, its kernel, and what its console said."""

    lab: Lab
    page: Page
    name: str
    console: list[str] = field(default_factory=list)
    _client: BlockingKernelClient | None = None

    @classmethod
    def open(cls, lab: Lab, page: Page, name: str, cells: list[str] | Path) -> Notebook:
        """Write the cells as a notebook (or copy one), open it, and wait for its kernel."""
        if isinstance(cells, Path):
            shutil.copy(cells, lab.folder / name)
        else:
            book = nbformat.v4.new_notebook(
                cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
                metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
            )
            nbformat.write(book, lab.folder / name)
        notebook = cls(lab, page, name)
        page.on("console", notebook._on_console)
        page.on("pageerror", lambda error: notebook.console.append(f"pageerror: {error}"))
        notebook.load()
        return notebook

    def load(self) -> None:
        """(Re)load the page and wait until notebook and kernel are there."""
        self.page.goto(f"{self.lab.url}{self.lab.tree}/{self.name}?token={TOKEN}&reset")
        self.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000 * PATIENCE)
        self.page.wait_for_function(
            "() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel"
            "?.status === 'idle'",
            timeout=60_000 * PATIENCE,
        )

    def run_all(self, timeout: float = 120) -> None:
        """Run every cell and wait until the kernel has done them all."""
        self.page.evaluate(
            "() => { window.ranAll = null;"
            " window.jupyterapp.commands.execute('notebook:run-all-cells')"
            ".then(() => { window.ranAll = true; }) }"
        )
        self.page.wait_for_function("() => window.ranAll", timeout=1000 * timeout * PATIENCE)

    def python(self, expression: str) -> Any:
        """The value of an expression in the notebook's kernel, by way of JSON."""
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
        reply = self.client.execute_interactive(
            code, timeout=120 * PATIENCE, output_hook=lambda _message: None
        )
        if reply["content"]["status"] != "ok":
            raise RuntimeError("\n".join(reply["content"]["traceback"]))

    @property
    def client(self) -> BlockingKernelClient:
        if self._client is None:
            files = sorted(self.lab.runtime.glob("kernel-*.json"), key=lambda f: f.stat().st_mtime)
            self._client = BlockingKernelClient(connection_file=str(files[-1]))
            self._client.load_connection_file()
            self._client.start_channels()
            self._client.wait_for_ready(timeout=60 * PATIENCE)
        return self._client

    def close(self) -> None:
        if self._client is not None:
            self._client.stop_channels()
        self.page.evaluate(
            "() => window.jupyterapp?.serviceManager.sessions.shutdownAll().catch(() => {})"
        )
        self.page.close()

    def errors(self) -> list[str]:
        """What the console reported as an error and is not JupyterLab's own."""
        return [line for line in self.console if not NOT_OURS.search(line)]

    def _on_console(self, message: Any) -> None:
        if message.type == "error":
            self.console.append(f"{message.text} ({message.location.get('url', '')})")


def until(condition: Callable[[], Any], seconds: float, what: str) -> Any:
    """The first true value of the condition; an error that says what was waited for in vain."""
    deadline = time.monotonic() + seconds * PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:g} s for {what}")
        time.sleep(0.02)
