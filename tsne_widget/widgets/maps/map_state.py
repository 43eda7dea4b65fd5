"""MapState: one of several maps of the same samples, over the state that they share."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from traitlets import Any as AnyTrait
from traitlets import HasTraits, observe, validate

from tsne_widget.analysis import Scores
from tsne_widget.feature_set import FeatureSet
from tsne_widget.widgets.state.delegate import Delegate, delegates, relay
from tsne_widget.widgets.state.explorer_state import CHECKS_THREADS, ExplorerState, Fit
from tsne_widget.widgets.state.main_thread import MainThread, is_main
from tsne_widget.widgets.state.selecting import Mode


class MapState(HasTraits):
    """The coordinates of one map and their computation; everything else is the shared state's.

    It satisfies :class:`MapModel`, so views and projectors take it in place of an
    :class:`ExplorerState`.

    Parameters
    ----------
    shared : ExplorerState
    embedding : (n, 2) float32 array, optional
        Given coordinates.
    feature_set : FeatureSet, optional
        The record behind this map, with the same n samples and classes. Default: the shared one.
    columns : mapping of name to (n,) array, optional
        The user's columns; required with another feature set.
    placed : callable, optional
        Called with new coordinates, (n, 2) float32; its result becomes the embedding.

    Attributes
    ----------
    embedding : (n, 2) float32 array or None, a trait
    fit : Fit, a trait
    is_between : bool
        The embedding lies between two maps, so it has no scores.
    """

    embedding = AnyTrait(allow_none=True)
    fit = AnyTrait()
    selected = Delegate("_shared")
    visible = Delegate("_shared")
    hovered = Delegate("_shared")
    focus = Delegate("_shared")
    message = Delegate("_shared")
    busy = Delegate("_shared")
    selections = Delegate("_shared")
    color_by = Delegate("_shared")
    mistakes = Delegate("_shared")
    lit = Delegate("_shared")
    map_name = Delegate("_shared")

    def __init__(
        self,
        shared: ExplorerState,
        embedding: NDArray[np.float32] | None = None,
        feature_set: FeatureSet | None = None,
        columns: Mapping[str, ArrayLike] | None = None,
        placed: Callable[[NDArray[np.float32]], NDArray[np.float32]] | None = None,
    ) -> None:
        self._shared = shared
        self._placed = placed
        self.is_between = False
        self._record = shared.feature_set if feature_set is None else feature_set
        self._scores = None if feature_set is None else Scores(feature_set, columns)
        super().__init__(embedding=embedding, fit=Fit())
        relay(self, shared, delegates(self, "_shared"))

    def __setattr__(self, name: str, value: Any) -> None:
        if CHECKS_THREADS and not is_main():
            thread = threading.current_thread().name
            raise RuntimeError(f"{name} was set on {thread}; hand the value to the main thread")
        super().__setattr__(name, value)

    @property
    def feature_set(self) -> FeatureSet:
        """The record behind this map."""
        return self._record

    @property
    def scores(self) -> Scores:
        """Scores of this map if it has its own feature set, else those of the shared state."""
        return self._shared.scores if self._scores is None else self._scores

    @property
    def main_thread(self) -> MainThread:
        return self._shared.main_thread

    @property
    def codes(self) -> NDArray[np.int64]:
        return self._shared.codes

    @property
    def class_names(self) -> list[str]:
        return self._shared.class_names

    @property
    def known(self) -> int:
        return self._shared.known

    @property
    def colored_by(self) -> str:
        return self._shared.colored_by

    @property
    def visible_rows(self) -> NDArray[np.bool_]:
        return self._shared.visible_rows

    @property
    def color_choices(self) -> dict[str, str]:
        return self._shared.color_choices

    @property
    def selection_colors(self) -> dict[str, str]:
        return self._shared.selection_colors

    def select(self, rows: ArrayLike, mode: Mode = "replace") -> None:
        """Combine rows with the shared selection."""
        self._shared.select(rows, mode)

    def undo(self) -> None:
        """Go back one change of the selection or of the visible classes."""
        self._shared.undo()

    def redo(self) -> None:
        """Go forward again after :meth:`undo`."""
        self._shared.redo()

    def follow(self, show: Callable[[], None], *names: str) -> None:
        """Call ``show`` now and whenever one of the traits changes."""
        self.observe(lambda _change: show(), list(names))
        show()

    @validate("embedding")
    def _validate_embedding(self, proposal: Any) -> NDArray[np.float32] | None:
        embedding: NDArray[np.float32] | None = proposal["value"]
        return embedding if embedding is None or not self._placed else self._placed(embedding)

    @observe("embedding", "fit")
    def _update_scores(self, _change: Any) -> None:
        if self._scores is not None:
            running = self.fit is not None and self.fit.condition == "running"
            moving = running or self.is_between
            self._scores.use_embedding(None if moving else self.embedding)
