"""A figure without pyplot: its size in millimetres, its files, its place for the map."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from tsne_widget.errors import InvalidInputError, StoreError
from tsne_widget.plotting.keys import key_size
from tsne_widget.plotting.look import GAP_POINTS

MAX_SIZE_MM = 2000  # 24,000 dots; larger values are likely a unit error
DOTS_PER_INCH = 300  # of PNG, and of points that are drawn as one picture
MM_PER_INCH = 25.4
MARGIN_MM = 1.0

# PDF embeds the fonts and SVG keeps text as text, so that a publisher can edit both. Without dates
# and random ids the same figure gives the same file.
_FILE_STYLE: dict[Any, Any] = {
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
    "svg.hashsalt": "tsne_widget",
}
_NO_DATES: dict[str, dict[str, None]] = {
    ".png": {},
    ".svg": {"Date": None},
    ".pdf": {"CreationDate": None, "ModDate": None},
}


class EmbeddingFigure(Figure):
    """A Figure that displays itself in a notebook without pyplot and embeds fonts in files."""

    def _repr_png_(self) -> bytes:
        buffer = BytesIO()
        self.savefig(buffer, format="png", dpi=DOTS_PER_INCH / 2)
        return buffer.getvalue()

    def savefig(self, fname: Any, *, transparent: bool | None = None, **kwargs: Any) -> None:
        """As :meth:`matplotlib.figure.Figure.savefig`, with embedded fonts."""
        with matplotlib.rc_context(_FILE_STYLE):
            super().savefig(fname, transparent=transparent, **kwargs)


def new_figure(width: float, height: float) -> EmbeddingFigure:
    """An empty figure; width and height in inches."""
    figure = EmbeddingFigure(figsize=(width, height))
    figure.set_layout_engine("none")  # overrides the user's matplotlibrc: fit() sets the layout
    FigureCanvasAgg(figure)
    return figure


def as_suffix(path: str | os.PathLike[str] | None) -> str:
    """The suffix of the file, in lower case; "" without a file."""
    suffix = "" if path is None else Path(path).suffix.lower()
    if path is not None and suffix not in _NO_DATES:
        raise InvalidInputError(f"path must end in {', '.join(_NO_DATES)}, got {os.fspath(path)!r}")
    return suffix


def as_size(size_mm: tuple[float, float]) -> tuple[float, float]:
    """Width and height in inches."""
    size: NDArray[Any] = np.asarray(size_mm)
    if size.shape != (2,) or size.dtype.kind not in "iuf" or not (size > 0).all():
        raise InvalidInputError(f"size_mm must be (width, height) above 0, got {size_mm!r}")
    if (size > MAX_SIZE_MM).any():
        raise InvalidInputError(f"size_mm must be at most {MAX_SIZE_MM} each, got {size_mm!r}")
    return float(size[0]) / MM_PER_INCH, float(size[1]) / MM_PER_INCH


def fit(figure: Figure, ax: Axes, width: float, height: float) -> None:
    """Resize the figure to a map of width × height inches with its key and title."""
    margin, gap = MARGIN_MM / MM_PER_INCH, GAP_POINTS / 72
    key_width, key_height = key_size(ax)
    body = max(height, key_height)
    whole_width = width + key_width + 2 * margin

    def place(above: float) -> None:
        whole_height = above + body + 2 * margin
        figure.set_size_inches(whole_width, whole_height)
        ax.set_position(
            (
                margin / whole_width,
                (margin + body - height) / whole_height,
                width / whole_width,
                height / whole_height,
            )
        )

    place(above=0.0)
    if ax.get_title():
        place(above=height)  # matplotlib wraps the title only if it is inside the figure
        place(above=gap + ax.title.get_window_extent().height / figure.dpi)


def save(figure: Figure, path: Path, suffix: str) -> None:
    """Write the figure to a file of one of the known suffixes."""
    buffer = BytesIO()
    with matplotlib.rc_context(_FILE_STYLE):
        figure.savefig(
            buffer, format=suffix[1:], dpi=DOTS_PER_INCH, metadata=_NO_DATES[suffix] or None
        )
    try:
        path.write_bytes(buffer.getvalue())
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror or error}") from error
