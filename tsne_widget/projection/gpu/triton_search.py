"""The operations of a search as Triton kernels, for CUDA."""

from __future__ import annotations

import importlib
import math

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
        found = torch.empty((m, room), dtype=torch.int32, device=X.device)
        counts = torch.empty(m, dtype=torch.int32, device=X.device)
        squared = torch.empty((m, room), device=X.device)
        options = {"ROOM": room, "BLOCK": max(8, BLOCK_ELEMENTS // room), "num_warps": 8} | OPTIONS
        kernels = self._kernels
        kernels.select[(m,)](
            products, found, counts, c, candidates, own, GROUPS=groups, ROOM=room, **OPTIONS
        )
        kernels.measure[(m,)](
            X, targets, found, counts, squared, *columns, rows.start, X.shape[1], **options
        )
        kernels.rank[(m,)](found, counts, squared, *out, *columns, rows.start, k, **options)

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


def sizes_for(candidates: int) -> tuple[int, int]:
    """Groups of columns, and room for what is found. More is found only among equal distances."""
    groups = max(GROUPS, power_of_two(GROUPS_PER_NEIGHBOR * candidates))
    return groups, max(128, power_of_two(candidates * 5 // 4))


def power_of_two(least: int) -> int:
    """The smallest power of two that is at least this number."""
    return 1 << max(0, least - 1).bit_length()
