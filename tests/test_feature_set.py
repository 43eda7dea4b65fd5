import contextlib
import dataclasses
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from PIL import Image

from tsne_widget.errors import InvalidInputError, StoreError
from tsne_widget.feature_set import FeatureSet, Skipped

X = np.arange(12, dtype=np.float32).reshape(4, 3)
FIELDS = ("features", "labels", "predictions", "logits", "class_names", "ids", "paths", "layer")


def rich(scale=1.0):
    """A record with every field."""
    return FeatureSet(
        X * scale,
        [0, 1, -1, 1],
        logits=[[2, 0], [0, 1], [0, 1], [1, 0]],
        class_names=("cat", "dög"),
        ids=[3, 5, 6, 9],
        paths=("a.png", "b/ü.png", os.fsdecode(b"caf\xe9.png"), "d.png"),
        layer="net.fc",
        skipped=((4, "no such file"),),
    )


def assert_equal(one, other):
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    assert one.skipped == other.skipped


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# Arguments


def test_features_alone_make_a_record():
    record = FeatureSet.from_arrays([[1, 2], [3, 4]])
    assert record.features.dtype == np.float32
    assert record.ids.tolist() == [0, 1]
    assert record.class_names == ()
    assert len(record) == 2
    assert not record.misclassified.any()


def test_class_names_are_sorted_and_become_codes():
    record = FeatureSet.from_arrays(X, list("dcdd"), predictions=list("dddc"))
    assert record.class_names == ("c", "d")
    assert record.labels.tolist() == [1, 0, 1, 1]
    assert record.predictions.tolist() == [1, 1, 1, 0]
    assert record.misclassified.tolist() == [False, True, False, True]


def test_class_names_determine_the_order_of_the_codes():
    record = FeatureSet.from_arrays(X, list("dcdd"), class_names=["d", "x", "c"])
    assert record.labels.tolist() == [0, 2, 0, 0]


@pytest.mark.parametrize(
    "labels",
    [
        ["a", None, "b", np.nan],
        pd.Series(["a", None, "b", None], dtype="string"),
        pd.Series(["a", None, "b", None], dtype="category"),
        np.array(["a", None, "b", None], dtype=object),
    ],
)
def test_missing_labels_are_unknown_and_add_no_class(labels):
    record = FeatureSet.from_arrays(X, labels)
    assert record.class_names == ("a", "b")
    assert record.labels.tolist() == [0, -1, 1, -1]


def test_integers_in_an_object_array_are_codes():
    codes = np.array([2, 10, None, 0], dtype=object)
    record = FeatureSet.from_arrays(X, codes)
    assert record.labels.tolist() == [2, 10, -1, 0]
    assert record.class_names == tuple(map(str, range(11)))


def test_whole_floats_bools_columns_and_tensors_are_codes():
    for labels in ([0.0, 1.0, 0.0, 1.0], [False, True] * 2, [[0], [1], [0], [1]]):
        assert FeatureSet.from_arrays(X, labels).labels.tolist() == [0, 1, 0, 1]
    tensors = FeatureSet.from_arrays(torch.from_numpy(X), torch.tensor([0, 1, 0, 1]))
    assert tensors.labels.tolist() == [0, 1, 0, 1]


def test_logits_give_the_predictions_and_the_number_of_classes():
    record = FeatureSet.from_arrays(X, [0, 0, 1, -1], logits=np.eye(4, 5))
    assert record.predictions.tolist() == [0, 1, 2, 3]
    assert record.class_names == ("0", "1", "2", "3", "4")
    assert record.misclassified.tolist() == [False, True, True, False]


def test_record_is_frozen_and_the_callers_array_stays_writeable():
    features = X.copy()
    record = FeatureSet.from_arrays(features, [0, 1, 0, 1])
    with pytest.raises(dataclasses.FrozenInstanceError):
        record.labels = None
    for array in (record.features, record.labels, record.ids):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    features[0] = 1


def test_with_images_keeps_the_other_fields_without_checking_them(monkeypatch):
    record = rich()
    monkeypatch.setattr("tsne_widget.feature_set.as_features", lambda _: pytest.fail("read again"))
    other = record.with_images([Image.new("L", (2, 2))])
    assert other.images is not None
    assert record.images is None
    assert_equal(record, other)


def test_the_repr_is_one_short_line():
    text = repr(rich())
    assert text == (
        "FeatureSet(n=4, d=3, classes=2, labels, predictions, logits, paths, ids 3…9, "
        "layer='net.fc', 1 skipped)"
    )


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"features": np.zeros(3)}, r"shape \(n, d\), got \(3,\); pool or flatten"),
        ({"features": np.zeros((2, 3, 4))}, r"got \(2, 3, 4\)"),
        ({"features": np.zeros((0, 3))}, "no rows: the dataset is empty"),
        ({"features": np.zeros((3, 0))}, r"\(3, 0\): there is nothing to embed"),
        ({"features": [["a"]]}, "must be numbers, got dtype <U1"),
        ({"features": np.zeros((2, 2), dtype=complex)}, "dtype complex128"),
        ({"features": [[1, 2], [3]]}, "features cannot be read as an array"),
        ({"features": torch.ones(4, 3, requires_grad=True)}, r"pass tensor\.detach\(\)"),
        ({"features": torch.ones(4, 3, dtype=torch.bfloat16)}, r"\.float\(\)"),
        ({"features": np.where(X == 4, np.nan, X)}, r"1 of 4 rows \(first rows: 1\).*float16"),
        ({"features": np.where(X > 5, np.inf, X)}, r"2 of 4 rows \(first rows: 2, 3\)"),
        ({"features": X.astype(float) * 1e300}, "NaN or infinite"),
        ({"labels": [0, 1]}, "labels has 2 entries, but features has 4 rows"),
        ({"labels": [[0, 1]] * 4}, r"labels must have shape \(4,\), got \(4, 2\); .*argmax"),
        ({"labels": [[0], [1, 2], [0], [0]]}, "labels cannot be read as an array"),
        ({"labels": [0, 1, 0.5, 1]}, "whole numbers up to .*, got 0.5; mark unknown ones as -1"),
        ({"labels": [0, 1, np.inf, 1]}, "got inf; mark unknown"),
        ({"labels": [0, 1, 1e300, 1]}, r"got 1e\+300"),
        ({"labels": [1, 2, 2, 1], "class_names": ["a", "b"]}, "not: 2; .*subtract 1"),
        ({"labels": [0, 1, -2, 1]}, "0 … 1 or -1 for unknown for 2 classes, but 1 are not: -2"),
        ({"labels": [0, 1, 20_000, 1]}, "implies 20001 classes; above 10000 pass class_names"),
        ({"labels": [0, 1, 2, 1], "class_names": ["a", "b"]}, "but 1 are not: 2; correct them"),
        ({"labels": list("abca"), "class_names": ["a", "b"]}, "class_names lacks 'c'"),
        ({"predictions": [0, 1, -1, 1]}, "predictions must be 0 … 1 for 2 classes"),
        ({"predictions": [0, 1, 1]}, "predictions has 3 entries"),
        ({"class_names": ["a", "a", "a (0)"]}, r"class_names has duplicates: 'a \(0\)'"),
        ({"class_names": "cat"}, "must be a list of names, got 'cat'"),
        ({"class_names": 3}, "must be a list of names, got 3"),
        ({"logits": np.zeros((4, 2, 2))}, r"logits must be an \(n, c\) array"),
        ({"logits": np.zeros((3, 2))}, "logits has 3 entries"),
        ({"logits": np.zeros((4, 0))}, "logits have no columns"),
        ({"logits": np.full((4, 2), np.nan)}, "logits have NaN or infinite values in 4 of 4 rows"),
        ({"logits": np.zeros((4, 3)), "class_names": ["a", "b"]}, "logits have 3 columns, but"),
        ({"ids": [0, 1, 2]}, "ids has 3 entries"),
        ({"ids": [0, 1, 1, 2]}, "ids must be unique"),
        ({"ids": [0, 1, -1, 2]}, "ids must be 0 or more, got -1"),
        ({"ids": np.array([0, 1, 2, 2**63], dtype=np.uint64)}, "got 9223372036854775808"),
        ({"ids": list("abcd")}, "ids must be integers, got dtype <U1"),
        ({"paths": ["a", "b"]}, "paths has 2 entries"),
        ({"paths": "abcd"}, "paths must be a list of paths, got 'abcd'"),
        ({"paths": [1, 2, 3, 4]}, "paths must be str or PathLike"),
    ],
)
def test_invalid_field_is_refused_with_its_name_value_and_bound(fields, message):
    with pytest.raises(InvalidInputError, match=message):
        FeatureSet.from_arrays(**{"features": X, **fields})


def test_rows_are_checked_in_blocks(monkeypatch):
    monkeypatch.setattr("tsne_widget._feature_set_fields.CHECK_BLOCK_BYTES", 24)
    FeatureSet.from_arrays(X)
    with pytest.raises(InvalidInputError, match="first rows: 3"):
        FeatureSet.from_arrays(np.where(X == 11, np.nan, X))


# Plain .npy files


def test_two_npy_files_of_any_name_make_a_record(tmp_path):
    np.save(tmp_path / "data_embed_npy.npy", X.astype(np.float64))
    np.save(tmp_path / "label_npu.npy", np.array([[0], [2], [1], [0]]))
    record = FeatureSet.from_npy(
        tmp_path / "data_embed_npy.npy", str(tmp_path / "label_npu.npy"), class_names=list("abc")
    )
    np.testing.assert_array_equal(record.features, X)
    assert record.labels.tolist() == [0, 2, 1, 0]
    assert FeatureSet.from_npy(tmp_path / "data_embed_npy.npy").labels is None


def test_record_does_not_change_with_its_npy_files(tmp_path):
    path = tmp_path / "x.npy"
    np.save(path, X)
    record = FeatureSet.from_npy(path)
    np.save(path, X * 2)
    np.testing.assert_array_equal(record.features, X)


def test_an_archive_a_folder_and_a_missing_file_are_store_errors(tmp_path):
    np.savez(tmp_path / "x.npz", X)
    for path, message in (
        (tmp_path / "x.npz", "is an .npz archive; pass the array of one .npy file"),
        (tmp_path, "cannot read"),
        (tmp_path / "gone.npy", "No such file"),
    ):
        with pytest.raises(StoreError, match=message):
            FeatureSet.from_npy(path)


def test_valid_files_with_invalid_values_are_invalid_input(tmp_path):
    np.save(tmp_path / "x.npy", np.full((3, 2), np.nan))
    with pytest.raises(InvalidInputError, match="NaN"):
        FeatureSet.from_npy(tmp_path / "x.npy")


# Save and load


@pytest.mark.parametrize(
    "record", [rich(), FeatureSet.from_arrays(X)], ids=["every field", "features only"]
)
def test_loaded_record_equals_the_saved_one(tmp_path, record):
    record.save(tmp_path / "deep" / "saved")
    assert_equal(record, FeatureSet.load(tmp_path / "deep" / "saved"))


def test_images_are_not_saved_and_can_be_passed_to_load(tmp_path):
    record = rich().with_images([1, 2])
    record.save(tmp_path / "saved")
    assert FeatureSet.load(tmp_path / "saved").images is None
    assert FeatureSet.load(tmp_path / "saved", images=[3]).images == [3]


@settings(max_examples=25, deadline=None)
@given(
    npst.arrays(
        np.float32,
        st.tuples(st.integers(1, 4), st.integers(1, 4)),
        elements=st.floats(-(2.0**99), 2.0**99, width=32),
    ),
    st.lists(st.text(max_size=5), min_size=4, max_size=4),
    st.text(max_size=9),
)
def test_any_record_survives_the_disk_bit_for_bit(tmp_path_factory, features, texts, layer):
    n = len(features)
    record = FeatureSet.from_arrays(features, texts[:n], paths=texts[:n], layer=layer)
    folder = tmp_path_factory.mktemp("any") / "saved"
    record.save(folder)
    assert_equal(record, FeatureSet.load(folder))


def test_loaded_features_stay_on_disk_and_cannot_be_written(tmp_path):
    rich().save(tmp_path / "saved")
    features = FeatureSet.load(tmp_path / "saved").features
    assert isinstance(features.base, np.memmap) or isinstance(features, np.memmap)
    assert not features.flags.writeable


def test_saved_files_are_plain_npy_and_json(tmp_path):
    rich().save(tmp_path / "saved")
    assert set(contents(tmp_path / "saved")) == {
        "feature_set.json",
        "features.npy",
        "labels.npy",
        "predictions.npy",
        "logits.npy",
        "ids.npy",
    }
    manifest = json.loads((tmp_path / "saved" / "feature_set.json").read_text())
    assert manifest["class_names"] == ["cat", "dög"]
    assert manifest["arrays"]["features"] == {"shape": [4, 3], "dtype": "float32"}
    np.testing.assert_array_equal(np.load(tmp_path / "saved" / "features.npy"), X)


def test_existing_folder_is_kept_without_overwrite(tmp_path):
    rich().save(tmp_path / "saved")
    before = contents(tmp_path / "saved")
    with pytest.raises(StoreError, match="exists; pass overwrite=True"):
        rich(2).save(tmp_path / "saved")
    assert contents(tmp_path / "saved") == before


def test_overwrite_replaces_every_file_and_leaves_no_others(tmp_path):
    rich().save(tmp_path / "saved")
    FeatureSet.from_arrays(X * 2).save(tmp_path / "saved", overwrite=True)
    assert_equal(FeatureSet.load(tmp_path / "saved"), FeatureSet.from_arrays(X * 2))
    assert [path.name for path in tmp_path.iterdir()] == ["saved"]


def test_record_can_overwrite_the_files_it_is_mapped_from(tmp_path):
    rich().save(tmp_path / "saved")
    loaded = FeatureSet.load(tmp_path / "saved")
    loaded.save(tmp_path / "saved", overwrite=True)
    assert_equal(loaded, rich())
    assert_equal(FeatureSet.load(tmp_path / "saved"), rich())


def test_folder_with_foreign_files_is_never_replaced(tmp_path):
    rich().save(tmp_path / "saved")
    (tmp_path / "saved" / "thesis.tex").write_text("years of work")
    with pytest.raises(StoreError, match=r"thesis\.tex"):
        rich().save(tmp_path / "saved", overwrite=True)
    assert (tmp_path / "saved" / "thesis.tex").read_text() == "years of work"


def test_file_in_place_of_the_folder_is_a_store_error(tmp_path):
    (tmp_path / "file").write_text("x")
    for target in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(StoreError):
            rich().save(target, overwrite=True)
    assert (tmp_path / "file").read_text() == "x"


def test_saving_to_a_link_replaces_its_target(tmp_path):
    rich().save(tmp_path / "saved")
    (tmp_path / "link").symlink_to(tmp_path / "saved")
    rich(2).save(tmp_path / "link", overwrite=True)
    assert (tmp_path / "link").is_symlink()
    assert_equal(FeatureSet.load(tmp_path / "saved"), rich(2))


def test_saving_to_the_current_folder_works(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    rich().save(".", overwrite=True)
    assert_equal(FeatureSet.load(tmp_path / "here"), rich())


STEPS = [(os, "fsync"), (Path, "mkdir"), (os, "replace"), (np.lib.format, "write_array")]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize(("owner", "step"), STEPS, ids=[step for _, step in STEPS])
def test_interrupted_save_keeps_the_old_folder(tmp_path, monkeypatch, owner, step, error):
    rich().save(tmp_path / "saved")
    before = contents(tmp_path / "saved")
    original = getattr(owner, step)
    calls = nth = 0

    def failing(*args, **options):
        nonlocal calls
        calls += 1
        if calls == nth:
            raise error
        return original(*args, **options)

    while calls >= nth:  # until there is no n-th call
        calls, nth = 0, nth + 1
        with monkeypatch.context() as patch, contextlib.suppress(StoreError, KeyboardInterrupt):
            patch.setattr(owner, step, failing)
            rich(2).save(tmp_path / "saved", overwrite=True)
        assert [path.name for path in tmp_path.iterdir()] == ["saved"]
        if contents(tmp_path / "saved") != before:  # stopped after the rename
            assert_equal(FeatureSet.load(tmp_path / "saved"), rich(2))
            shutil.rmtree(tmp_path / "saved")
            rich().save(tmp_path / "saved")
    assert nth > 2


def test_full_disk_is_a_store_error_with_the_reason(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match=r"cannot write .*saved: .*No space left"):
        rich().save(tmp_path / "saved")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def saved(tmp_path):
    rich().save(tmp_path / "saved")
    return tmp_path / "saved"


def change_manifest(folder, **changes):
    manifest = json.loads((folder / "feature_set.json").read_text())
    manifest.update(changes)
    (folder / "feature_set.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema": 2}, "schema 2, this version reads 1; upgrade"),
        ({"arrays": {"features": {"shape": [4, 4], "dtype": "float32"}}}, "its manifest says"),
        ({"arrays": {"features": {"shape": [4, 3], "dtype": "float64"}}}, "its manifest says"),
        ({"arrays": {"../features": {}}}, "do not belong to a FeatureSet"),
        ({"arrays": {}}, "do not belong to a FeatureSet"),
        ({"arrays": 3}, "not a saved FeatureSet"),
        ({"class_names": ["cat"]}, "not a saved FeatureSet: labels must be 0 … 0"),
        ({"class_names": 3}, "not a saved FeatureSet"),
        ({"paths": ["a"]}, "paths has 1 entries"),
        ({"paths": {"a": 1}}, "not a saved FeatureSet"),
        ({"skipped": [[float("inf"), "x"]]}, "not a saved FeatureSet"),
        ({"skipped": [1]}, "not a saved FeatureSet"),
    ],
)
def test_files_that_do_not_match_their_manifest_are_refused(saved, changes, message):
    change_manifest(saved, **changes)
    with pytest.raises(StoreError, match=message):
        FeatureSet.load(saved)


@pytest.mark.parametrize("text", ["", "null", "[", "{}", "[" * 100_000, "\ud800", "3"])
def test_malformed_manifest_is_a_store_error(saved, text):
    (saved / "feature_set.json").write_text(text, errors="surrogatepass")
    with pytest.raises(StoreError, match="not a saved FeatureSet"):
        FeatureSet.load(saved)


@pytest.mark.parametrize("name", ["features", "labels", "logits", "ids"])
def test_truncated_file_is_a_store_error(saved, name):
    whole = (saved / f"{name}.npy").read_bytes()
    for length in {*range(0, len(whole), 7), len(whole) - 1}:
        (saved / f"{name}.npy").write_bytes(whole[:length])
        with pytest.raises(StoreError, match=f"cannot read .*{name}.npy"):
            FeatureSet.load(saved)


def test_a_folder_without_a_manifest_or_an_array_is_a_store_error(saved):
    (saved / "labels.npy").unlink()
    with pytest.raises(StoreError, match="No such file"):
        FeatureSet.load(saved)
    with pytest.raises(StoreError, match="not a saved FeatureSet"):
        FeatureSet.load(saved.parent)


def test_loaded_skipped_samples_are_named_tuples(tmp_path):
    rich().save(tmp_path / "saved")
    assert FeatureSet.load(tmp_path / "saved").skipped == (Skipped(id=4, reason="no such file"),)


def test_take_keeps_every_field_of_the_rows():
    whole = FeatureSet(
        features=np.arange(12, dtype=np.float32).reshape(4, 3),
        labels=[0, 1, -1, 1],
        logits=np.arange(8).reshape(4, 2),
        class_names=("cat", "dog"),
        ids=[10, 11, 17, 13],
        paths=("a", "b", "c", "d"),
        layer="fc",
        skipped=[(12, "empty")],
        images=object(),
    )
    part = whole.take([3, 1])
    assert part.features.tolist() == [[9, 10, 11], [3, 4, 5]]
    assert part.labels.tolist() == [1, 1]
    assert part.predictions.tolist() == whole.predictions[[3, 1]].tolist()
    assert part.logits.tolist() == [[6, 7], [2, 3]]
    assert part.ids.tolist() == [13, 11]
    assert part.paths == ("d", "b")
    for name in ("class_names", "layer", "skipped", "images"):
        assert getattr(part, name) == getattr(whole, name)
    assert not np.shares_memory(part.features, whole.features)
    assert whole.take(whole.labels == 1).ids.tolist() == [11, 13]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "rows are empty"),
        (np.zeros(4, dtype=bool), "rows are empty"),
        ([4], "rows must be 0 … 3, got 4 … 4; rows are not ids"),
        ([-1], "got -1 … -1"),
        ([1, 1], "ids must be unique"),
        ([0.5], "rows must be integers or a mask, got dtype float64"),
        ([True], r"rows as a mask must have shape \(4,\), got \(1,\)"),
        ([[1]], r"rows must be 1-dimensional, got shape \(1, 1\)"),
    ],
)
def test_take_refuses_invalid_rows(rows, message):
    with pytest.raises(InvalidInputError, match=message):
        FeatureSet.from_arrays(np.eye(4)).take(rows)


def test_take_copies_only_its_rows_from_a_memory_map(tmp_path):
    FeatureSet.from_arrays(np.arange(12).reshape(4, 3)).save(tmp_path / "saved")
    part = FeatureSet.load(tmp_path / "saved").take([2])
    assert part.features.tolist() == [[6, 7, 8]]
    assert not isinstance(part.features.base, np.memmap)
