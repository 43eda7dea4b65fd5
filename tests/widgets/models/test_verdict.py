"""The diagnosis in words: how strong the evidence is."""

import pytest

from tsne_widget.widgets.models.verdict import Pair, trust_sentence, verdict

NAMES = ["cat", "dog", "owl", "emu"]
GOOD, POOR = (0.97, 0.95), (0.8, 0.7)


def said(pairs, **options):
    given = {"suspect": 0, "faith": GOOD, "here": True} | options
    return verdict([Pair(*pair) for pair in pairs], NAMES, **given)


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        ([(0, 1, 9), (1, 0, 8), (2, 3, 1)], "The model mixes up cat and dog here."),
        ([(0, 1, 9), (1, 0, 1), (2, 3, 1)], "The model takes cat for dog here."),
        ([(0, 1, 4), (1, 0, 3), (2, 3, 8)], "The model takes owl for emu here."),
        ([(0, 1, 3), (1, 0, 2), (2, 3, 3), (3, 1, 3), (2, 0, 2)],
         "The model mixes up cat and dog most often here."),
        ([(a, b, 2) for a in range(4) for b in range(4) if a != b],
         "The mistakes here are spread over many classes."),
        ([], "No mistakes here."),
    ],
)  # fmt: skip
def test_first_sentence_names_what_is_confused(pairs, words):
    assert said(pairs).startswith(words)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "The labels look right, and so does the map."),
        ({"faith": POOR}, "The labels look right, but the map does not."),
        ({"faith": None}, "The labels look right."),
        ({"suspect": 1}, "1 label looks suspect; the map looks right."),
        ({"suspect": 3, "faith": POOR}, "3 labels look suspect; so does the map."),
        ({"suspect": None, "faith": POOR}, "The map looks unreliable."),
        ({"suspect": None, "faith": None}, "dog here."),
    ],
)
def test_second_sentence_judges_labels_and_map(options, words):
    assert said([(0, 1, 9)], **options).endswith(words)


def test_mostly_suspect_labels_come_before_the_confusion():
    assert said([(0, 1, 9)], suspect=6).startswith(
        "Most of the mistakes here look like wrong labels."
    )


def test_everything_is_not_called_here():
    assert said([(0, 1, 9)], here=False).startswith("The model takes cat for dog. ")


@pytest.mark.parametrize(
    ("faith", "words"),
    [
        (GOOD, "Mostly:"),
        ((0.8, 0.95), "Only partly: many neighbours on the map"),
        ((0.95, 0.8), "Only partly: many neighbours for the model"),
        (None, ""),
    ],
)
def test_trust_is_graded(faith, words):
    sentence = trust_sentence(faith)
    assert sentence.startswith(words)
    assert bool(sentence) == bool(words)
