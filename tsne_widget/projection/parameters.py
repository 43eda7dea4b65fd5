"""What the parameters of TSNE may be, and what they mean for so many rows."""

from __future__ import annotations

import os
import warnings
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from tsne_widget._ray_session import check_executor
from tsne_widget.errors import InvalidInputError
from tsne_widget.projection.inputs import MIN_SAMPLES, as_array

# Perplexity of van der Maaten & Hinton (2008) and of every library since; less where n is small.
USUAL_PERPLEXITY = 30.0
# A map spans tens to hundreds; from further away points would not find each other.
MAX_INIT = 1e4
# Share of the machine's memory that a fit may plan to use.
MEMORY_SHARE = 0.8


def check_parameters(tsne: Any) -> None:
    if tsne.n_components not in (1, 2):
        raise InvalidInputError(
            f"n_components={tsne.n_components!r} is not supported; pass 2 for a flat map, or 1"
        )
    if tsne.metric not in ("euclidean", "cosine", "precomputed"):
        raise InvalidInputError(
            f"metric={tsne.metric!r} is unknown; pass 'euclidean', 'cosine' or 'precomputed'"
        )
    if tsne.neighbors not in ("auto", "exact", "approximate"):
        raise InvalidInputError(
            f"neighbors={tsne.neighbors!r} is unknown; pass 'auto', 'exact' or 'approximate'"
        )
    if isinstance(tsne.init, str) and tsne.init not in ("pca", "random"):
        raise InvalidInputError(f"init={tsne.init!r} is unknown; pass 'pca', 'random' or an array")
    for name in ("max_iter", "callback_every"):
        value = getattr(tsne, name)
        if not isinstance(value, Integral) or value < 1:
            raise InvalidInputError(f"{name}={value!r} must be an integer of at least 1")
    exaggeration: float = tsne.early_exaggeration
    rate: float | str = tsne.learning_rate
    if not isinstance(exaggeration, Real) or not 1 <= exaggeration < np.inf:
        raise InvalidInputError(
            f"early_exaggeration={exaggeration!r} must be a number of at least 1"
        )
    if rate != "auto" and (not isinstance(rate, Real) or not 0 < rate < np.inf):
        raise InvalidInputError(f"learning_rate={rate!r} must be 'auto' or a number above 0")
    if tsne.n_jobs is not None and (not isinstance(tsne.n_jobs, Integral) or tsne.n_jobs == 0):
        raise InvalidInputError(f"n_jobs={tsne.n_jobs!r} must be None, −1 or a number of threads")
    check_executor(tsne.executor)
    count = tsne.landmarks
    if count is not None:
        if isinstance(count, bool) or not isinstance(count, Integral) or count < MIN_SAMPLES:
            raise InvalidInputError(
                f"landmarks={count!r} must be a number of rows of at least {MIN_SAMPLES}, or None"
            )
        if tsne.metric == "precomputed":
            raise InvalidInputError(
                "landmarks need features, to place the other rows, but metric='precomputed' gives "
                "distances; pass landmarks=None"
            )
    if tsne.device is not None:
        try:
            torch.empty(0, device=tsne.device)
        except (RuntimeError, AssertionError) as error:
            raise InvalidInputError(
                f"device={tsne.device!r} is not usable here ({error}); pass device=None for the CPU"
            ) from error


def supported_perplexity(perplexity: float | None, n: int) -> float:
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
            stacklevel=4,
        )
    return float(perplexity)


def given_start(init: ArrayLike, n: int, width: int) -> NDArray[np.float32]:
    places = np.asarray(as_array(init), dtype=np.float32)
    if places.shape != (n, width):
        raise InvalidInputError(f"init has shape {places.shape}; pass an array of ({n}, {width})")
    if not (np.abs(places) <= MAX_INIT).all():
        raise InvalidInputError(
            f"init has coordinates that are not finite or beyond ±{MAX_INIT:g}; rescale it, for "
            "instance to a standard deviation of 1e-4"
        )
    return np.pad(places, ((0, 0), (0, 2 - width)))


def check_memory(n: int, d: int) -> None:
    needed = 8 * n * d + 2000 * n  # standardised features and their copy; neighbours and pairs
    try:
        available = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not on Windows
        return
    if needed > MEMORY_SHARE * available:
        raise InvalidInputError(
            f"X of {n} × {d} needs about {needed / 1e9:.1f} GB, more than {MEMORY_SHARE:.0%} of "
            f"this machine's {available / 1e9:.1f} GB; reduce d first, for instance with "
            "sklearn.decomposition.IncrementalPCA(50), or pass landmarks=50_000"
        )
