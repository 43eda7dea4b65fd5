"""Stratified sampling: every class has its share."""

import numpy as np
import pytest

from tsne_widget import InvalidInputError
from tsne_widget.analysis.sampling import class_sample

CODES = np.repeat([0, 1, 2, -1], [9_000, 980, 17, 3])


def test_each_class_has_its_share_and_at_least_five_rows():
    counts = dict(
        zip(*np.unique(CODES[class_sample(CODES, 1_000)], return_counts=True), strict=True)
    )
    assert counts[2] == 5
    assert counts[-1] == 3
    assert counts[0] / counts[1] == pytest.approx(9_000 / 980, rel=0.05)


def test_rows_are_ascending_unique_and_as_many_as_requested():
    for count in (1, 2, 999, 9_999, 10_000, 20_000):
        rows = class_sample(CODES, count)
        assert len(rows) == min(count, len(CODES))
        assert (np.diff(rows) > 0).all()


def test_sample_contains_the_rows_to_keep():
    keep = np.arange(0, 10_000, 50)
    assert np.isin(keep, class_sample(CODES, 300, keep=keep)).all()
    few = class_sample(CODES, 100, keep=keep)
    assert len(few) == 100
    assert np.isin(few, keep).all()


def test_each_class_appears_once_if_classes_outnumber_the_sample():
    codes = np.repeat(np.arange(500), 4)
    assert len(np.unique(codes[class_sample(codes, 200)])) == 200


def test_same_seed_gives_the_same_sample():
    assert np.array_equal(class_sample(CODES, 50), class_sample(CODES, 50))
    assert not np.array_equal(class_sample(CODES, 50), class_sample(CODES, 50, seed=1))


@pytest.mark.parametrize(
    ("options", "message"),
    [({"count": 0}, "count=0"), ({"count": 5, "keep": [10_000]}, "keep must be 0")],
)
def test_wrong_arguments_are_refused(options, message):
    with pytest.raises(InvalidInputError, match=message):
        class_sample(CODES, **options)
