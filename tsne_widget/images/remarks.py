"""Image sources with a remark on some pictures, and without any picture."""

# ruff: noqa: A002 (`id` is the name that ImageSource uses)
from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tsne_widget._image_source import ImageSource
from tsne_widget.errors import ImageError
from tsne_widget.images.reasons import checked_id

if TYPE_CHECKING:
    from PIL import Image


class RemarkedImages:
    """A source whose thumbnails carry a remark.

    Parameters
    ----------
    source : ImageSource
    remarks : mapping of id to str
    on_all : str
        The remark on every other picture; "" for none.
    """

    def __init__(self, source: ImageSource, remarks: Mapping[int, str], on_all: str = "") -> None:
        self.source = source
        self._remarks = dict(remarks)
        self._on_all = on_all

    @property
    def note(self) -> str:
        """The note of the source."""
        return str(getattr(self.source, "note", "") or "")

    def __len__(self) -> int:
        return len(self.source)

    def image(self, id: int) -> Image.Image:
        """Picture *id* of the source."""
        return self.source.image(id)

    def caption(self, id: int) -> str:
        """Caption *id* of the source."""
        return self.source.caption(id)

    def remark(self, id: int) -> str:
        """What is to be said on the tile of picture *id*; mostly ""."""
        return self._remarks.get(int(id), self._on_all)


class NoImages:
    """A source for samples that are no pictures: every tile gives the reason.

    Parameters
    ----------
    count : int
        Number of samples.
    reason : str
        Why there are no pictures.
    """

    def __init__(self, count: int, reason: str) -> None:
        self._count = count
        self._reason = reason

    note = ""

    def __len__(self) -> int:
        return self._count

    def image(self, id: int) -> Image.Image:
        """Never returns.

        Raises
        ------
        ImageError
            With the reason.
        """
        checked_id(id, self._count)
        raise ImageError(self._reason)

    def caption(self, id: int) -> str:
        """The id, as ``#12``."""
        return f"#{checked_id(id, self._count)}"


def without_remarks(source: ImageSource) -> ImageSource:
    """The source itself, without the remarks on it."""
    return source.source if isinstance(source, RemarkedImages) else source
