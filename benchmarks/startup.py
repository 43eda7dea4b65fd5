"""Time to import the explorer, compared with torch alone.

    python -m benchmarks.startup [--runs 5]

Each import runs in a fresh process, alternating between the imports. The first table has the
minimum of the runs, in seconds of wall time and of CPU time; on a busy machine compare the CPU
time. The second table lists the packages that take the most time, as ``python -X importtime``
reports it: wall seconds in the modules of each package itself.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections import defaultdict

EXPLORER = "import tsne_widget; tsne_widget.EmbeddingExplorer"
IMPORTS = {
    "torch": "import torch",
    "torch, tsne_widget.EmbeddingExplorer": f"import torch; {EXPLORER}",
    "tsne_widget.EmbeddingExplorer": EXPLORER,
}
PACKAGES = 12
OURS = "tsne_widget"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    times: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for _ in range(runs):
        for name, statement in IMPORTS.items():
            times[name].append(import_seconds(statement))
    best = {name: [min(column) for column in zip(*times[name], strict=True)] for name in IMPORTS}
    torch, both, _ = best.values()
    best["the explorer over torch"] = [b - a for a, b in zip(torch, both, strict=True)]
    print(f"| import, minimum of {runs} runs | wall, s | CPU, s |\n|---|---|---|")
    for name, (wall, cpu) in best.items():
        print(f"| {name} | {wall:.2f} | {cpu:.2f} |")
    print("\n| package besides torch | s |\n|---|---|")
    for package, seconds in heaviest(EXPLORER):
        print(f"| {package} | {seconds:.3f} |")


def import_seconds(statement: str) -> tuple[float, float]:
    """Wall and CPU seconds that a statement takes in a fresh process."""
    code = (
        "import time; start = time.perf_counter(), time.process_time();"
        f"{statement}; print(time.perf_counter() - start[0], time.process_time() - start[1])"
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
