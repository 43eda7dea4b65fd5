"""Shares as percentages that never claim none or all where it is not so."""

from __future__ import annotations

import math


def percent(share: float) -> str:
    """A share 0 … 1 as a whole percentage; 0 % and 100 % only if it is exact.

    Examples
    --------
    >>> percent(0.254), percent(0.999), percent(math.nan)
    ('25\\u202f%', '99\\u202f%', '–')
    """
    if not math.isfinite(share):
        return "–"
    rounded = round(100 * share)
    return f"{min(99, max(1, rounded)) if 0 < share < 1 else rounded}\u202f%"
