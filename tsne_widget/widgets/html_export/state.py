"""The state of an exploration as an HTML file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from numpy.typing import ArrayLike

from tsne_widget.images import ImageSource
from tsne_widget.widgets.html_export.save_html import save_html
from tsne_widget.widgets.state.explorer_state import ExplorerState


def save_state_html(
    state: ExplorerState,
    images: ImageSource | None,
    colors: Mapping[str, str],
    path: str | os.PathLike[str],
    *,
    rows: ArrayLike | None,
    progress: bool,
    title: str = "",
    thumbnail: int = 48,
    max_rows: int | None = None,
    whole_paths: bool = False,
) -> Path:
    """Write what the explorer shows; see :meth:`EmbeddingExplorer.save_html`."""
    own = {"", *state.scores.columns}
    return save_html(
        state.feature_set,
        state.embedding,
        path,
        images=images,
        rows=rows,
        title=title,
        thumbnail=thumbnail if images is not None else 0,
        max_rows=max_rows,
        colors=[colors[name] for name in state.feature_set.class_names],
        color_by=None if state.color_by in own else state.color_by,
        visible_classes=state.names_of(state.visible),
        selected=state.selected,
        selections=state.selections,
        selection_colors=state.selection_colors,
        scores={k: v for k, v in state.scores.ready().items() if k not in own},
        whole_paths=whole_paths,
        progress=progress,
    )
