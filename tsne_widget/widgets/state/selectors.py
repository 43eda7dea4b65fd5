"""Rows for the arguments of ``select()``: words, masks, frames, functions, queries, searches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._validation import as_row_set
from tsne_widget.analysis import FINDER_NAMES, finder_rows, matching_rows
from tsne_widget.errors import InvalidInputError
from tsne_widget.widgets.state.explorer_state import ExplorerState
from tsne_widget.widgets.state.named_selections import WORDS

if TYPE_CHECKING:
    import pandas as pd

Rows = NDArray[np.int64]


def chosen_rows(
    state: ExplorerState,
    frame: Callable[[], pd.DataFrame],
    rows: Any = None,
    *,
    ids: ArrayLike | None = None,
    label: str | int | Sequence[str | int] | None = None,
    prediction: str | int | Sequence[str | int] | None = None,
    query: str | None = None,
    text: str | None = None,
    neighbors_of: int | None = None,
    k: int = 15,
) -> Rows | NDArray[np.bool_]:
    """Rows, or a mask, for the arguments of :meth:`EmbeddingExplorer.select`.

    Parameters
    ----------
    frame : callable
        Returns the frame of all rows; called only when needed.

    Raises
    ------
    InvalidInputError
        If not exactly one criterion is given, or it is invalid.
    """
    given = {
        "rows": rows,
        "ids": ids,
        "label or prediction": prediction if label is None else label,
        "query": query,
        "text": text,
        "neighbors_of": neighbors_of,
    }
    present = [name for name, value in given.items() if value is not None]
    if len(present) != 1:
        raise InvalidInputError(
            f"select() takes one of {', '.join(given)}, got {', '.join(present) or 'none'}; "
            'to combine two, call it again with mode="add" or "intersect"'
        )
    if ids is not None:
        return rows_of_ids(state, ids)
    if query is not None:
        return _rows_of_query(state, query, frame())
    if text is not None:
        return matching_rows(state.feature_set, text)
    if neighbors_of is not None:
        return _rows_near(state, neighbors_of, k)
    if rows is None:
        return _rows_of_classes(state, label, prediction)
    if isinstance(rows, str) and rows == "misclassified":
        return state.feature_set.misclassified & state.visible_rows
    return rows_of(state, rows, frame)


def rows_of_word(state: ExplorerState, word: str) -> Rows:
    """Rows of "selected", "visible", "misclassified", "all", a finder or a named selection.

    Raises
    ------
    InvalidInputError
        For any other word.
    """
    if not isinstance(word, str):
        raise InvalidInputError(
            f"which must be one of {', '.join(map(repr, WORDS))} or the name of a selection, "
            f"got {type(word).__name__}; select() takes rows"
        )
    if word == "selected":
        selected: Rows = state.selected
        return selected
    if word == "visible":
        return np.flatnonzero(state.visible_rows)
    if word == "misclassified":
        return np.flatnonzero(state.feature_set.misclassified)
    if word == "all":
        return np.arange(len(state.codes))
    if word in FINDER_NAMES:
        return np.sort(finder_rows(word, state.scores, state.visible_rows))
    if word in state.words:
        return state.words[word]()
    if word in state.selections:
        named_rows: Rows = state.selections[word]
        return named_rows
    named = ", ".join(map(repr, state.selections)) or "none yet"
    raise InvalidInputError(
        f"there is no selection {word!r}: the words are {', '.join([*WORDS, *state.words])}, the "
        f"named selections {named}; a class is label={word!r}, a condition query={word!r}, "
        f"a search text={word!r}"
    )


def rows_of(state: ExplorerState, given: Any, frame: Callable[[], pd.DataFrame]) -> Rows:
    """Rows for the first argument of ``select()``.

    Parameters
    ----------
    given : str, rows, mask, DataFrame, Index, Series or callable
        See :meth:`EmbeddingExplorer.select`.
    frame : callable
        Returns the frame of all rows, for a callable.

    Raises
    ------
    InvalidInputError
        If it is none of these, or does not match this record.
    """
    import pandas as pd

    if isinstance(given, str):
        return rows_of_word(state, given)
    if isinstance(given, (pd.DataFrame, pd.Index, pd.Series)):
        return _rows_of_pandas(state, given)
    if callable(given):
        answer = given(frame())
        if callable(answer) or answer is None:
            raise InvalidInputError(
                f"the function given to select() returned {type(answer).__name__}; "
                "it must return a mask, rows or a part of the frame"
            )
        return rows_of(state, answer, frame)
    return as_row_set("rows", given, len(state.codes))


def rows_of_ids(state: ExplorerState, ids: ArrayLike) -> Rows:
    """Rows of samples by their index in the user's dataset.

    Raises
    ------
    InvalidInputError
        If ids are not integers, or some are not in the record.
    """
    wanted = np.asarray(ids)
    if wanted.size == 0:
        return np.empty(0, dtype=np.int64)
    if wanted.dtype.kind not in "iu" or wanted.ndim > 1:
        raise InvalidInputError(
            f"ids must be a 1-d array of integers, got {wanted.dtype} of shape {wanted.shape}"
        )
    wanted = wanted.reshape(-1)
    known = state.feature_set.ids
    order = np.argsort(known, kind="stable")
    place = np.minimum(np.searchsorted(known, wanted, sorter=order), len(known) - 1)
    rows: Rows = order[place]
    missing = wanted[known[rows] != wanted]
    if len(missing):
        left_out = {sample.id for sample in state.feature_set.skipped}
        why = ", which was skipped" if int(missing[0]) in left_out else ""
        raise InvalidInputError(
            f"{len(missing):,} of {len(wanted):,} ids are not in this record, "
            f"the first is {missing[0]}{why}; pass row numbers as select(rows)"
        )
    return rows


def _rows_of_query(state: ExplorerState, query: str, frame: pd.DataFrame) -> Rows:
    """Rows of the whole frame for which a pandas expression is true.

    The expression is the user's own code. It sees only the frame, so ``@`` finds nothing.
    """
    import pandas as pd

    if not isinstance(query, str):
        raise InvalidInputError(f"query must be text, got {type(query).__name__}")
    try:
        # "python": numexpr may be missing, and has no text methods
        holds = frame.eval(query, engine="python", local_dict={}, global_dict={})
    except Exception as error:  # the expression may raise anything
        hint = (
            "a query cannot use your variables; pass a function: "
            "select(lambda frame: frame.query(…))"
            if "@" in query
            else f"the columns are {', '.join(map(str, frame.columns[:40]))}"
        )
        raise InvalidInputError(f"query {query!r} failed: {error}; {hint}") from error
    if not isinstance(holds, pd.Series) or not pd.api.types.is_bool_dtype(holds.dtype):
        kind = holds.dtype if isinstance(holds, pd.Series) else type(holds).__name__
        raise InvalidInputError(
            f"query {query!r} is {kind}, not a condition; compare a column, for example "
            "confidence < 0.5"
        )
    return _rows_of_pandas(state, holds)


def _rows_of_classes(
    state: ExplorerState,
    label: str | int | Sequence[str | int] | None,
    prediction: str | int | Sequence[str | int] | None,
) -> NDArray[np.bool_]:
    """(n,) bool: the sample has one of the labels and one of the predictions."""
    record = state.feature_set
    chosen = np.ones(len(record), dtype=bool)
    for word, names, codes in (
        ("label", label, record.labels),
        ("prediction", prediction, record.predictions),
    ):
        if names is None:
            continue
        if codes is None:
            raise InvalidInputError(f"{word}={names!r} requires {word}s; this record has none")
        wanted = np.array(state.class_codes(names), dtype=np.int64)
        wanted[wanted >= state.known] = -1  # unknown
        chosen &= np.isin(codes, wanted)
    return chosen


def _rows_near(state: ExplorerState, row: int, k: int) -> Rows:
    """A row and its k nearest rows in feature space."""
    n = len(state.codes)
    for name, value, low, high in (("neighbors_of", row, 0, n - 1), ("k", k, 1, n - 1)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
            raise InvalidInputError(f"{name} must be an integer, got {value!r}")
        if not low <= value <= high:
            raise InvalidInputError(f"{name}={value} must be {low} … {high}")
    return np.append(state.scores.index.nearest_to(int(row), int(k))[0], row)


def _rows_of_pandas(state: ExplorerState, given: pd.DataFrame | pd.Index | pd.Series) -> Rows:
    """Rows for a part of the frame, its index, or a mask over it."""
    import pandas as pd

    n = len(state.codes)
    if isinstance(given, pd.Series):
        is_mask = pd.api.types.is_bool_dtype(given.dtype)
        if is_mask and given.index.name == "id":
            return rows_of_ids(state, given.index[given.fillna(False).to_numpy(dtype=bool)])
        if is_mask:
            return as_row_set("rows", given.fillna(False).to_numpy(dtype=bool), n)
        if given.name == "id":
            return rows_of_ids(state, given.to_numpy())
        raise InvalidInputError(
            f"column {given.name!r} is not boolean; compare it (frame[{given.name!r}] > 0.5), or "
            "pass series.to_numpy() for rows"
        )
    if isinstance(given, pd.Index):
        if given.name == "id":
            return rows_of_ids(state, given)
        raise InvalidInputError(
            f"an Index must be named 'id', as the index of to_dataframe(), got {given.name!r}; "
            "pass select(ids=index) for ids, or index.to_numpy() for rows"
        )
    if given.index.name == "id":
        return rows_of_ids(state, given.index)
    if "id" in given.columns:
        return rows_of_ids(state, given["id"].to_numpy())
    raise InvalidInputError(
        "a frame must have the samples' ids, as its index or as a column named 'id'; pass "
        "select(ids=…) for ids, or frame.index.to_numpy() for rows"
    )
