"""The explorer with a landmark projector, and the labels that projectors receive."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import pdist
from sklearn.datasets import load_digits

from tsne_widget import TSNE, EmbeddingExplorer, FeatureSet


@pytest.fixture(scope="module")
def record():
    digits = load_digits()
    return FeatureSet.from_arrays(digits.data[:500], digits.target[:500])


def test_landmark_map_is_that_of_the_estimator_with_labels_turned(record):
    tsne = TSNE(landmarks=120, random_state=0, max_iter=60)
    with EmbeddingExplorer(record, projector=tsne) as explorer:
        explorer.wait()
        expected = tsne.fit_transform(record.features, record.labels)
        assert np.allclose(pdist(explorer.embedding), pdist(expected), rtol=1e-3, atol=1e-3)
        assert np.isfinite(explorer.to_dataframe("all")[["x", "y"]].to_numpy()).all()
        explorer.run(40)
        explorer.wait()
    longer = TSNE(landmarks=120, random_state=0, max_iter=100)
    expected = longer.fit_transform(record.features, record.labels)
    assert np.allclose(pdist(explorer.embedding), pdist(expected), rtol=1e-3, atol=1e-3)


def test_other_projectors_do_not_receive_the_labels(record):
    class Curious:
        def fit_transform(self, features, y=None):
            self.seen = y
            return features[:, :2]

    projector = Curious()
    with EmbeddingExplorer(record, projector=projector) as explorer:
        explorer.wait()
    assert projector.seen is None
