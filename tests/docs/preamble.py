"""Names used by the examples of the pages: a trained model, its data and its features."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from tsne_widget import EmbeddingExplorer, FeatureSet, extract

ROWS = 500
NAMES = [f"digit {digit}" for digit in range(10)]


class SmallNet(nn.Module):
    """A small convolutional classifier of 8 × 8 images, built like VGG."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.ReLU(),
        )
        self.classifier = nn.Sequential(
            nn.Flatten(), nn.Linear(512, 64), nn.ReLU(), nn.Linear(64, 10)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.features(x))


class Digits(TensorDataset):
    """The first 500 digits with their class names."""

    classes = NAMES


@cache
def trained() -> tuple[nn.Module, Digits, FeatureSet]:
    """The model, its dataset and its features, shared by all pages."""
    digits = load_digits()
    images = torch.tensor(digits.images[:ROWS], dtype=torch.float32)[:, None] / 16
    dataset = Digits(images, torch.tensor(digits.target[:ROWS]))
    torch.manual_seed(0)
    model = SmallNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _epoch in range(6):
        for x, y in DataLoader(dataset, batch_size=50):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()
    return model.eval(), dataset, extract(model, dataset, progress=False)


def names(folder: Path) -> dict[str, Any]:
    """The namespace in which a page starts; writes two .npy files into the folder."""
    model, dataset, features = trained()
    xy = (features.features[:, :2] - features.features[:, 2:4]).astype("float32")
    pictures = dataset.tensors[0][:, 0].numpy()
    np.save(folder / "features.npy", features.features)
    np.save(folder / "labels.npy", features.labels)
    return {
        "__name__": "__main__",
        "model": model,
        "dataset": dataset,
        "loader": DataLoader(dataset, batch_size=100),
        "features": features,
        "pictures": pictures,
        "xy": xy,
        "explorer": EmbeddingExplorer(features, embedding=xy, images=pictures),
    }
