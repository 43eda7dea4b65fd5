"""What each step costs as n grows by decades, on one machine; and what a cluster adds.

    python -m benchmarks.scale [SECTION …] [--sizes 10000 100000] [--data ../shared/data]

Sections: extraction, store, analysis, neighbors, landmarks, million, gpu; without any, all but
million, which takes two minutes for 1,000,000 rows and 50,000 landmarks (--sizes, --landmarks).
Time is of the wall, memory the peak of the process above what it held before (VmHWM, Linux).

Rows are synthetic: features of CIFAR-10's test pictures by a ResNet20 (5,000 × 64, from --data;
scikit-learn's digits without it), each new row a point between one of them and one of its 15
nearest, with noise of 5 % of each column's standard deviation, and the label of the first. Pictures
are random numbers. Weights in "extraction" are random, too: both cost what real ones cost.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import heapq
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from benchmarks.extraction import ResNetLike
from tsne_widget import TSNE, FeatureSet, analysis, extract
from tsne_widget.analysis.inputs import centred
from tsne_widget.extraction.store import store as store_module
from tsne_widget.projection.neighbors import nearest
from tsne_widget.projection.quality import affinities, kl_divergence, trustworthiness
from tsne_widget.projection.workers import Workers

QUALITY_ROWS = 70_000
SAMPLE = 10_000
SHARD_ROWS = store_module.SHARD_ROWS
NEIGHBORS = 50
# Of more rows than these, exact neighbours are searched for so many of them.
EXACT_UP_TO, EXACT_ROWS = 100_000, 2_000


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join(SECTIONS))
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--pictures", type=int, nargs="+", default=[3_000, 30_000])
    parser.add_argument("--landmarks", type=int, nargs="+", default=[5_000, 10_000, 20_000, 50_000])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    options = parser.parse_args()
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads", flush=True)
    for name in options.sections or [name for name in SECTIONS if name != "million"]:
        print(f"\n{name}", flush=True)
        SECTIONS[name](options)


class Random(Dataset):
    """n pictures of noise, made when they are read."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.pool = torch.randn(64, 3, 32, 32, generator=torch.Generator().manual_seed(0))

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.pool[index % 64], index % 10


def extraction(options: argparse.Namespace) -> None:
    """Time here, and by two actors of one thread; a simulation of more actors."""
    torch.manual_seed(0)
    model = ResNetLike().eval()
    most = torch.get_num_threads()
    print("| pictures | executor | seconds | µs a picture | seconds to read the store again |")
    print("|---|---|---|---|---|")
    shard_seconds = reading = 0.0
    for n in options.pictures:
        for way, threads in (("local", 1), ("local", most), ("ray", 1)):
            torch.set_num_threads(threads)
            if way == "local":
                extract(model, Random(128), progress=False)  # the first batches make the threads
            with tempfile.TemporaryDirectory() as folder, _ray_started(way == "ray"):
                run = lambda where=folder, how=way, size=n: extract(  # noqa: E731
                    model, Random(size), store=where, executor=how, progress=False
                )
                seconds, again = timed(run), timed(lambda: run(how="local"))
            named = f"{way}, {threads} thread{'s' * (threads > 1)}"
            if way == "ray":
                named = f"ray, {most} actors of 1 thread"
            print(f"| {n:,} | {named} | {seconds:.2f} | {1e6 * seconds / n:.0f} | {again:.2f} |")
            sys.stdout.flush()
            if way == "local" and threads == 1:
                shard_seconds = seconds * SHARD_ROWS / n
            reading = again * SHARD_ROWS / n
    torch.set_num_threads(1)
    start, handing = driver_seconds()
    torch.set_num_threads(most)
    driver = handing + reading
    print(
        f"\nRay: {start:.1f} s until the actors have begun; each shard keeps the driver "
        f"{driver * 1e3:.0f} ms: {handing * 1e3:.0f} of them in Ray and for the manifest, "
        f"{reading * 1e3:.0f} to read it"
    )
    print(
        f"\nSimulated, not measured: 10,000,000 pictures, shards of 4,096 that take an actor "
        f"{shard_seconds:.2f} s each (±20 %) and the driver {driver * 1e3:.0f} ms\n"
    )
    print("| actors of 1 thread | hours | of linear |\n|---|---|---|")
    alone = 0.0
    for actors in (1, 2, 8, 64, 256, 1024):
        seconds = start + simulated(10_000_000 // SHARD_ROWS, actors, shard_seconds, driver)
        alone = alone or seconds
        print(f"| {actors:,} | {seconds / 3600:.3f} | {alone / seconds / actors:.0%} |")


def driver_seconds() -> tuple[float, float]:
    """Seconds until actors work, and those that each small shard takes the driver.

    Measured by shards that take the actors next to nothing, on the same cores: an upper bound.
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
    """Seconds until the driver has taken the last shard; each actor takes the next when free."""
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
    """A cluster that is there already, as a cluster of several machines would be."""
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
    """A record saved, loaded as a memory map, and gone through once."""
    print("| rows × 64 | save s | load s | peak MB of load | ns a row, saved and loaded |")
    print("|---|---|---|---|---|")
    for n in options.sizes:
        X, y = rows(options.data, n)
        record = FeatureSet.from_arrays(X, y)
        with tempfile.TemporaryDirectory() as folder:
            saved = timed(lambda: record.save(f"{folder}/set"))
            loaded, peak = measured(lambda: FeatureSet.load(f"{folder}/set"))
        print(
            f"| {n:,} | {saved:.2f} | {loaded:.2f} | {peak:.0f} | "
            f"{1e9 * (saved + loaded) / n:.0f} |",
            flush=True,
        )


def numbers(options: argparse.Namespace) -> None:
    """Time and memory of everything in analysis/; neighbours are drawn at random."""
    print("| | " + " | ".join(f"{n:,}: s | peak MB" for n in options.sizes) + " |")
    print("|---" * (1 + 2 * len(options.sizes)) + "|")
    columns: list[dict[str, tuple[float, float]]] = []
    for n in options.sizes:
        X, y = rows(options.data, n)
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
    for name in columns[0]:
        cells = [f"{column[name][0]:.3f} | {column[name][1]:.0f}" for column in columns]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def neighbors(options: argparse.Namespace) -> None:
    """The one step that is quadratic, and what takes its place.

    Exact neighbours of more than 100,000 rows are searched for some of them only; the time of all
    is extrapolated from that, and said to be. Recall is that of these rows.
    """
    print("| rows × 64, k = 50 | exact, s | approximate, s | µs a row | peak MB | recall |")
    print("|---|---|---|---|---|---|")
    for n in options.sizes:
        X, _ = rows(options.data, n)
        some = np.linspace(0, n - 1, EXACT_ROWS).astype(int)
        exact, seconds = exactly(X, some, NEIGHBORS)
        named = (
            f"{seconds * n / EXACT_ROWS:,.0f}, extrapolated from {seconds:.2f} for {EXACT_ROWS:,}"
        )
        if n <= EXACT_UP_TO:
            named = f"{timed(lambda: analysis.kneighbors(X, NEIGHBORS)):.1f}"
        found: list[Any] = []
        about, peak = measured(
            lambda: found.append(analysis.kneighbors(X, NEIGHBORS, neighbors="approximate"))
        )
        hits = [
            np.isin(found[0].indices[row], own, assume_unique=True).mean()
            for row, own in zip(some, exact, strict=True)
        ]
        print(
            f"| {n:,} | {named} | {about:.1f} | {1e6 * about / n:.0f} | {peak:.0f} | "
            f"{np.mean(hits):.4f} |",
            flush=True,
        )


def exactly(X: np.ndarray, some: np.ndarray, k: int) -> tuple[np.ndarray, float]:
    """(m, k) exact nearest others of some rows, and the seconds of the search."""
    points = centred(X)[0]
    with Workers(torch.get_num_threads()) as workers:
        start = time.perf_counter()
        near = nearest(points, k + 1, workers, queries=points[some])
        seconds = time.perf_counter() - start
    itself_last = np.argsort(near.indices == some[:, None], axis=1, kind="stable")[:, :k]
    return np.take_along_axis(near.indices, itself_last, 1), seconds


def landmarks(options: argparse.Namespace) -> None:
    """What a map of landmarks loses against the whole fit of 70,000 rows."""
    X, y = rows(options.data, QUALITY_ROWS)
    some = np.linspace(0, QUALITY_ROWS - 1, SAMPLE).astype(int)
    P = affinities(X[some])
    print(
        "| landmarks of 70,000 | seconds | 10-NN accuracy | trustworthiness(15) | KL, 10,000 rows |"
    )
    print("|---|---|---|---|---|")
    for count in [*options.landmarks, None]:
        tsne = TSNE(landmarks=count, random_state=0)
        seconds = timed(lambda: tsne.fit(X, y))
        xy = tsne.embedding_
        print(
            f"| {'all' if count is None else f'{count:,}'} | {seconds:.1f} | "
            f"{label_accuracy(xy, y):.4f} | "
            f"{trustworthiness(X, xy, n_neighbors=15, sample=1_000):.4f} | "
            f"{kl_divergence(P, xy[some]):.4f} |",
            flush=True,
        )


def label_accuracy(xy: np.ndarray, y: np.ndarray) -> float:
    """Share of 10,000 points whose 10 nearest on the map vote for their label."""
    from scipy.spatial import cKDTree

    some = np.linspace(0, len(xy) - 1, SAMPLE).astype(int)
    near = cKDTree(xy).query(xy[some], 11, workers=-1)[1][:, 1:]
    votes = np.apply_along_axis(lambda row: np.bincount(row, minlength=10).argmax(), 1, y[near])
    return float((votes == y[some]).mean())


def million(options: argparse.Namespace) -> None:
    """Whole maps by decades: a fit of 50,000 landmarks, and the others placed."""
    print("| rows × 64 | landmarks | seconds | µs a row | peak MB | 10-NN accuracy |")
    print("|---|---|---|---|---|---|")
    for n in options.sizes:
        X, y = rows(options.data, n)
        for count in options.landmarks:
            tsne = TSNE(landmarks=count, random_state=0)
            seconds, peak = measured(lambda: tsne.fit(X, y))
            accuracy = label_accuracy(tsne.embedding_, y)
            print(
                f"| {n:,} | {min(count, n):,} | {seconds:.1f} | {1e6 * seconds / n:.0f} | "
                f"{peak:.0f} | {accuracy:.4f} |",
                flush=True,
            )


def gpu(options: argparse.Namespace) -> None:
    """The search for neighbours and the whole fit on a GPU, where there is one."""
    if not torch.cuda.is_available():
        print("no GPU here: TSNE(device='cuda') and extract(device='cuda') are not measured")
        return
    print(f"{torch.cuda.get_device_name()}\n")
    print("| rows × 50 | exact neighbours, k = 90, s | whole fit, s |\n|---|---|---|")
    for n in (*options.sizes, 1_000_000):
        X = np.ascontiguousarray(rows(options.data, n)[0][:, :50])
        points = centred(X)[0]
        with Workers(1) as workers:
            search = timed(lambda: nearest(points, 90, workers, device="cuda"))
        fit = timed(lambda: TSNE(device="cuda", random_state=0).fit(X))
        print(f"| {n:,} | {search:.1f} | {fit:.1f} |", flush=True)


SECTIONS: dict[str, Callable[[argparse.Namespace], None]] = {
    "extraction": extraction,
    "store": store,
    "analysis": numbers,
    "neighbors": neighbors,
    "landmarks": landmarks,
    "million": million,
    "gpu": gpu,
}


def rows(data: Path, n: int) -> tuple[np.ndarray, np.ndarray]:
    """(n, 64) float32 features and (n,) labels between and around real ones."""
    features, labels = real_rows(data)
    random = np.random.default_rng(0)
    near = analysis.kneighbors(features, 15).indices
    first = random.integers(0, len(features), n)
    second = near[first, random.integers(0, 15, n)]
    noise = 0.05 * features.std(axis=0)
    out = np.empty((n, features.shape[1]), np.float32)
    for start in range(0, n, 2**16):
        block = slice(start, start + 2**16)
        share = random.random((len(first[block]), 1), dtype=np.float32)
        out[block] = features[first[block]] * share + features[second[block]] * (1 - share)
        out[block] += noise * random.standard_normal(out[block].shape, dtype=np.float32)
    return out, labels[first]


def real_rows(data: Path) -> tuple[np.ndarray, np.ndarray]:
    if not (data / "models.py").is_file():
        from sklearn.datasets import load_digits

        digits = load_digits()
        print(f"({data} is absent: digits instead)")
        return digits.data.astype(np.float32), digits.target.astype(np.int64)
    import safetensors.torch

    sys.path.insert(0, str(data))
    import models

    file = np.load(data / "cifar10/cifar10_test_0_4999.npz")
    x = torch.from_numpy(file["images"]).permute(0, 3, 1, 2) / 255.0
    mean, std = (
        torch.tensor(v).view(3, 1, 1) for v in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    )
    network = models.CifarResNet(3)
    network.load_state_dict(
        safetensors.torch.load_file(data / "weights/cifar10_resnet20.safetensors")
    )
    found = extract(
        network,
        ((x - mean) / std, torch.from_numpy(file["labels"]).long()),
        batch_size=250,
        progress=False,
        store=Path(tempfile.gettempdir()) / "tsne-widget-benchmark",
    )
    return np.asarray(found.features), np.asarray(found.labels)


def timed(run: Callable[[], Any]) -> float:
    """Wall seconds."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def measured(run: Callable[[], Any]) -> tuple[float, float]:
    """Wall seconds, and the peak of memory above what was held before, in MB."""
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)  # or memory that is free but not given back is not seen
    Path("/proc/self/clear_refs").write_text("5")
    before = _status("VmRSS")
    seconds = timed(run)
    return seconds, max(0, _status("VmHWM") - before) / 1024


def _status(name: str) -> int:
    text = Path("/proc/self/status").read_text()
    return int(text.split(f"{name}:")[1].split()[0])


if __name__ == "__main__":
    main()
