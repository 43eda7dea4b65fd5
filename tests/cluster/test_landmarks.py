"""The cluster places the rows that are no landmarks."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits

from tsne_widget import TSNE
from tsne_widget.projection import landmarks


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # ray's, of its own settings
@pytest.mark.slow
def test_cluster_places_other_rows_with_the_same_bits(machines, monkeypatch):
    digits = load_digits()
    X, y = digits.data[:900].astype(np.float32), digits.target[:900]
    options = {"landmarks": 300, "random_state": 0, "max_iter": 60}
    here = TSNE(**options).fit_transform(X, y)
    monkeypatch.setattr(landmarks, "PIECE_ROWS", 250)  # three pieces
    assert np.array_equal(TSNE(executor="ray", **options).fit_transform(X, y), here)
