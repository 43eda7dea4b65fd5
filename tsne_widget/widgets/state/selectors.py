"""Rows for the arguments of ``select()``: words, masks, frames, functions, queries, searches."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._by_index import is_pandas, rows_by_index, rows_of_ids
from tsne_widget._validation import as_row_set, did_you_mean
from tsne_widget.analysis import FINDER_NAMES, finder_rows, matching_rows
from tsne_widget.analysis.distances import check_metric, distances_from
from tsne_widget.analysis.scores import SCORES
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
    metric: str = "euclidean",
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
        record = state.feature_set
        return rows_of_ids(ids, record.ids, (sample.id for sample in record.skipped))
    if query is not None:
        _compute_named(state, query)
        return _rows_of_query(state, query, frame())
    if text is not None:
        return matching_rows(state.feature_set, text)
    if neighbors_of is not None:
        return _rows_near(state, neighbors_of, k, metric)
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
        return finder_rows(word, state.scores, state.visible_rows)
    if word in state.words:
        return state.words[word]()
    if word in state.selections:
        named_rows: Rows = state.selections[word]
        return named_rows
    words = [*WORDS, *state.words]
    named = f", and the named selections {_quoted(state.selections)}" if state.selections else ""
    near = did_you_mean(word, [*words, *state.selections])
    raise InvalidInputError(
        f"there is no selection {word!r}{near or f': the words are {_quoted(words)}{named}'}; a "
        f"class is label={word!r}, a condition query={word!r}, a search text={word!r}"
    )


def _quoted(words: Iterable[str]) -> str:
    return ", ".join(map(repr, words))


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
    if isinstance(given, str):
        return rows_of_word(state, given)
    if is_pandas(given):
        record = state.feature_set
        skipped = (sample.id for sample in record.skipped)
        return np.unique(rows_by_index("rows", given, record.ids, skipped))
    if callable(given):
        answer = given(frame())
        if callable(answer) or answer is None:
            raise InvalidInputError(
                f"the function given to select() returned {type(answer).__name__}; "
                "it must return a mask, rows or a part of the frame"
            )
        return rows_of(state, answer, frame)
    return as_row_set("rows", given, len(state.codes))


def _compute_named(state: ExplorerState, query: object) -> None:
    """Compute the scores that a query names, so that the frame has their columns."""
    if not isinstance(query, str):
        return
    for name in SCORES:
        if re.search(rf"\b{name}\b", query) and not state.scores.lacks(name):
            state.scores[name]


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
            "; a query cannot use your variables; pass a function: "
            "select(lambda frame: frame.query(…))"
            if "@" in query
            else _near_column(error, frame)
            or f"; the columns are {', '.join(map(str, frame.columns[:40]))}"
        )
        raise InvalidInputError(f"query {query!r} failed: {error}{hint}") from error
    if not isinstance(holds, pd.Series) or not pd.api.types.is_bool_dtype(holds.dtype):
        kind = holds.dtype if isinstance(holds, pd.Series) else type(holds).__name__
        raise InvalidInputError(
            f"query {query!r} is {kind}, not a condition; compare a column, for example "
            "confidence < 0.5"
        )
    return rows_by_index("query", holds, state.feature_set.ids)


def _near_column(error: Exception, frame: pd.DataFrame) -> str:
    """The column or score that a query means by a name which pandas does not know; or ""."""
    unknown = re.fullmatch(r"name '(.+)' is not defined", str(error))
    return did_you_mean(unknown[1], [*map(str, frame.columns), *SCORES]) if unknown else ""


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
        wanted = np.array(state.classes.codes_of(names), dtype=np.int64)
        wanted[wanted >= state.known] = -1  # unknown
        chosen &= np.isin(codes, wanted)
    return chosen


def _rows_near(state: ExplorerState, row: int, k: int, metric: str) -> Rows:
    """A row and its k nearest rows in feature space."""
    n = len(state.codes)
    check_within("neighbors_of", row, 0, n - 1)
    check_within("k", k, 1, n - 1)
    check_metric(metric)
    if metric == "euclidean":
        return np.append(state.scores.index.nearest_to(int(row), int(k))[0], row)
    features = state.feature_set.features
    distances = distances_from(features, features[row], metric)
    distances[row] = -1  # first, also among equal ones
    return np.argsort(distances, kind="stable")[: int(k) + 1]


def check_within(name: str, value: object, low: int, high: int) -> None:
    """Raise InvalidInputError unless a value is a whole number low … high."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise InvalidInputError(f"{name} must be an integer, got {value!r}")
    if not low <= value <= high:
        raise InvalidInputError(f"{name}={value} must be {low} … {high}")
