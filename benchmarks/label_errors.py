"""Wrong labels: our suspicion compared with cleanlab's scores and with 1 − p(label).

    python -m benchmarks.label_errors [planted] [confirmed] [votes] [widths] [--record]

In "planted", 5 or 20 % of the labels are changed at random, either to any class or to the class
that the model confuses most with the true one, and each method ranks them. In "confirmed" it ranks
the labels of CIFAR-10 that people checked (cleanlab's study on Mechanical Turk). "votes" compares
the first 50 suspects with people's votes. No method sees the true labels. "widths" takes the CPU
seconds for wide features. Without the data in ../shared/data, only scikit-learn's digits and
artificial features are used. If cleanlab is not installed, its published formulas are used.
"""

from __future__ import annotations

import json
import time
from functools import cache
from typing import NamedTuple

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks import real_data
from benchmarks.real_data import DATA
from benchmarks.report import Table, run_sections
from tsne_widget.analysis import confusion_matrix, label_suspicion, loss

SEEDS = 5
RATES = (0.05, 0.20)
FIRST = 50
RESAMPLES = 2_000
# Titles of the orders, as `suspicions` names them.
OURS, LOGITS_ONLY, LOSS, MARGIN = "ours", "ours, logits only", "1 − p(label)", "normalised margin"
PLANTED = Table(
    "label_errors-planted",
    "data | ours | ours, logits only | 1 − p(label) | normalised margin "
    "| 1 − p(label), cross-validated | normalised margin, cross-validated",
    ["cleanlab"],
)
CONFIRMED = Table(
    "label_errors-confirmed",
    "probabilities | order | precision in the first 50 | average precision | among the reviewed "
    "| average precision, reviewed",
    ["cleanlab"],
)
VOTES = Table(
    "label_errors-votes", "images and probabilities | ours | ours, logits only | 1 − p(label)"
)
WIDTHS = Table("label_errors-widths", "rows × columns | CPU s | average precision")

try:
    from cleanlab.rank import get_label_quality_scores
except ImportError:
    get_label_quality_scores = None


class Samples(NamedTuple):
    """Held-out logits, features and true labels."""

    name: str
    logits: np.ndarray
    features: np.ndarray
    labels: np.ndarray


@cache
def digits() -> Samples:
    """1,197 digits, judged by a logistic regression trained on 600 others."""
    X, y = load_digits(return_X_y=True)
    X = X.astype(np.float32) / 16
    model = LogisticRegression(C=0.1, max_iter=1000).fit(X[:600], y[:600])
    return Samples("digits", model.decision_function(X[600:]), X[600:], y[600:])


@cache
def cifar() -> Samples:
    """5,000 test pictures of CIFAR-10, judged by a ResNet20."""
    images, labels = real_data.cifar()
    outputs = real_data.outputs(*real_data.network(real_data.RESNET20), images)
    return Samples("CIFAR-10, ResNet20", *outputs, labels)


def mnist() -> Samples:
    """MNIST's 10,000 test pictures, judged by a small VGG."""
    images, labels = real_data.mnist()
    outputs = real_data.outputs(*real_data.network(real_data.SMALL_VGG), images)
    return Samples("MNIST, small VGG", *outputs, labels)


def with_errors(samples: Samples, rate: float, systematic: bool, seed: int) -> np.ndarray:
    """The labels with a share of wrong ones."""
    random = np.random.default_rng(seed)
    labels, c = samples.labels.copy(), samples.logits.shape[1]
    wrong = np.flatnonzero(random.random(len(labels)) < rate)
    if systematic:
        counts = confusion_matrix(labels, samples.logits.argmax(1), c)
        np.fill_diagonal(counts, -1)
        labels[wrong] = counts.argmax(axis=1)[labels[wrong]]
    else:
        labels[wrong] = (labels[wrong] + random.integers(1, c, len(wrong))) % c
    return labels


def cleanlab_suspicion(labels: np.ndarray, probabilities: np.ndarray, method: str) -> np.ndarray:
    """Suspicion from one of cleanlab's scores, or from its formula."""
    if get_label_quality_scores is not None:
        return -get_label_quality_scores(labels, probabilities, method=method)
    rows = np.arange(len(labels))
    own, others = probabilities[rows, labels], probabilities.copy()
    others[rows, labels] = -1
    return -own if method == "self_confidence" else others.max(axis=1) - own


def suspicions(samples: Samples, labels: np.ndarray) -> dict[str, np.ndarray]:
    """Suspicion of each label, by method."""
    shifted = samples.logits - samples.logits.max(axis=1, keepdims=True)
    model = np.exp(shifted.astype(np.float64))
    model /= model.sum(axis=1, keepdims=True)
    result = {
        OURS: label_suspicion(samples.logits, labels, samples.features),
        LOGITS_ONLY: label_suspicion(samples.logits, labels),
        LOSS: loss(samples.logits, labels),  # cleanlab's self-confidence without ties at 1
        MARGIN: cleanlab_suspicion(labels, model, "normalized_margin"),
    }
    # cleanlab's recipe for features: cross-validated probabilities of a linear classifier.
    linear = make_pipeline(StandardScaler(), LogisticRegression(C=0.03, max_iter=500))
    crossed = cross_val_predict(linear, samples.features, labels, method="predict_proba")
    for name, method in ((LOSS, "self_confidence"), (MARGIN, "normalized_margin")):
        result[f"{name}, cross-validated"] = cleanlab_suspicion(labels, crossed, method)
    return result


def measures(wrong: np.ndarray, suspicion: np.ndarray) -> tuple[float, float]:
    """Precision among the first 50, and average precision."""
    first = np.argsort(-suspicion, kind="stable")[:FIRST]
    return float(wrong[first].mean()), float(average_precision_score(wrong, suspicion))


def rank_planted_errors() -> None:
    """Average precision for changed labels, mean over the seeds."""
    with PLANTED as row:
        for samples in (digits(), cifar()) if real_data.IS_THERE else (digits(),):
            for rate in RATES:
                for systematic in (False, True):
                    found: dict[str, list[float]] = {}
                    for seed in range(SEEDS):
                        labels = with_errors(samples, rate, systematic, seed)
                        wrong = labels != samples.labels
                        for name, suspicion in suspicions(samples, labels).items():
                            found.setdefault(name, []).append(measures(wrong, suspicion)[1])
                    kind = "to a confused class" if systematic else "uniform"
                    means = (f"{np.mean(values):.3f}" for values in found.values())
                    row(f"{samples.name}, {rate:.0%} {kind}", *means)


def rank_confirmed_errors() -> None:
    """CIFAR-10's own errors: labels that fewer than 3 of 5 workers confirmed."""
    samples = cifar()
    theirs = held_out_cifar()
    votes = json.loads((DATA / "cifar10" / "cleanlab_cifar10_mturk.json").read_text())
    votes = {vote["id"]: vote["mturk"]["given"] for vote in votes if vote["id"] < len(theirs)}
    wrong, asked = np.zeros(len(theirs), bool), np.zeros(len(theirs), bool)
    asked[list(votes)] = True
    wrong[[index for index, given in votes.items() if given < 3]] = True
    strong = samples._replace(logits=np.log(theirs + 1e-9))
    intervals = []
    with CONFIRMED as row:
        for name, data in (("ResNet20's", samples), ("cleanlab's own, held out", strong)):
            found = suspicions(data, data.labels)
            for order, value in found.items():
                cells = *measures(wrong, value), *measures(wrong[asked], value[asked])
                row(name, order, *(f"{cell:.3f}" for cell in cells))
            low, high = difference(wrong[asked], found[OURS][asked], found[MARGIN][asked])
            intervals.append(f"{name} {low:+.3f} to {high:+.3f}")
    print(
        f"\n{wrong.sum()} errors in {len(wrong):,} images, of which {asked.sum()} were reviewed; "
        f"average precision among these, ours − normalised margin, 95 %: {'; '.join(intervals)}"
    )


def held_out_cifar() -> np.ndarray:
    with np.load(real_data.CIFAR) as stored:
        return stored["cleanlab_probs"]


def rank_votes() -> None:
    """How many of the first 50 suspects fewer than 3 of 5 workers confirmed."""
    held_out_mnist = np.load(DATA / "mnist" / "cleanlab_mnist_test_pyx_f32.npy")
    with VOTES as row:
        for name, model, samples, file, held_out in (
            ("CIFAR-10", "ResNet20's", cifar(), "cleanlab_cifar10_mturk", held_out_cifar()),
            ("MNIST", "the small VGG's", mnist(), "cleanlab_mnist_mturk", held_out_mnist),
        ):
            folder = DATA / name.lower().replace("-", "")
            votes = json.loads((folder / f"{file}.json").read_text())
            given = {vote["id"]: vote["mturk"]["given"] for vote in votes}
            index = np.arange(len(samples.labels))
            asked = np.isin(index, list(given))
            wrong = np.array([given.get(one, 5) < 3 for one in index])
            strong = np.log(held_out[: len(index)].astype(np.float64) + 1e-9)
            for source, logits in ((model, samples.logits), ("cleanlab's, held out", strong)):
                cells = []
                for order in (
                    label_suspicion(logits, samples.labels, samples.features),
                    label_suspicion(logits, samples.labels),
                    loss(logits, samples.labels),
                ):
                    of_all, of_asked = measures(wrong, order), measures(wrong[asked], order[asked])
                    cells.append(f"{of_all[0]:.2f}, {of_asked[0]:.2f}")
                row(f"{name}, {source}", *cells)


def measure_widths() -> None:
    """CPU seconds of label_suspicion for wide features of 10 classes with noise."""
    with WIDTHS as row:
        for n, d in ((3_589, 4_096), (70_000, 2_048)):
            random = np.random.default_rng(0)
            truth = random.integers(0, 10, n)
            hidden = random.normal(size=(n, 100)) * np.linspace(3, 0.3, 100)
            hidden += 2 * random.normal(size=(10, 100))[truth]
            features = hidden.astype(np.float32) @ random.normal(size=(100, d)).astype(np.float32)
            features += 3 * random.standard_normal((n, d), dtype=np.float32)
            logits = random.normal(size=(n, 10)) + 4 * np.eye(10)[truth]
            labels = with_errors(Samples("", logits, features, truth), 0.05, False, 0)
            start = time.process_time()
            suspicion = label_suspicion(logits, labels, np.maximum(features, 0, out=features))
            seconds = time.process_time() - start
            average = average_precision_score(labels != truth, suspicion)
            row(f"{n:,} × {d:,}", f"{seconds:.2f}", f"{average:.4f}")


def difference(wrong: np.ndarray, ours: np.ndarray, theirs: np.ndarray) -> tuple[float, float]:
    """95 % bootstrap interval of the difference between two average precisions."""
    random = np.random.default_rng(0)
    drawn = (random.integers(0, len(wrong), len(wrong)) for _ in range(RESAMPLES))
    found = [
        average_precision_score(wrong[rows], ours[rows])
        - average_precision_score(wrong[rows], theirs[rows])
        for rows in drawn
    ]
    low, high = np.percentile(found, [2.5, 97.5])
    return float(low), float(high)


SECTIONS = {"planted": rank_planted_errors, "widths": measure_widths}
if real_data.IS_THERE:
    SECTIONS |= {"confirmed": rank_confirmed_errors, "votes": rank_votes}


if __name__ == "__main__":
    run_sections(__doc__, SECTIONS)
