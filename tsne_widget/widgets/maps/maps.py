"""The maps of one exploration by name, computed one after the other; one of them is visible."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._text import printable
from tsne_widget._validation import as_embedding
from tsne_widget.errors import InvalidInputError
from tsne_widget.feature_set import FeatureSet
from tsne_widget.widgets.arguments import GIVEN, MIN_ROWS
from tsne_widget.widgets.maps.fitting import Fitting, title_of, wait_for_all
from tsne_widget.widgets.maps.map_state import MapState
from tsne_widget.widgets.state.explorer_state import ExplorerState, Fit
from tsne_widget.widgets.state.page_messages import MalformedMessageError

# Maximum number of maps, and of characters in a map's name: a menu shows no more.
MAX_MAPS, MAX_NAME = 20, 80
_ACTIVE = ("running", "paused")


class Maps:
    """Every map of one :class:`ExplorerState`; the visible one is the state's embedding.

    Projectors run one after the other, in order: in parallel they would compete for the same cores.

    Parameters
    ----------
    state : ExplorerState
    given : mapping of name to (n, 2) float32 array
    projectors : mapping of name to projector
        See :func:`named_maps`.
    """

    def __init__(
        self,
        state: ExplorerState,
        given: Mapping[str, NDArray[np.float32]],
        projectors: Mapping[str, Any],
    ) -> None:
        self._state = state
        self._maps: dict[str, MapState] = {}
        self._fittings: dict[str, Fitting] = {}
        self._waiting: list[str] = []
        self._wanted: set[str] = set()  # maps of run(): shown as soon as they exist
        for name, embedding in given.items():
            self._add(name, embedding)
        for name, projector in projectors.items():
            self._add(name, None, projector)
        self._show(next(iter(self._maps)))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all maps, computed or not."""
        return tuple(self._maps)

    @property
    def embeddings(self) -> dict[str, NDArray[np.float32]]:
        """(n, 2) float32 coordinates of every map that has some."""
        maps = self._maps.items()
        return {name: one.embedding for name, one in maps if one.embedding is not None}

    @property
    def projector(self) -> Any:
        """What computes the visible map; None for given coordinates."""
        name = self._state.map_name
        given = self._maps[name].fit.condition == "none"
        return None if given else self._fittings[name].projector

    @property
    def active(self) -> Fitting:
        """The running computation; if there is none, that of the visible map."""
        names = [n for n, one in self._maps.items() if one.fit.condition in _ACTIVE]
        return self._fittings[names[0] if names else self._state.map_name]

    def start_next(self) -> None:
        """Start the next waiting map, unless one is running."""
        if self._waiting and not any(one.fit.condition in _ACTIVE for one in self._maps.values()):
            self._fittings[self._waiting.pop(0)].start()

    def show(self, name: str) -> None:
        """Show another map; selection, visible classes and colours stay.

        Raises
        ------
        InvalidInputError
            If there is no map of that name, or it is not computed yet.
        """
        if name not in self._maps:
            known = ", ".join(map(repr, self._maps))
            raise InvalidInputError(f"there is no map {name!r}; there are {known}")
        one = self._maps[name]
        if one.embedding is None:
            failed = one.fit.condition == "failed"
            why = one.fit.title if failed else "it is not computed yet; call wait()"
            raise InvalidInputError(f"the map {name!r} cannot be shown: {why}")
        if name != self._state.map_name:
            self._show(name)

    def wait(self, timeout: float | None = None) -> None:
        """Block until all maps are done or stopped, or one is paused; raise a projector's error."""
        wait_for_all(list(self._fittings.values()), timeout)

    def run(self, iterations: int, projector: Any = None, name: str | None = None) -> None:
        """Continue the visible map, or compute another one and show it when it exists."""
        if projector is None:
            if name is not None:
                raise InvalidInputError("name= requires projector=")
            self._fittings[self._state.map_name].run(iterations)
            return
        check_projector(projector, len(self._state.codes))
        title = title_of(projector)
        numbers = (f"{title} {number}" for number in range(2, MAX_MAPS + 2))
        free = (text for text in (title, *numbers) if text not in self._maps)
        name = next(free) if name is None else name
        if name in self._maps:
            raise InvalidInputError(f"there is a map {name!r} already; choose another name")
        _check_name(name)
        if len(self._maps) >= MAX_MAPS:
            raise InvalidInputError(f"an explorer has at most {MAX_MAPS} maps")
        self._add(name, None, projector)
        self._wanted.add(name)
        self.start_next()

    def control(self, word: object) -> None:
        """Act on a button of the page: "pause", "resume", "stop" or "run"."""
        fitting = self.active
        actions: dict[str, Callable[[], None]] = {
            "pause": fitting.pause, "resume": fitting.resume, "stop": fitting.stop,
            "run": lambda: self.run(250),
        }  # fmt: skip
        if not isinstance(word, str) or word not in actions:
            raise MalformedMessageError("unknown control")
        actions[word]()

    def close(self) -> None:
        """Abandon running and waiting computations."""
        self._waiting.clear()
        for name, fitting in self._fittings.items():
            self._maps[name].unobserve_all()
            fitting.close()

    def _add(self, name: str, embedding: NDArray[np.float32] | None, projector: Any = None) -> None:
        one = self._maps[name] = MapState(self._state, embedding)
        self._fittings[name] = Fitting(one, projector)
        if embedding is None:
            self._waiting.append(name)
            one.fit = Fit("waiting", f"{printable(name)} is queued")
        one.observe(lambda _change: self._on_embedding(name), "embedding")
        one.observe(lambda _change: self._on_fit(name), "fit")
        self._tell()

    def _on_embedding(self, name: str) -> None:
        state = self._state
        if name == state.map_name:
            state.embedding = self._maps[name].embedding
        elif name in self._wanted or (
            state.embedding is None and state.fit.condition == "failed"  # it has no map
        ):
            self._wanted.discard(name)
            self._show(name)

    def _on_fit(self, name: str) -> None:
        try:
            if name == self._state.map_name:
                self._state.fit = self._maps[name].fit
            self._tell()
        finally:  # also if a user's observer raises
            self.start_next()

    def _tell(self) -> None:
        self._state.fits = {name: one.fit for name, one in self._maps.items()}

    def _show(self, name: str) -> None:
        state, one = self._state, self._maps[name]
        state.map_name = name  # first: views then fit the new coordinates
        state.fit = one.fit
        state.embedding = one.embedding


def named_maps(
    feature_set: FeatureSet, projector: Any, embedding: Any
) -> tuple[dict[str, NDArray[np.float32]], dict[str, Any]]:
    """Given coordinates by name and projectors by name, from an explorer's arguments.

    Raises
    ------
    InvalidInputError
        If an argument does not fit the n samples.
    """
    given: dict[str, NDArray[np.float32]] = {}
    projectors: dict[str, Any] = {}
    n = len(feature_set)
    if embedding is not None:
        several: Mapping[str, ArrayLike] = (
            embedding if isinstance(embedding, Mapping) else {GIVEN: embedding}
        )
        for name, values in several.items():
            _check_name(name)
            try:
                given[name] = as_embedding(values, n, ids=feature_set.ids)
            except InvalidInputError as error:
                if embedding is several:
                    raise InvalidInputError(f"embedding[{name!r}]: {error}") from error
                raise
    if isinstance(projector, Mapping):
        for name, one in projector.items():
            _check_name(name)
            check_projector(one, n)
            projectors[name] = one
    elif embedding is None:
        check_projector(projector, n)
        projectors[title_of(projector)] = projector
    both = sorted(given.keys() & projectors.keys())
    if both:
        raise InvalidInputError(f"embedding and projector both name a map {both[0]!r}")
    if not 1 <= len(given) + len(projectors) <= MAX_MAPS:
        raise InvalidInputError(
            f"an explorer has 1 … {MAX_MAPS} maps, got {len(given) + len(projectors)}"
        )
    return given, projectors


def check_projector(projector: Any, n: int) -> None:
    """Raise InvalidInputError for an invalid projector, or too few rows for the default one."""
    if isinstance(projector, type):
        name = projector.__name__
        raise InvalidInputError(f"projector is the class {name}; pass an instance, {name}()")
    if projector is not None and not callable(getattr(projector, "fit_transform", None)):
        raise InvalidInputError(
            f"projector must have a fit_transform method, got {type(projector).__name__}; "
            "pass embedding= for given coordinates"
        )
    if projector is None and n < MIN_ROWS:
        raise InvalidInputError(
            f"a map needs at least {MIN_ROWS} samples, got {n}; "
            "pass embedding= to show given coordinates"
        )


def _check_name(name: object) -> None:
    if not isinstance(name, str) or not name.strip() or len(name) > MAX_NAME:
        raise InvalidInputError(
            f"a map's name must be text of 1 … {MAX_NAME} characters, got {printable(repr(name))}"
        )
