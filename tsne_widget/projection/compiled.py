"""Loops that numba compiles, if it is installed."""

from __future__ import annotations

import importlib
import logging
from functools import lru_cache
from types import ModuleType

logger = logging.getLogger(__name__)


@lru_cache
def loops(name: str) -> ModuleType | None:
    """The module ``name`` of this package, or None if numba is not installed or not usable."""
    try:
        return importlib.import_module(f"tsne_widget.projection.{name}")
    except ModuleNotFoundError as error:
        if error.name != "numba":
            raise
    except (ImportError, RuntimeError) as error:  # incompatible numpy, or no writable cache
        logger.warning("numba is installed but not usable; using torch operations: %s", error)
    return None
