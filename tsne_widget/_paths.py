"""Paths of pictures that stay valid in another working folder, or on another machine."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path, PurePath, PureWindowsPath

from tsne_widget.errors import InvalidInputError

# How an absolute path of Windows begins.
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


def absolute_paths(paths: Sequence[str]) -> list[str]:
    """The same paths, relative ones in the current folder if the first of them exists there.

    Other relative paths are names of another kind, such as those in an archive.
    """
    first = next((path for path in paths if path and not os.path.isabs(path)), None)  # noqa: PTH117
    if first is None or "://" in first or not os.path.exists(first):  # noqa: PTH110
        return list(paths)
    folder = os.getcwd()  # noqa: PTH109
    return [
        os.path.join(folder, path) if path and "://" not in path else path  # noqa: PTH118
        for path in paths
    ]


def moved_paths(paths: Sequence[str], root: str | os.PathLike[str]) -> list[str]:
    """The files at the same places below another folder.

    Parameters
    ----------
    paths : sequence of str
        Relative paths, or absolute ones of this or another machine.
    root : path
        The folder that has the files now. For each file, the longest tail of its path that exists
        below ``root`` is used; files of one folder share that tail's folder.

    Raises
    ------
    InvalidInputError
        If ``root`` is no folder, or has none of the files.
    """
    folder = Path(root).expanduser().absolute()
    if not folder.is_dir():
        raise InvalidInputError(f"root={os.fspath(root)!r} is not a folder; pass one that exists")
    parts = [_parts(path) for path in paths]
    cut: dict[tuple[str, ...], int] = {}  # folder of a file: how much of it is not below root
    moved = []
    last: int | None = None
    for path, names in zip(paths, parts, strict=True):
        if not names:
            moved.append(path)
            continue
        parent = names[:-1]
        if parent not in cut:
            found = _cut(folder, names, last)
            if found is None:
                moved.append(path)
                continue
            cut[parent] = last = found
        moved.append(str(folder.joinpath(*names[cut[parent] :])))
    if last is None:
        example = next(path for path in (*paths, "") if path or not any(paths))
        raise InvalidInputError(
            f"root={str(folder)!r} has none of the pictures, such as {example!r}; pass the folder "
            "in which that path, or an end of it, exists"
        )
    return moved


def _parts(path: str) -> tuple[str, ...]:
    """The names in a path, without a drive or leading slash; also of a path of Windows."""
    is_of_windows = ("\\" in path and "/" not in path) or _DRIVE.match(path)
    pure = PureWindowsPath(path) if is_of_windows else PurePath(path)
    return pure.parts[1:] if pure.anchor else pure.parts


def _cut(folder: Path, names: tuple[str, ...], last: int | None) -> int | None:
    """How many leading names to leave out, so that the file exists; None if it does not."""
    cuts = list(range(len(names)))
    if last is not None and last < len(names):
        cuts.insert(0, last)  # that of the file before
    for cut in cuts:
        if folder.joinpath(*names[cut:]).exists():
            return cut
    return None
