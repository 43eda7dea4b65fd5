"""Synthetic features of any size, from the features of real images.

Each row is a point between the features of one image and one of its 15 nearest, with noise of 5 %
of each column's standard deviation and the label of the first. The images are CIFAR-10's test
images with features from a ResNet20 (5,000 × 64), or scikit-learn's digits if the data folder is
absent.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from sklearn.datasets import load_digits

from benchmarks import real_data
from tsne_widget import analysis


def rows(n: int) -> tuple[np.ndarray, np.ndarray]:
    """(n, 64) float32 synthetic features and (n,) labels."""
    features, labels = real_rows()
    random = np.random.default_rng(0)
    near = analysis.kneighbors(features, 15).indices
    first = random.integers(0, len(features), n)
    second = near[first, random.integers(0, 15, n)]
    noise = 0.05 * features.std(axis=0)
    out = np.empty((n, features.shape[1]), np.float32)
    for start in range(0, n, 2**16):
        block = slice(start, start + 2**16)
        share = random.random((len(first[block]), 1), dtype=np.float32)
        out[block] = features[first[block]] * share + features[second[block]] * (1 - share)
        out[block] += noise * random.standard_normal(out[block].shape, dtype=np.float32)
    return out, labels[first]


@cache
def real_rows() -> tuple[np.ndarray, np.ndarray]:
    """Features and labels of the real images."""
    if not real_data.IS_THERE:
        digits = load_digits()
        print(f"({real_data.DATA} is absent; using digits)")
        return digits.data.astype(np.float32), digits.target.astype(np.int64)
    images, labels = real_data.cifar()
    return real_data.outputs(*real_data.network(real_data.RESNET20), images)[1], labels
