"""Changes between two predictions, shared samples and aligned maps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsne_widget.analysis import CHANGES, aligned, changes, shared_rows
from tsne_widget.errors import InvalidInputError


def test_each_change_has_its_name():
    codes = changes([0, 0, 0, 0, 0], [1, 0, 1, 1, 0], [0, 1, 1, 2, 0])
    words = ["fixed", "introduced", "still wrong", "wrong otherwise", "still right"]
    assert [CHANGES[code] for code in codes] == words


@pytest.mark.parametrize("unknown", [0, 1, 2])
def test_unknown_classes_have_no_change(unknown):
    arrays = [[0], [0], [0]]
    arrays[unknown] = [-1]
    assert changes(*arrays).tolist() == [-1]


def test_predictions_of_another_length_are_refused():
    with pytest.raises(InvalidInputError, match=r"same shape.* got \(2,\), \(2,\) and \(3,\)"):
        changes([0, 1], [0, 1], [0, 1, 1])


@given(st.lists(st.sets(st.integers(0, 30)), min_size=1, max_size=4), st.randoms())
def test_shared_rows_are_those_of_the_same_ids(sets, random):
    ids = [np.array(random.sample(sorted(one), len(one)), dtype=np.int64) for one in sets]
    rows = shared_rows(ids)
    common = set.intersection(*sets)
    expected = [i for i in ids[0].tolist() if i in common]
    for one, taken in zip(ids, rows, strict=True):
        assert one[taken].tolist() == expected


@given(st.integers(0, 2**32 - 1), st.booleans())
def test_aligned_undoes_shift_rotation_mirroring_and_scaling(seed, mirror):
    rng = np.random.default_rng(seed)
    onto = rng.normal(size=(20, 2))
    angle, scale, shift = rng.uniform(0, 6.3), rng.uniform(0.1, 10), rng.normal(size=2)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = scale * (onto @ turn) * [1, -1 if mirror else 1] + shift
    assert np.allclose(aligned(moved, onto), onto, atol=1e-4)


def test_aligned_map_is_optimal():
    rng = np.random.default_rng(0)
    onto, other = rng.normal(size=(50, 2)), rng.normal(size=(50, 2))
    best = aligned(other, onto).astype(np.float64)
    center = best.mean(axis=0)
    least = ((best - onto) ** 2).sum()
    for angle, scale in [(0.05, 1), (-0.05, 1), (0, 1.05), (0, 0.95)]:
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        assert ((scale * (best - center) @ turn + center - onto) ** 2).sum() > least


def test_points_in_one_place_stay_finite():
    assert np.isfinite(aligned(np.zeros((5, 2)), np.ones((5, 2)))).all()
