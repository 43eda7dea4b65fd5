"""Groups of mistakes: found on one half of the samples, tested on the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._by_index import in_one_order
from tsne_widget._validation import as_codes, check_finite
from tsne_widget.analysis.group_search import (
    OVERLAP,
    Judged,
    inside_balls,
    joined_space,
    proposed_groups,
    random_halves,
)
from tsne_widget.analysis.inputs import as_matrix, feature_blocks
from tsne_widget.analysis.rank_tests import adjusted

if TYPE_CHECKING:
    import pandas as pd

# Share of the shown groups that may hold by chance.
FALSE_DISCOVERIES = 0.05
# Fewer samples cannot show that a group holds.
MIN_ROWS = 20
# A second prediction is named from this share of a group's mistakes on.
_ALSO = 0.2


class MistakeGroup(NamedTuple):
    """Similar samples that the model gets wrong more often than the rest."""

    rows: NDArray[np.int64]
    """(size,) int64 rows: mistakes, then right ones, each with the most typical first."""
    mistakes: int
    """Number of mistakes among them."""
    rest_error_rate: float
    """Share of all other samples that are wrong, 0 … 1."""
    pairs: tuple[tuple[int, int], ...]
    """Most frequent label and prediction of the mistakes, then others that are frequent too."""
    named: int
    """Number of the mistakes that have one of these pairs."""
    p_value: float
    """Of the test on the other half, corrected for all groups that were tested."""
    held_out: tuple[int, int]
    """Mistakes and size of the group in the half that was not used to find it."""

    @property
    def error_rate(self) -> float:
        """Share of the group that is wrong, 0 … 1."""
        return self.mistakes / len(self.rows)

    @property
    def ratio(self) -> float:
        """Error rate over that of the rest; inf if all others are right."""
        return self.error_rate / self.rest_error_rate if self.rest_error_rate else float("inf")


class MistakeGroups(NamedTuple):
    """The groups that hold, the best first, and how many others did not."""

    groups: tuple[MistakeGroup, ...]
    not_held: int
    """Groups that were proposed by one half and did not hold on the other."""


class _Tested(NamedTuple):
    rows: NDArray[np.int64]
    score: float
    p: float
    held_out: tuple[int, int]


@in_one_order("features", "labels", "predictions", "logits")
def mistake_groups(
    features: ArrayLike,
    labels: ArrayLike,
    predictions: ArrayLike,
    *,
    logits: ArrayLike | None = None,
    ids: ArrayLike | None = None,
    class_names: Sequence[str] | None = None,
    random_state: int = 0,
) -> pd.DataFrame:
    """Groups of similar samples that the model gets wrong far more often than the rest.

    A random half of the samples proposes groups: places in feature space, joined with the
    label, where mistakes are dense. The other half tests them, then the halves change roles.
    Only groups that hold on the half that did not propose them are returned.

    Parameters
    ----------
    features : (n, d) array of finite numbers
        May be a memory map. Pass samples that the model was not trained on: among mixed samples
        a group may just be those that it was not trained on.
    labels, predictions : (n,) array of int
        −1 if unknown; such samples are left out.
    logits : (n, c) array of finite numbers, optional
        Outputs of the model before softmax; may be a memory map. With them, samples that are
        nearly taken for a wrong class help to find where it happens. They take no part in the test.
    ids : (n,) array of int, optional
        Ids of the samples. Default: 0 … n − 1.
    class_names : sequence of str, optional
        Names by code, for the column ``confusion``. Default: the codes.
    random_state : int
        Seed of the halves. The same seed gives the same groups.

    Returns
    -------
    DataFrame
        One row a group, the best first. ``ids`` (tuple of int): mistakes, then right ones, each
        with the most typical first. ``size``, ``mistakes``; ``error_rate`` and
        ``rest_error_rate``, 0 … 1; ``ratio`` of the two; ``confusion`` ("dog → cat or deer");
        ``p_value``, corrected; ``held_out_mistakes`` and ``held_out_size``, the counts in the half
        that did not find the group. ``attrs["not_held"]`` is the number of groups that did not
        hold. Time O(n d²) and at most that of 4,000 × 12,000 distances; memory O(n d).

    Raises
    ------
    InvalidInputError
        If a shape, a dtype or a value is wrong.

    Notes
    -----
    A group grows over the nearest samples of a mistake while it gains (belief − base) √size ÷
    radius. The belief is the share of samples that are taken for the same wrong class as the
    first one; with logits, the mean of this share and of the probability of the class. Near
    duplicates among mistakes stay in one half, or a copy would confirm itself. The test is
    Fisher's exact test of right and wrong, one-sided; the correction of Benjamini & Hochberg
    1995 keeps false discoveries among the groups below 5 %. What the model says of the other half
    takes no part in the search: a place that depends on it would tell whether its samples are
    wrong, and every group would hold.

    Examples
    --------
    >>> import numpy as np
    >>> spot = np.arange(400) < 40
    >>> features = np.random.default_rng(0).normal(size=(400, 4)) + 9 * spot[:, None]
    >>> groups = mistake_groups(features, np.zeros(400, int), spot.astype(int))
    >>> groups["confusion"][0], float(groups["error_rate"][0]), groups["ids"][0][0] < 40
    ('0 → 1', 1.0, True)
    """
    found = find_groups(features, labels, predictions, logits=logits, random_state=random_state)
    return groups_frame(found, ids, class_names)


def find_groups(
    features: ArrayLike,
    labels: ArrayLike,
    predictions: ArrayLike,
    *,
    logits: ArrayLike | None = None,
    random_state: int = 0,
    progress: Callable[[float], None] = lambda _share: None,
) -> MistakeGroups:
    """The groups of :func:`mistake_groups` as records.

    Parameters
    ----------
    features : (n, d) array of finite numbers
    labels, predictions : (n,) array of int
    logits : (n, c) array of finite numbers, optional
    random_state : int
    progress : callable, optional
        Called with the share that is done, 0 … 1. An exception that it raises ends the search.

    Raises
    ------
    InvalidInputError
        If a shape, a dtype or a value is wrong.

    Notes
    -----
    Time O(n d²) and at most that of 4,000 × 12,000 distances. Memory O(n d).
    """
    matrix = as_matrix("features", features)
    true, guessed = (
        as_codes(name, values, len(matrix))
        for name, values in (("labels", labels), ("predictions", predictions))
    )
    outputs = None if logits is None else as_matrix("logits", logits, len(matrix))
    known = np.flatnonzero((true >= 0) & (guessed >= 0))
    wrong = true[known] != guessed[known]
    if len(known) < MIN_ROWS or not wrong.any() or wrong.all():
        for block in feature_blocks(*matrix.shape):
            check_finite("features", matrix[block])
        return MistakeGroups((), 0)
    is_all = len(known) == len(matrix)
    judged = Judged(
        true[known], guessed[known], outputs if is_all or outputs is None else outputs[known]
    )
    space = joined_space(matrix if is_all else matrix[known], judged.labels)
    progress(0.3)
    tested = _tested(space, judged, np.random.default_rng(random_state), progress)
    return _holding(tested, space, judged, known)


def _holding(
    tested: list[_Tested],
    space: NDArray[np.float32],
    judged: Judged,
    known: NDArray[np.int64],
) -> MistakeGroups:
    """The groups that hold, the best first; those that both halves found once."""
    wrong = judged.wrong
    p_values = adjusted([one.p for one in tested])
    held = [(one, p) for one, p in zip(tested, p_values, strict=True) if p <= FALSE_DISCOVERIES]
    held.sort(key=lambda pair: -pair[0].score)
    groups: list[MistakeGroup] = []
    is_taken = np.zeros(len(wrong), dtype=bool)
    for one, p in held:
        mistakes = one.rows[wrong[one.rows]]
        if is_taken[mistakes].mean() > OVERLAP:
            continue
        is_taken[mistakes] = True
        rows = _typical_first(one.rows, space, judged)
        rest = (int(wrong.sum()) - len(mistakes)) / max(len(wrong) - len(rows), 1)
        pairs, named = _pairs(judged.labels[mistakes], judged.predictions[mistakes])
        groups.append(
            MistakeGroup(known[rows], len(mistakes), rest, pairs, named, float(p), one.held_out)
        )
    return MistakeGroups(tuple(groups), len(tested) - len(held))


def groups_frame(
    found: MistakeGroups, ids: ArrayLike | None = None, class_names: Sequence[str] | None = None
) -> pd.DataFrame:
    """The frame of :func:`mistake_groups`.

    Parameters
    ----------
    found : MistakeGroups
    ids : (n,) array of int, optional
    class_names : sequence of str, optional

    Returns
    -------
    DataFrame
        One row a group; the columns are those of :func:`mistake_groups`.

    Notes
    -----
    Time O(n). Memory O(n).
    """
    import pandas as pd

    number = None if ids is None else np.asarray(ids)
    records = [
        {
            "ids": tuple((group.rows if number is None else number[group.rows]).tolist()),
            "size": len(group.rows),
            "mistakes": group.mistakes,
            "error_rate": group.error_rate,
            "rest_error_rate": group.rest_error_rate,
            "ratio": group.ratio,
            "confusion": confusion_text(group.pairs, class_names)
            + (" and others" if 2 * group.named < group.mistakes else ""),
            "p_value": group.p_value,
            "held_out_mistakes": group.held_out[0],
            "held_out_size": group.held_out[1],
        }
        for group in found.groups
    ]
    frame = pd.DataFrame(records, columns=list(COLUMNS)).astype(COLUMNS)
    frame.attrs["not_held"] = found.not_held
    return frame


# Columns of the frame, and their dtypes.
COLUMNS = {
    "ids": object,
    "size": np.int64,
    "mistakes": np.int64,
    "error_rate": np.float64,
    "rest_error_rate": np.float64,
    "ratio": np.float64,
    "confusion": object,
    "p_value": np.float64,
    "held_out_mistakes": np.int64,
    "held_out_size": np.int64,
}


def confusion_text(
    pairs: Sequence[tuple[int, int]], class_names: Sequence[str] | None = None
) -> str:
    """The pairs of a group in words: "dog → cat or deer".

    Parameters
    ----------
    pairs : sequence of (label, prediction)
    class_names : sequence of str, optional
    """

    def name(code: int) -> str:
        return str(code) if class_names is None else class_names[code]

    by_label: dict[int, list[str]] = {}
    for label, prediction in pairs:
        by_label.setdefault(label, []).append(name(prediction))
    return ", ".join(f"{name(label)} → {' or '.join(to)}" for label, to in by_label.items())


def _tested(
    space: NDArray[np.float32],
    judged: Judged,
    random: np.random.Generator,
    progress: Callable[[float], None],
) -> list[_Tested]:
    """The groups that each half proposes, tested on the other half."""
    from scipy.stats import hypergeom

    wrong = judged.wrong
    first = random_halves(space, judged.labels, wrong, random)
    found = []
    for searched in (first, ~first):
        balls = proposed_groups(space, judged, np.flatnonzero(searched), random)
        for ball, inside in zip(balls, inside_balls(space, balls), strict=True):
            tested = inside[~searched[inside]]
            size, mistakes = len(tested), int(wrong[tested].sum())
            n, total = int((~searched).sum()), int(wrong[~searched].sum())
            p = min(float(hypergeom.sf(mistakes - 1, n, total, size)), 1.0)
            found.append(_Tested(inside, ball.score, p, (mistakes, size)))
        progress(1.0 if searched is not first else 0.65)
    return found


def _typical_first(
    inside: NDArray[np.int64], space: NDArray[np.float32], judged: Judged
) -> NDArray[np.int64]:
    """Mistakes, those nearest to their mean in features, label and prediction first; then others.

    The group is tested, so its order may depend on the predictions.
    """
    is_wrong = judged.wrong[inside]
    mistakes = inside[is_wrong]
    _, guess = np.unique(judged.predictions[mistakes], return_inverse=True)
    points = np.hstack([space[mistakes], np.eye(guess.max() + 1, dtype=np.float32)[guess]])
    far = ((points - points.mean(axis=0)) ** 2).sum(axis=1)
    return np.concatenate([mistakes[np.argsort(far, kind="stable")], inside[~is_wrong]])


def _pairs(
    labels: NDArray[np.int64], guesses: NDArray[np.int64]
) -> tuple[tuple[tuple[int, int], ...], int]:
    """The most frequent pair and up to two more that are frequent; how many mistakes have them."""
    pairs, counts = np.unique(np.stack([labels, guesses], axis=1), axis=0, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:3]
    kept = [i for i in order if i == order[0] or counts[i] >= _ALSO * len(labels)]
    return tuple((int(pairs[i, 0]), int(pairs[i, 1])) for i in kept), int(counts[kept].sum())
