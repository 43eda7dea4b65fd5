"""Kernel: the views of a notebook without a page; it records a conversation for the replay."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tests.widgets.html_export.shared_pages import SharedPage
from tsne_widget import FeatureSet
from tsne_widget._validation import as_embedding
from tsne_widget.analysis.finders import FINDERS
from tsne_widget.images import ArrayImages
from tsne_widget.widgets.html_export.state import save_state_html
from tsne_widget.widgets.models.coloring import class_palette
from tsne_widget.widgets.models.tiles import Tiles
from tsne_widget.widgets.receiving import receive
from tsne_widget.widgets.state.background import Background
from tsne_widget.widgets.state.explorer_state import ExplorerState
from tsne_widget.widgets.state.known_groups import known_groups
from tsne_widget.widgets.views.diagnosis.view import DiagnosisView
from tsne_widget.widgets.views.foot.view import FootView
from tsne_widget.widgets.views.frame.view import FrameView
from tsne_widget.widgets.views.legend.view import LegendView
from tsne_widget.widgets.views.map.view import MapView
from tsne_widget.widgets.views.panels import PANELS, PanelContext, beside_gallery, tabs
from tsne_widget.widgets.views.toolbar.view import File, ToolbarView
from tsne_widget.widgets.views.view import View

# What a page cannot show or answer, and why. Everything else must be equal.
KERNEL_ONLY_TRAITS = {
    "map.figure": "a canvas draws the map: bqplot needs a widget manager",
    "map.budget": "the canvas draws every point of a page, at most 100,000",
    "map.links": "neighbours are found in the features, which are not in the page",
    "gallery.note": "the remedy in a notebook is a Python call",
    "look.has_neighbors": "neighbours are found in the features, which are not in the page",
    "scores.missing": "a page has no features to compute scores from",
    "groups.can_compute": "a page has no features to find groups in",
    "diagnosis.verdict": "neighbours are found in the features, which are not in the page",
    "diagnosis.causes": "neighbours are found in the features, which are not in the page",
    "diagnosis.trust": "neighbours are found in the features, which are not in the page",
    "diagnosis.trust_sentence": "neighbours are found in the features, which are not in the page",
    "diagnosis.trust_lacking": "neighbours are found in the features, which are not in the page",
    "diagnosis.cluster": "neighbours are found in the features, which are not in the page",
    "diagnosis.findings": "neighbours are found in the features, which are not in the page",
    "diagnosis.layer": "a page does not name the layer of the features",
    "diagnosis.evidence": "a page has no model to find the mean evidence with",
    "look.evidence_code": "the remedy in a notebook is a Python call",
    "gallery.coming": "a page answers at once, so no tiles are sent in advance",
}
KERNEL_ONLY_MESSAGES = {
    "map.no_figure": "a page without a kernel has its points from the start",
    "groups.compute": "a page has no features to find groups in",
    "groups.stop": "a page has no features to find groups in",
    "diagnosis.compute": "neighbours are found in the features, which are not in the page",
    "diagnosis.cause": "neighbours are found in the features, which are not in the page",
    "diagnosis.evidence": "a page has no model to find the mean evidence with",
    "toolbar.download": "a page has only the CSV file, with fewer columns",
    "foot.fit": "a page computes no map",
    "foot.map": "a page has one map",
    "gallery.expect": "a page answers at once, so no tiles are sent in advance",
    "scores.compute": "a page has no features to compute scores from",
    "look.neighbors": "neighbours are found in the features, which are not in the page",
    "look.similar": "distances are measured in the features, which are not in the page",
}
KERNEL_ONLY_REPLIES = {
    "look.neighbors": "neighbours are found in the features, which are not in the page",
}
# Fields of replies.
KERNEL_ONLY_FIELDS = {
    "size": "a page has each picture in one size",
}
KERNEL_ONLY_DETAILS = {
    "row": "a row number is of use only for explorer.select()",
}
# Menus: a page omits scores, sorts and finders that need the features. A notebook lists them with
# their requirements.
FIXED_SORTS = {"dataset", "class", "prediction"}
FIXED_COLORS = {"", "label", "prediction", "correct", "selection"}

_DTYPES = {
    "map.places": "<f4", "map.trails": "<f4", "legend.accuracies": "<f4", "legend.gains": "<f4",
    "map.wrong": "<u4", "map.selected": "<u4", "map.lit": "<u4", "legend.selected_counts": "<u4",
    "confusion.counts": "<u4", "confusion.chosen": "<u4", "confusion.report": "<u4",
    "confusion.chosen_report": "<u4", "confusion.pairs": "<u4", "confusion.chosen_pairs": "<u4",
    "selections.overlaps": "<u4", "selections.class_counts": "<u4",
    "scores.bins": "<f4", "scores.numbers": "<f4",
    "scores.counts": "<u4", "legend.bin_counts": "<u4",
}  # fmt: skip

Message = Mapping[str, Any]


class Kernel:
    """The views of an exploration, which answer messages as in a notebook.

    Parameters
    ----------
    record : FeatureSet
    embedding : (n, 2) array
    images : array, optional
    scores : iterable of str
        Names of scores that are computed before the page is written.
    prepare : callable, optional
        Changes the state before the page is written.
    diagnosis : bool
        Whether to open the diagnosis: it compares neighbours after every message.
    """

    def __init__(
        self,
        record: FeatureSet,
        embedding: ArrayLike,
        folder: Path,
        *,
        images: Any = None,
        scores: Iterable[str] = (),
        prepare: Callable[[ExplorerState], None] | None = None,
        diagnosis: bool = False,
    ) -> None:
        state = self.state = ExplorerState(record, as_embedding(embedding, len(record)))
        source = None if images is None else ArrayImages(images)
        palette = class_palette(state, None)
        for name in scores:
            state.scores[name]
        if prepare is not None:
            prepare(state)
            selections = dict(state.selections)
            state.restore(state.visible, state.selected, selections, state.selection_slots)
        if state.groups is None and record.misclassified.any():  # the page has what is known
            state.groups = known_groups(state.scores)
        colors = dict(zip(state.class_names, palette, strict=True))
        page = SharedPage(
            save_state_html(
                state, source, colors, folder / "page.html", rows=None, progress=False,
                whole_paths=True,
            )
        )  # fmt: skip
        self.record = page.record
        self.pictures = page.contents.get("tw-pictures", "")
        self.views = _views(state, Tiles(state, source, palette), palette)
        if diagnosis:
            self.views["frame"].panel = "diagnosis"
            self.views["diagnosis"].is_open = True
        else:
            del self.views["diagnosis"]
        self.replies: list[dict[str, Any]] = []
        self.steps: list[dict[str, Any]] = []
        self.traits: dict[str, Any] = {}
        for view in self.views.values():
            view.connect(self)
        receive(state, self.views, {"view": "map", "kind": "no_figure"}, [])
        self.start = self._changes()

    # ---- the channel of the views ----

    def send_traits(self, view: View, names: Iterable[str]) -> None:
        """Ignored: the traits are read after each message."""

    def flush(self) -> None:
        """Ignored as well."""

    def send_message(self, view: View, content: dict[str, Any], buffers: Sequence[bytes]) -> None:
        """Keep a reply."""
        name = next(name for name, one in self.views.items() if one is view)
        if f"{name}.{content['kind']}" in KERNEL_ONLY_REPLIES:
            return
        kept = {key: value for key, value in content.items() if key not in KERNEL_ONLY_FIELDS}
        if "details" in kept:
            kept["details"] = [list(one) for one in kept["details"] if one[0] not in
                               KERNEL_ONLY_DETAILS]  # fmt: skip
        self.replies.append(
            {"view": name, "content": kept, "buffers": [list(bytes(one)) for one in buffers]}
        )

    # ---- the conversation ----

    def say(self, view: str, kind: str, polygon: ArrayLike | None = None, **content: Any) -> None:
        """Send a message of the page, and record the answer."""
        self.replies = []
        buffers = [] if polygon is None else [np.asarray(polygon, dtype="<f8").tobytes()]
        receive(
            self.state,
            self.views,
            {"view": view, "kind": kind, **content},
            [memoryview(one) for one in buffers],
        )
        self.steps.append(
            {
                "view": view,
                "content": {"kind": kind, **content},
                "polygon": None if polygon is None else np.ravel(polygon).tolist(),
                "traits": self._changes(),
                "replies": self.replies,
            }
        )

    def case(self) -> dict[str, Any]:
        """The conversation for the replay."""
        return {
            "record": self.record,
            "pictures": self.pictures,
            "dtypes": _DTYPES,
            "fields": list(KERNEL_ONLY_FIELDS),
            "start": self.start,
            "steps": self.steps,
        }

    def kinds(self) -> set[str]:
        """Every message that the views answer, as "<view>.<kind>"."""
        return {f"{name}.{kind}" for name, view in self.views.items() for kind in view.handlers}

    def _changes(self) -> dict[str, Any]:
        """The traits that differ from the last call, as "<view>.<trait>"."""
        now = {
            f"{name}.{trait}": _plain(f"{name}.{trait}", value)
            for name, view in self.views.items()
            for trait, value in view.page_state().items()
            if f"{name}.{trait}" not in KERNEL_ONLY_TRAITS
        }
        scores = {score["name"] for score in self.record["scores"]}
        finders = {
            finder.name for finder in FINDERS
            if finder.matches is None and (not finder.score or finder.score in scores)
        }  # fmt: skip
        now["legend.color_choices"] = [
            one for one in now["legend.color_choices"] if one[0] in FIXED_COLORS | scores
        ]
        now["gallery.sorts"] = [
            one for one in now["gallery.sorts"] if one["key"] in FIXED_SORTS | scores
        ]
        now["toolbar.finders"] = [
            one for one in now["toolbar.finders"] if one["name"] in finders and not one["lacking"]
        ]
        changed = {key: value for key, value in now.items() if self.traits.get(key, ...) != value}
        self.traits = now
        return changed


def _views(state: ExplorerState, tiles: Tiles, palette: Sequence[str]) -> dict[str, View]:
    background = Background(state)
    panels = {name: panel for name, panel in PANELS.items() if not panel.needs_kernel}
    made = {
        name: panel.make(PanelContext(state, background, tiles)) for name, panel in panels.items()
    }
    made |= beside_gallery(PanelContext(state, background, tiles), made["gallery"])
    for view in made.values():
        view.is_open = not isinstance(view, DiagnosisView)
    listed = tabs(panels)
    map_view = MapView(state, tiles, background, palette)
    return {
        "frame": FrameView("explorer", [{"view": "map", "title": ""}], listed),
        "map": map_view,
        "toolbar": ToolbarView(
            state, background, {"csv": lambda: File("pictures.csv", "text/csv", b"")}
        ),
        "foot": FootView(state, lambda _word: None, lambda _name: None),
        "legend": LegendView(state, palette, map_view),
        **made,
    }


def _plain(name: str, value: Any) -> Any:
    """A trait in JSON: bytes as a list of numbers, NaN as None."""
    if isinstance(value, (bytes, memoryview)):
        numbers = np.frombuffer(value, dtype=_DTYPES.get(name, "u1"))
        return [None if number != number else number for number in numbers.tolist()]
    if isinstance(value, (list, tuple, dict)):
        return json.loads(json.dumps(value, default=functools.partial(_plain, "")))
    return value
