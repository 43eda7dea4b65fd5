"""Groups of mistakes: ours compared with four other ways to find them.

    python -m benchmarks.groups [slices] [shuffled] [time] [table]

"slices" plants 100 settings × 3 seeds (see `planted_slices`) and asks each method for ten groups.
A group is found if 8 of the first 10 rows of one of them were planted. It writes a line per
setting to ``groups.jsonl`` and continues from there; "table" prints what is in the file.
"shuffled" gives the mistakes to random rows, where nothing is to be found. "time" takes the
seconds at 70,000 samples. Settings whose number is 1 modulo 5 served for development, with other
seeds; the table tells them apart. Needs the data in ../shared/data; cleanlab is compared if
``cleanlab[datalab]`` is installed.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np

from benchmarks import slice_peers
from benchmarks.planted_slices import DATASETS, Planted, load, plant, settings
from tsne_widget.analysis import find_groups

FILE = Path("groups.jsonl")
SEEDS = 3
FIRST, ENOUGH = 10, 0.8
SHUFFLES = 34  # for each data set
MANY = 70_000


def ours(data: Planted, seed: int) -> list[np.ndarray]:
    """Our groups that hold on the half that did not find them."""
    found = find_groups(
        data.features, data.labels, data.predictions, logits=data.logits, random_state=seed
    )
    return [group.rows for group in found.groups]


METHODS = {
    "ours": ours,
    "Domino's mixture": slice_peers.domino,
    "k-means by error rate": slice_peers.kmeans,
    "tree of depth 3": slice_peers.tree,
    "cleanlab's group": slice_peers.cleanlab,
}


def precision(groups: list[np.ndarray], data: Planted, *, mistakes_first: bool) -> float:
    """Share of planted rows among the first ten of a group: the best of the first ten groups."""
    wrong = data.predictions != data.labels
    best = 0.0
    for rows in groups[:FIRST]:
        order = rows
        if mistakes_first:
            order = np.concatenate([rows[wrong[rows]], rows[~wrong[rows]]])
        best = max(best, float(data.slice[order[:FIRST]].sum()) / FIRST)
    return best


def measure_slices() -> None:
    """Append the result of every setting and seed that is not in the file yet."""
    lines = FILE.read_text().splitlines() if FILE.exists() else []
    done = {(one["number"], one["seed"]) for one in map(json.loads, lines)}
    every = [(number, seed) for seed in range(SEEDS) for number in range(len(settings()))]
    # In a random order, so that part of the runs is a fair sample of all.
    for number, seed in np.random.default_rng(0).permutation(every).tolist():
        if (number, seed) in done:
            continue
        setting = settings()[number]
        data = plant(setting, seed)
        line = {"number": number, "seed": seed, "name": setting.name, "error": data.error_rate,
                "rest": data.rest_error_rate}  # fmt: skip
        for name, method in METHODS.items():
            start = time.process_time()
            try:
                groups = method(data, seed)
            except ImportError:  # cleanlab is not installed
                continue
            seconds = time.process_time() - start
            line[name] = [precision(groups, data, mistakes_first=first) for first in (False, True)]
            line[name].append(seconds)
        with FILE.open("a") as file:
            file.write(json.dumps(line) + "\n")


def show_table() -> None:
    """Print the share of settings that each method finds."""
    runs = [json.loads(line) for line in FILE.read_text().splitlines()]
    is_new = np.array([run["number"] % 5 != 1 for run in runs])
    errors = np.array([run["error"] for run in runs])
    kinds = np.array([run["name"].split("/")[1] for run in runs])
    sets = np.array([run["name"].split("/")[0] for run in runs])
    parts = {"all": errors >= 0, "not for development": is_new, "errs >= 40 %": errors >= 0.4,
             "errs < 40 %": errors < 0.4}  # fmt: skip
    parts |= {kind: kinds == kind for kind in ("rare", "correlation", "noisy")}
    parts |= {name: sets == name for name in DATASETS}
    print(f"{'':24}" + "".join(f"{name:>21}" for name in parts))
    print(f"{'runs':24}" + "".join(f"{part.sum():21}" for part in parts.values()))
    for name in METHODS:
        known = np.array([name in run for run in runs])
        if not known.any():
            continue
        found = np.array([run.get(name, [0, 0, 0])[:2] for run in runs]) >= ENOUGH
        better = found[:, int(found[known, 1].mean() > found[known, 0].mean())]
        cells = [better[part & known].mean() for part in parts.values()]
        print(f"{name:24}" + "".join(f"{cell:21.2f}" for cell in cells))


def measure_shuffled() -> None:
    """Print in how many runs any group is reported although mistakes are random."""
    reported = {}
    for name in DATASETS:
        source = load(name)
        logits = source.logits(source.features, np.arange(len(source.labels)))
        reported[name] = 0
        for seed in range(SHUFFLES):
            random = np.random.default_rng(seed)
            # Each row gets the outputs of another, turned to its own label.
            other = random.permutation(len(source.labels))
            turn = source.labels[other] - source.labels
            given = np.take_along_axis(logits[other], (np.arange(10) + turn[:, None]) % 10, axis=1)
            guess = given.argmax(axis=1)
            found = find_groups(
                source.features, source.labels, guess, logits=given, random_state=seed
            )
            reported[name] += len(found.groups) > 0
        print(f"{name}: {reported[name]} of {SHUFFLES} runs report a group", flush=True)
    total = sum(reported.values())
    print(f"all: {total} of {SHUFFLES * len(DATASETS)}")


def measure_time() -> None:
    """Print seconds at 70,000 samples with 64 and 512 features."""
    for d in (64, 512):
        random = np.random.default_rng(0)
        labels = random.integers(0, 10, MANY)
        features = random.normal(size=(MANY, d)).astype(np.float32)
        features += 3 * random.normal(size=(10, d)).astype(np.float32)[labels]
        wrong = random.random(MANY) < 0.15
        features[:2_000] += 2 * random.normal(size=d).astype(np.float32)
        wrong[:2_000] = True
        guess = np.where(wrong, (labels + 1) % 10, labels)
        taken = []
        for _ in range(3):
            wall, own = time.perf_counter(), time.process_time()
            find_groups(features, labels, guess)
            taken.append((time.perf_counter() - wall, time.process_time() - own))
        wall, own = min(taken)
        print(f"{MANY:,} x {d}: {wall:.2f} s, {own:.2f} CPU s")


def main(sections: list[str]) -> None:
    """Run the sections, or all."""
    warnings.simplefilter("ignore")
    parts = {"slices": measure_slices, "shuffled": measure_shuffled, "time": measure_time,
             "table": show_table}  # fmt: skip
    for name in sections or list(parts):
        parts[name]()


if __name__ == "__main__":
    main(sys.argv[1:])
