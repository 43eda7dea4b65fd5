"""Turns a map once, to where its longer side is shortest: it is then drawn larger.

Distances on a t-SNE map are the same in every direction, so its turn means nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

STEP_DEGREES = 2
# Share of the longer side that a turn must save.
LEAST_GAIN = 0.03


def best_turn(embedding: NDArray[np.float32]) -> float:
    """Degrees by which to turn a map counter-clockwise; 0 if no turn makes it clearly smaller.

    Parameters
    ----------
    embedding : (n, 2) float32 array
    """
    angles = np.arange(0, 180, STEP_DEGREES)
    radians = np.radians(angles)
    spans = np.array([np.ptp(embedding @ direction) for direction in _directions(radians)])
    quarter = len(angles) // 2
    # After a turn by −a, the direction a lies along x and the direction a + 90° along y.
    widths, heights = spans, np.roll(spans, -quarter)
    longer = np.maximum(widths, heights)
    best = min(range(len(angles)), key=lambda k: (longer[k], heights[k]))
    if longer[best] > (1 - LEAST_GAIN) * longer[0]:
        return 0.0
    degrees = -float(angles[best])
    return degrees if degrees > -90 else degrees + 180


def turned(embedding: NDArray[np.float32], degrees: float) -> NDArray[np.float32]:
    """(n, 2) float32: the map turned counter-clockwise around the origin."""
    if not degrees:
        return embedding
    (cosine, sine) = _directions(np.radians([degrees]))[0]
    rotation = np.array([[cosine, sine], [-sine, cosine]], dtype=np.float32)
    placed: NDArray[np.float32] = embedding @ rotation
    return placed


def _directions(radians: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.stack([np.cos(radians), np.sin(radians)], axis=1).astype(np.float32)
