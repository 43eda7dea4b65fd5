"""The options of an exported page, and their checks."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._by_index import in_row_order
from tsne_widget._tensors import to_numpy
from tsne_widget.errors import InvalidInputError
from tsne_widget.feature_set import FeatureSet
from tsne_widget.widgets.state.evidence import Evidence
from tsne_widget.widgets.state.known_groups import KnownGroups

# Maximum rows of a page: its file takes about 100 MB with photographs of 48 pixels.
MAX_ROWS = 100_000
# Maximum longest side of the pictures, pixels: no tile is larger.
MAX_THUMBNAIL = 400
# Maximum characters of the title.
MAX_TITLE = 120

_SUFFIXES = (".html", ".htm")


@dataclass(frozen=True, kw_only=True)
class PageOptions:
    """The options of :func:`save_html`, which documents them.

    Attributes
    ----------
    selection_slots : mapping of name to int, optional
        Number of each named selection's colour. Default: their order.
    groups : KnownGroups, optional
        Groups of mistakes, if they are known.
    shortcuts : dict, optional
        See :func:`shared_shortcuts`.
    evidence : Evidence, optional
        Maps of evidence of rows of the feature set.
    class_groups : mapping of name to codes, optional
        Groups of classes of the confusion matrix.
    """

    images: Any = None
    mean: Any = None
    std: Any = None
    rows: ArrayLike | None = None
    title: str = ""
    thumbnail: int = 48
    max_rows: int | None = None
    colors: Mapping[str, str] | Sequence[str] | None = None
    color_by: str | None = None
    visible_classes: Iterable[str] | None = None
    selected: ArrayLike = ()
    selections: Mapping[str, ArrayLike] | None = None
    selection_colors: Mapping[str, str] | None = None
    selection_slots: Mapping[str, int] | None = None
    scores: Mapping[str, ArrayLike] | None = None
    groups: KnownGroups | None = None
    shortcuts: Mapping[str, Any] | None = None
    evidence: Evidence | None = None
    class_groups: Mapping[str, Sequence[int]] | None = None
    whole_paths: bool = False
    progress: bool = True


def check(path: str | os.PathLike[str], feature_set: FeatureSet, options: PageOptions) -> None:
    """Check the types and limits of the arguments.

    Raises
    ------
    InvalidInputError
        If an argument does not fit.
    """
    if not isinstance(feature_set, FeatureSet):
        raise InvalidInputError(
            f"feature_set must be a FeatureSet, got {type(feature_set).__name__}; for arrays use "
            "FeatureSet.from_arrays(features, labels)"
        )
    if not isinstance(path, (str, os.PathLike)):
        raise InvalidInputError(
            f"path must be the path of a file, got {type(path).__name__}; "
            "the order is save_html(feature_set, embedding, path)"
        )
    if Path(path).suffix.lower() not in _SUFFIXES:
        raise InvalidInputError(f"path must end in .html, got {Path(path).name!r}")
    title, thumbnail, max_rows = options.title, options.thumbnail, options.max_rows
    if not isinstance(title, str):
        raise InvalidInputError(f"title must be text, got {type(title).__name__}")
    if not isinstance(thumbnail, Integral) or not 0 <= thumbnail <= MAX_THUMBNAIL:
        raise InvalidInputError(
            f"thumbnail={thumbnail!r} must be 1 … {MAX_THUMBNAIL} pixels, or 0 for no pictures"
        )
    if max_rows is not None and not (isinstance(max_rows, Integral) and 1 <= max_rows <= MAX_ROWS):
        raise InvalidInputError(
            f"max_rows={max_rows!r} must be 1 … {MAX_ROWS:,}; to export other samples pass rows="
        )


def as_score(name: str, values: ArrayLike, ids: NDArray[np.int64]) -> NDArray[Any]:
    """(n,) array of numbers; anything else is an InvalidInputError."""
    n = len(ids)
    score = to_numpy(in_row_order(f"scores[{name!r}]", values, ids))
    if score.shape != (n,) or score.dtype.kind not in "fiub":
        raise InvalidInputError(
            f"scores[{name!r}] must be an array of numbers of shape ({n},), one per sample, "
            f"got shape {score.shape} and dtype {score.dtype}"
        )
    return score


def hidden_codes(names: Sequence[str], visible: Iterable[str] | None) -> list[int]:
    """Codes of the hidden classes; ``len(names)`` is the code of unknown labels.

    Unknown labels are called "unknown" or, if a class has that name, "unknown label". Without
    classes, all samples have the code 0.
    """
    if visible is None:
        return []
    kept = {visible} if isinstance(visible, str) else set(visible)
    unknown = {"unknown label"} if "unknown" in names else {"unknown", "unknown label"}
    unknown |= set() if names else {"all samples"}
    missing = sorted(kept - {*names} - unknown)
    if missing:
        known = ", ".join(names[:10])
        raise InvalidInputError(f"there is no class {missing[0]!r}; available: {known}")
    codes = [code for code, name in enumerate(names) if name not in kept]
    return codes if kept & unknown else [*codes, len(names)]


def color_choice(name: str | None, content: Mapping[str, Any]) -> str:
    """The initial colouring: the one asked for, or the classes; "" without classes."""
    has = {choice: bool(content[f"{choice}s"]) for choice in ("label", "prediction", "selection")}
    has["correct"] = has["label"] and has["prediction"]
    possible = [choice for choice, is_there in has.items() if is_there]
    possible += [score["name"] for score in content["scores"]]
    if name is not None and name not in possible:
        raise InvalidInputError(
            f"color_by={name!r} is not in the page; possible here: {', '.join(possible) or 'none'}"
        )
    return name or ("label" if has["label"] else "prediction" if has["prediction"] else "")
