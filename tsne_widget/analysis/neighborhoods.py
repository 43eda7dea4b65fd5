"""Nearest neighbours in feature space, and what their labels say about samples and layers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._by_index import in_one_order
from tsne_widget._validation import as_codes, row_blocks
from tsne_widget.analysis.inputs import as_matrix, as_neighbors, centred, centring
from tsne_widget.errors import InvalidInputError

METRICS = ("euclidean", "cosine")
METHODS = ("exact", "approximate", "auto")
# The silhouette needs all distances: with more samples it is estimated from this many.
SILHOUETTE_SAMPLES = 5_000
_BLOCK = 16_384  # rows per block, to keep temporary arrays small


class KNeighbors(NamedTuple):
    """The k nearest other samples of each sample, nearest first."""

    indices: NDArray[np.int32]
    """(n, k) int32 rows of the neighbours."""
    distances: NDArray[np.float32]
    """(n, k) float32 distances in the unit of the features; for cosine, 1 − cosine (0 … 2)."""


class LayerSummary(NamedTuple):
    """How well the features of a layer separate the classes; ``str()`` is one line."""

    knn_accuracy: float
    """Share of samples whose k nearest neighbours vote for their label, 0 … 1."""
    silhouette: float
    """Mean silhouette of the classes, −1 … 1."""
    k: int
    """Number of neighbours that vote."""
    largest_class: float
    """Share of the most frequent label, 0 … 1: the accuracy of always guessing it."""

    def __str__(self) -> str:
        return (
            f"{100 * self.knn_accuracy:.1f} % of samples have the label of their {self.k} nearest "
            f"neighbours in feature space (guessing: {100 * self.largest_class:.1f} %); "
            f"silhouette of the classes {self.silhouette:.2f}"
        )


def kneighbors(
    features: ArrayLike,
    k: int = 15,
    *,
    metric: str = "euclidean",
    n_jobs: int | None = None,
    neighbors: str = "exact",
) -> KNeighbors:
    """The k nearest other samples of each sample in feature space.

    Parameters
    ----------
    features : (n, d) array of finite numbers
        May be a memory map; one float32 copy is made.
    k : int
        1 … n − 1.
    metric : {"euclidean", "cosine"}
        Distance.
    n_jobs : int or None
        Number of threads; None: torch's setting, −1: all cores.
    neighbors : {"exact", "approximate", "auto"}
        "approximate" misses about 1 % of the neighbours and requires faiss (the ``neighbors``
        extra). "auto" is approximate from 100,000 samples if faiss is installed.

    Returns
    -------
    KNeighbors
        ``indices`` (n, k) int32 and ``distances`` (n, k) float32. Samples at the same distance, up
        to the rounding of float32, are in any order. Time O(n² d), approximate about O(n √n d);
        memory O(n (d + k)).

    Raises
    ------
    InvalidInputError
        If the features have a wrong shape or dtype, a value that is not finite, or no variation;
        if ``k``, ``metric`` or ``neighbors`` is out of range; if faiss is required but missing; or
        if the metric is cosine and a row is 0 in every column.

    Examples
    --------
    >>> kneighbors([[0.0], [1.0], [5.0]], k=1).indices.ravel().tolist()
    [1, 0, 1]
    """
    matrix = as_matrix("features", features)
    n = len(matrix)
    if not 1 <= k < n:
        raise InvalidInputError(f"k={k} must be 1 … {n - 1}, less than the number of samples, {n}")
    if metric not in METRICS:
        raise InvalidInputError(f"metric={metric!r} must be one of {', '.join(METRICS)}")
    if neighbors not in METHODS:
        raise InvalidInputError(f"neighbors={neighbors!r} must be one of {', '.join(METHODS)}")
    # Imported here because these modules load torch.
    from tsne_widget.projection.approximate import approximate_nearest
    from tsne_widget.projection.inputs import exact_directions, unit_rows
    from tsne_widget.projection.neighbors import nearest
    from tsne_widget.projection.rows import Rows
    from tsne_widget.projection.workers import Workers, available_threads

    if metric == "cosine":
        points, unit = Rows(unit_rows(matrix), matrix, exact_directions), 1.0
    else:
        transform = centring(matrix)
        points, unit = Rows(transform.points(matrix), matrix, transform.digits), transform.unit
    if not points.points.any():
        raise InvalidInputError(
            f"features are constant over {n} samples (dead layer?), so no sample is nearer than "
            "another; choose another layer"
        )
    with Workers(available_threads(n_jobs)) as workers:
        exact = neighbors == "exact" or (neighbors == "auto" and not approximates(n))
        found = (nearest if exact else approximate_nearest)(points, k, workers)
    distances = np.empty(found.squared.shape, dtype=np.float32)
    for rows in row_blocks(n, _BLOCK):
        squared = np.maximum(found.squared[rows].astype(np.float64), 0)
        with np.errstate(over="ignore"):
            distances[rows] = squared / 2 if metric == "cosine" else np.sqrt(squared) * unit
    return KNeighbors(found.indices, distances)


def approximates(n: int) -> bool:
    """Whether ``neighbors="auto"`` is approximate for n samples."""
    from tsne_widget.projection.approximate import LARGE, is_available

    return n >= LARGE and is_available()


def label_agreement(indices: ArrayLike, labels: ArrayLike) -> NDArray[np.float32]:
    """Share of each sample's neighbours that have the sample's label.

    Parameters
    ----------
    indices : (n, k) array of int
        Neighbours, from :func:`kneighbors`.
    labels : (n,) array of int
        −1 if unknown; such neighbours are ignored.

    Returns
    -------
    (n,) float32 array
        0 … 1; NaN if the sample's label or the labels of all its neighbours are unknown. Time
        O(n k), memory O(n).

    Raises
    ------
    InvalidInputError
        If a shape, a dtype or a value is wrong.

    Examples
    --------
    >>> label_agreement([[1, 2], [0, 2], [0, 1]], [0, 0, 1])
    array([0.5, 0.5, 0. ], dtype=float32)
    """
    near, codes = _checked(indices, labels)
    result = np.full(len(codes), np.nan, dtype=np.float32)
    for rows in row_blocks(len(codes), _BLOCK):
        own = codes[rows, np.newaxis]
        theirs = codes[near[rows]]
        voters = (theirs >= 0).sum(axis=1)
        same = (theirs == own).sum(axis=1)
        known = (own[:, 0] >= 0) & (voters > 0)
        result[rows][known] = same[known] / voters[known]
    return result


def neighbor_vote(indices: ArrayLike, labels: ArrayLike) -> NDArray[np.int64]:
    """The most frequent label among each sample's neighbours.

    Parameters
    ----------
    indices : (n, k) array of int
        Neighbours, nearest first, from :func:`kneighbors`.
    labels : (n,) array of int
        −1 if unknown; such neighbours do not vote.

    Returns
    -------
    (n,) int64 array
        A tie goes to the class of the nearest neighbour; −1 if no neighbour votes. Time O(n k²),
        memory O(n).

    Raises
    ------
    InvalidInputError
        If a shape, a dtype or a value is wrong.

    Examples
    --------
    >>> neighbor_vote([[1, 2, 3], [0, 2, 3], [3, 0, 1], [2, 0, 1]], [0, 0, 1, 1])
    array([1, 1, 0, 0])
    """
    near, codes = _checked(indices, labels)
    votes = np.full(len(codes), -1, dtype=np.int64)
    for rows in row_blocks(len(codes), _BLOCK):
        theirs = codes[near[rows]]
        support = np.stack(
            [(theirs == column[:, np.newaxis]).sum(axis=1) for column in theirs.T], 1
        )
        support[theirs < 0] = 0
        winner = support.argmax(axis=1)  # the first maximum is the nearest neighbour
        votes[rows] = theirs[np.arange(len(theirs)), winner]
        votes[rows][support.max(axis=1) == 0] = -1
    return votes


def knn_accuracy(indices: ArrayLike, labels: ArrayLike) -> float:
    """Share of labelled samples whose neighbours vote for their label, 0 … 1; NaN without labels.

    This is the leave-one-out accuracy of the k-nearest-neighbour classifier (Cover & Hart 1967).
    Errors are those of :func:`neighbor_vote`. Time O(n k²), memory O(n).

    Parameters
    ----------
    indices : (n, k) int array
        Rows of the neighbours of each sample.
    labels : (n,) int array
        Class codes, −1 where unknown.

    Examples
    --------
    >>> knn_accuracy([[1], [0], [1]], [0, 0, 1])
    0.6666666666666666
    """
    votes, codes = neighbor_vote(indices, labels), np.asarray(labels)
    known = codes >= 0
    return float((votes[known] == codes[known]).mean()) if known.any() else float("nan")


@in_one_order("features", "labels")
def silhouette(features: ArrayLike, labels: ArrayLike, *, random_state: int = 0) -> float:
    """Mean silhouette of the classes in feature space (Rousseeuw 1987), by scikit-learn.

    Parameters
    ----------
    features : (n, d) array of finite numbers
        May be a memory map.
    labels : (n,) array of int
        Samples with label −1 (unknown) are ignored.
    random_state : int
        Seed of the sample: if more than 5,000 samples have labels, 5,000 are used.

    Returns
    -------
    float
        −1 … 1, higher if the classes are apart; NaN with fewer than 2 classes, or if every sample
        has its own class. Time O(min(n, 5,000)² d), memory O(n) and 200 MB.

    Raises
    ------
    InvalidInputError
        If a shape, a dtype or a value is wrong.

    Examples
    --------
    >>> round(silhouette([[0.0], [0.1], [5.0], [5.1]], [0, 0, 1, 1]), 2)
    0.98
    """
    matrix = as_matrix("features", features)
    codes = as_codes("labels", labels, len(matrix))
    rows = np.flatnonzero(codes >= 0)
    if len(rows) > SILHOUETTE_SAMPLES:
        random = np.random.default_rng(random_state)
        rows = np.sort(random.choice(rows, SILHOUETTE_SAMPLES, replace=False))
    if not 2 <= len(np.unique(codes[rows])) < len(rows):
        return float("nan")
    from sklearn.metrics import silhouette_score

    return float(silhouette_score(centred(matrix[rows])[0].astype(np.float64), codes[rows]))


@in_one_order("features", "labels")
def layer_summary(
    features: ArrayLike, labels: ArrayLike, *, k: int = 15, indices: ArrayLike | None = None
) -> LayerSummary:
    """How well the features of a layer separate the classes: neighbours' votes and silhouette.

    Parameters
    ----------
    features : (n, d) array of finite numbers
        May be a memory map.
    labels : (n,) array of int
        −1 if unknown.
    k : int
        Number of neighbours that vote, 1 … n − 1.
    indices : (n, ≥ k) array of int, optional
        Neighbours, from :func:`kneighbors`; the first k columns are used. Default: computed here.

    Returns
    -------
    LayerSummary
        Numbers; ``str()`` is a one-line summary. Time O(n k²), memory O(n) and 200 MB; without
        ``indices`` also those of :func:`kneighbors`.

    Raises
    ------
    InvalidInputError
        If a shape, a dtype or a value is wrong, or ``indices`` has fewer than k columns.

    Examples
    --------
    >>> print(layer_summary([[0.0], [0.1], [5.0], [5.1]], [0, 0, 1, 1], k=1))
    100.0 % of samples have the label of their 1 nearest neighbours in feature space (guessing: \
50.0 %); silhouette of the classes 0.98
    """
    matrix = as_matrix("features", features)
    codes = as_codes("labels", labels, len(matrix))
    near = kneighbors(matrix, k).indices if indices is None else as_neighbors("indices", indices)
    if not 1 <= k <= near.shape[1]:
        raise InvalidInputError(
            f"k={k} must be 1 … {near.shape[1]}, the number of neighbours in indices"
        )
    counts = np.bincount(codes[codes >= 0])
    largest = counts.max() / counts.sum() if counts.size else float("nan")
    return LayerSummary(
        knn_accuracy(near[:, :k], codes), silhouette(matrix, codes), k, float(largest)
    )


def _checked(
    indices: ArrayLike, labels: ArrayLike
) -> tuple[NDArray[np.integer], NDArray[np.int64]]:
    near = as_neighbors("indices", indices)
    return near, as_codes("labels", labels, len(near))
