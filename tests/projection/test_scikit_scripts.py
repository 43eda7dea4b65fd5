"""Scripts written for scikit-learn's TSNE."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn import manifold
from sklearn.base import clone
from sklearn.metrics import pairwise_distances

from tests.projection.measures import trustworthiness
from tsne_widget.errors import DoubtWarning, InvalidInputError
from tsne_widget.projection import TSNE, parameters

X = np.random.default_rng(0).normal(size=(60, 5))


def test_every_parameter_of_scikit_learn_is_accepted():
    theirs = manifold.TSNE().get_params()
    ours = TSNE(**theirs)
    assert ours.get_params().keys() >= theirs.keys()
    assert clone(ours).set_params(method="exact").get_params()["method"] == "exact"


def test_parameters_at_scikit_learns_defaults_change_nothing():
    same = {"method": "barnes_hut", "angle": 0.5, "min_grad_norm": 1e-7, "metric_params": None}
    plain, given = (TSNE(random_state=0, max_iter=60, **more) for more in ({}, same))
    assert np.array_equal(plain.fit_transform(X), given.fit_transform(X))


def test_a_parameter_without_effect_is_noted_once(monkeypatch):
    monkeypatch.setattr(parameters, "_noted", set())
    tsne = TSNE(angle=0.2, max_iter=5)
    with pytest.warns(DoubtWarning, match=r"angle=0.2 has no effect: .*mesh"):
        tsne.fit(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tsne.fit(X)


@pytest.mark.parametrize(
    ("metric", "more"),
    [
        ("manhattan", {}),
        ("chebyshev", {}),
        ("correlation", {}),
        ("minkowski", {"p": 3}),
        ("mahalanobis", {"VI": np.diag([1.0, 2, 3, 4, 5])}),
        (lambda a, b: np.abs(a - b).sum(), {}),
    ],
)
def test_other_metrics_give_the_map_of_their_distances(metric, more):
    given = {"random_state": 0, "init": "random", "max_iter": 20}
    tsne = TSNE(metric=metric, metric_params=more, **given)
    distances = pairwise_distances(X, metric=metric, **more)
    expected = TSNE(metric="precomputed", **given).fit_transform(distances)
    np.testing.assert_allclose(tsne.fit_transform(X), expected, rtol=1e-3, atol=1e-8)
    assert (tsne.neighbors_, tsne.neighbors_recall_) == ("exact", 1)


def test_other_metrics_start_at_the_principal_components():
    starts = []
    for metric in ("euclidean", "manhattan"):
        tsne = TSNE(metric=metric, random_state=0, callback=lambda i, y, kl: starts.append(y))
        tsne.set_params(max_iter=2).fit(X)
    np.testing.assert_array_equal(*starts)


def test_other_metrics_place_no_new_rows():
    tsne = TSNE(metric="manhattan", max_iter=2).fit(X)
    with pytest.raises(InvalidInputError, match=r"transform needs .*metric='manhattan'"):
        tsne.transform(X)


def test_negative_distances_of_a_metric_are_refused():
    with pytest.raises(InvalidInputError, match="should be positive"):
        TSNE(metric=lambda a, b: -1.0).fit(X)


def test_verbose_prints_stages_and_iterations(capsys):
    tsne = TSNE(verbose=2, max_iter=300, random_state=0).fit(X)
    printed = capsys.readouterr().out
    for text in (
        "[t-SNE] Computing 59 nearest neighbors...",
        "[t-SNE] Computed conditional probabilities for 60 samples",
        "[t-SNE] Iteration 50: error = ",
        "[t-SNE] KL divergence after 200 iterations with early exaggeration",
        f"[t-SNE] KL divergence after 300 iterations: {tsne.kl_divergence_:f}",
    ):
        assert text in printed


def test_nothing_is_printed_without_verbose(capsys):
    TSNE(max_iter=60).fit(X)
    assert capsys.readouterr().out == ""


def test_a_fit_without_progress_ends_early():
    tsne = TSNE(n_iter_without_progress=-1, max_iter=2000, random_state=0).fit(X)
    assert tsne.n_iter_ < 1500
    assert not tsne.complete_


def test_verbose_calls_the_callback_at_its_own_interval():
    seen = []
    TSNE(verbose=1, max_iter=100, callback=lambda i, y, kl: seen.append(i), callback_every=30).fit(
        X
    )
    assert seen == [0, 30, 60, 90]


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.coo_array])
def test_a_sparse_matrix_gives_the_map_of_its_dense_form(kind):
    dense = np.where(X > 0.5, X, 0)
    tsne = TSNE(random_state=0, max_iter=50)
    assert np.array_equal(tsne.fit_transform(kind(dense)), tsne.fit_transform(dense))


def test_the_last_iteration_is_counted_from_zero():
    assert TSNE(max_iter=10).fit(X).n_iter_ == 9


def test_a_map_of_a_manhattan_metric_preserves_neighbours():
    embedding = TSNE(metric="manhattan", random_state=0, perplexity=10).fit_transform(X)
    assert trustworthiness(X, embedding, k=5) > 0.85
