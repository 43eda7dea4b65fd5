"""Shares as percentages that never claim none or all where it is not so."""

from __future__ import annotations

import math


def percent(share: float, digits: int = 0) -> str:
    """A share 0 … 1 as a percentage; 0 % and 100 % only if it is exact.

    Parameters
    ----------
    share : float
    digits : int
        Digits after the decimal point.

    Examples
    --------
    >>> percent(0.254), percent(0.999), percent(0.00001, 1), percent(math.nan)
    ('25\\u202f%', '99\\u202f%', '0.1\\u202f%', '–')
    """
    if not math.isfinite(share):
        return "–"
    unit = 10.0**-digits
    least, most = (unit, 100 - unit) if 0 < share < 1 else (0, 100)
    return f"{min(most, max(least, 100 * share)):.{digits}f}\u202f%"
