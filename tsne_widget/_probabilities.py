"""Outputs of a classifier as logits: probabilities are recognised and become logarithms."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tsne_widget._validation import row_blocks
from tsne_widget.errors import InvalidInputError

# "auto": not known yet.
Activation = Literal["auto", "softmax", "sigmoid"]
# Tolerance of the sum of a row of probabilities: rounding of half precision.
SUM_TOLERANCE = 5e-3
# Tolerance for probabilities with two decimals, of which each is up to 0.005 wrong.
DECIMALS_TOLERANCE = 0.1
# Lower bound of probabilities, so that their logarithms are finite.
SMALLEST = 1e-30
# Logits of fewer rows can be within 0 … 1 by chance.
MIN_SIGMOID_ROWS = 10

_BLOCK_BYTES = 64 * 2**20


class Outputs(NamedTuple):
    """Logits, and the function that makes them probabilities."""

    logits: NDArray[np.float32] | None
    """(n, c); None if there are none."""
    activation: Activation
    """"softmax" or "sigmoid"."""
    note: str = ""
    """What is doubtful; "" for nothing."""


def outputs_as_logits(values: NDArray[np.float32]) -> Outputs:
    """Logits or probabilities, whichever they are, as logits.

    Rows within 0 … 1 that sum to 1 are probabilities, and so is a single column within 0 … 1.
    Several columns within 0 … 1 that do not sum to 1 are likely the outputs of sigmoids.

    Parameters
    ----------
    values : (n, c) float32 array, finite
    """
    if not _within_unit(values):
        percent = values.shape[1] > 1 and _sums_to(values, 100)
        return (
            Outputs(_logarithms((values / 100).astype(np.float32)), "softmax")
            if percent
            else _as_they_are(values)
        )
    if values.shape[1] == 1:
        return Outputs(_log_odds(values), "softmax")
    if _sums_to(values, 1):
        return Outputs(_logarithms(values), "softmax")
    if len(values) < MIN_SIGMOID_ROWS or float(values.max()) <= 0.5:
        return _as_they_are(values)
    return Outputs(
        _log_odds(values),
        "sigmoid",
        "the logits are all within 0 … 1, but their rows do not sum to 1: they are read as the "
        "probabilities of one sigmoid for each class; pass them as probabilities=, or pass "
        "activation='softmax' if they are logits",
    )


def probabilities_as_logits(values: NDArray[np.float32]) -> Outputs:
    """Probabilities as logits: of a softmax if the rows sum to 1, otherwise of sigmoids.

    Parameters
    ----------
    values : (n, c) float32 array, finite
        A single column is the probability of class 1 of two.

    Raises
    ------
    InvalidInputError
        If a value is outside 0 … 1.
    """
    if not _within_unit(values):
        raise InvalidInputError(
            f"probabilities must be 0 … 1, got {values.min():.4g} … {values.max():.4g}; pass raw "
            "outputs as logits=, and divide percentages by 100"
        )
    if values.shape[1] > 1 and _sums_to(values, 1):
        return Outputs(_logarithms(values), "softmax")
    return sigmoids_as_logits(values)


def sigmoids_as_logits(values: NDArray[np.float32]) -> Outputs:
    """The outputs of sigmoids as logits; a single column is the probability of class 1 of two."""
    return Outputs(_log_odds(values), "softmax" if values.shape[1] == 1 else "sigmoid")


def with_two_columns(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """A single logit z of each row as [0, z], whose softmax is the sigmoid of z."""
    return np.hstack([np.zeros_like(logits), logits])


def _as_they_are(values: NDArray[np.float32]) -> Outputs:
    return Outputs(values, "softmax")


def _within_unit(values: NDArray[Any]) -> bool:
    first = values[:1]  # nearly always decides: logits of large arrays are not read twice
    return all(part.min() >= 0 and part.max() <= 1 + SUM_TOLERANCE for part in (first, values))


def _sums_to(values: NDArray[np.float32], total: float) -> bool:
    """Whether all rows sum to a total, up to the rounding of 16 bits or of two decimals."""
    for block in row_blocks(len(values), _BLOCK_BYTES // (8 * values.shape[1])):
        shares = values[block].astype(np.float64) / total
        if shares.min() < 0:
            return False
        error = np.abs(shares.sum(axis=1) - 1).max()
        if error > DECIMALS_TOLERANCE:
            return False
        if error > SUM_TOLERANCE:
            rounded = np.abs(shares - shares.round(2)).max() < 1e-6
            if not rounded or error > shares.shape[1] * 0.005 + 1e-6:
                return False
    return True


def _logarithms(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.log(np.clip(values, np.float32(SMALLEST), np.float32(1)))


def _log_odds(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Logits whose sigmoids are the values."""
    positive = np.clip(values.astype(np.float64), SMALLEST, 1.0)
    negative = np.clip(1.0 - positive, SMALLEST, 1.0)
    return np.log(positive / negative).astype(np.float32)
