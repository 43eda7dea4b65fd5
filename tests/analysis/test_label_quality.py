import io
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from tqdm import tqdm

from tsne_widget.analysis import label_errors, label_suspicion, loss
from tsne_widget.errors import InvalidInputError

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "cifar10"


@pytest.fixture(scope="module")
def digits():
    """Held-out logits, features and true labels of 1,197 digits."""
    X, y = load_digits(return_X_y=True)
    X = X / 16
    model = LogisticRegression(C=0.1, max_iter=1000).fit(X[:600], y[:600])
    return model.decision_function(X[600:]), X[600:], y[600:]


def flipped(labels, seed, *, systematic):
    random = np.random.default_rng(seed)
    wrong = np.flatnonzero(random.random(len(labels)) < 0.05)
    step = 1 if systematic else random.integers(1, 10, len(wrong))
    changed = labels.copy()
    changed[wrong] = (labels[wrong] + step) % 10
    return changed


@pytest.mark.parametrize("systematic", [False, True])
@pytest.mark.parametrize("seed", [0, 1])
def test_planted_errors_come_first_and_before_those_of_the_plain_loss(digits, systematic, seed):
    logits, features, truth = digits
    labels = flipped(truth, seed, systematic=systematic)
    wrong = labels != truth
    plain = average_precision_score(wrong, loss(logits, labels))
    ours = average_precision_score(wrong, label_suspicion(logits, labels, features))
    assert ours > 0.92
    assert ours > plain + 0.03


@pytest.mark.parametrize("given", ["logits", "features"])
def test_logits_or_features_alone_are_enough(digits, given):
    logits, features, truth = digits
    labels = flipped(truth, 0, systematic=False)
    arguments = (logits, labels) if given == "logits" else (None, labels, features)
    found = label_errors(*arguments)
    assert average_precision_score(labels != truth, found.suspicion) > 0.9
    assert (found.suggested == truth).mean() > 0.94


def test_suggestions_and_noise_are_close_to_the_truth(digits):
    logits, features, truth = digits
    labels = flipped(truth, 3, systematic=True)
    found = label_errors(logits, labels, features)
    wrong = labels != truth
    assert (found.suggested == truth)[wrong].mean() > 0.85
    assert (found.suggested == truth)[~wrong].mean() > 0.98
    np.testing.assert_allclose(found.noise.sum(axis=1), 1, rtol=1e-5)
    cells = found.noise[np.arange(10), (np.arange(10) + 1) % 10]
    assert cells.mean() == pytest.approx(0.05, abs=0.025)  # cautious: the prior is equal confusion
    others = found.noise[~(np.eye(10, dtype=bool) | np.roll(np.eye(10, dtype=bool), 1, axis=1))]
    assert others.mean() < 0.005


def test_suspicion_is_the_probability_of_a_wrong_label(digits):
    logits, features, truth = digits
    labels = flipped(truth, 4, systematic=False)
    probable = -np.expm1(-label_suspicion(logits, labels, features))
    assert probable.sum() == pytest.approx((labels != truth).sum(), rel=0.3)


def test_unknown_labels_have_no_suspicion_but_a_suggestion(digits):
    logits, features, truth = digits
    labels = flipped(truth, 0, systematic=False)
    labels[::3] = -1
    found = label_errors(logits, labels, features)
    np.testing.assert_array_equal(np.isnan(found.suspicion), labels < 0)
    by_model = (logits.argmax(axis=1) == truth)[::3].mean()
    assert (found.suggested == truth)[::3].mean() > by_model - 0.005
    assert found.suspicion.dtype == np.float32
    assert found.suggested.dtype == np.int64


def test_the_scale_of_the_logits_and_their_offset_per_row_do_not_matter(digits):
    logits, _, truth = digits
    labels = flipped(truth, 0, systematic=False)
    expected = label_suspicion(logits, labels)
    moved = logits + np.random.default_rng(0).normal(size=(len(logits), 1)) * 50
    np.testing.assert_allclose(label_suspicion(moved, labels), expected, rtol=2e-2, atol=1e-3)
    for factor in (0.2, 4):  # an over- or underconfident model
        order = label_suspicion(logits * factor, labels)
        assert np.corrcoef(np.log(order), np.log(expected))[0, 1] > 0.99


def test_same_seed_gives_the_same_suspicion(digits):
    logits, features, truth = digits
    first, second = (label_suspicion(logits, truth, features, random_state=3) for _ in range(2))
    np.testing.assert_array_equal(first, second)


@settings(max_examples=25, deadline=None)
@given(st.integers(10, 40), st.integers(2, 5), st.floats(1e-30, 1e30), st.integers(0, 2**32 - 1))
def test_suspicion_is_finite_and_not_negative(n, c, scale, seed):
    random = np.random.default_rng(seed)
    labels = random.integers(-1, c, n)
    labels[:10] = np.arange(10) % 2
    found = label_errors(random.normal(size=(n, c)) * scale, labels, random.normal(size=(n, 3)))
    known = labels >= 0
    assert np.isfinite(found.suspicion[known]).all()
    assert (found.suspicion[known] >= 0).all()
    assert np.isin(found.suggested, np.arange(c)).all()
    assert np.isfinite(found.noise).all()


def test_constant_features_are_no_evidence(digits):
    logits, _, truth = digits
    np.testing.assert_allclose(
        label_suspicion(logits, truth, np.ones((len(truth), 4))),
        label_suspicion(logits, truth),
        rtol=1e-4,
        atol=1e-6,
    )


def test_many_classes_and_few_fitted_rows_still_find_the_errors(monkeypatch):
    monkeypatch.setattr("tsne_widget.analysis.label_quality.MAX_FITTED", 20_000)
    monkeypatch.setattr("tsne_widget.analysis.label_noise._BLOCK_BYTES", 8 * 50 * 100)
    random = np.random.default_rng(0)
    truth = random.integers(0, 50, 1500)
    logits = random.normal(size=(1500, 50)) + 6 * np.eye(50)[truth]
    features = random.normal(size=(1500, 100)) + 2 * np.eye(50, 100)[truth]
    labels, wrong = truth.copy(), random.random(1500) < 0.05
    labels[wrong] = (truth[wrong] + random.integers(1, 50, wrong.sum())) % 50
    assert average_precision_score(wrong, label_suspicion(logits, labels, features)) > 0.95


@pytest.mark.parametrize("given", ["logits", "features", "both"])
def test_a_progress_bar_counts_to_its_end(digits, monkeypatch, given):
    logits, features, truth = digits
    bars = []

    class Bar(tqdm):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options | {"delay": 0, "file": io.StringIO()})
            bars.append(self)

    monkeypatch.setattr("tsne_widget.analysis.label_quality.tqdm", Bar)
    chosen = {"logits": (logits, None), "features": (None, features), "both": (logits, features)}
    label_errors(chosen[given][0], truth, chosen[given][1], progress=True)
    assert bars[0].n == bars[0].total


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((None, [0, 1] * 10), "pass logits, features or both"),
        ((np.eye(20), [0, 1] * 9), "labels must have 20 rows, got 18"),
        ((np.ones((20, 2)), [0, 2] * 10), r"labels must be 0 … 1.*got 0 … 2"),
        ((np.ones((20, 2)), [0] * 20), "at least 10 samples .* got 20 samples of 1"),
        ((np.ones((20, 2)), [0, 1] + [-1] * 18), "got 2 samples of 2"),
        ((np.full((20, 2), np.nan), [0, 1] * 10), "logits must be finite.*row 0"),
        ((np.ones((20, 2)), [0, 1] * 10, np.ones((19, 3))), "features must have 20 rows, got 19"),
        ((None, [0, 1] * 10, np.full((20, 3), np.inf)), "NaN or inf in 20 of 20 rows"),
        ((np.ones(20), [0, 1] * 10), r"logits must be an \(n, d\) array"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(InvalidInputError, match=message):
        label_suspicion(*arguments)


def test_label_errors_confirmed_by_annotators_rank_high():
    if not DATA.is_dir():
        pytest.skip(f"{DATA} is absent")
    with np.load(DATA / "cifar10_test_0_4999.npz") as stored:
        labels = stored["labels"].astype(np.int64)
        logits = np.log(stored["cleanlab_probs"] + 1e-9)
    votes = json.loads((DATA / "cleanlab_cifar10_mturk.json").read_text())
    wrong = np.zeros(len(labels), dtype=bool)
    wrong[[v["id"] for v in votes if v["id"] < len(labels) and v["mturk"]["given"] < 3]] = True
    ours = average_precision_score(wrong, label_suspicion(logits, labels))
    assert ours > 0.3  # 32 of 5,000: at random 0.006
    assert ours >= average_precision_score(wrong, loss(logits, labels))
