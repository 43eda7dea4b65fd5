"""Arrays of other libraries as numpy arrays: tensors on a graphics card, sparse and masked ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def to_numpy(values: Any) -> NDArray[Any]:
    """The values as a numpy array, from whichever library and device they come.

    Gradients are detached, copies from a graphics card are made, and sparse values become dense.
    Masked values become NaN.

    Parameters
    ----------
    values : array, tensor, sparse matrix, pandas object or nested list

    Examples
    --------
    >>> import torch
    >>> to_numpy(torch.ones(2, dtype=torch.bfloat16, requires_grad=True))
    array([1., 1.], dtype=float32)
    """
    if isinstance(values, np.ma.MaskedArray):
        return np.ma.filled(values.astype(np.float64), np.nan)
    if callable(getattr(values, "detach", None)):  # torch
        return _of_tensor(values.detach())
    if hasattr(values, "__cuda_array_interface__") and callable(getattr(values, "get", None)):
        values = values.get()  # cupy
    for method in ("toarray", "todense", "asnumpy", "copy_to_host"):  # scipy, sparse, mxnet, numba
        if not isinstance(values, np.ndarray) and callable(getattr(values, method, None)):
            values = getattr(values, method)()
    if hasattr(values, "iloc") and values.ndim == 2 and _is_numeric(values):
        return np.asarray(values.to_numpy(dtype=np.float64, na_value=np.nan))  # also if nullable
    try:
        return np.asarray(values)
    except (RuntimeError, TypeError):
        if not isinstance(values, (list, tuple)):
            raise
        return np.asarray([to_numpy(one) for one in values])  # of tensors with gradients


def _of_tensor(tensor: Any) -> NDArray[Any]:
    """A torch tensor without gradients."""
    if getattr(tensor, "is_sparse", False):
        tensor = tensor.to_dense()
    if callable(getattr(tensor, "cpu", None)):
        tensor = tensor.cpu()
    try:
        return np.asarray(tensor)
    except TypeError:  # bfloat16, which numpy does not have
        return np.asarray(tensor.float())


def _is_numeric(frame: Any) -> bool:
    return all(dtype.kind in "fiu" for dtype in frame.dtypes)
