"""Settings of every test."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

# A busy machine must not fail an example that takes longer than another.
hypothesis.settings.register_profile(
    "tests",
    hypothesis.settings.default,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("tests")

# A state change on a thread other than the main one is an error, also in the tests' kernels.
os.environ["TSNE_WIDGET_DEBUG"] = "1"

# Tests run in one process per core, so more threads per process would only wait for each other.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# A shell starts background jobs with interrupts ignored, and their children inherit that. Some
# tests interrupt their own process.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


# Tests of these paths stay in one process, because they share a cluster, a server or an archive.
TOGETHER = {"tests/cluster/"}
# Files that take longest start first, so that no process works alone at the end.
LONGEST = (
    "tests/cluster/",
    "tests/faults/test_projection_faults.py",
    "tests/faults/test_leaks.py",
    "tests/browser/test_load.py",
    "tests/browser/test_kernel_faults.py",
    "tests/browser/test_voila.py",
    "tests/browser/test_repeated_cells.py",
    "tests/browser/test_map.py",
    "tests/browser/test_site.py",
    "tests/browser/test_gallery.py",
    "tests/browser/test_quickstart.py",
    "tests/browser/test_confusion.py",
    "tests/browser/test_shared_page.py",
)
MARKS = ("browser", "slow")
SLOW = " or ".join(MARKS)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not import files without a mark when only tests with a mark run."""
    if config.option.markexpr != SLOW or not collection_path.match("test_*.py"):
        return None
    text = collection_path.read_text("utf-8")
    return None if any(f"mark.{name}" in text for name in MARKS) else True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run browser tests last: Playwright keeps an event loop running on the main thread."""

    def order(item: pytest.Item) -> tuple[bool, int]:
        places = [i for i, start in enumerate(LONGEST) if item.nodeid.startswith(start)]
        return item.get_closest_marker("browser") is not None, min(places, default=len(LONGEST))

    items.sort(key=order)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One process per core, and one for the cluster, whose tests mostly wait."""
    return (os.cpu_count() or 1) + (config.option.markexpr == SLOW)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Send the tests of a file, or of a folder that stays together, to one process."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduler(LoadFileScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            folder = next((one for one in TOGETHER if nodeid.startswith(one)), None)
            return folder or super()._split_scope(nodeid)

        def _reschedule(self, node: Any) -> None:
            is_extra = len(self.nodes) > (os.cpu_count() or 1)
            if is_extra and not TOGETHER.isdisjoint(self.assigned_work[node]):
                node.shutdown()  # after the tests that it has
            else:
                super()._reschedule(node)

    return Scheduler(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Escape lone surrogates in captured text: pytest-xdist cannot send them to its parent."""
    report = yield
    report.sections = [
        (name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections
    ]
    return report
