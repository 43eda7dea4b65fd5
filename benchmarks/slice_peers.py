"""Other ways to find groups of mistakes, for `benchmarks.groups`.

Each function returns up to ten arrays of rows, the best group first and its most typical rows
first. All of them see every row; none holds a half back.
"""

from __future__ import annotations

import warnings

import numpy as np
from scipy.special import logsumexp, softmax
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from benchmarks.planted_slices import Planted

GROUPS = 10
CLUSTERS = 25
COMPONENTS = 128  # principal components, as Domino takes them
WEIGHT = 10.0  # of labels and predictions beside the features, as in Domino
ITERATIONS = 100
MIN_LEAF = 10


def domino(data: Planted, seed: int) -> list[np.ndarray]:
    """The mixture of Eyuboglu et al. 2022, "Domino": written from the paper.

    One component is a Gaussian with a diagonal covariance over the features, a distribution of the
    label and one of the prediction. Components start from the cells of the confusion matrix, and
    those whose labels and predictions differ most come first.
    """
    c = data.logits.shape[1]
    x = _principal(data.features, seed)
    y, guess = np.eye(c)[data.labels], softmax(data.logits.astype(np.float64), axis=1)
    share = _start(data, seed)
    last = -np.inf
    for _ in range(ITERATIONS):
        size = share.sum(axis=0) + 1e-9
        mean = share.T @ x / size[:, None]
        spread = np.maximum(share.T @ x**2 / size[:, None] - mean**2, 0) + 1e-4 * x.var()
        of_label = (share.T @ y + 1e-6) / (size[:, None] + c * 1e-6)
        of_guess = (share.T @ guess + 1e-6) / (size[:, None] + c * 1e-6)
        near = -0.5 * (
            (x**2) @ (1 / spread).T - 2 * x @ (mean / spread).T + (mean**2 / spread).sum(axis=1)
        )
        near -= 0.5 * np.log(2 * np.pi * spread).sum(axis=1)
        near += np.log(size / len(x))
        near += WEIGHT * (y @ np.log(of_label).T + guess @ np.log(of_guess).T)
        total = logsumexp(near, axis=1, keepdims=True)
        share = np.exp(near - total)
        if abs(total.mean() - last) < 1e-3:
            break
        last = total.mean()
    best = np.argsort(-np.abs(of_label - of_guess).max(axis=1), kind="stable")[:GROUPS]
    return [np.lexsort([-near[:, g], -share[:, g]]) for g in best]


def _start(data: Planted, seed: int) -> np.ndarray:
    """(n, k) shares of the rows in the components: one component a cell, the largest first."""
    random = np.random.default_rng(seed)
    c = data.logits.shape[1]
    cell = data.labels * c + data.predictions
    cells, counts = np.unique(cell, return_counts=True)
    order = cells[np.argsort(-counts, kind="stable")]
    share = random.random((len(cell), CLUSTERS)) * 0.1
    for component in range(CLUSTERS):
        share[cell == order[component % len(order)], component] += 1
    return share / share.sum(axis=1, keepdims=True)


def kmeans(data: Planted, seed: int) -> list[np.ndarray]:
    """Clusters of the features, those with the highest error rate first."""
    x = _principal(data.features, seed)
    found = KMeans(CLUSTERS, n_init=3, random_state=seed).fit(x)
    far = found.transform(x)
    return _by_error(
        data,
        [
            np.flatnonzero(found.labels_ == g)[
                np.argsort(far[found.labels_ == g, g], kind="stable")
            ]
            for g in range(CLUSTERS)
        ],
    )


def tree(data: Planted, seed: int) -> list[np.ndarray]:
    """Leaves of a tree of depth 3 that predicts mistakes from features and labels."""
    wrong = data.predictions != data.labels
    x = np.hstack([_principal(data.features, seed), np.eye(data.logits.shape[1])[data.labels]])
    grown = DecisionTreeClassifier(max_depth=3, min_samples_leaf=MIN_LEAF, random_state=seed)
    leaf = grown.fit(x, wrong).apply(x)
    return _by_error(data, [_central(x, np.flatnonzero(leaf == g)) for g in np.unique(leaf)])


def cleanlab(data: Planted, seed: int) -> list[np.ndarray]:
    """cleanlab's underperforming group: a cluster of the features with the worst labels."""
    from cleanlab import Datalab

    probabilities = softmax(data.logits.astype(np.float64), axis=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lab = Datalab({"y": data.labels}, label_name="y", verbosity=0)
        lab.find_issues(
            pred_probs=probabilities,
            features=_principal(data.features, seed),
            issue_types={"underperforming_group": {"threshold": 1.0}},
        )
    found = lab.get_issues("underperforming_group")
    inside = np.flatnonzero(found["underperforming_group_score"].to_numpy() < 1)
    return [_central(data.features, inside)] if len(inside) else []


def _principal(features: np.ndarray, seed: int) -> np.ndarray:
    scaled = StandardScaler().fit_transform(features.astype(np.float64))
    count = min(COMPONENTS, *features.shape)
    return PCA(count, svd_solver="randomized", random_state=seed).fit_transform(scaled)


def _central(x: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Rows of a group, those nearest to its mean first."""
    far = ((x[rows] - x[rows].mean(axis=0)) ** 2).sum(axis=1)
    return rows[np.argsort(far, kind="stable")]


def _by_error(data: Planted, groups: list[np.ndarray]) -> list[np.ndarray]:
    wrong = data.predictions != data.labels
    large = [rows for rows in groups if len(rows) >= MIN_LEAF]
    return sorted(large, key=lambda rows: -wrong[rows].mean())[:GROUPS]
