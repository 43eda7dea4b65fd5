"""A picture from outside a dataset, in the form of the dataset's own pictures."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tsne_widget._datasets import sample_file
from tsne_widget.errors import ExtractionError, InvalidInputError
from tsne_widget.extraction.data.items import described, is_pil
from tsne_widget.extraction.data.watching import Step

# What settles every doubt about a picture from outside.
REMEDY = "pass the model's input as a tensor, or features="
# The mode of PIL for an array with this number of channels.
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}


def transformed(picture: Any, steps: Sequence[Step], dataset: Any, id_: int) -> Any:
    """What the transform of the dataset makes of a picture.

    Parameters
    ----------
    picture : path, PIL image, array or tensor
        Is first converted to what the transform takes.
    steps : sequence of Step
        At least one; how ``dataset[id_]`` was transformed.

    Raises
    ------
    InvalidInputError
        If the picture cannot be read or converted.
    ExtractionError
        If the transform fails.
    """
    made = _as_taken(picture, steps[0].taken, dataset, id_)
    try:
        for step in steps:
            made = step(made)
    except Exception as error:
        raise ExtractionError(
            f"the transform of the dataset failed on picture, {described(picture)}: "
            f"{type(error).__name__}: {error}; {REMEDY}"
        ) from error
    return made


def as_input(picture: Any, example: Tensor) -> Tensor:
    """A picture as the input of a model for one sample, like an example.

    Raises
    ------
    InvalidInputError
        If it is not an array of as many axes, or its numbers are of another kind.
    """
    if not isinstance(picture, (Tensor, np.ndarray)):
        is_path = isinstance(picture, (str, os.PathLike))
        if is_path and not Path(picture).exists():
            raise InvalidInputError(f"picture={os.fspath(picture)!r}: there is no such file")
        given = repr(os.fspath(picture)) if is_path else described(picture)
        raise InvalidInputError(
            f"the model takes {described(example)}, and the dataset has no transform= that makes "
            f"this from picture={given}; {REMEDY}"
        )
    tensor = _as_tensor(picture)
    if tensor.ndim == example.ndim + 1 and len(tensor) == 1:
        tensor = tensor[0]
    if tensor.ndim != example.ndim or tensor.is_floating_point() != example.is_floating_point():
        raise InvalidInputError(
            f"picture={described(picture)} is not like the input of the model, "
            f"{described(example)}; {REMEDY}"
        )
    return tensor.to(example.dtype)


def _as_taken(picture: Any, taken: Any, dataset: Any, id_: int) -> Any:
    """A picture in the form in which the first step has taken that of a sample."""
    if isinstance(picture, (str, os.PathLike)):
        if isinstance(taken, (str, os.PathLike)):
            return type(taken)(picture)  # type: ignore[call-arg]
        picture = _opened(picture, dataset, id_)
    if is_pil(taken):
        image = picture if is_pil(picture) else _as_pil(picture, taken)
        return image if image.mode == taken.mode else image.convert(taken.mode)
    if isinstance(taken, np.ndarray):
        return _checked(_as_array(picture, taken.ndim, taken.shape[-1]), taken)
    if isinstance(taken, Tensor):
        if is_pil(picture) and taken.ndim == 3:
            pixels = _as_array(picture, 3, len(taken))
            return _checked(_as_tensor(pixels).permute(2, 0, 1).contiguous(), taken)
        return _checked(_as_tensor(_as_array(picture, taken.ndim, 1)), taken)
    raise InvalidInputError(
        f"picture={described(picture)} cannot be converted to what the transform of the dataset "
        f"takes, {described(taken)}; {REMEDY}"
    )


def _opened(path: Any, dataset: Any, id_: int) -> Any:
    """The picture in a file, read as the dataset reads its own."""
    from PIL import Image

    file = sample_file(dataset, id_)
    try:
        if file is not None and file.load is not None:
            return file.load(os.fspath(path))
        with Image.open(path) as image:
            image.load()
            return image
    except Exception as error:  # a loader may raise anything
        raise InvalidInputError(
            f"picture={os.fspath(path)!r} cannot be read: {type(error).__name__}: {error}"
        ) from error


def _as_pil(picture: Any, taken: Any) -> Any:
    from PIL import Image

    pixels = np.asarray(picture)
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3):
        raise InvalidInputError(
            f"picture={described(picture)}, but the transform of the dataset takes "
            f"{described(taken)}; pass a path, a PIL image or a uint8 (h, w, 3) array"
        )
    return Image.fromarray(pixels)


def _as_array(picture: Any, ndim: int, channels: int) -> NDArray[Any]:
    """An array of the picture. A PIL image is converted to this number of axes and channels."""
    if not is_pil(picture):
        return np.asarray(picture.detach().cpu() if isinstance(picture, Tensor) else picture)
    pixels = np.array(picture.convert("L" if ndim == 2 else _MODES.get(channels, "RGB")))
    return pixels[..., np.newaxis] if pixels.ndim < ndim else pixels


def _as_tensor(picture: Any) -> Tensor:
    """A tensor; of an array, which may be read-only, a copy."""
    return picture if isinstance(picture, Tensor) else torch.from_numpy(np.array(picture))


def _checked(picture: Any, taken: Any) -> Any:
    """The picture if it has the axes and the kind of numbers of the sample."""
    if picture.ndim != taken.ndim or np.asarray(picture).dtype.kind != np.asarray(taken).dtype.kind:
        raise InvalidInputError(
            f"picture={described(picture)} is not like what the transform of the dataset takes, "
            f"{described(taken)}; {REMEDY}"
        )
    return picture
