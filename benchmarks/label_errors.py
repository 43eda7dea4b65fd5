"""Wrong labels: our suspicion compared with cleanlab's scores and with 1 − p(label).

    python -m benchmarks.label_errors [planted] [votes] [widths]

First, 5 or 20 % of the labels are changed at random, either to any class or to the class that the
model confuses most with the true one, and each method ranks them. Then each method ranks the labels
of CIFAR-10 that people checked (cleanlab's study on Mechanical Turk). No method sees the true
labels. The sections "votes" and "widths" follow: the first 50 suspects against people's votes, and
CPU seconds for wide features; name sections to run only these. Without the data in ../shared/data,
only scikit-learn's digits and artificial features are used. If cleanlab is not installed, its
published formulas are used, and the table says so.
"""

from __future__ import annotations

import gzip
import json
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tsne_widget.analysis import confusion_matrix, label_suspicion, loss

DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data"
SEEDS = 5
RATES = (0.05, 0.20)
FIRST = 50
RESAMPLES = 2_000

try:
    from cleanlab.rank import get_label_quality_scores

    PEER = "cleanlab"
except ImportError:
    get_label_quality_scores = None
    PEER = "cleanlab's formula"


class Samples(NamedTuple):
    """Held-out logits, features and true labels."""

    name: str
    logits: np.ndarray
    features: np.ndarray
    labels: np.ndarray


def digits() -> Samples:
    """1,197 digits, judged by a logistic regression trained on 600 others."""
    X, y = load_digits(return_X_y=True)
    X = X.astype(np.float32) / 16
    model = LogisticRegression(C=0.1, max_iter=1000).fit(X[:600], y[:600])
    return Samples("digits, linear", model.decision_function(X[600:]), X[600:], y[600:])


def cifar() -> Samples:
    """5,000 test pictures of CIFAR-10, judged by a ResNet20 with 81 % accuracy."""
    import torch
    from safetensors.torch import load_file

    sys.path.insert(0, str(DATA))
    from models import CifarResNet

    with np.load(DATA / "cifar10" / "cifar10_test_0_4999.npz") as stored:
        images, labels = stored["images"], stored["labels"].astype(np.int64)
    x = torch.from_numpy(images).permute(0, 3, 1, 2) / 255
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    x = (x - mean.view(1, 3, 1, 1)) / deviation.view(1, 3, 1, 1)
    net = CifarResNet(3).eval()
    net.load_state_dict(load_file(DATA / "weights" / "cifar10_resnet20.safetensors"))
    features: list[torch.Tensor] = []
    net.linear.register_forward_pre_hook(lambda _, inputs: features.append(inputs[0]))
    with torch.inference_mode():
        logits = torch.cat([net(batch) for batch in x.split(250)])
    return Samples("CIFAR-10, ResNet20", logits.numpy(), torch.cat(features).numpy(), labels)


def mnist() -> Samples:
    """MNIST's 10,000 test pictures, judged by a small VGG with 98.8 % accuracy; 512 features."""
    import torch
    from safetensors.torch import load_file

    sys.path.insert(0, str(DATA))
    from models import SmallVGG

    def stored(name: str, offset: int) -> np.ndarray:
        return np.frombuffer(gzip.open(DATA / "mnist" / name).read(), np.uint8, offset=offset)

    x = torch.from_numpy(stored("t10k-images-idx3-ubyte.gz", 16).reshape(-1, 1, 28, 28) / 255)
    net = SmallVGG(10, 1, (16, "M", 32, "M", 64, "M"), 512).eval()
    net.load_state_dict(load_file(DATA / "weights" / "mnist_smallvgg512.safetensors"))
    features: list[torch.Tensor] = []
    net.classifier[3].register_forward_pre_hook(lambda _, inputs: features.append(inputs[0]))
    with torch.inference_mode():
        logits = torch.cat([net(batch) for batch in x.float().split(500)])
    labels = stored("t10k-labels-idx1-ubyte.gz", 8).astype(np.int64)
    return Samples("MNIST, small VGG", logits.numpy(), torch.cat(features).numpy(), labels)


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
        "ours": label_suspicion(samples.logits, labels, samples.features),
        "ours, without features": label_suspicion(samples.logits, labels),
        "1 - p(label)": loss(samples.logits, labels),  # the same order without ties at 1
    }
    # cleanlab's recipe for features: cross-validated probabilities of a linear classifier.
    linear = make_pipeline(StandardScaler(), LogisticRegression(C=0.03, max_iter=500))
    crossed = cross_val_predict(linear, samples.features, labels, method="predict_proba")
    for name, probabilities in (("model", model), ("cross-validated", crossed)):
        for method in ("self_confidence", "normalized_margin"):
            result[f"{PEER} {method}, {name}"] = cleanlab_suspicion(labels, probabilities, method)
    return result


def show(title: str, found: dict[str, list[tuple[float, float]]]) -> None:
    """Print a table of the means over the seeds, best first."""
    print(f"\n{title}\n{'precision among the first ' + str(FIRST):>78}   average precision")
    for name, values in sorted(found.items(), key=lambda item: -np.mean(item[1], axis=0)[1]):
        precision, average = np.mean(values, axis=0)
        print(f"  {name:52}{precision:24.3f}{average:20.3f}")


def measures(wrong: np.ndarray, suspicion: np.ndarray) -> tuple[float, float]:
    """Precision among the first 50, and average precision."""
    first = np.argsort(-suspicion, kind="stable")[:FIRST]
    return float(wrong[first].mean()), float(average_precision_score(wrong, suspicion))


def rank_planted_errors(samples: Samples) -> None:
    """Print tables for changed labels."""
    for rate in RATES:
        for systematic in (False, True):
            found: dict[str, list[tuple[float, float]]] = {}
            for seed in range(SEEDS):
                labels = with_errors(samples, rate, systematic, seed)
                wrong = labels != samples.labels
                for name, suspicion in suspicions(samples, labels).items():
                    found.setdefault(name, []).append(measures(wrong, suspicion))
            kind = "to the class most confused with it" if systematic else "to any class"
            show(
                f"{samples.name}: {rate:.0%} of {len(labels):,} labels changed {kind}, "
                f"{SEEDS} seeds",
                found,
            )


def rank_confirmed_errors(samples: Samples) -> None:
    """Print tables for CIFAR-10's own errors: labels that fewer than 3 of 5 workers confirmed."""
    with np.load(DATA / "cifar10" / "cifar10_test_0_4999.npz") as stored:
        theirs = stored["cleanlab_probs"]
    votes = json.loads((DATA / "cifar10" / "cleanlab_cifar10_mturk.json").read_text())
    votes = {vote["id"]: vote["mturk"]["given"] for vote in votes if vote["id"] < len(theirs)}
    wrong, asked = np.zeros(len(theirs), bool), np.zeros(len(theirs), bool)
    asked[list(votes)] = True
    wrong[[row for row, given in votes.items() if given < 3]] = True
    of = f"CIFAR-10's own {wrong.sum()} errors in 5,000 ({asked.sum()} were checked)"
    strong = samples._replace(logits=np.log(theirs + 1e-9))
    for name, data in (("ResNet20", samples), ("cleanlab's held-out probabilities", strong)):
        found = suspicions(data, data.labels)
        show(f"{of}, {name}", {key: [measures(wrong, order)] for key, order in found.items()})
        show(
            f"{of}, {name}, among the checked ones only",
            {key: [measures(wrong[asked], order[asked])] for key, order in found.items()},
        )
        margin = found[f"{PEER} normalized_margin, model"]
        low, high = difference(wrong[asked], found["ours"][asked], margin[asked])
        print(f"  average precision, ours - normalized_margin: {low:+.3f} to {high:+.3f} (95 %)")


def rank_votes(samples: Samples, votes: Path, held_out: np.ndarray) -> None:
    """Print how many of the first 50 suspects fewer than 3 of 5 workers confirmed."""
    given = {vote["id"]: vote["mturk"]["given"] for vote in json.loads(votes.read_text())}
    rows = np.arange(len(samples.labels))
    asked = np.isin(rows, list(given))
    wrong = np.array([given.get(row, 5) < 3 for row in rows])
    strong = np.log(held_out[: len(rows)].astype(np.float64) + 1e-9)
    for name, logits in (("the model's logits", samples.logits), ("held-out", strong)):
        orders = {
            "ours": label_suspicion(logits, samples.labels, samples.features),
            "ours, without features": label_suspicion(logits, samples.labels),
            "1 - p(label)": loss(logits, samples.labels),
        }
        for title, among in (("all", np.ones(len(rows), bool)), ("checked", asked)):
            found = {key: [measures(wrong[among], value[among])] for key, value in orders.items()}
            show(f"{samples.name}, votes, {name}, {title}", found)


def measure_widths() -> None:
    """Print CPU seconds of label_suspicion for wide features of 10 classes with noise."""
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
        print(f"{n:,} x {d:,}: {seconds:.2f} CPU s, average precision {average:.4f}")


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


def main(sections: list[str]) -> None:
    """Run the sections, or all."""
    print(f"peer: {PEER}")
    sections = sections or ["planted", "votes", "widths"]
    if "planted" in sections:
        rank_planted_errors(digits())
    if "widths" in sections:
        measure_widths()
    if not (DATA / "cifar10").is_dir():
        print(f"\n{DATA} does not exist: CIFAR-10 and MNIST are skipped")
        return
    pictures = cifar()
    if "planted" in sections:
        rank_planted_errors(pictures)
        rank_confirmed_errors(pictures)
    if "votes" in sections:
        with np.load(DATA / "cifar10" / "cifar10_test_0_4999.npz") as stored:
            held_out = stored["cleanlab_probs"]
        rank_votes(pictures, DATA / "cifar10" / "cleanlab_cifar10_mturk.json", held_out)
        held_out = np.load(DATA / "mnist" / "cleanlab_mnist_test_pyx_f32.npy")
        rank_votes(mnist(), DATA / "mnist" / "cleanlab_mnist_mturk.json", held_out)


if __name__ == "__main__":
    main(sys.argv[1:])
