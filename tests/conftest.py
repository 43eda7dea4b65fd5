"""What holds for every test."""

import os
import signal

import pytest

# State that is changed on another thread than the main one is an error, in tests' kernels too.
os.environ["TSNE_WIDGET_DEBUG"] = "1"

# A shell starts what it runs in the background with interrupts ignored, and children inherit that:
# tests that interrupt a process of their own would wait in vain.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests come last: Playwright keeps an event loop running on the main thread."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)
