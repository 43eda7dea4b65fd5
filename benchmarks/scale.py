"""Cost of each step as n grows, on one machine, and the gain from a cluster.

    python -m benchmarks.scale [SECTION …] [--sizes 10000 100000] [--record]

Sections: extraction, store, analysis, neighbors, landmarks, million. The default is all
but million, which takes two minutes for 1,000,000 rows and 50,000 landmarks (--sizes, --landmarks).
Analysis has sizes of its own.
Times are wall times. Memory is the increase of the process's peak (VmHWM, Linux only).

Rows are synthetic, see ``benchmarks.synthetic``. Images, and the weights in "extraction", are
random; they take as much time as real ones.
"""

from __future__ import annotations

import argparse
import heapq
import itertools
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from benchmarks.extraction import ResNetLike
from benchmarks.measures import measured, timed
from benchmarks.report import Table, parser
from benchmarks.synthetic import rows
from tsne_widget import TSNE, FeatureSet, analysis, extract
from tsne_widget.analysis.inputs import centred
from tsne_widget.extraction.store import store as store_module
from tsne_widget.projection.neighbors import nearest
from tsne_widget.projection.quality import affinities, kl_divergence
from tsne_widget.projection.workers import Workers

QUALITY_ROWS = 70_000
SAMPLE = 10_000
SHARD_ROWS = store_module.SHARD_ROWS
NEIGHBORS = 50
# For more rows than the first number, exact neighbours are searched only for the second number.
EXACT_UP_TO, EXACT_ROWS = 100_000, 2_000
FUNCTION_SIZES = [10_000, 100_000, 1_000_000]
EXTRACTION = Table("scale-extraction", "images | executor | seconds | µs per image", ["ray"])
ACTORS = Table("scale-actors", "actors of 1 thread | time | efficiency")
STORE = Table("scale-store", "rows × 64 | save, s | load, s | peak MB of load")
FUNCTIONS = Table(
    "scale-functions",
    "function | 10,000 rows: s | MB | 100,000: s | MB | 1,000,000: s | MB",
)
FOUND = Table(
    "scale-neighbours", "rows × 64 | exact, s | approximate, s | µs per row | peak MB | recall"
)
LANDMARKS = Table("scale-landmarks", "landmarks | seconds | 10-NN | trustworthiness | KL")
MAPS = Table(
    "scale-maps",
    "rows × 64 | landmarks | seconds | µs per row | peak MB besides the features | 10-NN",
)


def main() -> None:
    given = parser(__doc__)
    given.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join(SECTIONS))
    given.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    given.add_argument("--pictures", type=int, nargs="+", default=[3_000, 30_000])
    given.add_argument("--landmarks", type=int, nargs="+", default=[5_000, 10_000, 20_000, 50_000])
    options = given.parse_args()
    for name in options.sections or [name for name in SECTIONS if name != "million"]:
        SECTIONS[name](options)


class Random(Dataset):
    """n images of noise, created when they are read."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.pool = torch.randn(64, 3, 32, 32, generator=torch.Generator().manual_seed(0))

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.pool[index % 64], index % 10


def extraction(options: argparse.Namespace) -> None:
    """Time in this process and on a local Ray cluster, and a simulation of more actors."""
    torch.manual_seed(0)
    model = ResNetLike().eval()
    most = torch.get_num_threads()
    shard_seconds = reading = 0.0
    with EXTRACTION as row:
        for n in options.pictures:
            for way, threads in (("local", 1), ("local", most), ("ray", 1)):
                torch.set_num_threads(threads)
                if way == "local":
                    extract(model, Random(128), progress=False)  # the first batches make threads
                with tempfile.TemporaryDirectory() as folder, _ray_started(way == "ray"):
                    run = lambda where=folder, how=way, size=n: extract(  # noqa: E731
                        model, Random(size), store=where, executor=how, progress=False
                    )
                    seconds, again = timed(run), timed(lambda: run(how="local"))
                named = f"{way}, {threads} thread{'s' * (threads > 1)}"
                if way == "ray":
                    named = f"Ray, {most} actors of 1 thread"
                row(f"{n:,}", named, f"{seconds:.2f}", f"{1e6 * seconds / n:.0f}")
                if way == "local" and threads == 1:
                    shard_seconds = seconds * SHARD_ROWS / n
                reading = again * SHARD_ROWS / n
    torch.set_num_threads(1)
    start, handing = driver_seconds()
    torch.set_num_threads(most)
    driver = handing + reading
    print(
        f"\nRay: the actors start after {start:.1f} s. Simulated, not measured: 10,000,000 images "
        f"in shards of 4,096; each shard takes an actor {shard_seconds:.2f} s (±20 %) and the "
        f"driver {driver * 1e3:.0f} ms, {handing * 1e3:.0f} of them in Ray and for the manifest, "
        f"{reading * 1e3:.0f} to read it"
    )
    alone = 0.0
    with ACTORS as row:
        for actors in (1, 2, 8, 64, 256, 1024):
            seconds = start + simulated(10_000_000 // SHARD_ROWS, actors, shard_seconds, driver)
            alone = alone or seconds
            hours = f"{seconds / 3600:.1f} h" if seconds > 3600 else f"{seconds:.0f} s"
            row(f"{actors:,}", hours, f"{alone / seconds / actors:.0%}")


def driver_seconds() -> tuple[float, float]:
    """Seconds until the actors start, and seconds of the driver per shard.

    The shards are nearly empty and the actors share the driver's cores, so the second number is an
    upper bound.
    """
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3072, 64), torch.nn.ReLU())
    model.append(torch.nn.Linear(64, 10))
    few, many = 50, 450
    before, store_module.SHARD_ROWS = store_module.SHARD_ROWS, 64
    seconds = []
    try:
        for shards in (few, many):
            with tempfile.TemporaryDirectory() as folder, _ray_started(True):
                data = Random(64 * shards)
                seconds.append(
                    timed(
                        lambda: extract(model, data, store=folder, executor="ray", progress=False)
                    )
                )
    finally:
        store_module.SHARD_ROWS = before
    each = (seconds[1] - seconds[0]) / (many - few)
    return seconds[0] - few * each, each


def simulated(shards: int, actors: int, shard: float, driver: float) -> float:
    """Seconds until the driver has read the last shard; a free actor takes the next shard."""
    random = np.random.default_rng(0)
    free = [0.0] * actors
    finished = []
    for _ in range(shards):
        end = heapq.heappop(free) + shard * random.uniform(0.8, 1.2)
        heapq.heappush(free, end)
        finished.append(end)
    taken = 0.0
    for end in sorted(finished):
        taken = max(taken, end) + driver
    return taken


@contextmanager
def _ray_started(wanted: bool) -> Iterator[None]:
    """A running local cluster, so that its start is not measured."""
    if not wanted:
        yield
        return
    import ray

    ray.init("local", include_dashboard=False, log_to_driver=False)
    try:
        yield
    finally:
        ray.shutdown()


def store(options: argparse.Namespace) -> None:
    """Time to save a FeatureSet and to load it as a memory map."""
    with STORE as row:
        for n in options.sizes:
            X, y = rows(n)
            record = FeatureSet.from_arrays(X, y)
            with tempfile.TemporaryDirectory() as folder:
                saved = timed(lambda: record.save(f"{folder}/set"))
                loaded, peak = measured(lambda: FeatureSet.load(f"{folder}/set"))
            row(f"{n:,}", f"{saved:.2f}", f"{loaded:.2f}", f"{peak:.0f}")


def numbers(options: argparse.Namespace) -> None:
    """Time and memory of the functions of analysis/; neighbours are random."""
    columns: list[dict[str, tuple[float, float]]] = []
    for n in FUNCTION_SIZES:
        X, y = rows(n)
        random = np.random.default_rng(0)
        near = random.integers(0, n, (n, 50), dtype=np.int32)
        far = np.sort(random.random((n, 50), dtype=np.float32), axis=1)
        logits = random.normal(size=(n, 10)).astype(np.float32)
        logits[np.arange(n), y] += 3
        xy = random.normal(size=(n, 2)).astype(np.float32)
        guess = logits.argmax(axis=1)
        record = FeatureSet.from_arrays(X, y, logits=logits)
        some = np.arange(0, n, n // 500)
        loop = np.stack([np.cos(np.linspace(0, 6, 200)), np.sin(np.linspace(0, 6, 200))], 1)
        index = analysis.NeighborIndex(X)
        inside = analysis.PolygonIndex(xy)
        calls: dict[str, Callable[[], Any]] = {
            "confidence": lambda: analysis.confidence(logits),
            "margin": lambda: analysis.margin(logits),
            "entropy": lambda: analysis.entropy(logits),
            "loss": lambda: analysis.loss(logits, y),
            "confusion_matrix": lambda: analysis.confusion_matrix(y, guess, 10),
            "classification_report": lambda: analysis.classification_report(y, guess, 10),
            "confused_pairs": lambda: analysis.confused_pairs(y, guess),
            "label_agreement": lambda: analysis.label_agreement(near, y),
            "neighbor_vote (15)": lambda: analysis.neighbor_vote(near[:, :15], y),
            "outlier_score": lambda: analysis.outlier_score(near, far),
            "near_duplicates": lambda: analysis.near_duplicates(near, far, 0.002),
            "label_errors": lambda: analysis.label_errors(logits, y, X),
            "silhouette": lambda: analysis.silhouette(X, y),
            "faithfulness of 500": lambda: analysis.faithfulness(X, xy, rows=some),
            "NeighborIndex": lambda: analysis.NeighborIndex(X),
            "… nearest_to": lambda: index.nearest_to(7),
            "PolygonIndex": lambda: analysis.PolygonIndex(xy),
            "… inside, 200 edges": lambda: inside.inside(loop),
            "verdict": lambda: analysis.verdict(some, near),
            "matching_rows": lambda: analysis.matching_rows(record, "cat"),
            "sample_frame of all": lambda: analysis.sample_frame(record, np.arange(n), xy),
        }
        columns.append({name: measured(call) for name, call in calls.items()})
    with FUNCTIONS as row:
        for name in columns[0]:
            pairs = [(f"{column[name][0]:.3f}", f"{column[name][1]:.0f}") for column in columns]
            row(name, *itertools.chain(*pairs))


def neighbors(options: argparse.Namespace) -> None:
    """Exact neighbours, the only quadratic step, and approximate neighbours.

    For more than 100,000 rows, exact neighbours are searched for some rows only, and the time is
    extrapolated. Recall is measured on these rows.
    """
    with FOUND as row:
        for n in options.sizes:
            X, _ = rows(n)
            some = np.linspace(0, n - 1, EXACT_ROWS).astype(int)
            exact, seconds = exactly(X, some, NEIGHBORS)
            named = f"{seconds * n / EXACT_ROWS:,.0f}, extrapolated from {seconds:.1f}"
            if n <= EXACT_UP_TO:
                named = f"{timed(lambda: analysis.kneighbors(X, NEIGHBORS)):.1f}"
            found: list[Any] = []
            about, peak = measured(
                lambda: found.append(analysis.kneighbors(X, NEIGHBORS, neighbors="approximate"))
            )
            hits = [
                np.isin(found[0].indices[index], own, assume_unique=True).mean()
                for index, own in zip(some, exact, strict=True)
            ]
            times = f"{about:.1f}", f"{1e6 * about / n:.0f}"
            row(f"{n:,}", named, *times, f"{peak:.0f}", f"{np.mean(hits):.4f}")


def exactly(X: np.ndarray, some: np.ndarray, k: int) -> tuple[np.ndarray, float]:
    """(m, k) exact nearest other rows of some rows, and the seconds of the search."""
    points = centred(X)[0]
    with Workers(torch.get_num_threads()) as workers:
        start = time.perf_counter()
        near = nearest(points, k + 1, workers, queries=points[some])
        seconds = time.perf_counter() - start
    itself_last = np.argsort(near.indices == some[:, None], axis=1, kind="stable")[:, :k]
    return np.take_along_axis(near.indices, itself_last, 1), seconds


def landmarks(options: argparse.Namespace) -> None:
    """Quality of maps of landmarks, compared with the whole fit of 70,000 rows."""
    X, y = rows(QUALITY_ROWS)
    some = np.linspace(0, QUALITY_ROWS - 1, SAMPLE).astype(int)
    P = affinities(X[some])
    with LANDMARKS as row:
        for count in [*options.landmarks, None]:
            tsne = TSNE(landmarks=count, random_state=0)
            seconds = timed(lambda: tsne.fit(X, y))
            xy = tsne.embedding_
            named = "all" if count is None else f"{count:,}"
            quality = label_accuracy(xy, y), trustworthiness(X, xy), kl_divergence(P, xy[some])
            row(named, f"{seconds:.1f}", *(f"{value:.4f}" for value in quality))


def trustworthiness(X: np.ndarray, xy: np.ndarray) -> float:
    """Trustworthiness at 15 neighbours, of 1,000 rows."""
    some = np.linspace(0, len(X) - 1, 1_000).astype(int)
    return float(analysis.faithfulness(X, xy, rows=some).trustworthiness.mean())


def label_accuracy(xy: np.ndarray, y: np.ndarray) -> float:
    """Share of 10,000 points whose label is the most frequent among their 10 nearest on the map."""
    from scipy.spatial import cKDTree

    some = np.linspace(0, len(xy) - 1, SAMPLE).astype(int)
    near = cKDTree(xy).query(xy[some], 11, workers=-1)[1][:, 1:]
    votes = np.apply_along_axis(lambda row: np.bincount(row, minlength=10).argmax(), 1, y[near])
    return float((votes == y[some]).mean())


def million(options: argparse.Namespace) -> None:
    """Whole maps of landmarks: time, memory and label accuracy."""
    with MAPS as row:
        for n in options.sizes:
            X, y = rows(n)
            for count in options.landmarks:
                tsne = TSNE(landmarks=count, random_state=0)
                seconds, peak = measured(lambda: tsne.fit(X, y))
                accuracy = label_accuracy(tsne.embedding_, y)
                times = f"{seconds:.1f}", f"{1e6 * seconds / n:.0f}"
                row(f"{n:,}", f"{min(count, n):,}", *times, f"{peak:.0f}", f"{accuracy:.4f}")


SECTIONS: dict[str, Callable[[argparse.Namespace], None]] = {
    "extraction": extraction,
    "store": store,
    "analysis": numbers,
    "neighbors": neighbors,
    "landmarks": landmarks,
    "million": million,
}


if __name__ == "__main__":
    main()
