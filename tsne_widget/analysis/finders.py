"""Lenses: named ways to find the samples that are worth a look."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget.analysis.neighborhoods import neighbor_vote
from tsne_widget.analysis.scores import Scores
from tsne_widget.errors import InvalidInputError

# Samples that a lens finds which puts them in an order: as many as a person looks through.
FOUND = 50
# Nearest samples in feature space that vote on the class whose cluster a sample lies in.
VOTERS = 15
# Probability of a wrong label above which the label is suspected.
SUSPECTED = 0.5


class Finder(NamedTuple):
    """One way to find samples, and what it takes."""

    name: str
    """For :func:`finder_rows`."""
    title: str
    """What it finds, in words."""
    meaning: str
    """How it finds that, in one sentence."""
    needs: tuple[str, ...]
    """Of "labels", "predictions", "logits" and "embedding"."""
    scores: tuple[str, ...] = ()
    """Scores that it reads, and "neighbors"."""


FINDERS = (
    Finder(
        "misclassified",
        "Misclassified",
        "The prediction differs from the label.",
        ("labels", "predictions"),
    ),
    Finder(
        "confident_mistakes",
        f"{FOUND} most confident mistakes",
        "Misclassified with the highest confidence: wrong labels, or what the model never learnt.",
        ("labels", "predictions", "logits"),
        ("confidence",),
    ),
    Finder(
        "least_confident",
        f"{FOUND} least confident",
        "The predictions of which the model is least sure, right or wrong.",
        ("logits",),
        ("confidence",),
    ),
    Finder(
        "other_cluster",
        "In another class’s cluster",
        f"Most of the {VOTERS} nearest samples in feature space have another label.",
        ("labels",),
        ("neighbors",),
    ),
    Finder(
        "suspected_labels",
        f"{FOUND} most suspect labels",
        "The labels that are most probably wrong, by the model and by each other.",
        ("labels",),
        ("suspicion",),
    ),
    Finder(
        "outliers",
        f"{FOUND} farthest outliers",
        "Samples whose surroundings in feature space are the emptiest for their neighbourhood.",
        (),
        ("outlier_score",),
    ),
    Finder(
        "torn",
        f"{FOUND} most torn by the map",
        "Samples whose neighbours on the map are no neighbours in feature space.",
        ("embedding",),
        ("trustworthiness",),
    ),
)
"""All lenses, in the order of the widget's menu."""
FINDER_NAMES = tuple(lens.name for lens in FINDERS)
"""Their names, for :func:`finder_rows`."""


def finder_rows(
    name: str, scores: Scores, visible: ArrayLike | None = None, *, limit: int = FOUND
) -> NDArray[np.int64]:
    """The samples that a lens finds.

    Parameters
    ----------
    name : str
        "misclassified", "confident_mistakes", "least_confident", "other_cluster",
        "suspected_labels", "outliers" or "torn"; :data:`FINDERS` says what each finds and needs.
    scores : Scores
        Of n samples. What the lens reads of them is computed where it is not there yet.
    visible : (n,) bool array, optional
        Only among these samples.
    limit : int
        At most so many of the lenses that put samples in an order: all but "misclassified" and
        "other_cluster", which find all.

    Returns
    -------
    (k,) int64 array
        Rows: those in an order with the strongest first, the others ascending. Time O(n log n),
        memory O(n), beside those of the scores that it reads.

    Raises
    ------
    InvalidInputError
        For an unknown name, a lens that lacks what it needs, or arguments not as described.

    Examples
    --------
    >>> import numpy as np
    >>> from tsne_widget import FeatureSet
    >>> record = FeatureSet.from_arrays(np.eye(3), [0, 1, 1], predictions=[1, 1, 0])
    >>> finder_rows("misclassified", Scores(record))
    array([0, 2])
    """
    lacking = finder_lacks(name, scores)
    if lacking:
        raise InvalidInputError(f"the lens {name!r} {lacking}, which this record has not")
    if limit < 1:
        raise InvalidInputError(f"limit={limit} must be at least 1")
    n = len(scores.feature_set)
    shown = np.ones(n, dtype=bool) if visible is None else np.asarray(visible)
    if shown.dtype != bool or shown.shape != (n,):
        raise InvalidInputError(
            f"visible must be an array of bool of shape ({n},), got {shown.dtype} {shown.shape}"
        )
    return _FIND[name](scores, shown, limit)


def finder_lacks(name: str, scores: Scores) -> str:
    """What a lens needs and is not there, in words; "" where nothing is missing.

    Time O(1), memory O(1).

    Raises
    ------
    InvalidInputError
        For an unknown name.
    """
    return scores.lacks_any(_lens(name).needs)


def finder_is_ready(name: str, scores: Scores) -> bool:
    """Whether all that a lens reads is there already, so that it takes no time.

    Time O(1), memory O(1).

    Raises
    ------
    InvalidInputError
        For an unknown name.
    """
    return all(
        scores.has_neighbors if column == "neighbors" else scores.is_ready(column)
        for column in _lens(name).scores
    )


def suspected(suspicion: NDArray[np.float32]) -> NDArray[np.bool_]:
    """(n,) bool: the label is more probably wrong than right; False where it is unknown."""
    return np.asarray(suspicion > -np.log(1 - SUSPECTED))


def _lens(name: str) -> Finder:
    if name not in FINDER_NAMES:
        raise InvalidInputError(f"there is no lens {name!r}; there are {', '.join(FINDER_NAMES)}")
    return FINDERS[FINDER_NAMES.index(name)]


def _misclassified(scores: Scores, shown: NDArray[np.bool_], _limit: int) -> NDArray[np.int64]:
    return np.flatnonzero(scores.feature_set.misclassified & shown)


def _confident_mistakes(scores: Scores, shown: NDArray[np.bool_], limit: int) -> NDArray[np.int64]:
    wrong = scores.feature_set.misclassified & shown
    return _first(-scores["confidence"], wrong, limit)


def _other_cluster(scores: Scores, shown: NDArray[np.bool_], _limit: int) -> NDArray[np.int64]:
    labels = scores.feature_set.labels
    assert labels is not None  # noqa: S101 - what finder_lacks() has made sure of
    vote = neighbor_vote(scores.neighbors.indices[:, :VOTERS], labels)
    return np.flatnonzero((labels >= 0) & (vote >= 0) & (vote != labels) & shown)


def _suspected(scores: Scores, shown: NDArray[np.bool_], limit: int) -> NDArray[np.int64]:
    suspicion = scores["suspicion"]  # NaN where the label is unknown
    return _first(-suspicion, np.isfinite(suspicion) & shown, limit)


def _first(values: NDArray[np.float32], among: NDArray[np.bool_], limit: int) -> NDArray[np.int64]:
    """Rows of the lowest values, ascending by value; equal ones, and NaN at the end, by row."""
    rows = np.flatnonzero(among)
    return rows[np.argsort(values[rows], kind="stable")[:limit]]


_FIND: dict[str, Callable[[Scores, NDArray[np.bool_], int], NDArray[np.int64]]] = {
    "misclassified": _misclassified,
    "confident_mistakes": _confident_mistakes,
    "least_confident": lambda scores, shown, limit: _first(scores["confidence"], shown, limit),
    "other_cluster": _other_cluster,
    "suspected_labels": _suspected,
    "outliers": lambda scores, shown, limit: _first(-scores["outlier_score"], shown, limit),
    "torn": lambda scores, shown, limit: _first(scores["trustworthiness"], shown, limit),
}
