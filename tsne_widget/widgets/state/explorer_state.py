"""ExplorerState: what can change while a map is explored, in one place."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from traitlets import Any as AnyTrait
from traitlets import Dict, HasTraits, Int, Unicode, observe, validate

from tsne_widget._validation import as_row_set, did_you_mean
from tsne_widget.analysis import Scores
from tsne_widget.errors import InvalidInputError
from tsne_widget.feature_set import FeatureSet
from tsne_widget.widgets.state.main_thread import MainThread, is_main
from tsne_widget.widgets.state.named_selections import (
    MAX_SELECTIONS,
    assigned_slots,
    checked_name,
    selection_color,
)
from tsne_widget.widgets.state.rows import Rows, as_selected

Mode = Literal["replace", "add", "subtract", "intersect"]
MODES: tuple[Mode, ...] = ("replace", "add", "subtract", "intersect")

UNKNOWN = "unknown"

# Set in the tests: a trait that is set on another thread than the main one is an error then, as
# ipywidgets may send what is changed there together with half of another change (ipywidgets#4001).
CHECKS_THREADS = bool(os.environ.get("TSNE_WIDGET_DEBUG"))

# Selections that undo() can go back to; each is at most 8 bytes × n.
MAX_UNDO = 50
# Bytes of what can be undone: 50 selections of millions of rows would be gigabytes.
MAX_UNDO_BYTES = 400_000_000


class Fit(NamedTuple):
    """How the computation of a map stands.

    ``condition`` is "none" (given coordinates), "waiting", "running", "paused", "stopped", "done"
    or "failed".
    ``total`` is 0 where the projector does not report its iterations, ``seconds`` NaN before the
    end. ``note`` is what to know of the map.
    """

    condition: str = "none"
    title: str = ""
    iteration: int = 0
    total: int = 0
    divergence: float = math.nan
    seconds: float = math.nan
    note: str = ""


class ExplorerState(HasTraits):
    """Visible classes, selected rows, embedding and messages of one explorer.

    Every view reads this and writes only to this. Whatever happens, ``selected`` holds only rows
    of visible classes. Set traits on the main thread only.

    Attributes
    ----------
    selected : (k,) int64 array, a trait
        Selected rows, ascending and unique. Set it to rows or to an (n,) bool mask.
    visible : (g,) bool array, a trait
        Which classes are shown.
    embedding : (n, 2) float32 array or None, a trait
        None until the map is there.
    fit : Fit, a trait
        How the computation of the map stands.
    map_name : str, a trait
        Which of the maps the embedding is, see :class:`Maps`.
    fits : dict of name to Fit, a trait
        How the computation of every map stands, also of those that are not shown.
    message : str, a trait
        The last thing the person must know (an error and its remedy, an omission); "" for none.
    busy : str, a trait
        What is being computed beside the map; "" for nothing.
    hovered, focus : int or None, traits
        The row under the pointer, on the map or in the gallery; the row that is looked at closely,
        which may be one of a hidden class.
    selections : dict of name to (k,) int64 rows, a trait
        Named selections in the order they were named, rows of hidden classes included; set a new
        dict, do not change this one.
    color_by : str, a trait
        What the points' colours say, one of :attr:`color_choices`.
    selection_slots : dict of name to int
        Number of each named selection's colour, see :func:`selection_color`.
    main_thread : MainThread
        Where all of this is changed.
    scores : Scores
        Columns about each sample, computed when first asked for.
    class_names : list of str
        Names of the g classes, unknown last if there is one.
    known : int
        How many of ``class_names`` are real classes: all, or all but the unknown one.
    words : mapping of str to callable
        More words that ``select()`` understands, each with a function that returns its rows.
    codes : (n,) int64 array
        Class of each row as an index into ``class_names``.
    colored_by : "label", "prediction" or ""
        What the classes are; "" when the record has neither.
    """

    selected = AnyTrait()
    visible = AnyTrait()
    embedding = AnyTrait(allow_none=True)
    fit = AnyTrait()
    map_name = Unicode()
    fits = Dict()
    message = Unicode()
    busy = Unicode()
    hovered = Int(None, allow_none=True)
    focus = Int(None, allow_none=True)
    selections = Dict()
    color_by = Unicode()

    def __init__(
        self,
        feature_set: FeatureSet,
        embedding: NDArray[np.float32] | None,
        columns: Mapping[str, ArrayLike] | None = None,
    ) -> None:
        self.feature_set = feature_set
        self.main_thread = MainThread()
        self.scores = Scores(feature_set, columns)
        self.codes, self.class_names, self.known, self.colored_by = _classes(feature_set)
        self.selection_slots: dict[str, int] = {}
        self.words: Mapping[str, Callable[[], NDArray[np.int64]]] = {}
        self._past: list[NDArray[np.int64]] = []
        self._future: list[NDArray[np.int64]] = []
        super().__init__(
            selected=as_selected(np.empty(0, dtype=np.int64)),
            visible=np.ones(len(self.class_names), dtype=bool),
            embedding=embedding,
            fit=Fit(),
            color_by=self.colored_by,
        )

    def __setattr__(self, name: str, value: Any) -> None:
        if CHECKS_THREADS and not is_main():
            raise RuntimeError(
                f"{name} was set on {threading.current_thread().name}; what a thread has made is "
                "handed to the main thread, see main_thread.py"
            )
        super().__setattr__(name, value)

    @property
    def visible_rows(self) -> NDArray[np.bool_]:
        """(n,) bool: the row's class is shown."""
        rows: NDArray[np.bool_] = self.visible[self.codes]
        return rows

    @property
    def counts(self) -> NDArray[np.int64]:
        """(g,) int64: rows of each class."""
        return np.bincount(self.codes, minlength=len(self.class_names))

    @property
    def selected_counts(self) -> NDArray[np.int64]:
        """(g,) int64: selected rows of each class."""
        return np.bincount(self.codes[self.selected], minlength=len(self.class_names))

    @property
    def accuracies(self) -> NDArray[np.float64]:
        """(g,) float64: share of each class's rows that are predicted right; NaN where unknown."""
        record = self.feature_set
        accuracies = np.full(len(self.class_names), np.nan)
        if record.labels is None or record.predictions is None:
            return accuracies
        counts = self.counts
        wrong = np.bincount(self.codes[record.misclassified], minlength=len(counts))
        judged = (np.arange(len(counts)) < self.known) & (counts > 0)
        accuracies[judged] = 1 - wrong[judged] / counts[judged]
        return accuracies

    @property
    def color_choices(self) -> dict[str, str]:
        """What the map can be coloured by, and what it lacks: "" where it is possible."""
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
        """Colour of each named selection, which it keeps while others come and go."""
        return {name: selection_color(self.selection_slots[name]) for name in self.selections}

    def follow(self, show: Callable[[], None], *names: str) -> None:
        """Call ``show`` now and whenever one of the traits changes: how a view stays in step."""
        self.observe(lambda _change: show(), list(names))
        show()

    def select(self, rows: ArrayLike, mode: Mode = "replace") -> None:
        """Combine rows with the selection; rows of hidden classes are left out and counted.

        Parameters
        ----------
        rows : (k,) int array or (n,) bool array
        mode : "replace", "add", "subtract" or "intersect"
        """
        if mode not in MODES:
            raise InvalidInputError(f"mode must be one of {', '.join(MODES)}, got {mode!r}")
        wanted = as_row_set("rows", rows, len(self.codes))
        if mode == "add":
            wanted = np.concatenate([self.selected, wanted])
        elif mode == "subtract":
            wanted = np.setdiff1d(self.selected, wanted, assume_unique=True)
        elif mode == "intersect":
            wanted = np.intersect1d(self.selected, wanted, assume_unique=True)
        self.selected = wanted

    def name_selection(self, name: str, rows: ArrayLike) -> None:
        """Keep rows under a name, in place of what had the name before."""
        self.selections = {**self.selections, name: rows}

    def rename_selection(self, name: str, new_name: str) -> None:
        """Give a named selection another name; it keeps its place and its colour."""
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
        """Forget a named selection; what is selected stays."""
        self._check_named(name)
        self.selections = {other: rows for other, rows in self.selections.items() if other != name}

    def _check_named(self, name: str) -> None:
        if name not in self.selections:
            known = ", ".join(map(repr, self.selections)) or "none"
            raise InvalidInputError(f"there is no selection named {name!r}; there are {known}")

    def undo(self) -> None:
        """Select what was selected before, except rows of hidden classes."""
        if self._past:
            past, future, now = self._past, self._future, self.selected
            self._travel(past[-1], past[:-1], [*future, now])

    def redo(self) -> None:
        """Select again what :meth:`undo` has taken back."""
        if self._future:
            past, future, now = self._past, self._future, self.selected
            self._travel(future[-1], [*past, now], future[:-1])

    def restore(
        self,
        visible: ArrayLike,
        selected: ArrayLike,
        selections: Mapping[str, ArrayLike],
        slots: Mapping[str, int],
    ) -> None:
        """Show and select what was saved; :meth:`undo` does not go back beyond it."""
        self.show(visible)
        self.selected = selected
        self.selection_slots = dict(slots)
        self.selections = dict(selections)
        self._past, self._future = [], []

    def show(self, visible: ArrayLike) -> None:
        """Show exactly these classes, (g,) bool; rows of hidden ones leave the selection."""
        mask = np.asarray(visible, dtype=bool)
        if mask.shape != self.visible.shape:
            raise InvalidInputError(
                f"visible must have shape {self.visible.shape}, got {mask.shape}"
            )
        # Shrink the selection before hiding its rows: selected ⊆ visible holds at each step.
        kept = self.selected[mask[self.codes[self.selected]]]
        if len(kept) < len(self.selected):
            self.selected = kept
        if not np.array_equal(mask, self.visible):
            self.visible = mask

    def show_only(self, classes: str | int | Sequence[str | int]) -> None:
        """Show only these classes, given by name or by code."""
        mask = np.zeros(len(self.class_names), dtype=bool)
        mask[self.class_codes(classes)] = True
        self.show(mask)

    def names_of(self, mask: ArrayLike) -> tuple[str, ...]:
        """Names of the classes of a (g,) bool mask."""
        flags = np.asarray(mask, dtype=bool)
        return tuple(name for name, flag in zip(self.class_names, flags, strict=True) if flag)

    def class_codes(self, classes: str | int | Sequence[str | int]) -> list[int]:
        """Indices of classes that are given by name or by code.

        Raises
        ------
        InvalidInputError
            If there is no such class.
        """
        wanted = [classes] if isinstance(classes, (str, int, np.integer)) else list(classes)
        return [self._class_code(given) for given in wanted]

    def _class_code(self, given: object) -> int:
        names = self.class_names
        if isinstance(given, (int, np.integer)) and not isinstance(given, bool):
            if not 0 <= given < len(names):
                raise InvalidInputError(
                    f"there is no class code {given}; codes are 0 … {len(names) - 1}"
                )
            return int(given)
        if given not in names:
            known = ", ".join(names[:10])
            raise InvalidInputError(
                f"there is no class {given!r}; there are {known}{did_you_mean(given, names)}"
            )
        return names.index(str(given))

    def _travel(
        self,
        destination: NDArray[np.int64],
        past: list[NDArray[np.int64]],
        future: list[NDArray[np.int64]],
    ) -> None:
        """Select the destination; the step itself is not remembered, but where it leads from."""
        now = self.selected
        try:
            self.selected = destination
        finally:  # also if an observer has raised
            if self.selected is not now:
                self._past, self._future = past, future

    @observe("selected")
    def _remember(self, change: Any) -> None:
        if change.old is None or np.array_equal(change.old, change.new):
            return
        past = [*self._past[1 - MAX_UNDO :], change.old]
        size = sum(rows.nbytes for rows in past)
        while size > MAX_UNDO_BYTES and len(past) > 1:
            size -= past.pop(0).nbytes
        self._past = past
        self._future = []

    @observe("embedding", "fit")
    def _tell_scores(self, _change: Any) -> None:
        moving = self.fit is not None and self.fit.condition == "running"
        self.scores.use_embedding(None if moving else self.embedding)

    @validate("color_by")
    def _validate_color_by(self, proposal: Any) -> str:
        name: str = proposal["value"]
        choices = self.color_choices
        if name != self.colored_by and choices.get(name, "unknown"):
            possible = ", ".join(known for known, lacking in choices.items() if not lacking)
            reason = choices.get(name, "is unknown")
            raise InvalidInputError(f"color_by={name!r} {reason}; possible here: {possible}")
        return name

    @validate("selections")
    def _validate_selections(self, proposal: Any) -> dict[str, NDArray[np.int64]]:
        given = proposal["value"]
        if len(given) > MAX_SELECTIONS:
            raise InvalidInputError(
                f"{MAX_SELECTIONS} selections can have names, got {len(given)}; drop some"
            )
        known = {id(rows): rows for rows in self.selections.values()}  # checked when they came
        named = {
            checked_name(name): known[id(rows)]
            if id(rows) in known
            else as_row_set("rows", rows, len(self.codes))
            for name, rows in given.items()
        }
        for rows in named.values():
            rows.flags.writeable = False
        self.selection_slots = assigned_slots(named, self.selection_slots)
        return named

    @validate("selected")
    def _validate_selected(self, proposal: Any) -> Rows:
        rows = as_row_set("selected", proposal["value"], len(self.codes))
        shown = rows[self.visible[self.codes[rows]]] if len(rows) else rows
        hidden = len(rows) - len(shown)
        self.message = (
            f"{hidden:,} of {len(rows):,} rows belong to hidden classes and were not selected"
            if hidden
            else ""
        )
        return as_selected(shown)

    @validate("hovered", "focus")
    def _validate_row(self, proposal: Any) -> int | None:
        row: int | None = proposal["value"]
        name, n = proposal["trait"].name, len(self.codes)
        if row is not None and not 0 <= row < n:
            raise InvalidInputError(f"{name} must be a row 0 … {n - 1} or None, got {row}")
        return row


def _classes(feature_set: FeatureSet) -> tuple[NDArray[np.int64], list[str], int, str]:
    """Codes, class names, number of known ones, and what they are: labels, else predictions."""
    if feature_set.labels is not None:
        codes, colored_by = feature_set.labels, "label"
    elif feature_set.predictions is not None:
        codes, colored_by = feature_set.predictions, "prediction"
    else:
        return np.zeros(len(feature_set), dtype=np.int64), ["all samples"], 1, ""
    names = list(feature_set.class_names)
    known = len(names)
    if (codes < 0).any():
        codes = np.where(codes < 0, known, codes)
        names.append(UNKNOWN if UNKNOWN not in names else f"{UNKNOWN} label")
    return codes, names, known, colored_by
