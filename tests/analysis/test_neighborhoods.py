import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from sklearn.datasets import load_digits
from sklearn.metrics import silhouette_score
from sklearn.model_selection import LeaveOneOut, cross_val_score
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors

from tsne_widget.analysis import (
    kneighbors,
    knn_accuracy,
    label_agreement,
    layer_summary,
    neighbor_vote,
    silhouette,
)
from tsne_widget.errors import InvalidInputError


@pytest.fixture(scope="module")
def points():
    return np.random.default_rng(0).normal(size=(400, 12)).astype(np.float32)


@st.composite
def lists(draw):
    """Random neighbour lists and labels."""
    n = draw(st.integers(2, 12))
    k = draw(st.integers(1, n - 1))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    near = np.array([random.permutation(np.delete(np.arange(n), i))[:k] for i in range(n)])
    return near, draw(npst.arrays(np.int64, n, elements=st.integers(-1, 3)))


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_neighbours_and_distances_are_those_of_scikit_learn(points, metric):
    near = kneighbors(points, 10, metric=metric)
    model = NearestNeighbors(n_neighbors=10, metric=metric, algorithm="brute")
    distances, indices = model.fit(points.astype(np.float64)).kneighbors()
    np.testing.assert_array_equal(near.indices, indices)
    np.testing.assert_allclose(near.distances, distances, rtol=1e-5)
    assert (near.indices.dtype, near.distances.dtype) == (np.int32, np.float32)


@pytest.mark.parametrize("factor", [2.0**-110, 1.0, 3.7e4, 2.0**110])
@pytest.mark.parametrize("offset", [0, 5])
def test_distances_are_in_the_unit_of_the_features_whatever_their_size(points, factor, offset):
    expected = kneighbors(points, 5)
    scaled = kneighbors((points.astype(np.float64) + offset) * factor, 5)
    np.testing.assert_array_equal(scaled.indices, expected.indices)
    np.testing.assert_allclose(scaled.distances, expected.distances * factor, rtol=1e-4)


def test_neighbours_do_not_depend_on_the_order_of_the_rows(points):
    order = np.random.default_rng(1).permutation(len(points))
    expected = kneighbors(points, 5).indices
    np.testing.assert_array_equal(order[kneighbors(points[order], 5).indices], expected[order])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.ones((9, 3)), 2), "constant over 9 samples"),
        ((np.full((9, 3), 0.1), 2), "constant over 9 samples"),
        ((np.eye(4), 4), "k=4 must be 1 … 3"),
        ((np.eye(4), 0), "k=0 must be 1 … 3"),
        (([1, 2, 3], 1), r"features must be an \(n, d\) array"),
        ((np.empty((0, 3)), 1), r"n and d of at least 1"),
        ((np.where(np.eye(4) == 1, np.nan, 0), 1), r"inf in 4 of 4 rows \(first rows: 0, 1, 2, 3"),
    ],
)
def test_wrong_features_or_k_are_refused(arguments, message):
    with pytest.raises(InvalidInputError, match=message):
        kneighbors(*arguments)


def test_an_unknown_metric_is_refused(points):
    with pytest.raises(InvalidInputError, match="metric='cos' must be one of euclidean, cosine"):
        kneighbors(points, 5, metric="cos")


@settings(max_examples=150, deadline=None)
@given(lists())
def test_agreement_is_the_share_of_labelled_neighbours_with_the_same_label(case):
    near, labels = case
    for row, share in enumerate(label_agreement(near, labels)):
        theirs = [labels[other] for other in near[row] if labels[other] >= 0]
        if labels[row] < 0 or not theirs:
            assert np.isnan(share)
        else:
            assert share == np.float32(theirs.count(labels[row]) / len(theirs))


@settings(max_examples=150, deadline=None)
@given(lists())
def test_vote_is_the_majority_and_ties_go_to_the_nearest(case):
    near, labels = case
    for row, vote in enumerate(neighbor_vote(near, labels)):
        theirs = [labels[other] for other in near[row] if labels[other] >= 0]
        assert vote == (max(theirs, key=theirs.count) if theirs else -1)


@settings(max_examples=100, deadline=None)
@given(lists(), st.randoms(use_true_random=False))
def test_permutation_of_rows_does_not_matter(case, random):
    near, labels = case
    order = list(range(len(labels)))
    random.shuffle(order)
    place = np.argsort(order)
    moved, moved_labels = place[near[order]], labels[order]
    np.testing.assert_array_equal(
        label_agreement(moved, moved_labels), label_agreement(near, labels)[order]
    )
    np.testing.assert_array_equal(
        neighbor_vote(moved, moved_labels), neighbor_vote(near, labels)[order]
    )


def test_more_rows_than_one_block_give_the_same(points, monkeypatch):
    near, labels = kneighbors(points, 7).indices, np.arange(400) % 5 - 1
    expected = label_agreement(near, labels), neighbor_vote(near, labels)
    monkeypatch.setattr("tsne_widget.analysis.neighborhoods._BLOCK", 37)
    np.testing.assert_array_equal(label_agreement(near, labels), expected[0])
    np.testing.assert_array_equal(neighbor_vote(near, labels), expected[1])


def test_accuracy_is_that_of_scikit_learn_leaving_one_out():
    X, y = load_digits(return_X_y=True)
    X, y = X[:300], y[:300]
    found = knn_accuracy(kneighbors(X, 1).indices, y)
    theirs = cross_val_score(KNeighborsClassifier(1), X, y, cv=LeaveOneOut()).mean()
    assert found == pytest.approx(theirs, abs=1 / 300)
    assert np.isnan(knn_accuracy([[1], [0]], [-1, -1]))


def test_silhouette_is_that_of_scikit_learn_without_unknown_labels(points, monkeypatch):
    labels = np.arange(400) % 4 - 1
    known = labels >= 0
    expected = silhouette_score(points[known], labels[known])
    assert silhouette(points, labels) == pytest.approx(expected, abs=1e-6)
    points = points + 3 * np.eye(12, dtype=np.float32)[labels]
    monkeypatch.setattr("tsne_widget.analysis.neighborhoods.SILHOUETTE_SAMPLES", 200)
    sampled = silhouette(points, labels)
    assert sampled == silhouette(points, labels)
    assert sampled == pytest.approx(silhouette_score(points[known], labels[known]), abs=0.03)


@pytest.mark.parametrize("labels", [[0, 0, 0], [-1, -1, -1], [0, 1, 2], [0, 1, -1]])
def test_silhouette_of_one_class_or_only_single_samples_is_nan(labels):
    assert np.isnan(silhouette(np.eye(3), labels))


def test_layer_summary_is_one_line():
    X, y = load_digits(return_X_y=True)
    summary = layer_summary(X[:500], y[:500], k=5)
    assert summary.knn_accuracy > 0.95
    assert 0.1 < summary.silhouette < 0.3
    assert summary.largest_class == np.bincount(y[:500]).max() / 500
    assert str(summary).startswith(
        f"{100 * summary.knn_accuracy:.1f} % of samples have the label of their"
    )
    assert "\n" not in str(summary)
    near = kneighbors(X[:500], 9).indices
    assert layer_summary(X[:500], y[:500], k=5, indices=near) == summary
    with pytest.raises(InvalidInputError, match="k=10 must be 1 … 9"):
        layer_summary(X[:500], y[:500], k=10, indices=near)


@pytest.mark.parametrize(
    ("indices", "message"),
    [
        ([[3], [0], [0]], r"rows 0 … 2, got 0 … 3"),
        ([[-1], [0], [0]], r"got -1 … 0"),
        ([0, 1, 2], r"\(n, k\) array of rows"),
        ([[0.0], [1.0], [2.0]], "dtype float64"),
    ],
)
def test_wrong_neighbours_are_refused(indices, message):
    for function in (label_agreement, neighbor_vote, knn_accuracy):
        with pytest.raises(InvalidInputError, match=message):
            function(indices, [0, 1, 2])


def test_approximate_neighbours_are_nearly_exact():
    pytest.importorskip("faiss", reason="faiss is not installed")
    random = np.random.default_rng(0)
    features = random.normal(size=(20, 12))[random.integers(0, 20, 3_000)]
    features += 0.3 * random.normal(size=features.shape)
    for metric in ("euclidean", "cosine"):
        true = kneighbors(features, 10, metric=metric)
        found = kneighbors(features, 10, metric=metric, neighbors="approximate")
        same = found.indices == true.indices
        assert same.mean() > 0.95
        assert np.allclose(found.distances[same], true.distances[same], rtol=1e-3, atol=1e-5)


def test_auto_is_exact_below_a_hundred_thousand(monkeypatch):
    from tsne_widget.projection import approximate

    features = np.random.default_rng(0).normal(size=(300, 5))
    asked = []
    monkeypatch.setattr(
        approximate,
        "approximate_nearest",
        lambda *args: asked.append(1) or approximate_result(args),
    )
    exact = kneighbors(features, 5)
    assert (kneighbors(features, 5, neighbors="auto").indices == exact.indices).all()
    assert not asked
    monkeypatch.setattr(approximate, "LARGE", 300)
    monkeypatch.setattr(approximate, "is_available", lambda: True)
    kneighbors(features, 5, neighbors="auto")
    assert asked
    with pytest.raises(InvalidInputError, match="neighbors='about' must be one of"):
        kneighbors(features, 5, neighbors="about")


def approximate_result(args):
    from tsne_widget.projection.neighbors import nearest

    return nearest(*args)
