"""Initial coordinates of a map: principal components, noise, or the user's array."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from tsne_widget._validation import row_blocks
from tsne_widget.errors import InvalidInputError
from tsne_widget.projection.workers import Workers

# Standard deviation of the initial coordinates. It is small so that the early exaggeration can
# arrange the whole map (Kobak & Berens 2019, "The art of using t-SNE for single-cell
# transcriptomics").
STD = 1e-4
# Share of noise, which separates equal rows and fills axes along which the data do not vary.
NOISE = 0.01
# Columns and power iterations of the randomised range finder (Halko, Martinsson & Tropp 2011,
# "Finding structure with randomness"). Two components need no more.
COLUMNS = 8
POWER_ITERATIONS = 3
ROWS_PER_BLOCK = 1024


class Start(NamedTuple):
    """What determines the initial coordinates, besides the features."""

    given: NDArray[np.float32] | None
    """(n, 2): the user's coordinates."""
    is_random: bool
    """Start from noise instead of principal components."""
    noise: NDArray[np.float64]
    """(n, 2) standard normal values; empty if coordinates are given."""
    is_line: bool
    """Keep the second coordinate at 0."""

    @classmethod
    def at(cls, init: str, n: int, width: int, random: np.random.RandomState) -> Start:
        """A start of n points at principal components ("pca") or at "random".

        Parameters
        ----------
        init : "pca" or "random"
        n : int
        width : int
            ``n_components``, 1 or 2; with 1 the second column is 0.
        random : RandomState
            Source of the noise.
        """
        noise = random.standard_normal((n, 2))
        noise[:, width:] = 0
        return cls(None, init == "random", noise, width == 1)

    @classmethod
    def given_at(cls, coordinates: NDArray[np.float32], width: int) -> Start:
        """A start at the user's coordinates, (n, 2)."""
        return cls(coordinates, False, np.empty((0, 2)), width == 1)

    def coordinates(
        self, components: Callable[[], NDArray[np.float64]] | None
    ) -> NDArray[np.float32]:
        """(n, 2) initial coordinates, with a standard deviation of 1e-4 unless they are given.

        Parameters
        ----------
        components : callable or None
            Returns the (n, 2) principal components; None if only distances are known.

        Raises
        ------
        InvalidInputError
            If principal components are needed, and there are no features.
        """
        if self.given is not None:
            return self.given
        if self.is_random:
            return np.asarray(STD * self.noise, np.float32)
        if components is None:
            raise InvalidInputError(
                "init='pca' needs features, but metric='precomputed' gives distances; "
                "pass init='random' or an array"
            )
        found = components()
        if self.is_line:
            found[:, 1] = 0
        return np.asarray(STD * (found + NOISE * self.noise), np.float32)


def principal(X: NDArray[np.float32], workers: Workers) -> NDArray[np.float64]:
    """First two principal components of ``X``, (n, 2); the first has standard deviation 1.

    Signs are chosen so that the coordinate with the largest absolute value is positive. Components
    beyond the rank of the data are 0.
    """
    return oriented(principal_scores(X, COLUMNS, workers)[:, :2])


def oriented(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Up to two principal scores, (n, 1 or 2), with the signs and the scale of `principal`."""
    components = np.zeros((len(scores), 2))
    components[:, : scores.shape[1]] = scores
    peaks = components[np.abs(components).argmax(0), [0, 1]]
    components *= np.where(peaks < 0, -1, 1)
    return components / max(float(components[:, 0].std()), 1e-30)


def principal_scores(X: NDArray[np.float32], columns: int, workers: Workers) -> NDArray[np.float64]:
    """Coordinates of the rows along the first principal components, largest variance first.

    The last columns are approximate. The result does not depend on the number of threads.

    Returns
    -------
    (n, min(columns, d, n)) float64 array
    """
    n, d = X.shape
    data = torch.from_numpy(X)
    means = _column_means(X, workers)
    columns = min(columns, d, n)
    generator = torch.Generator().manual_seed(0)
    basis = torch.randn((d, columns), generator=generator)
    blocks = row_blocks(n, ROWS_PER_BLOCK)

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
    # numpy converts while it sums; a float64 copy of each block would set the fit's peak memory.
    sums = workers.map(
        lambda rows: X[rows].sum(0, dtype=np.float64), row_blocks(len(X), ROWS_PER_BLOCK)
    )
    return torch.from_numpy((np.sum(sums, axis=0) / len(X)).astype(np.float32))
