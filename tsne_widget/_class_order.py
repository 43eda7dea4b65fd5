"""Signs that labels, predictions and logits count the classes in different orders.

A classifier that confuses classes still predicts some samples of each class right. If nearly all
samples of class 3 are predicted as 7, and the samples of 7 are not predicted as 7 either, then the
codes of labels and predictions more likely have different meanings.

The thresholds come from simulations, see ``docs/how/inference.md``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# With fewer mistakes there is too little evidence for any note.
MIN_MISTAKES = 10
# Smallest share of the samples of a reordered class that are predicted as one other class.
MIN_SHARE = 0.5
# Largest share that may be predicted as the class itself, relative to that of the other class.
MAX_STAYING = 0.35
# Largest probability that a classifier without reordered classes shows these predictions.
MAX_CHANCE = 2e-4
# Share of the samples that a shift of all codes must explain, and that may be right without it. Of
# few samples the shift must explain more.
SHIFT_SHARE, SHIFT_RIGHT = 0.6, 0.1
SHIFT_SHARE_OF_FEW, FEW = 0.85, 50
# Share of all classes and of all samples that must be reordered if they do not form a circle.
MIN_REORDERED = 0.5
# Rows whose predictions are compared with the logits, and how few of them show nothing.
COMPARED_ROWS, MIN_COMPARED = 10_000, 20
# With more classes, the matrix of all pairs is larger than 8 MB.
DENSE_CLASSES = 1000
# Classes that a note lists.
LISTED = 4


class _Counts(NamedTuple):
    """How often each pair of a label and a prediction occurs, pairs that occur only."""

    labels: NDArray[np.int64]
    predictions: NDArray[np.int64]
    counts: NDArray[np.int64]
    classes: int


class _Moves(NamedTuple):
    """Classes that are mostly predicted as one other class, with the counts of their samples."""

    labels: NDArray[np.int64]
    predictions: NDArray[np.int64]
    moved: NDArray[np.int64]
    staying: NDArray[np.int64]
    total: NDArray[np.int64]


def doubts_about_classes(
    labels: NDArray[np.int64] | None,
    predictions: NDArray[np.int64] | None,
    logits: NDArray[np.float32] | None,
    class_names: Sequence[str],
) -> list[str]:
    """Notes on codes of a record that may have different meanings in two of its fields.

    Parameters
    ----------
    labels, predictions : (n,) int64 array or None
        Codes 0 … c − 1; −1 if unknown.
    logits : (n, c) array or None
    class_names : sequence of c str
    """
    if predictions is None:
        return []
    notes = [] if logits is None else _doubts_about_outputs(logits, predictions, class_names)
    if labels is not None:
        notes += doubts_about_order(labels, predictions, class_names)
    return notes


def doubts_about_order(
    labels: NDArray[np.int64], predictions: NDArray[np.int64], class_names: Sequence[str]
) -> list[str]:
    """Notes on a likely reordering of the classes.

    Parameters
    ----------
    labels, predictions : (n,) int64 array
        Codes 0 … c − 1; −1 if unknown.
    class_names : sequence of c str

    Returns
    -------
    list of at most one str
        Time O(n log n), memory O(n).
    """
    known = (labels >= 0) & (predictions >= 0)
    judged = labels[known], predictions[known]
    wrong = int(np.count_nonzero(judged[0] != judged[1]))
    if wrong < MIN_MISTAKES:
        return []
    counts = _count(*judged, len(class_names))
    note = _shift(counts) or _reordering(counts, class_names)
    return [note] if note else []


def _doubts_about_outputs(
    logits: NDArray[np.float32], predictions: NDArray[np.int64], class_names: Sequence[str]
) -> list[str]:
    """Notes on logits that do not fit the names or the predictions."""
    notes: list[str] = []
    if logits.shape[1] < len(class_names):
        notes.append(
            f"there are {len(class_names)} classes, but logits have {logits.shape[1]} columns: the "
            "names of the outputs are doubtful; pass class_names= with one name for each output"
        )
    some = np.unique(np.linspace(0, len(logits) - 1, COMPARED_ROWS).astype(np.int64))
    differing = int(np.count_nonzero(logits[some].argmax(axis=1) != predictions[some]))
    if len(some) >= MIN_COMPARED and differing > len(some) / 2:
        notes.append(
            f"predictions differ from the largest logit in {differing:,} of {len(some):,} rows; "
            "pass the columns of logits in the order of class_names, or leave out predictions="
        )
    return notes


def _count(labels: NDArray[np.int64], predictions: NDArray[np.int64], classes: int) -> _Counts:
    joined = labels * classes + predictions
    if classes <= DENSE_CLASSES:  # ten times faster
        pairs = np.flatnonzero(sizes := np.bincount(joined))
        counts = sizes[pairs]
    else:
        pairs, counts = np.unique(joined, return_counts=True)
    return _Counts(pairs // classes, pairs % classes, counts, classes)


def _shift(counts: _Counts) -> str:
    """A note if nearly all predictions differ from the label by the same number."""
    steps, inverse = np.unique(counts.predictions - counts.labels, return_inverse=True)
    sizes = np.bincount(inverse, weights=counts.counts)
    n = int(sizes.sum())
    best = int(sizes.argmax())
    right = sizes[steps == 0].sum()
    step = int(steps[best])
    spread = len(np.unique(counts.labels[counts.predictions - counts.labels == step]))
    if spread < 2 or counts.classes < 3:  # two classes are exchanged, not shifted
        return ""
    share = SHIFT_SHARE_OF_FEW if n < FEW else SHIFT_SHARE
    if step == 0 or sizes[best] < share * n or right > SHIFT_RIGHT * n:
        return ""
    higher = "higher" if step < 0 else "lower"
    sign = "-" if step < 0 else "+"
    return (
        f"the labels are {abs(step)} {higher} than the predictions for {int(sizes[best]):,} of "
        f"{n:,} samples: labels and class_names likely start at different codes; pass labels "
        f"{sign} {abs(step)}, or class_names in the order of the model's outputs"
    )


def _reordering(counts: _Counts, class_names: Sequence[str]) -> str:
    """A note if some classes are predicted as one another, nearly without exception."""
    moves = _moves(counts)
    circles = _in_circles(moves)
    chosen = circles
    present = len(np.unique(counts.labels))
    if (
        len(moves.labels) >= MIN_REORDERED * present
        and moves.moved.sum() >= MIN_REORDERED * counts.counts.sum()
    ):
        chosen = np.ones_like(circles)
    moves = _Moves(*(values[chosen] for values in moves))
    if len(moves.labels) < 2:
        return ""
    chance = _log_chance(moves, counts.classes)
    chance += _log_choices(present, len(moves.labels))
    if chance > math.log(MAX_CHANCE):
        return ""
    pairs = list(zip(moves.labels.tolist(), moves.predictions.tolist(), strict=True))
    pairs = pairs[: 2 if len(pairs) == 2 else LISTED]
    shown = ", ".join(f"{class_names[a]!r} as {class_names[b]!r}" for a, b in pairs)
    more = ", …" if len(moves.labels) > len(pairs) else ""
    return (
        "labels and predictions likely order the classes differently: "
        f"{moves.moved.sum():,} of {moves.total.sum():,} samples of {len(moves.labels)} classes "
        f"are predicted as another one ({shown}{more}); pass class_names in the order of the "
        "model's outputs, and labels in the same order"
    )


def _moves(counts: _Counts) -> _Moves:
    """Classes whose samples go to one other class, to which hardly any other samples belong."""
    c = counts.classes
    total, staying = np.zeros(c, np.int64), np.zeros(c, np.int64)
    np.add.at(total, counts.labels, counts.counts)
    same = counts.labels == counts.predictions
    staying[counts.labels[same]] = counts.counts[same]
    top = _largest(counts.labels, counts.counts, same, c)  # pair of each label, −1 without samples
    back = _largest(counts.predictions, counts.counts, same, c)
    pairs = top[top >= 0]
    pairs = pairs[back[counts.predictions[pairs]] == pairs]
    source, target, moved = (
        values[pairs] for values in (counts.labels, counts.predictions, counts.counts)
    )
    chosen = (
        (source != target)
        & (moved >= MIN_SHARE * total[source])
        & (staying[source] <= MAX_STAYING * moved)
        & (staying[target] <= MAX_STAYING * total[target])
    )
    source, target, moved = source[chosen], target[chosen], moved[chosen]
    return _Moves(source, target, moved, staying[source], total[source])


def _largest(
    groups: NDArray[np.int64], counts: NDArray[np.int64], same: NDArray[np.bool_], c: int
) -> NDArray[np.int64]:
    """(c,) index of the pair with the largest count of each group; a tie goes to the diagonal."""
    order = np.lexsort((same, counts))
    found = np.full(c, -1, np.int64)
    found[groups[order]] = order  # the last one of each group stays
    return found


def _in_circles(moves: _Moves) -> NDArray[np.bool_]:
    """Which classes come back to themselves by following the moves."""
    target = dict(zip(moves.labels.tolist(), moves.predictions.tolist(), strict=True))
    closed: set[int] = set()
    seen: set[int] = set()
    for start in target:
        path: list[int] = []
        current = start
        while current in target and current not in seen:
            seen.add(current)
            path.append(current)
            current = target[current]
        if current in path:
            closed.update(path[path.index(current) :])
    return np.array([label in closed for label in moves.labels.tolist()], dtype=bool)


def _log_chance(moves: _Moves, classes: int) -> float:
    """Logarithm of a bound on the probability of these counts if no class is reordered.

    A classifier predicts samples of a class at least as often right as as any one other class, so
    that no other class has a probability above ½, of all samples of the class or of those that it
    predicts as one of the two. The other class is the one of the largest count: this counts each
    probability once for each class that could have been it, of which two with ½ are the worst.
    """
    others = math.log(classes - 1)
    factor = min(others, math.log(2))
    return sum(
        min(0.0, others + _log_tail(moved, moved + staying), factor + _log_tail(moved, total))
        for moved, staying, total in zip(
            moves.moved.tolist(), moves.staying.tolist(), moves.total.tolist(), strict=True
        )
    )


def _log_choices(n: int, k: int) -> float:
    """Logarithm of the number of ways to choose the k classes that look reordered from n."""
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _log_tail(successes: int, trials: int) -> float:
    """A bound (Hoeffding, Chernoff) on log P(X ≥ successes) for trials with probability ½."""
    share = successes / trials
    if share <= 0.5:
        return 0.0
    rest = 1 - share
    divergence = math.log(2) + share * math.log(share) + (rest * math.log(rest) if rest else 0)
    return -trials * divergence
