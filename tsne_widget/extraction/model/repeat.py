"""Compare two runs of the first batch, which differ if dropout or noise is active."""

from __future__ import annotations

from torch import Tensor

from tsne_widget._notes import Notes
from tsne_widget.extraction.model.relations import equal, rounding_of


def note_difference(one: Tensor, other: Tensor, notes: Notes) -> None:
    """Add a note if two outputs for the same samples differ by more than rounding."""
    if one.shape != other.shape:
        return
    if equal(one.float(), other.float(), rounding_of(one, other)):
        return
    share = float((one.argmax(1) != other.argmax(1)).float().mean())
    changed = f" ({share:.0%} of the first batch change their highest output)" if share else ""
    notes.add(
        f"outputs of the model differ between two runs in eval mode{changed}: dropout or noise is "
        "active; pass training=self.training to functional.dropout and add noise only in training"
    )
