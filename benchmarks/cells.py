"""Cells of notebooks that several benchmarks run, and a lasso."""

from __future__ import annotations

# Points around seven centres; {n} is their number.
POINTS = """
import time
import numpy as np

rng = np.random.default_rng(0)
n = {n}
labels = rng.integers(0, 7, n)
angle = 2 * np.pi * labels / 7
xy = np.stack([np.cos(angle), np.sin(angle)], 1) * 6 + rng.normal(size=(n, 2)) * 2
"""
# The same with a record of which some predictions are wrong.
RECORD = (
    POINTS
    + """
from PIL import Image
from tsne_widget import EmbeddingExplorer, FeatureSet

predictions = np.where(rng.random(n) < 0.15, rng.integers(0, 7, n), labels)
record = FeatureSet.from_arrays(rng.normal(size=(n, 16)), labels, predictions=predictions)
"""
)
# Corners as parts of the map's width and height.
LASSO = [(0.35, 0.3), (0.6, 0.3), (0.6, 0.6), (0.35, 0.6)]
