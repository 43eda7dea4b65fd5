"""Arguments of select(): each form gives the right rows, each mistake gives the right error."""

import numpy as np
import pandas as pd
import pytest
import torch

from tsne_widget import EmbeddingExplorer, FeatureSet, InvalidInputError
from tsne_widget.analysis import finder_rows

N = 30
IDS = np.delete(np.arange(N + 1), 4)  # sample 4 was skipped: from row 4 on, id = row + 1
CODES = np.arange(N) % 3
NAMES = ["cat", "dog", "owl"]


@pytest.fixture
def explorer():
    rng = np.random.default_rng(0)
    record = FeatureSet(
        features=rng.normal(size=(N, 4)).astype(np.float32),
        labels=np.where(np.arange(N) == 29, -1, CODES),
        logits=(np.eye(3)[CODES] * 2 + rng.normal(size=(N, 3))).astype(np.float32),
        class_names=NAMES,
        ids=IDS,
        paths=[f"pets/{NAMES[code]}/{i:03}.png" for i, code in zip(IDS, CODES, strict=True)],
        skipped=[(4, "the file is empty")],
    )
    columns = {"camera": [None if row % 4 else "left" for row in range(N)], "night": CODES == 1}
    with EmbeddingExplorer(record, embedding=record.features[:, :2], columns=columns) as opened:
        yield opened


def chosen(explorer, *given, **named):
    explorer.clear()
    explorer.select(*given, **named)
    return explorer.selected.tolist()


def test_part_of_the_frame_selects_by_id(explorer):
    frame = explorer.to_dataframe("all")
    part = frame.iloc[[20, 3, 7]]
    assert part.index.tolist() == [21, 3, 8]
    assert chosen(explorer, part) == [3, 7, 20]
    assert chosen(explorer, part.index) == [3, 7, 20]
    assert chosen(explorer, part.reset_index()) == [3, 7, 20]
    assert chosen(explorer, pd.concat([part, part])) == [3, 7, 20]
    assert chosen(explorer, part.iloc[:0]) == []
    assert chosen(explorer, ids=[21, 3, 8]) == [3, 7, 20]
    assert chosen(explorer, part.index.to_numpy()) == [3, 8, 21]  # rows, as any integers


def test_frame_read_from_a_file_selects_its_samples(explorer, tmp_path):
    explorer.select([3, 7, 20])
    path = explorer.export(tmp_path / "part.csv")
    assert chosen(explorer, pd.read_csv(path)) == [3, 7, 20]


def test_a_condition_on_a_frame_is_a_mask_by_id(explorer):
    frame = explorer.to_dataframe("all")
    expected = np.flatnonzero(frame["confidence"] < 0.6).tolist()
    assert chosen(explorer, frame["confidence"] < 0.6) == expected
    shuffled = frame.sample(frac=1, random_state=0)
    assert chosen(explorer, shuffled["confidence"] < 0.6) == expected
    assert (
        chosen(explorer, frame["misclassified"])
        == np.flatnonzero(explorer.feature_set.misclassified).tolist()
    )  # NA, of the unknown label, is not selected
    assert chosen(explorer, pd.Series(np.arange(N) < 2, index=IDS[::-1])) == [28, 29]


def test_a_mask_without_the_ids_as_its_index_is_refused(explorer):
    frame = explorer.to_dataframe("all")
    low = frame["confidence"] < 0.6
    part = frame.iloc[:9].reset_index()
    for mask in (
        low.reset_index(drop=True),  # 4 was skipped
        low.set_axis(frame["path"]),
        low.set_axis(IDS + 0.5),
        pd.Series([True, True], index=[3, 99]),
        part["confidence"] < 0.6,
    ):
        with pytest.raises(InvalidInputError, match=r"rows.*index.*(to_numpy\(\)|set_index)"):
            explorer.select(mask)
    assert chosen(explorer, low.to_numpy()) == np.flatnonzero(low).tolist()


def test_a_frame_of_truth_values_is_refused(explorer):
    frame = explorer.to_dataframe("all")
    for mask in (frame[["confidence"]] < 0.6, frame[["misclassified"]], frame[["x", "y"]] > 0):
        with pytest.raises(InvalidInputError, match="may be a mask or a part of the frame"):
            explorer.select(mask)


def test_a_mask_may_cover_some_samples_in_any_order(explorer):
    assert chosen(explorer, pd.Series([True, False, True], index=[8, 3, 21])) == [7, 20]
    some = pd.Series([True, None, True], index=pd.Index([8, 3, 21], name="id"), dtype=object)
    assert chosen(explorer, some) == [7, 20]
    assert chosen(explorer, pd.concat([some, some])) == [7, 20]
    assert chosen(explorer, some.iloc[:0].astype(bool)) == []
    with pytest.raises(InvalidInputError, match="True and False for 3 ids, the first is 3"):
        explorer.select(pd.concat([some, ~some.astype("boolean").fillna(False)]))


@pytest.mark.parametrize("dtype", ["boolean", "object", "category", "bool[pyarrow]"])
def test_a_mask_may_be_of_any_boolean_dtype(explorer, dtype):
    frame = explorer.to_dataframe("all").iloc[::-1]
    low = (frame["confidence"] < 0.6).astype(dtype)
    assert chosen(explorer, low) == sorted(np.flatnonzero(low.to_numpy()[::-1]).tolist())


def test_ids_may_be_nullable_integers(explorer):
    assert chosen(explorer, ids=pd.Series([8, 3], dtype="Int64")) == [3, 7]
    assert chosen(explorer, ids=pd.Index([8, 3], dtype="int64[pyarrow]")) == [3, 7]
    with pytest.raises(InvalidInputError, match="ids must be a 1-d array of integers, got Int64"):
        explorer.select(ids=pd.Series([8, None], dtype="Int64"))


def test_every_way_to_select_reads_pandas_objects_by_their_index(explorer):
    reversed_mask = pd.Series(np.arange(N) < 2, index=IDS[::-1])
    explorer.selected = reversed_mask
    assert explorer.selected.tolist() == [28, 29]
    explorer.name_selection("last", reversed_mask)
    assert explorer.selections["last"].tolist() == [28, 29]
    explorer.state.select(explorer.to_dataframe("all").loc[[8]])
    assert explorer.selected.tolist() == [7]
    assert explorer.feature_set.take(reversed_mask).ids.tolist() == [29, 30]
    assert explorer.feature_set.take(explorer.to_dataframe("all").loc[[8, 3]]).ids.tolist() == [
        8,
        3,
    ]
    assert explorer.feature_set.take(pd.Series([5, 2])).ids.tolist() == [6, 2]  # row numbers


def test_a_sorted_frame_without_its_index_is_read_by_the_labels_it_kept():
    record = FeatureSet.from_arrays(
        np.eye(9), logits=np.array([[3, 0], [3, 0], [0.1, 0], [3, 0], [4, 0], [5, 0], [3, 0],
                                    [0.2, 0], [0.3, 0]])
    )  # fmt: skip
    with EmbeddingExplorer(record, embedding=np.eye(9)[:, :2]) as explorer:
        frame = explorer.to_dataframe("all").reset_index().sort_values("confidence")
        explorer.select(frame["confidence"] < 0.7)
        assert explorer.selected.tolist() == [2, 7, 8]


def test_function_of_the_frame_may_return_a_mask_rows_or_a_frame(explorer):
    frame = explorer.to_dataframe("all")
    worst = sorted(np.argsort(frame["confidence"].to_numpy())[:4].tolist())
    assert chosen(explorer, lambda frame: frame.nsmallest(4, "confidence")) == worst
    assert chosen(explorer, lambda frame: frame["x"] > 0) == np.flatnonzero(frame.x > 0).tolist()
    assert (
        chosen(explorer, lambda frame: (frame["x"] > 0).to_numpy())
        == np.flatnonzero(frame.x > 0).tolist()
    )
    assert chosen(explorer, lambda frame: [5, 1]) == [1, 5]
    with pytest.raises(InvalidInputError, match="returned NoneType"):
        explorer.select(lambda frame: None)


def test_function_receives_computed_scores_and_user_columns(explorer):
    seen = []
    explorer.select(lambda frame: seen.append(frame) or [])
    assert seen[0]["entropy"].notna().all()
    assert "outlier_score" not in seen[0]
    assert seen[0]["camera"].tolist()[:2] == ["left", pd.NA]
    explorer.state.scores["outlier_score"]
    explorer.select(lambda frame: seen.append(frame) or [])
    assert seen[1]["outlier_score"].notna().all()


def test_a_query_computes_the_scores_that_it_names(explorer):
    explorer.select(query="outlier_score > outlier_score.median()")
    score = explorer.state.scores["outlier_score"]
    expected = np.flatnonzero(score > np.median(score))
    assert explorer.selected.tolist() == expected.tolist()


@pytest.mark.parametrize(
    "query",
    [
        "label_name == 'cat' and confidence < .9",
        "misclassified",
        "path.str.contains('dog')",
        "id in [3, 8]",
        "camera == 'left' and not night",
        "index > 20",
    ],
)
def test_a_query_selects_what_pandas_finds(explorer, query):
    expected = explorer.to_dataframe("all").query(query, engine="python").index
    assert explorer.feature_set.ids[chosen(explorer, query=query)].tolist() == expected.tolist()
    assert len(expected) > 0


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("confidenc < 1", "'confidenc' is not defined; did you mean 'confidence'"),
        ("size < 1", "'size' is not defined; the columns are path, label"),
        ("confidence < @limit", "pass a function"),
        ("confidence <", "failed: "),
        ("label", "Int64.* compare a column"),
        ("confidence + 1", "float32.* compare a column"),
        ("x = 3", "DataFrame.* compare a column"),
        ("@pd.io", "pass a function"),
        (3, "query must be text, got int"),
    ],
)
def test_query_without_a_condition_is_refused_and_changes_nothing(explorer, query, message):
    limit = 0.5  # noqa: F841 - what the query does not see
    explorer.select([1])
    with pytest.raises(InvalidInputError, match=message):
        explorer.select(query=query)
    assert explorer.selected.tolist() == [1]


def test_classes_select_by_label_by_prediction_and_by_both(explorer):
    record = explorer.feature_set
    assert chosen(explorer, label="dog") == np.flatnonzero(record.labels == 1).tolist()
    assert chosen(explorer, label=["dog", "unknown"]) == sorted(
        [29, *np.flatnonzero(record.labels == 1)]
    )
    predicted = np.flatnonzero(record.predictions == 2).tolist()
    assert chosen(explorer, prediction="owl") == predicted
    cell = np.flatnonzero((record.labels == 1) & (record.predictions == 2)).tolist()
    assert chosen(explorer, label="dog", prediction="owl") == cell
    with pytest.raises(InvalidInputError, match="no class 'fox'; there are cat, dog, owl"):
        explorer.select(label="fox")


def test_class_can_be_given_by_its_code(explorer):
    labels = explorer.feature_set.labels
    assert chosen(explorer, label=0) == np.flatnonzero(labels == 0).tolist()
    assert chosen(explorer, label=[0, "owl", np.int64(3)]) == np.flatnonzero(labels != 1).tolist()
    assert chosen(explorer, label=1, prediction=2) == chosen(
        explorer, label="dog", prediction="owl"
    )
    for code in (-1, 4, True, 0.0, [None]):
        with pytest.raises(InvalidInputError, match="class"):
            explorer.select(label=code)


@pytest.mark.parametrize("code", [2, np.uint8(2), np.array(2), torch.tensor(2), [torch.tensor(2)]])
def test_a_code_may_be_an_integer_of_any_library(explorer, code):
    record = explorer.feature_set
    assert chosen(explorer, label=code) == np.flatnonzero(record.labels == 2).tolist()
    assert chosen(explorer, prediction=code) == np.flatnonzero(record.predictions == 2).tolist()
    explorer.visible_classes = code
    assert explorer.visible_classes == ("owl",)


@pytest.mark.parametrize("wrong", [4, -1, True, 2.0, "2", np.bool_(True), np.array(2.0), [[2]]])
@pytest.mark.parametrize("word", ["label", "prediction"])
def test_what_is_no_class_is_refused(explorer, word, wrong):
    with pytest.raises(InvalidInputError, match="there is no class"):
        explorer.select(**{word: wrong})


def test_names_that_look_like_numbers_are_text_and_codes_are_integers():
    record = FeatureSet.from_arrays(np.eye(4), ["1", "0", "1", "0"], class_names=["1", "0"])
    with EmbeddingExplorer(record, embedding=np.eye(4)[:, :2]) as explorer:
        assert chosen(explorer, label="0") == [1, 3]
        assert chosen(explorer, label=0) == [0, 2]


def test_selecting_by_missing_labels_is_refused():
    with EmbeddingExplorer(
        FeatureSet.from_arrays(np.eye(4), predictions=["a", "b", "a", "b"]), embedding=np.eye(4, 2)
    ) as explorer:
        explorer.select(prediction="b")
        assert explorer.selected.tolist() == [1, 3]
        with pytest.raises(InvalidInputError, match="label='b' requires labels"):
            explorer.select(label="b")


def test_a_search_finds_ids_paths_and_class_names(explorer):
    record = explorer.feature_set
    assert chosen(explorer, text="DOG") == np.flatnonzero(record.labels == 1).tolist()
    guessed = np.flatnonzero(record.predictions == 1).tolist()
    assert chosen(explorer, text="prediction:dog") == guessed
    assert chosen(explorer, text="cat/00") == [0, 3, 6]
    assert chosen(explorer, text="#8") == [7]
    assert chosen(explorer, text="8") == sorted(
        row for row in range(N) if "8" in str(record.paths[row])
    )
    assert chosen(explorer, text="zebra") == []
    for nothing in ("  ", 8):
        with pytest.raises(InvalidInputError, match="text must have"):
            explorer.select(text=nothing)


def test_neighbors_are_a_row_and_its_nearest_in_feature_space(explorer):
    features = explorer.feature_set.features
    order = np.argsort(np.linalg.norm(features - features[11], axis=1), kind="stable")
    assert order[0] == 11
    assert chosen(explorer, neighbors_of=11, k=5) == sorted(order[:6].tolist())
    for named, message in [
        ({"neighbors_of": N}, f"neighbors_of={N} must be 0 … {N - 1}"),
        ({"neighbors_of": 1.5}, "neighbors_of must be an integer, got 1.5"),
        ({"neighbors_of": 1, "k": N}, f"k={N} must be 1 … {N - 1}"),
    ]:
        with pytest.raises(InvalidInputError, match=message):
            explorer.select(**named)


def test_every_form_combines_by_its_mode(explorer):
    explorer.select(label="cat")
    explorer.select(mode="add", label="dog")
    explorer.select(mode="subtract", query="id < 10")
    explorer.select(lambda frame: frame["label"] == 1, "intersect")
    record = explorer.feature_set
    assert explorer.selected.tolist() == np.flatnonzero((record.labels == 1) & (IDS >= 10)).tolist()


def test_neighbors_by_cosine_have_nearly_the_same_direction(explorer):
    features = explorer.feature_set.features
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    order = np.argsort(-(unit @ unit[3]), kind="stable")
    wanted = sorted(order[:6].tolist())
    assert chosen(explorer, neighbors_of=3, k=5, metric="cosine") == wanted
    assert wanted != chosen(explorer, neighbors_of=3, k=5)
    with pytest.raises(InvalidInputError, match="metric='cos' must be one of euclidean, cosine"):
        explorer.select(neighbors_of=3, metric="cos")


def test_select_accepts_one_selector_at_a_time(explorer):
    with pytest.raises(InvalidInputError, match=r"takes one of .* got none"):
        explorer.select()
    with pytest.raises(InvalidInputError, match=r"got ids, text; .*mode="):
        explorer.select(ids=[1], text="cat")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"ids": [4]}, "1 of 1 ids .* 4, which was skipped"),
        ({"ids": [3, 99]}, "1 of 2 ids .* 99; .*rows"),
        ({"ids": [0.5]}, "ids must be .* got float64"),
        ({"ids": ["a"]}, "ids must be a 1-d array of integers"),
        ({"rows": pd.Index([1, 2])}, r"'id'.*got None; .*ids=index"),
        ({"rows": pd.DataFrame({"a": [1]})}, "column named 'id'"),
        ({"rows": pd.Series([1, 2], name="label")}, r"column 'label'.* > 0\.5"),
        ({"rows": "cat"}, "no selection 'cat': the words are .* a class is label='cat'"),
    ],
)
def test_invalid_selector_is_refused_with_the_remedy(explorer, given, message):
    explorer.select([1])
    with pytest.raises(InvalidInputError, match=message):
        explorer.select(**given)
    assert explorer.selected.tolist() == [1]


def test_rows_of_hidden_classes_wait_in_every_form(explorer):
    explorer.visible_classes = ["cat", "owl"]
    assert chosen(explorer, query="label == 1 or label == 2") == list(range(2, 29, 3))
    assert explorer.message == (
        "10 of 19 rows belong to hidden classes: they are selected once their classes are shown"
    )


def test_finder_names_are_words_of_select(explorer):
    for name in ("confident_mistakes", "least_confident", "other_cluster", "outliers", "torn"):
        explorer.visible_classes = NAMES[:2]
        explorer.select(name)
        visible = explorer.state.visible_rows
        found = finder_rows(name, explorer.state.scores, visible)
        assert explorer.selected.tolist() == sorted(found.tolist())
        assert visible[found].all()
        assert explorer.to_dataframe(name).index.tolist() == IDS[found].tolist()
