"""Neighbours by any metric of scikit-learn, found by scikit-learn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tsne_widget._validation import did_you_mean
from tsne_widget.errors import InvalidInputError
from tsne_widget.projection.inputs import check_finite
from tsne_widget.projection.precomputed import check_distances

# Metrics with a neighbour search of our own.
OWN = ("euclidean", "cosine", "precomputed")


def check_metric(metric: object, parameters: object) -> None:
    """Raise InvalidInputError if a metric or its parameters cannot be used."""
    if parameters is not None and not isinstance(parameters, Mapping):
        raise InvalidInputError(f"metric_params={parameters!r} must be None or a dictionary")
    if parameters and metric in OWN:
        raise InvalidInputError(
            f"metric_params={dict(parameters)!r} has no meaning for metric={metric!r}; "
            "pass metric_params=None"
        )
    if callable(metric) or metric in OWN:
        return
    from sklearn.neighbors import VALID_METRICS

    known = sorted({*OWN, *VALID_METRICS["brute"]})
    if metric not in known:
        raise InvalidInputError(
            f"metric={metric!r} is unknown; pass one of {', '.join(map(repr, known))}, a function "
            "of two rows, or 'precomputed' with an array of distances"
            f"{did_you_mean(metric, known)}"
        )


def neighbor_graph(
    X: Any, k: int, metric: Any, parameters: Mapping[str, Any] | None, n_jobs: int | None
) -> Any:
    """(n, n) CSR matrix of the distances from each row to its k nearest other rows.

    Parameters
    ----------
    X : (n, d) array
    k : int
        1 to n − 1.
    metric : str or callable
        As in :class:`sklearn.neighbors.NearestNeighbors`.
    parameters : dict or None
        Further arguments of the metric, for example ``{"p": 3}`` for "minkowski".
    n_jobs : int or None

    Raises
    ------
    InvalidInputError
        If a value is NaN or infinite, the metric refuses its parameters, or a distance is negative.
    """
    from sklearn.neighbors import NearestNeighbors

    check_finite(X)
    others = dict(parameters or {})
    search = NearestNeighbors(
        n_neighbors=k,
        metric=metric,
        p=others.pop("p", 2),
        metric_params=others or None,
        n_jobs=n_jobs,
    )
    try:
        graph = search.fit(X).kneighbors_graph(mode="distance")
    except (ValueError, TypeError) as error:
        raise InvalidInputError(f"metric={metric!r}: {error}") from error
    check_distances(graph)
    return graph
