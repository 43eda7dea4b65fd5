"""What the views of a map read and write, whichever object holds it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget.analysis import Scores
from tsne_widget.feature_set import FeatureSet
from tsne_widget.widgets.state.main_thread import MainThread
from tsne_widget.widgets.state.selecting import Mode


class MapModel(Protocol):
    """The state behind one map: :class:`ExplorerState`, or a :class:`MapState` that shares one.

    The traits are typed Any, as traitlets has them; :class:`ExplorerState` documents each.
    """

    selected: Any
    visible: Any
    embedding: Any
    fit: Any
    map_name: Any
    message: Any
    busy: Any
    hovered: Any
    focus: Any
    selections: Any
    color_by: Any
    mistakes: Any
    lit: Any

    @property
    def feature_set(self) -> FeatureSet:
        """The record behind the map."""

    @property
    def scores(self) -> Scores:
        """Scores of the record and of this map."""

    @property
    def main_thread(self) -> MainThread:
        """Where the state is changed."""

    @property
    def codes(self) -> NDArray[np.int64]:
        """(n,) int64 class of each row."""

    @property
    def class_names(self) -> list[str]:
        """Names of the g classes, unknown last if there is one."""

    @property
    def known(self) -> int:
        """Number of classes that are not "unknown"."""

    @property
    def colored_by(self) -> str:
        """What the classes are: "label", "prediction" or ""."""

    @property
    def visible_rows(self) -> NDArray[np.bool_]:
        """(n,) bool: the class of the row is visible."""

    @property
    def color_choices(self) -> dict[str, str]:
        """What the map can be coloured by, and what each choice requires ("" for nothing)."""

    @property
    def selection_colors(self) -> dict[str, str]:
        """Colour of each named selection."""

    def select(self, rows: ArrayLike, mode: Mode = "replace") -> None:
        """Combine rows with the selection."""

    def undo(self) -> None:
        """Go back one change of the selection or of the visible classes."""

    def redo(self) -> None:
        """Go forward again after :meth:`undo`."""

    def follow(self, show: Callable[[], None], *names: str) -> None:
        """Call ``show`` now and whenever one of these traits changes."""

    def observe(self, handler: Callable[[Any], None], names: Any = ..., type: Any = ...) -> None:  # noqa: A002
        """As :meth:`traitlets.HasTraits.observe`."""
