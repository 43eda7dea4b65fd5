"""Validation of the parameters of TSNE, and defaults that depend on the number of rows."""

from __future__ import annotations

import os
import warnings
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from tsne_widget._notes import warn_about
from tsne_widget._ray_session import check_executor
from tsne_widget._validation import did_you_mean
from tsne_widget.errors import InvalidInputError
from tsne_widget.projection.devices import check_device
from tsne_widget.projection.inputs import (
    MIN_SAMPLES,
    as_array,
    as_numeric,
    check_finite,
    check_nonzero_rows,
    check_samples,
)
from tsne_widget.projection.metrics import check_metric
from tsne_widget.projection.precomputed import check_distances
from tsne_widget.projection.repulsion import DIRECT_POINTS

# The default of van der Maaten & Hinton (2008), scikit-learn and openTSNE; lower if n is small.
DEFAULT_PERPLEXITY = 30.0
# A map is tens to hundreds of units wide. Points that start further apart do not interact.
MAX_INIT = 1e4
# Share of the machine's memory that a fit may use.
MEMORY_SHARE = 0.8
CHOICES = {
    "method": ("barnes_hut", "exact"),
    "neighbors": ("auto", "exact", "approximate"),
    "init": ("pca", "random"),
}


def check_parameters(tsne: Any) -> None:
    """Raise InvalidInputError if a parameter of the estimator is invalid, whatever the data."""
    if tsne.n_components not in (1, 2):
        raise InvalidInputError(
            f"'n_components' should be 2 for a map or 1 for a line, got {tsne.n_components!r}"
        )
    for name, choices in CHOICES.items():
        _check_choice(name, getattr(tsne, name), choices)
    check_metric(tsne.metric, tsne.metric_params)
    if tsne.landmarks is not None:
        _check_landmarks(tsne.landmarks, tsne.metric)
    if tsne.metric == "precomputed" and isinstance(tsne.init, str) and tsne.init == "pca":
        raise InvalidInputError(
            'The parameter init="pca" cannot be used with metric="precomputed", because distances '
            "have no principal components; pass init='random' or an array"
        )
    for name in ("max_iter", "callback_every"):
        value = getattr(tsne, name)
        if not isinstance(value, Integral) or value < 1:
            raise InvalidInputError(f"{name}={value!r} must be an integer of at least 1")
    for name in ("verbose", "n_iter_without_progress"):
        if not isinstance(getattr(tsne, name), Integral):
            raise InvalidInputError(f"{name}={getattr(tsne, name)!r} must be an integer")
    exaggeration, rate = tsne.early_exaggeration, tsne.learning_rate
    if not isinstance(exaggeration, Real) or not 1 <= float(exaggeration) < np.inf:
        raise InvalidInputError(
            f"early_exaggeration={exaggeration!r} must be a number of at least 1"
        )
    if rate != "auto" and (not isinstance(rate, Real) or not 0 < float(rate) < np.inf):
        raise InvalidInputError(f"learning_rate={rate!r} must be 'auto' or a number above 0")
    if tsne.n_jobs is not None and (not isinstance(tsne.n_jobs, Integral) or tsne.n_jobs == 0):
        raise InvalidInputError(
            f"n_jobs={tsne.n_jobs!r} must be None, a number of threads, or −1 for all cores"
        )
    check_executor(tsne.executor)
    if tsne.device is not None:
        check_device(tsne.device)


# Parameters of scikit-learn without effect here: scikit-learn's default, and why.
WITHOUT_EFFECT = {
    "angle": (0.5, "the repulsion is computed on a mesh, without a tree"),
    "min_grad_norm": (1e-7, "all iterations are carried out"),
}
_noted: set[str] = set()


def note_without_effect(tsne: Any, X: Any) -> None:
    """Warn once per process about each parameter that is set but has no effect."""
    notes = {
        name: f"{name}={getattr(tsne, name)!r} has no effect: {reason}; omit it"
        for name, (default, reason) in WITHOUT_EFFECT.items()
        if getattr(tsne, name) != default
    }
    n = getattr(X, "shape", (0,))[0]
    if tsne.method == "exact" and n > DIRECT_POINTS:
        notes["method"] = (
            f"method='exact' has no effect from {DIRECT_POINTS + 1} samples on: the repulsion is "
            "computed on a mesh, to about 1 %; omit it"
        )
    warn_about(notes[name] for name in notes.keys() - _noted)
    _noted.update(notes)


def _check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if name == "init" and not isinstance(value, str):  # an array, checked by user_start
        return
    if value not in choices:
        listed = ", ".join(map(repr, choices)) + (" or an array" if name == "init" else "")
        raise InvalidInputError(
            f"{name}={value!r} is unknown; pass one of {listed}{did_you_mean(value, choices)}"
        )


def _check_landmarks(count: object, metric: object) -> None:
    if isinstance(count, bool) or not isinstance(count, Integral) or int(count) < MIN_SAMPLES:
        raise InvalidInputError(
            f"landmarks={count!r} must be None or a number of rows of at least {MIN_SAMPLES}"
        )
    if metric not in ("euclidean", "cosine"):
        raise InvalidInputError(
            "landmarks need features and metric='euclidean' or 'cosine' to place the other rows, "
            f"got metric={metric!r}; pass landmarks=None"
        )


def resolve_perplexity(perplexity: float | None, n: int) -> float:
    """The perplexity for n samples; None gives 30, or (n − 1) / 3 if that is less.

    Raises
    ------
    InvalidInputError
        If the perplexity is below 1 or not below n.

    Warns
    -----
    UserWarning
        If there are fewer than 3 × perplexity neighbours.
    """
    if perplexity is None:
        return min(DEFAULT_PERPLEXITY, (n - 1) / 3)
    if isinstance(perplexity, bool) or not isinstance(perplexity, Real) or not perplexity >= 1:
        raise InvalidInputError(
            f"perplexity={perplexity!r} must be a number of at least 1, or None"
        )
    if perplexity >= n:
        raise InvalidInputError(
            f"perplexity ({perplexity}) must be less than n_samples ({n}); "
            f"pass perplexity={max(1, (n - 1) // 3)}"
        )
    if 3 * perplexity > n - 1:
        warnings.warn(
            f"perplexity={perplexity:g} needs {3 * perplexity:g} neighbours per sample, but there "
            f"are {n - 1}; pass perplexity={max(1, (n - 1) // 3)} or less",
            UserWarning,
            stacklevel=4,
        )
    return float(perplexity)


def user_start(init: ArrayLike, n: int, width: int) -> NDArray[np.float32]:
    """Initial coordinates from the user's array, (n, 2) float32; a second column of 0 is added.

    Parameters
    ----------
    init : (n, width) array
    n : int
        Number of samples.
    width : int
        ``n_components``, 1 or 2.

    Raises
    ------
    InvalidInputError
        If the shape is wrong, or a coordinate is not finite or too large.
    """
    start = np.asarray(as_array(init), dtype=np.float32)
    if start.shape != (n, width):
        raise InvalidInputError(f"init must have shape ({n}, {width}), got {start.shape}")
    if not (np.abs(start) <= MAX_INIT).all():
        raise InvalidInputError(
            f"init has coordinates that are not finite or beyond ±{MAX_INIT:g}; rescale it, for "
            "example to a standard deviation of 1e-4"
        )
    return np.pad(start, ((0, 0), (0, 2 - width)))


def check_memory(n: int, d: int) -> None:
    """Raise InvalidInputError if a fit of n × d features needs more memory than there is."""
    needed = 8 * n * d + 2000 * n  # scaled features and a copy; neighbours and pairs
    try:
        available = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return
    if needed > MEMORY_SHARE * available:
        raise InvalidInputError(
            f"X of {n} × {d} needs about {needed / 1e9:.1f} GB, more than {MEMORY_SHARE:.0%} of "
            f"this machine's {available / 1e9:.1f} GB; reduce d first, for example with "
            "sklearn.decomposition.IncrementalPCA(50), or pass landmarks=50_000"
        )


def fits_all(tsne: Any, n: int) -> bool:
    """Whether all n rows are fitted."""
    return tsne.landmarks is None or tsne.landmarks >= n


def validated(tsne: Any, X: Any) -> Any:
    """``X`` as an (n, d) array or a CSR matrix of distances; errors come before any work.

    Raises
    ------
    InvalidInputError
        If a parameter is invalid, or does not suit X.
    """
    check_parameters(tsne)
    note_without_effect(tsne, X)
    if tsne.metric == "precomputed":
        if sparse.issparse(X):
            tsne.n_features_in_ = X.shape[1]
            X = X.tocsr()
        else:
            X = as_numeric(tsne, X, reset=True)
        check_distances(X)
        check_samples(X.shape[0])
        return X
    X = as_numeric(tsne, X, reset=True)
    check_samples(len(X))
    if fits_all(tsne, len(X)):
        check_memory(*X.shape)
    else:
        check_memory(int(tsne.landmarks), X.shape[1])
        check_finite(X)  # the other rows are used after the fit, which is too late for an error
        if tsne.metric == "cosine":
            check_nonzero_rows(X)
    return X
