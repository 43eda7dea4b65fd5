"""Dozens of explorers that are opened and closed leave nothing behind."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import weakref
from pathlib import Path

import pytest
import torch

from tsne_widget import extract

ROOT = Path(__file__).resolve().parents[2]
CYCLES, WARM_UP = 60, 18

SESSION = f"""
import asyncio, gc, json, sys, threading, time
import numpy as np
import psutil
from ipywidgets.widgets.widget import _instances
from tests.widgets.page import Page
from tsne_widget import TSNE, EmbeddingExplorer, FeatureSet

rng = np.random.default_rng(0)
n, process = 600, psutil.Process()
labels = np.arange(n) % 5
images = rng.integers(0, 255, (n, 8, 8), dtype=np.uint8)
messages = set()

def workers():
    return [t.name for t in threading.enumerate() if t.name.startswith("tsne-widget")]

async def cycle(number):
    record = FeatureSet.from_arrays(rng.normal(size=(n, 16)), labels, predictions=labels[::-1])
    given = record.features[:, :2] if number % 2 else None
    explorer = EmbeddingExplorer(
        record, embedding=given, images=images, projector=TSNE(max_iter=10**6, random_state=0)
    )
    explorer._repr_mimebundle_()
    explorer.select("visible")
    page = Page(explorer)
    page.send("gallery", "tiles", epoch=page.shows("gallery", "epoch"), start=0, stop=32)
    explorer.visible_classes = ["0", "1"]
    explorer.name_selection("odd", [1, 2, 3])
    for panel in page.shows("frame", "panels"):
        page.opens(panel["view"])
    page.send("look", "focus", row=5)
    page.send("look", "look", row=5)
    page.send("gallery", "arrange", sort="outlier_score")
    page.send("toolbar", "finder", name="confident_mistakes", mode="add")
    explorer.color_by = "outlier_score"
    page.send("map", "no_figure")
    await asyncio.sleep(0)
    deadline = time.monotonic() + 120
    while number % 4 == 1 and explorer.state.busy:  # else it is closed while all of it is computed
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
    messages.add(explorer.state.message)
    explorer.close()  # while t-SNE is running, every other time
    while workers():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)

async def session():
    before, memory = set(_instances), []
    files, threads = process.num_fds(), None
    for number in range({CYCLES}):
        await cycle(number)
        if number == {WARM_UP}:
            threads, files = process.num_threads(), process.num_fds()
        if number >= {WARM_UP}:
            gc.collect()
            memory.append(process.memory_info().rss)
    left = set(_instances) - before
    print(json.dumps({{
        "messages": sorted(messages), "widgets": len(left), "workers": workers(), "memory": memory,
        "threads": max(0, process.num_threads() - threads), "files": process.num_fds() - files,
        "explorers": sum(isinstance(o, EmbeddingExplorer) for o in gc.get_objects()),
    }}))

asyncio.run(session())
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="open files are counted as POSIX does")
def test_sixty_explorers_leave_nothing_behind():
    done = subprocess.run(
        [sys.executable, "-c", SESSION], cwd=ROOT, capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, done.stderr[-3000:]
    left = json.loads(done.stdout)
    memory = left.pop("memory")
    assert not [message for message in left.pop("messages") if "failed" in message]
    assert left == {"widgets": 0, "workers": [], "threads": 0, "files": 0, "explorers": 0}
    third = len(memory) // 3
    early, late = sorted(memory[:third]), sorted(memory[-third:])
    assert late[third // 2] <= 1.05 * early[third // 2], [f"{m / 2**20:.0f} MiB" for m in memory]


class Samples:
    def __init__(self) -> None:
        self.x = torch.randn(40, 3, 4, 4)

    def __len__(self) -> int:
        return 40

    def __getitem__(self, index):
        return self.x[index], index % 3


class Unfinished(Samples):
    def __getitem__(self, index):
        if index == 20:
            raise RuntimeError("no such sample")
        return super().__getitem__(index)


def classifier() -> torch.nn.Module:
    return torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(48, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3)
    )


@pytest.mark.parametrize("store", [False, True])
def test_model_and_dataset_can_be_collected_right_after_the_extraction(tmp_path, store):
    model, data = classifier(), Samples()
    gone = [weakref.ref(model), weakref.ref(data), weakref.ref(model[1].weight)]
    found = extract(
        model, data, batch_size=8, progress=False, store=tmp_path / "store" if store else None
    )
    del model, data
    gc.collect()
    assert [reference() for reference in gone] == [None] * 3
    assert len(found) == 40


def test_model_and_dataset_can_be_collected_after_a_failed_run():
    model, data = classifier(), Unfinished()
    gone = [weakref.ref(model), weakref.ref(data)]
    with pytest.raises(RuntimeError):
        extract(model, data, batch_size=8, progress=False)
    del model, data
    gc.collect()
    assert [reference() for reference in gone] == [None] * 2
