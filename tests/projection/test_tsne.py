"""TSNE keeps scikit-learn's contract, makes good maps and refuses what it cannot map."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.manifold import trustworthiness

from tsne_widget import TsneWidgetError
from tsne_widget.errors import InvalidInputError
from tsne_widget.projection import TSNE


@pytest.fixture(scope="module")
def digits() -> np.ndarray:
    return load_digits().data[:300].astype(np.float32)


def test_neighbours_stay_neighbours(digits):
    embedding = TSNE(random_state=0).fit_transform(digits)
    assert embedding.dtype == np.float32
    assert trustworthiness(digits, embedding, n_neighbors=10) > 0.97


def test_the_same_seed_gives_the_same_map(digits):
    first, second = (TSNE(random_state=3, max_iter=250).fit_transform(digits) for _ in range(2))
    assert np.array_equal(first, second)


def test_parameters_are_stored_untouched_and_what_was_used_is_recorded():
    tsne = TSNE(random_state=0, max_iter=250)
    tsne.fit(np.random.default_rng(0).normal(size=(31, 5)))
    assert tsne.perplexity is None
    assert tsne.perplexity_ == 10
    assert tsne.complete_


def test_perplexity_that_the_data_cannot_support_is_an_error_with_the_remedy():
    with pytest.raises(
        InvalidInputError,
        match="perplexity=30 needs more than 30 samples, got 20; pass perplexity=6",
    ):
        TSNE(perplexity=30).fit(np.random.default_rng(0).normal(size=(20, 5)))


@pytest.mark.parametrize("n", [1, 2, 3])
def test_too_few_samples_are_refused_with_a_remedy(n):
    with pytest.raises(InvalidInputError, match=f"n_samples={n}.*embedding="):
        TSNE().fit(np.random.default_rng(0).normal(size=(n, 5)))


def test_constant_features_are_refused_before_any_work():
    with pytest.raises(InvalidInputError, match=r"constant over 50 samples \(dead layer\?\)"):
        TSNE().fit(np.full((50, 8), 0.1, dtype=np.float32))


def test_nan_and_inf_are_refused_naming_their_rows(digits):
    broken = digits.copy()
    broken[7, 3], broken[9, 0] = np.nan, np.inf
    with pytest.raises(TsneWidgetError, match=r"2 of 300 rows \(rows 7, 9\)"):
        TSNE().fit(broken)


@pytest.mark.parametrize("power", [-120, -60, 60, 120])
def test_scale_of_the_features_does_not_change_the_map(digits, power):
    tsne = TSNE(random_state=0, max_iter=250)
    assert np.array_equal(
        tsne.fit_transform(digits[:80]),
        tsne.fit_transform(np.ldexp(digits[:80], power)),
    )


def test_one_feature_column_gives_a_map_in_the_plane():
    embedding = TSNE(random_state=0).fit_transform(np.linspace(0, 1, 60)[:, None])
    assert np.isfinite(embedding).all()
    assert (embedding.std(axis=0) > 0).all()


def test_duplicates_stay_finite():
    X = np.repeat(np.random.default_rng(0).normal(size=(5, 3)), 12, axis=0)
    assert np.isfinite(TSNE(random_state=0).fit_transform(X)).all()


def test_bfloat16_tensors_are_read(digits):
    tensor = torch.from_numpy(digits[:60]).to(torch.bfloat16)
    tsne = TSNE(random_state=0, max_iter=250)
    assert np.array_equal(tsne.fit_transform(tensor), tsne.fit_transform(tensor.float().numpy()))


def test_callback_returning_true_stops_the_fit(digits):
    tsne = TSNE(callback=lambda iteration, embedding, kl: True)
    embedding = tsne.fit_transform(digits)
    assert embedding.shape == (300, 2)
    assert not tsne.complete_
