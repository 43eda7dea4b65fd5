"""Contrasts and shortcuts of one exploration, as frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tsne_widget.analysis import contrast, contrast_frame, shortcuts, shortcuts_frame
from tsne_widget.analysis.contrast import Contrast
from tsne_widget.analysis.properties import all_properties, measure_pictures, picture_properties
from tsne_widget.errors import InvalidInputError
from tsne_widget.widgets.state.explorer_state import ExplorerState

if TYPE_CHECKING:
    import pandas as pd


def strata_of(state: ExplorerState) -> tuple[str, NDArray[np.int64] | None]:
    """Within what samples are compared: labels, predictions if there are none, or nothing."""
    record = state.feature_set
    for name, codes in (("label", record.labels), ("prediction", record.predictions)):
        if codes is not None:
            return name, codes
    return "", None


def contrast_of(
    state: ExplorerState, rows: NDArray[np.int64], against: NDArray[np.int64], *, within: bool
) -> pd.DataFrame:
    """The frame of :meth:`EmbeddingExplorer.contrast`.

    Parameters
    ----------
    rows, against : (m,) int64 arrays
    within : bool
        Whether samples of the same label are compared.
    """
    if not len(rows):
        raise InvalidInputError("rows has no samples; select some, or pass rows=")
    stratum, strata = strata_of(state) if within else ("", None)
    measure_pictures(state.scores)
    properties = all_properties(state.scores)
    columns = {name: kept.values for name, kept in properties.items() if name != stratum}
    found = contrast(columns, rows, against, strata=strata)
    if stratum:
        found.append(Contrast(stratum, lacking=f"compared within samples of the same {stratum}"))
    frame = contrast_frame(found)
    kinds = [properties[one.name].kind for one in found]
    frame.insert(1, "kind", np.array(kinds, dtype=object))
    return frame.astype({"kind": "string"})


def shortcuts_of(state: ExplorerState) -> pd.DataFrame:
    """The frame of :meth:`EmbeddingExplorer.shortcuts`."""
    record: Any = state.feature_set
    if record.labels is None:
        raise InvalidInputError("shortcuts() requires labels; this record has none")
    measure_pictures(state.scores)
    columns = picture_properties(state.scores) | state.scores.columns
    return shortcuts_frame(shortcuts(columns, record.labels), record.class_names)
