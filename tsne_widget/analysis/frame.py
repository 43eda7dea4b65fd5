"""Samples as a pandas DataFrame: one row each, with columns and dtypes that never change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._validation import as_embedding, as_rows
from tsne_widget.analysis.scores import SCORES, cheap_scores
from tsne_widget.errors import InvalidInputError
from tsne_widget.feature_set import FeatureSet

if TYPE_CHECKING:
    import pandas as pd

# Scores whose columns follow the prediction that they describe; the others come after the map's.
BESIDE_PREDICTION = ("confidence", "margin")


def sample_frame(
    feature_set: FeatureSet,
    rows: ArrayLike,
    embedding: ArrayLike | None = None,
    selections: Mapping[str, ArrayLike] | None = None,
    features: bool = False,
    *,
    scores: Mapping[str, ArrayLike | None] | None = None,
    columns: Mapping[str, ArrayLike] | None = None,
) -> pd.DataFrame:
    """What is known about some samples, as a DataFrame indexed by their ids.

    Parameters
    ----------
    feature_set : FeatureSet
        Has n samples.
    rows : (m,) array of int, or (n,) array of bool
        Rows 0 … n − 1 of the feature set, in the order of the frame. These and all other pandas
        objects are read by their index of ids.
    embedding : (n, 2) array of float, optional
        Coordinates on the map.
    selections : mapping of name to rows, optional
        Named selections; a sample in several of them gets all names, joined by ", ".
    features : bool
        Whether to append the features as columns f0 … f{d − 1}.
    scores : mapping of name to (n,) array of numbers or None, optional
        Score columns; None is a column of NaN. Default: the cheap scores of :data:`SCORES`, which
        are computed here for the rows. "confidence" and "margin" are always columns.
    columns : mapping of name to (n,) array, optional
        Your own columns of any type, after the scores.

    Returns
    -------
    pandas.DataFrame
        Index "id" (int64), the index in the user's dataset, and the columns

        | column | dtype | content |
        |---|---|---|
        | path | string | source file |
        | label, label_name | Int64, string | class code and name |
        | prediction, prediction_name | Int64, string | class code and name |
        | confidence, margin | float32 | see :func:`confidence`, :func:`margin` |
        | misclassified | boolean | whether the prediction differs from the label |
        | x, y | float32 | coordinates on the map |
        | selection | string | names of the selections |
        | other scores | float32, boolean, Int64 | NA for negative integers |
        | columns | boolean, Int64, string, or unchanged | your own |
        | f0 … | float32 | with ``features=True`` |

        in this order. Unknown values are NA (NaN in float32). The dtypes do not depend on the rows.
        Time O(n + m c), memory O(n + m), with features O(m d) more.

    Raises
    ------
    InvalidInputError
        If rows are out of range, an array has another length than the feature set, or two columns
        have the same name.

    Examples
    --------
    >>> import numpy as np
    >>> record = FeatureSet.from_arrays(np.eye(3), ["cat", "dog", "cat"], predictions=[0, 0, 0])
    >>> sample_frame(record, [1]).loc[1, ["label_name", "prediction_name"]].tolist()
    ['dog', 'cat']
    """
    from tsne_widget.analysis import frame_columns as convert

    n, ids = len(feature_set), feature_set.ids
    chosen = as_rows("rows", rows, n, ids)
    xy = None if embedding is None else as_embedding(embedding, n, ids=ids)[chosen]
    names = convert.text([*feature_set.class_names, None])  # code −1 selects the last entry, NA
    labels, predictions = (
        np.full(len(chosen), -1) if codes is None else codes[chosen]
        for codes in (feature_set.labels, feature_set.predictions)
    )
    values = _score_columns(feature_set, chosen, scores)
    table: dict[str, Any] = {
        "path": convert.paths(feature_set.paths, chosen),
        "label": convert.codes(labels),
        "label_name": names.take(labels),
        "prediction": convert.codes(predictions),
        "prediction_name": names.take(predictions),
        **{name: values.pop(name) for name in BESIDE_PREDICTION},
        "misclassified": convert.differs(labels, predictions),
        "x": _nothing(chosen) if xy is None else xy[:, 0],
        "y": _nothing(chosen) if xy is None else xy[:, 1],
        "selection": convert.selection_names(selections or {}, ids, chosen),
    }
    taken = {"id", *table}
    if features:
        taken.update(f"f{number}" for number in range(feature_set.features.shape[1]))
    own = {
        name: convert.column(name, array, ids, chosen) for name, array in (columns or {}).items()
    }
    for kind, added in (("scores", values), ("columns", own)):
        for name, column in added.items():
            if name in taken:
                raise InvalidInputError(f"{kind}: {name!r} is already a column; rename it")
            taken.add(name)
            table[name] = column
    wide = feature_set.features[chosen] if features else None
    return convert.frame(table, ids[chosen], wide)


def _score_columns(
    feature_set: FeatureSet,
    rows: NDArray[np.int64],
    given: Mapping[str, ArrayLike | None] | None,
) -> dict[str, Any]:
    """The given score columns, and the cheap ones that are computed here, by name."""
    from tsne_widget.analysis import frame_columns as convert

    ids = feature_set.ids
    if given is None:
        wanted = [name for name, score in SCORES.items() if score.is_cheap]
    else:
        wanted = list(BESIDE_PREDICTION)
    converted = {
        name: convert.score(name, array, ids, rows) for name, array in (given or {}).items()
    }
    computed = cheap_scores(feature_set, rows, set(wanted) - converted.keys())
    empty = {name: _nothing(rows) for name in wanted}
    return empty | computed | converted


def _nothing(rows: NDArray[np.int64]) -> NDArray[np.float32]:
    return np.full(len(rows), np.nan, dtype=np.float32)
