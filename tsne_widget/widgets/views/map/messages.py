"""What a map's page may send: polygons, and points whose pictures it wants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsne_widget.analysis.polygon import MAX_COORDINATE
from tsne_widget.widgets.models.tiles import Tiles
from tsne_widget.widgets.state.page_messages import MalformedMessageError

# Maximum vertices of a polygon: a lasso has a few hundred; the limit bounds forged messages.
MAX_VERTICES = 20_000
# Points and bytes of one reply of pictures: a screenful of thumbnails.
MAX_PICTURES, MAX_PICTURE_BYTES = 200, 1_000_000


def polygon_of(buffers: Sequence[memoryview]) -> NDArray[np.float64]:
    """(k, 2) float64 vertices in data coordinates, from one buffer of float64 pairs."""
    if len(buffers) != 1 or not 3 * 16 <= len(buffers[0]) <= MAX_VERTICES * 16:
        raise MalformedMessageError("a polygon needs one buffer of 3 or more vertices")
    if len(buffers[0]) % 16:
        raise MalformedMessageError("a polygon's buffer holds whole pairs of float64")
    polygon = np.frombuffer(buffers[0], dtype="<f8").reshape(-1, 2)
    if not (np.abs(polygon) <= MAX_COORDINATE).all():  # false for NaN as well
        raise MalformedMessageError("a polygon's vertices must be finite and within reach")
    return polygon


def points_of(content: dict[str, Any]) -> list[Any]:
    """The points whose pictures a message asks for; each is still to be checked."""
    points = content.get("points")
    if not isinstance(points, list) or not 1 <= len(points) <= MAX_PICTURES:
        raise MalformedMessageError(f"points must be a list of 1 … {MAX_PICTURES} points")
    return points


def pictures_of(
    tiles: Tiles, rows: Sequence[int]
) -> tuple[list[dict[str, Any] | None], list[bytes]]:
    """Tiles and pictures of rows; None and b"" for those that do not fit into one reply."""
    found: list[dict[str, Any] | None] = []
    pictures: list[bytes] = []
    total = 0
    for row in rows:
        tile, picture = tiles.tile(row)
        total += len(picture)
        fits = total <= MAX_PICTURE_BYTES
        found.append(tile if fits else None)
        pictures.append(picture if fits else b"")
    return found, pictures
