"""Synthetic features of any size, from the features of real images.

Each row is a point between the features of one image and one of its 15 nearest, with noise of 5 %
of each column's standard deviation and the label of the first. The images are CIFAR-10's test
images with features from a ResNet20 (5,000 × 64), or scikit-learn's digits if the data folder is
absent.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

from tsne_widget import analysis, extract


def rows(data: Path, n: int) -> tuple[np.ndarray, np.ndarray]:
    """(n, 64) float32 synthetic features and (n,) labels."""
    features, labels = real_rows(data)
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


def real_rows(data: Path) -> tuple[np.ndarray, np.ndarray]:
    """Features and labels of the real images."""
    if not (data / "models.py").is_file():
        from sklearn.datasets import load_digits

        digits = load_digits()
        print(f"({data} is absent; using digits)")
        return digits.data.astype(np.float32), digits.target.astype(np.int64)
    import safetensors.torch

    sys.path.insert(0, str(data))
    import models

    file = np.load(data / "cifar10/cifar10_test_0_4999.npz")
    x = torch.from_numpy(file["images"]).permute(0, 3, 1, 2) / 255.0
    mean, std = (
        torch.tensor(v).view(3, 1, 1) for v in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    )
    network = models.CifarResNet(3)
    network.load_state_dict(
        safetensors.torch.load_file(data / "weights/cifar10_resnet20.safetensors")
    )
    found = extract(
        network,
        ((x - mean) / std, torch.from_numpy(file["labels"]).long()),
        batch_size=250,
        progress=False,
        store=Path(tempfile.gettempdir()) / "tsne-widget-benchmark",
    )
    return np.asarray(found.features), np.asarray(found.labels)
