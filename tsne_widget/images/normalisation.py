"""The normalisation of pictures: given by the user, or found in the transforms of a dataset."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._datasets import wrapped_datasets
from tsne_widget.errors import InvalidInputError
from tsne_widget.images.levels import NEARLY_BLACK
from tsne_widget.images.pixels import as_array

_MAX_TRANSFORMS = 256  # visited; some objects have every attribute, without end
# Undoing a normalisation leads to 0 … 1, or 0 … 255. Resampling goes beyond by a few percent.
_SLACK = 0.05
# Objects with mean and std that are no normalisation.
_OTHER_STEPS = ("noise", "gauss", "random", "jitter", "blur", "eras", "dropout")
_STEP_ATTRIBUTES = (
    "transform", "transforms", "tv_transform", "image_processor", "processor", "feature_extractor",
    "preprocess",
)  # fmt: skip


class Normalisation:
    """A per-channel (x − mean) / std that can be undone."""

    def __init__(self, mean: ArrayLike, std: ArrayLike) -> None:
        try:
            self.mean, self.std = (
                np.atleast_1d(np.asarray(as_array(values), dtype=np.float64)).ravel()
                for values in (mean, std)
            )
        except (TypeError, ValueError) as error:
            raise InvalidInputError(f"mean and std must be numbers: {error}") from error
        if not (np.isfinite(self.mean).all() and np.isfinite(self.std).all()):
            raise InvalidInputError(f"mean and std must be finite, got {self.mean}, {self.std}")
        if not (self.std > 0).all():
            raise InvalidInputError(f"std must be above 0, got {self.std}")
        if len(self.mean) not in (1, 3) or len(self.std) not in (1, 3):
            raise InvalidInputError(
                f"mean and std must have 1 or 3 entries, got {len(self.mean)} and {len(self.std)}"
            )

    @classmethod
    def of(cls, mean: ArrayLike | None, std: ArrayLike | None) -> Normalisation | None:
        """The normalisation, or None without mean and std; one without the other is an error."""
        if (mean is None) != (std is None):
            missing = "mean" if mean is None else "std"
            raise InvalidInputError(f"{missing} is missing: pass mean and std, or neither")
        return None if mean is None or std is None else cls(mean, std)

    def check(self, pixels: NDArray[Any]) -> None:
        """Raise InvalidInputError if this normalisation cannot have produced the pixels (…, c)."""
        if pixels.dtype.kind != "f":
            raise InvalidInputError(
                f"mean and std undo a normalisation, but images of dtype {pixels.dtype} are not "
                "normalised; leave them out"
            )
        if not self.fits(pixels):
            entries = max(len(self.mean), len(self.std))
            raise InvalidInputError(
                f"mean and std have {entries} entries, but images have 1 colour channel"
            )

    def fits(self, pixels: NDArray[Any]) -> bool:
        """Whether pixels (…, c) have one colour channel per entry, or one entry is for all."""
        return max(len(self.mean), len(self.std)) in (1, min(3, pixels.shape[-1]))

    def undo(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """The colour channels of pixels (…, c) as x · std + mean; alpha is unchanged."""
        colours = min(3, pixels.shape[-1])
        undone = pixels.astype(np.result_type(pixels.dtype, np.float32))
        undone[..., :colours] = undone[..., :colours] * self.std + self.mean
        return undone


def normalisation_of(dataset: Any, low: NDArray[Any], high: NDArray[Any]) -> Normalisation | None:
    """The Normalize in a dataset's transforms whose undoing leads to 0 … 1; None without.

    Parameters
    ----------
    dataset : object
        Its ``transform`` and ``transforms`` are searched, those inside them, and those of the
        datasets that it wraps. A Hugging Face image processor (``image_mean``, ``image_std``) is a
        Normalize as well.
    low, high : (c,) array
        Smallest and largest value of each colour channel in the dataset.
    """
    steps = (step for owner in wrapped_datasets(dataset) for step in _transforms_in(owner))
    for step in islice(steps, _MAX_TRANSFORMS):
        found = _as_normalisation(step)
        if found is not None and _leads_back(found, low, high):
            return found
    return None


def _as_normalisation(step: Any) -> Normalisation | None:
    if any(word in type(step).__name__.lower() for word in _OTHER_STEPS):
        return None
    flags = getattr(step, "flags", None)  # of a kornia augmentation
    holder = flags if isinstance(flags, dict) else {}
    for names in (("mean", "std"), ("image_mean", "image_std")):
        mean, std = (holder.get(name, getattr(step, name, None)) for name in names)
        if mean is None or std is None or callable(mean) or callable(std):
            continue
        try:
            return Normalisation(mean, std)
        except InvalidInputError:
            continue  # these mean and std are not a normalisation
    return None


def _leads_back(found: Normalisation, low: NDArray[Any], high: NDArray[Any]) -> bool:
    """Whether values in the range low … high become 0 … 1 or 0 … 255."""
    if max(len(found.mean), len(found.std)) not in (1, len(low)):
        return False
    black = float((low * found.std + found.mean).min())
    white = float((high * found.std + found.mean).max())
    # Pictures that are nearly black afterwards had no normalisation, but noise or a weight.
    return any(
        -_SLACK * scale <= black and NEARLY_BLACK * scale <= white <= (1 + _SLACK) * scale
        for scale in (1.0, 255.0)
    )


def _transforms_in(owner: Any) -> Iterator[Any]:
    """The transforms in the attributes of a dataset or transform, and those inside them."""
    waiting = [owner]
    for _ in range(_MAX_TRANSFORMS):
        if not waiting:
            return
        current = waiting.pop(0)
        if current is not owner:
            yield current
        for name in _STEP_ATTRIBUTES:
            steps = getattr(current, name, None)
            steps = steps if isinstance(steps, (list, tuple)) else [steps]
            waiting.extend(step for step in steps if step is not None)
        if current is not owner and callable(getattr(current, "children", None)):
            waiting.extend(current.children())  # torch.nn.Sequential
