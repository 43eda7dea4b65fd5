"""The key: what the colours mean, and a toggle per class with its counts and accuracy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from traitlets import Bool, Bytes, Dict, Int, List, Unicode

from tsne_widget._text import printable
from tsne_widget.analysis.scores import PICTURE_SCORES, SCORES
from tsne_widget.feature_set import FeatureSet
from tsne_widget.widgets.models.appearance import title_of
from tsne_widget.widgets.models.histogram import Histograms
from tsne_widget.widgets.state.explorer_state import MISTAKES, ExplorerState
from tsne_widget.widgets.state.page_messages import (
    MalformedMessageError,
    boolean,
    integer,
    mode_of,
)
from tsne_widget.widgets.views.view import View

# Title of the list by what the classes are; "" for one class of all samples.
TITLES = {"label": "Classes", "prediction": "Predicted classes", "": ""}
# From this many classes on, the list begins with the least accurate ones.
MANY_CLASSES = 20
# Groups of the colour menu.
COLOR_GROUPS = ("Classes", "Scores", "Columns", "Pictures")


class LegendView(View):
    """Colours and class toggles of one :class:`ExplorerState`: one, a range, all, only one.

    Sort and search live in the page, so each message names the classes that it applies to.

    Parameters
    ----------
    state : ExplorerState
    colors : sequence of str
        Colour "#rrggbb" of each class.
    map_view : View
        The map that computes the colours; its ``color_by`` and ``key`` say what it shows.
    before : FeatureSet, optional
        Of compared records: the one over which the accuracy has risen.
    """

    title = Unicode().tag(sync=True)
    names = List(Unicode()).tag(sync=True)
    colors = List(Unicode()).tag(sync=True)
    counts = List(Int()).tag(sync=True)
    accuracies = Bytes(help="accuracy per class, float32 little-endian; NaN: none").tag(sync=True)
    gains = Bytes(help="rise of the accuracy between two records, as accuracies").tag(sync=True)
    visible = Bytes(help="one bit per class, most significant first").tag(sync=True)
    selected_counts = Bytes(
        help="selected rows per class, those that wait while it is hidden included, uint32"
    ).tag(sync=True)
    is_key = Bool(True, help="the map is coloured by class").tag(sync=True)
    sorted_by = Unicode("order", help="kept for a page reload").tag(sync=True)
    color_by = Unicode(help="what the map's colours mean").tag(sync=True)
    color_choices: Any = List(help="name, title, requirement and group of each").tag(sync=True)
    key = Dict(help="meaning of colours that are no classes").tag(sync=True)
    bins = Dict(help="low and high of the bins of what colours the map; {} for none").tag(sync=True)
    bin_counts = Bytes(help="(bins, 4) uint32, see bin_counts()").tag(sync=True)
    mistakes = Unicode(help="how the map draws mistakes").tag(sync=True)

    page_traits = ("sorted_by",)

    def __init__(
        self,
        state: ExplorerState,
        colors: Sequence[str],
        map_view: View,
        before: FeatureSet | None = None,
    ) -> None:
        self._state = state
        self._map: Any = map_view
        self._toggled: _Toggled | None = None
        self._histograms = Histograms(state.scores) if before is None else None
        accuracies = state.accuracies
        gains = np.empty(0)
        if before is not None:
            gains = accuracies - state.classes.accuracies(before)
        is_ranked = len(accuracies) >= MANY_CLASSES and bool(np.isfinite(accuracies).any())
        super().__init__(
            title=TITLES[state.colored_by],
            names=[printable(name) for name in state.class_names],
            colors=list(colors),
            counts=state.counts.tolist(),
            accuracies=accuracies.astype("<f4").tobytes(),
            gains=gains.astype("<f4").tobytes(),
            sorted_by="accuracy" if is_ranked else "order",
        )
        self.handlers = {
            "toggle": self._on_toggle,
            "only": self._on_only,
            "all": self._on_all,
            "show": self._on_show,
            "invert": self._on_invert,
            "color": self._on_color,
            "mistakes": self._on_mistakes,
            "range": self._on_range,
        }
        with self.hold_sync():  # one message instead of several
            state.follow(self._show_visible, "visible")
            state.follow(self._show_selected, "chosen")
            state.follow(self._show_is_key, "color_by")
            state.follow(self._show_color_choices, "fit", "selections", "measured", "explained")
            state.follow(lambda: self.set_trait("mistakes", state.mistakes), "mistakes")
            self._show_colors()
            state.follow(self._show_bins, "visible", "selected")
        map_view.observe(lambda _change: self._show_colors(), ["color_by", "key"])

    def _show_visible(self) -> None:
        self.visible = np.packbits(self._state.visible).tobytes()

    def _show_selected(self) -> None:
        self.selected_counts = self._state.chosen_counts.astype("<u4").tobytes()

    def _show_is_key(self) -> None:
        self.is_key = self._state.color_by in (self._state.colored_by, "prediction")

    def _show_colors(self) -> None:
        with self.hold_sync():
            self.color_by = self._map.color_by
            self.key = self._map.key
            self._show_bins()

    def _show_bins(self) -> None:
        """Count the rows in the bins of what colours the map, if it is an amount."""
        state, name = self._state, self.color_by
        if self._histograms is None or not self.key.get("low") or not state.scores.is_ready(name):
            self.bins, self.bin_counts = {}, b""
            return
        found = self._histograms.bins(name)
        with self.hold_sync():
            self.bins = {"low": found.low, "high": found.high}
            self.bin_counts = self._histograms.counts(name, state.visible_rows, state.selected)

    def _show_color_choices(self) -> None:
        columns, choices = self._state.scores.columns, self._state.color_choices
        plain = [] if self._state.colored_by else [["", "one colour", "", COLOR_GROUPS[0]]]
        self.color_choices = plain + [
            [
                name,
                title_of(name),
                lacking,
                _group(name, is_own=name in columns),
            ]
            for name, lacking in choices.items()
            if self._state.scores.applies(name)
        ]

    def _on_color(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        name = content.get("name")
        possible = [known for known, lacking in self._state.color_choices.items() if not lacking]
        if name not in [self._state.colored_by, *possible]:
            raise MalformedMessageError("the map cannot be coloured by that")
        self._state.color_by = name

    def _on_mistakes(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        if content.get("how") not in MISTAKES:
            raise MalformedMessageError("mistakes cannot be drawn like that")
        self._state.mistakes = content["how"]

    def _on_range(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        """Select the visible rows in some bins of the key's histogram."""
        if self._histograms is None or not self.bins:
            raise MalformedMessageError("there is no histogram")
        inside = self._histograms.rows(self.color_by, content)
        self._state.select(inside & self._state.visible_rows, mode_of(content))

    def _on_toggle(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        code, state = self._class(content), self._state
        was_alone = bool(state.visible[code] and state.visible.sum() == 1)
        visible = state.visible.copy()
        visible[code] = not visible[code]
        state.show(visible)
        self._toggled = _Toggled(code, was_alone, state.step)

    def _on_only(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        code, state = self._class(content), self._state
        first, self._toggled = self._toggled, None
        if first is not None and (first.code, first.step) != (code, state.step):
            first = None
        if content.get("second_click") is not True:
            first = None
        only = np.arange(len(self._state.class_names)) == code
        was_alone = first.was_alone if first else np.array_equal(state.visible, only)
        state.show(np.ones_like(only) if was_alone else only, amends=first is not None)

    def _on_all(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        self._state.show(np.full(len(self._state.class_names), boolean(content, "visible")))

    def _on_show(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        visible = self._state.visible.copy()
        visible[self._classes(content)] = boolean(content, "visible")
        self._state.show(visible)

    def _on_invert(self, content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        visible, codes = self._state.visible.copy(), self._classes(content)
        visible[codes] = ~visible[codes]
        self._state.show(visible)

    def _class(self, content: dict[str, Any]) -> int:
        return integer(content, "code", 0, len(self._state.class_names) - 1)

    def _classes(self, content: dict[str, Any]) -> NDArray[np.intp]:
        codes, most = content.get("codes"), len(self._state.class_names)
        if not isinstance(codes, list) or len(codes) > most:
            raise MalformedMessageError(f"codes is not a list of at most {most} classes")
        return np.array([self._class({"code": code}) for code in codes], dtype=np.intp)


def _group(name: str, *, is_own: bool) -> str:
    """Group of the colour menu that a choice belongs to."""
    classes, scores, columns, pictures = COLOR_GROUPS
    if is_own or name not in SCORES:
        return columns if is_own else classes
    return pictures if name in PICTURE_SCORES else scores


class _Toggled(NamedTuple):
    """The last click on a class, so that a double click makes one step of both clicks."""

    code: int
    was_alone: bool
    step: int
    """The state's number of changes after it."""
