"""Faithfulness of a map: trustworthiness and continuity of each point."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._validation import as_rows
from tsne_widget.analysis.inputs import as_matrix, centred
from tsne_widget.errors import InvalidInputError


class Faithfulness(NamedTuple):
    """For each point, how far its neighbours on the map and in feature space agree."""

    trustworthiness: NDArray[np.float32]
    """(m,) float32, 0 … 1; 1 if the neighbours on the map are neighbours in feature space."""
    continuity: NDArray[np.float32]
    """(m,) float32, 0 … 1; 1 if the neighbours in feature space are neighbours on the map."""


def faithfulness(
    features: ArrayLike, embedding: ArrayLike, k: int = 15, *, rows: ArrayLike | None = None
) -> Faithfulness:
    """Trustworthiness and continuity of each point of a map, exactly.

    Trustworthiness decreases for each of a point's k neighbours on the map that is not among its k
    neighbours in feature space, by that neighbour's rank there. Continuity exchanges the two roles.
    Both are divided by the largest possible penalty. Their means over all points are the measures
    of Venna & Kaski 2001, "Neighborhood preservation in nonlinear projection methods", ICANN.

    Parameters
    ----------
    features : (n, d) array of finite numbers
        May be a memory map; one float32 copy is made.
    embedding : (n, 2) array of finite numbers
        The map.
    k : int
        Number of neighbours, 1 … less than n / 2.
    rows : (m,) array of int, or (n,) array of bool, optional
        Measure only these points. Default: all.

    Returns
    -------
    Faithfulness
        ``trustworthiness`` and ``continuity``, each (m,) float32, in the order of ``rows``. Time
        O(m n (d + k)), memory O(n d) for the copy.

    Raises
    ------
    InvalidInputError
        If a shape or dtype is wrong, a value is not finite, or ``k`` or ``rows`` is out of range.

    Examples
    --------
    >>> line = [[0.0], [1.0], [2.5], [4.5], [7.0]]
    >>> folded = [[0.0, 0.0], [1.0, 0.0], [2.5, 0.0], [4.5, 0.0], [-0.5, 0.0]]
    >>> faithfulness(line, folded, k=1).trustworthiness
    array([0., 1., 1., 1., 0.], dtype=float32)
    """
    matrix = as_matrix("features", features)
    n = len(matrix)
    places = as_matrix("embedding", embedding, n)
    if not 1 <= k < n / 2:
        raise InvalidInputError(f"k={k} must be from 1 to less than n / 2 = {n / 2:g}")
    if not np.isfinite(places).all():
        raise InvalidInputError("embedding must be finite; run the projector again")
    chosen = np.arange(n) if rows is None else as_rows("rows", rows, n)
    # Imported here because the package loads torch.
    from tsne_widget.projection.faithfulness import local_faithfulness

    high, flat = centred(matrix)[0], centred(places)[0].astype(np.float64)
    return Faithfulness(*local_faithfulness(high, flat, k, chosen).astype(np.float32))
