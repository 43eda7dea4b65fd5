"""ExplorerState: everything that changes while a map is explored."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from traitlets import Any as AnyTrait
from traitlets import Dict, Float, Int, Unicode, observe, validate

from tsne_widget._validation import as_row_set
from tsne_widget.analysis import Scores
from tsne_widget.errors import InvalidInputError
from tsne_widget.feature_set import FeatureSet
from tsne_widget.widgets.state.classes import checked_groups, classes_of
from tsne_widget.widgets.state.evidence import Evidence
from tsne_widget.widgets.state.known_groups import KnownGroups
from tsne_widget.widgets.state.main_thread import MainThread, is_main
from tsne_widget.widgets.state.named_selections import (
    MAX_SELECTIONS,
    assigned_slots,
    checked_name,
    selection_color,
)
from tsne_widget.widgets.state.selecting import Selecting

# How the map marks misclassified samples: with a ring, alone, or not at all.
Mistakes = Literal["mark", "only", "plain"]
MISTAKES: tuple[Mistakes, ...] = ("mark", "only", "plain")

# The tests set it: setting a trait outside the main thread is then an error. ipywidgets may send
# such a change together with half of another one (ipywidgets#4001).
CHECKS_THREADS = bool(os.environ.get("TSNE_WIDGET_DEBUG"))


class Fit(NamedTuple):
    """Progress of the computation of a map.

    ``condition`` is "none" (given coordinates), "waiting", "running", "paused", "stopped", "done"
    or "failed". ``total`` is 0 if the projector reports no iterations, ``seconds`` NaN until the
    end. ``note`` is a remark about the map, ``stage`` what is done before the first iteration.
    ``turn`` is the angle in degrees by which the finished map is turned.
    """

    condition: str = "none"
    title: str = ""
    iteration: int = 0
    total: int = 0
    divergence: float = math.nan
    seconds: float = math.nan
    note: str = ""
    stage: str = ""
    turn: float = 0.0


class ExplorerState(Selecting):
    """Visible classes, selected rows, embedding and messages of one explorer.

    Views read this state and write only to it. :class:`Selecting` has the selection and the
    visible classes. Traits are set on the main thread only.

    Attributes
    ----------
    embedding : (n, 2) float32 array or None, a trait
        Coordinates of the visible map; None until it is computed.
    fit : Fit, a trait
        Progress of the visible map.
    map_name : str, a trait
        Name of the visible map, see :class:`Maps`.
    fits : dict of name to Fit, a trait
        Progress of every map.
    busy : str, a trait
        What is computed beside the map; "" for nothing.
    measuring : float or None, a trait
        Share of the pictures that the pass has measured; None when it does not run.
    gesture_at : float
        ``time.monotonic()`` of the page's latest message, or of the latest change of rows.
    measured : int, a trait
        Increases whenever scores of the pictures become known.
    hovered, focus : int or None, traits
        The row under the pointer; the row whose details are open, which may be hidden.
    selections : dict of name to (k,) int64 rows, a trait
        Named selections in the order they were named, rows of hidden classes included. Set a new
        dict; do not change this one.
    lit : (k,) int64 array or None, a trait
        Rows that the map lights up for the moment, as if they were selected.
    color_by : str, a trait
        Meaning of the points' colours, one of :attr:`color_choices`.
    mistakes : "mark", "only" or "plain", a trait
        How the map draws misclassified samples: marked with a ring, alone, or as all others.
    explained : int, a trait
        Increases when maps of evidence are added, a model is given, or distances to a picture are
        known.
    evidence : Evidence
        The maps of evidence.
    selection_slots : dict of name to int
        Number of each named selection's colour, see :func:`selection_color`.
    main_thread : MainThread
        Runs functions on the main thread.
    scores : Scores
        Columns of values per sample, computed on first use.
    words : mapping of str to callable
        More words that ``select()`` understands, each with a function that returns its rows.
    classes : Classes
        Class of each row.
    class_groups : dict of name to list of int
        Codes of the classes in each group, see :func:`checked_groups`.
    """

    embedding = AnyTrait(allow_none=True)
    fit = AnyTrait()
    map_name = Unicode()
    fits = Dict()
    busy = Unicode()
    measuring = Float(None, allow_none=True)
    measured = Int()
    hovered = Int(None, allow_none=True)
    focus = Int(None, allow_none=True)
    selections = Dict()
    color_by = Unicode()
    mistakes = Unicode("mark")
    explained = Int()
    lit = AnyTrait(None, allow_none=True)

    def __init__(
        self,
        feature_set: FeatureSet,
        embedding: NDArray[np.float32] | None,
        columns: Mapping[str, ArrayLike] | None = None,
        class_groups: Mapping[str, Sequence[str | int]] | None = None,
    ) -> None:
        self.feature_set = feature_set
        self.main_thread = MainThread()
        self.gesture_at = 0.0
        self.scores = Scores(feature_set, columns)
        self.evidence = Evidence(feature_set, self.scores)
        self.classes = classes_of(feature_set)
        self.class_groups = checked_groups(class_groups, self.classes)
        self.selection_slots: dict[str, int] = {}
        self.groups: KnownGroups | None = None  # once they are found
        self.words: Mapping[str, Callable[[], NDArray[np.int64]]] = {}
        super().__init__(
            self.codes,
            len(self.class_names),
            feature_set.ids,
            embedding=embedding,
            fit=Fit(),
            color_by=self.colored_by,
        )
        self.evidence.changed = self._count_evidence

    def __setattr__(self, name: str, value: Any) -> None:
        if CHECKS_THREADS and not is_main():
            raise RuntimeError(
                f"{name} was set on {threading.current_thread().name}; hand the value to the main "
                "thread, see main_thread.py"
            )
        super().__setattr__(name, value)

    @property
    def codes(self) -> NDArray[np.int64]:
        """(n,) int64: class of each row as an index into ``class_names``."""
        return self.classes.codes

    @property
    def class_names(self) -> list[str]:
        """Names of the g classes, unknown last if there is one."""
        return self.classes.names

    @property
    def known(self) -> int:
        """Number of classes that are not "unknown"."""
        return self.classes.known

    @property
    def colored_by(self) -> str:
        """What the classes are: "label", "prediction", or "" if the record has neither."""
        return self.classes.kind

    @property
    def counts(self) -> NDArray[np.int64]:
        """(g,) int64: rows of each class."""
        return np.bincount(self.codes, minlength=len(self.class_names))

    @property
    def chosen_counts(self) -> NDArray[np.int64]:
        """(g,) int64: selected rows of each class, those that wait in hidden classes included."""
        return np.bincount(self.codes[self.chosen], minlength=len(self.class_names))

    @property
    def accuracies(self) -> NDArray[np.float64]:
        """(g,) float64: accuracy of each class; NaN where it is unknown."""
        return self.classes.accuracies(self.feature_set)

    @property
    def color_choices(self) -> dict[str, str]:
        """What the map can be coloured by, and what each choice requires ("" for nothing)."""
        record = self.feature_set
        labels = "" if record.labels is not None else "labels"
        predictions = "" if record.predictions is not None else "predictions"
        needs = {
            "label": labels,
            "prediction": predictions,
            "correct": " and ".join(filter(None, [labels, predictions])),
        }
        own = {name: f"needs {lacking}" if lacking else "" for name, lacking in needs.items()}
        own["selection"] = "" if self.selections else "needs a named selection"
        return own | {name: self.scores.lacks(name) for name in self.scores.names}

    @property
    def selection_colors(self) -> dict[str, str]:
        """Colour of each named selection; it does not change when others are added or dropped."""
        return {name: selection_color(self.selection_slots[name]) for name in self.selections}

    def follow(self, show: Callable[[], None], *names: str) -> None:
        """Call ``show`` now and whenever one of the traits changes."""
        self.observe(lambda _change: show(), list(names))
        show()

    def name_selection(self, name: str, rows: ArrayLike) -> None:
        """Keep rows under a name; an existing selection of that name is replaced."""
        self.selections = {**self.selections, name: rows}

    def rename_selection(self, name: str, new_name: str) -> None:
        """Rename a named selection; it keeps its place and its colour."""
        self._check_named(name)
        if new_name == name:
            return
        if checked_name(new_name) in self.selections:
            raise InvalidInputError(
                f"there is a selection {new_name!r} already; choose another name, or drop it first"
            )
        self.selection_slots[new_name] = self.selection_slots[name]
        self.selections = {
            new_name if other == name else other: rows for other, rows in self.selections.items()
        }

    def drop_selection(self, name: str) -> None:
        """Delete a named selection; the current selection stays."""
        self._check_named(name)
        self.selections = {other: rows for other, rows in self.selections.items() if other != name}

    def _check_named(self, name: str) -> None:
        if name not in self.selections:
            known = ", ".join(map(repr, self.selections)) or "none"
            raise InvalidInputError(f"there is no selection named {name!r}; there are {known}")

    def restore(
        self,
        visible: ArrayLike,
        selected: ArrayLike,
        selections: Mapping[str, ArrayLike],
        slots: Mapping[str, int],
    ) -> None:
        """Show and select what was saved; :meth:`undo` does not go back beyond it."""
        self._restore(selected, visible)
        self.selection_slots = dict(slots)
        self.selections = dict(selections)

    def show_only(self, classes: str | int | Sequence[str | int]) -> None:
        """Show only these classes, given by name or by code."""
        mask = np.zeros(len(self.class_names), dtype=bool)
        mask[self.classes.codes_of(classes)] = True
        self.show(mask)

    def names_of(self, mask: ArrayLike) -> tuple[str, ...]:
        """Names of the classes of a (g,) bool mask."""
        return self.classes.names_of(mask)

    def use_distances(self, distances: NDArray[np.float32]) -> None:
        """Have the (n,) distances of all rows to a picture as a score."""
        self.scores.use_distances(distances)
        name = "distance_to_picture"  # which has other values now
        with self.together():
            self.explained += 1
            if self.ranking is not None and self.ranking.score == name:
                self.ranking = None
            if self.color_by == name:
                self._notify_trait("color_by", name, name)

    def _count_evidence(self) -> None:
        self.explained += 1

    @observe("embedding", "fit")
    def _update_scores(self, _change: Any) -> None:
        moving = self.fit is not None and self.fit.condition == "running"
        self.scores.use_embedding(None if moving else self.embedding)

    @observe("chosen")
    def _note_gesture(self, _change: Any) -> None:
        self.gesture_at = time.monotonic()

    @validate("color_by")
    def _validate_color_by(self, proposal: Any) -> str:
        name: str = proposal["value"]
        choices = self.color_choices
        if name != self.colored_by and choices.get(name, "unknown"):
            possible = ", ".join(known for known, lacking in choices.items() if not lacking)
            reason = choices.get(name, "is unknown")
            raise InvalidInputError(f"color_by={name!r} {reason}; possible here: {possible}")
        return name

    @validate("mistakes")
    def _validate_mistakes(self, proposal: Any) -> str:
        name: str = proposal["value"]
        if name not in MISTAKES:
            raise InvalidInputError(f"mistakes must be one of {', '.join(MISTAKES)}, got {name!r}")
        return name

    @validate("selections")
    def _validate_selections(self, proposal: Any) -> dict[str, NDArray[np.int64]]:
        given = proposal["value"]
        if len(given) > MAX_SELECTIONS:
            raise InvalidInputError(
                f"{MAX_SELECTIONS} selections can have names, got {len(given)}; drop some"
            )
        known = {id(rows): rows for rows in self.selections.values()}  # these were checked before
        named = {
            checked_name(name): known[id(rows)]
            if id(rows) in known
            else as_row_set("rows", rows, len(self.codes), self.feature_set.ids)
            for name, rows in given.items()
        }
        for rows in named.values():
            rows.flags.writeable = False
        self.selection_slots = assigned_slots(named, self.selection_slots)
        return named

    @validate("hovered", "focus")
    def _validate_row(self, proposal: Any) -> int | None:
        row: int | None = proposal["value"]
        name, n = proposal["trait"].name, len(self.codes)
        if row is not None and not 0 <= row < n:
            raise InvalidInputError(f"{name} must be a row 0 … {n - 1} or None, got {row}")
        return row
