"""Rows for the text of the search field: a class, an id, a part of a path, or a condition."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import numpy as np

from tsne_widget._text import printable
from tsne_widget.analysis.text_search import Found, found_by_text
from tsne_widget.errors import InvalidInputError
from tsne_widget.widgets.state import selectors
from tsne_widget.widgets.state.explorer_state import ExplorerState

if TYPE_CHECKING:
    import pandas as pd

# What makes a text a condition; the page has the same pattern.
CONDITION = r"[<>]|[=!]=|\bin\s*[\[(]"
# What a condition may consist of. The page is not trusted, and pandas runs any method of a column,
# to_csv() included. Products and powers could fill the memory.
_ALLOWED = (
    ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.Invert, ast.USub,
    ast.BinOp, ast.BitAnd, ast.BitOr, ast.Add, ast.Sub, ast.Div, ast.Compare, ast.Eq, ast.NotEq,
    ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn, ast.Name, ast.Load, ast.Constant,
    ast.List, ast.Tuple,
)  # fmt: skip


def rows_of_search(state: ExplorerState, text: str) -> Found:
    """Rows that a text of the search field finds, and what they have in common.

    A text with a comparison, such as ``confidence < .5 and label_name == 'cat'``, is a condition on
    the columns of the frame; any other is read by :func:`matching_rows`. A condition consists of
    columns, numbers, texts, comparisons, ``in``, ``and``, ``or`` and ``not``; ``select(query=)``
    takes any pandas expression.

    Raises
    ------
    InvalidInputError
        If the text is blank or too long, or the condition cannot be evaluated.
    """
    if not re.search(CONDITION, text) or text.strip() in state.feature_set.class_names:
        return found_by_text(state.feature_set, text)
    rows = selectors.chosen_rows(state, lambda: _frame(state), query=_checked(text.strip()))
    return Found(np.asarray(rows), f"where {printable(text.strip())}")


def _checked(condition: str) -> str:
    """The condition, written anew from its parts, so that pandas reads what was checked.

    Raises
    ------
    InvalidInputError
        For another construct, or a text that does not parse.
    """
    try:
        tree = ast.parse(condition, mode="eval")
    except (SyntaxError, ValueError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        raise InvalidInputError(
            f"the condition does not parse: {reason}; write for example confidence < .5 and "
            "label_name == 'cat'"
        ) from error
    for node in ast.walk(tree):
        if not isinstance(node, _ALLOWED) or "`" in condition:
            raise InvalidInputError(
                f"the search takes comparisons, and, or, not and in, got {condition!r}; "
                "pass other expressions to select(query=)"
            )
    return ast.unparse(tree)


def _frame(state: ExplorerState) -> pd.DataFrame:
    """What is known of all samples now; a map that is being computed is not waited for."""
    from tsne_widget.analysis import sample_frame

    scores = state.scores
    return sample_frame(
        state.feature_set, np.arange(len(state.codes)), state.embedding, state.selections,
        scores=scores.frame_columns(True), columns=scores.columns,
    )  # fmt: skip
