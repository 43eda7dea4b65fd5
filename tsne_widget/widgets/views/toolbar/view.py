"""The header: counts, the selection, search and finders, messages, and downloads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from traitlets import Bool, Dict, Float, Int, List, Unicode

from tsne_widget._text import MAX_SENTENCE, printable
from tsne_widget.analysis import (
    FINDER_NAMES,
    FINDERS,
    Finder,
    finder_is_ready,
    finder_lacks,
    finder_order,
    finder_rows,
)
from tsne_widget.analysis.text_search import MAX_TEXT
from tsne_widget.errors import InvalidInputError
from tsne_widget.widgets.models.notes import conflict_notes, note_entries
from tsne_widget.widgets.models.picture_pass import MAX_MEASURED
from tsne_widget.widgets.state.background import Background
from tsne_widget.widgets.state.explorer_state import ExplorerState
from tsne_widget.widgets.state.page_messages import MalformedMessageError, mode_of
from tsne_widget.widgets.state.rows import Ranking
from tsne_widget.widgets.state.search import rows_of_search
from tsne_widget.widgets.state.selecting import Mode
from tsne_widget.widgets.views.view import View


class File(NamedTuple):
    """A file for the page to save."""

    name: str
    kind: str
    """Its MIME type."""
    content: bytes


Download = Callable[[], File]


class ToolbarView(View):
    """Counts and messages of one :class:`ExplorerState`; selects by finder and by text.

    ``downloads`` maps the name of a file that the page may ask for to a function that makes it.
    """

    total = Int().tag(sync=True)
    visible = Int().tag(sync=True)
    misclassified = Int(-1, help="misclassified visible rows; -1: no predictions").tag(sync=True)
    selected = Int().tag(sync=True)
    selected_misclassified = Int().tag(sync=True)
    hidden = Int(help="rows that are selected again once their class is shown").tag(sync=True)
    can_undo = Bool().tag(sync=True)
    can_redo = Bool().tag(sync=True)
    files = List(Unicode(), help="names of the downloads").tag(sync=True)
    message = Unicode().tag(sync=True)
    found = Unicode(help="what the last search has found").tag(sync=True)
    search_error = Unicode(help="why the last search has selected nothing").tag(sync=True)
    busy = Unicode(help="what is computed in the background").tag(sync=True)
    done = Float(-1, help="share of it that is done; -1 if unknown").tag(sync=True)
    notes = List(Dict(), help="of, '' for the only record, and text").tag(sync=True)
    finders = List(
        Dict(), help="name, title, meaning, what is lacking, and the number of pictures if known"
    ).tag(sync=True)

    def __init__(
        self,
        state: ExplorerState,
        background: Background,
        downloads: Mapping[str, Download],
    ) -> None:
        self._state = state
        self._downloads = downloads
        self._background = background
        self._asked = 0  # finders asked for: the last one counts
        self._wrong = state.feature_set.misclassified
        super().__init__(total=len(state.codes), files=list(downloads))
        self.handlers = {
            "misclassified": self._on_misclassified,
            "clear": self._on_clear,
            "finder": self._on_finder,
            "search": self._on_search,
            "undo": lambda _content, _buffers: state.undo(),
            "redo": lambda _content, _buffers: state.redo(),
            "download": self._on_download,
        }
        with self.hold_sync():  # one message instead of several
            state.follow(self._show, "chosen", "visible", "message", "can_undo", "can_redo")
            state.follow(self._show_busy, "busy", "measuring")
            state.follow(self._show_finders, "fit", "embedding", "visible", "busy", "measured")

    def _show(self) -> None:
        state, record = self._state, self._state.feature_set
        visible = state.visible_rows
        judged = record.labels is not None and record.predictions is not None
        with self.hold_sync():
            self.visible = int(np.count_nonzero(visible))
            self.misclassified = int(np.count_nonzero(visible & self._wrong)) if judged else -1
            self.selected = len(state.selected)
            self.selected_misclassified = int(np.count_nonzero(self._wrong[state.selected]))
            self.hidden = state.selected_hidden
            self.message = state.message
            self.can_undo, self.can_redo = state.can_undo, state.can_redo

    def _show_busy(self) -> None:
        text, share = self._state.busy, self._state.measuring
        with self.hold_sync():
            if text or share is None:
                self.busy, self.done = text, -1
            else:
                self.busy = f"Measuring pictures, {100 * share:.0f}\u202f%"
                self.done = round(share, 2)

    def _show_finders(self) -> None:
        scores = self._state.scores
        is_known = "label_conflict" in scores.computed()
        notes = conflict_notes(scores["label_conflict"] if is_known else None)
        with self.hold_sync():
            self.notes = note_entries({"": [*self._state.feature_set.notes, *notes]})
            self.finders = [
                {
                    "name": finder.name,
                    "title": finder.title,
                    "meaning": finder.meaning + self._sampled(finder),
                    "lacking": finder_lacks(finder.name, scores),
                    "count": self._count(finder),
                }
                for finder in FINDERS
                if scores.applies(finder.score)
            ]

    def _sampled(self, finder: Finder) -> str:
        """A sentence on the pictures that are not measured; "" if all are."""
        n = len(self._state.codes)
        is_sampled = n > MAX_MEASURED and "pictures" in finder.needs
        return f" Among a sample of {MAX_MEASURED:,} of {n:,} pictures." if is_sampled else ""

    def _count(self, finder: Finder) -> int | None:
        """Number of visible pictures of a finder that has no limit; None if it is not known."""
        scores = self._state.scores
        if finder.above is None or not scores.is_ready(finder.score):
            return None
        return len(finder_rows(finder.name, scores, self._state.visible_rows))

    def _on_finder(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        name, mode, scores = content.get("name"), mode_of(content), self._state.scores
        if name not in FINDER_NAMES or finder_lacks(name, scores):
            raise MalformedMessageError("no such finder, or one that is not offered")
        title = FINDERS[FINDER_NAMES.index(name)].title
        visible = self._state.visible_rows
        order = finder_order(name) if mode in ("replace", "intersect") else None
        self._asked += 1
        asked = self._asked

        def find() -> NDArray[np.int64]:
            return finder_rows(name, scores, visible)

        def select(rows: NDArray[np.int64]) -> None:
            if asked == self._asked:
                self._select(rows, mode, f"{title}: none", order and Ranking(*order))

        if finder_is_ready(name, scores):
            select(find())
        else:
            self._background.run(f"Finding: {title}", find, select)

    def _on_search(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        text, mode = content.get("text"), mode_of(content)
        if not isinstance(text, str) or not 1 <= len(text.strip().casefold()) <= MAX_TEXT:
            raise MalformedMessageError(f"text is not of 1 … {MAX_TEXT} characters")
        try:
            rows, what = rows_of_search(self._state, text)
        except InvalidInputError as error:
            self._report("", printable(error, MAX_SENTENCE))
            return
        hidden = int(np.count_nonzero(~self._state.visible_rows[rows]))
        note = f", {hidden:,} of them in hidden classes" if hidden else ""
        said = printable(f"{len(rows):,} {what}{note}", MAX_SENTENCE)
        if hidden == len(rows):
            self._report("", said)
            return
        self._state.select(rows, mode)
        self._report(said, "")

    def _report(self, found: str, error: str) -> None:
        """Say what a search has found; the field shows it until the next one."""
        with self.hold_sync():
            self.found, self.search_error = found, error

    def _select(
        self, rows: NDArray[np.int64], mode: Mode, none: str, ranking: Ranking | None = None
    ) -> None:
        """Select the visible ones of these rows, or report that there are none."""
        state = self._state
        among = rows[state.visible_rows[rows]]
        if len(among):
            state.select(among, mode, ranking)
        else:
            hidden = f"; {len(rows):,} in hidden classes" if len(rows) else ""
            state.message = printable(f"{none} among the visible pictures{hidden}", MAX_SENTENCE)

    def _on_misclassified(self, _content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        self._state.select(self._wrong & self._state.visible_rows)

    def _on_clear(self, _content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        self._state.select([])

    def _on_download(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        name = content.get("name")
        if not isinstance(name, str) or name not in self._downloads:
            raise MalformedMessageError("no such download")
        self._background.run("Writing the file", self._downloads[name], self._send_file)

    def _send_file(self, file: File) -> None:
        self.send({"kind": "file", "name": file.name, "type": file.kind}, [file.content])
