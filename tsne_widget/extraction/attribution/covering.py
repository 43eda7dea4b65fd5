"""Test a map of evidence: cover the places that it names, and run the model again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

# The covered share of the picture.
SHARE = 0.1
# Places of the same shape that are covered for comparison.
PLACES = 8
# Candidates for them; those that overlap least with the covered tenth are used.
_DRAWN = 64
# The least relative loss of probability that counts as an effect.
LEAST_LOSS = 0.1


@dataclass(frozen=True)
class Covered:
    """How probable a class is with a tenth of the picture covered.

    Attributes
    ----------
    mask : (height, width) bool array
        The tenth of the pixels with the most evidence for the class.
    as_it_is : float
        Probability of the class for the whole picture, 0 … 1.
    without : (4,) float32 array
        Its probability with that tenth covered by the mean colour and by a blur of the picture,
        each with a sharp and a soft edge.
    elsewhere : (8,) float32 array
        Its probability with the same shape covered at other places.
    predictions : (4,) int64 array
        The most probable class in each case of ``without``.
    """

    mask: NDArray[np.bool_]
    as_it_is: float
    without: NDArray[np.float32]
    elsewhere: NDArray[np.float32]
    predictions: NDArray[np.int64]

    @property
    def holds(self) -> bool:
        """Whether the tenth matters: more than other tenths, and noticeably.

        The class loses a tenth of its probability or more, and more than at other places by over
        one standard deviation of these.
        """
        lost = self.as_it_is - float(self.without.mean())
        others = self.as_it_is - self.elsewhere.astype(np.float64)
        is_more = lost > others.mean() + others.std()
        return bool(is_more and lost >= LEAST_LOSS * self.as_it_is)


def cover(
    run: Callable[[Tensor], Tensor],
    picture: Tensor,
    values: NDArray[np.float32],
    code: int,
    seed: int = 0,
) -> Covered:
    """Test a map with 13 pictures in one batch.

    Parameters
    ----------
    run : callable
        Gets (m, c, h, w) pictures and returns the (m, classes) probabilities.
    picture : (c, h, w) float tensor
        As the model gets it.
    values : (places, places) float32 array
        The map of evidence.
    code : int
        The class whose probability is measured.
    seed : int
        Of the other places.
    """
    mask = most_red(values, (picture.shape[1], picture.shape[2]))
    area = torch.from_numpy(mask).to(picture.device)
    fills = (_mean_colour(picture), _blurred(picture))
    weights = (area.float(), _softened(area.float()))
    covered = [_covered(picture, fill, weight) for weight in weights for fill in fills]
    others = other_places(mask, seed)
    for number, place in enumerate(others):
        weight = torch.from_numpy(place).to(picture.device).float()
        covered.append(_covered(picture, fills[number % 2], weight))
    with torch.no_grad():
        shares = run(torch.stack([picture, *covered])).float().cpu().numpy()
    return Covered(
        mask,
        float(shares[0, code]),
        shares[1:5, code],
        shares[5:, code],
        shares[1:5].argmax(axis=1).astype(np.int64),
    )


def most_red(values: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.bool_]:
    """The tenth of a picture's pixels with the highest values of a map, which is interpolated.

    Parameters
    ----------
    values : (h, w) float32 array
    size : (height, width)

    Returns
    -------
    (height, width) bool array
    """
    given = torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))[None, None]
    fine = functional.interpolate(given, size, mode="bilinear")[0, 0].flatten().numpy()
    count = max(1, round(SHARE * fine.size))
    mask = np.zeros(fine.size, dtype=bool)
    mask[np.argsort(-fine, kind="stable")[:count]] = True
    return mask.reshape(size)


def other_places(mask: NDArray[np.bool_], seed: int = 0) -> list[NDArray[np.bool_]]:
    """The same shape at eight other places, which overlap little with the first."""
    random = np.random.default_rng(seed)
    shifts = np.stack([random.integers(0, side, _DRAWN) for side in mask.shape], axis=1)
    moved = [np.roll(mask, tuple(shift), (0, 1)) for shift in shifts.tolist()]
    overlaps = [int((place & mask).sum()) for place in moved]
    least = np.argsort(overlaps, kind="stable")[:PLACES]
    return [moved[index] for index in least]


def _covered(picture: Tensor, fill: Tensor, weight: Tensor) -> Tensor:
    return picture * (1 - weight).to(picture.dtype) + fill * weight.to(picture.dtype)


def _mean_colour(picture: Tensor) -> Tensor:
    return picture.mean((1, 2), keepdim=True).expand_as(picture)


def _blurred(picture: Tensor) -> Tensor:
    """The picture without details smaller than a quarter of its shorter side."""
    reach = max(1, min(picture.shape[1:]) // 8)
    blurred = picture.float()[None]
    for _ in range(2):
        wide = functional.pad(blurred, (reach,) * 4, mode="replicate")
        blurred = functional.avg_pool2d(wide, 2 * reach + 1, stride=1)
    return blurred[0].to(picture.dtype)


def _softened(area: Tensor) -> Tensor:
    reach = max(1, min(area.shape) // 16)
    wide = functional.pad(area[None, None], (reach,) * 4, mode="replicate")
    return functional.avg_pool2d(wide, 2 * reach + 1, stride=1)[0, 0]
