"""Diagnosis of a selection: is the label, the model, the sample or the map at fault?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._validation import as_rows
from tsne_widget.analysis.clusters import verdict
from tsne_widget.analysis.duplicates import near_duplicates
from tsne_widget.analysis.finders import VOTERS, suspected
from tsne_widget.analysis.neighborhoods import approximates, layer_summary
from tsne_widget.analysis.score_values import Scores
from tsne_widget.analysis.scores import MAP_NEIGHBORS
from tsne_widget.analysis.trust import faithfulness
from tsne_widget.errors import InvalidInputError

# A sample with a larger outlier score is an outlier: 1.5 times as sparse as its neighbours.
OUTLIER = 1.5
# Near-duplicates are closer than this share of the median distance to the nearest sample.
DUPLICATE = 0.1
# A map is called reliable from this mean trustworthiness and continuity on.
FAITHFUL = 0.9
# Samples of the selection, and of all, on which the faithfulness of the map is measured: the time
# is proportional to this number times n.
MAX_MEASURED = 500
# Seconds on a laptop: exact neighbours per n² and per n² d, approximate ones per n √n d.
_SECONDS_PER_PAIR, _SECONDS_PER_PRODUCT, _SECONDS_PER_CANDIDATE = 4e-9, 1.6e-11, 4e-9
# Suspicion per sample and class, up to a maximum of samples × classes; everything else per sample.
_SECONDS_PER_SUSPICION, _MAX_SUSPICIONS, _SECONDS_PER_ROW = 2e-5, 1_000_000, 5e-5


class Finding(NamedTuple):
    """One number about a selection, next to the same number for all samples."""

    title: str
    """What is counted or measured."""
    points_to: str
    """Where the fault is if the number is unusual: "the label", "the model", "the sample" or "the
    map"."""
    meaning: str
    """Interpretation, in one sentence."""
    selected: float = float("nan")
    """Share or mean over the selection, 0 … 1; NaN if there is none."""
    whole: float = float("nan")
    """Share or mean over the samples compared with, 0 … 1; NaN if there is none."""
    counted: int | None = None
    """Number of samples of the selection, if samples are counted."""
    lacking: str = ""
    """Why there are no numbers; "" if there are."""


class Diagnosis(NamedTuple):
    """Sentences and numbers about a selection; ``str()`` is the sentences, one per line."""

    points: int
    """Number of selected samples."""
    cluster: str
    """Whether the selection is a cluster in feature space, see :func:`verdict`."""
    fault: str
    """How many mistakes are due to the label and how many to the model; "" if unknown."""
    faith: str
    """Whether the map is reliable there; "" if unknown."""
    findings: tuple[Finding, ...]
    """The numbers."""

    def __str__(self) -> str:
        return "\n".join(line for line in (self.cluster, self.fault, self.faith) if line)


def diagnose(scores: Scores, rows: ArrayLike, among: ArrayLike | None = None) -> Diagnosis:
    """Whether the label, the model, the samples or the map is at fault in a selection.

    Parameters
    ----------
    scores : Scores
        Has n samples. The scores that are used are computed if necessary, see
        :func:`diagnosis_seconds`; findings whose scores are not available say why.
    rows : (m,) array of int, or (n,) array of bool
        The selection.
    among : (n,) array of bool, optional
        The samples to compare with, for example the visible ones. Default: all.

    Returns
    -------
    Diagnosis
        Sentences and numbers. Trustworthiness and continuity are measured on at most 500 samples of
        the selection and of all samples, unless these scores are computed already. Time O(n d)
        without the scores, memory O(n d) for one float32 copy of the features.

    Raises
    ------
    InvalidInputError
        If ``rows`` or ``among`` is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from tsne_widget import FeatureSet
    >>> record = FeatureSet.from_arrays([[0.0], [0.1], [0.2], [5.0], [5.1], [5.3]])
    >>> print(diagnose(Scores(record), [0, 1, 2]))
    100 % of these 3 points’ nearest neighbours in feature space are in the selection (by chance: \
40 %): the points are strongly clustered.
    """
    n, ids = len(scores.feature_set), scores.feature_set.ids
    chosen = np.zeros(n, dtype=bool)
    chosen[as_rows("rows", rows, n, ids)] = True
    whole = np.zeros(n, dtype=bool)
    whole[as_rows("among", np.ones(n, dtype=bool) if among is None else among, n, ids)] = True
    wrong, suspect = _misclassified(scores), _suspect_labels(scores)
    faithful = _map_findings(scores, chosen, whole)
    findings = (
        wrong.finding(chosen, whole),
        suspect.finding(chosen, whole),
        _confidence(scores).finding(chosen, whole),
        _outliers(scores).finding(chosen, whole),
        _duplicates(scores).finding(chosen, whole),
        *faithful,
    )
    near, _ = _attempt(lambda: scores.neighbors)
    cluster = "" if near is None or not chosen.any() else f"{verdict(chosen, near.indices)}."
    fault = _fault_sentence(wrong.values, suspect.values, chosen)
    return Diagnosis(int(chosen.sum()), cluster, fault, _map_sentence(faithful), findings)


def describe_layer(scores: Scores) -> str:
    """One line on how well the layer's features separate the classes, or why that is unknown.

    Time O(n k²) and memory O(n) as for :func:`layer_summary`, without the neighbours.

    Parameters
    ----------
    scores : Scores
        The scores of the samples.

    Examples
    --------
    >>> from tsne_widget import FeatureSet
    >>> describe_layer(Scores(FeatureSet.from_arrays([[0.0], [1.0]])))
    'Class separation of this layer needs labels.'
    """
    record, labels = scores.feature_set, scores.feature_set.labels
    if labels is None:
        return f"Class separation of this layer {scores.lacks_any(('labels',))}."

    def summary() -> str:
        near = scores.neighbors.indices
        k = min(VOTERS, near.shape[1])
        return f"{layer_summary(record.features, labels, k=k, indices=near)}."

    line, reason = _attempt(summary)
    return reason if line is None else line


def diagnosis_seconds(scores: Scores) -> float:
    """Approximate duration of the next :func:`diagnose` in seconds; 0 once the scores are kept.

    Time O(1), memory O(1).

    Parameters
    ----------
    scores : Scores
        The scores of the samples.
    """
    record = scores.feature_set
    n, d = record.features.shape
    seconds = 0.0
    if not scores.has_neighbors:
        exact = n * n * (_SECONDS_PER_PAIR + d * _SECONDS_PER_PRODUCT)
        search = n**1.5 * d * _SECONDS_PER_CANDIDATE if approximates(n) else exact
        seconds += n * _SECONDS_PER_ROW + search
    if record.labels is not None and not scores.is_ready("suspicion"):
        seconds += min(n * len(record.class_names), _MAX_SUSPICIONS) * _SECONDS_PER_SUSPICION
    return seconds


class _Measure(NamedTuple):
    """A value for each of all n samples, bool to count or float to average, with its words."""

    values: NDArray[Any] | None
    lacking: str
    title: str
    points_to: str
    meaning: str

    def finding(self, chosen: NDArray[np.bool_], whole: NDArray[np.bool_]) -> Finding:
        words = self.title, self.points_to, self.meaning
        if self.values is None:
            return Finding(*words, lacking=self.lacking)
        count = int(self.values[chosen].sum()) if self.values.dtype == bool else None
        return Finding(*words, _mean(self.values[chosen]), _mean(self.values[whole]), count)


def _misclassified(scores: Scores) -> _Measure:
    lacking = scores.lacks_any(("labels", "predictions"))
    return _Measure(
        None if lacking else scores.feature_set.misclassified,
        lacking,
        "Misclassified",
        "the model",
        "The prediction differs from the label: the model or the label is wrong.",
    )


def _suspect_labels(scores: Scores) -> _Measure:
    values, reason = _attempt(lambda: suspected(scores["suspicion"]))
    return _Measure(
        values,
        scores.lacks("suspicion") or reason,
        "Suspected label errors",
        "the label",
        "The label is more likely wrong than right, according to the model and similar samples.",
    )


def _confidence(scores: Scores) -> _Measure:
    values, reason = _attempt(lambda: scores["confidence"])
    return _Measure(
        values,
        scores.lacks("confidence") or reason,
        "Mean confidence",
        "the model",
        "Low: the model does not separate the classes here. High for mistakes: check the labels.",
    )


def _outliers(scores: Scores) -> _Measure:
    values, reason = _attempt(lambda: scores["outlier_score"] > OUTLIER)
    return _Measure(
        values,
        reason,
        "Outliers",
        "the sample",
        "Far from all other samples in feature space: often a broken or a rare picture.",
    )


def _duplicates(scores: Scores) -> _Measure:
    def find() -> NDArray[np.bool_]:
        near = scores.neighbors
        threshold = DUPLICATE * float(np.median(near.distances[:, 0]))
        return np.asarray(near_duplicates(*near, threshold).groups >= 0)

    values, reason = _attempt(find)
    return _Measure(
        values,
        reason,
        "Near-duplicates",
        "the sample",
        "Almost identical to another sample; a cluster may be one picture repeated.",
    )


def _map_findings(
    scores: Scores, chosen: NDArray[np.bool_], whole: NDArray[np.bool_]
) -> tuple[Finding, Finding]:
    """Trustworthiness and continuity."""
    words = (
        (
            "Trustworthiness",
            "the map",
            "Low: false neighbours on the map.",
        ),
        (
            "Continuity",
            "the map",
            "Low: neighbours in feature space are far apart on the map.",
        ),
    )
    here = everywhere = None
    reason = scores.lacks("trustworthiness")
    if not reason:
        here, reason = _attempt(lambda: _mean_faithfulness(scores, chosen))
        everywhere, _ = _attempt(lambda: _mean_faithfulness(scores, whole))
    if here is None or everywhere is None:
        return Finding(*words[0], lacking=reason), Finding(*words[1], lacking=reason)
    return Finding(*words[0], here[0], everywhere[0]), Finding(*words[1], here[1], everywhere[1])


def _mean_faithfulness(scores: Scores, mask: NDArray[np.bool_]) -> tuple[float, float]:
    """Mean trustworthiness and continuity of these samples, or of a random part of them."""
    if scores.is_ready("trustworthiness"):
        return _mean(scores["trustworthiness"][mask]), _mean(scores["continuity"][mask])
    rows, n = np.flatnonzero(mask), len(mask)
    if len(rows) > MAX_MEASURED:
        rows = np.random.default_rng(0).choice(rows, MAX_MEASURED, replace=False)
    k = min(MAP_NEIGHBORS, (n - 1) // 2)
    embedding = scores.embedding
    if embedding is None:  # another thread started a new map
        raise InvalidInputError("needs the finished map")
    found = faithfulness(scores.feature_set.features, embedding, k, rows=rows)
    return _mean(found.trustworthiness), _mean(found.continuity)


def _fault_sentence(
    wrong: NDArray[np.bool_] | None, suspect: NDArray[np.bool_] | None, chosen: NDArray[np.bool_]
) -> str:
    if wrong is None or not chosen.any():
        return ""
    mistakes = wrong & chosen
    count = int(mistakes.sum())
    if not count:
        return "No selected sample is misclassified."
    if suspect is None:
        return f"{count:,} {'sample is' if count == 1 else 'samples are'} misclassified."
    label = int((mistakes & suspect).sum())
    model = count - label
    if not label:
        return f"{_errors(count)} like model mistakes; no label looks wrong."
    if not model:
        return f"{_errors(count)} like wrong labels."
    return (
        f"Of the {count:,} errors, {model:,} look like model mistakes, {label:,} like wrong labels."
    )


def _errors(count: int) -> str:
    return "The only error looks" if count == 1 else f"All {count:,} errors look"


def _map_sentence(findings: tuple[Finding, Finding]) -> str:
    trust, continuity = (finding.selected for finding in findings)
    if not (np.isfinite(trust) and np.isfinite(continuity)):
        return ""
    numbers = ", ".join(
        f"{finding.title.lower()} {finding.selected:.2f} ({finding.whole:.2f} overall)"
        for finding in findings
    )
    if min(trust, continuity) >= FAITHFUL:
        return f"The map is reliable here: {numbers}."
    if trust <= continuity:
        return f"Many neighbours on the map are not neighbours in feature space here: {numbers}."
    return f"Many neighbours in feature space are not neighbours on the map here: {numbers}."


def _mean(values: NDArray[Any]) -> float:
    """Mean of the finite values; NaN if there are none."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def _attempt(compute: Callable[[], Any]) -> tuple[Any, str]:
    """The result, or None and the reason: a diagnosis without one number is still useful."""
    try:
        return compute(), ""
    except InvalidInputError as error:
        return None, str(error)
