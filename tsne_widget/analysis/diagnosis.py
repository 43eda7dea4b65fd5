"""What is wrong with some samples: the label, the model, the sample itself, or the map?"""

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
from tsne_widget.analysis.scores import MAP_NEIGHBORS, Scores
from tsne_widget.analysis.trust import faithfulness
from tsne_widget.errors import InvalidInputError

# Outlier score above which a sample is called an outlier: half as sparse again as its neighbours.
OUTLIER = 1.5
# Near-duplicates are closer than this share of the usual distance to the nearest sample.
DUPLICATE = 0.1
# Mean trustworthiness and continuity from which on a map shows what is there.
FAITHFUL = 0.9
# Samples of a selection, and of all, of which the map's faithfulness is measured: its cost is
# so many times n.
MAX_MEASURED = 500
# Seconds on a laptop: of the neighbours per n² and n² d, of approximate ones per n √n d, of the
# suspicion per sample and class up to so many of them, of the rest per sample.
_PAIR, _PRODUCT, _LOOKED_AT = 4e-9, 1.6e-11, 4e-9
_DOUBT, _MOST_DOUBTS, _ROW = 2e-5, 1_000_000, 5e-5


class Finding(NamedTuple):
    """One number about a selection, beside the same of all samples."""

    title: str
    """What is counted or measured."""
    points_to: str
    """Where it says that the fault lies: "the label", "the model", "the sample" or "the map"."""
    meaning: str
    """What it says, in one sentence."""
    selected: float = float("nan")
    """Of the selection, as a share or mean, 0 … 1; NaN where there is none."""
    whole: float = float("nan")
    """Of all samples looked at, 0 … 1; NaN where there is none."""
    counted: int | None = None
    """How many of the selection, where they are counted."""
    lacking: str = ""
    """Why there are no numbers; "" where there are."""


class Diagnosis(NamedTuple):
    """What can be said of a selection; ``str()`` says all but the findings, line by line."""

    points: int
    """Samples in the selection."""
    cluster: str
    """Whether it is a cluster in feature space too, see :func:`verdict`."""
    fault: str
    """How many of its mistakes are the label's and how many the model's; "" where not known."""
    faith: str
    """Whether the map can be believed there; "" where not known."""
    findings: tuple[Finding, ...]

    def __str__(self) -> str:
        return "\n".join(line for line in (self.cluster, self.fault, self.faith) if line)


def diagnose(scores: Scores, rows: ArrayLike, among: ArrayLike | None = None) -> Diagnosis:
    """What is wrong with a selection: the label, the model, the samples or the map.

    Parameters
    ----------
    scores : Scores
        Of n samples. Those that are used are computed where they are not there yet, see
        :func:`diagnosis_seconds`; those that are not possible are said to be lacking.
    rows : (m,) array of int, or (n,) array of bool
        The selection.
    among : (n,) array of bool, optional
        The samples that it is compared with, for example those shown; all without it.

    Returns
    -------
    Diagnosis
        Sentences and numbers. Trustworthiness and continuity are measured on at most 500 samples
        of the selection and of all, unless the scores are there. Time O(n d) beside that of the
        scores, memory O(n d) for one float32 copy of the features.

    Raises
    ------
    InvalidInputError
        If an array is not as described.

    Examples
    --------
    >>> import numpy as np
    >>> from tsne_widget import FeatureSet
    >>> record = FeatureSet.from_arrays([[0.0], [0.1], [0.2], [5.0], [5.1], [5.3]])
    >>> print(diagnose(Scores(record), [0, 1, 2]))
    100 % of these 3 points’ nearest neighbours in feature space are in the selection (by chance: \
40 %): the cluster is real.
    """
    n = len(scores.feature_set)
    chosen = np.zeros(n, dtype=bool)
    chosen[as_rows("rows", rows, n)] = True
    whole = np.zeros(n, dtype=bool)
    whole[as_rows("among", np.ones(n, dtype=bool) if among is None else among, n)] = True
    wrong, doubtful = _wrong(scores), _suspected(scores)
    faithful = _faithfulness(scores, chosen, whole)
    findings = (
        wrong.finding(chosen, whole),
        doubtful.finding(chosen, whole),
        _confidence(scores).finding(chosen, whole),
        _outliers(scores).finding(chosen, whole),
        _duplicates(scores).finding(chosen, whole),
        *faithful,
    )
    near, _ = _tried(lambda: scores.neighbors)
    cluster = "" if near is None or not chosen.any() else f"{verdict(chosen, near.indices)}."
    return Diagnosis(
        int(chosen.sum()), cluster, _fault(wrong, doubtful, chosen), _faith(faithful), findings
    )


def describe_layer(scores: Scores) -> str:
    """One line on how well the layer's features tell the classes apart, or why there is none.

    Time O(n k²) and memory O(n) as :func:`layer_summary`, beside those of the neighbours.

    Examples
    --------
    >>> from tsne_widget import FeatureSet
    >>> describe_layer(Scores(FeatureSet.from_arrays([[0.0], [1.0]])))
    'How well this layer tells the classes apart needs labels.'
    """
    record, labels = scores.feature_set, scores.feature_set.labels
    if labels is None:
        return f"How well this layer tells the classes apart {scores.lacks_any(('labels',))}."

    def summary() -> str:
        near = scores.neighbors.indices
        k = min(VOTERS, near.shape[1])
        return f"{layer_summary(record.features, labels, k=k, indices=near)}."

    line, reason = _tried(summary)
    return reason if line is None else line


def diagnosis_seconds(scores: Scores) -> float:
    """How long the first :func:`diagnose` will take, roughly, in seconds; 0 for the next ones.

    Time O(1), memory O(1).
    """
    record = scores.feature_set
    n, d = record.features.shape
    seconds = 0.0
    if not scores.has_neighbors:
        pairs = n * n * (_PAIR + d * _PRODUCT)
        seconds += n * _ROW + (n**1.5 * d * _LOOKED_AT if approximates(n) else pairs)
    if record.labels is not None and not scores.is_ready("suspicion"):
        seconds += min(n * len(record.class_names), _MOST_DOUBTS) * _DOUBT
    return seconds


class _Measure(NamedTuple):
    """Values of all n samples, bool to be counted or float to be averaged; None where lacking."""

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


def _wrong(scores: Scores) -> _Measure:
    lacking = scores.lacks_any(("labels", "predictions"))
    return _Measure(
        None if lacking else scores.feature_set.misclassified,
        lacking,
        "Misclassified",
        "the model",
        "The prediction differs from the label: the model is wrong, unless the label is.",
    )


def _suspected(scores: Scores) -> _Measure:
    values, reason = _tried(lambda: suspected(scores["suspicion"]))
    return _Measure(
        values,
        scores.lacks("suspicion") or reason,
        "Suspected label errors",
        "the label",
        "The label is more probably wrong than right, by the model and by the samples like it.",
    )


def _confidence(scores: Scores) -> _Measure:
    values, reason = _tried(lambda: scores["confidence"])
    return _Measure(
        values,
        scores.lacks("confidence") or reason,
        "Mean confidence",
        "the model",
        "Low: the model cannot tell the classes apart here. High where it is wrong: look at the "
        "labels.",
    )


def _outliers(scores: Scores) -> _Measure:
    values, reason = _tried(lambda: scores["outlier_score"] > OUTLIER)
    return _Measure(
        values,
        reason,
        "Outliers",
        "the sample",
        "Far from all others in feature space: a broken picture, or a kind that is rare.",
    )


def _duplicates(scores: Scores) -> _Measure:
    def find() -> NDArray[np.bool_]:
        near = scores.neighbors
        threshold = DUPLICATE * float(np.median(near.distances[:, 0]))
        return np.asarray(near_duplicates(*near, threshold).groups >= 0)

    values, reason = _tried(find)
    return _Measure(
        values,
        reason,
        "Near-duplicates",
        "the sample",
        "As good as the same as another one: a cluster may be one picture many times.",
    )


def _faithfulness(
    scores: Scores, chosen: NDArray[np.bool_], whole: NDArray[np.bool_]
) -> tuple[Finding, Finding]:
    """Trustworthiness and continuity."""
    words = (
        ("Trustworthiness", "the map", "Low: the map puts together what is apart."),
        ("Continuity", "the map", "Low: the map tears apart what is together."),
    )
    lacking = scores.lacks("trustworthiness")
    if lacking:
        return Finding(*words[0], lacking=lacking), Finding(*words[1], lacking=lacking)
    here, reason = _tried(lambda: _measured(scores, chosen))
    everywhere, _ = _tried(lambda: _measured(scores, whole))
    if here is None or everywhere is None:
        return Finding(*words[0], lacking=reason), Finding(*words[1], lacking=reason)
    return Finding(*words[0], here[0], everywhere[0]), Finding(*words[1], here[1], everywhere[1])


def _measured(scores: Scores, mask: NDArray[np.bool_]) -> tuple[float, float]:
    """Mean trustworthiness and continuity of these samples, or of some of them."""
    if scores.is_ready("trustworthiness"):
        return _mean(scores["trustworthiness"][mask]), _mean(scores["continuity"][mask])
    rows, n = np.flatnonzero(mask), len(mask)
    if len(rows) > MAX_MEASURED:
        rows = np.random.default_rng(0).choice(rows, MAX_MEASURED, replace=False)
    k = min(MAP_NEIGHBORS, (n - 1) // 2)
    embedding = scores.embedding
    if embedding is None:  # it has begun to move since it was asked for
        raise InvalidInputError("needs the finished map")
    found = faithfulness(scores.feature_set.features, embedding, k, rows=rows)
    return _mean(found.trustworthiness), _mean(found.continuity)


def _fault(wrong: _Measure, doubtful: _Measure, chosen: NDArray[np.bool_]) -> str:
    if wrong.values is None or not chosen.any():
        return ""
    mistakes = wrong.values & chosen
    count = int(mistakes.sum())
    if not count:
        return "None of them is misclassified."
    if doubtful.values is None:
        return f"{count:,} of them {_are(count)} misclassified."
    label = int((mistakes & doubtful.values).sum())
    model = count - label
    parts = [
        f"{label:,} {_are(label)} probably labelled wrong" if label else "",
        f"{model:,} {'is a mistake' if model == 1 else 'are mistakes'} of the model"
        if model
        else "",
    ]
    return f"Of the {count:,} misclassified, {' and '.join(part for part in parts if part)}."


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _faith(findings: tuple[Finding, Finding]) -> str:
    trust, continuity = (finding.selected for finding in findings)
    if not (np.isfinite(trust) and np.isfinite(continuity)):
        return ""
    numbers = ", ".join(
        f"{finding.title.lower()} {finding.selected:.2f} against {finding.whole:.2f} everywhere"
        for finding in findings
    )
    if min(trust, continuity) >= FAITHFUL:
        return f"The map can be believed here: {numbers}."
    fault = (
        "puts together here what is apart in feature space"
        if trust <= continuity
        else "tears apart here what is together in feature space"
    )
    return f"The map {fault}: {numbers}."


def _mean(values: NDArray[Any]) -> float:
    """Of the finite ones; NaN of none."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def _tried(compute: Callable[[], Any]) -> tuple[Any, str]:
    """What comes out, or None and why: a selection is worth less than all its numbers, not none."""
    try:
        return compute(), ""
    except InvalidInputError as error:
        return None, str(error)
