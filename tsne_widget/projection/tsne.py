"""TSNE: features → a flat map in which neighbours stay neighbours, as a scikit-learn estimator."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from tsne_widget.errors import InvalidInputError
from tsne_widget.projection import approximate, start
from tsne_widget.projection.affinities import Affinities, joint
from tsne_widget.projection.inputs import (
    Standard,
    as_array,
    check_directed,
    check_finite,
    check_samples,
    directions,
    unit_rows,
)
from tsne_widget.projection.landmarks import Reference, Rest, choose, place_rows, rest_of
from tsne_widget.projection.neighbors import (
    Neighbors,
    nearest,
    nearest_in_graph,
    nearest_in_table,
)
from tsne_widget.projection.optimize import (
    Forces,
    Schedule,
    State,
    descend,
    forces_for,
    kl_divergence,
)
from tsne_widget.projection.parameters import (
    check_memory,
    check_parameters,
    given_start,
    supported_perplexity,
)
from tsne_widget.projection.workers import Workers, available_threads

if TYPE_CHECKING:
    from typing_extensions import Self

Callback = Callable[[int, NDArray[np.float32], float], Any]

# scikit-learn's gradient has a factor 4 that ours leaves out, as openTSNE's does.
SCIKIT_GRADIENT_FACTOR = 4.0
CHECKSUM_ROWS = 4096


class TSNE(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Map features to two dimensions so that neighbours stay neighbours.

    t-distributed stochastic neighbour embedding (van der Maaten & Hinton 2008) with exact nearest
    neighbours and a particle–mesh repulsion (see ``repulsion``), in torch. Parameter names are
    those of :class:`sklearn.manifold.TSNE`. Where numba is installed, the CPU's loops are
    compiled: two to three times faster, to the same quality.

    The same ``random_state`` gives the same bits on one machine with the same versions, for any
    number of threads.

    Parameters
    ----------
    n_components : int
        2 for a flat map, or 1 for a line.
    perplexity : float or None
        Effective number of neighbours. None means 30, or (n − 1) / 3 where that is less; the value
        used is ``perplexity_``. It is not written as 30.0 because an estimator must not change what
        the user gave: None may adapt to a small n, a number may not.
    early_exaggeration : float
        Factor on the attraction in the first 250 iterations, at least 1.
    learning_rate : float or "auto"
        In scikit-learn's units. "auto" is n / exaggeration / 4: it grows when the exaggeration ends
        (Belkina et al. 2019; openTSNE does the same).
    max_iter : int
        Iterations in all, the 250 exaggerated ones included. 600 reach the KL divergence of
        scikit-learn's 1000, because forces are more exact and momentum is 0.9.
    init : "pca", "random" or (n, 2) array
        Where the points start. Strings start with a standard deviation of 1e-4, an array as it is.
    metric : str
        "euclidean", "cosine", or "precomputed": X is then an (n, n) array of distances, or a sparse
        matrix of the distances to at least 3 × perplexity neighbours of each row, as
        scikit-learn's ``kneighbors_graph`` makes it.
    random_state : int, RandomState or None
        Seed of the start's noise (1 % of it with "pca").
    device : str or None
        torch device; None is the CPU. The path for "cuda" waits for the device only every tenth
        iteration, and sums in an order-independent way; it has not been measured yet.
    n_jobs : int or None
        Threads; None is ``torch.get_num_threads()``, −1 all cores.
    callback : callable or None
        Called as ``callback(iteration, embedding, kl_divergence)`` with a copy of the map and an
        estimate in nats, at iteration 0 and every ``callback_every``. Returning True stops the fit;
        blocking pauses it.
    callback_every : int
        Iterations between two calls.
    neighbors : "auto", "exact" or "approximate"
        How the neighbours of each row are found. "approximate" misses about 1 % of them and takes
        n √n instead of n² (faiss, the ``neighbors`` extra); "auto" is approximate from 100,000 rows
        where faiss is installed, on the CPU; ``neighbors_`` says which it was.
    landmarks : int or None
        Fit only so many rows and place the others among them, as :meth:`transform` does, piece by
        piece: for hundreds of thousands of rows and more. They are drawn by ``random_state``, and
        by class if ``y`` is given. What the map loses by it: benchmarks/README.md.
    executor : {"local", "ray"}
        Where the rows that are no landmarks are placed: here, or on a Ray cluster (the ``ray``
        extra) to the same bits on machines of one kind.
    warm_start : bool
        Continue the last fit of the same X, up to ``max_iter`` iterations in all: the result is
        that of a fit without a break.

    Attributes
    ----------
    embedding_ : (n, n_components) float32 array
        The map.
    kl_divergence_ : float
        KL(P‖Q) of the map, in nats; NaN after an interrupt.
    n_iter_ : int
        Iterations done.
    complete_ : bool
        False where a callback, an error in it, or an interrupt ended the fit early.
    n_features_in_ : int
        Columns of X.
    landmarks_ : (m,) int64 array
        The rows that were fitted, ascending: all without ``landmarks``.
    neighbors_ : str
        "exact", "approximate", or "precomputed".
    perplexity_, learning_rate_ : float
        The values used (the learning rate after the exaggeration, in scikit-learn's units).

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> X = load_digits().data[:200]
    >>> TSNE(random_state=0).fit_transform(X).shape
    (200, 2)
    """

    embedding_: NDArray[np.float32]
    kl_divergence_: float
    n_iter_: int
    n_features_in_: int
    perplexity_: float
    learning_rate_: float
    neighbors_: str
    complete_: bool
    landmarks_: NDArray[np.int64]

    def __init__(
        self,
        n_components: int = 2,
        *,
        perplexity: float | None = None,
        early_exaggeration: float = 12.0,
        learning_rate: float | str = "auto",
        max_iter: int = 600,
        init: str | ArrayLike = "pca",
        metric: str = "euclidean",
        random_state: int | np.random.RandomState | None = None,
        device: str | None = None,
        n_jobs: int | None = None,
        callback: Callback | None = None,
        callback_every: int = 25,
        neighbors: str = "auto",
        landmarks: int | None = None,
        executor: str = "local",
        warm_start: bool = False,
    ) -> None:
        self.n_components = n_components
        self.perplexity = perplexity
        self.early_exaggeration = early_exaggeration
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.init = init
        self.metric = metric
        self.random_state = random_state
        self.device = device
        self.n_jobs = n_jobs
        self.callback = callback
        self.callback_every = callback_every
        self.neighbors = neighbors
        self.landmarks = landmarks
        self.executor = executor
        self.warm_start = warm_start

    def fit(self, X: Any, y: ArrayLike | None = None) -> Self:
        """Fit the map of ``X`` into ``embedding_``; see :meth:`fit_transform`."""
        X = self._validated(X)
        with Workers(available_threads(self.n_jobs)) as workers:
            if self.warm_start and hasattr(self, "_state"):
                self._check_same(X)
            else:
                self._begin(X, y, workers)
            self._advance(workers)
            if self._rest is not None:
                places = self._rest.placed(self._state.y.cpu().numpy(), workers, self.executor)
                self.embedding_ = places[:, : self.n_components].copy()
        return self

    def fit_transform(self, X: Any, y: ArrayLike | None = None) -> NDArray[np.float32]:
        """The map of ``X``.

        Parameters
        ----------
        X : (n, d) array or torch tensor of real numbers, n ≥ 4
            Features (also a memory map); distances with ``metric="precomputed"``.
        y : (n,) array, optional
            Classes, of which ``landmarks`` are a fair sample; otherwise ignored.

        Returns
        -------
        (n, 2) float32 array
            Row *i* is the place of ``X[i]``.

        Raises
        ------
        InvalidInputError
            If X has NaN, inf or fewer than 4 rows, is constant or sparse, or if a parameter is one
            that X cannot support.
        """
        return self.fit(X, y).embedding_

    def transform(self, X: Any) -> NDArray[np.float32]:
        """Places of new rows on the fitted map, which stays as it is.

        Each row starts at the median of its 15 nearest fitted rows and descends on its own
        divergence (Poličar, Stražar & Zupan 2021). Its place does not depend on the other rows of
        the call, so any split of ``X`` gives the same. A row equal to a fitted one has its place.

        Parameters
        ----------
        X : (m, d) array or torch tensor
            Features of the same layer as those of the fit.

        Returns
        -------
        (m, 2) float32 array

        Raises
        ------
        InvalidInputError
            If X does not fit the map's features, or the map was made from distances.
        """
        check_is_fitted(self, "embedding_")
        if self._reference is None:
            raise InvalidInputError(
                "transform needs features, but the map was fitted with metric='precomputed'"
            )
        array = _checked(self, as_array(X), reset=False)
        check_finite(array)
        with Workers(available_threads(self.n_jobs)) as workers:
            y: NDArray[np.float32] = self._state.y.cpu().numpy()
            return place_rows(array, self._as_reference(), y, workers)[:, : self.n_components]

    @property
    def _n_features_out(self) -> int:
        return self.n_components

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []  # maps are float32, whatever the features are
        tags.input_tags.pairwise = self.metric == "precomputed"
        return tags

    def _validated(self, X: Any) -> Any:
        check_parameters(self)
        if sparse.issparse(X) and self.metric == "precomputed":
            check_samples(X.shape[0])
            self.n_features_in_ = X.shape[1]
            return X.tocsr()
        X = _checked(self, as_array(X), reset=True)
        check_samples(len(X))
        if self.landmarks is None or self.landmarks >= len(X):
            check_memory(*X.shape)
        else:
            check_memory(self.landmarks, X.shape[1])
            check_finite(X)  # now, not when the fit is done and the others are to be placed
            if self.metric == "cosine":
                check_directed(X)
        return X

    def _begin(self, X: Any, y: ArrayLike | None, workers: Workers) -> None:
        """Everything before the first iteration: landmarks, neighbours, probabilities, start."""
        rows = X.shape[0]
        self._rest: Rest | None = None
        if self.landmarks is None or self.landmarks >= rows:
            self.landmarks_ = np.arange(rows)
            self._begin_with(X, workers)
            return
        random = check_random_state(self.random_state)
        self.landmarks_ = choose(rows, self.landmarks, y, random)
        self._begin_with(X[self.landmarks_], workers)
        self._rest = rest_of(X, self.landmarks_, self._as_reference(), workers, self.executor)
        self._checksum = _checksum(X)

    def _begin_with(self, X: Any, workers: Workers) -> None:
        """The same for the rows that are fitted."""
        n = X.shape[0]
        self.perplexity_ = supported_perplexity(self.perplexity, n)
        k = min(n - 1, int(3 * self.perplexity_))
        device = self.device or "cpu"
        self._standard: Standard | None = None
        self._reference: NDArray[np.float32] | None = None
        self.neighbors_ = "precomputed"
        if self.metric == "precomputed":
            neighbors = nearest_in_graph(X, k) if sparse.issparse(X) else nearest_in_table(X, k)
            if not X.max() > 0:
                raise InvalidInputError(f"all distances are 0 over {n} samples; nothing to map")
        else:
            if self.metric == "euclidean":
                self._standard = Standard(X)
                self._reference = self._standard(X)
            else:
                self._reference = unit_rows(X)
            neighbors = self._nearest(self._reference, k, workers, device)
            if self.metric == "cosine":
                neighbors = neighbors.as_cosine()
        self._affinities: Affinities = joint(neighbors, self.perplexity_, workers)
        self._state = State.at(self._start(n, workers), device)
        self._state.on_a_line = self.n_components == 1

    def _nearest(self, X: NDArray[np.float32], k: int, workers: Workers, device: str) -> Neighbors:
        """Neighbours by the way that the parameter says, or that the number of rows suggests."""
        way = self.neighbors
        if way == "auto":
            pays = len(X) >= approximate.LARGE and device == "cpu" and approximate.is_available()
            way = "approximate" if pays else "exact"
        self.neighbors_ = way
        if way == "approximate":
            return approximate.nearest_about(X, k, workers)
        return nearest(X, k, workers, device=device)

    def _check_same(self, X: Any) -> None:
        """Raise InvalidInputError unless ``X`` is that of the fit which is to go on."""
        if self._rest is not None:
            same = _checksum(X) == self._checksum
        elif self._reference is None:
            same = X.shape[0] == len(self._affinities)  # of distances only the nearest were kept
        else:
            again = unit_rows(X) if self._standard is None else Standard(X)(X)
            same = np.array_equal(again, self._reference)
        if not same:
            raise InvalidInputError(
                "warm_start=True continues the fit of the same X, but X has changed; "
                "pass warm_start=False to begin anew"
            )

    def _start(self, n: int, workers: Workers) -> NDArray[np.float32]:
        if not isinstance(self.init, str):
            whole = len(self.init) if self.landmarks is not None else n  # type: ignore[arg-type]
            places = given_start(self.init, whole, self.n_components)
            return places[self.landmarks_]
        noise = check_random_state(self.random_state).standard_normal((n, 2))
        noise[:, self.n_components :] = 0
        if self.init == "random":
            return np.asarray(start.STD * noise, np.float32)
        if self._reference is None:
            raise InvalidInputError(
                "init='pca' needs features, but metric='precomputed' gives distances; "
                "pass init='random' or an array"
            )
        components = start.principal(self._reference, workers)
        components[:, self.n_components :] = 0
        return np.asarray(start.STD * (components + start.NOISE * noise), np.float32)

    def _advance(self, workers: Workers) -> None:
        """Iterate to ``max_iter``; whatever ends it leaves a usable map."""
        state, n = self._state, len(self._affinities)
        rate = None if self.learning_rate == "auto" else float(self.learning_rate)
        schedule = Schedule(
            n, float(self.early_exaggeration), rate and rate * SCIKIT_GRADIENT_FACTOR
        )
        self.learning_rate_ = schedule.phase(10**9).learning_rate / SCIKIT_GRADIENT_FACTOR
        self.complete_, self.kl_divergence_ = False, float("nan")
        try:
            forces = forces_for(self._affinities, workers, self.device or "cpu")
            if state.iteration > 0 or not self._stops(forces, 0):
                watch = None if self.callback is None else lambda i: self._stops(forces, i)
                descend(state, forces, schedule, self.max_iter, watch)
            self.kl_divergence_ = kl_divergence(state, forces, self._affinities)
            self.complete_ = state.iteration >= self.max_iter
        finally:
            self.embedding_ = self._map()
            self.n_iter_ = state.iteration

    def _stops(self, forces: Forces, iteration: int) -> bool:
        """Whether the callback, where one is due, wants the fit to stop."""
        if self.callback is None or iteration % self.callback_every:
            return False
        state = self._state
        kl = kl_divergence(state, forces, self._affinities, estimate=True)
        return self.callback(iteration, self._map(), kl) is True

    def _map(self) -> NDArray[np.float32]:
        """(n, n_components) as it is now; rows that are no landmarks at their nearest landmark."""
        y: NDArray[np.float32] = self._state.y.cpu().numpy()
        whole: NDArray[np.float32] = y if self._rest is None else self._rest.at_nearest(y)
        places: NDArray[np.float32] = whole[:, : self.n_components].copy()
        return places

    def _as_reference(self) -> Reference:
        assert self._reference is not None  # noqa: S101 - only asked for where there are features
        standardise = directions if self._standard is None else self._standard
        device = self.device or "cpu"
        return Reference(self._reference, standardise, self._standard is None, device)


def _checked(estimator: TSNE, X: Any, *, reset: bool) -> NDArray[Any]:
    """``X`` by scikit-learn's rules, its refusals as ours."""
    try:
        array: NDArray[Any] = validate_data(
            estimator, X, reset=reset, dtype="numeric", ensure_all_finite=False
        )
    except ValueError as error:
        raise InvalidInputError(str(error)) from error
    return array


def _checksum(X: NDArray[Any]) -> int:
    """Of the bytes of ``X``, block by block."""
    value = zlib.crc32(repr(X.shape).encode())
    for first in range(0, len(X), CHECKSUM_ROWS):
        value = zlib.crc32(np.ascontiguousarray(X[first : first + CHECKSUM_ROWS]).data, value)
    return value
