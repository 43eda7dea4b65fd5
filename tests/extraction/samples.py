"""Datasets with samples in any form, and the record that each of them must give."""

from __future__ import annotations

import numpy as np
from torch import nn
from torch.utils.data import Dataset

from tests.extraction.nets import Pictures, ResNet, made
from tsne_widget import extract

MODEL = made(ResNet)
HEADLESS = nn.Sequential(nn.Conv2d(3, 6, 3))  # gives maps, no logits
PLAIN = extract(MODEL, Pictures(), batch_size=4, progress=False)


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
