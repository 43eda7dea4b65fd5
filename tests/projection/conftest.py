from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits


@pytest.fixture(scope="session")
def digits() -> np.ndarray:
    """(600, 64) float32, 0 … 16."""
    return load_digits().data[:600].astype(np.float32)


@pytest.fixture(scope="session")
def all_digits() -> np.ndarray:
    """(1797, 64) float32, 0 … 16."""
    return load_digits().data.astype(np.float32)
