"""Where in the pictures the evidence lies: numbers and means of maps of evidence."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Share of the picture's area that counts as its border.
BORDER = 1 / 3


def evidence_in_border(maps: ArrayLike) -> NDArray[np.float32]:
    """Share of the evidence for a class that lies in the outer third of the picture.

    The outer third is a frame of one width that has a third of the picture's area.

    Parameters
    ----------
    maps : (n, h, w) array of float
        See :func:`tsne_widget.evidence`. Values against the class count as 0.

    Returns
    -------
    (n,) float32 array
        0 … 1; a third if the evidence is spread evenly, NaN where nothing speaks for the class.

    Notes
    -----
    Time O(n h w). Memory O(n h w).

    Examples
    --------
    >>> evidence_in_border(np.ones((1, 7, 7))).round(3)
    array([0.333], dtype=float32)
    """
    shares = _shares(maps)
    inside = [_covered(side) for side in shares.shape[1:]]
    in_frame = 1 - np.outer(*inside)
    return np.asarray((shares * in_frame).sum((1, 2)), dtype=np.float32)


def evidence_entropy(maps: ArrayLike) -> NDArray[np.float32]:
    """How far the evidence for a class is spread: 0 for a single place, 1 for all places alike.

    Parameters
    ----------
    maps : (n, h, w) array of float
        See :func:`tsne_widget.evidence`. Values against the class count as 0.

    Returns
    -------
    (n,) float32 array
        The entropy of the shares of the h · w places divided by its maximum log(h · w). NaN where
        nothing speaks for the class.

    Notes
    -----
    Time O(n h w). Memory O(n h w).

    Examples
    --------
    >>> evidence_entropy([[[0, 0], [5, 0]], [[1, 1], [1, 1]]])
    array([0., 1.], dtype=float32)
    """
    shares = _shares(maps)
    logs = np.log(np.where(shares > 0, shares, 1))
    spread = -(shares * logs).sum((1, 2)) / np.log(max(2, shares[0].size if len(shares) else 2))
    return np.asarray(np.abs(spread), dtype=np.float32)


def mean_evidence(maps: ArrayLike) -> NDArray[np.float32]:
    """The mean of maps, each divided by its largest absolute value.

    So each picture counts alike, however sure the model is. Maps without evidence count as zero.

    Parameters
    ----------
    maps : (n, h, w) array of float
        See :func:`tsne_widget.evidence`.

    Returns
    -------
    (h, w) float32 array
        −1 … 1.

    Notes
    -----
    Time O(n h w). Memory O(n h w).

    Examples
    --------
    >>> mean_evidence([[[2, 0]], [[0, -5]]])
    array([[ 0.5, -0.5]], dtype=float32)
    """
    values = np.asarray(maps, dtype=np.float64)
    largest = np.abs(values).max((1, 2), keepdims=True)
    scaled = np.divide(values, largest, out=np.zeros_like(values), where=largest > 0)
    return np.asarray(scaled.mean(0), dtype=np.float32)


def _shares(maps: ArrayLike) -> NDArray[np.float64]:
    """(n, h, w) share of each place in the positive values of its map."""
    positive = np.maximum(np.asarray(maps, dtype=np.float64), 0)
    total = positive.sum((1, 2), keepdims=True)
    with np.errstate(invalid="ignore"):
        return np.asarray(positive / np.where(total > 0, total, np.nan))


def _covered(count: int) -> NDArray[np.float64]:
    """(count,) share of each cell of a side that is not in the border."""
    inner = np.sqrt(1 - BORDER)
    edges = np.clip(np.linspace(0, 1, count + 1), (1 - inner) / 2, (1 + inner) / 2)
    return np.asarray(np.diff(edges) * count)
