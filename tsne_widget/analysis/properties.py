"""The properties of one record's samples that can set them apart: its scores and columns."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tsne_widget.analysis.score_values import Scores
from tsne_widget.analysis.scores import SCORES

# Inputs that come from the labels or the model. A score that needs none of them is of the picture.
_JUDGED = frozenset(
    {"labels", "predictions", "logits", "features", "neighbors", "embedding", "evidence", "search"}
)
# Scores of the model that the diagnosis compares. The others follow from these, from the label or
# from the prediction.
COMPARED = ("confidence", "label_agreement", "outlier_score")
# Names of hues by the sixth of the circle that they are in the middle of.
HUES = np.array(["red", "yellow", "green", "cyan", "blue", "magenta", None], dtype=object)


class Kept(NamedTuple):
    """A property with where it comes from."""

    values: NDArray[Any]
    """(n,) numbers, truth values or text."""
    kind: str
    """ "picture", "column", "model" (a score), "label" or "prediction"."""


def is_of_picture(name: str) -> bool:
    """Whether a score describes the picture, whatever a model makes of it."""
    return name in SCORES and not _JUDGED & set(SCORES[name].needs)


def is_at_hand(scores: Scores, name: str) -> bool:
    """Whether a score takes no time worth mentioning."""
    if scores.lacks(name):
        return False
    needs = SCORES[name].needs
    is_quick = SCORES[name].is_cheap or ("neighbors" in needs and scores.has_neighbors)
    return is_quick or scores.is_ready(name)


def picture_properties(scores: Scores) -> dict[str, NDArray[Any]]:
    """The properties of the pictures that are measured, by name.

    A hue is the name of a colour, and the number of a group of duplicates whether there is one:
    ranks of such numbers mean nothing.
    """
    found = {name: scores[name] for name in SCORES if is_of_picture(name) and scores.is_ready(name)}
    width = found.get("picture_width")
    for name in found:
        if name == "picture_hue":
            found[name] = hue_names(found[name])
        elif name.endswith("duplicate_group") and width is not None:
            found[name] = np.where(np.isnan(width), np.nan, np.isfinite(found[name]))
    return found


def lacks_pictures(scores: Scores) -> bool:
    """Whether there are pictures whose properties are not measured yet."""
    return any(
        is_of_picture(name) and not scores.lacks(name) and not scores.is_ready(name)
        for name in SCORES
    )


def measure_pictures(scores: Scores) -> None:
    """Measure the pictures, if there are any: about as long as to read them."""
    for name in SCORES:
        if is_of_picture(name) and not scores.lacks(name):
            scores[name]


def compared_properties(scores: Scores) -> dict[str, NDArray[Any]]:
    """What the diagnosis compares: pictures, your columns, and three scores of the model."""
    of_model = {name: scores[name] for name in COMPARED if is_at_hand(scores, name)}
    pictures = picture_properties(scores)
    known = {name: values for name, values in pictures.items() if _is_known(values)}
    return known | of_model | scores.columns


def _is_known(values: NDArray[Any]) -> bool:
    """Whether any value is known: JPEG quality is not, unless there are files."""
    if values.dtype.kind == "O":
        return any(value is not None for value in values)
    return bool(np.isfinite(values).any())


def all_properties(scores: Scores) -> dict[str, Kept]:
    """Every property at hand: pictures, columns, scores of the model, label and prediction."""
    record = scores.feature_set
    found = {name: Kept(values, "picture") for name, values in picture_properties(scores).items()}
    found |= {name: Kept(values, "column") for name, values in scores.columns.items()}
    found |= {
        name: Kept(scores[name], "model")
        for name in SCORES
        if not is_of_picture(name) and is_at_hand(scores, name)
    }
    names = np.array([*record.class_names, None], dtype=object)  # code −1 is the last, unknown
    for kind, codes in (("label", record.labels), ("prediction", record.predictions)):
        if codes is not None:
            found[kind] = Kept(names[codes], kind)
    return found


def hue_names(degrees: NDArray[np.floating]) -> NDArray[Any]:
    """(n,) names of six colours for hues in degrees; None for a picture without colour.

    Ranks of degrees mean nothing: 359 and 1 are the same red.
    """
    known = np.isfinite(degrees)
    sixth = (np.where(known, degrees, 0) / 60).round().astype(np.int64) % 6
    return np.asarray(HUES[np.where(known, sixth, 6)])
