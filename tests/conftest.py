"""Settings of every test."""

from __future__ import annotations

import os
import re
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


# These tests stay in one process, because they share a cluster.
CLUSTER = "tests/cluster/"
BROWSER = "tests/browser/"
NO_BROWSER = "tests without a browser"  # one process runs them beside those with a browser
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
FAST = " and ".join(f"not {name}" for name in MARKS)
ALL_SLOW = re.compile(rf"^pytestmark = \[?\s*pytest\.mark\.({'|'.join(MARKS)})\b", re.MULTILINE)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not import files that have no test to run: Ray and Playwright take seconds."""
    if config.option.markexpr not in (SLOW, FAST) or not collection_path.match("test_*.py"):
        return None
    text = collection_path.read_text("utf-8")
    if config.option.markexpr == FAST:
        return True if ALL_SLOW.search(text) else None
    return None if any(f"mark.{name}" in text for name in MARKS) else True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run browser tests last: Playwright keeps an event loop running on the main thread."""

    def order(item: pytest.Item) -> tuple[bool, int]:
        places = [i for i, start in enumerate(LONGEST) if item.nodeid.startswith(start)]
        return item.get_closest_marker("browser") is not None, min(places, default=len(LONGEST))

    items.sort(key=order)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One process per core, and one for the tests without a browser: the cluster's mostly wait."""
    return (os.cpu_count() or 1) + (config.option.markexpr == SLOW)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Send the tests of a file, of the cluster, or all without a browser, to one process."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduler(LoadFileScheduling):  # type: ignore[misc]
        has_extra = False  # a process that no core is left for

        def schedule(self) -> None:
            if self.collection is None:
                self.has_extra = len(self.nodes) > (os.cpu_count() or 1)
            super().schedule()

        def _split_scope(self, nodeid: str) -> str:
            if self.has_extra and not nodeid.startswith(BROWSER):
                return NO_BROWSER
            return CLUSTER if nodeid.startswith(CLUSTER) else super()._split_scope(nodeid)

        def _reschedule(self, node: Any) -> None:
            if NO_BROWSER in self.assigned_work[node]:
                node.shutdown()  # after the tests that it has: never a third browser
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
