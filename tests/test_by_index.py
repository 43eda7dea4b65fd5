"""pandas objects are read by their index wherever arrays of samples are taken."""

import sys

import numpy as np
import pandas as pd
import pytest

from tests.widgets.html_export.shared_pages import SharedPage
from tsne_widget import (
    EmbeddingExplorer,
    FeatureSet,
    InvalidInputError,
    compare,
    plot_embedding,
    plot_embeddings,
    save_html,
)
from tsne_widget._by_index import in_one_order, in_row_order
from tsne_widget.analysis import (
    Scores,
    accuracy,
    confused_pairs,
    confusion_matrix,
    diagnose,
    loss,
    sample_frame,
)

IDS = np.array([30, 10, 20, 40])
XY = np.array([[0.0, 1], [2, 3], [4, 5], [6, 7]], dtype=np.float32)
SHUFFLED = [2, 0, 3, 1]


@pytest.fixture
def record():
    return FeatureSet.from_arrays(np.eye(4), list("aabb"), ids=IDS)


@pytest.fixture
def places():
    """The coordinates as a frame in another order, as after sort_values."""
    return pd.DataFrame(XY, IDS, columns=["x", "y"]).iloc[SHUFFLED]


def test_given_coordinates_are_read_by_their_index(record, places):
    with EmbeddingExplorer(record, embedding=places) as explorer:
        assert explorer.embedding.tolist() == XY.tolist()
    with EmbeddingExplorer(record, embedding={"one": places, "two": -places}) as explorer:
        assert explorer.embeddings["two"].tolist() == (-XY).tolist()


@pytest.mark.parametrize("index", [None, list("abcd"), [30, 10, 20, 20], [0.5, 1, 2, 3]])
def test_coordinates_with_another_index_are_refused_with_the_remedy(record, index):
    frame = pd.DataFrame(XY, index)
    with pytest.raises(InvalidInputError, match=r"embedding.*index.*embedding\.to_numpy\(\)"):
        EmbeddingExplorer(record, embedding=frame)
    with pytest.raises(InvalidInputError, match=r"embedding\['a'\].*index"):
        EmbeddingExplorer(record, embedding={"a": frame})
    with EmbeddingExplorer(record, embedding=frame.to_numpy()) as explorer:
        assert explorer.embedding.tolist() == XY.tolist()


@pytest.mark.parametrize("dtype", ["Float64", "float32[pyarrow]", "Int64"])
def test_coordinates_may_be_of_any_numeric_dtype(record, places, dtype):
    with EmbeddingExplorer(record, embedding=places.astype(dtype)) as explorer:
        assert explorer.embedding.tolist() == XY.tolist()
    places.iloc[0, 0] = None
    with pytest.raises(InvalidInputError, match="NaN or infinite values in 1 of 4 rows"):
        EmbeddingExplorer(record, embedding=places.astype(dtype))


def test_a_comparison_reads_coordinates_by_their_index(record, places):
    other = record.take([3, 2, 1, 0])
    with compare({"a": (record, places), "b": (other, places)}) as comparison:
        for xy in comparison.embeddings.values():
            np.testing.assert_allclose(xy, XY, atol=1e-5)


def test_a_page_reads_coordinates_scores_and_selections_by_their_index(record, places, tmp_path):
    path = save_html(
        record, places, tmp_path / "map.html", rows=pd.Series(True, index=IDS[:3]),
        selected=pd.Series([True, False], index=[20, 30]), scores={"age": places["x"]},
        selections={"mine": pd.DataFrame(index=pd.Index([10], name="id"))},
    )  # fmt: skip
    page = SharedPage(path)
    assert page.numbers(page.record["x"]) == [0, 2, 4]
    assert page.numbers(page.record["scores"][-1]["values"]) == [0, 2, 4]
    assert page.numbers(page.record["selected"]) == [2]
    assert page.numbers(page.record["selections"][0]["rows"]) == [1]


def test_the_frame_is_made_of_pandas_objects_by_their_index(record, places):
    frame = sample_frame(
        record, pd.Series([True, True], index=[10, 40]), places,
        {"mine": pd.Series([True], index=[40])}, scores={"age": places["x"]},
        columns={"night": places["y"]},
    )  # fmt: skip
    assert frame.index.tolist() == [10, 40]
    assert frame["selection"].tolist() == [pd.NA, "mine"]
    assert frame[["x", "age", "night"]].to_numpy().tolist() == [[2, 2, 3], [6, 6, 7]]


def test_columns_may_cover_more_than_the_samples_but_not_fewer(record):
    whole = pd.DataFrame({"night": np.arange(50)})
    assert Scores(record, whole)["night"].tolist() == IDS.tolist()
    assert Scores(record, {"night": whole["night"]})["night"].tolist() == IDS.tolist()
    with pytest.raises(InvalidInputError, match="lacks 1 of 4 ids, the first is 40"):
        Scores(record, whole.head(40))


def test_a_frame_that_lost_its_index_to_a_column_is_refused_with_the_remedy(record, places):
    lost = places.rename_axis("id").rename(columns={"x": "age"}).reset_index()[["id", "age"]]
    with pytest.raises(InvalidInputError, match=r"set_index\('id'\)"):
        Scores(record, lost)


def test_two_columns_of_one_name_are_refused(record):
    twice = pd.DataFrame(XY, IDS, columns=["age", "age"])
    with pytest.raises(InvalidInputError, match="two columns have the name 'age'"):
        Scores(record, twice)


def test_tables_of_other_libraries_are_read_by_position(record):
    import pyarrow as pa

    assert Scores(record, pa.table({"age": [1, 2, 3, 4]}))["age"].tolist() == [1, 2, 3, 4]
    with pytest.raises(InvalidInputError, match=r"must have shape \(4,\).* got \(3,\)"):
        Scores(record, pa.table({"age": [1, 2, 3]}))

    class Polars:  # has `columns` and no items()
        columns = ("age",)

        def __getitem__(self, name):
            return np.arange(4)

    assert Scores(record, Polars())["age"].tolist() == [0, 1, 2, 3]
    for given, kind in (([1, 2, 3, 4], "list"), (pd.Series([1, 2, 3, 4], IDS), "Series")):
        with pytest.raises(InvalidInputError, match=f"dict of name to array, got {kind}"):
            Scores(record, given)


def test_a_diagnosis_reads_its_rows_by_their_index(record):
    scores = Scores(record)
    mask = pd.Series([True, True, False, False], index=[10, 30, 20, 40])
    assert str(diagnose(scores, mask)) == str(diagnose(scores, [0, 1]))


LABELS = pd.Series([0, 0, 1, 1], IDS)
PREDICTIONS = pd.Series([0, 1, 1, 1], IDS)


def test_labels_and_predictions_in_different_orders_are_matched_by_their_index():
    shuffled = PREDICTIONS.iloc[SHUFFLED]
    expected = confusion_matrix(LABELS.to_numpy(), PREDICTIONS.to_numpy(), 2).tolist()
    assert confusion_matrix(LABELS, shuffled, 2).tolist() == expected
    assert accuracy(LABELS, shuffled) == 0.75
    assert accuracy(LABELS, shuffled, rows=pd.Series([True, True], index=[10, 20])) == 0.5
    assert confused_pairs(LABELS, shuffled)["count"].tolist() == [1]
    logits = pd.DataFrame(np.eye(2)[PREDICTIONS] * 9, IDS).iloc[SHUFFLED]
    assert (loss(logits, LABELS) > 1).tolist() == [False, False, False, True]


def test_arrays_whose_indexes_do_not_match_are_refused():
    with pytest.raises(InvalidInputError, match=r"predictions and labels have different indexes"):
        accuracy(LABELS, PREDICTIONS.reset_index(drop=True))
    assert accuracy(LABELS, PREDICTIONS.tolist()) == 0.75


def test_a_record_of_pandas_objects_matches_them_by_their_index():
    features = pd.DataFrame(np.eye(4), IDS)
    paths = pd.Series(list("wxyz"), IDS)
    record = FeatureSet.from_arrays(
        features, LABELS.iloc[SHUFFLED], predictions=PREDICTIONS[::-1], paths=paths[::-1]
    )
    assert record.labels.tolist() == [0, 0, 1, 1]
    assert record.predictions.tolist() == [0, 1, 1, 1]
    assert record.paths == tuple("wxyz")
    plain = FeatureSet(features, labels=LABELS.iloc[SHUFFLED], paths=paths[::-1])
    assert plain.labels.tolist() == [0, 0, 1, 1]
    assert plain.paths == tuple("wxyz")
    with pytest.raises(InvalidInputError, match="labels and features have different indexes"):
        FeatureSet.from_arrays(features, LABELS.reset_index(drop=True))
    assert FeatureSet.from_arrays(features, LABELS.tolist()).labels.tolist() == [0, 0, 1, 1]


def test_figures_match_pandas_objects_by_their_index(places):
    def drawn(figure):
        return [
            (item.get_label(), item.get_offsets().tolist(), item.get_facecolors().tolist())
            for item in figure.axes[0].collections
        ]

    labels = pd.Series(list("aabb"), IDS)
    expected = drawn(plot_embedding(places, labels[places.index].to_numpy()))
    assert drawn(plot_embedding(places, labels)) == expected
    several = plot_embeddings({"one": places, "two": places[::-1]}, labels)
    assert several.axes[0].collections[0].get_offsets().tolist() == (
        several.axes[1].collections[0].get_offsets().tolist()
    )
    with pytest.raises(InvalidInputError, match="labels and embedding have different indexes"):
        plot_embedding(places, labels.reset_index(drop=True))


def test_an_array_is_returned_as_it_is():
    values = np.arange(4)
    assert in_row_order("a", values, IDS) is values


def test_a_function_runs_where_pandas_is_not_loaded(monkeypatch):
    monkeypatch.delitem(sys.modules, "pandas")

    @in_one_order("a", "b")
    def total(a, b):
        return a + b

    assert total(1, 2) == 3
