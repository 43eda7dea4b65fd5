"""Real classifiers on real data: digits, and CIFAR-10 and MNIST if they are available."""

from __future__ import annotations

import gzip
import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader

from tsne_widget import extract
from tsne_widget.errors import DoubtWarning

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason=f"{SHARED} does not exist")

CIFAR_MEAN, CIFAR_STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


@pytest.fixture(scope="module")
def models():
    spec = importlib.util.spec_from_file_location("shared_models", SHARED / "models.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def load_weights(model, name):
    from safetensors.torch import load_file

    model.load_state_dict(load_file(SHARED / "weights" / f"{name}.safetensors"))
    return model


def test_a_small_network_trained_on_digits():
    pictures, labels = load_digits(return_X_y=True)
    x = torch.from_numpy(pictures).float().reshape(-1, 1, 8, 8) / 16
    y = torch.from_numpy(labels)
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3),
        nn.BatchNorm2d(8),
        nn.ReLU(inplace=True),
        nn.Flatten(),
        nn.Linear(288, 32),
        nn.ReLU(inplace=True),
        nn.Dropout(0.2),
        nn.Linear(32, 10),
    )
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    for _ in range(8):
        for start in range(0, 1000, 100):
            optimizer.zero_grad()
            rows = slice(start, start + 100)
            nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()
    found = extract(model, (x, y), progress=False)
    assert found.layer == "7:input"
    assert found.features.shape == (1797, 32)
    assert found.features.min() == 0
    assert 0.85 < (found.predictions[1000:] == labels[1000:]).mean() < 1
    with torch.no_grad():
        model.eval()
        by_hand = model[:7](x)
    np.testing.assert_allclose(found.features, by_hand, rtol=1e-4, atol=1e-5)


@needs_shared
def test_resnet20_on_cifar_10_errs_on_371_of_2000_pictures(models):
    n = 2000
    archive = np.load(SHARED / "cifar10" / "cifar10_test_0_4999.npz", allow_pickle=False)
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (CIFAR_MEAN, CIFAR_STD))
    x = (torch.from_numpy(archive["images"][:n]).permute(0, 3, 1, 2) / 255 - mean) / std
    model = load_weights(models.CifarResNet(3), "cifar10_resnet20").train()
    labels = archive["labels"][:n]
    loader = DataLoader(list(zip(x, labels, strict=True)), batch_size=250, shuffle=True)
    names = [str(name) for name in archive["class_names"]]
    found = extract(model, loader, class_names=names, progress=False)
    assert found.layer == "linear:input"
    assert found.features.shape == (n, 64)
    assert found.misclassified.sum() == 371
    assert (found.labels == labels).all()
    with torch.no_grad():
        logits = model.linear(torch.from_numpy(found.features.copy()))
    np.testing.assert_allclose(found.logits, logits, rtol=1e-4, atol=1e-4)
    assert model.training
    raw = torch.from_numpy(archive["images"][:64]).permute(0, 3, 1, 2) / 255
    with pytest.warns(DoubtWarning, match=r"'bn1' spreads 0\.2.* normalised as in training"):
        extract(model, (raw, labels[:64]), progress=False)


@needs_shared
def test_small_vgg_on_mnist_errs_on_119_pictures(models):
    def read(name, offset):
        with gzip.open(SHARED / "mnist" / name) as file:
            return np.frombuffer(file.read(), np.uint8, offset=offset)

    x = torch.from_numpy(read("t10k-images-idx3-ubyte.gz", 16).reshape(-1, 1, 28, 28) / 255.0)
    y = torch.from_numpy(read("t10k-labels-idx1-ubyte.gz", 8).copy())
    model = models.SmallVGG(10, 1, (16, "M", 32, "M", 64, "M"), 512)
    found = extract(
        load_weights(model, "mnist_smallvgg512"), (x, y), batch_size=250, progress=False
    )
    assert found.layer == "classifier.3:input"
    assert found.features.shape == (10_000, 512)
    assert found.misclassified.sum() == 119
