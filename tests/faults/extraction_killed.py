"""Fork and kill runs of ``extract`` until one finishes; test_extraction_kill.py runs this module.

Usage: python -m tests.faults.extraction_killed SEED KILLS FOLDER

It is a separate process, because a fork of a process with torch threads would hang. Even rounds
kill at a random event (a forward pass, or an opened, flushed or renamed file), odd rounds at a
random time. The module prints one JSON object.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import torch

from tests.extraction.nets import Pictures, ResNet, made
from tsne_widget import extract
from tsne_widget.extraction.store import store as store_module

SAMPLES, BATCH, SHARD = 96, 4, 8
FIELDS = ("features", "labels", "logits", "ids")
KINDS = {"forward", "open", "flush", "rename", "time"}  # each ends at least one run


def run(folder, before_forward=lambda: None):
    model = made(ResNet)
    model.register_forward_pre_hook(lambda *_: before_forward())
    return extract(model, Pictures(SAMPLES), batch_size=BATCH, store=folder, progress=False)


class Events:
    """Counts the events of a run, and kills the process at event number ``last``."""

    def __init__(self, last=10**9, write_end=None):
        self.count, self.last, self.write_end = 0, last, write_end

    def tick(self, name):
        if self.count == self.last:
            os.write(self.write_end, name.encode())
            os.kill(os.getpid(), signal.SIGKILL)
        self.count += 1

    def counted(self, name, function):
        def call(*args, **kwargs):
            self.tick(name)
            return function(*args, **kwargs)

        return call

    def run(self, folder):
        os.replace = self.counted("rename", os.replace)
        os.fsync = self.counted("flush", os.fsync)
        os.open = self.counted("open", os.open)
        Path.open = self.counted("open", Path.open)
        Path.read_bytes = self.counted("read", Path.read_bytes)
        run(folder, lambda: self.tick("forward"))


def forked(body):
    """The output of a forked process until it was killed; None if it finished."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        body(write_end)
        os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end) as pipe:
        output = pipe.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return output or "time"
    if status != 0:
        raise SystemExit(f"a run failed with status {status}")
    return None


def killed_at_event(number, folder):
    return forked(lambda write_end: Events(number, write_end).run(folder))


def killed_after(seconds, folder):
    def body(write_end):
        signal.setitimer(signal.ITIMER_REAL, seconds)  # the uncaught signal ends the process
        run(folder)

    return forked(body)


def measured(folder):
    """Number of events, and seconds, of a complete run."""
    read_end, write_end = os.pipe()
    if os.fork() == 0:
        events, began = Events(), time.monotonic()
        events.run(folder)
        os.write(write_end, f"{events.count} {time.monotonic() - began}".encode())
        os._exit(0)
    os.wait()
    count, seconds = os.read(read_end, 100).decode().split()
    return int(count), float(seconds)


def shards_in(store):
    """Number of shards in the manifest."""
    manifests = list(store.glob("*/manifest.json"))
    return len(json.loads(manifests[0].read_bytes())["shards"]) if manifests else 0


def main(seed, wanted, folder):
    torch.set_num_threads(1)
    store_module.SHARD_ROWS = SHARD
    rng = random.Random(seed)
    events, seconds = measured(folder / "measured")
    kills, all_same, nothing_lost, forwards, left = [], True, True, [], []
    for number in range(10**6):
        if len(kills) >= wanted and set(kills) >= KINDS:
            break
        store, shards = folder / str(number), 0
        while True:
            if number % 2 == 0:
                kill = killed_at_event(rng.randrange(events // 2), store)
            else:
                kill = killed_after(rng.uniform(0.1, 1.5) * seconds, store)
                seconds *= 0.7 if kill is None else 1.2  # a machine may become faster or slower
            if kill is None:
                break
            kills.append(kill)
            nothing_lost &= shards <= (shards := shards_in(store))
        passes = []
        last = run(store, lambda passes=passes: passes.append(1))
        forwards.append(len(passes))
        plain = run(None)
        all_same &= all((getattr(last, f) == getattr(plain, f)).all() for f in FIELDS)
        left += [path.name for path in store.rglob("*") if path.is_file()]
    names = {name.partition("-")[0] for name in left if "unfinished" not in name}
    print(
        json.dumps(
            {
                "kills": kills,
                "same": bool(all_same),
                "nothing_lost": nothing_lost,
                "forward_passes_of_the_last_runs": sorted(set(forwards)),
                "left": sorted(names),
            }
        )
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
