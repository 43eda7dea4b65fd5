"""Names of written files: valid on Windows, on macOS and in long folders."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

import numpy as np
import pytest

from tests.extraction.nets import Pictures, ResNet, made
from tests.faults.attacks import TEXTS
from tsne_widget import FeatureSet, _atomic, extract

RESERVED = {
    "con",
    "prn",
    "aux",
    "nul",
    *(f"{port}{n}" for port in ("com", "lpt") for n in range(10)),
}
# Windows allows 260 characters per path: leave room for the user's folder.
MAX_CHARACTERS = 60


@pytest.fixture
def written(monkeypatch):
    """Names of all files and folders that are created or renamed."""
    names: list[str] = []

    def noting(function):
        def call(path, *arguments, **options):
            names.append(os.fspath(path))
            if arguments and isinstance(arguments[0], (str, os.PathLike)):
                names.append(os.fspath(arguments[0]))
            return function(path, *arguments, **options)

        return call

    for function in ("replace", "rename", "link", "mkdir"):
        monkeypatch.setattr(os, function, noting(getattr(os, function)))
    return names


def test_every_written_file_name_is_valid_on_every_system(tmp_path, written):
    names = list(dict.fromkeys(TEXTS))
    n = len(names)
    FeatureSet.from_arrays(
        np.eye(n), np.arange(n), class_names=names, paths=names, layer="CON/../<layer>:0|?*"
    ).save(tmp_path / "saved")
    extract(
        made(ResNet), Pictures(12), batch_size=4, store=tmp_path / "store", progress=False,
        class_names=["CON", "a:b", "../x"],
    )  # fmt: skip
    inside = [path.relative_to(tmp_path) for path in tmp_path.rglob("*")]
    inside += [Path(name).relative_to(tmp_path) for name in written if str(tmp_path) in name]
    assert len(inside) > 10
    for path in inside:
        assert len(str(path)) <= MAX_CHARACTERS + 40, path
        for part in path.parts:
            assert re.fullmatch(r"[A-Za-z0-9._-]+", part), part
            assert not part.endswith((".", " "))
            assert part.split(".")[0].lower() not in RESERVED
            assert len(part) <= MAX_CHARACTERS
    present = [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")]
    assert len({name.lower() for name in present}) == len(present)


@contextlib.contextmanager
def on_windows(monkeypatch, replace):
    """Only for this block, because pathlib and pytest also read the name of the system."""
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", replace)
        patch.setattr(_atomic.time, "sleep", lambda _seconds: None)
        patch.setattr(os, "name", "nt")
        yield


def test_replacing_a_file_that_windows_keeps_open_is_retried(tmp_path, monkeypatch):
    target = tmp_path / "manifest.json"
    target.write_bytes(b"old")
    replace, refused = os.replace, [PermissionError(13, "in use")] * 3

    def held(source, target):
        if refused:
            raise refused.pop()
        return replace(source, target)

    new = tmp_path / "new"
    new.write_bytes(b"new")
    with on_windows(monkeypatch, held):
        _atomic._replace(new, target)
    assert target.read_bytes() == b"new"


def test_a_folder_whose_files_windows_keeps_open_is_replaced_by_retries(tmp_path, monkeypatch):
    new, old = tmp_path / "new", tmp_path / "saved"
    new.mkdir()
    old.mkdir()
    (new / "file").write_bytes(b"new")
    replace, refused = os.replace, [PermissionError(13, "in use")] * 3

    def held(source, target):
        if refused:
            raise refused.pop()
        return replace(source, target)

    monkeypatch.setattr(_atomic, "flush_folder", lambda _folder: None)
    with on_windows(monkeypatch, held):
        _atomic._put_in_place(new, old)
    assert [path.name for path in tmp_path.iterdir()] == ["saved"]
    assert (old / "file").read_bytes() == b"new"


def test_retries_of_a_replacement_are_limited(tmp_path, monkeypatch):
    def held(_source, _target):
        raise PermissionError(13, "in use")

    with pytest.raises(PermissionError), on_windows(monkeypatch, held):
        _atomic._replace(tmp_path / "a", tmp_path / "b")
