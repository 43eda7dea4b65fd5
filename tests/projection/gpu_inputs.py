"""Inputs of the tests of the fit for GPUs."""

from __future__ import annotations

import numpy as np
import torch

from tsne_widget.projection.gpu.operations import Pairs
from tsne_widget.projection.gpu.probabilities import joint_probabilities
from tsne_widget.projection.gpu.search import exact_neighbors
from tsne_widget.projection.inputs import Scaler
from tsne_widget.projection.schedule import Phase, Schedule

CPU = torch.device("cpu")


def clustered(n: int) -> np.ndarray:
    """(n, 2) float32 coordinates, similar to a fitted map."""
    random = np.random.default_rng(0)
    centres = random.normal(scale=8, size=(12, 2))
    return (centres[random.integers(12, size=n)] + random.normal(scale=2, size=(n, 2))).astype("f4")


def without_ties(n: int) -> np.ndarray:
    """(n, 10) float32 features whose distances all differ."""
    return np.random.default_rng(1).normal(size=(n, 10)).astype(np.float32)


def pairs_of(X: np.ndarray, perplexity: float = 20) -> Pairs:
    return joint_probabilities(exact_neighbors(scaled(X), round(3 * perplexity)), perplexity)


def scaled(X: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(Scaler(X)(X))


def short_schedule(n: int) -> Schedule:
    """Two phases in eighty iterations."""
    return Schedule((Phase(35, 12, 0.8, n / 12), Phase(45, 1, 0.9, float(n), is_fresh=True)))
