"""Time to import the explorer and to construct one, compared with importing torch alone.

    python -m benchmarks.startup [--runs 5] [--record]

Each statement runs in a fresh process, alternating between the statements. The first table has the
minimum of the runs, in seconds of wall time and of CPU time; on a busy machine compare the CPU
time. The explorers have 500 × 4,096 features; t-SNE goes on in a thread after the constructor has
returned. The second table lists the packages that take the most time, as ``python -X importtime``
reports it: wall seconds in the modules of each package itself.
"""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict

from benchmarks.report import Table, parser

EXPLORER = "import tsne_widget; tsne_widget.EmbeddingExplorer"
MAKE = (
    f"{EXPLORER}; import numpy as np; x = np.random.default_rng(0).random((500, 4096), np.float32);"
    "f = tsne_widget.FeatureSet.from_arrays(x, np.arange(500) % 7); tsne_widget.EmbeddingExplorer(f"
)
WITH_MAP = f"{MAKE}, embedding=x[:, :2])"
STATEMENTS = {
    "import torch": "import torch",
    "import the explorer": EXPLORER,
    "import torch and the explorer": f"import torch; {EXPLORER}",
    "import the explorer, construct one with a map": WITH_MAP,
    "import torch and the explorer, construct one with a map": f"import torch; {WITH_MAP}",
    "import torch and the explorer, construct one that starts t-SNE": f"import torch; {MAKE})",
}
PACKAGES = 12
TIMES = Table("startup-statements", "statement | wall, s | CPU, s | CPU over torch's, s")
HEAVIEST = Table("startup-packages", "package besides torch | s")
OURS = "tsne_widget"


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--runs", type=int, default=5)
    times: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for _ in range(options.parse_args().runs):
        for name, statement in STATEMENTS.items():
            times[name].append(seconds_of(statement))
    best = {name: [min(column) for column in zip(*times[name], strict=True)] for name in STATEMENTS}
    torch = best["import torch"]
    with TIMES as row:
        for name, (wall, cpu) in best.items():
            ours = f"{cpu - torch[1]:.2f}" if "torch and" in name else ""
            row(name, f"{wall:.2f}", f"{cpu:.2f}", ours)
    with HEAVIEST as row:
        for package, seconds in heaviest(WITH_MAP):
            row(package, f"{seconds:.3f}")


def seconds_of(statement: str) -> tuple[float, float]:
    """Wall and CPU seconds that a statement takes in a fresh process."""
    code = (
        "import os, time; start = time.perf_counter(), time.process_time();"
        f"{statement}; end = time.perf_counter(), time.process_time();"
        "print(end[0] - start[0], end[1] - start[1], flush=True);"
        "os._exit(0)"  # without waiting for t-SNE
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    wall, cpu = map(float, run.stdout.split())
    return wall, cpu


def heaviest(statement: str) -> list[tuple[str, float]]:
    """The packages with the largest import time, besides torch and what torch imports."""
    command = [sys.executable, "-X", "importtime", "-c", f"import torch; {statement}"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds: dict[str, float] = defaultdict(float)
    is_after_torch = False
    for line in run.stderr.splitlines():
        own, _, name = line.removeprefix("import time:").split("|")
        if is_after_torch:
            package = name.strip().split(".")[0]
            if package not in sys.stdlib_module_names or package == OURS:
                seconds[package] += int(own) / 1e6
        is_after_torch |= name.rstrip() == " torch"  # indented by one space: not a nested import
    return sorted(seconds.items(), key=lambda item: -item[1])[:PACKAGES]


if __name__ == "__main__":
    main()
