"""Export of an explorer's state as a page."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from numpy.typing import ArrayLike

from tsne_widget.images import ImageSource
from tsne_widget.widgets.html_export.content import write_page
from tsne_widget.widgets.html_export.options import PageOptions
from tsne_widget.widgets.models.shortcut_report import shared_shortcuts
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
    """Write the state of an explorer as a page; see :meth:`EmbeddingExplorer.save_html`."""
    own = {"", *state.scores.columns}
    options = PageOptions(
        images=images,
        rows=rows,
        title=title,
        thumbnail=thumbnail if images is not None else 0,
        max_rows=max_rows,
        colors=[colors[name] for name in state.class_names[: state.known]],
        color_by=None if state.color_by in own else state.color_by,
        visible_classes=state.names_of(state.visible),
        selected=state.chosen,
        selections=state.selections,
        selection_slots=state.selection_slots,
        groups=state.groups,
        shortcuts=shared_shortcuts(state.scores),
        scores={k: v for k, v in state.scores.ready().items() if k not in own},
        evidence=state.evidence,
        class_groups=state.class_groups,
        whole_paths=whole_paths,
        progress=progress,
    )
    return write_page(state.feature_set, state.embedding, path, options)
