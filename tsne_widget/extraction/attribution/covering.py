"""Test a map of evidence: cover the places that it names, and run the model again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from tsne_widget._probabilities import Activation

# The covered share of the picture.
SHARE = 0.1
# Places of the same shape that are covered for comparison.
PLACES = 12
# Candidates for them; those that overlap least with the covered tenth are used.
_DRAWN = 64
# Standard deviations of the loss at these places by which the loss has to exceed their mean.
_DEVIATIONS = 1.5
# The least loss of log-odds that counts as an effect.
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
        first with a sharp and then with a soft edge.
    elsewhere : (12, 2) float32 array
        Its probability with the same shape covered at other places, by the mean colour and by the
        blur, with a sharp edge.
    predictions : (4,) int64 array
        The most probable class in each case of ``without``.
    lost : (2,) float32 array
        The log-odds of the class that the covered tenth costs, by the mean colour and by the blur,
        with a sharp edge.
    lost_elsewhere : (12, 2) float32 array
        The same at the other places.
    """

    mask: NDArray[np.bool_]
    as_it_is: float
    without: NDArray[np.float32]
    elsewhere: NDArray[np.float32]
    predictions: NDArray[np.int64]
    lost: NDArray[np.float32]
    lost_elsewhere: NDArray[np.float32]

    @property
    def holds(self) -> bool:
        """Whether the tenth matters: more than the same shape at other places, and noticeably.

        With each of the two fillings the tenth costs more log-odds than the other places, by over
        1.5 standard deviations of these, and at least 0.1. Log-odds also tell how much a very sure
        model loses.
        """
        usual = self.lost_elsewhere.mean(axis=0) + _DEVIATIONS * self.lost_elsewhere.std(axis=0)
        return bool((self.lost > usual).all() and (self.lost >= LEAST_LOSS).all())


def cover(
    run: Callable[[Tensor], Tensor],
    picture: Tensor,
    values: NDArray[np.float32],
    code: int,
    activation: Activation = "softmax",
    seed: int = 0,
) -> Covered:
    """Test a map with 29 pictures in one batch.

    Parameters
    ----------
    run : callable
        Gets (m, c, h, w) pictures and returns the (m, classes) logits.
    picture : (c, h, w) float tensor
        As the model gets it.
    values : (places, places) float32 array
        The map of evidence.
    code : int
        The class whose probability is measured.
    activation : {"softmax", "sigmoid"}
        Turns logits into probabilities.
    seed : int
        Of the other places.
    """
    mask = most_red(values, (picture.shape[1], picture.shape[2]))
    area = torch.from_numpy(mask).to(picture.device)
    others = torch.from_numpy(np.stack(other_places(mask, seed))).to(picture.device)
    fills = (_mean_colour(picture), _blurred(picture))
    weights = (area.float(), _softened(area.float()), *others.float())
    covered = [_covered(picture, fill, weight) for weight in weights for fill in fills]
    with torch.no_grad():
        logits = run(torch.stack([picture, *covered])).double().cpu()
    odds = _log_odds(logits, code, activation)
    shares, lost = odds.sigmoid().float().numpy(), (odds[0] - odds).float().numpy()
    return Covered(
        mask,
        float(shares[0]),
        shares[1:5],
        shares[5:].reshape(-1, 2),
        logits[1:5].argmax(1).numpy().astype(np.int64),
        lost[1:3],
        lost[5:].reshape(-1, 2),
    )


def _log_odds(logits: Tensor, code: int, activation: Activation) -> Tensor:
    """(m,) logarithm of the class's probability divided by that of all others."""
    if activation == "sigmoid":
        return logits[:, code]
    others = torch.arange(logits.shape[1]) != code
    return logits[:, code] - logits[:, others].logsumexp(1)


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
    """The same shape at twelve other places, which overlap little with the first."""
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
