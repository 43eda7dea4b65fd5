"""The operations of a search as Triton kernels, for CUDA."""

from __future__ import annotations

import importlib
import math
from typing import Any, NamedTuple

import torch

from tsne_widget.projection.candidates import SPARE
from tsne_widget.projection.gpu.perplexity import STEPS
from tsne_widget.projection.gpu.search import TORCH, Columns, DeviceNeighbors

# Groups of columns at least, and per neighbour.
GROUPS, GROUPS_PER_NEIGHBOR = 1024, 8
# Neighbours up to which the kernels serve.
MAX_NEIGHBORS = 400
# Elements of one program at once: candidates times coordinates, or times other candidates.
BLOCK_ELEMENTS = 4096
# Without it, Triton 3.9 warns that its default is about to change.
OPTIONS = {"enable_fp_fusion": True}


class Found(NamedTuple):
    """What is found for m targets, with room for r rows each."""

    columns: torch.Tensor
    """(m, r) int32: columns of the products, ascending."""
    counts: torch.Tensor
    """(m,) int32: how many."""
    squared: torch.Tensor
    """(m, r) float32: squared distances."""

    @classmethod
    def empty(cls, m: int, room: int, device: torch.device) -> Found:
        """Arrays for m targets."""
        columns = torch.empty((m, room), dtype=torch.int32, device=device)
        counts = torch.empty(m, dtype=torch.int32, device=device)
        return cls(columns, counts, torch.empty((m, room), device=device))


class TritonSearch:
    """The operations as Triton kernels."""

    def __init__(self) -> None:
        self._kernels = importlib.import_module("tsne_widget.projection.gpu.search_kernels")

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
        (m, c), k = products.shape, out.indices.shape[1]
        candidates = min(k + SPARE, c - (own >= 0))
        if candidates > MAX_NEIGHBORS:
            TORCH.nearest(products, X, targets, rows, columns, own, out)
            return
        groups, room = sizes_for(candidates)
        found = Found.empty(m, room, X.device)
        self.select(products, found, candidates, own, groups)
        self.measure(X, targets, found, columns, rows.start)
        self.rank(found, columns, rows.start, out)

    def select(
        self, products: torch.Tensor, found: Found, candidates: int, own: int, groups: int
    ) -> None:
        """Find the columns of the smallest products."""
        m, c = products.shape
        room = found.columns.shape[1]
        self._kernels.select[(m,)](
            products, *found[:2], c, candidates, own, GROUPS=groups, ROOM=room, **OPTIONS
        )

    def measure(
        self, X: torch.Tensor, targets: torch.Tensor, found: Found, columns: Columns, first: int
    ) -> None:
        """Compute the distances between the rows found and the targets from ``first`` on."""
        m, room = found.columns.shape
        self._kernels.measure[(m,)](X, targets, *found, *columns, first, X.shape[1], **_sizes(room))

    def rank(self, found: Found, columns: Columns, first: int, out: DeviceNeighbors) -> None:
        """Write the nearest of the rows found to ``out``."""
        m, room = found.columns.shape
        k = out.indices.shape[1]
        self._kernels.rank[(m,)](*found, *out, *columns, first, k, **_sizes(room))

    def probabilities(self, squared: torch.Tensor, perplexity: float) -> torch.Tensor:
        """See :class:`Search`."""
        (n, k), out = squared.shape, torch.empty_like(squared)
        block = power_of_two(k)
        self._kernels.conditional[(n,)](
            squared,
            out,
            k,
            math.log(perplexity),
            STEPS,
            BLOCK=block,
            num_warps=max(1, min(8, block // 256)),
            **OPTIONS,
        )
        return out


def _sizes(room: int) -> dict[str, Any]:
    """Sizes of a program that compares all that is found."""
    return {"ROOM": room, "BLOCK": BLOCK_ELEMENTS // room, "num_warps": 8} | OPTIONS


def sizes_for(candidates: int) -> tuple[int, int]:
    """Groups of columns, and room for what is found. More is found only among equal distances."""
    groups = max(GROUPS, power_of_two(GROUPS_PER_NEIGHBOR * candidates))
    return groups, max(128, power_of_two(candidates * 5 // 4))


def power_of_two(least: int) -> int:
    """The smallest power of two that is at least this number."""
    return 1 << max(0, least - 1).bit_length()
