import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from tsne_widget.analysis import entropy, loss
from tsne_widget.errors import InvalidInputError

LOGITS = npst.arrays(
    np.float32,
    st.tuples(st.integers(0, 6), st.integers(1, 6)),
    elements=st.floats(-(2.0**100), 2.0**100, width=32),
)


def log_softmax(logits):
    """Slow reference in extended precision."""
    shifted = np.asarray(logits, dtype=np.longdouble)
    shifted = shifted - shifted.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


@settings(max_examples=200, deadline=None)
@given(LOGITS)
def test_entropy_equals_that_of_the_softmax_for_logits_of_any_size(logits):
    with np.errstate(under="ignore"):
        log = log_softmax(logits)
        share = np.exp(log)
        expected = -(share * np.where(share > 0, log, 0)).sum(axis=1)
    found = entropy(logits)
    np.testing.assert_allclose(found, expected.astype(float), rtol=1e-6, atol=1e-12)
    assert found.dtype == np.float32
    assert (found >= 0).all()
    assert (found <= np.log(logits.shape[1]) + 1e-6).all()


@settings(max_examples=200, deadline=None)
@given(LOGITS, st.data())
def test_loss_is_minus_the_log_of_the_probability_of_the_label(logits, data):
    n, c = logits.shape
    labels = data.draw(npst.arrays(np.int64, n, elements=st.integers(-1, c - 1)))
    with np.errstate(under="ignore"):
        expected = -log_softmax(logits)[np.arange(n), labels].astype(float)
    expected[labels < 0] = np.nan
    found = loss(logits, labels)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-15)
    assert found.dtype == np.float32


def test_tiny_loss_is_exact():
    np.testing.assert_allclose(loss([[50.0, 0.0]], [0]), [np.exp(-50)], rtol=1e-6)


def test_equal_logits_have_the_entropy_and_loss_of_a_uniform_distribution():
    np.testing.assert_allclose(entropy(np.full((1, 6), 1e30)), [np.log(6)], rtol=1e-6)
    np.testing.assert_allclose(loss(np.full((1, 6), 1e30), [2]), [np.log(6)], rtol=1e-6)


def test_one_class_is_certain():
    np.testing.assert_array_equal(entropy([[-3.0]]), [0])
    np.testing.assert_array_equal(loss([[-3.0]], [0]), [0])


def test_the_result_does_not_depend_on_the_blocks(monkeypatch):
    logits = np.random.default_rng(0).normal(size=(1000, 7))
    labels = np.arange(1000) % 8 - 1
    expected = entropy(logits), loss(logits, labels)
    monkeypatch.setattr("tsne_widget.analysis.certainty._BLOCK_BYTES", 8 * 7 * 33)
    np.testing.assert_array_equal(entropy(logits), expected[0])
    np.testing.assert_array_equal(loss(logits, labels), expected[1])


def test_logits_are_not_changed():
    logits = np.random.default_rng(0).normal(size=(10, 3))
    before = logits.copy()
    entropy(logits)
    loss(logits, np.zeros(10, int))
    np.testing.assert_array_equal(logits, before)


@pytest.mark.parametrize(
    ("labels", "message"),
    [([0, 3], r"labels must be 0 … 2.*got 0 … 3"), ([0], "labels must have 2 rows, got 1")],
)
def test_labels_of_other_samples_are_refused(labels, message):
    with pytest.raises(InvalidInputError, match=message):
        loss(np.zeros((2, 3)), labels)


def test_wrong_logits_are_refused():
    for function in (entropy, lambda logits: loss(logits, [0])):
        with pytest.raises(InvalidInputError, match="logits must be"):
            function([1.0])
        with pytest.raises(InvalidInputError, match="row 0 is not"):
            function([[np.nan, 1]])
