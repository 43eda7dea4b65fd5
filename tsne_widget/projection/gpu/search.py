"""Exact nearest neighbours on a device, in blocks of matrix products."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import torch

from tsne_widget._validation import row_blocks
from tsne_widget.projection.candidates import SPARE, smallest
from tsne_widget.projection.gpu.perplexity import conditional_probabilities
from tsne_widget.projection.gpu.products import Products

# Size in bytes of the distances from a block of rows to all rows, on a GPU and on the CPU.
BLOCK_BYTES, HOST_BLOCK_BYTES = 3 * 2**29, 2**26
# Squared distances below this share of the squared length of a centred row are too coarse: rounding
# reorders neighbours whose distances differ by less than 0.1 %.
COARSE = 1e-3


class DeviceNeighbors(NamedTuple):
    """The k nearest rows of each of m rows, nearest first, on a device."""

    indices: torch.Tensor
    """(m, k) int32: row numbers in the reference."""
    squared: torch.Tensor
    """(m, k) float32: squared distances."""

    @classmethod
    def empty(cls, m: int, k: int, device: torch.device) -> DeviceNeighbors:
        """Arrays for the k neighbours of m rows."""
        indices = torch.empty((m, k), dtype=torch.int32, device=device)
        return cls(indices, torch.empty((m, k), device=device))

    def need_digits(self, X: torch.Tensor) -> bool:
        """Whether the rounding of float32 products can hide neighbours among the (m, d) rows."""
        last = self.squared[:, -1]
        return bool(((last > 0) & (last < COARSE * X.square().sum(1))).any())

    def as_cosine(self) -> DeviceNeighbors:
        """Squared cosine distances (1 − cos)² for rows of unit length."""
        return self._replace(squared=(self.squared / 2).square_())


class Columns(NamedTuple):
    """The rows that the columns of products belong to."""

    rows: torch.Tensor
    """Row numbers, int64."""
    start: int = 0
    """Place of the first column among them."""


class Search(Protocol):
    """The operations of a search, on a device."""

    def nearest(
        self,
        products: torch.Tensor,
        X: torch.Tensor,
        targets: torch.Tensor,
        rows: slice,
        columns: Columns,
        own: int,
        out: DeviceNeighbors,
    ) -> None:
        """Write the nearest rows of ``X`` of some targets.

        Parameters
        ----------
        products : (rows, c) float32 tensor
            |x|² − 2xt, which find the candidates; it is overwritten.
        X : (n, d) float32 tensor
        targets : (m, d) float32 tensor
        rows : slice
            The targets of ``products``.
        columns : Columns
            The rows of ``X`` among which to search.
        own : int
            Column ``own`` is the first of these targets, the next column the second, and so on; a
            row is not its own neighbour. −1: targets are not columns.
        out : DeviceNeighbors
            (m, k) arrays. A distance of NaN marks a target whose neighbours could not be chosen.
        """

    def probabilities(self, squared: torch.Tensor, perplexity: float) -> torch.Tensor:
        """As :func:`probabilities.conditional_probabilities`."""


class TorchSearch:
    """The operations of a search in torch, for any device."""

    def nearest(
        self,
        products: torch.Tensor,
        X: torch.Tensor,
        targets: torch.Tensor,
        rows: slice,
        columns: Columns,
        own: int,
        out: DeviceNeighbors,
    ) -> None:
        """See :class:`Search`."""
        k = out.indices.shape[1]
        if own >= 0:
            products.diagonal(own).fill_(torch.inf)
        candidates = min(k + SPARE, products.shape[1] - (own >= 0))
        found = columns.rows[columns.start + smallest(products, candidates)[1]]
        out.indices[rows], out.squared[rows] = nearest_of(X, targets[rows], found, k)

    def probabilities(self, squared: torch.Tensor, perplexity: float) -> torch.Tensor:
        """See :class:`Search`."""
        return conditional_probabilities(squared, perplexity)


TORCH = TorchSearch()


def exact_neighbors(
    X: torch.Tensor, k: int, *, queries: torch.Tensor | None = None, search: Search = TORCH
) -> DeviceNeighbors:
    """The k nearest rows of ``X`` by Euclidean distance, for each row of ``X`` or ``queries``.

    Products find k + 8 candidates; their distances are then computed from differences.

    Parameters
    ----------
    X : (n, d) float32 tensor, or float64
        Finite; approximately centred if float32.
    k : int
        1 to n − 1, or 1 to n with queries.
    queries : (m, d) tensor of the same type, optional
        By default the rows of ``X``; a row is not its own neighbour.
    search : Search
    """
    targets = X if queries is None else queries
    out = DeviceNeighbors.empty(len(targets), k, X.device)
    products, columns = Products(X), Columns(torch.arange(len(X), device=X.device))
    for rows in row_blocks(len(targets), max(64, block_bytes(X.device) // (4 * len(X)))):
        own = rows.start if queries is None else -1
        search.nearest(products.of(targets[rows], own), X, targets, rows, columns, own, out)
    choose_the_rest(X, targets, out, is_own=queries is None)
    return out


def choose_the_rest(
    X: torch.Tensor, targets: torch.Tensor, out: DeviceNeighbors, *, is_own: bool
) -> None:
    """Search for the neighbours of the targets marked with NaN, among all rows."""
    marked = out.squared[:, 0].isnan().nonzero()[:, 0]
    if not len(marked):
        return
    k = out.indices.shape[1]
    for block in row_blocks(len(marked), max(64, block_bytes(X.device) // (4 * len(X)))):
        rows = marked[block]
        products = Products(X, is_split=False).of(targets[rows], -1)
        if is_own:
            products[torch.arange(len(rows), device=X.device), rows] = torch.inf
        columns = smallest(products, min(k + SPARE, len(X) - is_own))[1]
        out.indices[rows], out.squared[rows] = nearest_of(X, targets[rows], columns, k)


def nearest_of(
    X: torch.Tensor, targets: torch.Tensor, columns: torch.Tensor, k: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """The k nearest of some candidates of each target, by distances computed from differences.

    Parameters
    ----------
    X : (n, d) float32 tensor
    targets : (m, d) float32 tensor
    columns : (m, c) int64 tensor
        Row numbers in ``X`` of the candidates.
    k : int

    Returns
    -------
    indices, squared : (m, k) tensors
        Rows at equal distances are in ascending order.
    """
    m, c = columns.shape
    columns = columns.sort(1).values
    squared = torch.empty((m, c), device=X.device)
    for rows in row_blocks(m, max(1, block_bytes(X.device) // (16 * c * X.shape[1]))):
        difference = X[columns[rows]].sub_(targets[rows, None])
        squared[rows] = difference.square_().sum(2)
    order = squared.argsort(dim=1, stable=True)[:, :k]
    return columns.gather(1, order).int(), squared.gather(1, order)


def block_bytes(device: torch.device) -> int:
    """Size in bytes of the largest temporary array: an eighth of a small GPU."""
    if device.type == "cpu":
        return HOST_BLOCK_BYTES
    if device.type == "cuda":
        return min(BLOCK_BYTES, torch.cuda.get_device_properties(device).total_memory // 8)
    return BLOCK_BYTES // 4
