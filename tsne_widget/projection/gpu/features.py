"""Features on a device: copied, centred and scaled there, and their principal components."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tsne_widget._validation import row_blocks
from tsne_widget.projection.gpu.products import exact_products
from tsne_widget.projection.inputs import Scaler, check_bounds, exponent_of
from tsne_widget.projection.start import COLUMNS, POWER_ITERATIONS, oriented

# Size in bytes of a block of rows that is copied to the device.
COPY_BYTES = 2**27
# Beyond this power of two the factors of the scaling leave the range of float32.
MODERATE = 60


class DeviceScaler(Scaler):
    """A :class:`Scaler` whose statistics are computed on a device.

    Parameters
    ----------
    X : (n, d) float32 or float64 array
        For errors.
    copied : (n, d) tensor of the same type
        The same features on the device.

    Raises
    ------
    InvalidInputError
        As for :class:`Scaler`.
    """

    def __init__(self, X: NDArray[Any], copied: torch.Tensor) -> None:
        lowest, highest = (bound.cpu().numpy() for bound in torch.aminmax(copied, dim=0))
        total = copied.sum(0, dtype=torch.float64).cpu().numpy()
        check_bounds(X, np.where(np.isfinite(total), lowest, np.nan), highest)
        lowest, highest = lowest.astype(np.float64), highest.astype(np.float64)
        self._exponent = exponent_of(lowest, highest)
        self._centre_at(np.ldexp(total / len(X), -self._exponent), lowest, highest)

    @property
    def is_moderate(self) -> bool:
        """Whether float32 holds the factors of the scaling."""
        return max(abs(self._exponent), abs(self._spread_exponent)) < MODERATE

    def scale_(self, copied: torch.Tensor) -> torch.Tensor:
        """Centre and scale features on a device in place: the bits of a call with an array."""
        copied.mul_(2.0**-self._exponent)
        copied.sub_(torch.from_numpy(self._centre).to(copied.device, copied.dtype))
        return copied.mul_(2.0**-self._spread_exponent).float()


def scaled_features(X: NDArray[Any], device: torch.device) -> tuple[Scaler, torch.Tensor]:
    """The scaling learnt from ``X``, and the (n, d) float32 features, scaled on the device.

    Raises
    ------
    InvalidInputError
        If a value is NaN or infinite, or if all rows are equal.
    """
    if X.dtype in (np.float32, np.float64) and device.type != "mps":  # which has no float64
        raw = copied(X, device)
        on_device = DeviceScaler(X, raw)
        if on_device.is_moderate:
            return on_device, on_device.scale_(raw)
        del raw
    scaler = Scaler(X)
    return scaler, copied(scaler(X), device)


def copied(X: NDArray[Any], device: torch.device) -> torch.Tensor:
    """A copy of ``X``, (n, d) floats, on a device. Memory maps are read in blocks of rows."""
    kind = torch.float64 if X.dtype == np.float64 else torch.float32
    out = torch.empty(X.shape, dtype=kind, device=device)
    for rows in row_blocks(len(X), COPY_BYTES // (X.itemsize * max(1, X.shape[1]))):
        block = X[rows]
        if not (block.flags.writeable and block.flags.c_contiguous):
            block = np.array(block)
        out[rows] = torch.from_numpy(block)
    return out


def principal_components(X: torch.Tensor) -> NDArray[np.float64]:
    """The first two principal components of ``X``, (n, 2), as :func:`start.principal` returns them.

    The products are computed on the device, the small factorisations on the CPU.
    """
    d = X.shape[1]
    columns = min(COLUMNS, d, len(X))
    basis = torch.randn((d, columns), generator=torch.Generator().manual_seed(0)).to(X.device)
    means = X.mean(0)
    with exact_products():
        for _ in range(POWER_ITERATIONS):
            scores = X @ basis - means @ basis
            covariance = X.T @ scores - means[:, None] * scores.sum(0)
            basis = torch.linalg.qr(covariance.cpu().double())[0].float().to(X.device)
        scores = X @ basis - means @ basis
        squares = (scores.T @ scores).cpu().double()
        rotation = torch.linalg.eigh(squares)[1].flip(1)[:, :2].float().to(X.device)
        return oriented((scores @ rotation).cpu().double().numpy())
