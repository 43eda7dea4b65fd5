"""Comparison of t-SNE engines: time, memory and quality of whole fits, and time per iteration.

    python -m benchmarks.tsne [--threads 2] [--sets digits cnn mnist augmented] [--record]
        [--engines ours openTSNE sklearn] [--skip augmented/sklearn] [--parts fits threads]

The parts are whole fits of all engines, our fits at 1, 2, 4, 8 and 16 threads as far as there are
cores, and the time of one iteration. All of them take about 15 minutes on two quiet cores, of which
scikit-learn's fit of the largest set takes 5; --skip leaves it out. Our times are medians over the
seeds, others have one fit. Each fit runs in its own process, after small fits that compile the
loops. Engines that are not installed and data sets that are absent are skipped; "digits" is always
available. "ours" uses numba if it is installed, "ours-torch" does not. On shared cores compare the
CPU seconds of --threads 1: the parallel loops of scikit-learn and openTSNE slow down on several
threads.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_digits

from benchmarks.report import Table, parser

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"
CACHE = Path(tempfile.gettempdir()) / "tsne_widget_benchmark"
PERPLEXITY = 30
SETS = ("digits", "cnn", "mnist", "augmented")
ENGINES = ("ours", "ours-torch", "openTSNE", "sklearn", "intelex")
# Other packages, and the modules that they need.
PEERS = {"openTSNE": "openTSNE", "sklearn": "sklearn", "intelex": "sklearnex"}
SIZES = (1_000, 3_000, 10_000, 30_000, 100_000, 300_000)
TITLES = {"cnn": "CNN features", "mnist": "MNIST", "augmented": "augmented MNIST"}
PARTS = ("fits", "threads", "iterations")
THREADS = (1, 2, 4, 8, 16)
# Rows used for label accuracy; a fifth of them for trustworthiness.
SAMPLE = 5_000
FITS = Table(
    "tsne-fits",
    "set | engine | seconds | × ours | CPU s | × ours | peak MB | KL | trust. | 10-NN",
    ["numba", "openTSNE", "scikit-learn", "scikit-learn-intelex"],
)
BY_THREADS = Table(
    "tsne-threads",
    "set | 1 thread, s | 2 threads | 4 threads | 8 threads | 16 threads | same bits",
    ["numba"],
)
ITERATIONS = Table(
    "tsne-iterations", "n | ms per iteration | per n log n | torch only | per n log n", ["numba"]
)


def features(name: str) -> tuple[np.ndarray, np.ndarray] | None:
    """Features and labels of a data set, or None if its files are absent."""
    if name == "digits":
        data = load_digits()
        return data.data.astype(np.float32), data.target
    if not (DATA / "mnist").is_dir():
        return None
    file = CACHE / f"{name}.npz"
    if not file.exists():
        CACHE.mkdir(exist_ok=True)
        X, y = {"mnist": _mnist, "cnn": _cnn, "augmented": _augmented}[name]()
        np.savez(file, X=X, y=y)
    with np.load(file) as arrays:
        return arrays["X"], arrays["y"]


def _mnist() -> tuple[np.ndarray, np.ndarray]:
    """The 10,000 test images of MNIST: 784 pixels, 0 … 1."""
    raw = [gzip.decompress((DATA / "mnist" / f"t10k-{part}.gz").read_bytes()) for part in _PARTS]
    images = np.frombuffer(raw[0], np.uint8, offset=16).reshape(-1, 784)
    return images.astype(np.float32) / 255, np.frombuffer(raw[1], np.uint8, offset=8)


_PARTS = ("images-idx3-ubyte", "labels-idx1-ubyte")


def _cnn() -> tuple[np.ndarray, np.ndarray]:
    """4,096 activations of a small VGG, trained for a few seconds, on 3,589 held-out digits."""
    import torch

    sys.path.insert(0, str(DATA))
    from models import SmallVGG

    X, y = _mnist()
    images, labels = torch.from_numpy(X).view(-1, 1, 28, 28), torch.from_numpy(y.astype(np.int64))
    torch.manual_seed(0)
    net = SmallVGG(10, 1, (16, "M", 32, "M", 64, "M"), 4096)
    optimiser = torch.optim.Adam(net.parameters(), 1e-3)
    for _ in range(2):
        for rows in (3589 + torch.randperm(3000)).split(100):
            loss = torch.nn.functional.cross_entropy(net(images[rows]), labels[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    net.eval()
    with torch.no_grad():
        flat = torch.cat(
            [net.avgpool(net.features(b)).flatten(1) for b in images[:3589].split(500)]
        )
        return net.classifier[:2](flat).numpy(), y[:3589]


def _augmented() -> tuple[np.ndarray, np.ndarray]:
    """50 principal components of the digits and of six rotated, scaled and shifted copies."""
    from scipy import ndimage
    from sklearn.decomposition import PCA

    X, y = _mnist()
    random = np.random.default_rng(0)
    copies = [X]
    middle = np.array([13.5, 13.5])
    for _ in range(6):
        moved = np.empty_like(X)
        for i, image in enumerate(X.reshape(-1, 28, 28)):
            angle, size = np.deg2rad(random.uniform(-15, 15)), random.uniform(0.85, 1.15)
            turn = (
                np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) / size
            )
            shift = middle - turn @ (middle + random.uniform(-2, 2, 2))
            moved[i] = ndimage.affine_transform(image, turn, offset=shift, order=1).ravel()
        copies.append(moved)
    order = random.permutation(7 * len(X))
    reduced = PCA(50, random_state=0).fit_transform(np.concatenate(copies)[order])
    return reduced.astype(np.float32), np.tile(y, 7)[order]


def fit(engine: str, X: np.ndarray, seed: int, threads: int, **options: Any) -> np.ndarray:
    """Map of one engine with its default settings, (n, 2); the options are ours."""
    if engine == "sklearn":
        from sklearn.manifold import TSNE

        return TSNE(perplexity=PERPLEXITY, random_state=seed, n_jobs=threads).fit_transform(X)
    if engine == "intelex":
        from sklearnex.manifold import TSNE

        return TSNE(perplexity=PERPLEXITY, random_state=seed, n_jobs=threads).fit_transform(X)
    if engine == "openTSNE":
        import openTSNE

        return np.asarray(
            openTSNE.TSNE(perplexity=PERPLEXITY, random_state=seed, n_jobs=threads).fit(X)
        )
    from tsne_widget.projection import TSNE, compiled

    if engine == "ours-torch":
        compiled.loops = lambda name: None
    tsne = TSNE(perplexity=PERPLEXITY, random_state=seed, n_jobs=threads, **options)
    return tsne.fit_transform(X)


def measure_here(engine: str, name: str, seed: int, threads: int, out: str) -> None:
    """Warm up, fit, and print seconds and peak memory as JSON; for a fresh process."""
    found = features(name)
    assert found is not None
    X = found[0]
    fit(engine, load_digits().data[:600], 0, threads)
    if engine.startswith("ours"):  # loops of larger fits
        fit(engine, np.random.default_rng(0).normal(size=(7_500, 8)), 0, threads, max_iter=60)
    peak_kb()
    before = peak_kb()
    start, start_cpu = time.perf_counter(), time.process_time()
    embedding = fit(engine, X, seed, threads)
    seconds, cpu = time.perf_counter() - start, time.process_time() - start_cpu
    peak = peak_kb()
    np.save(out, np.asarray(embedding, dtype=np.float32))
    print(json.dumps({"seconds": seconds, "cpu": cpu, "peak_mb": (peak - before) / 1024}))


def peak_kb() -> int:
    """Peak memory of this process in kB since the last call; Linux only."""
    status = Path("/proc/self/status").read_text()
    peak = int(status.split("VmHWM:")[1].split()[0])
    Path("/proc/self/clear_refs").write_text("5")
    return peak


def measure(engine: str, name: str, seed: int, threads: int) -> tuple[dict[str, float], np.ndarray]:
    with tempfile.TemporaryDirectory() as folder:
        out = f"{folder}/map.npy"
        command = [sys.executable, __file__, "--one", engine, name, str(seed), str(threads), out]
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": str(threads)}
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        return json.loads(done.stdout.splitlines()[-1]), np.load(out)


def label_accuracy(embedding: np.ndarray, labels: np.ndarray) -> float:
    """Share of points whose label is the most frequent among their 10 nearest on the map."""
    from scipy.spatial import cKDTree

    rows = np.linspace(0, len(labels) - 1, min(SAMPLE, len(labels))).astype(int)
    near = cKDTree(embedding).query(embedding[rows], 11)[1][:, 1:]
    votes = np.apply_along_axis(
        np.bincount, 1, labels[near].astype(int), minlength=labels.max() + 1
    )
    return float((votes.argmax(1) == labels[rows]).mean())


def title(name: str, X: np.ndarray) -> str:
    return f"{TITLES.get(name, name)} {len(X):,} × {X.shape[1]:,}"


def compare(name: str, engines: list[str], seeds: int, threads: int) -> None:
    """Whole fits of one set by all engines."""
    from tsne_widget.analysis import faithfulness
    from tsne_widget.projection.quality import affinities, kl_divergence

    found = features(name)
    if found is None:
        print(f"{name}: absent, skipped", file=sys.stderr)
        return
    X, labels = found
    P = affinities(X, PERPLEXITY)
    rows = np.linspace(0, len(X) - 1, min(SAMPLE // 5, len(X))).astype(int)
    first = title(name, X)
    ours = ours_cpu = 0.0
    for engine in engines:
        count = seeds if engine == "ours" else 1
        runs = [measure(engine, name, seed, threads) for seed in range(count)]
        seconds = statistics.median(run["seconds"] for run, _ in runs)
        cpu = statistics.median(run["cpu"] for run, _ in runs)
        ours, ours_cpu = ours or seconds, ours_cpu or cpu
        kls = [kl_divergence(P, embedding) for _, embedding in runs]
        embedding = runs[0][1]
        trust = faithfulness(X, embedding, rows=rows).trustworthiness.mean()
        FITS.row(
            first, engine, f"{seconds:.2f}", f"{seconds / ours:.1f}", f"{cpu:.2f}",
            f"{cpu / ours_cpu:.1f}", f"{max(run['peak_mb'] for run, _ in runs):.0f}",
            f"{min(kls):.4f}{f' … {max(kls):.4f}' if len(kls) > 1 else ''}", f"{trust:.4f}",
            f"{label_accuracy(embedding, labels):.4f}",
        )  # fmt: skip
        first = ""


def by_threads(name: str) -> None:
    """Our whole fits of one set at several numbers of threads."""
    found = features(name)
    if found is not None:
        counts = [count for count in THREADS if count <= (os.cpu_count() or 1)]
        runs = [measure("ours", name, 0, count) for count in counts]
        same = all(np.array_equal(runs[0][1], embedding) for _, embedding in runs)
        seconds = [f"{run['seconds']:.2f}" for run, _ in runs]
        seconds += ["–"] * (len(THREADS) - len(counts))
        BY_THREADS.row(title(name, found[0]), *seconds, "yes" if same else "no")


def per_iteration(threads: int, engines: list[str]) -> None:
    """Milliseconds per iteration for each n, on maps as wide as fitted ones of that size."""
    import torch
    from scipy.spatial import cKDTree

    from tsne_widget.projection import forces as forces_module
    from tsne_widget.projection import optimize, schedule
    from tsne_widget.projection.affinities import joint_probabilities
    from tsne_widget.projection.neighbors import Neighbors
    from tsne_widget.projection.workers import Workers

    random = np.random.default_rng(0)
    with Workers(threads) as workers:
        for n in SIZES:
            centres = random.normal(size=(max(n // 500, 2), 2))
            y = centres[random.integers(len(centres), size=n)] + 0.1 * random.normal(size=(n, 2))
            y = (y * 40 * n**0.15 / np.ptp(y, axis=0).max()).astype(np.float32)
            distances, indices = cKDTree(y).query(y, 91, workers=threads)
            near = Neighbors(
                indices[:, 1:].astype(np.int32), (distances[:, 1:] ** 2).astype(np.float32)
            )
            P = joint_probabilities(near, PERPLEXITY, workers)
            cells = []
            for engine in engines:
                loops = forces_module.compiled_loops() if engine == "ours" else None
                forces: Any = (
                    forces_module.TorchForces(P, workers)
                    if loops is None
                    else forces_module.NumbaForces(P, workers, loops)
                )
                state = optimize.State.at(y)
                state.iteration = schedule.ITERATIONS
                times = []
                for _ in range(12):
                    state.y = torch.from_numpy(y.copy())  # the same width in every step
                    start = time.perf_counter()
                    z = forces.evaluate(state.y)
                    forces.move(state, schedule.default_schedule(n).phase(state.iteration), z)
                    times.append(1e3 * (time.perf_counter() - start))
                ms = statistics.median(times[2:])
                cells += [f"{ms:.2f}", f"{1e6 * ms / (n * np.log2(n)):.1f} ns"]
            ITERATIONS.row(f"{n:,}", *cells)


def main() -> None:
    given = parser(__doc__)
    given.add_argument("--sets", nargs="*", default=SETS)
    given.add_argument("--engines", nargs="*", default=ENGINES)
    given.add_argument("--seeds", type=int, default=5)
    given.add_argument("--threads", type=int, default=2)
    given.add_argument("--parts", nargs="*", default=PARTS, choices=PARTS)
    given.add_argument("--skip", nargs="*", default=[], help="fits to leave out, as set/engine")
    given.add_argument("--one", nargs=5, help=argparse.SUPPRESS)
    options = given.parse_args()
    if options.one:
        engine, name, seed, threads, out = options.one
        measure_here(engine, name, int(seed), int(threads), out)
        return
    engines = [e for e in options.engines if e not in PEERS or importlib.util.find_spec(PEERS[e])]
    if importlib.util.find_spec("numba") is None:
        engines = [e for e in engines if e != "ours-torch"]  # identical to ours
    if "fits" in options.parts:
        with FITS:
            for name in options.sets:
                used = [engine for engine in engines if f"{name}/{engine}" not in options.skip]
                compare(name, used, options.seeds, options.threads)
    if "threads" in options.parts:
        with BY_THREADS:
            for name in options.sets:
                by_threads(name)
    own = [engine for engine in engines if engine.startswith("ours")]
    if own and "iterations" in options.parts:
        with ITERATIONS:
            per_iteration(options.threads, own)


if __name__ == "__main__":
    main()
