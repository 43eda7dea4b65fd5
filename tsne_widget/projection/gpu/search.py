"""Exact nearest neighbours on a device, in blocks of matrix products."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch

from tsne_widget._validation import row_blocks
from tsne_widget.projection.candidates import SPARE, smallest

# Size in bytes of the distances from a block of rows to all rows, on a GPU and on the CPU.
BLOCK_BYTES, HOST_BLOCK_BYTES = 3 * 2**29, 2**26


class DeviceNeighbors(NamedTuple):
    """The k nearest rows of each of m rows, nearest first, on a device."""

    indices: torch.Tensor
    """(m, k) int32: row numbers in the reference."""
    squared: torch.Tensor
    """(m, k) float32: squared distances."""

    def as_cosine(self) -> DeviceNeighbors:
        """Squared cosine distances (1 − cos)² for rows of unit length."""
        return self._replace(squared=(self.squared / 2).square_())


def exact_neighbors(
    X: torch.Tensor, k: int, *, queries: torch.Tensor | None = None
) -> DeviceNeighbors:
    """The k nearest rows of ``X`` by Euclidean distance, for each row of ``X`` or ``queries``.

    Products find k + 8 candidates; their distances are then computed from differences.

    Parameters
    ----------
    X : (n, d) float32 tensor
        Finite and approximately centred.
    k : int
        1 to n − 1, or 1 to n with queries.
    queries : (m, d) float32 tensor, optional
        By default the rows of ``X``; a row is not its own neighbour.
    """
    n = len(X)
    targets = X if queries is None else queries
    candidates = min(k + SPARE, n - (queries is None))
    lengths = X.square().sum(1)
    indices = torch.empty((len(targets), k), dtype=torch.int32, device=X.device)
    squared = torch.empty((len(targets), k), device=X.device)
    with exact_products():
        for rows in row_blocks(len(targets), max(64, block_bytes(X.device) // (4 * n))):
            distances = torch.addmm(lengths, targets[rows], X.T, alpha=-2.0)
            if queries is None:
                distances.diagonal(rows.start).fill_(torch.inf)
            columns = smallest(distances, candidates)[1]
            del distances
            indices[rows], squared[rows] = nearest_of(X, targets[rows], columns, k)
    return DeviceNeighbors(indices, squared)


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
    return columns.gather(1, order), squared.gather(1, order)


def block_bytes(device: torch.device) -> int:
    """Size in bytes of the largest temporary array: an eighth of a small GPU."""
    if device.type == "cpu":
        return HOST_BLOCK_BYTES
    if device.type == "cuda":
        return min(BLOCK_BYTES, torch.cuda.get_device_properties(device).total_memory // 8)
    return BLOCK_BYTES // 4


@contextmanager
def exact_products() -> Iterator[None]:
    """Matrix products with all digits of float32, whatever precision the process has chosen."""
    settings: Any = torch.backends.cuda.matmul
    # torch before 2.9 has only allow_tf32; reading it later fails if the process used the other.
    name: str = "allow_tf32"
    exact: Any = False
    if hasattr(settings, "fp32_precision"):
        name, exact = "fp32_precision", "ieee"
    before = getattr(settings, name)
    setattr(settings, name, exact)
    try:
        yield
    finally:
        setattr(settings, name, before)
