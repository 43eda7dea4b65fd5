"""Exported files: complete or absent, no formulas, nothing overwritten."""

import csv
import os
import sys
import time

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tsne_widget import EmbeddingExplorer, FeatureSet, InvalidInputError, StoreError
from tsne_widget.errors import DoubtWarning

N = 12
CODES = np.arange(N) % 3


def make_explorer(**options) -> EmbeddingExplorer:
    rng = np.random.default_rng(0)
    record = FeatureSet.from_arrays(
        rng.normal(size=(N, 4)),
        CODES,
        logits=rng.normal(size=(N, 3)),
        class_names=["cat", "-dog", "owl"],
        **{name: options.pop(name) for name in ("ids", "paths") if name in options},
    )
    return EmbeddingExplorer(record, embedding=rng.normal(size=(N, 2)), **options)


@pytest.fixture
def explorer():
    with make_explorer(columns={"age": np.arange(N) - 3}) as opened:
        yield opened


def manifest_of(folder) -> list[dict[str, str]]:
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# ---- export ----


def test_csv_file_contains_the_frame(explorer, tmp_path):
    explorer.select([2, 5])
    explorer.name_selection("few")
    path = explorer.export(tmp_path / "deep" / "few.csv")
    frame, read = explorer.to_dataframe(), pd.read_csv(path)
    assert read.columns.tolist() == ["id", *frame.columns]
    assert read["id"].tolist() == [2, 5]
    assert read["selection"].tolist() == ["few", "few"]
    assert read["age"].tolist() == [-1, 2]  # a negative number is not a formula
    assert np.allclose(read["confidence"], frame["confidence"])
    assert len(
        pd.read_csv(explorer.export(tmp_path / "all.CSV", "all", features=True)).columns
    ) == (1 + len(frame.columns) + 4)
    explorer.clear()
    assert pd.read_csv(explorer.export(path)).columns.tolist() == read.columns.tolist()


def test_parquet_file_contains_the_frame_with_its_index(explorer, tmp_path):
    pytest.importorskip("pyarrow")
    frame = explorer.to_dataframe("all")
    read = pd.read_parquet(explorer.export(tmp_path / "all.parquet", "all"))
    pd.testing.assert_frame_equal(read, frame, check_dtype=False)
    assert str(read["label"].dtype) == "Int64"
    assert str(read["confidence"].dtype) == "float32"


FORMULAS = [
    "=cmd()",
    "+1",
    "-1+1|cmd",
    "@SUM(A1)",
    "\t=1",
    " =1",
    "a=b",
    "x-1",
    "7",
    "=\u20ac",
    "é",
]


def test_no_text_of_the_data_becomes_a_formula_in_csv(tmp_path):
    paths = [*FORMULAS, os.fsdecode(b"caf\xe9.png")]
    with make_explorer(paths=paths, columns={"=evil()": np.zeros(N)}) as explorer:
        path = explorer.export(tmp_path / "all.csv", "all")
        with path.open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
        cells = [cell for row in [header, *rows] for cell in row]
        texts = [cell for cell in cells if not cell.lstrip("-").replace(".", "").isdigit()]
        numbers = {"e-"}  # for floats in scientific notation
        assert [t for t in texts if t.strip()[:1] in tuple("=+-@") and not numbers & {t}] == []
        column = [row[header.index("path")] for row in rows]
        assert column[:8] == ["'=cmd()", "'+1", "'-1+1|cmd", "'@SUM(A1)", "'\t=1", "' =1", "a=b",
                              "x-1"]  # fmt: skip
        assert column[-1] == "caf\\udce9.png"
        assert {row[header.index("label_name")] for row in rows} == {"cat", "'-dog", "owl"}
        assert header[-1] == "'=evil()"
        assert explorer.to_dataframe("all")["path"].tolist() == paths  # the frame keeps raw data


def test_undecodable_names_are_escaped_in_parquet(tmp_path):
    pytest.importorskip("pyarrow")
    paths = [*FORMULAS, os.fsdecode(b"caf\xe9.png")]
    with make_explorer(paths=paths) as explorer:
        read = pd.read_parquet(explorer.export(tmp_path / "all.parquet", "all"))
    assert read["path"].tolist() == [*FORMULAS, "caf\\udce9.png"]


def test_another_suffix_or_a_missing_pyarrow_names_the_remedy(explorer, tmp_path, monkeypatch):
    with pytest.raises(InvalidInputError, match=r"path .* got 'all\.xlsx'"):
        explorer.export(tmp_path / "all.xlsx")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InvalidInputError, match=r'pip install "tsne-widget\[parquet\]"'):
        explorer.export(tmp_path / "all.parquet")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_failed_export_keeps_the_old_file(explorer, tmp_path, monkeypatch, suffix):
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    path = explorer.export(tmp_path / f"all{suffix}", "all")
    before = path.read_bytes()

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    explorer.select([1])
    with pytest.raises(StoreError, match=r"cannot write .*No space left"):
        explorer.export(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


# ---- pictures ----


@pytest.fixture
def files(tmp_path):
    """Five picture files: one truncated, one missing, and one that is not a picture."""
    folder = tmp_path / "source"
    folder.mkdir()
    paths = [folder / name for name in ("a.png", "b b.JPG", "cut.png", "gone.png", "..=x.odd")]
    for number, path in enumerate(paths):
        kind = "JPEG" if number == 1 else "PNG"
        pixels = np.random.default_rng(number).integers(0, 255, (10, 20, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path, kind)
    paths[2].write_bytes(paths[2].read_bytes()[:300])
    paths[3].unlink()
    text = folder / "text.png"
    text.write_text("not a picture")
    return [*paths, text]


def test_picture_files_are_copied_unchanged_and_bad_ones_are_listed(files, tmp_path):
    order = [files[row % len(files)] for row in range(N)]
    with make_explorer(images=order) as explorer:
        explorer.select([0, 1, 2, 3, 4, 5])
        with pytest.warns(DoubtWarning, match="3 of 6 pictures could not be copied"):
            folder = explorer.copy_images(tmp_path / "copied")
        frame = explorer.to_dataframe()
    names = ["0-a.png", "1-b_b.jpg", "", "", "4-x.png", ""]
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [*filter(None, names), "manifest.csv"]
    )
    for source, name in zip(files, names, strict=True):
        if name:
            assert (folder / name).read_bytes() == source.read_bytes()
    manifest = manifest_of(folder)
    assert [line["id"] for line in manifest] == [str(id_) for id_ in range(6)]
    assert [line["file"] for line in manifest] == names
    assert [bool(line["reason"]) for line in manifest] == [not name for name in names]
    assert manifest[3]["reason"].startswith("no such file or directory: ")
    assert {line["label_name"] for line in manifest} == {"cat", "'-dog", "owl"}
    assert [line["label"] for line in manifest] == frame["label"].astype(str).tolist()
    assert [line["prediction"] for line in manifest] == frame["prediction"].astype(str).tolist()
    assert list(manifest[0]) == [
        "id", "file", "reason", "label", "label_name", "prediction", "prediction_name",
        "confidence", "misclassified", "source",
    ]  # fmt: skip


def test_arrays_are_written_as_png_by_their_ids(tmp_path):
    pictures = np.zeros((200, 6, 5), dtype=np.uint8)
    pictures[:, 0, 0] = np.arange(200)
    pictures[0, 1, 1] = 255
    with make_explorer(images=pictures, ids=np.arange(N) * 17) as explorer:
        folder = explorer.copy_images(tmp_path / "copied", "all")
    assert sorted(path.name for path in folder.glob("*.png")) == [
        f"{id_:03}.png" for id_ in range(0, N * 17, 17)
    ]
    for id_ in (0, 17, 187):
        with Image.open(folder / f"{id_:03}.png") as picture:
            assert np.array_equal(np.asarray(picture), pictures[id_])


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "F", "I", "I;16", "HSV"]
)
def test_pictures_of_any_mode_of_a_users_source_are_written(tmp_path, mode):
    class Source:
        path = "not a method"

        def __len__(self):
            return N

        def image(self, id):  # noqa: A002
            if id == 1:
                raise RuntimeError("the archive /secret/folder/a.zip is broken")
            return Image.new(mode, (4, 3))

        def caption(self, id):  # noqa: A002
            return ""

    with make_explorer(images=Source()) as explorer:
        explorer.select([0, 1])
        with pytest.warns(DoubtWarning, match="1 of 2 pictures could not be copied"):
            folder = explorer.copy_images(tmp_path / "copied")
    with Image.open(folder / "0.png") as picture:
        assert picture.size == (4, 3)
    assert manifest_of(folder)[1]["file"] == ""
    assert manifest_of(folder)[1]["reason"] == "RuntimeError: the archive a.zip is broken"


HOSTILE = ["../../escape.png", "/etc/passwd", "a\x00b.png", "con.png", "x" * 300 + ".png", "…", "."]


def test_names_of_copies_cannot_lead_out_of_the_folder(tmp_path):
    folder = tmp_path / "deep" / "source"
    folder.mkdir(parents=True)
    safe = folder.parent.parent / "escape.png"
    Image.new("L", (3, 3)).save(safe)
    paths = [str(folder / HOSTILE[0]), *HOSTILE[1:]] + ["missing.png"] * (N - len(HOSTILE))
    failed = f"{N - 1} of {N} pictures could not be copied"
    with make_explorer(images=paths) as explorer, pytest.warns(DoubtWarning, match=failed):
        target = explorer.copy_images(tmp_path / "copied", "all")
    assert [path.name for path in target.glob("*.png")] == ["00-escape.png"]
    assert all(line["reason"] for line in manifest_of(target)[1:])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copied", "deep", "escape.png"]


def test_nothing_is_overwritten(tmp_path):
    with make_explorer(images=np.zeros((N, 4, 4), np.uint8)) as explorer:
        explorer.select([1])
        (tmp_path / "empty").mkdir()
        assert explorer.copy_images(tmp_path / "empty") == tmp_path / "empty"
        with pytest.raises(StoreError, match="not an empty folder"):
            explorer.copy_images(tmp_path / "empty")
        file = tmp_path / "file"
        file.write_text("mine")
        with pytest.raises(StoreError, match="not an empty folder"):
            explorer.copy_images(file)
        assert file.read_text() == "mine"


def test_failed_copy_leaves_no_files(tmp_path, monkeypatch):
    def full(_descriptor):
        raise OSError(28, "No space left on device")

    with make_explorer(images=np.zeros((N, 4, 4), np.uint8)) as explorer:
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(StoreError, match=r"cannot write .*No space left"):
            explorer.copy_images(tmp_path / "copied", "all")
    assert list(tmp_path.iterdir()) == []


def test_without_pictures_there_is_nothing_to_copy(explorer, tmp_path):
    with pytest.raises(InvalidInputError, match="no pictures; pass images="):
        explorer.copy_images(tmp_path / "copied")


def test_no_rows_make_a_folder_with_an_empty_manifest(tmp_path):
    with make_explorer(images=np.zeros((N, 4, 4), np.uint8)) as explorer:
        assert manifest_of(explorer.copy_images(tmp_path / "copied")) == []


# ---- features ----


def test_selected_features_are_a_separate_record(explorer):
    record = explorer.feature_set
    explorer.select([7, 2])
    part = explorer.selected_features()
    assert part.ids.tolist() == [2, 7]
    assert np.array_equal(part.features, record.features[[2, 7]])
    assert np.array_equal(part.logits, record.logits[[2, 7]])
    assert part.class_names == record.class_names
    explorer.clear()
    with pytest.raises(InvalidInputError, match=r"nothing is selected"):
        explorer.selected_features()


class Slow:
    """Pictures that take a quarter of a second each."""

    def __len__(self):
        return 4

    def image(self, id_):
        time.sleep(0.25)
        return Image.new("RGB", (2, 2))

    def caption(self, id_):
        return str(id_)


@pytest.mark.parametrize("progress", [True, False])
def test_long_copy_shows_its_progress(tmp_path, capfd, progress):
    record = FeatureSet.from_arrays(np.eye(4), [0, 1, 0, 1])
    with EmbeddingExplorer(record, embedding=np.eye(4)[:, :2], images=Slow()) as explorer:
        explorer.copy_images(tmp_path / "all", "all", progress=progress)
    assert ("Copying pictures" in capfd.readouterr().err) == progress
