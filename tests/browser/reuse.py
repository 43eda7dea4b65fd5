"""Pages and kernels that several notebooks use, one after the other.

Loading JupyterLab and importing torch take more time than most tests. A closed notebook therefore
returns its page and its kernel; the next notebook gets them with every document closed, every
widget closed and no names.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from jupyter_client.blocking import BlockingKernelClient
from playwright.sync_api import Browser, Page

from tests.browser.jupyter import Lab, Notebook, run

# JupyterLab keeps something of each notebook.
USES_OF_A_PAGE = 12

_RESET = """
import ipywidgets
ipywidgets.Widget.close_all()
get_ipython().run_line_magic("reset", "-f")
"""
_CLOSE_DOCUMENTS = """() => {
  for (const tab of [...window.jupyterapp.shell.widgets("main")]) tab.dispose();
}"""
_OPEN_DOCUMENT = """(path) => window.jupyterapp.commands.execute(
  "docmanager:open", { path, factory: "Notebook" }).then(() => null)"""
_LIGHT = """() => window.jupyterapp.commands.execute(
  "apputils:change-theme", { theme: "JupyterLab Light" })"""


class Kernel:
    """A kernel whose session moves from notebook to notebook."""

    def __init__(self, lab: Lab, name: str) -> None:
        kind = {"name": "python3"}
        session = lab.request(
            "POST", "sessions", {"path": name, "name": name, "type": "notebook", "kernel": kind}
        )
        self._lab, self._session, self._id = lab, session["id"], session["kernel"]["id"]

    @cached_property
    def client(self) -> BlockingKernelClient:
        """Connection to the kernel, once it is idle."""
        return self._lab.connect(self._id)

    def move(self, name: str) -> None:
        self._lab.request("PATCH", f"sessions/{self._session}", {"path": name, "name": name})

    def reset(self) -> None:
        run(self.client, _RESET)


@dataclass
class _Loaded:
    """A page with JupyterLab in it, and the script that runs before the page's own."""

    page: Page
    script: str
    uses: int = 0

    def clear(self) -> None:
        """Close every document.

        Chromium keeps 16 WebGL contexts of a page. A closed map keeps its own until it is
        collected.
        """
        self.uses += 1
        self.page.evaluate(_CLOSE_DOCUMENTS)
        self.page.mouse.move(0, 0)
        self.page.context.new_cdp_session(self.page).send("HeapProfiler.collectGarbage")


@dataclass
class _Borrowed:
    """An open notebook and what it returns; None is closed with it."""

    notebook: Notebook
    loaded: _Loaded | None
    kernel: Kernel | None


class Desk:
    """Opens notebooks in pages and kernels that are free, or in new ones."""

    def __init__(self, lab: Lab, browser: Browser) -> None:
        self._lab = lab
        self._context = browser.new_context()  # its pages share a cache
        self._pages: list[_Loaded] = []
        self._kernels: list[Kernel] = []
        self._opened: list[_Borrowed] = []

    def __len__(self) -> int:
        """How many notebooks are open."""
        return len(self._opened)

    def open(
        self,
        name: str,
        cells: list[str] | Path,
        *,
        size: tuple[int, int],
        script: str,
        fresh: bool = False,
        mortal: bool = False,
    ) -> Notebook:
        """Open a notebook.

        Parameters
        ----------
        size : tuple of int
            Width and height of the window, pixels.
        script : str
            Runs before the page's own scripts.
        fresh : bool
            Use a new page and a new kernel, and use them once.
        mortal : bool
            Use a new kernel, and use it once.
        """
        reused = None if fresh else self._page_with(script)
        page = reused.page if reused else self._context.new_page()
        page.bring_to_front()  # Chromium draws the page of another tab about once a second
        page.set_viewport_size({"width": size[0], "height": size[1]})
        notebook = Notebook(self._lab, page, name)
        notebook.write(cells)
        notebook.listen()
        kernel = None if fresh or mortal else self._kernel_for(name)
        if reused:
            page.evaluate(_OPEN_DOCUMENT, name)
            notebook.wait_for_kernel()
        else:
            page.add_init_script(script)
            notebook.load()
        page.evaluate(_LIGHT)
        if kernel:
            notebook._client = kernel.client
        loaded = None if fresh else reused or _Loaded(page, script)
        self._opened.append(_Borrowed(notebook, loaded, kernel))
        return notebook

    def _page_with(self, script: str) -> _Loaded | None:
        for loaded in self._pages:
            if loaded.script == script:
                self._pages.remove(loaded)
                return loaded
        return None

    def _kernel_for(self, name: str) -> Kernel:
        if not self._kernels:
            return Kernel(self._lab, name)
        kernel = self._kernels.pop()
        kernel.move(name)
        return kernel

    def close_after(self, count: int, *, failed: bool) -> None:
        """Close all but the first `count` notebooks; after a failed test nothing is reused.

        Raises
        ------
        AssertionError
            A console has errors.
        """
        self._close(self._opened[count:], failed=failed)

    def close(self, notebook: Notebook, *, failed: bool) -> None:
        """Close one notebook; errors as above."""
        self._close([one for one in self._opened if one.notebook is notebook], failed=failed)

    def _close(self, closing: list[_Borrowed], *, failed: bool) -> None:
        errors = []
        for borrowed in reversed(closing):
            self._opened.remove(borrowed)
            errors += borrowed.notebook.errors()
            if failed:
                borrowed.notebook.close()
            else:
                self._give_back(borrowed)
        if self._opened:
            self._opened[-1].notebook.page.bring_to_front()
        assert not errors, f"the page's console reported: {errors}"

    def _give_back(self, borrowed: _Borrowed) -> None:
        notebook, loaded, kernel = borrowed.notebook, borrowed.loaded, borrowed.kernel
        notebook.detach()
        if loaded is not None and loaded.uses < USES_OF_A_PAGE:
            loaded.clear()
            self._pages.append(loaded)
        else:
            notebook.page.close()
        if kernel is not None:
            kernel.reset()
            self._kernels.append(kernel)
        else:
            self._lab.end_session(notebook.name)
