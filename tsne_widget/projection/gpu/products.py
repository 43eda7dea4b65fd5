"""Products of features with all digits of float32, on a device."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

# GPUs that multiply matrices of TF32 at least three times as fast as those of float32: those for
# data centres (A100, H100 and H200, B200, B300).
FAST_TF32 = {(8, 0), (9, 0), (10, 0), (10, 3)}
# Bits of float32 that TF32 leaves out, and half of the last one it keeps.
LOW_BITS, HALF = 0x1FFF, 0x1000
ALIGNED = 4


class Products:
    """|x|² − 2xt of all rows x and some targets t.

    Where TF32 is fast, each number is the sum of two TF32 numbers, and three of the four products
    of such parts are added. The fourth is below the rounding of float32.

    Parameters
    ----------
    X : (n, d) float32 or float64 tensor
    is_split : bool, optional
        By default for float32 where that is faster.
    """

    def __init__(self, X: torch.Tensor, *, is_split: bool | None = None) -> None:
        self._lengths = X.square().sum(1)
        if is_split is None:
            is_split = X.dtype == torch.float32 and has_fast_tf32(X.device)
        self._is_split = is_split
        self._X = parts_of(X) if self._is_split else X
        self._width = self._X.shape[1] // 4 if self._is_split else 0

    def of(self, targets: torch.Tensor, first: int = -1) -> torch.Tensor:
        """(m, n) float32 tensor for the targets, which are the rows from ``first`` on unless −1."""
        if not self._is_split:
            with exact_products():
                return torch.addmm(self._lengths, targets, self._X.T, alpha=-2.0)
        d = self._width
        parts = parts_of(targets) if first < 0 else self._X[first : first + len(targets)]
        with tf32_products():
            return torch.addmm(self._lengths, parts[:, d:], self._X[:, : 3 * d].T, alpha=-2.0)

    def among(self, rows: torch.Tensor, count: int) -> Products:
        """The products with some of the rows only: the first ``count`` row numbers.

        The other numbers fill the columns up; their products are infinite.
        """
        some = Products.__new__(Products)
        some._lengths, some._X = self._lengths[rows], self._X[rows]
        some._lengths[count:] = torch.inf
        some._is_split, some._width = self._is_split, self._width
        return some


def parts_of(X: torch.Tensor) -> torch.Tensor:
    """(n, 4 w) float32: high parts, low parts and twice the high parts; w is d, rounded up to 4.

    The last three blocks of one row and the first three of another have the products low × high,
    high × low and high × high.
    """
    n, d = X.shape
    width = -(-d // ALIGNED) * ALIGNED
    out = torch.zeros((n, 4, width), device=X.device)
    high = out[:, 0, :d]
    high.copy_(((X.view(torch.int32) + HALF) & ~LOW_BITS).view(torch.float32))
    torch.sub(X, high, out=out[:, 1, :d])
    out[:, 2:, :d] = high[:, None]
    return out.view(n, 4 * width)


def has_fast_tf32(device: torch.device) -> bool:
    """Whether three products of TF32 take less time than one of float32."""
    if device.type != "cuda" or torch.version.hip is not None:
        return False
    return torch.cuda.get_device_capability(device) in FAST_TF32


@contextmanager
def exact_products() -> Iterator[None]:
    """Matrix products with all digits of float32, whatever precision the process has chosen."""
    with _precision("ieee", allow_tf32=False):
        yield


@contextmanager
def tf32_products() -> Iterator[None]:
    """Matrix products of TF32 numbers."""
    with _precision("tf32", allow_tf32=True):
        yield


@contextmanager
def _precision(name: str, *, allow_tf32: bool) -> Iterator[None]:
    settings: Any = torch.backends.cuda.matmul
    # torch before 2.9 has only allow_tf32; reading it later fails if the process used the other.
    setting: str = "allow_tf32"
    value: Any = allow_tf32
    if hasattr(settings, "fp32_precision"):
        setting, value = "fp32_precision", name
    before = getattr(settings, setting)
    setattr(settings, setting, value)
    try:
        yield
    finally:
        setattr(settings, setting, before)
