"""The maps of evidence of an exploration as arrays and plain data, and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsne_widget.errors import InvalidInputError
from tsne_widget.widgets.state.evidence import TARGETS, CoverTest, Evidence, cover_values

# Most places along a side of a map.
_MOST_PLACES = 1024


def evidence_arrays(known: Evidence) -> tuple[dict[str, NDArray[Any]], list[dict[str, Any]]]:
    """Arrays by the names of their files, and an entry of the manifest for each target."""
    arrays: dict[str, NDArray[Any]] = {}
    entries: list[dict[str, Any]] = []
    for target in TARGETS:
        rows, maps = known.stacked(target)
        if not rows:
            continue
        number = len(entries)
        arrays[f"evidence-{number}-rows"] = np.array(rows, dtype=np.int64)
        arrays[f"evidence-{number}"] = maps
        tests = [[row, cover_values(known.test_of(row, target))] for row in rows
                 if known.is_tested(row, target)]  # fmt: skip
        entries.append({"target": target, "tests": tests})
    return arrays, entries


def restored_evidence(
    known: Evidence, entries: Any, array: Callable[[str], NDArray[Any]], n: int
) -> None:
    """Keep what :func:`evidence_arrays` wrote for the same samples.

    Raises
    ------
    InvalidInputError
        If the files do not fit each other.
    """
    for number, entry in enumerate(entries):
        rows, maps = array(f"evidence-{number}-rows"), array(f"evidence-{number}")
        fits = maps.ndim == 3 and maps.dtype == np.float32 and rows.shape == (len(maps),)
        fits = fits and rows.dtype == np.int64 and max(maps.shape[1:]) <= _MOST_PLACES
        if not fits or entry["target"] not in TARGETS:
            raise InvalidInputError(
                f"evidence {number} has maps of {maps.dtype} and shape {maps.shape}"
            )
        if rows.size and not 0 <= rows.min() <= rows.max() < n:
            raise InvalidInputError(f"evidence {number} is of rows that do not exist")
        tests = {int(row): _test(values) for row, values in entry["tests"]}
        known.keep(entry["target"], rows.tolist(), list(maps), tests)


def _test(values: Any) -> CoverTest | None:
    if values is None:
        return None
    holds, (whole, elsewhere, without), others = values
    shares = (float(whole), float(elsewhere), float(without))
    return CoverTest(bool(holds), shares, {int(code): int(count) for code, count in others})
