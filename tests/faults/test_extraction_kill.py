"""A run that is killed at any moment resumes from its last complete shard."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
KILLS = 100

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs fork and SIGKILL"),
]


def test_run_killed_at_any_point_resumes_with_the_same_bits(tmp_path):
    command = [
        sys.executable,
        "-m",
        "tests.faults.extraction_killed",
        "0",
        str(KILLS),
        str(tmp_path),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert len(report["kills"]) >= KILLS
    assert report["same"]
    assert report["nothing_lost"]
    assert report["forward_passes_of_the_last_runs"] == [1]
    assert report["left"] == ["manifest.json", "shard"]


STOPPED = """
import sys
import torch
from tests.extraction.nets import Pictures, ResNet, made
from tsne_widget import extract

class Slow(Pictures):
    def __getitem__(self, index):
        if index == 40:
            print("waiting", flush=True)
            torch.utils.data.get_worker_info() or sys.stdin.read()
        return super().__getitem__(index)

extract(made(ResNet), Slow(60), batch_size=4, store=sys.argv[1], progress=False)
"""


def test_ctrl_c_stops_a_waiting_run_and_keeps_its_rows(tmp_path):
    run = subprocess.Popen(
        [sys.executable, "-c", STOPPED, str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert run.stdout.readline() == "waiting\n"
        run.send_signal(signal.SIGINT)
        _, error = run.communicate(timeout=60)
    finally:
        run.kill()
        run.wait()
    last = error.strip().splitlines()[-1]
    assert last.startswith("KeyboardInterrupt: stopped after 40 samples; 40 are stored in ")
    (manifest,) = tmp_path.glob("*/manifest.json")
    shards = json.loads(manifest.read_bytes())["shards"].values()
    assert sum(shard["samples"] for shard in shards) == 40
    assert not list(tmp_path.glob("*/lock"))
