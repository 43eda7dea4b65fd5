"""Files that the page's menu offers: the samples as CSV, the exploration as an HTML page."""

from __future__ import annotations

import functools
import io
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tsne_widget.errors import InvalidInputError
from tsne_widget.images import ImageSource
from tsne_widget.widgets.state.explorer_state import ExplorerState
from tsne_widget.widgets.views.toolbar.view import Download, File


def downloads_of(
    state: ExplorerState, images: ImageSource | None, colors: Mapping[str, str]
) -> dict[str, Download]:
    """Functions that make the files, by the name under which the page asks for them."""
    return {
        "csv": functools.partial(_csv, state),
        "page": functools.partial(_page, state, images, colors),
    }


def _csv(state: ExplorerState) -> File:
    """The selected samples, or all visible ones, with the columns of ``to_dataframe()``."""
    from tsne_widget.analysis import sample_frame
    from tsne_widget.widgets.io.export import write_csv

    rows = state.selected if len(state.selected) else np.flatnonzero(state.visible_rows)
    frame = sample_frame(
        state.feature_set, rows, state.embedding, state.selections,
        scores=state.scores.frame_columns(True), columns=state.scores.columns,
    )  # fmt: skip
    file = io.BytesIO()
    write_csv(frame, file)
    return File(
        "selected.csv" if len(state.selected) else "pictures.csv", "text/csv", file.getvalue()
    )


def _page(state: ExplorerState, images: ImageSource | None, colors: Mapping[str, str]) -> File:
    from tsne_widget.widgets.html_export.state import save_state_html

    if state.embedding is None:
        raise InvalidInputError("there is no map to save yet; wait until it is computed")
    with tempfile.TemporaryDirectory() as folder:
        path = save_state_html(
            state, images, colors, Path(folder, "map.html"), rows=None, progress=False
        )
        return File(path.name, "text/html", path.read_bytes())
