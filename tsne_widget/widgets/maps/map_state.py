"""MapState: one of several maps of the same samples, over the one state that they share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import traitlets
from numpy.typing import ArrayLike, NDArray
from traitlets import All, HasTraits, validate
from traitlets import Any as AnyTrait

from tsne_widget.analysis import Scores
from tsne_widget.feature_set import FeatureSet
from tsne_widget.widgets.state.explorer_state import CHECKS_THREADS, ExplorerState, Fit
from tsne_widget.widgets.state.main_thread import is_main

_SHARED = ("selected", "visible", "hovered", "focus", "message", "busy", "selections", "color_by")


class MapState(HasTraits):
    """The coordinates of one map and their computation; the rest is that of the shared state.

    What is selected, visible, hovered or said is read from the shared state and written to it, so
    that a view or a projector takes this in place of an :class:`ExplorerState`.

    Parameters
    ----------
    shared : ExplorerState
    embedding : (n, 2) float32 array, optional
        Given coordinates.
    feature_set : FeatureSet, optional
        What this map is made of, of the same n samples and classes. Default: the shared one.
    columns : mapping of name to (n,) array, optional
        The user's own, where the feature set is another one.
    placed : callable, optional
        Called with new coordinates, (n, 2) float32; what it returns is the embedding.

    Attributes
    ----------
    embedding : (n, 2) float32 array or None, a trait
    fit : Fit, a trait
    feature_set : FeatureSet
    scores : Scores
        Of this map and its feature set.
    is_between : bool
        The embedding is on its way between two maps: there are no scores of it.
    """

    embedding = AnyTrait(allow_none=True)
    fit = AnyTrait()

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

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._shared, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if CHECKS_THREADS and not is_main():
            raise RuntimeError(f"{name} was set on another thread than the main one")
        if name in _SHARED:
            setattr(self._shared, name, value)
        else:
            super().__setattr__(name, value)

    @property
    def feature_set(self) -> FeatureSet:
        """What this map is made of."""
        return self._record

    @property
    def scores(self) -> Scores:
        """Of this map, where its feature set is its own; otherwise of the map that is shown."""
        return self._shared.scores if self._scores is None else self._scores

    def observe(self, handler: Callable[..., Any], names: Any = All, type: Any = "change") -> None:  # noqa: A002
        """As :meth:`traitlets.HasTraits.observe`, of the shared state's traits as well."""
        wanted = [names] if isinstance(names, str) else names
        if wanted is All or not set(wanted) & set(_SHARED):
            super().observe(handler, names, type)
            return
        self._shared.observe(handler, [name for name in wanted if name in _SHARED], type)
        own = [name for name in wanted if name not in _SHARED]
        if own:
            super().observe(handler, own, type)

    def follow(self, show: Callable[[], None], *names: str) -> None:
        """Call ``show`` now and whenever one of the traits changes, here or in the shared state."""
        self.observe(lambda _change: show(), list(names))
        show()

    @validate("embedding")
    def _validate_embedding(self, proposal: Any) -> NDArray[np.float32] | None:
        embedding = proposal["value"]
        return embedding if embedding is None or not self._placed else self._placed(embedding)

    @traitlets.observe("embedding", "fit")
    def _tell_scores(self, _change: Any) -> None:
        if self._scores is not None:
            running = self.fit is not None and self.fit.condition == "running"
            moving = running or self.is_between
            self._scores.use_embedding(None if moving else self.embedding)
