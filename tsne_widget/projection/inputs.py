"""Whatever is passed as features → centred, scaled, finite float32, or an error that says why."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse

from tsne_widget.errors import InvalidInputError

# Below this a map of neighbourhoods has no meaning: three points are a triangle, whatever the data.
MIN_SAMPLES = 4
# Features are read in blocks of this size, so that a memory map is never loaded twice.
BLOCK_BYTES = 64 * 2**20


def as_array(X: Any) -> Any:
    """``X`` itself, or a numpy array where ``X`` is a torch tensor of any dtype on any device.

    Raises
    ------
    InvalidInputError
        For sparse matrices and sparse tensors, with the remedy.
    """
    if sparse.issparse(X):
        raise InvalidInputError(
            f"X is a sparse matrix ({X.format}, shape {X.shape}); t-SNE needs dense features: pass "
            "X.toarray(), or sklearn.decomposition.TruncatedSVD(50).fit_transform(X)"
        )
    if isinstance(X, torch.Tensor):
        if X.layout != torch.strided:
            raise InvalidInputError("X is a sparse tensor; pass X.to_dense()")
        X = X.detach()
        if X.dtype in (torch.float16, torch.bfloat16):  # bfloat16 has no numpy counterpart
            X = X.float()
        return X.cpu().numpy()
    return X


def check_samples(n: int) -> None:
    """Raise InvalidInputError where ``n`` samples are too few for a map of neighbourhoods."""
    if n < MIN_SAMPLES:
        raise InvalidInputError(
            f"t-SNE needs at least {MIN_SAMPLES} samples, got n_samples={n}; pass embedding= with "
            "your own coordinates or use another projector, such as sklearn.decomposition.PCA"
        )


def standardised(X: NDArray[Any]) -> NDArray[np.float32]:
    """``X`` centred per column and divided by its largest magnitude, in a new array.

    Differences keep their ratios, so the map is that of ``X``; scales from 1e-38 to 1e38 give the
    same one. Sums run in float64.

    Parameters
    ----------
    X : (n, d) array of real numbers, n, d ≥ 1
        May be a memory map; it is read in blocks.

    Returns
    -------
    (n, d) float32 array
        All finite, largest magnitude 1.

    Raises
    ------
    InvalidInputError
        If a value is NaN or infinite, or if all rows are equal.
    """
    n, d = X.shape
    rows = max(1, BLOCK_BYTES // (8 * max(d, 1)))
    blocks = [slice(start, min(start + rows, n)) for start in range(0, n, rows)]
    _check_finite(X, blocks)
    lowest = np.min([X[block].min(axis=0) for block in blocks], axis=0)
    highest = np.max([X[block].max(axis=0) for block in blocks], axis=0)
    if np.array_equal(lowest, highest):
        raise InvalidInputError(
            f"features are constant over {n} samples (dead layer?); check the layer's input and "
            "weights, or choose another layer"
        )
    lowest, highest = lowest.astype(np.float64), highest.astype(np.float64)
    magnitude = float(max(np.abs(lowest).max(), np.abs(highest).max()))
    centre = np.zeros(d)
    for block in blocks:
        centre += (X[block].astype(np.float64) / magnitude).sum(axis=0)
    centre /= n
    # A column's mean lies within its range; rounding must not push a constant column off zero.
    lowest, highest = lowest / magnitude, highest / magnitude
    centre = np.clip(centre, lowest, highest)
    spread = float(max((highest - centre).max(), (centre - lowest).max()))
    out = np.empty((n, d), dtype=np.float32)
    for block in blocks:
        out[block] = (X[block].astype(np.float64) / magnitude - centre) / spread
    return out


def _check_finite(X: NDArray[Any], blocks: list[slice]) -> None:
    if X.dtype.kind != "f":
        return
    bad: list[int] = []
    for block in blocks:
        finite = np.isfinite(X[block]).all(axis=1)
        bad.extend((np.flatnonzero(~finite) + block.start).tolist())
    if bad:
        shown = ", ".join(map(str, bad[:5])) + (" …" if len(bad) > 5 else "")
        raise InvalidInputError(
            f"features have NaN or inf in {len(bad)} of {len(X)} rows (rows {shown}); look for "
            "float16 overflow or a wrong normalisation, or drop these rows"
        )
