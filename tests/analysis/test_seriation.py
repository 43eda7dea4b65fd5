"""The order of the classes of a large confusion matrix."""

import numpy as np
import pytest

from tsne_widget import InvalidInputError
from tsne_widget.analysis.seriation import class_order


def families(sizes, seed):
    """A matrix whose classes are confused within families only, and the family of each class."""
    rng = np.random.default_rng(seed)
    family = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    counts = rng.integers(1, 9, (len(family), len(family)))
    counts[family[:, None] != family[None]] = 0
    np.fill_diagonal(counts, 100)
    return counts, family


@pytest.mark.parametrize("seed", range(5))
def test_confused_classes_are_next_to_each_other(seed):
    counts, family = families([5, 5, 3, 8, 4], seed)
    order = class_order(counts)
    assert sorted(order) == list(range(len(family)))
    changes = np.count_nonzero(np.diff(family[order]))
    assert changes == 4  # each family is one block


def test_order_ignores_how_many_samples_a_class_has():
    counts, family = families([4, 4, 4], 0)
    order = class_order(counts * np.array([1, 100] * 6)[:, None])
    assert np.count_nonzero(np.diff(family[order])) == 2


@pytest.mark.parametrize("c", [0, 1, 2])
def test_few_classes_keep_their_order(c):
    assert class_order(np.ones((c, c), dtype=int)).tolist() == list(range(c))


def test_classes_without_samples_or_mistakes_have_a_place():
    counts = np.diag([5, 0, 5, 5])
    assert sorted(class_order(counts)) == [0, 1, 2, 3]


def test_table_that_is_not_square_is_refused():
    with pytest.raises(InvalidInputError, match=r"square table, got shape \(2, 3\)"):
        class_order(np.ones((2, 3)))
