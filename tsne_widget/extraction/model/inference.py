"""Infer from the first batch which output is the logits, and where the features are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from tsne_widget._notes import Notes
from tsne_widget.errors import LayerNotFoundError
from tsne_widget.extraction.model.class_weights import Compared, find_compared
from tsne_widget.extraction.model.functions import (
    Product,
    Products,
    call_that_gives,
    product_that_makes,
)
from tsne_widget.extraction.model.heads import Head, find_head, is_flattened_map
from tsne_widget.extraction.model.layers import NAMES_LISTED, Layer
from tsne_widget.extraction.model.outputs import (
    Item,
    Output,
    as_matrix,
    chosen_item,
    embedding_path,
    is_named_logits,
    item_text,
    matrices_in,
)
from tsne_widget.extraction.model.relations import are_probabilities, equal, relation
from tsne_widget.extraction.model.structure import Path, item_at
from tsne_widget.extraction.model.trace import Call, Trace, as_float, compared, is_matrix

MOST_SPREAD = 2.0  # times that in training, or its reciprocal, before the normalisation is in doubt
MOST_ITEMS = 8  # matrices of a model's output that are compared with its modules

_POOLS = {"first": "cls", "last": "last"}


@dataclass(frozen=True)
class Logits:
    """Where a model's output holds the logits.

    Attributes
    ----------
    path : tuple of int and str, or None
        Path to the item; None: the model gives no logits.
    relation : str or None
        How they follow from the output of the head, see
        :func:`~tsne_widget.extraction.model.relations.relation`; None if that is unknown.
    """

    path: Path | None
    relation: str | None = None


@dataclass(frozen=True)
class Place:
    """Where the penultimate features are, and their value in the first batch."""

    layer: Layer
    value: Any
    calls: int = 1


class Inference:
    """What the first batch shows.

    Parameters
    ----------
    model : Module
    trace : Trace
        Of the first batch.
    output : object
        The model's output for it.
    n : int
        Samples in the batch.
    choice : int, str, tuple, callable or None
        The argument ``output=``.
    rounding : float
        Tolerance relative to the largest value.
    notes : Notes
        Gets what is doubtful.
    run : callable
        Runs the model on the batch again.

    Attributes
    ----------
    item : Item or None
        The logits.
    origin : Head, Compared, Product or None
        What makes them.
    """

    def __init__(
        self,
        model: nn.Module,
        trace: Trace,
        output: Any,
        n: int,
        choice: Output,
        rounding: float,
        notes: Notes,
        run: Callable[[], Any],
    ) -> None:
        self._model, self._trace, self._output, self._n = model, trace, output, n
        self._rounding, self._notes, self._run = rounding, notes, run
        self._choice = choice
        self._products: Products | None = None
        self.items = matrices_in(output, n)[:MOST_ITEMS]
        self.origin: Head | Compared | Product | None = None
        self.item: Item | None = None
        if choice is None:
            self._infer(self.items)
        else:
            self.item = chosen_item(output, choice, n)
            self._infer([self.item])
        self._note_batch_norm()

    @property
    def logits(self) -> Logits:
        """Where the logits are."""
        if self.item is None:
            return Logits(None)
        if isinstance(self.origin, Head):
            return Logits(self.item.path, self.origin.relation)
        return Logits(self.item.path, None if self.origin is None else "same")

    def _infer(self, items: list[Item]) -> None:
        heads = {item.path: self._head(item) for item in items}
        made = [item for item in items if heads[item.path] is not None]
        named = [item for item in items if is_named_logits(item.path)]
        if named or made:
            self.item = named[0] if named else self._first_of(made, heads)
            self.origin = heads[self.item.path]
        if self.origin is not None:
            return
        for find in (self._compared, self._product):
            for item in [self.item] if self.item else items:
                self.origin = find(item)
                if self.origin is not None:
                    self.item = item
                    return
        if self.item is None:
            self.item = next(filter(self._is_surely_logits, items), None)
            if self.item is None and (self._is_scripted() or self._choice is not None):
                self.item = next(iter(items), None)

    def _compared(self, item: Item) -> Compared | None:
        return find_compared(self._trace, self._model, item.rows, self._rounding)

    def _product(self, item: Item) -> Compared | Product | None:
        """The product of a function call that makes an item; this runs the model again."""
        if self._products is None:
            self._products = Products(self._n)
            with self._products:
                self._run()
        product = product_that_makes(self._products, self._trace, item.rows, self._rounding)
        if product is None:
            return None
        call = call_that_gives(self._trace, product, self._rounding)
        return product if call is None else Compared(call, "", "")

    def _is_surely_logits(self, item: Item) -> bool:
        rows = compared(item.rows)
        return rows.shape[1] == 1 or are_probabilities(rows)

    def _is_scripted(self) -> bool:
        return any(isinstance(module, torch.jit.ScriptModule) for module in self._model.modules())

    def _head(self, item: Item) -> Head | None:
        head = find_head(self._trace, self._model, item.rows, self._rounding)
        if head is None and not compared(item.rows).isfinite().all(1).any():
            # No row can be compared, and each is an error or left out: the width decides.
            width = item.rows.shape[1]
            made = [(call, call.rows()) for call in self._trace.weighted()]
            as_wide = [call for call, rows in made if rows is not None and rows.shape[1] == width]
            return Head((as_wide[-1],), "same") if as_wide else None
        return head

    def _first_of(self, made: list[Item], heads: dict[Any, Head | None]) -> Item:
        """The first of the items that heads made and that are not the features of another."""
        found = {item.path: head for item in made if (head := heads[item.path]) is not None}
        left = [
            item
            for item in made
            if not any(
                self._is_input(item, found[other.path]) for other in made if other is not item
            )
        ] or made
        first = left[0]
        for item in left:  # prefer logits to their softmax
            is_raw = found[item.path].relation in ("same", "scaled")
            if found[item.path].call is found[first.path].call and is_raw:
                first = item
                break
        others = [i for i in left if found[i.path].call is not found[first.path].call]
        if others:
            texts = " and ".join(item_text(item.path) for item in (first, *others))
            self._notes.add(
                f"heads make {texts}; the predictions and features are those of "
                f"{item_text(first.path)}, made by {found[first.path].call.name!r}; "
                f"pass output={_argument(others[0].path)} for the others"
            )
        return first

    def _is_input(self, item: Item, head: Head) -> bool:
        """Whether an item is the features of a head, or their form before an activation."""
        inputs = head.call.inputs()
        rows = compared(item.rows)
        if inputs is None or rows.shape != inputs.shape:
            return False
        made = head.call.rows()
        is_other_width = made is not None and made.shape[1] != rows.shape[1]
        return is_other_width or equal(rows, inputs, self._rounding)

    def place(self) -> Place:
        """Where the penultimate features are.

        Raises
        ------
        LayerNotFoundError
            If nothing that ran can be shown to be it.
        """
        if isinstance(self.origin, Head):
            return self._before(self.origin)
        if isinstance(self.origin, Compared):
            call, pool = self.origin.call, _POOLS.get(self.origin.reduction)
            return Place(Layer(call.name, False, (), self._number(call), pool), call.made)
        if isinstance(self.origin, Product):
            raise self._not_found(
                f"the logits are the result of {self.origin.function}() of values that no module "
                "gives"
            )
        if self.item is not None:
            raise self._not_found("the module that makes the logits is not found")
        return self._embedding()

    def _before(self, head: Head) -> Place:
        """The input of a head."""
        call = head.call
        if not head.has_one_input(self._rounding):
            names = ", ".join(dict.fromkeys(repr(part.name) for part in head.calls))
            self._notes.add(
                f"the output combines {len(head.calls)} heads ({names}); the features are the "
                f"input of one of them, {call.name!r}; pass layer= for those of another"
            )
        if head.reduction == "mean of ReLU" and not any(
            part in call.name for part in ("classifier", "head")
        ):
            self._notes.add(f"the output is the mean of a ReLU of {call.name!r}; pass layer=")
        inputs = call.inputs()
        for item in self.items:  # the model returns the features itself
            rows = compared(item.rows)
            if inputs is None or self.item is None or rows.shape[1] == self.item.rows.shape[1]:
                continue
            if equal(rows, inputs, self._rounding):
                return self._own(item.path)
        pool = _POOLS.get(head.reduction)
        return Place(Layer(call.name, True, (), self._number(call), pool), call.given)

    def _number(self, call: Call) -> str | int:
        return "last" if call.number == self._trace.count[call.name] - 1 else call.number

    def _embedding(self) -> Place:
        """The model's output as the features of a model without a head."""
        path = embedding_path(self._output, self._n)
        if path is None:
            return self._last_linear()
        if any(is_flattened_map(self._trace, item.rows, self._rounding) for item in self.items):
            raise self._not_found("the output is the flattened map of a convolution")
        if not self.items:
            dense = self._dense_head(path)
            if dense is not None:
                self._notes.add(
                    f"the output has no row of logits per sample; the features are the input of "
                    f"{dense.name!r}, which makes it; pass layer= for others"
                )
                return Place(Layer(dense.name, True, (), self._number(dense)), dense.given)
        place = self._own(path)
        self._notes.add(
            f"no layer with class weights makes the model's output, so {place.layer} is taken as "
            "the features and there are no predictions; if it holds logits, pass "
            f"output={_argument(path)} and layer="
        )
        return place

    def _own(self, path: Path) -> Place:
        """An item of the model's own output."""
        tensor = item_at(self._output, path)
        is_tall = tensor.ndim > 2 and is_matrix(tensor)
        layer = Layer("", False, path, "last", "flatten" if is_tall else None)
        return Place(layer, self._output)

    def _dense_head(self, path: Path) -> Call | None:
        """The Linear layer or convolution whose maps are the output itself."""
        output = as_float(item_at(self._output, path))
        for call in reversed(self._trace.weighted()):
            made = call.made
            if output is not None and made is not None and equal(output, made, self._rounding):
                return call
        return None

    def _last_linear(self) -> Place:
        """The input of the last Linear layer, for an output that says nothing."""
        calls = [c for c in self._trace.weighted() if isinstance(c.module, nn.Linear)]
        call = next((call for call in reversed(calls) if call.given is not None), None)
        if call is None:
            raise self._not_found("no Linear layer ran")
        self._notes.add(
            "the model's output has no row of numbers per sample; the features are the input of "
            f"{call.name!r}, the last Linear layer that ran; pass layer= for others"
        )
        return Place(Layer(call.name, True, (), self._number(call)), call.given)

    def _not_found(self, reason: str) -> LayerNotFoundError:
        remedy = "pass layer="
        if self._is_scripted():
            remedy = "pass the model it was scripted from, or layer="
        names = dict.fromkeys(call.name for call in reversed(self._trace.weighted()))
        leaves = [c.name for c in self._trace.calls if c.name and not any(c.module.children())]
        names.update(dict.fromkeys(reversed(leaves)))
        listed = ", ".join(map(repr, list(names)[:NAMES_LISTED])) or "none, no module ran"
        return LayerNotFoundError(
            f"{reason}, so the penultimate features are unknown; {remedy}, "
            f"for example one of {listed}"
        )

    def rows(self) -> Tensor | None:
        """The logits, or the output of a model without a head; None if the output has no rows."""
        if self.item is not None:
            return self.item.rows
        return self.items[0].rows if self.items else None

    def rows_of(self, output: Any) -> Tensor:
        """The same item of another output of the model."""
        if self._choice is not None:
            return chosen_item(output, self._choice, self._n).rows
        path = self.items[0].path if self.item is None else self.item.path
        rows = as_matrix(item_at(output, path), self._n)
        return torch.empty(0) if rows is None else rows

    def note_requested(self, layer: Layer, features: Tensor | None) -> None:
        """Note what is doubtful if the caller names a layer."""
        self._note_without_head()
        if features is not None:
            self._note_equal(layer, features)

    def _note_without_head(self) -> None:
        if self.item is None and self.items:
            path = self.items[0].path
            self._notes.add(
                f"no layer with class weights makes the model's {item_text(path)}, so there are "
                f"no predictions; if it holds logits, pass output={_argument(path)}"
            )

    def _note_equal(self, layer: Layer, features: Tensor) -> None:
        if self.item is None or not layer.name or layer.reads_input:
            return
        rows, made = compared(self.item.rows), compared(features)
        if rows.shape == made.shape and relation(rows, made, self._rounding) is not None:
            self._notes.add(
                f"the features of layer={str(layer)!r} are the logits themselves; "
                f"pass layer={layer.name + ':input'!r} for the features before them"
            )

    def _note_batch_norm(self) -> None:
        for call in self._trace.calls:
            module = call.module
            if isinstance(module, _BatchNorm) and module.running_mean is None:
                self._notes.add(
                    f"{call.name!r} has no running statistics, so the output of a sample depends "
                    "on the others in its batch; train with track_running_stats=True"
                )
        name, spread = self._trace.spread or ("", 1.0)
        if not 1 / MOST_SPREAD <= spread <= MOST_SPREAD:
            self._notes.add(
                f"the input of {name!r} spreads {spread:.2g} times as much as in training; check "
                "that the inputs are scaled and normalised as in training"
            )


def _argument(path: Path) -> str:
    return repr(path[0] if len(path) == 1 else path)
