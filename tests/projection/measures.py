"""Measures of map quality."""

from __future__ import annotations

import numpy as np

from tsne_widget.analysis import faithfulness


def trustworthiness(X: np.ndarray, embedding: np.ndarray, k: int = 15) -> float:
    """Mean trustworthiness of the map (Venna & Kaski 2001), 0 to 1."""
    return float(faithfulness(X, embedding, k).trustworthiness.mean(dtype=np.float64))
