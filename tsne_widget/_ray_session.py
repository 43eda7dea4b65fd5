"""A Ray cluster to compute on: the caller's, or one of this machine that ends with the work."""

from __future__ import annotations

import importlib.util
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any

from tsne_widget.errors import InvalidInputError

EXECUTORS = ("local", "ray")
# A worker that dies is replaced, and its work repeated, so many times: then the work is at fault.
RETRIES = 3


def check_executor(executor: Any) -> None:
    """Raise InvalidInputError unless ``executor`` is "local", or "ray" with ray installed."""
    if executor not in EXECUTORS:
        near = get_close_matches(str(executor).lower(), EXECUTORS, n=1, cutoff=0.4)
        meant = f"; did you mean {near[0]!r}?" if near else ""
        raise InvalidInputError(f"executor={executor!r} must be 'local' or 'ray'{meant}")
    if executor == "ray" and importlib.util.find_spec("ray") is None:
        raise InvalidInputError("executor='ray' needs ray: pip install \"tsne-widget[ray]\"")


@contextmanager
def ray_session() -> Iterator[Any]:
    """The module ``ray``, connected.

    If nobody has called ``ray.init``, that of ``RAY_ADDRESS`` is joined, or a cluster of this
    machine started, without dashboard and usage statistics; it is left again at the end.
    """
    import ray

    ours = not ray.is_initialized()
    if ours:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing goes to the network
        where = os.environ.get("RAY_ADDRESS", "local")
        ray.init(where, include_dashboard=False, logging_level=logging.WARNING)
    try:
        yield ray
    finally:
        if ours:
            ray.shutdown()


@contextmanager
def quiet(logger: str) -> Iterator[None]:
    """While it lasts, only warnings of this logger are shown."""
    level = logging.getLogger(logger).level
    logging.getLogger(logger).setLevel(logging.WARNING)
    try:
        yield
    finally:
        logging.getLogger(logger).setLevel(level)
