"""Accuracy of selections and classes as a frame, and selections by the values of a column."""

import numpy as np
import pytest

from tests.widgets.records import three_classes
from tsne_widget import EmbeddingExplorer, FeatureSet, InvalidInputError

N = 60
LIGHT = np.where(np.arange(N) < 20, "night", "day")


@pytest.fixture
def explorer():
    record = three_classes(N)
    columns = {"light": LIGHT, "speed": np.linspace(0, 1, N)}
    with EmbeddingExplorer(record, embedding=record.features[:, :2], columns=columns) as opened:
        yield opened


def test_each_value_of_a_column_becomes_a_named_selection(explorer):
    explorer.name_selection("mine", [0])
    assert explorer.name_selections_by("light") == ("light: day", "light: night")
    assert list(explorer.selections) == ["mine", "light: day", "light: night"]
    np.testing.assert_array_equal(explorer.selections["light: night"], np.arange(20))


def test_the_table_compares_selections_and_classes_with_the_rest(explorer):
    explorer.name_selections_by("light")
    table = explorer.accuracy_table()
    assert table["kind"].tolist() == ["selection"] * 2 + ["class"] * 3
    assert table.index.tolist() == ["light: day", "light: night", "cat", "dog", "owl"]
    right = ~explorer.feature_set.misclassified
    assert table.loc["light: night", "accuracy"] == pytest.approx(right[:20].mean())
    assert table.loc["light: night", "rest_accuracy"] == pytest.approx(right[20:].mean())
    assert table.loc["cat", "samples"] == 20
    assert len(explorer.accuracy_table(classes=False)) == 2


def test_a_column_of_amounts_is_refused_with_a_remedy(explorer):
    with pytest.raises(InvalidInputError, match=r"'speed' holds amounts .* pandas.cut"):
        explorer.name_selections_by("speed")


def test_an_unknown_column_is_neither_score_nor_column(explorer):
    with pytest.raises(InvalidInputError, match="no score or column 'nope'"):
        explorer.name_selections_by("nope")


def test_the_table_requires_predictions():
    record = FeatureSet.from_arrays(np.eye(4), [0, 1, 0, 1])
    with (
        EmbeddingExplorer(record, embedding=np.eye(4)[:, :2]) as explorer,
        pytest.raises(InvalidInputError, match="requires predictions"),
    ):
        explorer.accuracy_table()
