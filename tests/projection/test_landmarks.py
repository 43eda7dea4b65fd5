"""Maps of landmarks: the choice of landmarks, the places of the other rows, and memory."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from sklearn.datasets import load_digits

from tests.projection.measures import trustworthiness
from tsne_widget import TSNE, InvalidInputError
from tsne_widget.projection import landmarks

FAST = {"random_state": 0, "max_iter": 300}


@pytest.fixture(scope="module")
def labels():
    return load_digits().target


@pytest.fixture(scope="module")
def fitted(all_digits, labels):
    return TSNE(landmarks=600, **FAST).fit(all_digits, labels)


def test_landmarks_get_the_map_of_a_fit_without_the_other_rows(fitted, all_digits):
    alone = TSNE(**FAST).fit(all_digits[fitted.landmarks_])
    assert np.array_equal(fitted.embedding_[fitted.landmarks_], alone.embedding_)
    assert fitted.embedding_.shape == (1797, 2)
    assert fitted.kl_divergence_ == alone.kl_divergence_


def test_other_rows_are_placed_as_by_transform(fitted, all_digits):
    assert np.array_equal(fitted.transform(all_digits), fitted.embedding_)


def test_landmark_map_is_nearly_as_faithful_as_a_full_map(fitted, all_digits):
    whole = TSNE(**FAST).fit_transform(all_digits)
    found, best = (trustworthiness(all_digits, y) for y in (fitted.embedding_, whole))
    assert found > best - 0.02


def test_each_class_has_its_share_of_landmarks(fitted, labels):
    share = np.bincount(labels[fitted.landmarks_]) / np.bincount(labels)
    assert np.allclose(share, 600 / 1797, atol=0.01)
    assert len(fitted.landmarks_) == 600
    assert (np.diff(fitted.landmarks_) > 0).all()


def test_rare_class_gets_thirty_landmarks_or_all_its_rows():
    y = np.repeat(["common", "rare", "rarest"], [100_000, 60, 7])
    rows = landmarks.choose(len(y), 1_000, y, np.random.RandomState(0))
    assert len(rows) == len(set(rows)) == 1_000
    assert [(y[rows] == name).sum() for name in ("common", "rare", "rarest")] == [963, 30, 7]


@pytest.mark.parametrize("count", [4, 17, 100, 1_799])
@pytest.mark.parametrize("classes", [1, 3, 90, 1_800])
def test_exactly_the_requested_number_of_landmarks_is_drawn(count, classes):
    y = np.random.default_rng(0).integers(0, classes, 1_800)
    rows = landmarks.choose(1_800, count, y, np.random.RandomState(1))
    assert len(rows) == len(np.unique(rows)) == count


def test_seed_determines_the_landmarks(all_digits):
    drawn = [
        TSNE(landmarks=50, random_state=seed, max_iter=1).fit(all_digits).landmarks_
        for seed in (0, 0, 1)
    ]
    assert np.array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], drawn[2])


def test_all_rows_are_fitted_if_there_are_no_more_than_landmarks(digits):
    tsne = TSNE(landmarks=600, **FAST)
    assert np.array_equal(tsne.fit_transform(digits), TSNE(**FAST).fit_transform(digits))
    assert np.array_equal(tsne.landmarks_, np.arange(600))


def test_block_size_does_not_change_the_bits(fitted, all_digits, labels, monkeypatch):
    monkeypatch.setattr(landmarks, "PIECE_ROWS", 77)
    again = TSNE(landmarks=600, **FAST).fit_transform(all_digits, labels)
    assert np.array_equal(again, fitted.embedding_)


def test_callback_sees_all_rows_and_can_stop_at_a_usable_map(all_digits):
    seen = []

    def stop(iteration, embedding, kl):
        seen.append(embedding.shape)
        return iteration >= 275

    tsne = TSNE(landmarks=600, callback=stop, random_state=0)
    embedding = tsne.fit_transform(all_digits)
    assert set(seen) == {(1797, 2)}
    assert not tsne.complete_
    assert trustworthiness(all_digits, embedding) > 0.9


def test_interrupt_leaves_every_row_at_its_nearest_landmark(all_digits):
    def interrupt(iteration, embedding, kl):
        if iteration == 275:
            raise KeyboardInterrupt

    tsne = TSNE(landmarks=600, callback=interrupt, random_state=0)
    with pytest.raises(KeyboardInterrupt):
        tsne.fit(all_digits)
    places = {tuple(place) for place in tsne.embedding_[tsne.landmarks_].tolist()}
    assert {tuple(place) for place in tsne.embedding_.tolist()} == places
    assert trustworthiness(all_digits, tsne.embedding_) > 0.8


def test_continued_fit_gives_the_bits_of_an_uninterrupted_fit(fitted, all_digits, labels):
    tsne = TSNE(landmarks=600, random_state=0, max_iter=120, warm_start=True)
    tsne.fit(all_digits, labels)
    tsne.set_params(max_iter=FAST["max_iter"])
    assert np.array_equal(tsne.fit_transform(all_digits, labels), fitted.embedding_)
    other = all_digits.copy()
    other[np.setdiff1d(np.arange(1797), tsne.landmarks_)[5], 3] += 1
    with pytest.raises(InvalidInputError, match="X has changed"):
        tsne.fit(other, labels)


def test_rows_that_cannot_be_placed_are_refused_before_the_fit(all_digits):
    def never(*_):
        raise AssertionError

    tsne = TSNE(landmarks=50, random_state=0, callback=never)
    spoilt = all_digits.copy()
    spoilt[[7, 1700], 5] = np.nan
    with pytest.raises(InvalidInputError, match=r"2 of 1797 rows \(rows 7, 1700\)"):
        tsne.fit(spoilt)
    spoilt[[7, 1700]] = 0
    tsne.set_params(metric="cosine")
    with pytest.raises(InvalidInputError, match="row 7 is 0 in every column"):
        tsne.fit(spoilt)


def test_single_rows_can_be_placed_by_cosine(all_digits, monkeypatch):
    monkeypatch.setattr(landmarks, "PIECE_ROWS", 1)
    tsne = TSNE(landmarks=100, metric="cosine", random_state=0, max_iter=20)
    assert np.isfinite(tsne.fit_transform(all_digits[:120])).all()


def test_given_start_applies_to_all_rows(all_digits):
    start = np.random.default_rng(0).normal(size=(1797, 2))
    tsne = TSNE(landmarks=100, init=start, random_state=0, max_iter=5).fit(all_digits)
    alone = TSNE(init=start[tsne.landmarks_], max_iter=5).fit(all_digits[tsne.landmarks_])
    assert np.array_equal(tsne.embedding_[tsne.landmarks_], alone.embedding_)


@pytest.mark.parametrize(
    ("options", "y", "message"),
    [
        ({"landmarks": 3}, None, "landmarks=3 must be .* at least 4"),
        ({"landmarks": 2.5}, None, r"landmarks=2\.5 must be"),
        ({"landmarks": 50}, [0, 1], r"y must have shape \(600,\)"),
        ({"landmarks": 50, "executor": "Ray"}, None, "did you mean 'ray'"),
        ({"landmarks": 50, "metric": "precomputed"}, None, "landmarks need features"),
    ],
)
def test_invalid_landmark_arguments_are_refused(digits, options, y, message):
    with pytest.raises(InvalidInputError, match=message):
        TSNE(**options).fit(digits, y)


def test_features_are_never_copied_whole(monkeypatch):
    monkeypatch.setattr(landmarks, "PIECE_BYTES", 2**20)
    X = np.random.default_rng(0).normal(size=(20_000, 1_024)).astype(np.float32)
    tracemalloc.start()
    TSNE(landmarks=60, random_state=0, max_iter=2).fit(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < X.nbytes / 2
