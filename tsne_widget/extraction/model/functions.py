"""Find a head that is a function call, such as ``functional.linear(x, self.weight)``."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from tsne_widget.extraction.model.relations import equal, relation
from tsne_widget.extraction.model.structure import tensors_in
from tsne_widget.extraction.model.trace import Call, Trace, as_float, compared, is_matrix

RESULTS_KEPT = 16

# fmt: off
_PRODUCTS = frozenset((
    "addmm", "baddbmm", "bmm", "cdist", "conv2d", "cosine_similarity", "einsum", "inner", "linear",
    "matmul", "mm", "tensordot", "__matmul__", "__rmatmul__",
))
# fmt: on


@dataclass(frozen=True)
class Product:
    """The result of a product in the forward pass, and the rows that went into it."""

    function: str
    made: Tensor
    given: tuple[Tensor, ...]


class Products(TorchFunctionMode):
    """A block in which the latest products with one row per sample are recorded.

    Parameters
    ----------
    n : int
        Samples in the batch.
    """

    def __init__(self, n: int) -> None:
        super().__init__()
        self.latest: deque[Product] = deque(maxlen=RESULTS_KEPT)
        self._n = n

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Run the function, and record the result of a product."""
        result = func(*args, **(kwargs or {}))
        name = getattr(func, "__name__", "")
        if name in _PRODUCTS and (made := self._rows(result)) is not None:
            tensors = [tensor for _, tensor in tensors_in([*args, kwargs or {}])]
            given = tuple(rows for t in tensors if (rows := self._rows(t)) is not None)
            if any(_are_class_weights(t, rows, made) for t in tensors for rows in given):
                self.latest.append(Product(name, made, given))
        return result

    def _rows(self, value: Any) -> Tensor | None:
        tensor = as_float(value)
        if tensor is None or tensor.ndim < 2 or len(tensor) != self._n or not is_matrix(tensor):
            return None
        return compared(tensor).clone()


def _are_class_weights(tensor: Tensor, given: Tensor, made: Tensor) -> bool:
    """Whether a factor has one row or column per class, unlike the values of attention."""
    is_flat = tensor.ndim >= 2 and tensor.shape[2:].numel() == 1
    return is_flat and sorted(tensor.shape[:2]) == sorted((given.shape[1], made.shape[1]))


def product_that_makes(
    products: Products, trace: Trace, output: Tensor, rounding: float
) -> Product | None:
    """The last product whose result is the output, also after a softmax, sigmoid or scale.

    The results of modules are left out: a normalisation or activation follows them.
    """
    rows = compared(output)
    by_modules = [made for call in trace.weighted() if (made := call.rows()) is not None]
    for product in reversed(products.latest):
        if any(equal(product.made, made, rounding) for made in by_modules):
            continue
        for made in (product.made, -product.made):
            if relation(rows, made, rounding) is not None:
                return product
    return None


def call_that_gives(trace: Trace, product: Product, rounding: float) -> Call | None:
    """The last module whose output is the input of a product, also after a normalisation."""
    for call in reversed(trace.calls):
        rows = call.rows()
        if rows is None:
            continue
        forms = (rows, functional.normalize(rows))
        if any(equal(given, form, rounding) for given in product.given for form in forms):
            return call
    return None
