"""The close look at one sample: its picture, its values and its nearest neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from traitlets import Bool, Int, Unicode

from tsne_widget.widgets.models.details import (
    Neighborhood,
    class_name,
    details,
    likeness,
    neighborhood,
    path_of,
    probabilities,
)
from tsne_widget.widgets.models.tiles import DETAILS_PIXELS, Tiles
from tsne_widget.widgets.state.background import Background
from tsne_widget.widgets.state.evidence import REMEDY, TARGETS, CoverTest, Target
from tsne_widget.widgets.state.explorer_state import ExplorerState
from tsne_widget.widgets.state.hovering import Hovering, row_or_none
from tsne_widget.widgets.state.page_messages import MalformedMessageError, integer
from tsne_widget.widgets.views.gallery.view import GalleryView
from tsne_widget.widgets.views.view import View


class LookView(View):
    """The sample in focus, and the way to the next one in the gallery's order."""

    focus = Int(None, allow_none=True, help="row; None: closed").tag(sync=True)
    position = Int(-1, help="its index in the gallery; -1: it has no tile").tag(sync=True)
    count = Int(help="number of tiles in the gallery").tag(sync=True)
    has_neighbors = Bool(True, help="whether neighbours can be found").tag(sync=True)

    evidence = Unicode(help="'model' computes it, 'stored' is known, '' is neither").tag(sync=True)
    evidence_code = Unicode(REMEDY, help="the call that gives the model").tag(sync=True)

    def __init__(
        self, state: ExplorerState, tiles: Tiles, background: Background, gallery: GalleryView
    ) -> None:
        self._state = state
        self._tiles = tiles
        self._background = background
        self._gallery = gallery
        self._near: tuple[int, Neighborhood] | None = None
        super().__init__()
        self.handlers = {
            "look": self._on_look,
            "focus": self._on_focus,
            "step": self._on_step,
            "similar": self._on_similar,
            "neighbors": self._on_neighbors,
            "evidence": self._on_evidence,
            "hover": Hovering(state).on_hover,
        }
        gallery.observe(lambda _change: self._show(), "epoch")
        state.follow(self._show, "focus")
        state.follow(self._show_evidence, "focus", "explained")

    def _show(self) -> None:
        with self.hold_sync():
            self.focus, self.count = self._state.focus, len(self._gallery.rows)
            self.position = self._gallery.place_of(self._state.focus)

    def _show_evidence(self) -> None:
        known = self._state.evidence
        self.evidence = "model" if known.has_model else "stored" if known.has_maps else ""

    def _on_focus(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        self._state.focus = row_or_none(self._state, content)

    def _on_step(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        by = integer(content, "by", -1, 1)
        to = self.position + by
        if self.position >= 0 and 0 <= to < len(self._gallery.rows):
            self._state.focus = int(self._gallery.rows[to])

    def _on_similar(self, _content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        """Sort the gallery by the distance to the sample, and show it."""
        if self._state.focus is None:
            raise MalformedMessageError("no sample is in focus")
        self._gallery.sort_by_similarity()
        self._state.focus = None

    def _on_look(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        state, row = self._state, integer(content, "row", 0, len(self._state.codes) - 1)
        if row != state.focus:
            return  # another sample is in focus now
        tile, picture = self._tiles.tile(row, DETAILS_PIXELS)
        reply = {
            "kind": "look",
            "row": row,
            "tile": tile,
            "path": path_of(state, row),
            "details": details(state, row),
            "probabilities": probabilities(state, row, self._tiles.colors),
        }
        self.send(reply, [picture])
        if state.scores.index_is_ready:
            self._send_neighbors(row, neighborhood(state, row))
            return
        self._background.run(
            "Finding the nearest pictures in feature space",
            lambda: neighborhood(state, row),
            lambda near: self._send_neighbors(row, near),
        )

    def _send_neighbors(self, row: int, near: Neighborhood) -> None:
        if row != self._state.focus:
            return
        self._near = row, near
        made = [self._tiles.tile(neighbor) for neighbor in near.rows.tolist()]
        reply = {
            "kind": "neighbors",
            "row": row,
            "tiles": [tile for tile, _picture in made],
            "distances": near.distances.tolist(),
            "differs": near.differs.tolist(),
            "summary": likeness(self._state, row, near),
        }
        self.send(reply, [b"".join(picture for _tile, picture in made)])

    def _on_neighbors(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        row = integer(content, "row", 0, len(self._state.codes) - 1)
        if self._near is not None and self._near[0] == row:
            self._state.select(self._near[1].rows)

    def _on_evidence(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        """Send the map of evidence, which is computed and tested in the background."""
        state, row = self._state, integer(content, "row", 0, len(self._state.codes) - 1)
        target = next((one for one in TARGETS if one == content.get("target")), None)
        if target is None:
            raise MalformedMessageError("unknown target of the evidence")
        if row != state.focus:
            return  # another sample is in focus now
        known = state.evidence
        if known.is_tested(row, target) or not known.has_model:
            self._send_evidence(row, target)
            return

        def deliver(made: tuple[Any, CoverTest | None]) -> None:
            known.keep(target, [row], [made[0]], {row: made[1]})
            self._send_evidence(row, target)

        self._background.run(
            "Finding the evidence in the picture",
            lambda: known.tested(row, target),
            deliver,
            lambda: self._send_evidence(row, target, "The evidence cannot be computed."),
        )

    def _send_evidence(self, row: int, target: Target, why: str = "") -> None:
        if row != self._state.focus:
            return
        known = self._state.evidence
        values, test = known.map_of(row, target), known.test_of(row, target)
        height, width = (0, 0) if values is None else values.shape
        reply = {
            "kind": "evidence",
            "row": row,
            "target": target,
            "height": height,
            "width": width,
            "test": None if test is None else self._test_entry(test),
            "why": why or ("No evidence is stored for this picture." if values is None else ""),
        }
        data = b"" if values is None else np.ascontiguousarray(values, dtype="<f4").tobytes()
        self.send(reply, [data])

    def _test_entry(self, test: CoverTest) -> dict[str, Any]:
        others = sorted(test.others.items(), key=lambda one: (-one[1], one[0]))
        return {
            "holds": test.holds,
            "shares": list(test.shares),
            "others": [[class_name(self._state, code), count] for code, count in others],
        }
