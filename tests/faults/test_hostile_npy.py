"""Hostile array files: refused by their header, without allocating memory or running code."""

from __future__ import annotations

import contextlib
import json
import sys

import numpy as np
import pytest

from tests.faults import attacks
from tsne_widget.errors import StoreError, TsneWidgetError
from tsne_widget.feature_set import FeatureSet

ALLOWED_GROWTH_KB = 100_000


def peak() -> int:
    """Peak memory of this process, kB; 0 if unknown."""
    if sys.platform != "linux":
        return 0
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.mark.filterwarnings("ignore::SyntaxWarning")  # of numpy's parser of headers
@pytest.mark.parametrize("kind", attacks.LYING_ARRAYS)
def test_a_hostile_npy_file_is_a_store_error(tmp_path, kind):
    before = peak()
    (tmp_path / "x.npy").write_bytes(attacks.LYING_ARRAYS[kind])
    with pytest.raises(StoreError, match=r"cannot read .*x\.npy"):
        FeatureSet.from_npy(tmp_path / "x.npy")
    assert peak() - before < ALLOWED_GROWTH_KB


@pytest.mark.filterwarnings("ignore::SyntaxWarning")
@pytest.mark.parametrize("kind", attacks.LYING_ARRAYS)
def test_hostile_npy_file_in_a_saved_record_is_a_store_error(tmp_path, kind):
    before = peak()
    FeatureSet.from_arrays(np.eye(4, 3), [0, 1, 0, 1]).save(tmp_path / "saved")
    for name in ("features", "labels"):
        right = (tmp_path / "saved" / f"{name}.npy").read_bytes()
        (tmp_path / "saved" / f"{name}.npy").write_bytes(attacks.LYING_ARRAYS[kind])
        with pytest.raises(StoreError):
            FeatureSet.load(tmp_path / "saved")
        (tmp_path / "saved" / f"{name}.npy").write_bytes(right)
    assert peak() - before < ALLOWED_GROWTH_KB


def test_an_array_in_column_order_is_read_as_it_is(tmp_path):
    x = np.asfortranarray(np.arange(12.0).reshape(4, 3))
    np.save(tmp_path / "x.npy", x)
    assert (FeatureSet.from_npy(tmp_path / "x.npy").features == x).all()


def test_pickles_are_never_executed(tmp_path):
    planted = tmp_path / "planted"
    for kind, content in attacks.pickled_arrays(planted).items():
        path = tmp_path / "x.npy"
        path.write_bytes(content)
        for files in ((path,), (path, path)):
            with contextlib.suppress(TsneWidgetError):  # or its bytes, read as numbers
                FeatureSet.from_npy(*files)
        FeatureSet.from_arrays(np.eye(1)).save(tmp_path / "saved", overwrite=True)
        (tmp_path / "saved" / "features.npy").write_bytes(content)
        with pytest.raises(StoreError):
            FeatureSet.load(tmp_path / "saved")
        assert not planted.exists(), kind


def test_an_array_of_objects_is_refused(tmp_path):
    (tmp_path / "x.npy").write_bytes(attacks.pickled_arrays(tmp_path / "planted")["npy"])
    with pytest.raises(StoreError, match=r"cannot read .*x\.npy"):
        FeatureSet.from_npy(tmp_path / "x.npy")


@pytest.mark.parametrize("changed", range(0, 128, 3))
def test_changed_header_byte_gives_another_array_or_a_package_error(tmp_path, changed):
    path = tmp_path / "x.npy"
    np.save(path, np.eye(4, 3))
    whole = path.read_bytes()
    for value in (0, 9, 39, 40, 57, 255):
        path.write_bytes(whole[:changed] + bytes([value]) + whole[changed + 1 :])
        with contextlib.suppress(TsneWidgetError):
            assert FeatureSet.from_npy(path).features.dtype == np.float32


def test_manifest_with_exaggerated_sizes_allocates_no_memory(tmp_path):
    before = peak()
    FeatureSet.from_arrays(np.eye(4, 3)).save(tmp_path / "saved")
    manifest = tmp_path / "saved" / "feature_set.json"
    claims = json.loads(manifest.read_text("utf-8"))
    claims["arrays"]["features"]["shape"] = [10**12, 10**6]
    manifest.write_text(json.dumps(claims), "utf-8")
    with pytest.raises(StoreError, match="its manifest says"):
        FeatureSet.load(tmp_path / "saved")
    assert peak() - before < ALLOWED_GROWTH_KB
