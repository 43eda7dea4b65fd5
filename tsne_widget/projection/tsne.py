"""The t-SNE estimator: features → a map that preserves neighbourhoods."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from tsne_widget._notes import warn_about
from tsne_widget.errors import InvalidInputError
from tsne_widget.projection.devices import choose_device, is_gpu
from tsne_widget.projection.fits import Descent, Fit, HostFit, Problem
from tsne_widget.projection.gpu.fit import fit_on_gpu
from tsne_widget.projection.inputs import (
    as_numeric,
    check_finite,
    check_nonzero_rows,
    check_samples,
    checksum,
)
from tsne_widget.projection.landmarks import OtherRows, choose, find_other_rows, place_rows
from tsne_widget.projection.parameters import (
    check_memory,
    check_parameters,
    resolve_perplexity,
    user_start,
)
from tsne_widget.projection.schedule import ITERATIONS, default_schedule
from tsne_widget.projection.start import Start
from tsne_widget.projection.workers import Workers, available_threads

if TYPE_CHECKING:
    from typing_extensions import Self

Callback = Callable[[int, NDArray[np.float32], float], Any]

logger = logging.getLogger(__name__)

# scikit-learn's gradient has a factor of 4 that ours and openTSNE's omit.
SCIKIT_GRADIENT_FACTOR = 4.0


class TSNE(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]  # untyped bases
    """Map features to two dimensions so that neighbours stay neighbours.

    t-distributed stochastic neighbour embedding (van der Maaten & Hinton 2008) in torch, with exact
    nearest neighbours and a particle–mesh repulsion. Parameter names are those of
    :class:`sklearn.manifold.TSNE`. With numba (``pip install "tsne-widget[fast]"``) a fit on the
    CPU is two to three times faster.

    The same ``random_state`` gives the same bits on one machine and device with the same versions,
    for any number of threads.

    Parameters
    ----------
    n_components : int
        2 for a map, 1 for a line.
    perplexity : float or None
        Effective number of neighbours. None means 30, or (n − 1) / 3 if that is less.
    early_exaggeration : float
        Factor on the attraction in the first 100 iterations, at least 1. It falls to 1 in the next
        100.
    learning_rate : float or "auto"
        In scikit-learn's units. "auto" is n / exaggeration / 4, so it increases when the
        exaggeration falls (Belkina et al. 2019), as in openTSNE. A point whose attraction is too
        strong for the rate uses its largest stable rate.
    max_iter : int
        Total number of iterations, including the 200 exaggerated ones. 400 reach the KL divergence
        of scikit-learn's 1000, because the exaggeration falls in steps and the momentum is higher.
    init : "pca", "random" or (n, n_components) array
        Initial coordinates. "pca" and "random" have a standard deviation of 1e-4; an array is used
        unchanged.
    metric : str
        "euclidean", "cosine" or "precomputed". With "precomputed", X is an (n, n) array of
        distances, or a sparse matrix of the distances to at least 3 × perplexity neighbours of each
        row, as scikit-learn's ``kneighbors_graph`` returns it.
    random_state : int, RandomState or None
        Seed of the initial noise, and of the choice of landmarks. With init="pca" the noise is 1 %.
    device : "cpu", "cuda", "mps" or None
        Where the fit runs. None takes a CUDA GPU from 3,000 fitted rows on, if there is one with
        enough free memory, else the CPU. "mps" has not been measured.
    n_jobs : int or None
        Number of threads; None means ``torch.get_num_threads()``, −1 all cores.
    callback : callable or None
        Called as ``callback(iteration, embedding, kl_divergence)`` at iteration 0 and every
        ``callback_every`` iterations, with a copy of the map and an estimate in nats. Returning
        True stops the fit; blocking pauses it. On a GPU, a method ``stage(text)`` of the callback
        is told what is done before the first iteration, for example compiling.
    callback_every : int
        Iterations between two calls.
    neighbors : "auto", "exact" or "approximate"
        Neighbour search. "approximate" takes n √n instead of n² steps and misses about 1 % of the
        neighbours; on the CPU it needs faiss (``pip install "tsne-widget[neighbors]"``). "auto" is
        approximate from 100,000 rows on if faiss is installed, and on a GPU from 300,000 on.
    landmarks : int or None
        Fit only this many rows, and place the others as :meth:`transform` does. For hundreds of
        thousands of rows or more; benchmarks/README.md reports the loss of quality. Landmarks are
        chosen at random, in proportion to the classes if ``y`` is given.
    executor : {"local", "ray"}
        Where to place the rows that are not landmarks: in this process or on a Ray cluster
        (``pip install "tsne-widget[ray]"``). Machines of the same type give the same bits.
    warm_start : bool
        Continue the previous fit of the same X up to ``max_iter`` iterations. The result is that of
        an uninterrupted fit.

    Attributes
    ----------
    embedding_ : (n, n_components) float32 array
        The map.
    kl_divergence_ : float
        KL(P‖Q) of the map, in nats; NaN after an interrupt.
    n_iter_ : int
        Number of finished iterations.
    complete_ : bool
        False if a callback, an error or an interrupt ended the fit early.
    n_features_in_ : int
        Number of columns of X.
    landmarks_ : (m,) int64 array
        Row numbers of the fitted rows, ascending; all rows if ``landmarks`` is None.
    neighbors_ : str
        The neighbour search used: "exact", "approximate" or "precomputed".
    neighbors_recall_ : float
        Share of the true neighbours found, measured on a sample; 1 if the search is exact, NaN for
        precomputed distances.
    device_ : str
        The device used.
    perplexity_, learning_rate_ : float
        The values used. The learning rate is that after the exaggeration, in scikit-learn's units.

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
    neighbors_recall_: float
    device_: str
    landmarks_: NDArray[np.int64]
    _fit: Fit

    def __init__(
        self,
        n_components: int = 2,
        *,
        perplexity: float | None = None,
        early_exaggeration: float = 12.0,
        learning_rate: float | str = "auto",
        max_iter: int = ITERATIONS,
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
        """Fit the map of ``X``; parameters and errors as in :meth:`fit_transform`."""
        X = self._validate(X)
        with Workers(available_threads(self.n_jobs)) as workers:
            if self.warm_start and hasattr(self, "_fit"):
                self._check_unchanged(X)
            else:
                self._begin(X, y, workers)
            self._advance(workers)
            if self._others is not None:
                whole = self._others.place(
                    self._fit.coordinates(), self._fit, workers, self.executor
                )
                self.embedding_ = whole[:, : self.n_components].copy()
        return self

    def fit_transform(self, X: Any, y: ArrayLike | None = None) -> NDArray[np.float32]:
        """Fit the map of ``X`` and return it.

        Parameters
        ----------
        X : (n, d) array or torch tensor of real numbers, n ≥ 4
            Features, which may be a memory map; distances with ``metric="precomputed"``.
        y : (n,) array, optional
            Classes, used only to choose ``landmarks`` in proportion.

        Returns
        -------
        (n, n_components) float32 array
            Row *i* has the coordinates of ``X[i]``, in map units.

        Raises
        ------
        InvalidInputError
            If X has NaN, inf or fewer than 4 rows, is constant or sparse, or if a parameter is
            invalid or does not suit X.
        """
        return self.fit(X, y).embedding_

    def transform(self, X: Any) -> NDArray[np.float32]:
        """Coordinates of new rows on the fitted map, which does not change.

        Each row starts at the median of its 15 nearest fitted rows and descends on its own KL
        divergence (Poličar, Stražar & Zupan 2021). Its position does not depend on the other rows
        of ``X``. A row equal to a fitted row gets its position.

        Parameters
        ----------
        X : (m, d) array or torch tensor of real numbers
            Features of the same layer as in the fit.

        Returns
        -------
        (m, n_components) float32 array

        Raises
        ------
        InvalidInputError
            If X has another number of columns, NaN or inf, or the fit used precomputed distances.
        """
        check_is_fitted(self, ["embedding_", "_fit"])
        if not self._fit.has_features:
            raise InvalidInputError(
                "transform needs features, but the map was fitted with metric='precomputed'"
            )
        array = as_numeric(self, X, reset=False)
        check_finite(array)
        with Workers(available_threads(self.n_jobs)) as workers:
            placed = place_rows(array, self._fit, self._fit.coordinates(), workers)
        return placed[:, : self.n_components]

    @property
    def _n_features_out(self) -> int:
        return self.n_components

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []  # the map is float32 for features of any dtype
        tags.input_tags.pairwise = self.metric == "precomputed"
        return tags

    def _validate(self, X: Any) -> Any:
        """``X`` as an (n, d) array or a CSR matrix; raises InvalidInputError before any work."""
        check_parameters(self)
        if sparse.issparse(X) and self.metric == "precomputed":
            check_samples(X.shape[0])
            self.n_features_in_ = X.shape[1]
            return X.tocsr()
        X = as_numeric(self, X, reset=True)
        check_samples(len(X))
        if self._fits_all(len(X)):
            check_memory(*X.shape)
        else:
            check_memory(int(self.landmarks), X.shape[1])  # type: ignore[arg-type]  # checked above
            check_finite(X)  # the other rows are used after the fit, which is too late for an error
            if self.metric == "cosine":
                check_nonzero_rows(X)
        return X

    def _fits_all(self, n: int) -> bool:
        return self.landmarks is None or self.landmarks >= n

    def _begin(self, X: Any, y: ArrayLike | None, workers: Workers) -> None:
        """Prepare the first iteration of a new fit."""
        n = X.shape[0]
        self._others: OtherRows | None = None
        if self._fits_all(n):
            self.landmarks_ = np.arange(n)
            self._begin_fit(X, workers)
            return
        random = check_random_state(self.random_state)
        self.landmarks_ = choose(n, int(self.landmarks), y, random)  # type: ignore[arg-type]  # not None here
        self._begin_fit(X[self.landmarks_], workers)
        self._others = find_other_rows(X, self.landmarks_, self._fit, workers, self.executor)
        self._checksum = checksum(X)

    def _begin_fit(self, X: Any, workers: Workers) -> None:
        """Prepare the first iteration of the rows that are fitted."""
        n, d = X.shape
        self.perplexity_ = resolve_perplexity(self.perplexity, n)
        problem = Problem(self.metric, self.perplexity_, self.neighbors, self._start(n))
        columns = 0 if self.metric == "precomputed" else d
        device, note = choose_device(self.device, n, columns, problem.k(n))
        fit: Fit | None = None
        if is_gpu(device):
            self.__dict__.pop("_fit", None)  # frees the memory of the previous fit
            fit, note = fit_on_gpu(X, problem, device, self._stage, self.device is not None)
        if note is not None:
            warn_about([note])
        self._fit = HostFit(X, problem, workers) if fit is None else fit
        self.device_, self.neighbors_ = self._fit.device, self._fit.neighbors
        self.neighbors_recall_ = self._fit.recall

    def _start(self, n: int) -> Start:
        """Where the fitted rows start."""
        width = self.n_components
        if isinstance(self.init, str):
            return Start.at(self.init, n, width, check_random_state(self.random_state))
        rows = n if self.landmarks is None else len(self.init)  # type: ignore[arg-type]  # an array here
        return Start.given_at(user_start(self.init, rows, width)[self.landmarks_], width)

    def _check_unchanged(self, X: Any) -> None:
        """Raise InvalidInputError if ``X`` is not that of the previous fit."""
        same = self._fit.is_of(X) if self._others is None else checksum(X) == self._checksum
        if not same:
            raise InvalidInputError(
                "warm_start=True continues the fit of the same X, but X has changed; "
                "pass warm_start=False to start again"
            )

    def _advance(self, workers: Workers) -> None:
        """Iterate up to ``max_iter``; the map is usable even after an error or an interrupt."""
        fit = self._fit
        rate = None if self.learning_rate == "auto" else float(self.learning_rate)
        schedule = default_schedule(
            len(fit), float(self.early_exaggeration), rate and rate * SCIKIT_GRADIENT_FACTOR
        )
        self.learning_rate_ = schedule.phases[-1].learning_rate / SCIKIT_GRADIENT_FACTOR
        self.complete_, self.kl_divergence_ = False, float("nan")
        try:
            descent = fit.descent(workers)
            if fit.iteration > 0 or not self._stops(descent, 0):
                watch = None if self.callback is None else lambda i: self._stops(descent, i)
                descent.advance(schedule, self.max_iter, watch, self.callback_every)
            self.kl_divergence_ = descent.kl_divergence()
            self.complete_ = fit.iteration >= self.max_iter
        finally:
            self.embedding_ = self._map()
            self.n_iter_ = fit.iteration

    def _stops(self, descent: Descent, iteration: int) -> bool:
        """Call the callback; whether it stops the fit."""
        if self.callback is None:
            return False
        kl = descent.kl_divergence(estimate=True)
        return self.callback(iteration, self._map(), kl) is True

    def _stage(self, words: str) -> None:
        """Tell the callback what a fit on a GPU does before its first iteration."""
        logger.info("t-SNE: %s", words)
        stage = getattr(self.callback, "stage", None)
        if stage is not None:
            stage(words)

    def _map(self) -> NDArray[np.float32]:
        """The current (n, n_components) map; rows that are not landmarks are at the nearest one."""
        y = self._fit.coordinates()
        whole = y if self._others is None else self._others.at_nearest_landmark(y)
        return np.array(whole[:, : self.n_components])
