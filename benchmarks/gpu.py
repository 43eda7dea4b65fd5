"""t-SNE on one GPU: every stage of whole fits, beside the bars; in less than ten minutes.

    python -m benchmarks.gpu [--sizes 3589x4096 10000x784 …] [--seconds 560] [--data folder]
        [--record]

Measures first fits of a process, whole fits stage by stage, small fits beside the
CPU, fits without Triton, and live frames. Times are wall seconds. "whole" is the median of warm
fits without a callback; the stages are of one more fit, which waits for the device between them.
Data are those of benchmarks.tsne if ``--data`` (or ``../shared/data``) has them, else Gaussian
clusters of unequal size and width that overlap.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from benchmarks import tsne as peers
from benchmarks.report import Table, parser
from tsne_widget import TSNE
from tsne_widget.projection import devices
from tsne_widget.projection.gpu import engine
from tsne_widget.projection.gpu.operations import TorchOperations
from tsne_widget.projection.gpu.search import TORCH


class Size(NamedTuple):
    """A whole fit to measure."""

    n: int
    d: int
    bar: float | None
    """Seconds that the whole fit may take."""
    real: str | None
    """Name of the data in benchmarks.tsne."""
    rounds: int
    has_cpu: bool
    """Also fit on the CPU, to compare the KL divergence."""


SIZES = (
    Size(3_589, 4_096, 0.3, "cnn", 5, True),
    Size(10_000, 784, 0.2, "mnist", 5, True),
    Size(70_000, 50, 0.35, "augmented", 5, True),
    Size(200_000, 128, 0.8, None, 3, False),
    Size(1_000_000, 50, 2.5, None, 2, False),
    Size(5_000_000, 50, None, None, 1, False),
)
FIRST = Table(
    "gpu-first",
    "kernels on disk | imports and driver, s | compiling, s | first fit, 5,000 × 50 | the second",
    ["triton"],
)
FITS = Table(
    "gpu-fits",
    "rows × columns | data | neighbours | P and start | iterations | whole, s | goal, s | KL "
    "| KL on the CPU | recall | peak GB | estimate, GB | same bits twice",
    ["triton"],
)
SMALL_FITS = Table("gpu-small", "rows × 512, warm | GPU, s | CPU, s", ["triton", "numba"])
TORCH_FITS = Table("gpu-torch", "torch operations | whole, s | KL")
LIVE = Table(
    "gpu-frames",
    "70,000 × 50 | without frames, s | with frames, s | frames | frames a second",
    ["triton"],
)
SMALL = (500, 1_000, 2_000, 3_000, 5_000)
FIRST_FIT = """
import time
start = time.perf_counter()
import numpy as np, torch
from tsne_widget import TSNE
from tsne_widget.projection.gpu.engine import engine_of
X = np.random.default_rng(0).normal(size=(5_000, 50)).astype(np.float32)
torch.zeros(1, device="cuda").cpu()
times = [start, time.perf_counter()]
assert engine_of("cuda:0").note is None
times.append(time.perf_counter())
tsne = TSNE(device="cuda", random_state=0)
for _ in range(2):
    tsne.fit(X)
    times.append(time.perf_counter())
print(*(f"{seconds:.2f}" for seconds in np.diff(times)))
"""


class Stages:
    """A callback that notes when each stage begins; it waits for the device."""

    def __init__(self) -> None:
        self.begins: dict[str, float] = {}

    def __call__(self, iteration: int, embedding: np.ndarray, kl: float) -> None:
        self.stage("optimise")

    def stage(self, text: str) -> None:
        torch.cuda.synchronize()
        self.begins.setdefault(text, time.perf_counter())

    def seconds(self, first: str, *later: str) -> float:
        """From the beginning of a stage to that of the next one that took place."""
        ends = [self.begins[name] for name in later if name in self.begins]
        return min(ends) - self.begins[first] if first in self.begins and ends else float("nan")


def main() -> None:
    """Measure within the seconds that are given."""
    given = parser(__doc__)
    given.add_argument("--sizes", nargs="+", default=[f"{s.n}x{s.d}" for s in SIZES])
    given.add_argument("--seconds", type=float, default=560, help="stop before the next size")
    given.add_argument("--data", type=Path, default=peers.DATA)
    options = given.parse_args()
    if not torch.cuda.is_available():
        raise SystemExit("benchmarks.gpu needs a CUDA GPU; torch sees none")
    begin = time.perf_counter()
    peers.DATA = options.data
    with FIRST:
        first_fits()
    with FITS:
        for size in SIZES:
            if f"{size.n}x{size.d}" not in options.sizes:
                continue
            if time.perf_counter() - begin > options.seconds:
                FITS.row(f"{size.n:,} × {size.d:,}", "not measured: the time is over")
                continue
            row(size)
    for part in (small_fits, without_triton, frames):
        if time.perf_counter() - begin < options.seconds:
            part()


def first_fits() -> None:
    """First and second fit of a process, with an empty and a full cache of kernels."""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {
            "TRITON_CACHE_DIR": folder,
            "PYTHONPATH": str(Path(__file__).resolve().parents[1]),
        }
        for on_disk in ("no", "yes"):
            ended = subprocess.run(
                [sys.executable, "-c", FIRST_FIT],
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            if ended.returncode:
                FIRST.row(on_disk, f"failed: {ended.stderr.splitlines()[-1]}")
            else:
                FIRST.row(on_disk, *ended.stdout.split())


def row(size: Size) -> None:
    """Print one row: stages, whole fits, quality and memory of one size."""
    X, name = data(size)
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    maps, times = [], []
    for _ in range(size.rounds + (size.rounds > 1)):  # the first is not warm
        tsne = None
        seconds, tsne = timed(TSNE(device="cuda", random_state=0), X)
        times.append(seconds)
        maps.append(tsne.embedding_)
    peak = torch.cuda.max_memory_allocated() / 1e9
    estimate = devices.needed_bytes(*X.shape, 90, "cuda") / 1e9
    kl, recall = tsne.kl_divergence_, tsne.neighbors_recall_
    whole = statistics.median(times[1:] or times)
    same = all(np.array_equal(maps[0], other) for other in maps[1:]) if maps[1:] else "–"
    stages, end = staged(X) if size.rounds > 1 else (None, 0.0)
    parts = ["–"] * 3
    if stages is not None:
        parts = [
            f"{stages.seconds('finding neighbours', 'computing probabilities'):.3f}",
            f"{stages.seconds('computing probabilities', 'optimise'):.3f}",
            f"{end - stages.begins['optimise']:.3f}",
        ]
    cpu = "–"
    if size.has_cpu:
        cpu = f"{TSNE(device='cpu', random_state=0).fit(X).kl_divergence_:.4f}"
    FITS.row(
        f"{size.n:,} × {size.d:,}", name, *parts, f"{whole:.3f}", size.bar or "–", f"{kl:.4f}",
        cpu, f"{recall:.4f}", f"{peak:.1f}", f"{estimate:.1f}", same,
    )  # fmt: skip


def timed(tsne: TSNE, X: np.ndarray) -> tuple[float, TSNE]:
    """Seconds of a whole fit."""
    torch.cuda.synchronize()
    start = time.perf_counter()
    tsne.fit(X)
    torch.cuda.synchronize()
    return time.perf_counter() - start, tsne


def staged(X: np.ndarray) -> tuple[Stages, float]:
    """The beginnings of the stages of a fit, and its end."""
    stages = Stages()
    timed(TSNE(device="cuda", random_state=0, callback=stages, callback_every=10**6), X)
    return stages, time.perf_counter()


def small_fits() -> None:
    """Warm fits of few rows on the GPU and on the CPU."""
    X, _ = data(Size(max(SMALL), 512, None, None, 1, False))
    with SMALL_FITS as row:
        for n in SMALL:
            cells = []
            for device in ("cuda", "cpu"):
                times = [timed(TSNE(device=device, random_state=0), X[:n])[0] for _ in range(4)]
                cells.append(f"{statistics.median(times[1:]):.3f}")
            row(f"{n:,}", *cells)


def without_triton() -> None:
    """Whole fits with torch operations, as where Triton is absent."""
    fast = engine.ENGINES.copy()
    engine.ENGINES.update(dict.fromkeys(fast, engine.Engine(TorchOperations(), TORCH)))
    with TORCH_FITS as row:
        for size in SIZES[1:3]:
            X, _ = data(size)
            fits = [timed(TSNE(device="cuda", random_state=0), X) for _ in range(3)]
            seconds = statistics.median(seconds for seconds, _ in fits[1:])
            kl = fits[-1][1].kl_divergence_
            row(f"{size.n:,} × {size.d:,}", f"{seconds:.3f}", f"{kl:.4f}")
    engine.ENGINES.update(fast)


def frames() -> None:
    """What frames of a live map cost: a callback in every tenth iteration, 70,000 points."""
    X, _ = data(Size(70_000, 50, None, None, 1, False))

    def measure(thread: str) -> None:
        seen: list[int] = []
        alone = min(timed(TSNE(device="cuda", random_state=0), X)[0] for _ in range(3))
        live = TSNE(device="cuda", random_state=0, callback_every=10)
        live.callback = lambda iteration, *_: seen.append(iteration)
        seconds = timed(live, X)[0]
        rate = len(seen) / seconds
        LIVE.row(thread, f"{alone:.3f}", f"{seconds:.3f}", len(seen), f"{rate:.0f}")

    with LIVE:
        measure("main thread")
        other = threading.Thread(target=measure, args=("another thread, as in the explorer",))
        other.start()
        other.join()


def data(size: Size) -> tuple[np.ndarray, str]:
    """Features of this size, and where they come from."""
    found = None if size.real is None else peers.features(size.real)
    if found is not None:
        return np.ascontiguousarray(found[0], np.float32), size.real or ""
    random = np.random.default_rng(0)
    latent, clusters = min(size.d, 24), 40
    centres = random.normal(scale=1.6, size=(clusters, latent)).astype(np.float32)
    widths = random.uniform(0.5, 1.5, clusters).astype(np.float32)
    code = random.choice(clusters, size.n, p=random.dirichlet(np.full(clusters, 2.0)))
    mixing = random.normal(size=(latent, size.d)).astype(np.float32) / np.sqrt(latent)
    X = random.standard_normal((size.n, latent), np.float32) * widths[code, None] + centres[code]
    X = X @ mixing.astype(np.float32)
    for first in range(0, size.n, 100_000):
        block = X[first : first + 100_000]
        block += 0.1 * random.standard_normal(block.shape, np.float32)
    return X, "clusters"


if __name__ == "__main__":
    main()
