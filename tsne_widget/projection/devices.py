"""Where a fit runs: on the CPU or on a GPU, and whether its memory suffices."""

from __future__ import annotations

import math

import torch

from tsne_widget.errors import InvalidInputError
from tsne_widget.projection.gpu.probabilities import PAIRS_PER_BLOCK
from tsne_widget.projection.gpu.products import has_fast_tf32
from tsne_widget.projection.gpu.search import block_bytes

# Rows from which device=None takes a CUDA GPU. A warm fit is faster there from 500 rows on. The
# first fit of a process spends two seconds on kernels and libraries, which pays from 5,000 on.
GPU_ROWS = 3_000
# Share of the GPU's free memory that a fit may use.
MEMORY_SHARE = 0.9
# Bytes of a pair while its opposite is looked up, and of what does not depend on n.
BYTES_PER_LOOKUP, FIXED_BYTES = 40, 5e8


def choose_device(device: object, n: int, d: int, k: int) -> tuple[str, str | None]:
    """The torch device of a fit, and a note if its memory is a reason not to use a GPU.

    None takes the CUDA GPU from 3,000 fitted rows on, if torch sees one and its free memory
    suffices, else the CPU. MPS is only used if asked for, because it has not been measured.

    Parameters
    ----------
    device : str, torch.device or None
        The parameter of the estimator.
    n, d, k : int
        Fitted rows, columns of features (0 for distances) and neighbours.

    Raises
    ------
    InvalidInputError
        If a GPU is asked for whose memory does not suffice.
    """
    if device is None and (n < GPU_ROWS or not torch.cuda.is_available()):
        return "cpu", None
    name = "cuda" if device is None else str(device)
    if not is_gpu(name):
        return name, None
    needed, free = needed_bytes(n, d, k, name), free_bytes(name)
    if needed <= MEMORY_SHARE * free:
        return name, None
    lack = (
        f"a fit of {n:,} × {d:,} needs about {needed / 1e9:.1f} GB of the GPU's memory, of which "
        f"{free / 1e9:.1f} GB are free"
    )
    if device is None:
        return "cpu", f"{lack}, so t-SNE runs on the CPU; free it, or pass landmarks=50_000"
    raise InvalidInputError(
        f"device={name!r}: {lack}; free it, pass landmarks=50_000, or pass device='cpu'"
    )


def is_gpu(device: str) -> bool:
    """Whether the computation for GPUs runs on this torch device."""
    return torch.device(device).type != "cpu"


def check_device(device: object) -> None:
    """Raise InvalidInputError if torch cannot compute on this device."""
    try:
        kind = torch.device(str(device)).type
        torch.empty(0, device=str(device))
    except (RuntimeError, AssertionError) as error:
        raise InvalidInputError(
            f"device={device!r} is not available ({error}); pass device=None to choose by the "
            "number of rows, or device='cpu'"
        ) from error
    if kind == "meta":
        raise InvalidInputError(f"device={device!r} computes nothing; pass 'cpu', 'cuda' or 'mps'")


def needed_bytes(n: int, d: int, k: int, device: str) -> float:
    """Estimate of the largest memory of a fit on a GPU, in bytes."""
    features = 4.0 * n * d
    block = block_bytes(torch.device(device))
    pairs = 32.0 * n * k  # both directions of each pair, int32 and float32; a part of them twice
    split = 16.0 * n * (d + 4) if has_fast_tf32(torch.device(device)) else 0.0
    search = 8.0 * n * k + split + 2 * block
    # Indices, probabilities, their sums and 64-bit keys; then the sort of pairs without opposites.
    join = 28.0 * n * k + BYTES_PER_LOOKUP * min(1.0 * n * k, 1.0 * PAIRS_PER_BLOCK)
    sort = 60.0 * n * k
    copy = 8.0 * n * d  # features of float64, before they are scaled
    return features + max(copy, search, join, sort, pairs + 100.0 * n) + FIXED_BYTES


def free_bytes(device: str) -> float:
    """Memory that a fit can use on a GPU, in bytes; infinite if the device does not say."""
    place = torch.device(device)
    if place.type == "cuda":
        index = torch.cuda.current_device() if place.index is None else place.index
        cached = torch.cuda.memory_reserved(index) - torch.cuda.memory_allocated(index)
        return float(torch.cuda.mem_get_info(index)[0] + cached)
    if place.type == "mps":
        return float(torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory())
    return math.inf
