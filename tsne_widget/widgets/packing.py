"""Tiles in a message to the page, without repeating the names and the values that they share."""

from __future__ import annotations

from typing import Any


def packed(content: dict[str, Any]) -> dict[str, Any]:
    """The content of a message, with its tiles by column; ``frontend/kernel.js`` unpacks them.

    ``tiles`` becomes ``{"count": k, "same": …, "each": …}``: the fields that all tiles share, and k
    values of each other field. Tiles that have not the same fields stay as they are.
    """
    tiles = content.get("tiles")
    if not isinstance(tiles, list) or len(tiles) < 2 or not _are_alike(tiles):
        return content
    columns = {name: [tile[name] for tile in tiles] for name in tiles[0]}
    same = {
        name: values[0]
        for name, values in columns.items()
        if all(value == values[0] for value in values)
    }
    each = {name: values for name, values in columns.items() if name not in same}
    return content | {"tiles": {"count": len(tiles), "same": same, "each": each}}


def unpacked(content: dict[str, Any]) -> dict[str, Any]:
    """The content before :func:`packed`."""
    tiles = content.get("tiles")
    if not isinstance(tiles, dict):
        return content
    each = tiles["each"]
    rows = [
        tiles["same"] | {name: values[place] for name, values in each.items()}
        for place in range(tiles["count"])
    ]
    return content | {"tiles": rows}


def _are_alike(tiles: list[Any]) -> bool:
    first = tiles[0]
    return isinstance(first, dict) and all(
        isinstance(tile, dict) and tile.keys() == first.keys() for tile in tiles
    )
