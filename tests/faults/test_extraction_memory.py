"""Features above their share of memory do not fill it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SAMPLES, WIDTH = 20_000, 2048  # 164 MB of features
ALLOWED_GROWTH = 70 * 2**20

# Small shards, because a shard and its packed form are in memory while it is written.
MEASURED = f"""
import json, os, re, sys
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
extract(model, [Small()[i] for i in range(2000)], batch_size=500, progress=False)

def grown(store):  # bytes, in a fork of this process
    read_end, write_end = os.pipe()
    if os.fork() == 0:
        before = peak = resident()

        def watch(done, total):
            nonlocal peak
            peak = max(peak, resident())

        found = extract(model, Small(), batch_size=500, store=store, progress=watch)
        assert found.features.shape == ({SAMPLES}, {WIDTH})
        os.write(write_end, str(max(peak, resident()) - before).encode())
        os._exit(0)
    os.close(write_end)
    os.wait()
    return int(os.read(read_end, 100))  # fails after a failed fork

runs = {{"without a store": None, "with a store": sys.argv[1], "from the store": sys.argv[1]}}
print(json.dumps({{name: grown(store) for name, store in runs.items()}}))
"""
RUNS = ("without a store", "with a store", "from the store")


@pytest.fixture(scope="module")
def grown(tmp_path_factory) -> dict[str, int]:
    """Bytes by which the memory grows in each run."""
    command = [sys.executable, "-c", MEASURED, str(tmp_path_factory.mktemp("memory") / "store")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
@pytest.mark.parametrize("run", RUNS)
def test_features_above_their_share_of_memory_do_not_fill_it(grown, run):
    assert grown[run] < ALLOWED_GROWTH, f"{grown[run] / 2**20:.0f} MiB"
