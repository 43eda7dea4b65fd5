"""Numbers about maps of evidence."""

import numpy as np
import pytest

from tsne_widget import FeatureSet, InvalidInputError
from tsne_widget.analysis import (
    Scores,
    evidence_entropy,
    evidence_in_border,
    mean_evidence,
)


def one_place(y, x, side=6):
    found = np.zeros((1, side, side), np.float32)
    found[0, y, x] = 2
    return found


@pytest.mark.parametrize("size", [(2, 2), (7, 7), (3, 9)])
def test_evenly_spread_evidence_has_a_third_in_the_outer_third(size):
    assert evidence_in_border(np.ones((1, *size)))[0] == pytest.approx(1 / 3, abs=1e-6)
    assert evidence_entropy(np.ones((1, *size)))[0] == pytest.approx(1)


def test_evidence_in_a_corner_is_in_the_border_and_evidence_in_the_middle_is_not():
    maps = np.concatenate([one_place(0, 0, 20), one_place(10, 9, 20)])
    assert evidence_in_border(maps) == pytest.approx([1, 0], abs=1e-6)
    assert evidence_entropy(maps).tolist() == [0, 0]


def test_evidence_against_the_class_counts_as_none():
    maps = one_place(0, 0, 20) - 3 * one_place(10, 10, 20)
    assert evidence_in_border(maps)[0] == pytest.approx(1)
    assert np.isnan(evidence_in_border(-one_place(1, 1)))[0]
    assert np.isnan(evidence_entropy(np.zeros((1, 3, 3))))[0]


def test_each_picture_counts_alike_in_the_mean_map():
    found = mean_evidence(np.concatenate([one_place(0, 0), 1000 * one_place(1, 1)]))
    assert found[0, 0] == found[1, 1] == 0.5
    assert found.sum() == 1


def test_scores_of_evidence_need_the_maps_and_follow_them():
    scores = Scores(FeatureSet.from_arrays(np.eye(3), [0, 1, 0]))
    assert scores.lacks("evidence_in_border") == "needs evidence"
    with pytest.raises(InvalidInputError, match="needs evidence"):
        scores["evidence_entropy"]
    scores.use_evidence(np.concatenate([one_place(0, 0, 20)] * 3))
    assert scores["evidence_in_border"] == pytest.approx(3 * [1])
    scores.use_evidence(np.concatenate([one_place(10, 10, 20)] * 3))
    assert scores["evidence_in_border"] == pytest.approx(3 * [0], abs=1e-6)
