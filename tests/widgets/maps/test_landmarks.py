"""The explorer with a landmark projector, and the labels that projectors receive."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits

from tsne_widget import TSNE, EmbeddingExplorer, FeatureSet


@pytest.fixture(scope="module")
def record():
    digits = load_digits()
    return FeatureSet.from_arrays(digits.data[:500], digits.target[:500])


def test_landmark_map_equals_that_of_the_estimator_with_labels(record):
    tsne = TSNE(landmarks=120, random_state=0, max_iter=60)
    with EmbeddingExplorer(record, projector=tsne) as explorer:
        explorer.wait()
        expected = tsne.fit_transform(record.features, record.labels)
        assert np.array_equal(explorer.embedding, expected)
        assert np.isfinite(explorer.to_dataframe("all")[["x", "y"]].to_numpy()).all()
        explorer.run(40)
        explorer.wait()
    longer = TSNE(landmarks=120, random_state=0, max_iter=100)
    assert np.array_equal(explorer.embedding, longer.fit_transform(record.features, record.labels))


def test_other_projectors_do_not_receive_the_labels(record):
    class Curious:
        def fit_transform(self, features, y=None):
            self.seen = y
            return features[:, :2]

    projector = Curious()
    with EmbeddingExplorer(record, projector=projector) as explorer:
        explorer.wait()
    assert projector.seen is None
