"""Scores: one table of numbers about samples."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._validation import row_blocks
from tsne_widget.analysis.certainty import confidence, entropy, label_rank, loss, margin
from tsne_widget.analysis.evidence import evidence_entropy, evidence_in_border
from tsne_widget.analysis.label_quality import label_suspicion
from tsne_widget.analysis.neighborhoods import KNeighbors, label_agreement
from tsne_widget.analysis.outliers import outlier_score
from tsne_widget.analysis.picture_scores import label_conflict, measured
from tsne_widget.analysis.trust import Faithfulness, faithfulness
from tsne_widget.feature_set import FeatureSet

# Neighbours on the map for trustworthiness and continuity, as in Venna & Kaski's papers.
MAP_NEIGHBORS = 15
# Nats. Smaller positive values are displayed as "< 0.001".
SMALLEST_NATS = 0.001
# Rows per block when cheap scores of some rows are computed: the logits are never copied whole.
_BLOCK = 16_384


class Score(NamedTuple):
    """One entry of :data:`SCORES`: a number per sample, how to compute it, how to display it."""

    name: str
    """Name of the frame's column."""
    title: str
    """Name in menus and colour keys, with the unit."""
    meaning: str
    """One line for the documentation."""
    compute: Callable[..., Any]
    """Called with the inputs that ``needs`` and ``optional`` name, in this order. Returns an (n,)
    array of numbers, or a NamedTuple of such arrays whose fields are names of scores."""
    needs: tuple[str, ...]
    """Required inputs: "labels", "predictions", "logits", "features", "neighbors" (a
    :class:`KNeighbors`), "embedding", "evidence" (maps of all samples), "search" (distances to a
    picture) or "pictures" (a function that measures them and returns :class:`PictureScores`)."""
    optional: tuple[str, ...] = ()
    """Further inputs, passed as None if the feature set does not have them; "activation" is the
    function of the logits that gives the probabilities."""
    highest_first: bool = False
    """Whether the samples with the highest values are the ones to inspect first."""
    format: Literal["percent", "nats", "number", "integer"] = "number"
    """How :meth:`text` formats a value."""
    is_cheap: bool = False
    """Whether a row's value depends only on the row's own label, prediction and logits. Cheap
    scores take milliseconds, and some rows can be computed without the others."""

    def text(self, value: float) -> str:
        """The value as text: "97.3 %", "0.4521" or "< 0.001"; "unknown" for NaN.

        Examples
        --------
        >>> SCORES["confidence"].text(0.973)
        '97.3 %'
        """
        if np.isnan(value):
            return "unknown"
        if self.format == "percent":
            return f"{100 * value:.1f} %"
        if self.format == "nats" and 0 < value < SMALLEST_NATS:
            return f"< {SMALLEST_NATS}"
        return f"{value:.0f}" if self.format == "integer" else f"{value:.4g}"


def _label_agreement(near: KNeighbors, labels: NDArray[np.int64]) -> NDArray[np.float32]:
    return label_agreement(near.indices, labels)


def _suspicion(
    labels: NDArray[np.int64], features: NDArray[np.float32], logits: NDArray[np.float32] | None
) -> NDArray[np.float32]:
    return label_suspicion(logits, labels, features)


def _outlier_score(near: KNeighbors) -> NDArray[np.float32]:
    return outlier_score(*near)


def _faithfulness(features: NDArray[np.float32], embedding: NDArray[np.float32]) -> Faithfulness:
    return faithfulness(features, embedding, min(MAP_NEIGHBORS, (len(features) - 1) // 2))


def _as_given(distances: NDArray[np.float32]) -> NDArray[np.float32]:
    return distances


def _of_pictures(
    name: str,
    title: str,
    meaning: str,
    *,
    highest_first: bool = False,
    format: Literal["percent", "number", "integer"] = "number",  # noqa: A002 - Score's word
) -> Score:
    """A score of the pictures themselves."""
    return Score(
        name, title, meaning, measured, ("pictures",), highest_first=highest_first, format=format
    )


SCORES: dict[str, Score] = {
    score.name: score
    for score in (
        Score(
            "confidence",
            "confidence",
            "Probability of the predicted class, see :func:`confidence`.",
            confidence,
            ("logits",),
            optional=("activation",),
            format="percent",
            is_cheap=True,
        ),
        Score(
            "margin",
            "margin",
            "Probability of the predicted class minus that of the runner-up, see :func:`margin`.",
            margin,
            ("logits",),
            optional=("activation",),
            format="percent",
            is_cheap=True,
        ),
        Score(
            "entropy",
            "entropy (nats)",
            "Entropy of the predicted probabilities, see :func:`entropy`.",
            entropy,
            ("logits",),
            optional=("activation",),
            highest_first=True,
            format="nats",
            is_cheap=True,
        ),
        Score(
            "loss",
            "loss (nats)",
            "Cross-entropy of the prediction and the label, see :func:`loss`.",
            loss,
            ("logits", "labels"),
            optional=("activation",),
            highest_first=True,
            format="nats",
            is_cheap=True,
        ),
        Score(
            "label_rank",
            "rank of the label",
            "Place of the label among the classes, most probable first; 1 is right, see "
            ":func:`label_rank`.",
            label_rank,
            ("logits", "labels"),
            highest_first=True,
            is_cheap=True,
        ),
        Score(
            "label_agreement",
            "neighbours with the same label",
            "Share of the nearest samples in feature space that have the sample's label, see "
            ":func:`label_agreement`.",
            _label_agreement,
            ("neighbors", "labels"),
        ),
        Score(
            "suspicion",
            "label suspicion (nats)",
            "−log of the probability that the label is right, see :func:`label_suspicion`.",
            _suspicion,
            ("labels", "features"),
            optional=("logits",),
            highest_first=True,
            format="nats",
        ),
        Score(
            "outlier_score",
            "outlier score",
            "About 1 inside a cluster, higher further out, see :func:`outlier_score`.",
            _outlier_score,
            ("neighbors",),
            highest_first=True,
        ),
        Score(
            "trustworthiness",
            "trustworthiness of the map",
            "Whether the sample's neighbours on the map are its neighbours in feature space, see "
            ":func:`faithfulness`.",
            _faithfulness,
            ("features", "embedding"),
        ),
        Score(
            "continuity",
            "continuity of the map",
            "Whether the sample's neighbours in feature space are its neighbours on the map, see "
            ":func:`faithfulness`.",
            _faithfulness,
            ("features", "embedding"),
        ),
        _of_pictures("picture_brightness", "brightness", "Mean grey level, 0 (black) … 1 (white)."),
        _of_pictures("picture_contrast", "contrast", "Deviation of the grey level, 0 … 0.5."),
        _of_pictures(
            "picture_sharpness", "sharpness", "Variance of the Laplacian; low is blurred."
        ),
        _of_pictures("picture_saturation", "saturation", "Mean saturation, 0 (grey) … 1."),
        _of_pictures(
            "picture_entropy",
            "entropy of the grey levels (bits)",
            "Entropy of the histogram of 256 grey levels, 0 … 8.",
        ),
        _of_pictures(
            "picture_noise",
            "noise",
            "Deviation of the noise as a share of the grey range, 0 … 1.",
            highest_first=True,
        ),
        _of_pictures(
            "picture_hue",
            "dominant hue (degrees)",
            "Most frequent hue: 0 red, 120 green, 240 blue; unknown without colour.",
        ),
        _of_pictures("picture_width", "width (pixels)", "Width.", format="integer"),
        _of_pictures("picture_height", "height (pixels)", "Height.", format="integer"),
        _of_pictures("picture_aspect", "width / height", "Width divided by height."),
        _of_pictures(
            "picture_size_oddity",
            "oddity of the size",
            "Distance of size and shape from the usual ones; odd above 1, see :func:`size_oddity`.",
            highest_first=True,
        ),
        _of_pictures(
            "picture_border_uniformity",
            "uniformity of the border",
            "1 for a border of one grey level, 0 for black and white.",
            highest_first=True,
        ),
        _of_pictures(
            "picture_is_grey",
            "grey picture",
            "1 for a picture without colour, 0 for others.",
            highest_first=True,
            format="integer",
        ),
        _of_pictures(
            "jpeg_quality",
            "JPEG quality",
            "Estimated from the quantisation table, 1 … 100; unknown for other files.",
            format="integer",
        ),
        _of_pictures(
            "duplicate_group",
            "duplicate group",
            "Number of the group of equal pictures, see :func:`equal_pictures`.",
            format="integer",
        ),
        _of_pictures(
            "near_duplicate_group",
            "near-duplicate group",
            "Number of the group of nearly equal pictures, see :func:`similar_pictures`.",
            format="integer",
        ),
        Score(
            "label_conflict",
            "same picture, different labels",
            "Number of the group of equal pictures whose labels differ: one of them is wrong.",
            label_conflict,
            ("pictures", "labels"),
            format="integer",
        ),
        Score(
            "evidence_in_border",
            "evidence in the border",
            "Share of the evidence that lies in the outer third of the picture, see "
            ":func:`evidence_in_border`.",
            evidence_in_border,
            ("evidence",),
            highest_first=True,
            format="percent",
        ),
        Score(
            "evidence_entropy",
            "spread of the evidence",
            "0 for evidence at a single place, 1 for evidence everywhere, see "
            ":func:`evidence_entropy`.",
            evidence_entropy,
            ("evidence",),
            highest_first=True,
        ),
        Score(
            "distance_to_picture",
            "distance to your picture",
            "Distance in feature space to the picture of the last "
            ":meth:`~tsne_widget.EmbeddingExplorer.select_like`.",
            _as_given,
            ("search",),
        ),
    )
}
"""Every score by name, in the order of the frame's columns and of the menus.

A new entry is a column of :func:`sample_frame` and :meth:`EmbeddingExplorer.to_dataframe`, a
colour of the map, a sort of the gallery, and part of a sample's details and of the HTML page.
"""

PICTURE_SCORES = tuple(name for name, score in SCORES.items() if "pictures" in score.needs)
"""The names of the scores of pictures."""
GROUP_SCORES = ("label_conflict", "duplicate_group", "near_duplicate_group")
"""Those whose values are numbers of groups."""


def cheap_scores(
    feature_set: FeatureSet, rows: ArrayLike, names: Iterable[str] | None = None
) -> dict[str, NDArray[Any]]:
    """Cheap scores of some rows.

    Parameters
    ----------
    feature_set : FeatureSet
        Has n samples and c classes.
    rows : (m,) array of int
        Rows 0 … n − 1.
    names : iterable of str, optional
        Names of cheap scores; default all. Those that the feature set lacks inputs for are omitted.

    Returns
    -------
    dict of name to (m,) array
        In the order of :data:`SCORES`. Time O(m c), memory O(m).
    """
    chosen = np.asarray(rows, dtype=np.int64)
    wanted = None if names is None else set(names)
    found: dict[str, NDArray[Any]] = {}
    for name, score in SCORES.items():
        if not score.is_cheap or (wanted is not None and name not in wanted):
            continue
        required = [getattr(feature_set, need) for need in score.needs]
        if any(array is None for array in required):
            continue
        arrays = [*required, *(getattr(feature_set, need) for need in score.optional)]
        blocks = row_blocks(len(chosen), _BLOCK) or [slice(0)]
        parts = [
            score.compute(*(_of_rows(array, chosen[block]) for array in arrays)) for block in blocks
        ]
        found[name] = parts[0] if len(parts) == 1 else np.concatenate(parts)
    return found


def _of_rows(value: Any, rows: NDArray[np.int64]) -> Any:
    """The rows of an array; None and the activation are the same for all rows."""
    return value[rows] if isinstance(value, np.ndarray) else value
