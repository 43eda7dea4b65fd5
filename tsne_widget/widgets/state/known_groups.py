"""The groups of mistakes of one feature set, and what sets each apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from tsne_widget.analysis import (
    MistakeGroups,
    Scores,
    contrast_caption,
    find_groups,
    groups_frame,
)
from tsne_widget.analysis.properties import picture_properties
from tsne_widget.errors import InvalidInputError
from tsne_widget.feature_set import FeatureSet

if TYPE_CHECKING:
    import pandas as pd

# Groups that are listed and described.
MAX_GROUPS = 50


class KnownGroups(NamedTuple):
    """The groups of one feature set, and what sets each apart in a few words."""

    found: MistakeGroups
    captions: tuple[str, ...]


def known_groups(
    scores: Scores, progress: Callable[[float], None] = lambda _share: None
) -> KnownGroups:
    """Find and describe the groups; progress as in :func:`find_groups`.

    Raises
    ------
    InvalidInputError
        If labels or predictions are missing.
    """
    record = scores.feature_set
    missing = [name for name in ("labels", "predictions") if getattr(record, name) is None]
    if record.labels is None or record.predictions is None:
        raise InvalidInputError(
            f"groups of mistakes require {' and '.join(missing)}; this record has none"
        )
    found = find_groups(
        record.features,
        record.labels,
        record.predictions,
        logits=record.logits,
        progress=progress,
    )
    columns = picture_properties(scores) | scores.columns
    captions = []
    for group in found.groups[:MAX_GROUPS]:
        progress(1.0)
        captions.append(contrast_caption(columns, group.rows, strata=record.labels))
    captions += [""] * (len(found.groups) - len(captions))
    return KnownGroups(found, tuple(captions))


def frame_of(known: KnownGroups, record: FeatureSet) -> pd.DataFrame:
    """The frame of :meth:`EmbeddingExplorer.mistake_groups`."""
    frame = groups_frame(known.found, record.ids, record.class_names)
    frame["difference"] = list(known.captions)
    return frame
