"""A whole session in Python's development mode, with warnings as errors: nothing stays open."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

SESSION = """
import warnings
with warnings.catch_warnings():  # what other packages say of themselves while they are loaded
    warnings.simplefilter("ignore")
    import bqplot, bqplot_gl, ipywidgets, matplotlib.backends.backend_agg, pandas, scipy, torch
    import sklearn.manifold, torch.utils.data, tsne_widget.widgets.explorer

import asyncio, gc, pathlib, sys
import numpy as np
from PIL import Image
from tests.widgets.page import Page
from tsne_widget import TSNE, EmbeddingExplorer, FeatureSet, extract

folder = pathlib.Path(sys.argv[1])
for row in range(24):
    Image.new("RGB", (50, 40), (10 * row, 0, 0)).save(folder / f"{row}.png")
(folder / "3.png").write_bytes(b"no picture")

class Samples:
    classes = ["cat", "dog", "owl"]
    def __len__(self):
        return 24
    def __getitem__(self, index):
        return torch.full((3, 4, 4), index / 24), index % 3

torch.manual_seed(0)
model = torch.nn.Sequential(
    torch.nn.Flatten(), torch.nn.Linear(48, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3)
)
options = {"batch_size": 8, "store": folder / "store", "dataset_key": "1", "progress": False}
extract(model, Samples(), **options)
found = extract(model, Samples(), **options)
found.save(folder / "saved")
record = FeatureSet.load(folder / "saved")

async def session():
    asyncio.get_running_loop().slow_callback_duration = 60  # seconds: speed is no matter here
    paths = [folder / f"{row}.png" for row in range(24)]
    projector = TSNE(random_state=0, max_iter=60, perplexity=5)
    with EmbeddingExplorer(record, projector=projector, images=paths) as explorer:
        while explorer.state.fit.condition == "running":
            await asyncio.sleep(0.01)
        explorer.select("misclassified")
        explorer.select("visible")
        page = Page(explorer)
        page.send("gallery", "tiles", epoch=page.shows("gallery", "epoch"), start=0, stop=24)
        explorer.state.color_by = "continuity"
        while explorer.state.busy:
            await asyncio.sleep(0.01)
        assert len(explorer.to_dataframe()) == 24
        explorer.figure().savefig(folder / "map.png")
        print(explorer.state.fit.condition, explorer.state.message)

asyncio.run(session())
del record, found
gc.collect()
"""


@pytest.mark.slow
def test_a_session_in_development_mode_is_silent(tmp_path):
    command = [sys.executable, "-X", "dev", "-W", "error"]
    command += ["-W", "ignore:Deprecated in traitlets 4.1:DeprecationWarning"]  # ipywidgets 8.1.2's
    command += ["-c", SESSION, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.strip() == "done"
    assert done.stderr == ""
