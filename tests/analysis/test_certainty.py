import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from tsne_widget.analysis import confidence, margin
from tsne_widget.errors import InvalidInputError

LOGITS = npst.arrays(
    np.float32,
    st.tuples(st.integers(0, 6), st.integers(1, 6)),
    elements=st.floats(-(2.0**100), 2.0**100, width=32),
)


def softmax(logits):
    """Slow reference in extended precision."""
    shifted = np.asarray(logits, dtype=np.longdouble)
    shifted = np.exp(shifted - shifted.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)


@settings(max_examples=200, deadline=None)
@given(LOGITS)
def test_confidence_and_margin_equal_those_of_the_softmax(logits):
    with np.errstate(under="ignore"):
        ordered = np.sort(softmax(logits), axis=1)
    second = ordered[:, -2] if logits.shape[1] > 1 else np.zeros(len(logits))
    np.testing.assert_allclose(confidence(logits), ordered[:, -1], rtol=1e-6)
    np.testing.assert_allclose(margin(logits), ordered[:, -1] - second, rtol=1e-6, atol=1e-12)
    assert confidence(logits).dtype == margin(logits).dtype == np.float32


def test_tiny_margin_is_exact():
    np.testing.assert_allclose(margin([[1e-12, 0.0]]), [0.5e-12])


def test_equal_logits_are_a_tie():
    np.testing.assert_array_equal(confidence(np.full((1, 4), 1e30)), [0.25])
    tie = margin(np.full((1, 4), 1e30))
    assert tie == 0
    assert not np.signbit(tie)


def test_one_class_is_certain():
    np.testing.assert_array_equal(confidence([[-3.0]]), [1])
    np.testing.assert_array_equal(margin([[-3.0]]), [1])


def test_the_result_does_not_depend_on_the_blocks(monkeypatch):
    logits = np.random.default_rng(0).normal(size=(1000, 7))
    whole = confidence(logits), margin(logits)
    monkeypatch.setattr("tsne_widget.analysis.certainty._BLOCK_BYTES", 7 * 8 * 13)
    np.testing.assert_array_equal(confidence(logits), whole[0])
    np.testing.assert_array_equal(margin(logits), whole[1])


def test_the_logits_are_not_changed_and_strict_numpy_settings_do_not_matter():
    logits = np.array([[1e30, -1e30, 0.0]])
    before = logits.copy()
    with np.errstate(all="raise"):
        assert confidence(logits) == margin(logits) == 1
    np.testing.assert_array_equal(logits, before)


@pytest.mark.parametrize(
    ("logits", "message"),
    [
        ([1.0, 2.0], r"\(n, c\) array of numbers"),
        (np.zeros((3, 0)), "c of at least 1"),
        ([["a"]], "dtype <U1"),
        ([[0.0, 0.0], [np.nan, 0.0]], "must be finite, but row 1 is not"),
        ([[np.inf, 0.0]], "row 0"),
    ],
)
def test_wrong_logits_are_refused(logits, message):
    for function in (confidence, margin):
        with pytest.raises(InvalidInputError, match=message):
            function(logits)
