"""Sentences of the diagnosis panel: how strong the evidence is, never whether it is true."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tsne_widget.analysis.diagnosis import FAITHFUL

# Shares of the mistakes from which two classes are called mixed up, and mixed up most often.
MIXED_UP, MOST_OFTEN = 0.5, 0.2
# Share of a pair's mistakes in one direction from which only that direction is named.
ONE_WAY = 0.8


class Pair(NamedTuple):
    """Mistakes with one label and one prediction."""

    label: int
    prediction: int
    mistakes: int


def verdict(
    pairs: Sequence[Pair],
    names: Sequence[str],
    *,
    suspect: int | None,
    faith: tuple[float, float] | None,
    here: bool,
) -> str:
    """One or two sentences: which classes are mixed up, and how far labels and map agree.

    Parameters
    ----------
    pairs : sequence of Pair
        All mistakes, the most frequent pair first.
    names : sequence of c str
    suspect : int or None
        Mistakes whose label is probably wrong; None if unknown.
    faith : (trustworthiness, continuity) or None
        Means over the diagnosed samples, 0 … 1; None if unknown.
    here : bool
        Whether a selection is diagnosed, and not everything.

    Examples
    --------
    >>> verdict([Pair(0, 1, 7)], ["cat", "dog"], suspect=0, faith=(0.97, 0.95), here=True)
    'The model takes cat for dog here. The labels look right, and so does the map.'
    """
    total = sum(pair.mistakes for pair in pairs)
    place = " here" if here else ""
    parts = (_mistakes(pairs, names, suspect or 0, place), _evidence(total, suspect, faith))
    return " ".join(part for part in parts if part)


def _mistakes(pairs: Sequence[Pair], names: Sequence[str], suspect: int, here: str) -> str:
    total = sum(pair.mistakes for pair in pairs)
    if not total:
        return f"No mistakes{here}."
    if suspect > total / 2:
        return f"Most of the mistakes{here} look like wrong labels."
    both: dict[frozenset[int], int] = {}
    for pair in pairs:
        key = frozenset((pair.label, pair.prediction))
        both[key] = both.get(key, 0) + pair.mistakes
    worst, count = max(both.items(), key=lambda item: item[1])
    first = next(pair for pair in pairs if {pair.label, pair.prediction} == worst)
    label, prediction = names[first.label], names[first.prediction]
    if count < MOST_OFTEN * total:
        return f"The mistakes{here} are spread over many classes."
    often = "" if count >= MIXED_UP * total else " most often"
    if first.mistakes >= ONE_WAY * count:
        return f"The model takes {label} for {prediction}{often}{here}."
    return f"The model mixes up {label} and {prediction}{often}{here}."


def _evidence(total: int, suspect: int | None, faith: tuple[float, float] | None) -> str:
    is_faithful = None if faith is None else min(faith) >= FAITHFUL
    if suspect is None or not total:
        return {
            None: "", True: "The map looks reliable.", False: "The map looks unreliable.",
        }[is_faithful]  # fmt: skip
    if suspect:
        words = "label looks" if suspect == 1 else "labels look"
        rest = {None: "", True: "; the map looks right", False: "; so does the map"}[is_faithful]
        return f"{suspect:,} {words} suspect{rest}."
    rest = {None: "", True: ", and so does the map", False: ", but the map does not"}[is_faithful]
    return f"The labels look right{rest}."


def trust_sentence(faith: tuple[float, float] | None) -> str:
    """How far the places on the map can be trusted; "" if that is unknown."""
    if faith is None:
        return ""
    trust, continuity = faith
    if min(faith) >= FAITHFUL:
        return "Mostly: points that are close here are close for the model too."
    if trust <= continuity:
        return "Only partly: many neighbours on the map are far apart for the model."
    return "Only partly: many neighbours for the model are far apart on the map."
