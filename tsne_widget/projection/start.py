"""Where the points of a map start."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from tsne_widget.projection.workers import Workers

# Standard deviation of the start: small, so that early exaggeration can order the whole map
# (Kobak & Berens 2019, "The art of using t-SNE for single-cell transcriptomics").
STD = 1e-4
# Share of noise in it: rows that are equal, and axes the data do not have, need some to part.
NOISE = 0.01
# Randomised range finder of Halko, Martinsson & Tropp (2011): columns and power iterations. The
# start needs no more digits.
COLUMNS = 8
POWER_ITERATIONS = 3
ROWS_PER_BLOCK = 1024


def principal(X: NDArray[np.float32], workers: Workers) -> NDArray[np.float64]:
    """The first two principal components of ``X``, (n, 2), the first with standard deviation 1.

    The sign of each is such that its largest coordinate is positive. Components that the data do
    not have are 0.
    """
    scores = principal_scores(X, COLUMNS, workers)[:, :2]
    components = np.zeros((len(X), 2))
    components[:, : scores.shape[1]] = scores
    peaks = components[np.abs(components).argmax(0), [0, 1]]
    components *= np.where(peaks < 0, -1, 1)
    return components / max(float(components[:, 0].std()), 1e-30)


def principal_scores(X: NDArray[np.float32], columns: int, workers: Workers) -> NDArray[np.float64]:
    """(n, columns) coordinates in the first principal components, largest first; fewer if n or d
    is less. The last ones are rough. The same for any number of threads."""
    n, d = X.shape
    data = torch.from_numpy(X)
    means = _column_means(X, workers)
    columns = min(columns, d, n)
    generator = torch.Generator().manual_seed(0)
    basis = torch.randn((d, columns), generator=generator)
    blocks = [slice(first, first + ROWS_PER_BLOCK) for first in range(0, n, ROWS_PER_BLOCK)]

    def product(basis: torch.Tensor) -> torch.Tensor:
        shift = means @ basis
        return torch.cat(workers.map(lambda rows: data[rows] @ basis - shift, blocks))

    for _ in range(POWER_ITERATIONS):
        scores = product(basis)
        parts = workers.map(lambda rows: data[rows].T @ scores[rows], blocks)  # noqa: B023
        covariance = torch.stack(parts).sum(0) - means[:, None] * scores.sum(0)
        basis = torch.linalg.qr(covariance)[0]
    scores = product(basis).double()
    rotation = torch.linalg.eigh(scores.T @ scores)[1].flip(1)
    rotated: NDArray[np.float64] = (scores @ rotation).numpy()
    return rotated


def _column_means(X: NDArray[np.float32], workers: Workers) -> torch.Tensor:
    firsts = range(0, len(X), ROWS_PER_BLOCK)
    # numpy casts in passing; a copy of a block as float64 would be the fit's peak of memory.
    sums = workers.map(
        lambda first: X[first : first + ROWS_PER_BLOCK].sum(0, dtype=np.float64), firsts
    )
    return torch.from_numpy((np.sum(sums, axis=0) / len(X)).astype(np.float32))
