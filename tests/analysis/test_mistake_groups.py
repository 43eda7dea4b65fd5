"""Groups of mistakes: found on one half, tested on the other."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from tsne_widget.analysis import find_groups, mistake_groups
from tsne_widget.analysis.group_search import Judged, joined_space, random_halves
from tsne_widget.errors import InvalidInputError


def planted_digits():
    """Digits, a linear model trained on clean ones, and 60 upside-down sevens."""
    images, labels = load_digits(return_X_y=True)
    model = LogisticRegression(C=0.01, max_iter=2000).fit(images[:900], labels[:900])
    images, labels = images[900:].copy(), labels[900:]
    rows = np.flatnonzero(labels == 7)[:60]
    images[rows] = images[rows, ::-1]
    return images, labels, model.predict(images), rows


def blobs(n=600, seed=0):
    random = np.random.default_rng(seed)
    labels = random.integers(0, 3, n)
    features = random.normal(size=(n, 8)) + 6 * np.eye(3, 8)[labels]
    return features, labels, random


def test_spoilt_digits_are_the_first_group_and_hold_on_the_other_half():
    images, labels, predictions, rows = planted_digits()
    groups = mistake_groups(images, labels, predictions)
    first = groups.iloc[0]
    assert np.isin(first["ids"][:10], rows).all()
    assert first["held_out_mistakes"] >= 0.8 * first["held_out_size"] > 0
    assert first["p_value"] < 0.001
    assert first["confusion"].startswith("7 → ")


def test_a_group_counts_agree_with_its_rows():
    images, labels, predictions, _ = planted_digits()
    wrong = labels != predictions
    for _, group in mistake_groups(images, labels, predictions).iterrows():
        rows = np.array(group["ids"])
        others = np.setdiff1d(np.arange(len(wrong)), rows)
        assert group["size"] == len(rows) == len(set(rows))
        assert group["mistakes"] == wrong[rows].sum()
        assert wrong[rows[: group["mistakes"]]].all()
        assert group["rest_error_rate"] == pytest.approx(wrong[others].mean())
        assert group["ratio"] == pytest.approx(wrong[rows].mean() / wrong[others].mean())
        assert group["held_out_mistakes"] <= group["held_out_size"] <= group["size"]


def test_shuffled_mistakes_form_no_group():
    features, labels, random = blobs()
    reported = 0
    for seed in range(20):
        predictions = np.where(random.random(len(labels)) < 0.2, (labels + 1) % 3, labels)
        shuffled = random.permutation(len(labels))
        guess = np.where((predictions != labels)[shuffled], (labels + 1) % 3, labels)
        reported += len(mistake_groups(features, labels, guess, random_state=seed)) > 0
    assert reported <= 2


def test_shuffled_outputs_form_no_group():
    features, labels, random = blobs()
    logits = 2 * random.normal(size=(600, 3)) + 3 * np.eye(3)[labels]
    reported = 0
    for seed in range(20):
        other = random.permutation(600)
        turn = (labels[other] - labels)[:, None]
        given = np.take_along_axis(logits[other], (np.arange(3) + turn) % 3, axis=1)
        guess = given.argmax(axis=1)
        found = mistake_groups(features, labels, guess, logits=given, random_state=seed)
        reported += len(found) > 0
    assert reported <= 2


def test_a_belief_is_the_mean_of_the_prediction_and_its_probability():
    even = np.log([[0.6, 0.3, 0.1], [0.1, 0.2, 0.7]])
    rows = np.arange(2)
    judged = Judged(np.array([0, 1]), np.array([0, 2]), even)
    assert judged.beliefs(rows) == pytest.approx(np.array([[0, 0.15, 0.05], [0.05, 0, 0.85]]))
    plain = judged._replace(logits=None)
    assert plain.beliefs(rows).tolist() == [[0, 0, 0], [0, 0, 1]]


def test_the_first_pictures_of_a_group_share_its_confusion():
    images, labels, predictions, _ = planted_digits()
    first = find_groups(images, labels, predictions).groups[0]
    pairs = list(zip(labels[first.rows], predictions[first.rows], strict=True))
    assert pairs[0] == first.pairs[0]


def test_the_same_seed_gives_the_same_groups():
    images, labels, predictions, _ = planted_digits()
    one, two = (mistake_groups(images, labels, predictions, random_state=3) for _ in range(2))
    assert one.equals(two)


@pytest.mark.parametrize("wrong", [False, True], ids=["all right", "all wrong"])
def test_without_any_difference_there_is_no_group(wrong):
    features, labels, _ = blobs()
    predictions = (labels + wrong) % 3
    groups = mistake_groups(features, labels, predictions)
    assert len(groups) == 0
    assert "held_out_size" in groups.columns
    assert groups.attrs["not_held"] == 0


@pytest.mark.parametrize("n", [1, 2, 5, 19, 25])
def test_few_samples_are_no_error(n):
    features, labels, _ = blobs(n)
    predictions = labels.copy()
    predictions[0] = (labels[0] + 1) % 3
    assert len(mistake_groups(features, labels, predictions)) == 0


def test_constant_features_are_no_error():
    labels = np.arange(60) % 2
    predictions = np.where(np.arange(60) < 10, 1 - labels, labels)
    mistake_groups(np.ones((60, 3)), labels, predictions)


def test_a_class_with_one_sample_does_not_matter():
    images, labels, predictions, rows = planted_digits()
    labels = labels.copy()
    labels[0] = 10
    first = mistake_groups(images, labels, predictions).iloc[0]
    assert np.isin(first["ids"][:10], rows).all()


def test_unknown_labels_and_predictions_are_left_out():
    images, labels, predictions, rows = planted_digits()
    labels, predictions = labels.copy(), predictions.copy()
    labels[rows[:5]] = -1
    predictions[rows[5:10]] = -1
    groups = mistake_groups(images, labels, predictions)
    found = {row for ids in groups["ids"] for row in ids}
    assert not found & set(rows[:10].tolist())
    assert set(groups.iloc[0]["ids"][:10]) <= set(rows.tolist())


def test_copies_of_one_mistake_confirm_no_group():
    features, labels, _ = blobs()
    predictions = labels.copy()
    features[:40] = features[0] + 1e-6 * np.arange(40)[:, None]
    labels[:40], predictions[:40] = 0, 1
    spread = np.arange(40, 600, 20)
    predictions[spread] = (labels[spread] + 1) % 3
    assert len(mistake_groups(features, labels, predictions)) == 0


def test_near_duplicates_of_mistakes_stay_in_one_half():
    features, labels, random = blobs()
    features[300:] = features[:300] + 1e-6
    labels[300:] = labels[:300]
    predictions = (labels + 1) % 3
    space = joined_space(features, labels)
    first = random_halves(space, labels, labels != predictions, random)
    assert (first[:300] == first[300:]).all()
    assert 0.3 < first.mean() < 0.7


def test_ids_and_class_names_replace_rows_and_codes():
    images, labels, predictions, _ = planted_digits()
    names = [f"digit {i}" for i in range(10)]
    plain = mistake_groups(images, labels, predictions)
    named = mistake_groups(
        images, labels, predictions, ids=np.arange(len(labels)) + 900, class_names=names
    )
    assert [id_ - 900 for id_ in named["ids"][0]] == list(plain["ids"][0])
    assert named["confusion"][0].startswith("digit 7 → digit ")


def test_the_number_of_groups_that_do_not_hold_is_told():
    images, labels, predictions, _ = planted_digits()
    groups = mistake_groups(images, labels, predictions)
    found = find_groups(images, labels, predictions)
    assert groups.attrs["not_held"] == found.not_held > 0
    assert len(groups) == len(found.groups)


def test_features_that_are_not_finite_are_named():
    features, labels, _ = blobs()
    features[3, 2] = np.nan
    with pytest.raises(InvalidInputError, match="features"):
        mistake_groups(features, labels, (labels + (np.arange(600) % 5 == 0)) % 3)


def test_features_are_checked_although_nothing_is_wrong():
    features, labels, _ = blobs()
    features[3, 2] = np.nan
    with pytest.raises(InvalidInputError, match="features"):
        mistake_groups(features, labels, labels)


def test_arrays_of_different_lengths_are_refused():
    features, labels, _ = blobs()
    with pytest.raises(InvalidInputError, match="predictions must have 600 rows"):
        mistake_groups(features, labels, labels[:-1])
    with pytest.raises(InvalidInputError, match="logits must have 600 rows"):
        mistake_groups(features, labels, labels, logits=np.zeros((599, 3)))
