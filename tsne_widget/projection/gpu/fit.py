"""A fit on a GPU: from the features to the map without leaving the device."""

from __future__ import annotations

import contextlib
import copy
import logging
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tsne_widget._notes import warn_about
from tsne_widget.errors import InvalidInputError
from tsne_widget.projection.fits import LARGE, WEAK, Descent, Problem
from tsne_widget.projection.gpu import inverted_file
from tsne_widget.projection.gpu.descent import DeviceDescent, DeviceState
from tsne_widget.projection.gpu.engine import engine_of
from tsne_widget.projection.gpu.features import copied, principal_components, scaled_features
from tsne_widget.projection.gpu.operations import Pairs
from tsne_widget.projection.gpu.placement import DevicePlacement
from tsne_widget.projection.gpu.probabilities import joint_probabilities, strongest
from tsne_widget.projection.gpu.search import DeviceNeighbors, Search, exact_neighbors
from tsne_widget.projection.inputs import Scaler, directions, exact_directions, unit_rows
from tsne_widget.projection.landmarks import Placing, Reference, scaled_queries
from tsne_widget.projection.mesh import widest
from tsne_widget.projection.neighbors import Neighbors
from tsne_widget.projection.placement import NEIGHBORS
from tsne_widget.projection.precomputed import precomputed_neighbors
from tsne_widget.projection.workers import Workers

logger = logging.getLogger(__name__)

# Rows from which their order matters: near rows together halve the time of the attraction.
ORDERED_ROWS = 20_000


class DeviceFit:
    """A fit on a torch device; see :class:`fits.Fit`.

    The features, the pairs and the state stay on the device until the fit is deleted. A pickled fit
    holds them in host memory.

    Parameters
    ----------
    X : (n, d) array, or (n, n) distances
    problem : Problem
    device : str
    stage : callable
        Called with a few words before each stage.
    """

    def __init__(self, X: Any, problem: Problem, device: str, stage: Callable[[str], Any]) -> None:
        self.device = device
        self._place = _with_index(device)
        self._scaler: Scaler | None = None
        self._features: torch.Tensor | None = None  # in the order of the fit
        self._order: torch.Tensor | None = None  # row numbers in that order; None: as given
        self._digits: torch.Tensor | None = (
            None  # the features in float64, if float32 is too coarse
        )
        with self._on_device() as place:
            engine = engine_of(self._place, stage)
            warn_about(filter(None, [engine.note]))
            neighbors = self._neighbors(X, problem, place, engine.search, stage)
            stage("computing probabilities")
            self._pairs = joint_probabilities(neighbors, problem.perplexity, search=engine.search)
            del neighbors
            self._state = DeviceState(self._start(problem), is_line=problem.start.is_line)

    def __len__(self) -> int:
        return len(self._pairs.starts) - 1

    @property
    def has_features(self) -> bool:
        """See :class:`fits.Fit`."""
        return self._features is not None

    @property
    def iteration(self) -> int:
        """See :class:`fits.Fit`."""
        return self._state.iteration

    def is_of(self, X: Any) -> bool:
        """See :class:`fits.Fit`."""
        if self._features is None:
            return bool(X.shape[0] == len(self))
        with self._on_device() as place:
            again = _scaled(X, place, is_cosine=self._scaler is None)[1]
            if self._order is not None:
                again = again[self._order] if len(again) == len(self) else again
            return again.shape == self._features.shape and bool((again == self._features).all())

    def descent(self, workers: Workers) -> Descent:
        """See :class:`fits.Fit`."""
        with self._on_device():
            operations = engine_of(self._place).operations
            descent = DeviceDescent(self._state, self._pairs, operations, self._attracting())
            return _OnDevice(descent, self)

    def _attracting(self) -> Pairs | None:
        """The pairs that attract; None if all do."""
        if len(self) < LARGE or self._pairs.values.device.type == "mps":  # it has no float64
            return None
        return strongest(self._pairs, WEAK)

    def coordinates(self) -> NDArray[np.float32]:
        """See :class:`fits.Fit`."""
        y = self._state.motion.y.T
        if self._order is not None:
            placed = torch.empty_like(y, memory_format=torch.contiguous_format)
            placed[self._order] = y
            y = placed
        return np.ascontiguousarray(y.cpu().numpy())

    def nearest(self, X: NDArray[Any], workers: Workers) -> Neighbors:
        """See :class:`fits.Fit`."""
        queries = scaled_queries(self._scaler or directions, X)
        with self._on_device() as place:
            assert self._features is not None  # noqa: S101 - only called for a map of features
            k = min(NEIGHBORS, len(self))
            if self._digits is None:
                search, there = engine_of(self._place).search, copied(queries, place)
                found = exact_neighbors(self._features, k, queries=there, search=search)
            else:
                there = self._all_digits(X, place)
                found = exact_neighbors(self._digits, k, queries=there)
            if self._scaler is None:
                found = found.as_cosine()
            indices = found.indices
            if self._order is not None:
                indices = self._order[indices.long()].int()
            return Neighbors(indices.cpu().numpy(), found.squared.cpu().numpy())

    def placement(self, y: NDArray[np.float32], workers: Workers) -> Placing:
        """See :class:`fits.Fit`."""
        with self._on_device() as place:
            placement = DevicePlacement(y, engine_of(self._place).operations, place)

        def place_rows(neighbors: Neighbors) -> NDArray[np.float32]:
            with self._on_device():
                return placement.coordinates(neighbors)

        return place_rows

    def reference(self) -> Reference:
        """See :class:`fits.Fit`."""
        assert self._features is not None  # noqa: S101 - only called for a map of features
        features = self._features
        if self._order is not None:
            features = torch.empty_like(features)
            features[self._order] = self._features
        scale = self._scaler or directions
        return Reference(features.cpu().numpy(), scale, self._scaler is None)

    def __getstate__(self) -> dict[str, Any]:
        values = self.__dict__.copy()
        values["_state"] = copy.copy(self._state)
        _move(values, "cpu")
        return values

    def __setstate__(self, values: dict[str, Any]) -> None:
        self.__dict__.update(values)
        try:
            torch.empty(0, device=self._place)
        except (RuntimeError, AssertionError):  # no such GPU on this machine
            self.device = self._place = "cpu"

    def _neighbors(
        self,
        X: Any,
        problem: Problem,
        place: torch.device,
        search: Search,
        stage: Callable[[str], Any],
    ) -> DeviceNeighbors:
        k = problem.k(X.shape[0])
        if problem.metric == "precomputed":
            self.neighbors, self.recall = "precomputed", math.nan
            given = precomputed_neighbors(X, k)
            return DeviceNeighbors(*(torch.from_numpy(array).to(place) for array in given))
        stage("copying the features")
        is_cosine = problem.metric == "cosine"
        self._scaler, self._features = _scaled(X, place, is_cosine=is_cosine)
        stage("finding neighbours")
        n = len(self._features)
        self.neighbors = problem.neighbors
        if problem.neighbors == "auto":
            self.neighbors = "approximate" if n >= inverted_file.LARGE else "exact"
        is_approximate = self.neighbors == "approximate"
        if is_approximate or n >= ORDERED_ROWS:
            cells = inverted_file.Cells(self._features)
            self._order, self._features = cells.order, self._features[cells.order]
        if is_approximate:
            found, self.recall = inverted_file.approximate_neighbors(
                self._features, cells, k, search
            )
        else:
            found, self.recall = exact_neighbors(self._features, k, search=search), 1.0
            if found.need_digits(self._features):
                self._digits = self._all_digits(X, place)
                if self._order is not None:
                    self._digits = self._digits[self._order]
                found = exact_neighbors(self._digits, k)
        return found.as_cosine() if is_cosine else found

    def _all_digits(self, X: NDArray[Any], place: torch.device) -> torch.Tensor:
        """(m, d) float64 tensor of features in the unit of the fit, not centred."""
        convert = exact_directions if self._scaler is None else self._scaler.digits
        return torch.from_numpy(convert(X)).to(place, widest(place))

    def _start(self, problem: Problem) -> torch.Tensor:
        """(n, 2) initial coordinates in the order of the fit."""
        features, order = self._features, self._order
        if features is None:
            start = problem.start.coordinates(None)
        else:
            start = problem.start.coordinates(lambda: self._components(features))
        there = torch.from_numpy(np.array(start, np.float32)).to(self._pairs.values.device)
        return there if order is None else there[order]

    def _components(self, features: torch.Tensor) -> NDArray[np.float64]:
        components = principal_components(features)
        if self._order is None:
            return components
        placed = np.empty_like(components)
        placed[self._order.cpu().numpy()] = components
        return placed

    @contextlib.contextmanager
    def _on_device(self) -> Any:
        """The torch device, made current: kernels run on the current one."""
        place = torch.device(self._place)
        if hasattr(self, "_state"):
            _move(self.__dict__, self._place)  # after unpickling
        with torch.cuda.device(place) if place.type == "cuda" else contextlib.nullcontext():
            yield place


def fit_on_gpu(
    X: Any, problem: Problem, device: str, stage: Callable[[str], Any], is_forced: bool
) -> tuple[DeviceFit | None, str | None]:
    """A fit on a device; or None and a note if the device fails and the user has not named it.

    Raises
    ------
    InvalidInputError
        If X cannot be mapped, or the memory of a device that the user has named does not suffice.
    """
    try:
        return DeviceFit(X, problem, device, stage), None
    except torch.cuda.OutOfMemoryError as error:
        lack = f"the GPU has too little free memory for {X.shape[0]:,} × {X.shape[1]:,} features"
        if is_forced:
            raise InvalidInputError(
                f"device={device!r}: {lack}; free it, pass landmarks=50_000, or pass device='cpu'"
            ) from error
        return None, f"{lack}, so t-SNE runs on the CPU; free it, or pass landmarks=50_000"
    except RuntimeError as error:
        if is_forced:
            raise
        logger.warning("the GPU fails; t-SNE runs on the CPU", exc_info=True)
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        return None, f"the GPU fails ({reason}), so t-SNE runs on the CPU; pass device='cpu'"


class _OnDevice:
    """A descent whose device is current."""

    def __init__(self, descent: DeviceDescent, fit: DeviceFit) -> None:
        self._descent, self._fit = descent, fit

    def advance(self, *arguments: Any) -> None:
        """See :class:`fits.Descent`."""
        with self._fit._on_device():
            self._descent.advance(*arguments)

    def kl_divergence(self, *, estimate: bool = False) -> float:
        """See :class:`fits.Descent`."""
        with self._fit._on_device():
            return self._descent.kl_divergence(estimate=estimate)


def _scaled(
    X: NDArray[Any], place: torch.device, *, is_cosine: bool
) -> tuple[Scaler | None, torch.Tensor]:
    """The scaling learnt from ``X``, if there is one, and the scaled features on the device."""
    return (None, copied(unit_rows(X), place)) if is_cosine else scaled_features(X, place)


def _with_index(device: str) -> str:
    """The device with its number, because the current GPU of a thread may change."""
    if device != "cuda":
        return device
    return f"cuda:{torch.cuda.current_device()}"


def _move(values: dict[str, Any], device: str) -> None:
    """Move the arrays of a fit to a device; nothing happens if they are there."""
    for name in ("_features", "_order", "_digits"):
        if values[name] is not None:
            values[name] = values[name].to(device)
    values["_pairs"] = values["_pairs"].to(device)
    values["_state"].move_to(device)
