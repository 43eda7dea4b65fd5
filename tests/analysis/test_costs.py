"""Each function of analysis/ documents its costs and makes no large temporary arrays."""

from __future__ import annotations

import inspect
import tracemalloc

import numpy as np
import pytest

from tsne_widget import FeatureSet, analysis

N, D, C, K = 200_000, 64, 10, 50
MB = 2**20
FUNCTIONS = [name for name in analysis.__all__ if inspect.isfunction(getattr(analysis, name))]
INDEXES = (analysis.NeighborIndex, analysis.PolygonIndex)
COSTLY = [
    *(getattr(analysis, name) for name in FUNCTIONS),
    *INDEXES,
    analysis.NeighborIndex.nearest_to,
    analysis.NeighborIndex.distances_to,
    analysis.PolygonIndex.inside,
]


@pytest.mark.parametrize("costly", COSTLY, ids=lambda costly: costly.__qualname__)
def test_time_and_memory_are_stated(costly):
    words = " ".join(inspect.getdoc(costly).split())
    assert "Time O(" in words
    assert "emory O(" in words


class Rows:
    """Random rows, made once and never changed."""

    def __init__(self, n):
        random = np.random.default_rng(0)
        self.features = random.random((n, D), dtype=np.float32)
        self.labels = random.integers(0, C, n)
        self.logits = random.random((n, C), dtype=np.float32)
        self.logits[np.arange(n), self.labels] += 3 * random.random(n, dtype=np.float32)
        self.guess = self.logits.argmax(axis=1)
        self.near = random.integers(0, n, (n, K), dtype=np.int32)
        self.far = np.sort(random.random((n, K), dtype=np.float32), axis=1)
        self.xy = random.random((n, 2), dtype=np.float32)
        self.columns = {"x": self.far[:, 0], "y": self.guess % 7, "z": self.guess.astype(str)}
        self.ids = random.permutation(n)
        self.all = np.ones(n, dtype=bool)
        self.a_few = range(0, n, n // 8)
        self.record = FeatureSet.from_arrays(self.features, self.labels, logits=self.logits)
        self.index = analysis.NeighborIndex(self.features)
        self.polygon = analysis.PolygonIndex(self.xy)
        self.scores = analysis.Scores(self.record)
        # Random neighbours: the true ones would take a minute.
        self.scores._neighbors = analysis.KNeighbors(self.near, self.far)


@pytest.fixture(scope="module")
def rows():
    return Rows(N)


@pytest.fixture(scope="module")
def few_rows():
    return Rows(2_000)


ARRAY = 8 * N / MB  # one number per row: 1.5 MB
BLOCKS = 32  # MB for temporary blocks of rows
COPY = 4 * N * D / MB  # of the features, float32: 49 MB
TRIANGLE = [[0.1, 0.1], [0.9, 0.2], [0.5, 0.9]]

# A call and the MB that it may allocate. An array of N x K numbers would take 76 MB, of N x C x K
# truth values 95 MB, of N x N truth values 37,000 MB.
CALLS = {
    "confidence": (lambda r: analysis.confidence(r.logits), BLOCKS),
    "margin": (lambda r: analysis.margin(r.logits), BLOCKS),
    "entropy": (lambda r: analysis.entropy(r.logits), BLOCKS),
    "loss": (lambda r: analysis.loss(r.logits, r.labels), BLOCKS),
    "label_rank": (lambda r: analysis.label_rank(r.logits, r.labels), BLOCKS),
    "top_k_accuracy": (lambda r: analysis.top_k_accuracy(r.logits, r.labels, 5), BLOCKS),
    "reliability": (lambda r: analysis.reliability(r.xy[:, 0], r.labels > 3), 10 * ARRAY),
    "calibrated_confidence": (
        lambda r: analysis.calibrated_confidence(r.logits, r.labels),
        2 * BLOCKS,
    ),
    "accuracy_table": (
        lambda r: analysis.accuracy_table(r.labels, r.guess, {"half": r.labels > 3}),
        10 * ARRAY,
    ),
    "verdict": (lambda r: analysis.verdict(r.all, r.near), BLOCKS),
    "changes": (lambda r: analysis.changes(r.labels, r.guess, r.guess), 5 * ARRAY),
    "shared_rows": (lambda r: analysis.shared_rows([r.ids, r.ids[::-1]]), 20 * ARRAY),
    "aligned": (lambda r: analysis.aligned(r.xy, r.xy), 20 * ARRAY),
    "accuracy": (lambda r: analysis.accuracy(r.labels, r.guess), 10 * ARRAY),
    "classification_report": (
        lambda r: analysis.classification_report(r.labels, r.guess, C),
        10 * ARRAY,
    ),
    "confused_pairs": (lambda r: analysis.confused_pairs(r.labels, r.guess), 10 * ARRAY),
    "confusion_matrix": (lambda r: analysis.confusion_matrix(r.labels, r.guess, C), 10 * ARRAY),
    "contrast": (lambda r: analysis.contrast(r.columns, r.guess == 1, strata=r.labels), 30 * ARRAY),
    "shortcuts": (lambda r: analysis.shortcuts(r.columns, r.labels), 30 * ARRAY),
    "near_duplicates": (lambda r: analysis.near_duplicates(r.near, r.far, 1e-4), BLOCKS),
    "sample_frame": (lambda r: analysis.sample_frame(r.record, r.all, r.xy), 40 * ARRAY),
    "matching_rows": (lambda r: analysis.matching_rows(r.record, "3"), 10 * ARRAY),
    "label_agreement": (lambda r: analysis.label_agreement(r.near, r.labels), BLOCKS),
    "neighbor_vote": (lambda r: analysis.neighbor_vote(r.near[:, :15], r.labels), BLOCKS),
    "knn_accuracy": (lambda r: analysis.knn_accuracy(r.near[:, :15], r.labels), BLOCKS),
    "outlier_score": (lambda r: analysis.outlier_score(r.near, r.far), BLOCKS),
    "silhouette": (lambda r: analysis.silhouette(r.features, r.labels), 250),
    "layer_summary": (
        lambda r: analysis.layer_summary(r.features, r.labels, indices=r.near),
        250,
    ),
    "describe_layer": (lambda r: analysis.describe_layer(r.scores), 250),
    "finder_rows": (lambda r: analysis.finder_rows("outliers", r.scores), BLOCKS),
    "label_errors": (
        lambda r: analysis.label_errors(r.logits, r.labels, r.features),
        COPY + 6 * 4 * N * C / MB + 2 * BLOCKS,
    ),
    "faithfulness": (
        lambda r: analysis.faithfulness(r.features, r.xy, rows=r.a_few),
        COPY + 3 * BLOCKS,
    ),
    "NeighborIndex": (lambda r: analysis.NeighborIndex(r.features), COPY + BLOCKS),
    "nearest_to": (lambda r: r.index.nearest_to(7), 5 * ARRAY),
    "distances_to": (lambda r: r.index.distances_to(7), 5 * ARRAY),
    "PolygonIndex": (lambda r: analysis.PolygonIndex(r.xy), 10 * ARRAY),
    "inside": (lambda r: r.polygon.inside(TRIANGLE), 5 * ARRAY),
}


WITH_CACHE = ("describe_layer", "finder_rows")


@pytest.mark.parametrize("name", CALLS)
def test_memory_is_a_few_numbers_per_row(rows, few_rows, name):
    call, most = CALLS[name]
    call(rows if name in WITH_CACHE else few_rows)  # imports and caches
    tracemalloc.start()
    try:
        call(rows)
        peak = tracemalloc.get_traced_memory()[1] / MB
    finally:
        tracemalloc.stop()
    assert peak < most


def test_wide_features_are_read_in_blocks_to_find_label_errors():
    random = np.random.default_rng(0)
    features = random.random((20_000, 1_024), dtype=np.float32)
    labels = random.integers(0, C, len(features))
    tracemalloc.start()
    try:
        analysis.label_errors(None, labels, features)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < features.nbytes
