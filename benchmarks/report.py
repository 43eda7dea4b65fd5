"""Tables that the benchmarks print, and with ``--record`` write into README.md.

A script declares each table once, and its rows are printed as they are measured::

    FILES = Table("share-files", "rows | MB | write, s")

    with FILES as row:
        row("3,589", "3.6", "0.7")

The name begins with that of the script. README.md has a block of the same name, between
``<!-- --8<-- [start:share-files] -->`` and ``<!-- --8<-- [end:share-files] -->``, which pages of
docs/ can include. ``--record`` replaces the block by the table and the line below it, which states
the date, the machine, the versions, the load and the command.
"""

from __future__ import annotations

import argparse
import platform
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from importlib import metadata
from pathlib import Path

import psutil

README = Path(__file__).with_name("README.md")
# Versions that the line names besides those of the table's packages.
VERSIONS: dict[str, str] = {}
# Before the benchmark itself adds to the load of the last minute.
STARTED, LOAD = datetime.now(), psutil.getloadavg()[0]
RECORD = "--record"


class Table:
    """A table of README.md.

    Parameters
    ----------
    name : str
        Name of its block: the script's, a hyphen, and the table's.
    columns : str
        Titles, with `` | `` between them.
    packages : sequence of str, optional
        Distributions whose versions the numbers depend on, besides torch.
    file : Path, optional
        Results of earlier runs. The table then states the date of this file, and no versions.
    """

    def __init__(
        self, name: str, columns: str, packages: Sequence[str] = (), file: Path | None = None
    ) -> None:
        self.name, self.columns = name, columns
        self.packages, self.file = packages, file
        self._lines: list[str] = []

    @property
    def width(self) -> int:
        """Number of columns."""
        return self.columns.count("|") + 1

    @property
    def head(self) -> str:
        """The titles, and the line below them."""
        return f"| {self.columns} |\n{'|---' * self.width}|"

    def __enter__(self) -> Callable[..., None]:
        """Print the titles; returns the function that prints a row."""
        self._lines = []
        self._print(f"\n{self.head}")
        return self.row

    def row(self, *cells: object) -> None:
        """Print a row; missing cells are empty."""
        if len(cells) > self.width:
            raise ValueError(f"{self.name} has {self.width} columns, got {len(cells)} cells")
        empty = [""] * (self.width - len(cells))
        self._print(f"| {' | '.join(map(str, [*cells, *empty]))} |")

    def __exit__(self, error: object, *_details: object) -> None:
        """Print the line below the table, and record both unless an error occurred."""
        if error is not None:
            return
        self._print(f"\n{self.measured()}")
        if RECORD in sys.argv:
            text = "\n".join(self._lines).strip()
            README.write_text(replaced(README.read_text("utf-8"), self.name, text), "utf-8")

    def measured(self) -> str:
        """When, where and with what the table was measured."""
        if self.file is not None:
            when = datetime.fromtimestamp(self.file.stat().st_mtime)
            return (
                f"Measured until {when:%Y-%m-%d}, {machine()}, versions and load not "
                f"recorded: `{command()}`."
            )
        versions = {"Python": platform.python_version(), **VERSIONS}
        versions |= {name: version(name) for name in ("torch", *self.packages)}
        named = ", ".join(f"{name} {number}" for name, number in versions.items())
        return (
            f"Measured on {STARTED:%Y-%m-%d}, {machine()}, {named}, load {LOAD:.1f} at the start: "
            f"`{command()}`."
        )

    def _print(self, text: str) -> None:
        self._lines.append(text)
        print(text, flush=True)


def replaced(page: str, name: str, text: str) -> str:
    """The page with another text in a block.

    Raises
    ------
    ValueError
        If the page has no such block.
    """
    start, end = (f"<!-- --8<-- [{edge}:{name}] -->\n" for edge in ("start", "end"))
    before, found, rest = page.partition(start)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise ValueError(f"README.md has no block {name!r}; add the lines {start!r} and {end!r}")
    return f"{before}{start}{text}\n{end}{after}"


def machine() -> str:
    """Architecture, cores, memory and GPU."""
    import torch  # at the end of a benchmark, so that it adds to no measurement

    memory = psutil.virtual_memory().total / 2**30
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    return f"{platform.machine()}, {psutil.cpu_count()} cores, {memory:.0f} GiB, {gpu}"


def version(package: str) -> str:
    """Version of an installed distribution, or "absent"."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "absent"


def command() -> str:
    """The command that runs this process; folders of this machine are left out."""
    given = (argument for argument in sys.argv[1:] if argument != RECORD)
    words = [Path(word).name if word.startswith("/") else word for word in given]
    return shlex.join(["python", "-m", f"benchmarks.{Path(sys.argv[0]).stem}", *words])


def parser(doc: str | None) -> argparse.ArgumentParser:
    """A parser of the command line that describes itself by a module's docstring."""
    options = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument(RECORD, action="store_true", help="write the tables into README.md")
    return options


def numbers(doc: str | None, default: Sequence[int]) -> list[int]:
    """Numbers of the command line, or the default ones."""
    options = parser(doc)
    options.add_argument("numbers", type=int, nargs="*", default=default)
    return list(options.parse_args().numbers)


def run_sections(doc: str | None, sections: Mapping[str, Callable[[], None]]) -> None:
    """Run the sections that the command line names, or all."""
    options = parser(doc)
    options.add_argument("sections", nargs="*", help=", ".join(sections))
    names = options.parse_args().sections
    if unknown := [name for name in names if name not in sections]:
        options.error(f"unknown sections {unknown}; there are {', '.join(sections)}")
    for name in names or sections:
        sections[name]()
