"""Selecting: which rows are selected and which classes are visible, with undo and redo."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from traitlets import Any as AnyTrait
from traitlets import Bool, HasTraits, Unicode

from tsne_widget._validation import as_row_set
from tsne_widget.errors import InvalidInputError
from tsne_widget.widgets.state.history import History, Moment
from tsne_widget.widgets.state.rows import Ranking, Rows, as_selected

Mode = Literal["replace", "add", "subtract", "intersect"]
MODES: tuple[Mode, ...] = ("replace", "add", "subtract", "intersect")


class _Array(AnyTrait):
    """An array; to set it calls a function of ``(owner, value)``."""

    def __init__(self, change: Callable[[Any, Any], None]) -> None:
        super().__init__()
        self._change = change

    def set(self, obj: HasTraits, value: Any) -> None:
        self._change(obj, value)


class Selecting(HasTraits):
    """The selection and the visible classes of n samples.

    The selection is a set of rows. ``selected`` holds those of visible classes, at all times, so
    that nothing acts on a row that nobody sees. The others wait: once their class is shown, they
    are selected again. A new selection replaces both. Undo steps through the selection and the
    visible classes together, so each step changes what is on screen.

    Attributes
    ----------
    selected : (k,) int64 array, a trait
        Selected rows of visible classes, ascending and unique. To set it to rows or to an (n,)
        bool mask replaces the selection; its own value again changes nothing.
    chosen : (m,) int64 array, a read-only trait
        The selection, rows of hidden classes included.
    ranking : Ranking or None, a trait
        How a finder ordered the selected rows.
    visible : (g,) bool array, a trait
        Which classes are visible.
    message : str, a trait
        The last error or omission, with its remedy; "" for none.
    can_undo, can_redo : bool, read-only traits
        Whether :meth:`undo` and :meth:`redo` change anything.
    step : int
        Number of changes of the selection or the visible classes so far.
    together : callable
        Returns a context manager; what views send within it goes to the page together.
    """

    selected = _Array(lambda owner, rows: owner._replace(rows))
    chosen = AnyTrait(read_only=True)
    ranking = AnyTrait(None, allow_none=True)
    visible = _Array(lambda owner, mask: owner.show(mask))
    message = Unicode()
    can_undo = Bool(read_only=True)
    can_redo = Bool(read_only=True)

    def __init__(
        self, codes: NDArray[np.int64], classes: int, ids: NDArray[np.int64], **traits: Any
    ) -> None:
        self._codes, self._ids = codes, ids
        self._history = History()
        self.step = 0
        self.together: Callable[[], AbstractContextManager[None]] = nullcontext
        super().__init__(**traits)
        none = as_selected(np.empty(0, dtype=np.int64))
        self._put(selected=none, chosen=none, visible=np.ones(classes, dtype=bool))

    @property
    def visible_rows(self) -> NDArray[np.bool_]:
        """(n,) bool: the row's class is visible."""
        rows: NDArray[np.bool_] = self.visible[self._codes]
        return rows

    @property
    def selected_hidden(self) -> int:
        """Number of rows that are selected again once their class is shown."""
        return len(self.chosen) - len(self.selected)

    def select(
        self, rows: ArrayLike, mode: Mode = "replace", ranking: Ranking | None = None
    ) -> None:
        """Combine rows with the selection; those of hidden classes wait, and a message says so.

        Parameters
        ----------
        rows : (k,) int array or (n,) bool array
        mode : "replace", "add", "subtract" or "intersect"
        ranking : Ranking, optional
            How a finder ordered the rows.
        """
        if mode not in MODES:
            raise InvalidInputError(f"mode must be one of {', '.join(MODES)}, got {mode!r}")
        self._select(as_row_set("rows", rows, len(self._codes), self._ids), mode, ranking)

    def show(self, visible: ArrayLike, *, amends: bool = False) -> None:
        """Show exactly these classes, (g,) bool.

        Rows of a hidden class are not selected until it is shown again.

        Parameters
        ----------
        visible : (g,) bool array
        amends : bool
            Make one undo step of the last change and this one.
        """
        mask = np.array(visible, dtype=bool)
        if mask.shape != self.visible.shape:
            raise InvalidInputError(
                f"visible must have shape {self.visible.shape}, got {mask.shape}"
            )
        self._change(Moment(self.chosen, mask), self.ranking, amends=amends)

    def undo(self) -> None:
        """Restore the selection and the visible classes from before the last change."""
        history = self._history
        if history.past:
            self._travel(history.past[-1], *history.after_undo(self._now()))

    def redo(self) -> None:
        """Restore what :meth:`undo` has replaced."""
        history = self._history
        if history.future:
            self._travel(history.future[-1], *history.after_redo(self._now()))

    def _travel(self, moment: Moment, past: list[Moment], future: list[Moment]) -> None:
        """Move to a past or future moment; an interrupt or an observer's error loses no step."""
        before = self._now()
        try:
            self.message = ""
            self._move(moment, can_undo=bool(past), can_redo=bool(future))
        finally:
            if not self._now().equals(before):
                self._history.past, self._history.future = past, future

    def _restore(self, chosen: ArrayLike, visible: ArrayLike) -> None:
        """Select and show what was saved; :meth:`undo` does not go back beyond it."""
        rows = as_row_set("selected", chosen, len(self._codes), self._ids)
        self.show(visible)
        self._change(Moment(as_selected(rows), self.visible))
        self._history = History()
        self._put(can_undo=False, can_redo=False)

    def _replace(self, rows: ArrayLike) -> None:
        """Answer to setting ``selected``.

        Two linked widgets send each other's value back; that must not drop the rows that wait.
        """
        wanted = as_row_set("selected", rows, len(self._codes), self._ids)
        if not len(wanted) or not np.array_equal(wanted, self.selected):
            self._select(wanted, "replace")

    def _select(self, rows: NDArray[np.int64], mode: Mode, ranking: Ranking | None = None) -> None:
        hidden = np.count_nonzero(~self.visible[self._codes[rows]])
        self.message = (
            f"{hidden:,} of {len(rows):,} rows belong to hidden classes: "
            "they are selected once their classes are shown"
            if hidden and mode in ("replace", "add")
            else ""
        )
        moment = Moment(as_selected(_combined(self.chosen, rows, mode)), self.visible)
        self._change(moment, ranking)

    def _now(self) -> Moment:
        return Moment(self.chosen, self.visible)

    def _change(
        self, moment: Moment, ranking: Ranking | None = None, *, amends: bool = False
    ) -> None:
        """Move to another moment; undo can return to the current one."""
        now = self._now()
        if moment.equals(now):
            self.ranking = ranking
            return
        if amends and self._history.past:
            self._history.amend(moment)
        else:
            self._history.record(now)
        self._move(moment, ranking, can_undo=bool(self._history.past), can_redo=False)

    def _move(
        self,
        moment: Moment,
        ranking: Ranking | None = None,
        *,
        can_undo: bool,
        can_redo: bool,
    ) -> None:
        chosen, visible = moment
        self.step += 1
        self._put(
            **({} if ranking == self.ranking else {"ranking": ranking}),
            selected=as_selected(chosen[visible[self._codes[chosen]]]),
            chosen=chosen,
            visible=visible,
            can_undo=can_undo,
            can_redo=can_redo,
        )

    def _put(self, **values: Any) -> None:
        """Set traits together, then notify of each; an observer's error is raised at the end.

        Whoever is notified sees all of them changed; an interrupt leaves all or none changed.
        """
        changes = []
        for name, new in values.items():
            old = self._trait_values.get(name)
            if old is None or not np.array_equal(old, new):
                changes.append((name, old, new))
        self._trait_values.update({name: new for name, _old, new in changes})
        errors = []
        with self.together():
            for name, old, new in changes:
                try:
                    self._notify_trait(name, old, new)
                except Exception as error:  # an observer may raise anything
                    errors.append(error)
        if errors:
            raise errors[0]


def _combined(chosen: Rows, rows: NDArray[np.int64], mode: Mode) -> NDArray[np.int64]:
    """(k,) int64 rows of the selection and of others, ascending."""
    if mode == "add":
        return np.union1d(chosen, rows)
    if mode == "subtract":
        return np.setdiff1d(chosen, rows, assume_unique=True)
    if mode == "intersect":
        return np.intersect1d(chosen, rows, assume_unique=True)
    return rows
