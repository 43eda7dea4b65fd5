"""Datasets with samples in any form, and the record that each of them must give."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.utils.data import Dataset

from tests.extraction.nets import CLASSES, Pictures, ResNet, made
from tsne_widget import extract

MODEL = made(ResNet)
HEADLESS = nn.Sequential(nn.Conv2d(3, 6, 3))  # gives maps, no logits
PLAIN = extract(MODEL, Pictures(), batch_size=4, progress=False)
X, Y = Pictures().x, torch.arange(20) % CLASSES
NAMES = ["eel", "cat", "dog"]


class As(Dataset):
    """The pictures, with samples in another form: ``form(x, y, index)``."""

    def __init__(self, form, n=20):
        self.pictures = Pictures(n)
        self.form = form

    def __len__(self):
        return len(self.pictures)

    def __getitem__(self, index):
        return self.form(*self.pictures[index], index)


def run(form, model=MODEL, **options):
    data = As(form) if callable(form) else form
    if model is HEADLESS:
        options["layer"] = "0"
    return extract(model, data, **{"batch_size": 4, "progress": False, **options})


def assert_plain(found, labels=True):
    np.testing.assert_array_equal(found.features, PLAIN.features)
    if labels:
        assert (found.labels == PLAIN.labels).all()
    else:
        assert found.labels is None


def run_on(data, **options):
    return extract(MODEL, data, **{"batch_size": 4, "progress": False, **options})


def assert_near_plain(found, labels=True):
    """The same rows up to rounding: other batches change the order of summation."""
    np.testing.assert_allclose(found.features, PLAIN.features, rtol=1e-5, atol=1e-6)
    assert found.ids.tolist() == list(range(20))
    if labels:
        assert (found.labels == PLAIN.labels).all()
    else:
        assert found.labels is None
