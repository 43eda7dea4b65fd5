"""How the points of a figure look: classes or values, colours, sizes and shapes, checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget.errors import InvalidInputError
from tsne_widget.plotting.colors import class_colors
from tsne_widget.plotting.groups import Groups, as_groups

# Shapes that are distinct at 2 mm; after the last one they repeat.
MARKERS = ("o", "^", "s", "D", "v", "P", "X", "*")
FONT_POINTS = 7.0
GAP_POINTS = 5.0  # between map, key and title
# Markers are larger than dots by this factor, so that their shapes are visible.
_MARKER_FACTOR = 1.35


class Look(NamedTuple):
    """How the points of a map are drawn."""

    groups: Groups
    palette: tuple[str, ...]
    """Colour of each class."""
    diameter: float
    """Of a point, in typographic points."""
    values: NDArray[np.float64] | None = None
    """(n,) values to colour by instead of the classes, NaN if unknown."""
    values_title: str = ""
    selected: NDArray[np.bool_] | None = None
    """(n,) mask; the other points are drawn faintly."""
    wrong: NDArray[np.bool_] | None = None
    """(n,) mask of misclassified points, which stand out; None: unknown."""
    markers: bool = False
    """Whether each class has its own shape."""


def as_look(
    n: int,
    labels: ArrayLike | None,
    class_names: Sequence[str] | None,
    colors: Mapping[str, str] | Sequence[str] | None,
    values: ArrayLike | None,
    values_title: str,
    selected: ArrayLike | None,
    wrong: ArrayLike | None,
    markers: bool,
    point_size: float | None,
) -> Look:
    """The arguments of :func:`plot_embedding` for n points, checked."""
    groups = as_groups(labels, class_names, n)
    if labels is None and colors is not None:
        raise InvalidInputError("colors needs classes; pass labels")
    if markers and len(groups.names) > len(MARKERS):
        raise InvalidInputError(
            f"markers=True supports up to {len(MARKERS)} classes, got {len(groups.names)}; "
            "use names=True, or plot fewer classes"
        )
    numbers = None if values is None else np.asarray(values)
    if numbers is not None and (numbers.shape != (n,) or numbers.dtype.kind not in "fiub"):
        raise InvalidInputError(
            f"values must be numbers of shape ({n},), got {numbers.dtype} of {numbers.shape}"
        )
    return Look(
        groups,
        class_colors(groups.names, colors),
        _as_diameter(point_size, n, markers),
        None if numbers is None else numbers.astype(np.float64),
        values_title,
        _as_mask("selected", selected, n),
        _as_mask("wrong", wrong, n),
        markers,
    )


def _as_mask(name: str, given: ArrayLike | None, n: int) -> NDArray[np.bool_] | None:
    mask = None if given is None else np.asarray(given)
    if mask is not None and (mask.shape != (n,) or mask.dtype != bool):
        raise InvalidInputError(
            f"{name} must be a bool mask of shape ({n},), got {mask.dtype} of {mask.shape}"
        )
    return mask


def _as_diameter(point_size: float | None, n: int, markers: bool) -> float:
    """Default: a few points are visible, and many leave gaps between clusters."""
    if point_size is None:
        return (_MARKER_FACTOR if markers else 1.0) * float(np.clip(20 / n**0.3, 0.4, 6))
    if not (np.isfinite(point_size) and point_size > 0):
        raise InvalidInputError(f"point_size must be above 0, got {point_size}")
    return float(point_size)
