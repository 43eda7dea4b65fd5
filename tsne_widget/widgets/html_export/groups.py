"""The groups of mistakes of an exported page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsne_widget.feature_set import FeatureSet
from tsne_widget.widgets.html_export.record import packed, places_of
from tsne_widget.widgets.models.groups import cards, places, spots, typical
from tsne_widget.widgets.state.known_groups import KnownGroups


def shared_groups(
    known: KnownGroups | None,
    record: FeatureSet,
    rows: NDArray[np.int64],
    embedding: NDArray[np.float32],
    colors: Sequence[str],
) -> dict[str, Any] | None:
    """Plain data of the groups for ``page/groups_model.js``; None if they are not known.

    Parameters
    ----------
    known : KnownGroups or None
    record : FeatureSet
        Has n samples.
    rows : (m,) int64 array
        The exported rows, ascending.
    embedding : (n, 2) float32 array
    colors : sequence of str
        "#rrggbb" of each class.
    """
    if known is None:
        return None
    place = places_of(rows, len(record))

    def exported(some: NDArray[np.int64]) -> dict[str, str]:
        return packed(place[some][place[some] >= 0].astype(np.uint32))

    return {
        "cards": cards(known, record, colors),
        "not_held": known.found.not_held,
        "places": packed(np.frombuffer(places(embedding), np.uint8)),
        "spots": spots(known, embedding),
        "rows": [exported(group.rows) for group in known.found.groups],
        "typical": [exported(some) for some in typical(known)],
    }
