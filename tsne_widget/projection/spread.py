"""Nearest neighbours of rows whose neighbours are close beside the spread of the data.

A product of centred rows loses a distance that is small beside the lengths of the rows. Here rows
are centred at one of them, so that lengths are comparable to distances, and multiplied in float64.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from tsne_widget._validation import row_blocks
from tsne_widget.projection.candidates import SPARE, smallest
from tsne_widget.projection.rows import (
    BLOCK_BYTES,
    Rows,
    distances_from,
    pair_distances,
    rounding_share,
)
from tsne_widget.projection.workers import Workers

# Squared distances are ties if they differ by this share. Float32, which stores them, rounds so.
TIE = 1e-7
ROWS_PER_BLOCK = 1024


def settle(
    reference: Rows,
    targets: Rows | None,
    rows: NDArray[np.int64],
    bounds: NDArray[np.float64],
    k: int,
    workers: Workers,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The k nearest rows of the reference for some rows of the targets.

    The row with the closest neighbours becomes the centre. Rows that are not much further from it
    than its neighbours are searched together, among all rows that can be their neighbours. The
    neighbours of the centre itself come from differences, so each pass settles at least one row.

    Parameters
    ----------
    reference : Rows
    targets : Rows or None
        None means the reference, in which a row is not its own neighbour.
    rows : (u,) int64 array
        Row numbers of the targets.
    bounds : (u,) float64 array
        Squared distances within which each of these rows has at least k neighbours.
    k : int
        1 to n − 1, or 1 to n with targets.
    workers : Workers

    Returns
    -------
    indices, squared : (u, k) arrays
        As in :class:`neighbors.Neighbors`.
    """
    search = _Search(reference, targets, rows, bounds.copy(), k, workers)
    # With lengths below this multiple of a distance, the rounding of a product is a tie.
    reach = TIE / (4 * search.share)
    remaining = np.arange(len(rows))
    while len(remaining):
        order = np.argsort(search.bounds[remaining], kind="stable")
        first, others = remaining[order[0]], remaining[order[1:]]
        centre = search.exact_targets(rows[[first]])[0]
        away = search.away_from(centre)
        search.settle_centre(first, away)
        radius = reach * search.bounds[first]
        inside = search.apart(rows[others], centre, away) <= radius
        members = others[inside]
        furthest = np.sqrt(radius) + np.sqrt(search.bounds[members].max(initial=0))
        columns = np.flatnonzero(np.sqrt(away) <= furthest * (1 + 1e-6))
        settled = search.settle_group(members, centre, columns)
        remaining = np.concatenate([others[~inside], members[~settled]])
    return search.indices, search.squared


@dataclass
class _Search:
    """The state of :func:`settle`; positions count the rows to settle, 0 to u − 1."""

    reference: Rows
    targets: Rows | None
    rows: NDArray[np.int64]
    bounds: NDArray[np.float64]
    k: int
    workers: Workers

    def __post_init__(self) -> None:
        shape = (len(self.rows), self.k)
        self.indices, self.squared = np.empty(shape, np.int32), np.empty(shape, np.float32)
        self.share = rounding_share(self.reference.source.shape[1], np.float64)

    def exact_targets(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Rows of the targets in float64."""
        return (self.reference if self.targets is None else self.targets).exact(rows)

    def away_from(self, centre: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n,) squared distances of the reference from one row."""
        n, d = self.reference.source.shape
        blocks = row_blocks(n, BLOCK_BYTES // (8 * d))
        parts = self.workers.map(lambda b: distances_from(centre, self.reference.exact(b)), blocks)
        return np.concatenate(parts)

    def apart(
        self, rows: NDArray[np.int64], centre: NDArray[np.float64], away: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Squared distances of rows of the targets from the centre."""
        if self.targets is None:
            return away[rows]
        return distances_from(centre, self.targets.exact(rows))

    def settle_centre(self, position: np.int64, away: NDArray[np.float64]) -> None:
        """Settle one row from its distances to all rows."""
        squared = away.copy()
        if self.targets is None:
            squared[self.rows[position]] = np.inf
        limit = np.partition(squared, self.k - 1)[self.k - 1]
        columns = np.flatnonzero(squared <= limit)
        self._store(np.array([position]), columns[None], squared[None, columns])

    def settle_group(
        self, members: NDArray[np.int64], centre: NDArray[np.float64], columns: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Search some rows among columns of the reference; whether each is settled."""
        step = min(ROWS_PER_BLOCK, 4 * BLOCK_BYTES // (8 * max(1, len(columns))))
        blocks = [members[block] for block in row_blocks(len(members), max(16, step))]
        settled = self.workers.map(lambda block: self._settle(block, centre, columns), blocks)
        return np.concatenate([np.zeros(0, bool), *settled])

    def _settle(
        self, members: NDArray[np.int64], centre: NDArray[np.float64], columns: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        rows = self.rows[members]
        lower = self._lower_bounds(self.exact_targets(rows) - centre, centre, columns)
        available = len(columns)
        if self.targets is None:
            lower[np.arange(len(rows)), np.searchsorted(columns, rows)] = torch.inf
            available -= 1
        count = min(self.k + SPARE, available)
        values, found = (part.numpy() for part in smallest(lower, count))
        found = columns[found]
        floor = values.max(1) if count < available else np.full(len(rows), np.inf)
        of_row = np.repeat(rows, count)
        squared = pair_distances(self.reference, self.targets, of_row, found.ravel())
        self._store(members, found, squared.reshape(found.shape))
        settled: NDArray[np.bool_] = self.bounds[members] * (1 - TIE) <= floor
        return settled

    def _lower_bounds(
        self, targets: NDArray[np.float64], centre: NDArray[np.float64], columns: NDArray[np.int64]
    ) -> torch.Tensor:
        """(m, c) bounds below the squared distances between centred targets and the columns."""
        centred = torch.from_numpy(targets)
        lower = centred.new_empty((len(targets), len(columns)))
        for part in row_blocks(len(columns), BLOCK_BYTES // (8 * len(centre))):
            others = torch.from_numpy(self.reference.exact(columns[part]) - centre)
            lengths = others.square().sum(1) * (1 - self.share)
            torch.addmm(lengths, centred, others.T, alpha=-2.0, out=lower[:, part])
        return lower.add_(centred.square().sum(1, keepdim=True) * (1 - self.share))

    def _store(
        self,
        positions: NDArray[np.int64],
        columns: NDArray[np.int64],
        squared: NDArray[np.float64],
    ) -> None:
        """Store the k nearest of some candidates of each row, and the bounds they give."""
        stored = squared.astype(np.float32)
        order = np.lexsort((columns, stored), axis=1)[:, : self.k]
        self.indices[positions] = np.take_along_axis(columns, order, 1)
        self.squared[positions] = np.take_along_axis(stored, order, 1)
        self.bounds[positions] = np.take_along_axis(squared, order, 1).max(1)
