"""Messages of a page: golden conversations of each view, and strategies for others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.contract.cases import ODD_NAMES
from tests.contract.kernel import Kernel
from tsne_widget.widgets.state.evidence import TARGETS
from tsne_widget.widgets.state.explorer_state import MISTAKES
from tsne_widget.widgets.state.selecting import MODES
from tsne_widget.widgets.views.gallery.view import PICKED_MODES

LASSO = [[-1.0, -1.0], [1.5, -0.8], [0.7, 1.2], [-0.9, 0.9]]
TEXTS = ["#5", "5", "005", "CREME", "strasse", "ＣＡＴ", "é1", "ü", "\u0301", "set 1", "²", " owl ",
         "nothing at all", "prediction:cat", "actt", "strsase", "prediction: olw", "ôlwe",
         "label: OWL", "Prediction:a", "label:zebra", "unknown", "#",
         "'\u202e", "class 1"]  # fmt: skip
NAMES = ["mine", "all", "misclassified", "mine", " padded ", "it's", '"', *ODD_NAMES[:6], "b" * 80]


def map_gestures(kernel: Kernel) -> None:
    for mode in ("replace", "add", "subtract", "intersect"):
        kernel.say("map", "select", polygon=np.array(LASSO) * (0.5 + 0.2 * len(mode)), mode=mode)
    for kind in ("undo", "undo", "redo", "undo", "undo", "redo", "redo", "redo"):
        kernel.say("map", kind)
    kernel.say("map", "pick", point=7, epoch=0, mode="add")
    kernel.say("map", "open", point=9, epoch=0)
    kernel.say("map", "pictures", points=[2, 6], epoch=0)
    kernel.say("map", "hover", point=3, epoch=0, known=False)
    kernel.say("map", "hover", point=4, epoch=0, known=True)
    kernel.say("map", "leave")
    kernel.say("map", "set", state={"viewport": [0.0, 1.0, 0.5, 2.0]})
    kernel.say("map", "set", state={"show_labels": True})
    kernel.say("map", "set", state={"pictures": True, "point_size": 1.5, "opacity": 0.5})
    kernel.say("map", "clear")


def legend_toggles(kernel: Kernel) -> None:
    last = len(kernel.state.class_names) - 1
    kernel.say("map", "select", polygon=LASSO, mode="replace")
    for _ in range(2):
        kernel.say("legend", "toggle", code=0)
        kernel.say("legend", "only", code=0, second_click=True)
    kernel.say("legend", "toggle", code=last)
    kernel.say("map", "undo")
    kernel.say("legend", "only", code=last)
    kernel.say("legend", "only", code=last)
    kernel.say("legend", "show", codes=sorted({0, last}), visible=False)
    kernel.say("toolbar", "misclassified")
    kernel.say("legend", "invert", codes=[last])
    kernel.say("legend", "all", visible=False)
    kernel.say("legend", "all", visible=True)
    kernel.say("legend", "set", state={"sorted_by": "name"})
    kernel.say("map", "undo")


def legend_colors(kernel: Kernel) -> None:
    scores = {score["name"] for score in kernel.record["scores"]}
    for name, _title, lacking, _group in kernel.views["legend"].page_state()["color_choices"]:
        if not lacking and (name in scores or name in ("prediction", "correct", "label")):
            kernel.say("legend", "color", name=name)
        if kernel.views["legend"].bins:
            kernel.say("legend", "range", first=0, last=1, mode="replace")
            last = len(kernel.views["legend"].bins["low"]) - 1
            kernel.say("legend", "range", first=last // 2, last=last, mode="add")
    for how in MISTAKES[::-1]:
        kernel.say("legend", "mistakes", how=how)


def hidden_selections(kernel: Kernel) -> None:
    """Hide and show classes with a selection, and go back and forth."""
    last = len(kernel.state.class_names) - 1
    kernel.say("map", "select", polygon=LASSO, mode="replace")
    kernel.say("selections", "name", name="mine")
    for mode in MODES:
        kernel.say("legend", "toggle", code=0)
        kernel.say("map", "pick", point=9, epoch=0, mode=mode)
        kernel.say("map", "undo")
        kernel.say("legend", "toggle", code=last)
        kernel.say("selections", "select", epoch=kernel.views["selections"].epoch, index=0,
                   mode=mode)  # fmt: skip
        kernel.say("legend", "toggle", code=0)
    for kind in ("undo", "undo", "redo", "undo", "undo", "undo", "redo", "redo", "redo", "redo"):
        kernel.say("toolbar", kind)
    kernel.say("legend", "only", code=last)
    kernel.say("legend", "all", visible=True)
    kernel.say("map", "clear")


def toolbar_searches(kernel: Kernel) -> None:
    kernel.say("toolbar", "misclassified")
    for finder in kernel.start["toolbar.finders"]:
        kernel.say("toolbar", "finder", name=finder["name"], mode="replace")
    for text in TEXTS:
        kernel.say("toolbar", "search", text=text, mode="replace")
    kernel.say("legend", "show", codes=[0], visible=False)
    for text in ("5", "CAT", "class 0"):
        kernel.say("toolbar", "search", text=text, mode="add")
    kernel.say("toolbar", "clear")
    kernel.say("toolbar", "undo")
    kernel.say("toolbar", "redo")


def gallery_orders(kernel: Kernel) -> None:
    view = kernel.views["gallery"]
    possible = [sort["key"] for sort in kernel.start["gallery.sorts"] if not sort["lacks"]]
    groups = [one["key"] for one in kernel.start["gallery.groupings"] if not one["lacks"]]

    def ask(start: int = 0) -> None:
        stop = min(view.count, start + 6)
        kernel.say("gallery", "tiles", epoch=view.epoch, start=start, stop=stop, size=96)

    ask()
    kernel.say("map", "select", polygon=LASSO, mode="replace")
    kernel.say("map", "clear")
    kernel.say("gallery", "arrange", size=128)
    for sort in possible:
        kernel.say("gallery", "arrange", sort=sort)
        ask()
        kernel.say("gallery", "arrange", descending=not view.descending)
        ask()
    for group in groups:
        kernel.say("gallery", "arrange", group=group, source="visible")
        ask(2)
        kernel.say("gallery", "group", epoch=view.epoch, index=0, mode="replace")
    for is_table in (True, False):
        kernel.say("gallery", "arrange", table=is_table)
        stop = min(view.count, 4)
        kernel.say("gallery", "tiles", epoch=view.epoch, start=0, stop=stop, size=0)
    kernel.say("gallery", "tiles", epoch=view.epoch - 1, start=0, stop=1, size=96)
    kernel.say("gallery", "arrange", source="selection")


def gallery_samples(kernel: Kernel) -> None:
    view = kernel.views["gallery"]
    for index in range(min(8, view.count)):
        kernel.say("gallery", "open", epoch=view.epoch, index=index)
        kernel.say("look", "look", row=kernel.state.focus)
        for target in TARGETS:
            kernel.say("look", "evidence", row=kernel.state.focus, target=target)
        kernel.say("look", "step", by=1)
    kernel.say("look", "look", row=(kernel.state.focus + 1) % len(kernel.state.codes))
    kernel.say("look", "focus", row=2)
    kernel.say("look", "hover", row=1)
    kernel.say("look", "step", by=-1)
    kernel.say("look", "focus", row=None)
    kernel.say("gallery", "hover", row=2)
    kernel.say("map", "hover", point=1, epoch=0, known=False)
    kernel.say("gallery", "hover", row=None)
    kernel.say("map", "leave")
    kernel.say("gallery", "pick", epoch=view.epoch, index=1, range=False)
    kernel.say("gallery", "pick", epoch=view.epoch, index=min(4, view.count - 1), range=True)
    kernel.say("gallery", "pick", epoch=view.epoch, index=2, range=False)
    kernel.say("gallery", "picked", do="keep")
    kernel.say("gallery", "pick", epoch=view.epoch, index=0, range=False)
    kernel.say("gallery", "picked", do="remove")
    kernel.say("gallery", "arrange", source="visible")
    kernel.say("gallery", "pick", epoch=view.epoch, index=3, range=True)
    kernel.say("legend", "toggle", code=0)
    kernel.say("gallery", "picked", do="add")
    kernel.say("gallery", "picked", do="clear")


def strip_of_the_selection(kernel: Kernel) -> None:
    view = kernel.views["strip"]
    for finder in kernel.start["toolbar.finders"]:
        kernel.say("toolbar", "finder", name=finder["name"], mode="replace")
        if view.count:
            stop = min(view.count, 5)
            kernel.say("strip", "tiles", epoch=view.epoch, start=0, stop=stop, size=96)
            kernel.say("strip", "open", epoch=view.epoch, index=stop - 1)
    kernel.say("gallery", "arrange", sort="dataset", descending=True)
    kernel.say("map", "select", polygon=LASSO, mode="replace")
    kernel.say("gallery", "arrange", source="visible")
    kernel.say("strip", "hover", row=2)
    kernel.say("strip", "hover", row=None)
    kernel.say("strip", "set", state={"is_folded": True})
    kernel.say("strip", "tiles", epoch=view.epoch - 1, start=0, stop=1, size=96)


def confusion_cells(kernel: Kernel) -> None:
    c = len(kernel.state.feature_set.class_names)
    kernel.say("legend", "toggle", code=1 % len(kernel.state.class_names))
    if "cell" in kernel.views["confusion"].handlers:
        kernel.say("confusion", "cell", label=0, prediction=c - 1, mode="replace")
        kernel.say("confusion", "label", code=c - 1, mode="add")
        kernel.say("confusion", "prediction", code=0, mode="subtract")
        kernel.say("confusion", "block", labels=[0, c - 1], predictions=[c - 1], mode="replace")
        kernel.say("confusion", "block", labels=[0], predictions=[], mode="add")
    kernel.say("confusion", "set", state={"counts_selection": True, "shows_shares": True})
    kernel.say("confusion", "set", state={"by_group": True, "by_confusion": True})
    kernel.say("legend", "toggle", code=0)
    kernel.say("confusion", "set", state={"by_group": False})
    kernel.say("frame", "set", state={"panel": "confusion"})


def score_ranges(kernel: Kernel) -> None:
    view = kernel.views["scores"]
    kernel.say("map", "select", polygon=LASSO, mode="replace")
    for one, mode in zip(view.histograms, MODES * 5, strict=False):
        last = len(one["low"]) - 1
        kernel.say("scores", "range", name=one["name"], first=last // 3, last=last, mode=mode)
    if not view.lacking:
        kernel.say("scores", "bar", first=0, last=0, mode="replace")
        kernel.say("scores", "set", state={"of_class": 1})
        kernel.say("legend", "toggle", code=0)
        if view.bins:
            kernel.say("scores", "bar", first=0, last=len(view.bins) // 20 - 1, mode="intersect")
        kernel.say("scores", "set", state={"of_class": -1})


def named_selections(kernel: Kernel) -> None:
    view = kernel.views["selections"]
    for number, name in enumerate(NAMES):
        kernel.say("map", "pick", point=number, epoch=0, mode="add")
        kernel.say("selections", "name", name=name)
    kernel.say("selections", "keep")
    kernel.say("legend", "color", name="selection")
    for mode in MODES:
        kernel.say("selections", "select", epoch=view.epoch, index=1, mode=mode)
    kernel.say("selections", "rename", epoch=view.epoch, index=0, name="renamed")
    for name in ("renamed", "it's", "all"):
        kernel.say("selections", "rename", epoch=view.epoch, index=0, name=name)
    for index in (0, 2, 1):
        kernel.say("selections", "drop", epoch=view.epoch, index=index)
    kernel.say("selections", "restore")
    kernel.say("selections", "restore")
    kernel.say("selections", "name", name="mine")
    kernel.say("selections", "keep")
    kernel.say("selections", "keep")
    kernel.say("selections", "drop", epoch=view.epoch, index=len(view.names) - 1)
    kernel.say("selections", "drop", epoch=view.epoch - 1, index=0)
    if view.classes:
        for mode in MODES:
            kernel.say("selections", "class", code=len(view.classes) - 1, mode=mode)
    kernel.say("legend", "toggle", code=0)
    kernel.say("selections", "select", epoch=view.epoch, index=0, mode="replace")


def groups_of_mistakes(kernel: Kernel) -> None:
    kernel.say("groups", "light", group=0)
    kernel.say("groups", "select", group=0, mode="replace")
    kernel.say("groups", "light", group=None)
    kernel.say("groups", "select", group=1, mode="add")
    kernel.say("groups", "light", group=1)
    kernel.say("groups", "select", group=2, mode="add")
    kernel.say("groups", "tiles", epoch=1, start=0, stop=1, size=96)


def diagnosis_of_selections(kernel: Kernel) -> None:
    """What sets mistakes and selections apart, and the shortcuts of one class."""
    view = kernel.views["diagnosis"]

    def use() -> None:
        for name in list(view.compared):
            kernel.say("diagnosis", "compare", name=name)
        for one in [*view.contrasts, *view.shortcuts][:2]:
            kernel.say("diagnosis", "color", name=one["name"])
        for one in view.contrasts[-1:]:
            kernel.say("diagnosis", "contrast", name=one["name"], mode="replace")
            kernel.say("map", "undo")

    use()
    kernel.say("map", "select", polygon=LASSO, mode="replace")
    use()
    for pair in view.pairs:
        pair = {key: pair[key] for key in ("label", "prediction")}
        kernel.say("diagnosis", "pair", **pair, mode="add")
    kernel.say("legend", "toggle", code=0)
    kernel.say("map", "clear")
    if not view.lacking:
        kernel.say("confusion", "label", code=1, mode="replace")
    use()


CONVERSATIONS: dict[str, Callable[[Kernel], None]] = {
    one.__name__: one
    for one in (
        map_gestures, legend_toggles, legend_colors, hidden_selections, toolbar_searches,
        gallery_orders, gallery_samples, strip_of_the_selection, confusion_cells, score_ranges,
        groups_of_mistakes,
        named_selections,
    )
}  # fmt: skip


# ---- made by hypothesis ----

_MODE = st.sampled_from(MODES)
_SHARE = st.floats(0, 1, exclude_max=True)  # from a range that is known when the message is sent
_CORNER = st.tuples(st.floats(-3, 3), st.floats(-3, 3))


def _at(share: float, count: int) -> int:
    return min(count - 1, int(share * count))


def _act(*fields: st.SearchStrategy[Any]) -> Callable[[Callable[..., None]], Any]:
    """A strategy of functions that send a message to a kernel."""

    def decorate(say: Callable[..., None]) -> Any:
        return st.tuples(*fields).map(lambda drawn: lambda kernel: say(kernel, *drawn))

    return decorate


@_act(st.lists(_CORNER, min_size=3, max_size=6), _MODE)
def _lasso(kernel: Kernel, polygon: list[Any], mode: str) -> None:
    kernel.say("map", "select", polygon=polygon, mode=mode)


@_act(_SHARE, _MODE)
def _pick_point(kernel: Kernel, at: float, mode: str) -> None:
    point = _at(at, len(kernel.state.codes))
    kernel.say("map", "pick", point=point, epoch=0, mode=mode)


@_act(_SHARE, st.booleans())
def _hover_point(kernel: Kernel, at: float, known: bool) -> None:
    kernel.say("map", "hover", point=_at(at, len(kernel.state.codes)), epoch=0, known=known)


@_act(st.sampled_from(["undo", "undo", "redo", "leave", "clear"]))
def _on_map(kernel: Kernel, kind: str) -> None:
    kernel.say("map", kind)


@_act(_SHARE)
def _color(kernel: Kernel, at: float) -> None:
    choices = [one[0] for one in kernel.traits["legend.color_choices"] if not one[2]]
    if choices:
        kernel.say("legend", "color", name=choices[_at(at, len(choices))])


@_act(_SHARE, st.sampled_from(["toggle", "only", "double", "invert", "show", "all"]), st.booleans())
def _legend(kernel: Kernel, at: float, kind: str, flag: bool) -> None:
    code = _at(at, len(kernel.state.class_names))
    fields: dict[str, dict[str, Any]] = {
        "toggle": {"code": code},
        "only": {"code": code},
        "invert": {"codes": list(range(code + 1))},
        "show": {"codes": list(range(code, len(kernel.state.class_names))), "visible": flag},
        "all": {"visible": flag},
    }
    if kind == "double":
        kernel.say("legend", "toggle", code=code)
        kernel.say("legend", "only", code=code, second_click=True)
    else:
        kernel.say("legend", kind, **fields[kind])


@_act(
    st.sampled_from(["search", "finder", "misclassified", "clear"]),
    st.sampled_from(TEXTS),
    _SHARE,
    _MODE,
)
def _toolbar(kernel: Kernel, kind: str, text: str, at: float, mode: str) -> None:
    finders = [one["name"] for one in kernel.start["toolbar.finders"]]
    if kind == "search":
        kernel.say("toolbar", "search", text=text, mode=mode)
    elif kind == "finder" and finders:
        kernel.say("toolbar", "finder", name=finders[_at(at, len(finders))], mode=mode)
    elif kind != "finder":
        kernel.say("toolbar", kind)


_WHAT = ["source", "sort", "group", "descending", "size", "table"]


@_act(st.sampled_from(_WHAT), _SHARE, st.booleans())
def _arrange(kernel: Kernel, what: str, at: float, flag: bool) -> None:
    sorts = [one["key"] for one in kernel.start["gallery.sorts"] if not one["lacks"]]
    groups = [one["key"] for one in kernel.start["gallery.groupings"] if not one["lacks"]]
    choices = {
        "source": ["selection", "visible"], "sort": sorts, "group": groups,
        "descending": [False, True], "size": [0, 56, 96, 200], "table": [False, True],
    }[what]  # fmt: skip
    value = {what: choices[_at(at, len(choices))]}
    kernel.say("gallery", "arrange", **(value | ({"descending": flag} if what == "sort" else {})))


@_act(
    st.sampled_from(["tiles", "open", "pick", "range", "hover", "look", "step"]),
    _SHARE,
    st.booleans(),
)
def _tile(kernel: Kernel, what: str, at: float, is_stale: bool) -> None:
    view = kernel.views["gallery"]
    epoch, count = view.epoch - is_stale, view.count
    index = _at(at, count)
    if what == "hover":
        row = None if is_stale else _at(at, len(kernel.state.codes))
        kernel.say("gallery", "hover", row=row)
    elif what == "look" and kernel.state.focus is not None:
        kernel.say("look", "look", row=kernel.state.focus)
    elif what == "step":
        kernel.say("look", "step", by=-1 if is_stale else 1)
    elif count and what == "tiles":
        stop = min(count, index + 5)
        kernel.say("gallery", "tiles", epoch=epoch, start=index, stop=stop, size=96)
    elif count and what == "open":
        kernel.say("gallery", "open", epoch=epoch, index=index)
    elif count and what in ("pick", "range"):
        kernel.say("gallery", "pick", epoch=epoch, index=index, range=what == "range")


@_act(st.sampled_from(list(PICKED_MODES)))
def _picked(kernel: Kernel, action: str) -> None:
    kernel.say("gallery", "picked", do=action)


@_act(st.sampled_from(["cell", "label", "prediction"]), _SHARE, _SHARE, _MODE)
def _confusion(kernel: Kernel, kind: str, at: float, across: float, mode: str) -> None:
    c = len(kernel.state.feature_set.class_names)
    if kind not in kernel.views["confusion"].handlers:
        return
    fields = {"label": _at(at, c), "prediction": _at(across, c)}
    kernel.say("confusion", kind, mode=mode, **(fields if kind == "cell" else {"code": _at(at, c)}))


@_act(st.sampled_from(["name", "keep", "rename", "select", "drop", "restore"]),
      st.sampled_from(NAMES), _SHARE, _MODE, st.integers(0, 5))  # fmt: skip
def _selection(kernel: Kernel, kind: str, name: str, at: float, mode: str, age: int) -> None:
    view = kernel.views["selections"]
    if kind in ("restore", "keep") or (kind == "name" and len(kernel.state.selected)):
        kernel.say("selections", kind, **({"name": name} if kind == "name" else {}))
    elif kind != "name" and view.names:
        fields: dict[str, Any] = {"epoch": view.epoch - (age == 0)}
        fields["index"] = _at(at, len(view.names))
        fields |= {"rename": {"name": name}, "select": {"mode": mode}, "drop": {}}[kind]
        kernel.say("selections", kind, **fields)


ACTIONS = st.one_of(
    _lasso, _pick_point, _hover_point, _on_map, _color, _legend, _toolbar, _arrange, _tile, _picked,
    _confusion, _selection,
)  # fmt: skip
