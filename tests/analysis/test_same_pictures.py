"""Groups of equal and of nearly equal pictures."""

import numpy as np
import pytest

from tsne_widget import FeatureSet
from tsne_widget.analysis import (
    PictureScores,
    Scores,
    conflicting,
    duplicate_groups,
    equal_pictures,
    finder_lacks,
    finder_rows,
    similar_pictures,
    size_oddity,
)
from tsne_widget.analysis.properties import picture_properties
from tsne_widget.analysis.property_words import comparison
from tsne_widget.errors import InvalidInputError

RNG = np.random.default_rng(0)
N = 12
NOTHING = np.full(N, np.nan, dtype=np.float32)


def pictures(**given):
    """A measurement of N pictures that only has the given scores."""
    return PictureScores(*(np.float32(given.get(name, NOTHING)) for name in PictureScores._fields))


def record(labels=None):
    return FeatureSet.from_arrays(RNG.normal(size=(N, 2)), labels)


def scores_of(labels=None, **given):
    scores = Scores(record(labels))
    scores.use_pictures(lambda: pictures(**given))
    return scores


def hashes_of(waves):
    """A hash by the sign of each frequency."""
    weights = np.left_shift(np.uint64(1), np.arange(63, dtype=np.uint64))
    return ((waves > 0) * weights).sum(axis=1, dtype=np.uint64)


class TestEqualPictures:
    def test_groups_have_the_numbers_of_their_first_rows(self):
        assert equal_pictures([5, 2, 9, 2, 5, 2]).tolist() == [0, 1, -1, 1, 0, 1]

    def test_every_key_must_be_equal(self):
        assert equal_pictures([7, 7, 7], [1, 2, 1]).tolist() == [0, -1, 0]

    def test_no_picture_has_no_group(self):
        assert equal_pictures(np.empty(0, dtype=np.uint64)).tolist() == []


class TestSimilarPictures:
    def test_planted_copies_are_the_only_groups(self):
        waves = RNG.normal(size=(2000, 63))
        waves[1500:1520] = waves[:20] * 1.03 + RNG.normal(size=(20, 63)) * 0.01
        found = similar_pictures(hashes_of(waves), waves)
        assert np.flatnonzero(found >= 0).tolist() == [*range(20), *range(1500, 1520)]
        assert np.array_equal(found[:20], found[1500:1520])

    def test_five_different_bits_are_too_many(self):
        waves = np.tile(RNG.normal(size=63), (3, 1))
        assert similar_pictures([0b1, 0b11110001, 0b111110], waves).tolist() == [0, 0, -1]

    def test_equal_hashes_of_other_pictures_are_no_group(self):
        waves = RNG.normal(size=(50, 63))
        assert (similar_pictures(np.full(50, 3, dtype=np.uint64), waves) == -1).all()

    def test_flat_pictures_are_similar_to_nothing(self):
        assert (similar_pictures(np.zeros(5, dtype=np.uint64), np.zeros((5, 63))) == -1).all()


class TestGroupsOfBothKinds:
    def test_equal_pictures_alone_are_no_near_duplicates(self):
        waves = RNG.normal(size=(6, 63))
        waves[[2, 4]] = waves[0]  # rows 0 and 2 are equal, row 4 is a changed copy
        waves[5] = waves[1]  # equal, and nothing else is near
        sides = np.full(6, 8, dtype=np.float32)
        content = np.array([1, 2, 1, 3, 4, 2], dtype=np.uint64)
        exact, near = duplicate_groups(content, sides, sides, hashes_of(waves), waves)
        np.testing.assert_array_equal(exact, [0, 1, 0, np.nan, np.nan, 1])
        np.testing.assert_array_equal(near, [0, np.nan, 0, np.nan, 0, np.nan])

    def test_unreadable_pictures_are_in_no_group(self):
        unread = np.full(4, np.nan, dtype=np.float32)
        zeros = np.zeros(4, dtype=np.uint64)
        exact, near = duplicate_groups(zeros, unread, unread, zeros, np.zeros((4, 63)))
        assert np.isnan(exact).all()
        assert np.isnan(near).all()


class TestConflicts:
    def test_two_labels_of_one_group_conflict(self):
        assert conflicting([0, 0, 1, 1, -1], [3, 4, 2, 2, 5]).tolist() == [1, 1, 0, 0, 0]

    def test_an_unknown_label_contradicts_none(self):
        assert not conflicting([0, 0], [3, -1]).any()

    def test_without_labels_there_is_no_conflict(self):
        assert not conflicting([0, 0], None).any()


class TestFinders:
    def test_the_same_picture_with_different_labels_is_found_side_by_side(self):
        group = NOTHING.copy()
        group[[0, 7]], group[[1, 2, 9]], group[[3, 4]] = 0, 1, 2
        labels = ["cat"] * N
        labels[7] = labels[9] = "dog"
        scores = scores_of(labels, duplicate_group=group)
        assert finder_rows("label_conflicts", scores).tolist() == [0, 7, 1, 2, 9]
        assert finder_rows("duplicates", scores).tolist() == [0, 7, 1, 2, 9, 3, 4]

    def test_the_darkest_come_first(self):
        brightness = np.arange(N)[::-1] / N
        scores = scores_of(picture_brightness=brightness)
        assert finder_rows("darkest", scores, limit=2).tolist() == [N - 1, N - 2]
        assert finder_rows("brightest", scores, limit=2).tolist() == [0, 1]

    def test_pictures_that_are_not_measured_are_not_found(self):
        brightness = NOTHING.copy()
        brightness[5] = 0.5
        assert finder_rows("darkest", scores_of(picture_brightness=brightness)).tolist() == [5]

    def test_without_pictures_a_finder_says_what_it_needs(self):
        scores = Scores(record())
        assert finder_lacks("darkest", scores) == "needs pictures"
        assert finder_lacks("label_conflicts", scores) == "needs pictures and labels"
        with pytest.raises(InvalidInputError, match="'darkest' needs pictures"):
            finder_rows("darkest", scores)


def test_scores_of_pictures_are_measured_once():
    calls = []
    scores = Scores(record())
    scores.use_pictures(lambda: calls.append(1) or pictures(picture_width=np.arange(N)))
    assert scores["picture_width"][3] == 3
    assert np.isnan(scores["picture_noise"]).all()
    assert len(calls) == 1


def test_restored_scores_need_no_pictures():
    scores = Scores(record(["cat"] * N))
    scores.restore({"picture_brightness": np.full(N, 0.5, dtype=np.float32)})
    assert scores.lacks("picture_brightness") == ""
    assert finder_lacks("darkest", scores) == ""
    assert len(finder_rows("darkest", scores)) == N


def test_a_frame_leaves_out_scores_of_pictures_where_there_are_none():
    assert not any(name.startswith("picture") for name in Scores(record()).frame_columns("all"))


@pytest.mark.parametrize(("width", "height"), [(40, 32), (128, 128), (16, 16), (24, 40)])
def test_a_picture_of_another_size_or_shape_is_odd(width, height):
    across, down = (np.array([32] * 20 + [side], dtype=np.float32) for side in (width, height))
    assert np.flatnonzero(size_oddity(across, down) > 1).tolist() == [20]


def test_no_size_is_odd_where_all_differ():
    sides = np.linspace(300, 500, 50, dtype=np.float32)
    assert (size_oddity(sides, sides[::-1].copy()) < 1.5).all()


def test_samples_are_compared_by_whether_they_have_duplicates():
    scores = scores_of(
        picture_brightness=np.arange(N), picture_hue=np.full(N, 120), picture_width=np.full(N, 8)
    )
    scores["picture_brightness"]
    compared = picture_properties(scores)
    assert "picture_brightness" in compared
    assert set(compared["duplicate_group"]) <= {0, 1}
    assert set(compared["picture_hue"]) == {"green"}


def test_a_difference_of_a_picture_has_words():
    assert comparison("picture_brightness", False) == "darker"
    assert comparison("picture_sharpness", False) == "blurrier"
