"""Consecutive samples as arrays, with the skipped samples among them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tsne_widget.errors import ExtractionError
from tsne_widget.feature_set import Skipped

IDS_LISTED = 5  # ids in an error message


@dataclass(frozen=True)
class Rows:
    """Consecutive samples: m rows, and the skipped samples among them.

    Attributes
    ----------
    ids : (m,) int64 array
    features : tuple of (m, d) float32 arrays
        One for each layer; empty if every sample was skipped.
    labels : (m,) int64 array or None
    logits : (m, c) float32 array or None
    skipped : tuple of Skipped
    """

    ids: NDArray[np.int64]
    features: tuple[NDArray[np.float32], ...]
    labels: NDArray[np.int64] | None
    logits: NDArray[np.float32] | None
    skipped: tuple[Skipped, ...] = ()

    @property
    def samples(self) -> int:
        """Number of samples of the dataset, skipped ones included."""
        return len(self.ids) + len(self.skipped)

    @property
    def widths(self) -> tuple[int | None, ...]:
        """d of each layer, then c or None."""
        logits = None if self.logits is None else self.logits.shape[1]
        return (*(values.shape[1] for values in self.features), logits)

    @property
    def nbytes(self) -> int:
        """Memory of the arrays, in bytes."""
        arrays = (self.ids, *self.features, self.labels, self.logits)
        return sum(array.nbytes for array in arrays if array is not None)


class Marks(NamedTuple):
    """What the labels depend on, apart from the pictures.

    Attributes
    ----------
    state : str
        Hash of what all labels depend on: code, and attributes such as a mapping of names.
    values : (m,) uint64 array
        Hash of each sample's own label in the dataset; 0 if it is unknown where labels come from.
    """

    state: str
    values: NDArray[np.uint64]

    def digest(self, start: int, samples: int) -> str:
        """Hash of the state and of the values of consecutive samples."""
        values = self.values[start : start + samples]
        return hashlib.sha256(self.state.encode() + values.tobytes()).hexdigest()[:16]

    def of(self, rows: Rows, ids: Sequence[int]) -> Marks:
        """The marks of rows; ``ids`` are those of all values, ascending."""
        return Marks(self.state, self.values[np.searchsorted(np.asarray(ids), rows.ids)])


def concatenate(parts: Sequence[Rows]) -> Rows:
    """All parts in order; if only some have labels, the labels of the others are −1.

    Raises
    ------
    ExtractionError
        If the parts differ in width.
    """
    skipped = tuple(entry for part in parts for entry in part.skipped)
    filled = [part for part in parts if len(part.ids)]
    if not filled:
        return Rows(np.empty(0, np.int64), (), None, None, skipped)
    for part in filled:
        check_width(filled[0].widths, part)
    logits = [part.logits for part in filled if part.logits is not None]
    is_labelled = any(part.labels is not None for part in filled)
    labels = [np.full(len(p.ids), -1) if p.labels is None else p.labels for p in filled]
    return Rows(
        np.concatenate([part.ids for part in filled]),
        tuple(np.concatenate(values) for values in zip(*(p.features for p in filled), strict=True)),
        np.concatenate(labels) if is_labelled else None,
        np.concatenate(logits) if logits else None,
        skipped,
    )


def check_width(before: Sequence[int | None], rows: Rows) -> None:
    """Raise ExtractionError unless the rows have the widths of earlier rows."""
    if tuple(before) != rows.widths:
        raise ExtractionError(
            f"features and logits have the widths {rows.widths} for ids {rows.ids[0]} … "
            f"{rows.ids[-1]}, but {tuple(before)} before; resize all pictures to one size, "
            "or pass pool='mean'"
        )


def finite_rows(rows: Rows, layers: Sequence[str], *, drop: bool) -> Rows:
    """The rows without NaN and infinite values; the others are added to ``skipped``.

    Parameters
    ----------
    rows : Rows
    layers : sequence of str
        Names of the layers, for messages.
    drop : bool
        Whether rows may be dropped.

    Raises
    ------
    ExtractionError
        If there are such rows and ``drop`` is False.
    """
    if all(_sum_is_finite(values) for values in (*rows.features, rows.logits)):
        return rows
    named = [*zip((f"layer={layer!r}" for layer in layers), rows.features, strict=True)]
    if rows.logits is not None:
        # Minus infinity is the logit of a class that the model masks; it is valid.
        named.append(("the model's output", np.where(rows.logits == -np.inf, 0, rows.logits)))
    keep: NDArray[np.bool_] = np.ones(len(rows.ids), dtype=bool)
    reasons: dict[int, str] = {}
    for where, values in named:
        finite = np.isfinite(values).all(axis=1)
        for row in np.flatnonzero(~finite & keep):
            reasons[int(rows.ids[row])] = f"{where} has NaN or infinite values"
        keep &= finite
    if keep.all():
        return rows
    if not drop:
        first = ", ".join(map(str, list(reasons)[:IDS_LISTED]))
        raise ExtractionError(
            f"{next(iter(reasons.values()))} in {len(reasons)} of the {len(keep)} samples of "
            f"a batch (first ids: {first}); look for float16 overflow or a wrong normalisation, "
            "or pass on_nonfinite='drop' to skip and list such samples"
        )
    skipped = (*rows.skipped, *(Skipped(id_, reason) for id_, reason in reasons.items()))
    return Rows(
        rows.ids[keep],
        tuple(values[keep] for values in rows.features),
        None if rows.labels is None else rows.labels[keep],
        None if rows.logits is None else rows.logits[keep],
        tuple(sorted(skipped)),
    )


def _sum_is_finite(values: NDArray[np.float32] | None) -> bool:
    """True only if all values are finite; False if one is not, or if the sum overflows."""
    if values is None:
        return True
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(values.sum()))
