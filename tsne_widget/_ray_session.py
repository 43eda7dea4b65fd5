"""A connection to a Ray cluster: the caller's cluster, or a temporary one on this machine."""

from __future__ import annotations

import importlib.util
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tsne_widget._validation import did_you_mean
from tsne_widget.errors import InvalidInputError

EXECUTORS = ("local", "ray")
# How often a dead worker is replaced and its work repeated. After that, the work is the cause.
RETRIES = 3


def check_executor(executor: Any) -> None:
    """Raise InvalidInputError unless ``executor`` is "local", or "ray" with ray installed."""
    if executor not in EXECUTORS:
        near = did_you_mean(str(executor).lower(), EXECUTORS, cutoff=0.4)
        raise InvalidInputError(f"executor={executor!r} must be 'local' or 'ray'{near}")
    if executor == "ray" and importlib.util.find_spec("ray") is None:
        raise InvalidInputError("executor='ray' requires ray: pip install \"tsne-widget[ray]\"")


@contextmanager
def ray_session() -> Iterator[Any]:
    """The module ``ray``, connected to a cluster.

    Without a previous ``ray.init``, this joins the cluster at ``RAY_ADDRESS``, or else starts one
    on this machine, without dashboard and usage statistics. It disconnects at the end.
    """
    import ray

    ours = not ray.is_initialized()
    if ours:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing goes to the network
        address = os.environ.get("RAY_ADDRESS", "local")
        ray.init(address, include_dashboard=False, logging_level=logging.WARNING)
    try:
        yield ray
    finally:
        if ours:
            ray.shutdown()


@contextmanager
def quiet(logger: str) -> Iterator[None]:
    """A block in which this logger emits only warnings and errors."""
    level = logging.getLogger(logger).level
    logging.getLogger(logger).setLevel(logging.WARNING)
    try:
        yield
    finally:
        logging.getLogger(logger).setLevel(level)
