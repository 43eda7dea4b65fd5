"""TSNE: features → a flat map in which neighbours stay neighbours, as a scikit-learn estimator."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn import manifold
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import PCA
from sklearn.utils import check_random_state
from sklearn.utils.validation import validate_data

from tsne_widget.errors import InvalidInputError
from tsne_widget.projection.inputs import as_array, check_samples, standardised

if TYPE_CHECKING:
    from typing_extensions import Self

Callback = Callable[[int, NDArray[np.float32], float], Any]

# Perplexity of van der Maaten & Hinton (2008) and of every library since; less where n is small.
USUAL_PERPLEXITY = 30.0
# Standard deviation of the start: small, so that early exaggeration can order the whole map
# (Kobak & Berens 2019, "The art of using t-SNE for single-cell transcriptomics").
INIT_STD = 1e-4


class TSNE(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Map features to two dimensions so that neighbours stay neighbours.

    Parameter names are those of :class:`sklearn.manifold.TSNE`.

    Parameters
    ----------
    n_components : int
        2, the only value supported.
    perplexity : float or None
        Effective number of neighbours. None means 30, or (n − 1) / 3 where that is less; the value
        used is ``perplexity_``. It is not written as 30.0 because an estimator must not change what
        the user gave: None may adapt to a small n, a number may not.
    early_exaggeration : float
        Factor on the attraction in the first 250 iterations.
    learning_rate : float or "auto"
        "auto" is n / early_exaggeration.
    max_iter : int
        Iterations in all, the exaggerated ones included.
    init : "pca", "random" or (n, 2) array
        Where the points start. Strings start with a standard deviation of 1e-4.
    metric : str
        "euclidean", "cosine" or "precomputed" (X is then an (n, n) matrix of distances).
    random_state : int, RandomState or None
        Seed of whatever is drawn at random.
    n_jobs : int or None
        Threads.
    callback : callable or None
        Called as ``callback(iteration, embedding, kl_divergence)``; returning True stops the fit.
    callback_every : int
        Iterations between two calls.

    Attributes
    ----------
    embedding_ : (n, 2) float32 array
        The map.
    kl_divergence_ : float
        Kullback–Leibler divergence of the map from the neighbourhoods, in nats.
    n_iter_ : int
        Iterations done.
    n_features_in_ : int
        Columns of X.
    perplexity_ : float
        The perplexity used.
    complete_ : bool
        False where the fit was stopped early.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> X = load_digits().data[:200]
    >>> TSNE(random_state=0, max_iter=250).fit_transform(X).shape
    (200, 2)
    """

    embedding_: NDArray[np.float32]
    kl_divergence_: float
    n_iter_: int
    perplexity_: float
    complete_: bool

    def __init__(
        self,
        n_components: int = 2,
        *,
        perplexity: float | None = None,
        early_exaggeration: float = 12.0,
        learning_rate: float | str = "auto",
        max_iter: int = 1000,
        init: str | ArrayLike = "pca",
        metric: str = "euclidean",
        random_state: int | np.random.RandomState | None = None,
        n_jobs: int | None = None,
        callback: Callback | None = None,
        callback_every: int = 50,
    ) -> None:
        self.n_components = n_components
        self.perplexity = perplexity
        self.early_exaggeration = early_exaggeration
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.init = init
        self.metric = metric
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.callback = callback
        self.callback_every = callback_every

    def fit(self, X: Any, y: object = None) -> Self:
        """Fit the map of ``X`` into ``embedding_``; see :meth:`fit_transform`."""
        self.fit_transform(X)
        return self

    def fit_transform(self, X: Any, y: object = None) -> NDArray[np.float32]:
        """The map of ``X``.

        Parameters
        ----------
        X : (n, d) array or torch tensor of real numbers, n ≥ 4
            Features; (n, n) distances with ``metric="precomputed"``.
        y : ignored

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
        X = self._validated(X)
        n = len(X)
        precomputed = self.metric == "precomputed"
        X = X.astype(np.float64) / max(float(np.max(X)), 1e-300) if precomputed else standardised(X)
        self.perplexity_ = _supported_perplexity(self.perplexity, n)
        start = self._start(X)
        if self.callback is not None and self.callback(0, start, float("nan")) is True:
            self.embedding_, self.n_iter_ = start, 0
            self.kl_divergence_, self.complete_ = float("nan"), False
            return start
        engine = manifold.TSNE(
            perplexity=self.perplexity_,
            early_exaggeration=self.early_exaggeration,
            learning_rate=self.learning_rate,
            max_iter=self.max_iter,
            init=start,
            metric=self.metric,
            random_state=self.random_state,
            n_jobs=self.n_jobs,
        )
        self.embedding_ = engine.fit_transform(X).astype(np.float32)
        self.kl_divergence_ = float(engine.kl_divergence_)
        self.n_iter_ = int(engine.n_iter_) + 1
        self.complete_ = True
        if self.callback is not None:
            self.callback(self.n_iter_, self.embedding_, self.kl_divergence_)
        return self.embedding_

    def _validated(self, X: Any) -> NDArray[Any]:
        if self.n_components != 2:
            raise InvalidInputError(
                f"n_components={self.n_components!r} is not supported; the map is flat: pass 2"
            )
        if self.metric not in ("euclidean", "cosine", "precomputed"):
            raise InvalidInputError(
                f"metric={self.metric!r} is unknown; pass 'euclidean', 'cosine' or 'precomputed'"
            )
        X = as_array(X)
        try:
            X = validate_data(self, X, dtype="numeric", ensure_all_finite=False)
        except ValueError as error:
            raise InvalidInputError(str(error)) from error
        check_samples(len(X))
        if self.metric == "precomputed":
            _check_distances(X)
        array: NDArray[Any] = X
        return array

    def _start(self, X: NDArray[Any]) -> NDArray[np.float32]:
        n = len(X)
        random = check_random_state(self.random_state)
        if not isinstance(self.init, str):
            start = np.asarray(self.init, dtype=np.float32)
            if start.shape != (n, 2):
                raise InvalidInputError(f"init has shape {start.shape}; pass an array of ({n}, 2)")
            if not np.isfinite(start).all():
                raise InvalidInputError("init has NaN or inf; pass finite coordinates")
            return start
        if self.init not in ("pca", "random"):
            raise InvalidInputError(
                f"init={self.init!r} is unknown; pass 'pca', 'random' or an array"
            )
        place = random.standard_normal((n, 2))
        if self.init == "pca" and self.metric != "precomputed":
            kept = min(2, X.shape[1])
            axes = PCA(kept, random_state=random).fit_transform(X)
            axes = axes / max(float(axes[:, 0].std()), 1e-30)
            place *= 0.01  # identical rows need different starts; a missing axis needs any
            place[:, :kept] += axes
        place *= INIT_STD
        return np.asarray(place, dtype=np.float32)


def _supported_perplexity(perplexity: float | None, n: int) -> float:
    if perplexity is None:
        return min(USUAL_PERPLEXITY, (n - 1) / 3)
    if isinstance(perplexity, bool) or not isinstance(perplexity, Real) or not perplexity >= 1:
        raise InvalidInputError(
            f"perplexity={perplexity!r} must be a number of at least 1, or None"
        )
    if perplexity >= n:
        raise InvalidInputError(
            f"perplexity={perplexity:g} needs more than {perplexity:g} samples, got {n}; "
            f"pass perplexity={max(1, (n - 1) // 3)}"
        )
    if 3 * perplexity > n - 1:
        warnings.warn(
            f"perplexity={perplexity:g} wants {3 * perplexity:g} neighbours of each sample, but "
            f"there are {n - 1}; pass perplexity={max(1, (n - 1) // 3)} or less",
            UserWarning,
            stacklevel=3,
        )
    return float(perplexity)


def _check_distances(X: NDArray[Any]) -> None:
    n = len(X)
    if X.shape != (n, n):
        raise InvalidInputError(
            f"metric='precomputed' needs a square matrix of distances, got shape {X.shape}"
        )
    if not np.isfinite(X).all() or (X < 0).any():
        raise InvalidInputError("precomputed distances must be finite and not negative")
    if not (X > 0).any():
        raise InvalidInputError(f"all distances are 0 over {n} samples; a map needs differences")
