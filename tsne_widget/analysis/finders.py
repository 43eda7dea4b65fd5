"""Finders: one table of named ways to find samples that deserve a look."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._validation import did_you_mean
from tsne_widget.analysis.neighborhoods import neighbor_vote
from tsne_widget.analysis.score_values import Scores
from tsne_widget.analysis.scores import SCORES
from tsne_widget.errors import InvalidInputError

# Samples that a ranking finder returns: as many as a person looks through.
FOUND = 50
# Nearest samples in feature space that vote on the class of the cluster around a sample.
VOTERS = 15
# A label is suspected if it is wrong with more than this probability.
SUSPECTED = 0.5
# The same as a suspicion, in nats.
SUSPECT_ABOVE = -math.log(1 - SUSPECTED)
# Below every number of a group: all samples that are in a group.
_ANY = -1.0


class Finder(NamedTuple):
    """One entry of :data:`FINDERS`: which samples it finds, and how it is displayed.

    A finder with a ``score`` ranks the samples and returns the first ones, or those with a value
    ``above`` a bound; the others return all samples that match.
    """

    name: str
    """For :func:`finder_rows` and ``select()``."""
    title: str
    """What it finds; the entry of the menu."""
    meaning: str
    """How it finds them, in one sentence."""
    score: str = ""
    """Score that it ranks by; "" for none. Samples whose score is NaN are not found."""
    highest_first: bool = False
    """Whether the highest score comes first."""
    above: float | None = None
    """Finds the samples whose score is above it, however many; None: the first :data:`FOUND`."""
    only_misclassified: bool = False
    """Whether it only finds misclassified samples."""
    matches: Callable[[Scores], NDArray[np.bool_]] | None = None
    """Returns the (n,) mask of the samples that it may find; None for all."""
    reads: tuple[str, ...] = ()
    """What ``matches`` needs, as in :attr:`Score.needs`."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Everything that it needs, as in :attr:`Score.needs`."""
        judged = ("labels", "predictions") if self.only_misclassified else ()
        ranked = SCORES[self.score].needs if self.score else ()
        return tuple(dict.fromkeys((*judged, *ranked, *self.reads)))


def _has_other_vote(scores: Scores) -> NDArray[np.bool_]:
    """Whether most neighbours of a sample have one label, and the sample another."""
    labels = np.asarray(scores.feature_set.labels)
    vote = neighbor_vote(scores.neighbors.indices[:, :VOTERS], labels)
    return np.asarray((labels >= 0) & (vote >= 0) & (vote != labels))


FINDERS = (
    Finder(
        "label_conflicts",
        "Same picture, different labels",
        "Equal pictures that have two labels, side by side: one of the labels is wrong.",
        score="label_conflict",
        above=_ANY,
    ),
    Finder(
        "misclassified",
        "Wrong",
        "The prediction differs from the label.",
        only_misclassified=True,
    ),
    Finder(
        "confident_mistakes",
        f"{FOUND} surest mistakes",
        "Wrong, and the model is sure of it: often wrong labels or classes not learnt.",
        score="confidence",
        highest_first=True,
        only_misclassified=True,
    ),
    Finder(
        "least_confident",
        f"{FOUND} least sure",
        "Predictions the model is least sure of, right or wrong.",
        score="confidence",
    ),
    Finder(
        "other_cluster",
        "In another class’s cluster",
        f"Most of the {VOTERS} nearest pictures in feature space have another label.",
        matches=_has_other_vote,
        reads=("neighbors", "labels"),
    ),
    Finder(
        "suspected_labels",
        "Suspect labels",
        "Labels more probably wrong than right, judged by the model and by similar pictures.",
        score="suspicion",
        highest_first=True,
        above=SUSPECT_ABOVE,
    ),
    Finder(
        "outliers",
        f"{FOUND} farthest outliers",
        "Pictures unusually far from everything else in feature space.",
        score="outlier_score",
        highest_first=True,
    ),
    Finder(
        "torn",
        f"{FOUND} least trustworthy points",
        "Their neighbours on the map are not their neighbours in feature space.",
        score="trustworthiness",
    ),
    Finder(
        "duplicates",
        "Duplicates",
        "Equal pictures, pixel by pixel, side by side.",
        score="duplicate_group",
        above=_ANY,
    ),
    Finder(
        "near_duplicates",
        "Near duplicates",
        "Nearly equal pictures, such as a scaled or compressed copy, side by side.",
        score="near_duplicate_group",
        above=_ANY,
    ),
    Finder("darkest", f"{FOUND} darkest", "Lowest mean grey level.", score="picture_brightness"),
    Finder(
        "brightest",
        f"{FOUND} brightest",
        "Highest mean grey level.",
        score="picture_brightness",
        highest_first=True,
    ),
    Finder(
        "blurriest",
        f"{FOUND} blurriest",
        "Lowest variance of the Laplacian; flat pictures come first.",
        score="picture_sharpness",
    ),
    Finder(
        "odd_sizes",
        "Odd sizes",
        "Larger, smaller, wider or narrower than most by a quarter or more.",
        score="picture_size_oddity",
        highest_first=True,
        above=1.0,
    ),
)
"""All finders, in the order of the widget's menu."""
FINDER_NAMES = tuple(finder.name for finder in FINDERS)
"""The names of the finders, for :func:`finder_rows`."""


def finder_rows(
    name: str, scores: Scores, visible: ArrayLike | None = None, *, limit: int | None = None
) -> NDArray[np.int64]:
    """Rows of the samples that a finder finds.

    Parameters
    ----------
    name : str
        "misclassified", "confident_mistakes", "least_confident", "other_cluster",
        "suspected_labels", "outliers" or "torn"; of pictures "label_conflicts", "duplicates",
        "near_duplicates", "darkest", "brightest", "blurriest" or "odd_sizes"; see :data:`FINDERS`.
    scores : Scores
        Has n samples. Scores that the finder reads are computed if necessary.
    visible : (n,) bool array, optional
        Search only these samples.
    limit : int, optional
        Maximum number of rows that a ranking finder returns. Default: 50, but all suspected
        labels, duplicates and odd sizes. "misclassified" and "other_cluster" do not rank and
        return all.

    Returns
    -------
    (k,) int64 array
        Ranked rows with the strongest first, the others ascending. Time O(n log n) and memory O(n),
        without the scores.

    Raises
    ------
    InvalidInputError
        For an unknown name, missing inputs, a wrong mask, or a limit below 1.

    Examples
    --------
    >>> import numpy as np
    >>> from tsne_widget import FeatureSet
    >>> record = FeatureSet.from_arrays(np.eye(3), [0, 1, 1], predictions=[1, 1, 0])
    >>> finder_rows("misclassified", Scores(record))
    array([0, 2])
    """
    finder = _finder(name)
    lacking = finder_lacks(name, scores)
    if lacking:
        raise InvalidInputError(f"the finder {name!r} {lacking}")
    if limit is not None and limit < 1:
        raise InvalidInputError(f"limit={limit} must be at least 1")
    n = len(scores.feature_set)
    mask = np.ones(n, dtype=bool) if visible is None else np.array(visible)
    if mask.dtype != bool or mask.shape != (n,):
        raise InvalidInputError(
            f"visible must be a bool array of shape ({n},), got {mask.dtype} of {mask.shape}"
        )
    if finder.only_misclassified:
        mask &= scores.feature_set.misclassified
    if finder.matches is not None:
        mask &= finder.matches(scores)
    if not finder.score:
        return np.flatnonzero(mask)
    values = scores[finder.score]
    is_found = ~np.isnan(values) if finder.above is None else values > finder.above
    rows = np.flatnonzero(mask & is_found)
    order = -values[rows] if finder.highest_first else values[rows]
    if limit is None and finder.above is None:
        limit = FOUND
    return rows[np.argsort(order, kind="stable")[:limit]]


def finder_order(name: object) -> tuple[str, bool] | None:
    """The score that a finder ranks by, and whether the highest comes first; None for no finder.

    Time O(1), memory O(1).

    Parameters
    ----------
    name : object
        Anything; only the name of a ranking finder has an order.

    Examples
    --------
    >>> finder_order("suspected_labels")
    ('suspicion', True)
    """
    for finder in FINDERS:
        if isinstance(name, str) and finder.name == name and finder.score:
            return finder.score, finder.highest_first
    return None


def finder_lacks(name: str, scores: Scores) -> str:
    """Which inputs of a finder are missing, as "needs …"; "" if none is.

    Time O(1), memory O(1).

    Parameters
    ----------
    name : str
        One of :data:`FINDER_NAMES`.
    scores : Scores
        The scores of the samples.

    Raises
    ------
    InvalidInputError
        For an unknown name.
    """
    finder = _finder(name)
    kept = SCORES[finder.score].needs if finder.score and scores.is_ready(finder.score) else ()
    return scores.lacks_any(need for need in finder.needs if need not in kept)


def finder_is_ready(name: str, scores: Scores) -> bool:
    """Whether :func:`finder_rows` needs no score or neighbours that are not yet computed.

    Time O(1), memory O(1).

    Parameters
    ----------
    name : str
        One of :data:`FINDER_NAMES`.
    scores : Scores
        The scores of the samples.

    Raises
    ------
    InvalidInputError
        For an unknown name.
    """
    finder = _finder(name)
    if finder.score:
        return scores.is_ready(finder.score)
    return "neighbors" not in finder.reads or scores.has_neighbors


def suspected(suspicion: NDArray[np.float32]) -> NDArray[np.bool_]:
    """(n,) bool: the label is more likely wrong than right; False if it is unknown."""
    return np.asarray(suspicion > SUSPECT_ABOVE)


def _finder(name: str) -> Finder:
    for finder in FINDERS:
        if finder.name == name:
            return finder
    near = did_you_mean(name, FINDER_NAMES)
    raise InvalidInputError(f"there is no finder {name!r}{near}; available: {FINDER_NAMES}")
