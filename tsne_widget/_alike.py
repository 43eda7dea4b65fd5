"""Whether a picture on the screen is the one that the model got.

A model gets a picture that is resized, cropped, padded and normalised, sometimes without colour.
So two pictures are compared by the correlation of small copies, which does not depend on the
scale of the values. The place, the orientation and the order of the channels with the highest
correlation count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import permutations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

# Longest side of the copies that are compared, in pixels: large enough to tell pictures apart,
# small enough to forgive another resampling filter.
COPY_PIXELS = 24
# Longest side of what is kept of a picture or tensor.
KEPT_PIXELS = 96

# Correlations. The same picture has 0.93 or more, wherever it is cropped. Two different pictures
# have 0.6 or less in most cases, and hardly ever 0.85.
SURE, SAME, OTHER = 0.93, 0.85, 0.6
# The model got a part if the crop has less than this share of the picture's shorter side.
PART = 0.5

# Sides of a centre crop in the picture, as shares of the largest one: 224 of 256 is 0.875.
_CENTRE = (1.0, 0.94, 0.875, 0.8, 0.73, 0.67)
# Sides of a crop anywhere.
_ANYWHERE = (1.0, 0.86, 0.73, 0.62, 0.53, 0.45, 0.38, 0.33, 0.28, 0.24)
_TRANSPOSED = "on its side"

Plane = NDArray[np.float32]

# What may have happened to the picture, and the function that undoes it.
_ORIENTATIONS: dict[str, Callable[[NDArray[Any]], NDArray[Any]]] = {
    "": lambda a: a,
    "mirrored left to right": lambda a: a[:, ::-1],
    "mirrored top to bottom": lambda a: a[::-1],
    "upside down": lambda a: a[::-1, ::-1],
    f"{_TRANSPOSED}, turned left": lambda a: np.rot90(a, -1),
    f"{_TRANSPOSED}, turned right": lambda a: np.rot90(a),
    "transposed (rows and columns exchanged)": lambda a: a.swapaxes(0, 1),
    "transposed and turned": lambda a: a.swapaxes(0, 1)[::-1, ::-1],
}

# How the pixels of a file are turned, by the EXIF orientation that makes them upright.
EXIF_ORIENTATIONS = {
    2: "mirrored left to right",
    3: "upside down",
    4: "mirrored top to bottom",
    5: "transposed (rows and columns exchanged)",
    6: f"{_TRANSPOSED}, turned left",
    7: "transposed and turned",
    8: f"{_TRANSPOSED}, turned right",
}


class Likeness(NamedTuple):
    """How a picture and what the model got fit together.

    Attributes
    ----------
    score : float
        Correlation of the small copies, −1 … 1; NaN if one has no contrast and nothing is known.
    orientation : str
        How the model's picture is turned, such as "upside down"; "" if it is not.
    channels : tuple of int
        The channels of the picture in the model's order; (0, 1, 2) or () if they agree.
    share : float
        Side of the part that the model got, as a share of the largest part of that shape.
    """

    score: float
    orientation: str = ""
    channels: tuple[int, ...] = ()
    share: float = 1.0

    @property
    def is_same(self) -> bool:
        """Whether both surely show the same picture, in whatever orientation."""
        return abs(self.score) >= SAME

    @property
    def is_other(self) -> bool:
        """Whether they probably show different pictures."""
        return abs(self.score) < OTHER

    @property
    def is_part(self) -> bool:
        """Whether the model got only a part of the picture."""
        return self.share < PART

    @property
    def difference(self) -> str:
        """What the model got instead, such as "mirrored left to right"; "" if nothing differs."""
        if self.is_other:
            return "another picture"
        if not self.is_same:
            return ""
        parts = [
            self.orientation,
            "as a negative" if self.score < 0 else "",
            "with " + _channel_words(self.channels) if self.channels not in ((), (0, 1, 2)) else "",
            "only in part" if self.is_part else "",
        ]
        return ", ".join(filter(None, parts))


def likeness(shown: NDArray[Any], seen: NDArray[Any]) -> Likeness:
    """Compare a picture with what the model got.

    Parameters
    ----------
    shown : (h, w, c) array
        The picture on the screen, c = 1 or 3.
    seen : (h', w', c') array of float
        The tensor of the model, on any scale.
    """
    picture, tensor = (np.asarray(a, dtype=np.float32) for a in (shown, seen))
    if not (_has_contrast(picture) and _has_contrast(tensor)) or min(tensor.shape[:2]) < 2:
        return Likeness(float("nan"))
    direct = list(_direct(picture, tensor))
    best = max(direct, key=_rank)
    if best.likeness.score < SURE:
        if (negative := _negative(picture, tensor)) >= SURE:
            return Likeness(-negative)
        best = max([best, *_searched(picture, tensor)], key=_rank)
    if best.likeness.score < SURE:
        # With many places and orientations, some agree by chance: take the upright picture.
        best = max((match for match in direct if not match.likeness.orientation), key=_rank)
    found = best.likeness
    return found._replace(channels=_channel_order(best)) if found.is_same else found


def small(values: NDArray[Any], side: int = KEPT_PIXELS) -> NDArray[np.float32]:
    """A copy (h, w, c) of a picture or tensor with a longest side of at most ``side`` pixels."""
    height, width = values.shape[:2]
    shrink = min(1.0, side / max(height, width))
    size = max(1, round(height * shrink)), max(1, round(width * shrink))
    finite = np.nan_to_num(np.asarray(values, dtype=np.float32), posinf=0.0, neginf=0.0)
    return finite if size == (height, width) else _resized(finite, size)


class _Match(NamedTuple):
    likeness: Likeness
    picture: NDArray[np.float32]  # the part of the picture, as small as the tensor's copy
    tensor: NDArray[np.float32]  # upright


def _rank(match: _Match) -> float:
    """Prefer the upright picture: another orientation must halve the unexplained part."""
    score = match.likeness.score
    rest = 1 - score if match.likeness.orientation == "" else 2 * (1 - score) + 0.01
    return -rest


def _direct(picture: NDArray[np.float32], tensor: NDArray[np.float32]) -> Iterator[_Match]:
    """The whole picture and its centre crops, in each orientation."""
    bare = _without_border(tensor)
    for name, upright in _ORIENTATIONS.items():
        for whole in [tensor] if bare is None else [tensor, bare]:
            copy = small(upright(whole), COPY_PIXELS)
            size = copy.shape[:2]
            boxes = {1.0: (0.0, 0.0, float(picture.shape[1]), float(picture.shape[0]))}
            yield from _matches(picture, copy, [(1.0, boxes[1.0])], name, size)
            if whole is tensor:
                centred = [(s, _centre_box(picture.shape, size, s)) for s in _CENTRE]
                yield from _matches(picture, copy, centred, name, size)


def _matches(
    picture: NDArray[np.float32], copy: NDArray[np.float32], boxes: Any, name: str, size: Any
) -> Iterator[_Match]:
    for share, box in boxes:
        part = _resized(picture, size, box)
        yield _Match(Likeness(_score(part, copy), name, share=share), part, copy)


def _searched(picture: NDArray[np.float32], tensor: NDArray[np.float32]) -> Iterator[_Match]:
    """Crops anywhere in the picture, in each orientation; the scale is refined twice."""
    for name, upright in _ORIENTATIONS.items():
        copy = small(upright(tensor), COPY_PIXELS)
        best: _Match | None = None
        for factors in ((1.0,), (0.95, 1.05), (0.975, 1.025)):
            shares = _ANYWHERE if best is None else (best.likeness.share,)
            for share in (share * factor for share in shares for factor in factors):
                found = _cropped(picture, copy, name, min(1.0, share))
                if found is not None and (best is None or _rank(found) > _rank(best)):
                    best = found
        if best is not None:
            yield best


def _cropped(
    picture: NDArray[np.float32], copy: NDArray[np.float32], name: str, share: float
) -> _Match | None:
    """The crop of this size that is most similar to the copy; None if it does not fit."""
    height, width = copy.shape[:2]
    _, top, _, bottom = _centre_box(picture.shape, (height, width), 1.0)
    zoom = height / ((bottom - top) * share)
    size = round(picture.shape[0] * zoom), round(picture.shape[1] * zoom)
    if size[0] < height or size[1] < width:
        return None
    scaled = _resized(picture, size)
    y, x = _best_place(_grey(scaled), _grey(copy))
    part = scaled[y : y + height, x : x + width]
    return _Match(Likeness(_score(part, copy), name, share=share), part, copy)


def _best_place(picture: Plane, copy: Plane) -> tuple[int, int]:
    """Where in the picture the copy has the highest correlation."""
    height, width = copy.shape
    size = picture.shape[0] - height + 1, picture.shape[1] - width + 1
    kernel = copy - copy.mean()
    product = np.fft.irfft2(
        np.fft.rfft2(picture) * np.conj(np.fft.rfft2(kernel, picture.shape)), picture.shape
    )[: size[0], : size[1]]
    mean, square = (
        _window_sums(values, height, width) / copy.size for values in (picture, picture**2)
    )
    spread = np.sqrt(np.maximum(square - mean**2, 1e-9))
    place = int(np.argmax(product / np.maximum(spread, 0.05 * float(spread.max()))))
    return place // size[1], place % size[1]


def _window_sums(values: NDArray[Any], height: int, width: int) -> NDArray[np.float64]:
    sums = np.pad(values.astype(np.float64).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    result: NDArray[np.float64] = (
        sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width]
        + sums[:-height, :-width]
    )  # fmt: skip
    return result


def _score(picture: NDArray[np.float32], tensor: NDArray[np.float32]) -> float:
    """The highest correlation of the tensor with a grey version of the picture."""
    if tensor.shape[2] >= 3 and picture.shape[2] >= 3:
        return _correlation(_grey(picture), _grey(tensor))
    greys = [_grey(picture), _luma(picture), *np.moveaxis(picture[..., :3], 2, 0)]
    channels = tensor if tensor.shape[2] <= 2 else tensor[..., :3]
    return max(
        _correlation(grey, plane)
        for grey in greys
        for plane in (_grey(tensor), *np.moveaxis(channels, 2, 0))
    )


def _negative(picture: NDArray[np.float32], tensor: NDArray[np.float32]) -> float:
    """Correlation of the whole picture with the negated tensor."""
    copy = small(tensor, COPY_PIXELS)
    return _score(_resized(picture, copy.shape[:2]), -copy)


def _channel_order(match: _Match) -> tuple[int, ...]:
    """The order of the picture's channels that explains the tensor's, () if it is unclear."""
    picture, tensor = match.picture, match.tensor
    if picture.shape[2] < 3 or tensor.shape[2] < 3:
        return ()
    apart = np.array(
        [[1 - _correlation(tensor[..., i], picture[..., j]) for j in range(3)] for i in range(3)]
    )
    total = {
        order: sum(apart[i, j] for i, j in enumerate(order)) for order in permutations((0, 1, 2))
    }
    best = min(total, key=lambda order: total[order])
    as_shown = total[0, 1, 2]
    return best if as_shown > 0.03 and total[best] < as_shown / 3 else (0, 1, 2)


def _channel_words(order: tuple[int, ...]) -> str:
    names = "".join("RGB"[channel] for channel in order)
    return f"the channels in the order {names}"


def _correlation(one: NDArray[Any], other: NDArray[Any]) -> float:
    a, b = (plane.ravel() - plane.mean(dtype=np.float64) for plane in (one, other))
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size > 1e-12 else 0.0


def _grey(values: NDArray[np.float32]) -> Plane:
    mean: Plane = values[..., :3].mean(axis=2)
    return mean


def _luma(values: NDArray[np.float32]) -> Plane:
    if values.shape[2] < 3:
        return _grey(values)
    weighted: Plane = values[..., :3] @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    return weighted


def _has_contrast(values: NDArray[np.float32]) -> bool:
    """Whether the values vary over the picture by more than rounding."""
    grey = _grey(values)
    scale = float(np.abs(values).max(initial=0.0))
    return bool(grey.std() > 0.004 * scale) if scale > 0 else False


def _without_border(tensor: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """The tensor without a border of one value, as padding leaves it; None if there is none."""
    differs = np.abs(tensor - tensor[:1, :1]).max(axis=2) > 1e-3 * max(1e-9, float(np.ptp(tensor)))
    rows, columns = np.flatnonzero(differs.any(axis=1)), np.flatnonzero(differs.any(axis=0))
    if len(rows) < 4 or len(columns) < 4:
        return None
    inner = tensor[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return inner if inner.shape != tensor.shape else None


def _centre_box(
    shape: tuple[int, ...], size: tuple[int, int], share: float
) -> tuple[float, float, float, float]:
    """The centre crop with the sides of ``size``, as (left, top, right, bottom)."""
    height, width = shape[:2]
    scale = share * min(height / size[0], width / size[1])
    h, w = size[0] * scale, size[1] * scale
    return (width - w) / 2, (height - h) / 2, (width + w) / 2, (height + h) / 2


def _resized(
    values: NDArray[np.float32],
    size: tuple[int, int],
    box: tuple[float, float, float, float] | None = None,
) -> NDArray[np.float32]:
    from PIL import Image

    height, width = size
    planes = [
        np.asarray(
            Image.fromarray(np.ascontiguousarray(values[..., channel])).resize(
                (width, height), Image.Resampling.BILINEAR, box=box
            )
        )
        for channel in range(values.shape[2])
    ]
    return np.stack(planes, axis=2)
