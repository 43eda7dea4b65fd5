"""TSNE: quality, reproducibility, parameters, invalid input, callbacks and new rows."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from scipy import sparse
from sklearn import manifold
from sklearn.metrics import pairwise_distances
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from tests.projection.measures import trustworthiness
from tsne_widget.errors import InvalidInputError, TsneWidgetError
from tsne_widget.projection import TSNE, fits, forces
from tsne_widget.projection.quality import affinities, kl_divergence

ITERATIONS = 300


@pytest.fixture(scope="module", params=["torch", "numba"])
def engine(request):
    """Each implementation of an iteration."""
    if request.param == "numba" and forces.compiled_loops() is None:
        pytest.skip("numba is not installed")
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "torch":
            patch.setattr(forces, "compiled_loops", lambda: None)
        yield request.param


@pytest.fixture(scope="module")
def embedding(digits, engine):
    """The map of the seed 0 by an implementation."""
    return TSNE(random_state=0).fit_transform(digits)


@pytest.fixture(scope="module")
def theirs(digits):
    """scikit-learn's map, on one thread because its parallel loops are slow on shared cores."""
    with threadpool_limits(1):
        return manifold.TSNE(random_state=0, n_jobs=1).fit_transform(digits)


class TestQuality:
    def test_divergence_is_that_of_scikit_learn_or_better_for_every_seed(
        self, digits, theirs, engine, embedding
    ):
        P = affinities(digits)
        bound = kl_divergence(P, theirs) + 0.01
        assert kl_divergence(P, embedding) < bound
        for seed in range(1, 5 if engine == "numba" else 2):
            assert kl_divergence(P, TSNE(random_state=seed).fit_transform(digits)) < bound

    def test_neighbours_in_feature_space_are_neighbours_on_the_map(self, digits, embedding):
        assert embedding.dtype == np.float32
        assert trustworthiness(digits, embedding, k=10) > 0.97

    def test_reported_divergence_is_the_exact_one(self, all_digits, engine):
        tsne = TSNE(random_state=0, max_iter=ITERATIONS)
        tsne.fit(all_digits)
        assert tsne.kl_divergence_ == pytest.approx(
            kl_divergence(affinities(all_digits), tsne.embedding_), abs=2e-4
        )

    def test_small_samples_are_mapped_as_well_as_by_scikit_learn(self):
        X = np.random.default_rng(0).normal(size=(40, 5))
        P = affinities(X, 13)
        with threadpool_limits(1):
            theirs = manifold.TSNE(perplexity=13, random_state=0).fit_transform(X)
        ours = [TSNE(random_state=seed).fit_transform(X) for seed in range(3)]
        assert min(kl_divergence(P, y) for y in ours) < kl_divergence(P, theirs) + 0.02

    def test_a_map_on_a_line_orders_points_of_a_line(self):
        X = np.linspace(0, 1, 80)[:, None]
        order = TSNE(1, random_state=0).fit_transform(X)
        assert order.shape == (80, 1)
        assert trustworthiness(X, np.pad(order, ((0, 0), (0, 1))), k=5) > 0.95


class TestReproducible:
    def test_the_same_seed_gives_the_same_bits(self, digits, engine):
        first, second = (
            TSNE(random_state=3, max_iter=ITERATIONS).fit_transform(digits) for _ in range(2)
        )
        assert np.array_equal(first, second)

    def test_the_number_of_threads_does_not_change_the_bits(self, engine):
        X = np.random.default_rng(0).normal(size=(10_500, 4)).astype(np.float32)
        one, three = (
            TSNE(random_state=0, max_iter=4, perplexity=5, n_jobs=n, init="random")
            .set_params(init=_wide_start(len(X)))
            .fit_transform(X)
            for n in (1, 3)
        )
        assert np.array_equal(one, three)

    def test_many_rows_are_mapped_in_the_given_order(self, digits, monkeypatch):
        monkeypatch.setattr(fits, "LARGE", 100)
        tsne = TSNE(random_state=0, max_iter=150, warm_start=True)
        tsne.fit(digits)
        assert trustworthiness(digits, tsne.embedding_, k=10) > 0.97
        assert np.array_equal(tsne.transform(digits[:9]), tsne.embedding_[:9])
        tsne.set_params(max_iter=200).fit(digits)
        whole = TSNE(random_state=0, max_iter=200).fit_transform(digits)
        assert np.array_equal(tsne.embedding_, whole)

    @pytest.mark.parametrize("power", [-120, -60, 60, 120])
    def test_scale_of_the_features_does_not_change_the_map(self, digits, power):
        tsne = TSNE(random_state=0, max_iter=ITERATIONS)
        X = digits[:80]
        assert np.array_equal(tsne.fit_transform(X), tsne.fit_transform(np.ldexp(X, power)))

    def test_number_of_torch_threads_is_restored(self, digits):
        before = torch.get_num_threads()
        TSNE(max_iter=5).fit(digits)
        with pytest.raises(ZeroDivisionError):
            TSNE(callback=lambda *_: 1 / 0).fit(digits)
        assert torch.get_num_threads() == before


class TestParameters:
    def test_parameters_are_stored_untouched_and_used_values_are_recorded(self):
        tsne = TSNE(random_state=0, max_iter=ITERATIONS)
        tsne.fit(np.random.default_rng(0).normal(size=(31, 5)))
        assert tsne.perplexity is None
        assert tsne.perplexity_ == 10
        assert tsne.learning_rate == "auto"
        assert tsne.learning_rate_ == 31 / 4
        assert tsne.n_iter_ == ITERATIONS - 1
        assert tsne.complete_

    def test_perplexity_that_the_data_cannot_support_is_an_error_with_the_remedy(self):
        with pytest.raises(
            InvalidInputError,
            match=r"perplexity \(30\) must be less than n_samples \(20\); pass perplexity=6",
        ):
            TSNE(perplexity=30).fit(np.random.default_rng(0).normal(size=(20, 5)))

    def test_perplexity_needing_more_neighbours_than_samples_warns(self):
        with pytest.warns(UserWarning, match=r"needs 30 neighbours.*there are 19.*perplexity=6"):
            TSNE(perplexity=10, max_iter=5).fit(np.random.default_rng(0).normal(size=(20, 5)))

    @pytest.mark.parametrize("n", range(4, 41))
    def test_default_perplexity_fits_any_number_of_samples(self, n):
        tsne = TSNE(random_state=0, max_iter=50)
        embedding = tsne.fit_transform(np.random.default_rng(n).normal(size=(n, 3)))
        assert np.isfinite(embedding).all()
        assert tsne.perplexity_ <= (n - 1) / 3

    @pytest.mark.parametrize(
        ("parameters", "message"),
        [
            ({"n_components": 3}, "'n_components' should be 2 for a map or 1 for a line, got 3"),
            ({"perplexity": 0.5}, "perplexity=0.5 must be"),
            ({"perplexity": np.nan}, "perplexity=nan"),
            ({"metric": "manhatan"}, "metric='manhatan' is unknown.*precomputed.*manhattan"),
            ({"metric_params": {"p": 3}}, "metric_params=.* has no meaning for metric='euclidean'"),
            ({"metric": "mahalanobis"}, "metric='mahalanobis': Singular matrix"),
            ({"verbose": "yes"}, "verbose='yes' must be an integer"),
            ({"method": "fft"}, "method='fft' is unknown"),
            ({"init": "spectral"}, "init='spectral' is unknown"),
            ({"init": np.zeros((3, 2))}, r"init must have shape \(600, 2\), got \(3, 2\)"),
            ({"init": np.full((600, 2), np.nan)}, "init .* not finite"),
            ({"max_iter": 0}, "max_iter=0 must be"),
            ({"learning_rate": -1}, "learning_rate=-1 must be"),
            ({"early_exaggeration": 0.5}, "early_exaggeration=0.5 must be"),
            ({"callback_every": 0}, "callback_every=0"),
            ({"n_jobs": 0}, "n_jobs=0"),
            ({"device": "warp"}, "device='warp' is not available"),
        ],
    )
    def test_parameter_out_of_bounds_is_named_with_its_value(self, digits, parameters, message):
        with pytest.raises(InvalidInputError, match=message):
            TSNE(**parameters).fit(digits)

    def test_points_start_at_the_given_positions(self, digits):
        start = np.random.default_rng(0).normal(size=(600, 2)).astype(np.float32)
        seen = []
        TSNE(init=start, callback=lambda i, y, kl: seen.append(y) or True).fit(digits)
        assert np.array_equal(seen[0], start)

    def test_excessive_learning_rate_leaves_finite_coordinates(self, digits):
        embedding = TSNE(learning_rate=1e12, max_iter=50).fit_transform(digits)
        assert np.isfinite(embedding).all()

    def test_a_pipeline_and_a_pickle_work(self, digits):
        pipeline = make_pipeline(StandardScaler(), TSNE(random_state=0, max_iter=20))
        embedding = pipeline.fit_transform(digits)
        again = pickle.loads(pickle.dumps(pipeline))
        assert np.array_equal(again.transform(digits[:5]), embedding[:5])
        assert list(again.get_feature_names_out()) == ["tsne0", "tsne1"]


class TestInput:
    @pytest.mark.parametrize("n", [1, 2, 3])
    def test_too_few_samples_are_refused_with_a_remedy(self, n):
        with pytest.raises(InvalidInputError, match=f"n_samples={n}.*embedding="):
            TSNE().fit(np.random.default_rng(0).normal(size=(n, 5)))

    @pytest.mark.parametrize("metric", ["euclidean", "cosine"])
    @pytest.mark.parametrize("value", [0.1, 1e-30, 1e30])
    def test_constant_features_are_refused_before_any_work(self, value, metric):
        with pytest.raises(InvalidInputError, match="constant over 50 samples"):
            TSNE(metric=metric).fit(np.full((50, 8), value, dtype=np.float32))

    def test_nan_and_inf_are_refused_with_their_rows(self, digits):
        broken = digits.copy()
        broken[7, 3], broken[9, 0] = np.nan, np.inf
        for metric in ("euclidean", "cosine"):
            with pytest.raises(TsneWidgetError, match=r"2 of 600 rows \(rows 7, 9\)"):
                TSNE(metric=metric).fit(broken)

    def test_a_large_sparse_matrix_is_refused_with_a_remedy(self):
        with pytest.raises(InvalidInputError, match=r"sparse.*TruncatedSVD.*toarray"):
            TSNE().fit(sparse.csr_matrix((20_000, 10_000)))

    def test_a_row_without_direction_is_refused_by_cosine(self, digits):
        broken = digits.copy()
        broken[5] = 0
        with pytest.raises(InvalidInputError, match="row 5 is 0 in every column"):
            TSNE(metric="cosine").fit(broken)

    def test_number_types_that_hold_the_same_values_give_the_same_map(self, digits):
        tsne = TSNE(random_state=0, max_iter=20)
        X = digits[:60]  # whole numbers up to 16 are exact in every type
        expected = tsne.fit_transform(X)
        for same in (
            X.astype(np.float16),
            X.astype(np.int64),
            X.astype(np.uint8),
            torch.from_numpy(X).to(torch.bfloat16),
            torch.from_numpy(X).requires_grad_(),
            X.tolist(),
        ):
            assert np.allclose(tsne.fit_transform(same), expected, rtol=1e-3, atol=1e-7)

    def test_a_memory_map_is_read(self, digits, tmp_path):
        np.save(tmp_path / "X.npy", digits)
        mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
        tsne = TSNE(random_state=0, max_iter=20)
        assert np.array_equal(tsne.fit_transform(mapped), tsne.fit_transform(digits))

    def test_data_larger_than_memory_is_refused_before_any_work(self):
        huge = np.broadcast_to(np.float32(1), (10**9, 512))
        with pytest.raises(InvalidInputError, match=r"needs about .* GB.*IncrementalPCA"):
            TSNE().fit(huge)

    def test_one_feature_column_gives_a_map_in_the_plane(self):
        embedding = TSNE(random_state=0).fit_transform(np.linspace(0, 1, 60)[:, None])
        assert np.isfinite(embedding).all()
        assert (embedding.std(axis=0) > 0.1).all()

    def test_a_hundred_thousand_columns_are_mapped(self):
        X = np.random.default_rng(0).normal(size=(20, 100_000)).astype(np.float32)
        assert np.isfinite(TSNE(random_state=0, max_iter=20).fit_transform(X)).all()

    def test_duplicates_share_a_finite_place(self):
        X = np.repeat(np.random.default_rng(0).normal(size=(5, 3)), 120, axis=0)
        embedding = TSNE(random_state=0).fit_transform(X)
        assert np.isfinite(embedding).all()
        groups = embedding.reshape(5, 120, 2)
        apart = np.linalg.norm(groups.mean(1)[:, None] - groups.mean(1), axis=2)
        assert groups.std(axis=1).max() < apart[apart > 0].min()

    def test_nearly_equal_rows_far_from_zero_keep_their_neighbourhoods(self):
        random = np.random.default_rng(0)
        X = (1e4 + random.normal(size=(300, 5))).astype(np.float32)
        embedding = TSNE(random_state=0).fit_transform(X)
        assert trustworthiness(X, embedding, k=10) > 0.85


class TestMetrics:
    def test_precomputed_distances_give_the_map_of_the_features(self, digits):
        P = affinities(digits)
        y = TSNE(metric="precomputed", init="random", random_state=0).fit_transform(
            pairwise_distances(digits)
        )
        assert kl_divergence(P, y) < kl_divergence(
            P, TSNE(random_state=0).fit_transform(digits)
        ) + (0.03)

    def test_precomputed_neighbours_give_the_map_of_their_distances(self):
        X = np.random.default_rng(0).normal(size=(300, 5))
        graph = NearestNeighbors(n_neighbors=95).fit(X).kneighbors_graph(mode="distance")
        tsne = TSNE(metric="precomputed", init="random", random_state=0, max_iter=20)
        of_neighbours, of_distances = map(tsne.fit_transform, (graph, pairwise_distances(X)))
        assert np.allclose(of_neighbours, of_distances, rtol=1e-3, atol=1e-8)

    def test_too_few_precomputed_neighbours_are_refused(self, digits):
        graph = NearestNeighbors(n_neighbors=10).fit(digits).kneighbors_graph(mode="distance")
        with pytest.raises(InvalidInputError, match=r"row 0 has 10 neighbours.*needs 90"):
            TSNE(metric="precomputed", init="random").fit(graph)

    def test_precomputed_distances_have_no_principal_components(self, digits):
        with pytest.raises(InvalidInputError, match=r"init=.pca. cannot be used"):
            TSNE(metric="precomputed").fit(pairwise_distances(digits))

    @pytest.mark.parametrize("bad", [-1.0, np.nan])
    def test_invalid_distances_are_refused(self, digits, bad):
        distances = pairwise_distances(digits)
        distances[3, 4] = bad
        with pytest.raises(InvalidInputError, match="negative or infinite distances"):
            TSNE(metric="precomputed", init="random").fit(distances)

    def test_cosine_ignores_the_length_of_rows(self, digits):
        lengths = np.exp2(np.random.default_rng(0).integers(-8, 8, size=(600, 1)))
        tsne = TSNE(metric="cosine", random_state=0, max_iter=50)
        assert np.array_equal(
            tsne.fit_transform(digits), tsne.fit_transform((digits * lengths).astype(np.float32))
        )


class TestLive:
    def test_callback_is_called_at_the_start_and_at_the_given_interval(self, digits):
        seen = []
        TSNE(
            random_state=0, max_iter=50, callback_every=20, callback=lambda i, y, kl: seen.append(i)
        ).fit(digits)
        assert seen == [0, 20, 40]

    def test_callback_receives_a_decreasing_divergence(self, all_digits):
        seen = []
        tsne = TSNE(random_state=0, callback_every=100, callback=lambda i, y, kl: seen.append(kl))
        tsne.fit(all_digits)
        assert seen[0] > seen[2] > seen[4]
        assert seen[4] == pytest.approx(tsne.kl_divergence_, abs=0.02)

    def test_the_callback_cannot_change_the_map(self, digits):
        def spoil(iteration, embedding, kl):
            embedding[:] = 0

        plain = TSNE(random_state=0, max_iter=50).fit_transform(digits)
        tsne = TSNE(random_state=0, max_iter=50, callback=spoil, callback_every=10)
        assert np.array_equal(tsne.fit_transform(digits), plain)

    def test_a_callback_that_returns_true_stops_at_a_usable_map(self, digits):
        tsne = TSNE(callback=lambda iteration, y, kl: iteration >= 300, callback_every=100)
        embedding = tsne.fit_transform(digits)
        assert tsne.n_iter_ == 299
        assert not tsne.complete_
        assert trustworthiness(digits, embedding, k=10) > 0.9

    @pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
    def test_interrupt_propagates_and_leaves_a_usable_map(self, digits, error):
        def interrupt(iteration, embedding, kl):
            if iteration == 300:
                raise error

        tsne = TSNE(callback=interrupt)
        with pytest.raises(error):
            tsne.fit(digits)
        assert tsne.n_iter_ == 299
        assert not tsne.complete_
        assert trustworthiness(digits, tsne.embedding_, k=10) > 0.9

    @pytest.mark.parametrize("stop", [100, 250, 260])
    def test_continued_fit_gives_the_bits_of_an_uninterrupted_fit(self, digits, stop, engine):
        whole = TSNE(random_state=0, max_iter=ITERATIONS).fit_transform(digits)
        tsne = TSNE(random_state=0, max_iter=stop, warm_start=True).fit(digits)
        tsne.set_params(max_iter=ITERATIONS)
        assert np.array_equal(tsne.fit_transform(digits), whole)
        assert tsne.n_iter_ == ITERATIONS - 1

    def test_a_continued_fit_of_other_features_is_refused(self, digits):
        tsne = TSNE(max_iter=5, warm_start=True).fit(digits)
        with pytest.raises(InvalidInputError, match="X has changed"):
            tsne.fit(digits[::-1])


@pytest.fixture(scope="module")
def fitted(all_digits):
    return TSNE(random_state=0).fit(all_digits[:1500])


class TestTransform:
    def test_new_rows_are_placed_near_their_neighbours(self, fitted, all_digits):
        new = all_digits[1500:]
        placed = fitted.transform(new)
        nearest = NearestNeighbors(n_neighbors=1).fit(all_digits[:1500])
        partner = fitted.embedding_[nearest.kneighbors(new)[1][:, 0]]
        distance = np.linalg.norm(placed - partner, axis=1)
        assert np.median(distance) < 0.03 * np.ptp(fitted.embedding_)

    def test_each_row_is_placed_independently_of_the_others(self, fitted, all_digits):
        new = all_digits[1500:1520]
        together = fitted.transform(new)
        assert np.array_equal(together[::-1], fitted.transform(new[::-1]))
        one_by_one = np.concatenate([fitted.transform(row[None]) for row in new])
        assert np.array_equal(together, one_by_one)

    def test_a_fitted_row_gets_its_own_place(self, fitted, all_digits):
        assert np.array_equal(fitted.transform(all_digits[:1500]), fitted.embedding_)

    def test_rows_that_cannot_be_placed_are_refused(self, fitted, all_digits):
        with pytest.raises(InvalidInputError, match="64 features"):
            fitted.transform(all_digits[:, :10])
        with pytest.raises(InvalidInputError, match="NaN or inf"):
            fitted.transform(np.full((1, 64), np.nan))

    def test_map_of_precomputed_distances_cannot_place_new_rows(self, digits):
        distances = pairwise_distances(digits)
        tsne = TSNE(metric="precomputed", init="random", max_iter=5).fit(distances)
        with pytest.raises(InvalidInputError, match="metric='precomputed'"):
            tsne.transform(distances)

    def test_cosine_places_new_rows_by_direction(self, digits):
        tsne = TSNE(metric="cosine", random_state=0, max_iter=ITERATIONS).fit(digits[:500])
        new = digits[500:]
        assert np.allclose(tsne.transform(new), tsne.transform(4 * new))


def _wide_start(n: int) -> np.ndarray:
    return np.random.default_rng(1).normal(scale=30, size=(n, 2)).astype(np.float32)
