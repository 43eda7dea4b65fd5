"""The t-SNE estimator: features → a map that preserves neighbourhoods."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from tsne_widget._notes import warn_about
from tsne_widget.errors import InvalidInputError
from tsne_widget.projection.devices import choose_device, is_gpu
from tsne_widget.projection.fits import Fit, HostFit, Problem
from tsne_widget.projection.gpu.fit import fit_on_gpu
from tsne_widget.projection.inputs import Scaler, as_numeric, check_finite, checksum
from tsne_widget.projection.landmarks import OtherRows, choose, find_other_rows, place_rows
from tsne_widget.projection.metrics import OWN, neighbor_graph
from tsne_widget.projection.parameters import (
    fits_all,
    resolve_perplexity,
    user_start,
    validated,
)
from tsne_widget.projection.progress import PATIENCE, Progress
from tsne_widget.projection.schedule import ITERATIONS, default_schedule
from tsne_widget.projection.start import Start, principal
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
        Total number of iterations, including the 200 exaggerated ones. 420 reach the KL divergence
        of scikit-learn's 1000, because the exaggeration falls in steps and the momentum is higher.
    init : "pca", "random" or (n, n_components) array
        Initial coordinates. "pca" and "random" have a standard deviation of 1e-4; an array is used
        unchanged.
    metric : str or callable
        "euclidean", "cosine" or "precomputed". With "precomputed", X is an (n, n) array of
        distances, or a sparse matrix of the distances to at least 3 × perplexity neighbours of each
        row, as scikit-learn's ``kneighbors_graph`` returns it. Any other metric of
        :class:`sklearn.neighbors.NearestNeighbors`, or a function of two rows, is slower and places
        no new rows.
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
        gets the name of each stage before the first iteration, for example compiling.
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
    metric_params : dict or None
        Further arguments of a metric other than the first three, as in scikit-learn.
    verbose : int
        1 prints the stages of the fit, 2 also the divergence every 50 iterations.
    n_iter_without_progress : int
        End the fit after this many iterations without a lower divergence, checked every 50
        iterations after the exaggeration. 300, scikit-learn's default, never ends it.
    min_grad_norm, method, angle : float, str, float
        Accepted because scikit-learn has them. They do not change the result; a value other than
        scikit-learn's default is noted once.

    Attributes
    ----------
    embedding_ : (n, n_components) float32 array
        The map.
    kl_divergence_ : float
        KL(P‖Q) of the map, in nats; NaN after an interrupt.
    n_iter_ : int
        Number of the last iteration, counted from 0 as in scikit-learn: 399 after 400 iterations,
        −1 if there was none.
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
        metric: Any = "euclidean",
        random_state: int | np.random.RandomState | None = None,
        device: str | None = None,
        n_jobs: int | None = None,
        callback: Callback | None = None,
        callback_every: int = 25,
        neighbors: str = "auto",
        landmarks: int | None = None,
        executor: str = "local",
        warm_start: bool = False,
        metric_params: dict[str, Any] | None = None,
        verbose: int = 0,
        n_iter_without_progress: int = PATIENCE,
        min_grad_norm: float = 1e-7,
        method: str = "barnes_hut",
        angle: float = 0.5,
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
        self.metric_params = metric_params
        self.verbose = verbose
        self.n_iter_without_progress = n_iter_without_progress
        self.min_grad_norm = min_grad_norm
        self.method = method
        self.angle = angle

    def fit(self, X: Any, y: ArrayLike | None = None) -> Self:
        """Fit the map of ``X``; parameters and errors as in :meth:`fit_transform`."""
        X = validated(self, X)
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
        X : (n, d) array, torch tensor or small sparse matrix of real numbers, n ≥ 4
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
            If X has NaN, inf or fewer than 4 rows, is constant, or sparse and too large to be made
            dense, or if a parameter is invalid or does not suit X.
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
                "transform needs metric='euclidean' or 'cosine', but the map was fitted with "
                f"metric={self.metric!r}"
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
        tags.input_tags.sparse = True
        return tags

    def _begin(self, X: Any, y: ArrayLike | None, workers: Workers) -> None:
        """Prepare the first iteration of a new fit."""
        n = X.shape[0]
        self._others: OtherRows | None = None
        if fits_all(self, n):
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
        start, metric = self._start(n), self.metric
        k = Problem(metric, self.perplexity_, self.neighbors, start).k(n)
        progress = self._progress()
        progress.say(f"Computing {k} nearest neighbors...")
        if metric not in OWN:
            start = Start.given_at(
                start.coordinates(lambda: principal(Scaler(X)(X), workers)), self.n_components
            )
            X, metric = neighbor_graph(X, k, metric, self.metric_params, self.n_jobs), "precomputed"
        problem = Problem(metric, self.perplexity_, self.neighbors, start)
        columns = 0 if metric == "precomputed" else d
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
        if self.metric not in OWN:
            self.neighbors_, self.neighbors_recall_ = "exact", 1.0
        progress.say(f"Computed conditional probabilities for {n} samples", timed=True)

    def _start(self, n: int) -> Start:
        """Where the fitted rows start."""
        width = self.n_components
        if isinstance(self.init, str):
            return Start.at(self.init, n, width, check_random_state(self.random_state))
        rows = n if self.landmarks is None else len(self.init)  # type: ignore[arg-type]  # an array here
        return Start.given_at(user_start(self.init, rows, width)[self.landmarks_], width)

    def _check_unchanged(self, X: Any) -> None:
        """Raise InvalidInputError if ``X`` is not that of the previous fit."""
        if not (self._fit.is_of(X) if self._others is None else checksum(X) == self._checksum):
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
            progress = self._progress()

            def stops(iteration: int) -> bool:
                estimate = partial(descent.kl_divergence, estimate=True)
                return progress.stops(iteration, estimate, self._map)

            if fit.iteration > 0 or not stops(0):
                watch = stops if progress.every else None
                descent.advance(schedule, self.max_iter, watch, progress.every or 1)
            self.kl_divergence_ = descent.kl_divergence()
            self.complete_ = fit.iteration >= self.max_iter
            progress.end(fit.iteration, self.kl_divergence_)
        finally:
            self.embedding_ = self._map()
            self.n_iter_ = fit.iteration - 1

    def _progress(self) -> Progress:
        options = self.verbose, self.n_iter_without_progress, self.callback, self.callback_every
        return Progress(*options)

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
