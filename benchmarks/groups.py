"""Groups of mistakes: ours compared with four other ways to find them.

    python -m benchmarks.groups [slices] [shuffled] [time] [table] [--record]

"slices" plants 100 settings × 3 seeds (see `planted_slices`) and asks each method for ten groups.
A group is found if 8 of the first 10 rows of one of them were planted. It writes a line per
setting to ``groups.jsonl`` and continues from there; "table" makes tables of the file.
"shuffled" gives the mistakes to random rows, where nothing is to be found. "time" takes the
seconds at 70,000 samples. Settings whose number is 1 modulo 5 served for development, with other
seeds; the table tells them apart. Needs the data in ../shared/data; cleanlab is compared if
``cleanlab[datalab]`` is installed.
"""

from __future__ import annotations

import json
import time
import warnings
from pathlib import Path

import numpy as np
from scipy.stats import binomtest

from benchmarks import slice_peers
from benchmarks.planted_slices import DATASETS, Planted, load, plant, settings
from benchmarks.report import Table, run_sections
from tsne_widget.analysis import find_groups

FILE = Path("groups.jsonl")
SEEDS = 3
FIRST, ENOUGH = 10, 0.8
SHUFFLES = 34  # for each data set
MANY = 70_000
FOUND = Table(
    "groups-found",
    "method | all | not for development | errs ≥ 40 % | errs < 40 % | rare | correlation | noisy "
    "| CIFAR-10 | MNIST | Fashion-MNIST | CPU s",
    file=FILE,
)
DUELS = Table("groups-duels", "compared with | found by ours alone | by it alone | p", file=FILE)
SHUFFLED = Table("groups-shuffled", "data | runs | that report a group")
SECONDS = Table("groups-time", "rows × columns | s | CPU s")


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
    """Print the share of settings that each method finds, and compare each with ours."""
    runs = [json.loads(line) for line in FILE.read_text().splitlines()]
    is_new = np.array([run["number"] % 5 != 1 for run in runs])
    errors = np.array([run["error"] for run in runs])
    kinds = np.array([run["name"].split("/")[1] for run in runs])
    sets = np.array([run["name"].split("/")[0] for run in runs])
    parts = [errors >= 0, is_new, errors >= 0.4, errors < 0.4]
    parts += [kinds == kind for kind in ("rare", "correlation", "noisy")]
    parts += [sets == name for name in DATASETS]
    hits = {}
    with FOUND as row:
        row("runs", *(part.sum() for part in parts))
        for name in METHODS:
            known = np.array([name in run for run in runs])
            if not known.any():
                continue
            found = np.array([run.get(name, [0, 0, 0])[:2] for run in runs]) >= ENOUGH
            hits[name] = found[:, int(found[known, 1].mean() > found[known, 0].mean())]
            seconds = np.mean([run[name][2] for run in runs if name in run])
            shares = [hits[name][part & known].mean() for part in parts]
            row(name, *(f"{share:.2f}" for share in shares), f"{seconds:.2f}")
    with DUELS as row:
        own = hits.pop("ours")
        for name, other in hits.items():
            alone, beaten = int((own & ~other).sum()), int((other & ~own).sum())
            p = binomtest(alone, max(alone + beaten, 1)).pvalue
            row(name, alone, beaten, f"{p:.1g}")


def measure_shuffled() -> None:
    """Print in how many runs any group is reported although mistakes are random."""
    with SHUFFLED as row:
        for name in DATASETS:
            row(name, SHUFFLES, shuffled_runs(name))


def shuffled_runs(name: str) -> int:
    """Number of runs that report a group."""
    source = load(name)
    logits = source.logits(source.features, np.arange(len(source.labels)))
    reported = 0
    for seed in range(SHUFFLES):
        random = np.random.default_rng(seed)
        # Each row gets the outputs of another, turned to its own label.
        other = random.permutation(len(source.labels))
        turn = source.labels[other] - source.labels
        given = np.take_along_axis(logits[other], (np.arange(10) + turn[:, None]) % 10, axis=1)
        guess = given.argmax(axis=1)
        found = find_groups(source.features, source.labels, guess, logits=given, random_state=seed)
        reported += len(found.groups) > 0
    return reported


def measure_time() -> None:
    """Print seconds at 70,000 samples with 64 and 512 features, minimum of 3."""
    with SECONDS as row:
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
            row(f"{MANY:,} × {d}", *(f"{seconds:.2f}" for seconds in min(taken)))


SECTIONS = {
    "slices": measure_slices, "shuffled": measure_shuffled, "time": measure_time,
    "table": show_table,
}  # fmt: skip


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    run_sections(__doc__, SECTIONS)
