"""Search for places in feature space where mistakes are dense, on one half of the rows."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tsne_widget._validation import check_finite, row_blocks
from tsne_widget.analysis.duplicates import near_duplicates
from tsne_widget.analysis.inputs import centring, feature_blocks

# Leading axes of the features, and the power of their variances that they are divided by: half way
# to equal variances, so that a rare change counts beside the classes.
DIMENSIONS = 64
WHITENING = 0.25
# Squared distance between two labels in units of the features' total variance: samples of other
# labels are far, but not out of reach.
LABEL_WEIGHT = 1.0
# Rows of a half that are searched, and mistakes from which a group may grow.
MAX_ROWS = 12_000
MAX_SEEDS = 2_000
# Rows of a group in the half that is searched, and mistakes that it has at least.
SMALLEST, LARGEST = 8, 150
# Largest share of the searched rows, at least of 20 rows: what is everywhere is no group.
MAX_SHARE = 0.06
MIN_MISTAKES = 4
# Groups that one half proposes. More of them make the correction of the test stricter.
MAX_PROPOSED = 30
# Groups that move to the mean of their mistakes before the best are proposed.
MAX_MOVED = 60
# Share of a group's mistakes that better groups may have already.
OVERLAP = 0.6
# Mistakes of one label that are nearer are near duplicates. Unrelated samples are about √2 apart.
DUPLICATE = 0.05
_SAMPLE = 7_000  # rows that determine the axes
_BLOCK = 256
_ROWS = 4_096
_ROUNDS = 2


class Judged(NamedTuple):
    """What the model said of n samples."""

    labels: NDArray[np.int64]
    predictions: NDArray[np.int64]
    logits: NDArray[Any] | None = None
    """(n, c) or None; may be a memory map."""

    @property
    def wrong(self) -> NDArray[np.bool_]:
        """(n,) bool."""
        return np.asarray(self.labels != self.predictions)

    def beliefs(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """(k, c) float32: how far the model believes in each class but the label, 0 … 1.

        Without logits: 1 for the prediction, 0 for the others. With logits: the mean of this and
        of the probability, so a sample that is right but nearly taken for a class counts a quarter.
        """
        labels, predictions = self.labels[rows], self.predictions[rows]
        width = int(max(self.labels.max(), self.predictions.max())) + 1
        logits = None
        if self.logits is not None:
            logits = np.asarray(self.logits[rows], dtype=np.float32)
            check_finite("logits", logits)
            width = max(width, logits.shape[1])
        found = np.eye(width, dtype=np.float32)[predictions]
        if logits is not None:
            shares = np.exp(logits - logits.max(axis=1, keepdims=True))
            found[:, : logits.shape[1]] += shares / shares.sum(axis=1, keepdims=True)
            found /= 2
        found[np.arange(len(rows)), labels] = 0
        return found


class Ball(NamedTuple):
    """A group: the rows within a distance of a centre."""

    centre: NDArray[np.float32]
    squared: float
    """Square of the radius."""
    score: float
    """How far mistakes are denser than elsewhere; higher is better."""
    taken_for: int
    """The class for which the seed of the group was mistaken."""


def joined_space(features: NDArray[Any], labels: NDArray[np.int64]) -> NDArray[np.float32]:
    """(n, d) float32: leading axes of the features beside the labels.

    The predictions must stay out: with them and the labels a place tells whether its samples are
    wrong, and every group would hold.
    """
    sample = features[:: max(1, len(features) // _SAMPLE)]
    transform = centring(sample)
    some = transform.points(sample).astype(np.float64)
    some -= some.mean(axis=0)
    variances, axes = np.linalg.eigh(some.T @ some / len(some))
    variances, axes = variances[::-1][:DIMENSIONS], axes[:, ::-1][:, :DIMENSIONS]
    kept = variances > 1e-9 * max(variances[0], 1e-30)
    turned = (axes[:, kept] / variances[kept] ** WHITENING).astype(np.float32)
    blocks = feature_blocks(*features.shape)
    scaled = np.concatenate([transform.apply(features[block]) @ turned for block in blocks])
    check_finite("features", scaled)
    scaled /= np.sqrt(scaled.var(axis=0).sum()) or 1.0
    of_label = np.eye(int(labels.max()) + 1, dtype=np.float32)[labels]
    return np.hstack([scaled, np.float32(np.sqrt(LABEL_WEIGHT / 2)) * of_label])


def random_halves(
    space: NDArray[np.float32],
    labels: NDArray[np.int64],
    wrong: NDArray[np.bool_],
    random: np.random.Generator,
) -> NDArray[np.bool_]:
    """(n,) bool: a random half of the rows.

    Near duplicates among the mistakes of one label stay together: a copy would confirm itself.
    """
    n = len(space)
    first = np.zeros(n, dtype=bool)
    first[random.permutation(n)[: n // 2]] = True
    mistakes = np.flatnonzero(wrong)
    if len(mistakes) > 2:
        near, far = _nearest_mistake(space[mistakes], labels[mistakes])
        copies = near_duplicates(near, far, DUPLICATE).groups
        members = np.flatnonzero(copies >= 0)
        _, leaders = np.unique(copies[members], return_index=True)
        first[mistakes[members]] = first[mistakes[members[leaders]]][copies[members]]
    return first


def _nearest_mistake(
    points: NDArray[np.float32], labels: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """(m, 1) nearest other point of the same label, and (m, 1) distance; inf if there is none."""
    near, squared = np.zeros((len(points), 1), np.int64), np.full((len(points), 1), np.inf)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        for block in row_blocks(len(rows), _BLOCK) if len(rows) > 1 else ():
            table = squared_distances(points[rows[block]], points[rows])
            own = np.arange(len(table))
            table[own, own + block.start] = np.inf
            best = table.argmin(axis=1)
            near[rows[block], 0], squared[rows[block], 0] = rows[best], table[own, best]
    return near, np.sqrt(squared).astype(np.float32)


def squared_distances(
    some: NDArray[np.float32], others: NDArray[np.float32]
) -> NDArray[np.float32]:
    """(m, n) float32 squared distances, 0 or more."""
    table = some @ others.T
    table *= -2
    table += np.einsum("ij,ij->i", others, others)
    table += np.einsum("ij,ij->i", some, some)[:, np.newaxis]
    np.maximum(table, 0, out=table)
    return table


def proposed_groups(
    space: NDArray[np.float32],
    judged: Judged,
    rows: NDArray[np.int64],
    random: np.random.Generator,
) -> list[Ball]:
    """Groups in which mistakes are dense, found on some rows only, the densest first.

    Each mistake is a seed. Its group grows over its nearest rows while it gains score: their mean
    belief in the class for which the seed was mistaken, beyond that of all rows, times the root of
    the size, over the radius. Seeds that score less than an overlapping one are dropped, so what is
    left are local maxima. The groups then move to the mean of their mistakes and grow again.
    """
    if len(rows) > MAX_ROWS:
        rows = np.sort(random.choice(rows, MAX_ROWS, replace=False))
    points, errors = space[rows], judged.labels[rows] != judged.predictions[rows]
    seeds = np.flatnonzero(errors)
    if len(seeds) > MAX_SEEDS:
        seeds = np.sort(random.choice(seeds, MAX_SEEDS, replace=False))
    if len(rows) <= SMALLEST or len(seeds) < MIN_MISTAKES:
        return []
    search = _Growth(points, errors, judged.beliefs(rows))
    grown = search.grow(points[seeds], judged.predictions[rows[seeds]])
    best = search.local_maxima(grown, MAX_MOVED)
    found = [grown[i] for i in best]
    if not found:
        return []
    for _ in range(_ROUNDS):
        means = np.stack([search.mean_of_mistakes(ball) for ball in found])
        moved = search.grow(means, np.array([ball.taken_for for ball in found]))
        found = [max(pair, key=lambda ball: ball.score) for pair in zip(found, moved, strict=True)]
    return [found[i] for i in search.local_maxima(found, MAX_PROPOSED)]


def inside_balls(space: NDArray[np.float32], balls: list[Ball]) -> list[NDArray[np.int64]]:
    """Rows inside each ball, from its centre outwards."""
    if not balls:
        return []
    centres = np.stack([ball.centre for ball in balls])
    limits = np.array([ball.squared for ball in balls], np.float32)[:, np.newaxis] * (1 + 1e-5)
    rows: list[list[NDArray[np.int64]]] = [[] for _ in balls]
    far: list[list[NDArray[np.float32]]] = [[] for _ in balls]
    for block in row_blocks(len(space), _ROWS):
        table = squared_distances(centres, space[block])
        for i, is_inside in enumerate(table <= limits):
            near = np.flatnonzero(is_inside)
            rows[i].append(near + block.start)
            far[i].append(table[i, near])
    return [
        np.concatenate(found)[np.argsort(np.concatenate(distance), kind="stable")]
        for found, distance in zip(rows, far, strict=True)
    ]


class _Growth:
    """Balls that grow over some points, some of which are mistakes."""

    def __init__(
        self,
        points: NDArray[np.float32],
        errors: NDArray[np.bool_],
        beliefs: NDArray[np.float32],
    ) -> None:
        self._points, self._errors, self._beliefs = points, errors, beliefs
        self._mistakes = points[errors]
        self._base = beliefs.mean(axis=0)
        self._floor = 0.0

    def grow(self, centres: NDArray[np.float32], taken_for: NDArray[np.int64]) -> list[Ball]:
        """The best ball about each centre, where samples are taken for one class each."""
        largest = min(LARGEST, max(20, round(MAX_SHARE * len(self._points))))
        size = np.arange(1, min(largest, len(self._points)) + 1)
        blocks = row_blocks(len(centres), _BLOCK)
        nearest = [self._nearest(centres[block], len(size)) for block in blocks]
        squared, near = (np.concatenate(part) for part in zip(*nearest, strict=True))
        mistakes = self._errors[near].cumsum(axis=1)
        belief = self._beliefs[near, taken_for[:, np.newaxis]].cumsum(axis=1)
        self._floor = self._floor or float(np.quantile(squared[:, SMALLEST - 1], 0.05)) or 1e-12
        excess = (belief / size - self._base[taken_for, np.newaxis]) * np.sqrt(size)
        score = excess / np.sqrt(np.maximum(squared, self._floor))
        score[:, : SMALLEST - 1] = -np.inf
        score[mistakes < MIN_MISTAKES] = -np.inf
        last = score.argmax(axis=1)
        own = np.arange(len(centres))
        best = (part[own, last].tolist() for part in (squared, score))
        return [Ball(*ball) for ball in zip(centres, *best, taken_for.tolist(), strict=True)]

    def _nearest(
        self, centres: NDArray[np.float32], k: int
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        table = squared_distances(centres, self._points)
        near = np.argpartition(table, k - 1, axis=1)[:, :k]
        far = np.take_along_axis(table, near, axis=1)
        order = np.argsort(far, axis=1, kind="stable")
        return np.take_along_axis(far, order, 1), np.take_along_axis(near, order, 1)

    def _mistakes_in(self, ball: Ball) -> NDArray[np.int64]:
        """Numbers of the mistakes in a ball, counted among all mistakes."""
        far = squared_distances(ball.centre[np.newaxis], self._mistakes)[0]
        return np.flatnonzero(far <= ball.squared * (1 + 1e-5))

    def mean_of_mistakes(self, ball: Ball) -> NDArray[np.float32]:
        """The centre of the mistakes in a ball."""
        inside = self._mistakes_in(ball)
        return np.asarray(self._mistakes[inside].mean(axis=0) if len(inside) else ball.centre)

    def local_maxima(self, balls: list[Ball], most: int) -> list[int]:
        """Numbers of the best balls that share few mistakes with better ones."""
        is_taken = np.zeros(len(self._mistakes), dtype=bool)
        chosen: list[int] = []
        for i in sorted(range(len(balls)), key=lambda i: -balls[i].score):
            if len(chosen) == most or not balls[i].score > 0:
                break
            inside = self._mistakes_in(balls[i])
            if len(inside) < MIN_MISTAKES or is_taken[inside].mean() > OVERLAP:
                continue
            is_taken[inside] = True
            chosen.append(i)
        return chosen
