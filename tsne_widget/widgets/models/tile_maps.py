"""The map of evidence of a sample, small enough for its tile."""

from __future__ import annotations

import numpy as np

from tsne_widget.widgets.state.evidence import Evidence

# Most places along a side of a map on a tile; larger maps are averaged.
MOST_PLACES = 16
# The largest absolute value of a map on a tile.
LARGEST = 127


def tile_map(known: Evidence, row: int) -> list[int]:
    """Height, width and the values of a row's map, −127 … 127; [] if it has none.

    It is the map of the difference, and that of the prediction if only this one is known: both
    speak for the predicted class.
    """
    values = known.map_of(row, "difference")
    values = known.map_of(row, "prediction") if values is None else values
    if values is None:
        return []
    small = values.astype(np.float64)
    for axis, count in enumerate(values.shape):
        if count > MOST_PLACES:
            parts = np.array_split(small, MOST_PLACES, axis=axis)
            small = np.stack([part.mean(axis=axis) for part in parts], axis=axis)
    largest = np.abs(small).max() or 1.0
    whole = np.floor(LARGEST * small / largest + 0.5).astype(int)
    return [*small.shape, *whole.ravel().tolist()]
