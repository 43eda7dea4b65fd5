"""Turn the value of a layer into one float32 row per sample."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from tsne_widget._validation import did_you_mean
from tsne_widget.errors import ExtractionError, InvalidInputError
from tsne_widget.extraction.model.structure import item_at, listed, tensors_in

Pool = str | Callable[[Tensor], Tensor]
Select = int | str | tuple[int | str, ...] | Callable[[Any], Tensor] | None

POOLS = ("auto", "mean", "flatten", "cls")
LAST = "last"  # the last token; only the first batch finds it, and pool= takes a function instead


def check_pool(pool: Pool) -> None:
    """Raise InvalidInputError unless ``pool`` is one of :data:`POOLS` or callable."""
    if not callable(pool) and pool not in POOLS:
        words = ", ".join(map(repr, POOLS))
        near = did_you_mean(pool, POOLS)
        raise InvalidInputError(f"pool={pool!r} must be one of {words}, or a callable{near}")


def select_tensor(value: Any, select: Select, where: str) -> Tensor:
    """The only tensor in ``value``, or the one that ``select`` chooses.

    Parameters
    ----------
    value : object
        Tensor, tuple, list, mapping or dataclass, nested to any depth.
    select : int, str, tuple of those, callable or None
        Index, key or attribute; a tuple is a path of these; a callable gets ``value``.
    where : str
        The layer, for messages.

    Raises
    ------
    ExtractionError
        If there is no tensor, or several and ``select`` is None; the message lists their shapes.
    """
    if callable(select):
        chosen = _call("select", select, value, where)
    elif select is not None:
        chosen = value
        for step in select if isinstance(select, tuple) else (select,):
            chosen = _step(chosen, step, where, value)
    else:
        found = list(tensors_in(value))
        if len(found) != 1:
            raise ExtractionError(
                f"layer={where!r} gives {type(value).__name__} with "
                f"{len(found) or 'no'} tensors{listed(value)}; "
                "choose one, for example select=0"
            )
        chosen = found[0][1]
    if not isinstance(chosen, Tensor):
        raise ExtractionError(
            f"select={select!r} of layer={where!r} gives {type(chosen).__name__}, not a tensor"
            f"{listed(value)}"
        )
    return chosen


def pool_rows(tensor: Tensor, pool: Pool, n: int, where: str) -> Tensor:
    """One float32 row per sample, as a tensor with its own memory.

    ``"auto"`` and ``"mean"`` average maps (n, c, h, w) over h and w, tokens (n, t, c) over t, and
    volumes over all axes after the channels. A 4-d tensor whose second and third axes are equal and
    differ from the last is (n, h, w, c), the layout of Swin. ``"flatten"`` keeps every number,
    ``"cls"`` takes token 0 of (n, t, c).

    Parameters
    ----------
    tensor : (n, …) tensor of any real dtype
    pool : str or callable
        A callable gets the tensor as float32 and returns (n, d).
    n : int
        Samples in the batch.
    where : str
        The layer, for messages.

    Returns
    -------
    (n, d) float32 tensor on the same device

    Raises
    ------
    ExtractionError
        If the first axis is not n, or the pooling does not fit the shape.
    """
    tensor = given = _real_and_dense(tensor.detach(), where)
    if tensor.ndim == 0 or len(tensor) != n:
        raise ExtractionError(
            f"layer={where!r} gives shape {_shape(tensor)} for a batch of {n}: row i must be "
            "sample i; if the samples are along another axis, "
            "pass select=lambda output: output.transpose(0, 1)"
        )
    tensor = tensor.to(torch.float32)
    if callable(pool):
        rows = _rows_of_callable(tensor, pool, n, where)
    elif pool == "flatten" or tensor.ndim <= 2:
        rows = tensor.reshape(n, -1)
    elif pool == LAST and tensor.ndim == 3:
        rows = tensor[:, -1]
    elif pool == "cls":
        if tensor.ndim != 3:
            raise ExtractionError(
                f"pool='cls' requires tokens of shape (n, t, c), but layer={where!r} gives "
                f"{_shape(tensor)}; pass pool='mean'"
            )
        rows = tensor[:, 0]
    else:
        rows = tensor.mean(dim=_averaged(tensor))
    shares = rows.untyped_storage().data_ptr() == given.untyped_storage().data_ptr()
    return rows.clone() if shares else rows


def pool_note(ndim: int, pool: Pool) -> str:
    """The pooling as part of a layer's name: "" if the layer itself gives rows."""
    if callable(pool):
        return f"pool={getattr(pool, '__name__', type(pool).__name__)}"
    if ndim <= 2:
        return ""
    return f"pool={'mean' if pool == 'auto' else pool}"


def _rows_of_callable(
    tensor: Tensor, pool: Callable[[Tensor], Tensor], n: int, where: str
) -> Tensor:
    rows = _call("pool", pool, tensor.clone(), where)  # a copy: the function may work in place
    if not isinstance(rows, Tensor) or rows.ndim != 2 or len(rows) != n:
        got = _shape(rows) if isinstance(rows, Tensor) else type(rows).__name__
        raise ExtractionError(
            f"pool must return shape ({n}, d) for layer={where!r} with shape {_shape(tensor)}, "
            f"got {got}"
        )
    return rows.detach().to(torch.float32)


def _call(name: str, function: Callable[[Any], Any], value: Any, where: str) -> Any:
    try:
        return function(value)
    except Exception as error:
        raise ExtractionError(
            f"{name} failed on layer={where!r}: {type(error).__name__}: {error}{listed(value)}"
        ) from error


def _averaged(tensor: Tensor) -> tuple[int, ...]:
    if tensor.ndim == 3:
        return (1,)
    if tensor.ndim == 4:
        _, second, third, last = tensor.shape
        if second == third != last:
            return (1, 2)
    return tuple(range(2, tensor.ndim))


def _real_and_dense(tensor: Tensor, where: str) -> Tensor:
    if tensor.is_nested:
        raise ExtractionError(
            f"layer={where!r} gives a nested tensor; "
            "pass select=lambda output: output.to_padded_tensor(0.0)"
        )
    if tensor.is_quantized:
        return tensor.dequantize()
    if tensor.is_complex():
        raise ExtractionError(f"layer={where!r} gives complex numbers; pass select=torch.abs")
    return tensor if tensor.layout == torch.strided else tensor.to_dense()


def _step(value: Any, step: int | str, where: str, whole: Any) -> Any:
    try:
        return item_at(value, (step,))
    except (LookupError, TypeError, AttributeError) as error:
        raise ExtractionError(
            f"select={step!r} does not fit layer={where!r}, which gives {type(value).__name__}"
            f"{listed(whole)}"
        ) from error


def _shape(tensor: Tensor) -> str:
    return str(tuple(tensor.shape))
