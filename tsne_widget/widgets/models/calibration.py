"""What the panel of scores says about a record: its calibration and its accuracy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tsne_widget.analysis import Calibrated, Scores, calibrated_confidence, reliability
from tsne_widget.analysis.calibration import bins_for
from tsne_widget.errors import InvalidInputError
from tsne_widget.feature_set import FeatureSet

# Besides the prediction, so many most probable classes are searched for the label.
TOPS = (3, 5)


def lacking_of(record: FeatureSet) -> str:
    """What calibration requires and a record lacks, as "logits and labels"."""
    needs = ("logits", "labels")
    return " and ".join(name for name in needs if getattr(record, name) is None)


def calibrated_of(record: FeatureSet) -> Calibrated | None:
    """The confidence after a temperature; None if there is none to fit."""
    if record.logits is None or record.labels is None or record.activation == "sigmoid":
        return None
    try:
        return calibrated_confidence(record.logits, record.labels)
    except InvalidInputError:  # too few labels
        return None


def reliability_numbers(
    scores: Scores, rows: NDArray[np.bool_], calibrated: Calibrated | None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What the panel draws and says about the rows of a mask.

    Returns
    -------
    bins : (b, 5) float32 array
        Smallest and largest confidence, samples, promised and kept accuracy of each bin.
    numbers : (5 + 2,) float32 array
        Samples, right ones, mean confidence, calibration error before and after the temperature,
        and the samples whose label is among the 3 and the 5 most probable classes.
    """
    record = scores.feature_set
    chosen = rows & record.judged
    sure, right = scores["confidence"][chosen], ~record.misclassified[chosen]
    count = len(sure)
    bins = bins_for(count)
    found = reliability(sure, right, bins)
    after = np.nan
    if calibrated is not None:
        after = reliability(calibrated.confidence[chosen], right, bins).error
    ranks = scores["label_rank"][chosen]
    mean = sure.astype(np.float64).mean() if count else np.nan
    numbers = [
        count, np.count_nonzero(right), mean, found.error, after,
        *(np.count_nonzero(ranks <= k) for k in TOPS),
    ]  # fmt: skip
    table = np.column_stack([found.low, found.high, found.samples, found.promised, found.kept])
    return table.astype(np.float32), np.array(numbers, dtype=np.float32)
