"""A picture that is replaced is noticed, or the run says what the store cannot see."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
import torch
from torch.utils.data import ConcatDataset, Dataset, Subset

from tests.extraction.nets import CLASSES, Pictures, ResNet, made
from tsne_widget import extract
from tsne_widget.errors import DoubtWarning

N, AT = 20, 13
X = Pictures(N).x.numpy()
CODES = [index % CLASSES for index in range(N)]


def run(data, folder, **options):
    return extract(made(ResNet), data, store=folder, batch_size=4, progress=False, **options)


@pytest.fixture(autouse=True)
def _fast(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)  # for speed: the power does not fail


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for index in range(N):
        np.save(folder / f"{index}.npy", X[index])
    return folder


class Files(Dataset):
    """Pictures in files, whose names are in an attribute of any name."""

    def __init__(self, **attributes):
        self.__dict__.update(attributes)

    def __len__(self):
        return N

    def __getitem__(self, index):
        return torch.from_numpy(np.load(self.path(index), allow_pickle=False)), index % CLASSES

    def path(self, index):
        return self.files[index]


class Paths(Files):
    def path(self, index):
        return self.paths[index]


class Framed(Files):
    def path(self, index):
        return Path(self.root) / self.table["file"].iloc[index]


class Numbered(Files):
    def path(self, index):
        return self.image_dir / f"{self.numbers[index]}.npy"


class Records(Files):
    def path(self, index):
        return self.records[index]["path"]


class Pairs(Files):
    def path(self, index):
        return self.pairs[index][1]


class Keys(Files):
    def path(self, index):
        return list(self.labels)[index]


class Objects(Files):
    def path(self, index):
        return self.entries[index].path


class Entry(NamedTuple):
    code: int
    path: Path


class Made(Files):
    """Only the folder is known; the names are made up."""

    def path(self, index):
        return self.root / f"{index}.npy"


class Archive(Files):
    def __getitem__(self, index):
        with np.load(self.file, allow_pickle=False) as archive:
            return torch.from_numpy(archive["x"][index]), index % CLASSES


class Wrapper(Dataset):
    def __init__(self, inner):
        self.source = inner

    def __len__(self):
        return len(self.source)

    def __getitem__(self, index):
        return self.source[index]


def paths(root, kind=str):
    return [kind(root / f"{index}.npy") for index in range(N)]


def files(root):
    return Files(files=paths(root))


FORMS = {
    "files": files,
    "paths": lambda root: Paths(paths=paths(root, Path)),
    "array of paths": lambda root: Files(files=np.array(paths(root))),
    "tuple of paths": lambda root: Files(files=tuple(paths(root))),
    "series": lambda root: Framed(table={"file": pd.Series(paths(root))}, root=""),
    "frame": lambda root: Framed(table=pd.DataFrame({"file": paths(root)}), root=""),
    "frame of names": lambda root: Framed(
        table=pd.DataFrame({"file": [f"{index}.npy" for index in range(N)]}), root=str(root)
    ),
    "names without ending": lambda root: Numbered(
        numbers=[f"{i}" for i in range(N)], image_dir=root
    ),
    "pairs": lambda root: Pairs(pairs=list(zip(CODES, paths(root), strict=True))),
    "records": lambda root: Records(records=[{"n": 1, "path": path} for path in paths(root)]),
    "named tuples": lambda root: Pairs(
        pairs=[Entry(*pair) for pair in zip(CODES, paths(root, Path), strict=True)]
    ),
    "objects": lambda root: Objects(entries=[SimpleNamespace(path=path) for path in paths(root)]),
    "keys": lambda root: Keys(labels=dict(zip(paths(root), CODES, strict=True))),
    "folder": lambda root: Made(root=root),
    "archive": lambda root: Archive(file=_archived(root)),
    "Subset": lambda root: Subset(files(root), range(2, N)),
    "ConcatDataset": lambda root: ConcatDataset([Subset(files(root), [0, 1]), files(root)]),
    "wrapper": lambda root: Wrapper(files(root)),
    "wrapped Subset": lambda root: Wrapper(Subset(files(root), range(2, N))),
}


def _archived(root):
    np.savez(root / "all.npz", x=X)
    return root / "all.npz"


@pytest.mark.parametrize("form", FORMS)
def test_a_file_replaced_in_place_gives_new_features(root, tmp_path, form):
    data = FORMS[form](root)
    before = run(data, tmp_path / "store")
    same = run(data, tmp_path / "store")
    assert (before.features == same.features).all()
    assert len(list((tmp_path / "store").iterdir())) == 1
    replaced = X.copy()
    replaced[AT] = 1
    if form == "archive":
        np.savez(root / "all.npz", x=replaced)
        os.utime(root / "all.npz", ns=(1, 1))
    else:
        np.save(root / f"{AT}.npy", replaced[AT])
        os.utime(root / f"{AT}.npy", ns=(1, 1))
    after = run(data, tmp_path / "store")
    changed = np.flatnonzero((before.features != after.features).any(axis=1))
    assert changed.tolist() == [
        {"Subset": 11, "wrapped Subset": 11, "ConcatDataset": 15}.get(form, AT)
    ]


class Arrays(Dataset):
    def __init__(self, **attributes):
        self.__dict__.update(attributes)

    def __len__(self):
        return N

    def __getitem__(self, index):
        (values,) = self.__dict__.values()
        return torch.as_tensor(values[index]), index % CLASSES


ARRAYS = {
    "array as data": lambda x: x,
    "tensor as data": torch.from_numpy,
    "list of samples": lambda x: [(torch.from_numpy(x[index]), CODES[index]) for index in range(N)],
    "pair": lambda x: (x, np.array(CODES)),
    "attribute": lambda x: Arrays(pictures=x),
    "list of arrays": lambda x: Arrays(pictures=list(x)),
    "wrapper": lambda x: Wrapper(Arrays(pictures=x)),
}


@pytest.mark.parametrize("form", ARRAYS)
def test_a_changed_picture_in_memory_gives_new_features(tmp_path, form):
    x = X.copy()
    data = ARRAYS[form](x)
    before = run(data, tmp_path)
    assert (run(data, tmp_path).features == before.features).all()
    assert len(list(tmp_path.iterdir())) == 1
    x[AT] += 1
    after = run(data, tmp_path)
    changed = np.flatnonzero((before.features != after.features).any(axis=1))
    assert changed.tolist() == [AT]


class Generated(Dataset):
    """Neither files nor arrays."""

    def __len__(self):
        return N

    def __getitem__(self, index):
        generator = torch.Generator().manual_seed(index)
        return torch.randn(3, 8, 8, generator=generator), index % CLASSES


def test_what_the_store_cannot_see_is_said_once_in_a_note(tmp_path):
    with pytest.warns(DoubtWarning, match="the pictures of Generated change") as caught:
        found = run(Generated(), tmp_path)
    assert len(caught) == 1
    assert len(found.notes) == 1
    assert "pass dataset_key=" in found.notes[0]
    assert found.labels.tolist() == CODES


def test_with_a_key_of_the_caller_there_is_no_note(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert run(Generated(), tmp_path, dataset_key="v1").notes == ()


def test_files_that_are_left_out_are_said(root, tmp_path, monkeypatch):
    monkeypatch.setattr("tsne_widget.extraction.store.files.MAX_FILES", 15)
    with pytest.warns(DoubtWarning, match=r"of 10 of the 20 files; pass dataset_key="):
        run(files(root), tmp_path / "store")
