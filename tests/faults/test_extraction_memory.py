"""Features above their share of memory do not fill it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SAMPLES, WIDTH = 20_000, 2048  # 164 MB of features
ALLOWED_GROWTH = 70 * 2**20

# Small shards, because a shard and its packed form are in memory while it is written.
MEASURED = f"""
import re, sys
import torch
from torch import nn
from tsne_widget import extract
from tsne_widget.extraction.store import buffer, store

def resident():  # bytes; the system can reclaim pages of a mapped file
    with open("/proc/self/status") as status:
        return 1024 * int(re.search(r"RssAnon:\\s+(\\d+)", status.read())[1])

class Small:
    x = torch.randn(64, 8)
    def __len__(self):
        return {SAMPLES}
    def __getitem__(self, index):
        return self.x[index % 64], index % 2

buffer.SHARE_OF_MEMORY = 1e-3
store.SHARD_BYTES = 4 * 2**20
torch.set_num_threads(1)
model = nn.Sequential(nn.Linear(8, {WIDTH}), nn.Tanh(), nn.Linear({WIDTH}, 2))
folder = sys.argv[1] if len(sys.argv) > 1 else None
extract(model, [Small()[i] for i in range(2000)], batch_size=500, progress=False)
before, peak = resident(), 0

def watch(done, total):
    global peak
    peak = max(peak, resident())

found = extract(model, Small(), batch_size=500, store=folder, progress=watch)
assert found.features.shape == ({SAMPLES}, {WIDTH})
print(max(peak, resident()) - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
@pytest.mark.parametrize("with_store", [False, True])
def test_features_above_their_share_of_memory_do_not_fill_it(tmp_path, with_store):
    command = [sys.executable, "-c", MEASURED, *([str(tmp_path / "s")] if with_store else [])]
    grown = [
        int(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)
        for _ in range(2 if with_store else 1)  # the second time from the store
    ]
    assert max(grown) < ALLOWED_GROWTH, [f"{size / 2**20:.0f} MiB" for size in grown]
