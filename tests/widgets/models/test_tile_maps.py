"""The map of evidence on a tile."""

import numpy as np
import pytest

from tsne_widget.analysis import Scores
from tsne_widget.feature_set import FeatureSet
from tsne_widget.widgets.models.tile_maps import tile_map
from tsne_widget.widgets.state.evidence import Evidence


@pytest.fixture
def known():
    record = FeatureSet.from_arrays(np.eye(3, dtype="f4"))
    return Evidence(record, Scores(record))


def test_a_map_is_sent_as_its_shape_and_whole_numbers(known):
    known.keep("difference", [0], [np.array([[0, 2, -1]], "f4")])
    assert tile_map(known, 0) == [1, 3, 0, 127, -63]


def test_a_large_map_is_averaged(known):
    values = np.zeros((33, 2), "f4")
    values[:3, 0] = 1  # the first part of 33 places in 16 parts has three, the others have two
    values[3:5, 1] = -0.5
    known.keep("difference", [0], [values])
    assert tile_map(known, 0) == [16, 2, 127, 0, 0, -63, *[0] * 28]


def test_the_map_of_the_prediction_replaces_an_unknown_difference(known):
    known.keep("prediction", [0, 1], [np.array([[1, 0]], "f4")] * 2)
    known.keep("difference", [0], [np.array([[0, 1]], "f4")])
    known.keep("label", [2], [np.array([[0, 1]], "f4")])
    assert tile_map(known, 0) == [1, 2, 0, 127]
    assert tile_map(known, 1) == [1, 2, 127, 0]
    assert tile_map(known, 2) == []
