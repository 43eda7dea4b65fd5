"""The interface of a source of pictures."""

# ruff: noqa: A002 (`id` is the name that ImageSource uses)
from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from PIL import Image


@runtime_checkable
class ImageSource(Protocol):
    """A source of pictures: any object with these three methods."""

    def __len__(self) -> int:
        """Number of pictures; ids are 0 … len − 1."""
        ...

    def image(self, id: int) -> Image.Image:
        """Picture of the user's ``dataset[id]``; raises ImageError if it cannot be read."""
        ...

    def caption(self, id: int) -> str:
        """A short text that identifies this picture."""
        ...
