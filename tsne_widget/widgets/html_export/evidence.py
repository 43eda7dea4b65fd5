"""The maps of evidence of an exported page as plain data."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsne_widget.widgets.html_export.record import packed, places_of
from tsne_widget.widgets.state.evidence import TARGETS, Evidence, cover_values


def shared_evidence(known: Evidence, rows: NDArray[np.int64], n: int) -> dict[str, Any]:
    """The known maps of the exported rows, by target, for ``page/record.js``.

    Parameters
    ----------
    known : Evidence
    rows : (m,) int64 array
        Row i of the page is ``rows[i]``.
    n : int
        Rows of the feature set.
    """
    place = places_of(rows, n)
    found: dict[str, Any] = {}
    for target in TARGETS:
        having, maps = known.stacked(target)
        kept = [k for k, row in enumerate(having) if place[row] >= 0]
        if not kept:
            continue
        found[target] = {
            "height": maps.shape[1],
            "width": maps.shape[2],
            "rows": packed(place[[having[k] for k in kept]].astype(np.uint32)),
            "values": packed(maps[kept]),
            "tests": [
                [int(place[having[k]]), cover_values(known.test_of(having[k], target))]
                for k in kept
                if known.is_tested(having[k], target)
            ],
        }
    return found
