"""The items of a model's output, and which of them are the logits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from tsne_widget.errors import ExtractionError, InvalidInputError
from tsne_widget.extraction.model.structure import Path, item_at, listed, path_text, tensors_in

Output = int | str | tuple[int | str, ...] | Callable[[Any], Tensor] | None

_LOGITS = "logits"


@dataclass(frozen=True)
class Item:
    """A matrix in a model's output.

    Attributes
    ----------
    path : tuple of int and str
        Indices, keys and attribute names that lead to it.
    rows : (n, c) tensor
        In the type that the model gave.
    """

    path: Path
    rows: Tensor


def check_output(output: Any) -> None:
    """Raise InvalidInputError unless ``output`` is an index, a name, a path, a callable or None."""
    steps = output if isinstance(output, tuple) else (output,)
    is_path = all(isinstance(step, (int, str)) and not isinstance(step, bool) for step in steps)
    if output is not None and not is_path and not callable(output):
        raise InvalidInputError(
            f"output={output!r} must be the index or key of the logits in the model's output, a "
            "tuple of these, () for the output itself, or a function of the output"
        )


def matrices_in(output: Any, n: int) -> list[Item]:
    """The matrices in a model's output in their order, "logits" first and auxiliary ones last."""
    found = [
        Item(path, rows)
        for path, tensor in tensors_in(output)
        if (rows := as_matrix(tensor, n)) is not None
    ]
    rows = as_matrix(getattr(output, _LOGITS, None), n)
    if rows is not None and not any(is_named_logits(item.path) for item in found):
        found.append(Item((_LOGITS,), rows))
    return sorted(
        found, key=lambda item: (not is_named_logits(item.path), _is_named_auxiliary(item.path))
    )


def is_named_logits(path: Path) -> bool:
    """Whether a path ends at the name "logits"."""
    return path[-1:] == (_LOGITS,)


def _is_named_auxiliary(path: Path) -> bool:
    return any(isinstance(step, str) and step.lower().startswith("aux") for step in path)


def as_matrix(tensor: Any, n: int) -> Tensor | None:
    """The tensor as (n, c); None unless it is a float tensor with one row per sample.

    A shape (n,) becomes (n, 1), and trailing axes of length 1 are dropped.
    """
    if not isinstance(tensor, Tensor) or tensor.is_nested:
        return None
    if tensor.is_quantized:
        tensor = tensor.dequantize()
    if not tensor.is_floating_point() or tensor.ndim == 0 or len(tensor) != n:
        return None
    if tensor.ndim > 2 and tensor.shape[2:].numel() != 1:
        return None
    rows: Tensor = tensor.detach().reshape(n, -1)
    return rows


def chosen_item(output: Any, choice: Output, n: int) -> Item:
    """The item that the argument ``output=`` chooses.

    Raises
    ------
    ExtractionError
        If the model's output has no such item, or the item is no (n, c) float tensor.
    """
    path: Path = choice if isinstance(choice, tuple) else ()
    if isinstance(choice, (int, str)):
        path = (choice,)
    try:
        value = choice(output) if callable(choice) else item_at(output, path)
    except Exception as error:
        raise ExtractionError(
            f"output={choice!r} does not fit the model's output of type {type(output).__name__}"
            f"{listed(output)} ({type(error).__name__}: {error})"
        ) from error
    rows = as_matrix(value, n)
    if rows is None:
        kind = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
        raise ExtractionError(
            f"output={choice!r} gives {kind}, but logits are a float tensor of shape ({n}, c); "
            f"the model's output has{listed(output) or ' no tensors'}"
        )
    return Item(path, rows)


def item_text(path: Path) -> str:
    """An item for a message: "output", "output[0]" or "output['logits']"."""
    return f"output{path_text(path)}"


def embedding_path(output: Any, n: int) -> Path | None:
    """The path to the features of a model without a head; None if the output has none.

    It is the first matrix, otherwise the first map or tokens of one row per sample.
    """
    matrices = matrices_in(output, n)
    if matrices:
        wide = [item for item in matrices if item.rows.shape[1] > 1]
        return (wide or matrices)[0].path
    for path, tensor in tensors_in(output):
        is_real = not tensor.is_nested and tensor.is_floating_point()
        if is_real and tensor.ndim >= 3 and len(tensor) == n:
            return path
    return None
