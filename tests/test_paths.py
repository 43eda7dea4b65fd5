"""Paths of pictures after a change of folder, and on another machine."""

import numpy as np
import pytest
from PIL import Image

from tsne_widget import EmbeddingExplorer, FeatureSet, InvalidInputError, StoreError
from tsne_widget.errors import DoubtWarning, ImageError
from tsne_widget.images import FileImages, images_of

N = 12
NAMES = [f"c{number % 2}/{number}.png" for number in range(N)]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder with N grey pictures at NAMES, next to an empty folder "elsewhere"."""
    here = tmp_path / "here"
    for number, name in enumerate(NAMES):
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (3, 3), number).save(here / name)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(here)
    return here


def levels(source):
    return [source.image(id_).getpixel((0, 0)) for id_ in range(N)]


def test_relative_paths_are_kept_absolute(folder, monkeypatch):
    record = FeatureSet.from_arrays(np.eye(N), paths=NAMES)
    files = FileImages(NAMES)
    monkeypatch.chdir(folder.parent / "elsewhere")
    assert record.paths[0] == str(folder / NAMES[0])
    assert levels(images_of(record)) == levels(files) == list(range(N))


def test_names_that_are_no_files_here_stay_as_they_are(folder):
    names = ("s3://bucket/1.png", "a.zip/2.png", "3.png")
    assert FeatureSet.from_arrays(np.eye(3), paths=names).paths == names


@pytest.mark.parametrize(
    "old",
    [
        "/home/me/data/here",
        "C:\\Users\\me\\here",
        "C:\\Users/me\\here",
        "",
        "/home/me/data/old/here",
    ],
)
def test_root_finds_the_files_of_another_machine(folder, tmp_path, old):
    separator = "\\" if old.endswith("\\here") else "/"
    paths = [separator.join(filter(None, [old, *name.split("/")])) for name in NAMES]
    FeatureSet(
        np.eye(N), paths=[f"/{path.lstrip('/')}" if old[:1] == "/" else path for path in paths]
    ).save(tmp_path / "record")
    for root in (folder, folder.parent) if old else (folder,):
        loaded = FeatureSet.load(tmp_path / "record", root=root)
        assert loaded.paths == tuple(str(folder / name) for name in NAMES)


def test_a_root_without_the_files_is_refused_with_a_path(folder, tmp_path):
    FeatureSet(np.eye(N), paths=[f"/gone/{name}" for name in NAMES]).save(tmp_path / "record")
    with pytest.raises(InvalidInputError, match=r"/gone/c0/0\.png"):
        FeatureSet.load(tmp_path / "record", root=tmp_path / "elsewhere")
    with pytest.raises(InvalidInputError, match="is not a folder"):
        FeatureSet.load(tmp_path / "record", root=tmp_path / "missing")


def test_a_moved_exploration_is_loaded_with_its_pictures(folder, tmp_path):
    record = FeatureSet.from_arrays(np.eye(N), paths=NAMES)
    with EmbeddingExplorer(record, embedding=np.eye(N)[:, :2]) as explorer:
        explorer.save(tmp_path / "saved")
    folder.rename(tmp_path / "moved")
    with EmbeddingExplorer.load(tmp_path / "saved", root=tmp_path / "moved") as explorer:
        assert levels(explorer._images) == list(range(N))
        explorer.copy_images(tmp_path / "copies", "all", progress=False)
    with EmbeddingExplorer.load(tmp_path / "saved") as explorer:
        with pytest.raises(ImageError, match=r"directory: 0\.png"):
            explorer._images.image(0)
        with pytest.warns(DoubtWarning, match=r"12 of 12 pictures could not .*pass root= to load"):
            explorer.copy_images(tmp_path / "none", "all", progress=False)


def test_a_damaged_exploration_is_a_store_error_with_any_root(tmp_path):
    with pytest.raises(StoreError, match="not a saved exploration"):
        EmbeddingExplorer.load(tmp_path, root=tmp_path)


def test_an_exploration_is_not_called_damaged_for_a_wrong_root(folder, tmp_path):
    record = FeatureSet.from_arrays(np.eye(N), paths=NAMES)
    with EmbeddingExplorer(record, embedding=np.eye(N)[:, :2]) as explorer:
        explorer.save(tmp_path / "saved")
    with pytest.raises(InvalidInputError, match=r"^root='.*missing' is not a folder"):
        EmbeddingExplorer.load(tmp_path / "saved", root=tmp_path / "missing")
