"""Data whose reads can be counted or held, and runs of it here and on a cluster."""

from __future__ import annotations

import json
import os
import time

import numpy as np

from tests.extraction.nets import Pictures, ResNet, made
from tsne_widget import extract
from tsne_widget.extraction.data.seen import SPREAD_SAMPLES

N, HALF = 60, 32
PATIENCE = 120  # seconds


class Noted(Pictures):
    """Each process that reads a sample creates a file with its name."""

    def __init__(self, folder):
        super().__init__(N)
        self.folder = folder

    def __getitem__(self, index):
        (self.folder / f"{index}-{os.getpid()}").touch()
        return super().__getitem__(index)


def wait_until(condition):
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


def run(data, model=None, **options):
    model = made(ResNet) if model is None else model
    return extract(model, data, **{"batch_size": 4, "progress": False, **options})


def on_ray(data, model=None, **options):
    return run(data, model, executor="ray", **options)


def assert_same(found, expected):
    for name in ("features", "labels", "logits", "ids", "predictions"):
        assert np.array_equal(getattr(found, name), getattr(expected, name)), name
    assert found.skipped == expected.skipped
    assert found.layer == expected.layer
    assert found.class_names == expected.class_names


def shards_of(folder):
    (manifest,) = folder.glob("*/manifest.json")
    return json.loads(manifest.read_bytes())["shards"]


def stored_in(folder):
    """Positions of the samples in a store, which may not exist yet."""
    shards = shards_of(folder) if any(folder.glob("*/manifest.json")) else {}
    return {int(start) + i for start, shard in shards.items() for i in range(shard["samples"])}


def assert_read_again(ids, missing):
    """The first batch and a few other samples are compared; the rest are missing rows."""
    expected = {0, 1, 2, 3} | missing
    assert expected <= ids
    assert len(ids - expected) <= SPREAD_SAMPLES
