"""The test of a map: the picture with its most red tenth covered."""

from __future__ import annotations

import numpy as np
import torch

from tests.extraction.nets import Pictures, ResNet, made
from tests.extraction.test_unchanged import assert_same, frozen, state_of
from tsne_widget.extraction.attribution.covering import cover, most_red, other_places
from tsne_widget.extraction.attribution.evidence import EvidenceReader

SQUARE = (slice(4, 8), slice(8, 12))


def brightness_of_the_square(pictures):
    """Class 1 is as probable as the square is bright."""
    bright = pictures[:, :, SQUARE[0], SQUARE[1]].mean((1, 2, 3)).clamp(0, 1)
    return torch.stack([1 - bright, bright], 1).clamp(min=1e-3).log()


def picture():
    made = torch.zeros(3, 16, 16)
    made[:, SQUARE[0], SQUARE[1]] = 0.9
    return made


def test_a_tenth_of_the_pixels_with_the_highest_values_is_chosen():
    values = np.zeros((4, 4), np.float32)
    values[1, 2] = 1
    mask = most_red(values, (20, 20))
    assert mask.sum() == 40
    assert mask[5:10, 10:15].all()
    assert not mask[12:].any()


def test_other_places_have_the_same_area_and_overlap_little():
    mask = np.zeros((20, 20), bool)
    mask[2:8, 3:9] = True
    places = other_places(mask)
    assert len(places) == 12
    assert all(place.sum() == mask.sum() for place in places)
    assert np.mean([(place & mask).sum() for place in places]) < 0.1 * mask.sum()


def test_a_map_that_names_what_counts_holds():
    values = np.zeros((4, 4), np.float32)
    values[1, 2] = 1
    covered = cover(brightness_of_the_square, picture(), values, 1)
    assert covered.holds
    assert covered.as_it_is > 0.85
    assert covered.without.mean() < 0.4 < covered.elsewhere.mean()
    assert covered.elsewhere.shape == (12, 2)
    assert (covered.predictions == 0).sum() >= 3


def test_a_map_that_names_something_else_explains_little():
    values = np.zeros((4, 4), np.float32)
    values[3, 0] = 1
    covered = cover(brightness_of_the_square, picture(), values, 1)
    assert not covered.holds
    assert covered.without.mean() > 0.85


def test_a_class_that_no_tenth_changes_is_not_explained():
    values = np.zeros((4, 4), np.float32)
    values[1, 2] = 1
    covered = cover(lambda x: torch.tensor([[0.1, 0.9]]).expand(len(x), 2), picture(), values, 1)
    assert not covered.holds


def test_a_very_sure_model_is_tested_by_its_log_odds():
    def sure(pictures):
        bright = pictures[:, :, SQUARE[0], SQUARE[1]].mean((1, 2, 3))
        return torch.stack([torch.zeros_like(bright), 30 + 10 * bright], 1)

    values = np.zeros((4, 4), np.float32)
    values[1, 2] = 1
    covered = cover(sure, picture(), values, 1)
    assert covered.without.min() > 0.9999
    assert covered.holds


def test_a_map_holds_only_if_both_fillings_agree():
    def only_for_grey(pictures):  # the blur leaves a rest of the square
        gone = pictures[:, :, SQUARE[0], SQUARE[1]].mean((1, 2, 3)) < 0.15
        return torch.stack([3.0 * gone, 2.0 * ~gone], 1)

    values = np.zeros((4, 4), np.float32)
    values[1, 2] = 1
    covered = cover(only_for_grey, picture(), values, 1)
    assert covered.lost[0] > 1 > abs(covered.lost[1])
    assert not covered.holds


def test_the_test_of_a_sample_runs_the_model_and_leaves_it_as_it_was():
    model = frozen(ResNet)
    before = state_of(model)
    made_maps, covered = EvidenceReader(model, Pictures()).look(3, 0, "difference")
    assert_same(before, state_of(model))
    shares = torch.from_numpy(made_maps.logits).softmax(1)[0]
    assert covered.mask.shape == (8, 8)
    assert covered.mask.sum() == 6
    assert abs(covered.as_it_is - float(shares[made_maps.for_class[0]])) < 1e-5


def test_the_same_sample_gives_the_same_test():
    first, second = (
        EvidenceReader(made(ResNet), Pictures()).look(5, 1, "label")[1] for _ in range(2)
    )
    np.testing.assert_array_equal(first.without, second.without)
    np.testing.assert_array_equal(first.elsewhere, second.elsewhere)
