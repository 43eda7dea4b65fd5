"""Where the places of a picture are in the axes of an activation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

# Tokens before those of the patches: a class token, a distillation token, registers.
MOST_EXTRA_TOKENS = 8
# The same where no map shows how many patches there are.
LIKELY_EXTRA_TOKENS = (0, 1, 2, 5)
# Cells by which a map may differ from the shape of the picture, through rounding.
ROUNDING = 1.5

Size = tuple[int, int]


@dataclass(frozen=True)
class Layout:
    """The places of an activation.

    Attributes
    ----------
    height, width : int
        Places along each side of the picture.
    channels : int or None
        Axis of the channels: 1 for maps (n, c, h, w), −1 for (n, h, w, c) and for tokens
        (n, t, c). None for a picture (n, h, w) without channels.
    extra : int
        Tokens before those of the patches.
    """

    height: int
    width: int
    channels: int | None
    extra: int = 0

    def places(self, values: Tensor) -> Tensor:
        """The (n, h, w) float32 sums over the channels, without extra tokens."""
        values = values.float()
        if self.channels is not None:
            values = values.sum(self.channels)
        if values.ndim == 2:
            values = values[:, self.extra :]
        return values.reshape(len(values), self.height, self.width)

    def mean(self, values: Tensor) -> Tensor:
        """The mean over the places of each channel, without extra tokens; its axes are kept."""
        if self.channels == -1 and values.ndim == 3:
            return values[:, self.extra :].mean(1, keepdim=True)
        axes = {1: (2, 3), -1: (1, 2), None: (1, 2)}[self.channels]
        return values.mean(axes, keepdim=True)


def layout_of_map(shape: Sequence[int], picture: Size) -> Layout | None:
    """The layout of (n, c, h, w) or (n, h, w, c); None if neither has the shape of the picture."""
    first, last = _misfit(shape[2:], picture), _misfit(shape[1:3], picture)
    if min(first, last) > ROUNDING:
        return None
    if first <= last:
        return Layout(shape[2], shape[3], 1)
    return Layout(shape[1], shape[2], -1)


def layout_of_tokens(shape: Sequence[int], picture: Size, grids: Sequence[Size]) -> Layout | None:
    """The layout of tokens (n, t, c); None if their grid is not known.

    Parameters
    ----------
    shape : (3,) sequence of int
    picture : (height, width)
    grids : sequence of (height, width)
        Of the maps before the tokens. The last one with nearly as many places is the grid.
    """
    tokens = shape[1]
    for height, width in reversed(grids):
        if 0 <= tokens - height * width <= MOST_EXTRA_TOKENS:
            return Layout(height, width, -1, tokens - height * width)
    for extra in LIKELY_EXTRA_TOKENS if not grids and min(picture) else ():
        patches = tokens - extra
        height = round((max(patches, 0) * picture[0] / picture[1]) ** 0.5)
        if height < 1 or patches % height:
            continue
        if patches > 1 and height * picture[1] == patches // height * picture[0]:
            return Layout(height, patches // height, -1, extra)
    return None


def layout_of_picture(picture: Tensor) -> Layout | None:
    """The layout of the model's input (n, c, h, w) or (n, h, w); None if it is no picture."""
    if picture.ndim == 4:
        is_last = picture.shape[1] > 4 >= picture.shape[3]
        height, width = picture.shape[1:3] if is_last else picture.shape[2:]
        return Layout(height, width, -1 if is_last else 1)
    return Layout(picture.shape[1], picture.shape[2], None) if picture.ndim == 3 else None


def _misfit(size: Sequence[int], picture: Size) -> float:
    """Cells by which a map differs from the shape of the picture; infinite if it is no map."""
    height, width = size
    if height * width < 2 or height > picture[0] or width > picture[1]:
        return float("inf")
    return min(
        abs(height * picture[1] / picture[0] - width), abs(width * picture[0] / picture[1] - height)
    )
