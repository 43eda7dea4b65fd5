"""Rows of all batches put together, with the samples that were left out."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tsne_widget.errors import ExtractionError
from tsne_widget.feature_set import Skipped

# Above this share of the samples left out, the map no longer shows the dataset: we warn.
SKIPPED_SHARE_TO_WARN = 0.05
IDS_NAMED = 5


@dataclass(frozen=True)
class Rows:
    """Consecutive samples: m rows, and those left out between them.

    Attributes
    ----------
    ids : (m,) int64 array
    features : tuple of (m, d) float32 arrays, one for each layer
    labels : (m,) int64 array or None
    logits : (m, c) float32 array or None
    skipped : tuple of Skipped
    """

    ids: NDArray[np.int64]
    features: tuple[NDArray[np.float32], ...]
    labels: NDArray[np.int64] | None
    logits: NDArray[np.float32] | None
    skipped: tuple[Skipped, ...] = ()


def only_finite(rows: Rows, layers: Sequence[str], *, drop: bool) -> Rows:
    """The rows without those that hold NaN or infinite values, which are added to ``skipped``.

    Raises
    ------
    ExtractionError
        If there are such rows and ``drop`` is False.
    """
    parts = [
        (f"layer={layer!r}", values) for layer, values in zip(layers, rows.features, strict=True)
    ]
    if rows.logits is not None:
        parts.append(("the model's output", rows.logits))
    keep = np.ones(len(rows.ids), dtype=bool)
    reasons: dict[int, str] = {}
    for where, values in parts:
        finite = np.isfinite(values).all(axis=1)
        for row in np.flatnonzero(~finite & keep):
            reasons[int(rows.ids[row])] = f"{where} holds NaN or infinite values"
        keep &= finite
    if keep.all():
        return rows
    if not drop:
        first = ", ".join(map(str, list(reasons)[:IDS_NAMED]))
        raise ExtractionError(
            f"{next(iter(reasons.values()))} in {len(reasons)} of the {len(keep)} samples of "
            f"a batch (first ids: {first}); look for float16 overflow or a wrong normalisation, "
            "or pass on_nonfinite='drop' to leave such samples out and list them"
        )
    skipped = (*rows.skipped, *(Skipped(id_, reason) for id_, reason in reasons.items()))
    return Rows(
        rows.ids[keep],
        tuple(values[keep] for values in rows.features),
        None if rows.labels is None else rows.labels[keep],
        None if rows.logits is None else rows.logits[keep],
        tuple(sorted(skipped)),
    )


@dataclass
class Gathered:
    """Collects :class:`Rows`; afterwards each field is one array."""

    parts: list[Rows] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    widths: list[int] = field(default_factory=list)
    seen: int = 0

    def add(self, rows: Rows) -> None:
        """Append rows.

        Raises
        ------
        ExtractionError
            If their width is not that of the rows before.
        """
        widths = [values.shape[1] for values in (*rows.features, rows.logits) if values is not None]
        if len(rows.ids):
            self.widths = self.widths or widths
            if widths != self.widths:
                raise ExtractionError(
                    f"the width changes between batches: {self.widths} before, {widths} for ids "
                    f"{rows.ids[0]} … {rows.ids[-1]}; resize to one size, or pass pool='mean'"
                )
        self.parts.append(rows)
        self.skipped.extend(rows.skipped)
        self.seen += len(rows.ids) + len(rows.skipped)

    def whole(self) -> Rows:
        """All rows in order.

        Raises
        ------
        ExtractionError
            If every sample was left out.
        """
        parts = [part for part in self.parts if len(part.ids)]
        if not parts:
            first = self.skipped[0]
            raise ExtractionError(
                f"all {self.seen} samples were left out; the first, {first.id}: {first.reason}"
            )
        if len(self.skipped) > SKIPPED_SHARE_TO_WARN * self.seen:
            warnings.warn(
                f"{len(self.skipped)} of {self.seen} samples were left out "
                f"({len(self.skipped) / self.seen:.0%}); the first, {self.skipped[0].id}: "
                f"{self.skipped[0].reason}; see FeatureSet.skipped",
                stacklevel=4,
            )
        labelled = any(part.labels is not None for part in parts)
        has_logits = parts[0].logits is not None
        return Rows(
            np.concatenate([part.ids for part in parts]),
            tuple(
                np.concatenate([part.features[k] for part in parts])
                for k in range(len(parts[0].features))
            ),
            np.concatenate([_labels(part) for part in parts]) if labelled else None,
            np.concatenate([part.logits for part in parts if part.logits is not None])
            if has_logits
            else None,
            tuple(self.skipped),
        )


def _labels(rows: Rows) -> NDArray[np.int64]:
    return np.full(len(rows.ids), -1) if rows.labels is None else rows.labels
