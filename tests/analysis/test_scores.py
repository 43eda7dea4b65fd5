"""Scores: each equals its function, is computed once, and names its missing inputs."""

import threading

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from tsne_widget import FeatureSet, InvalidInputError, analysis
from tsne_widget.analysis import SCORES, Scores, sample_frame, score_values
from tsne_widget.analysis.columns import FRAME_COLUMNS


@pytest.fixture(scope="module")
def record():
    data = load_digits()
    X, y = data.data[:300].astype(np.float32), data.target[:300]
    logits = LogisticRegression(max_iter=2000).fit(X[:150], y[:150]).decision_function(X)
    return FeatureSet.from_arrays(X, y, logits=logits, predictions=logits.argmax(1))


def test_each_score_equals_its_function(record):
    embedding = np.random.default_rng(0).normal(size=(300, 2)).astype(np.float32)
    columns = Scores(record)
    columns.use_embedding(embedding)
    near = analysis.kneighbors(record.features, 50)
    true = {
        "confidence": analysis.confidence(record.logits),
        "margin": analysis.margin(record.logits),
        "entropy": analysis.entropy(record.logits),
        "loss": analysis.loss(record.logits, record.labels),
        "label_rank": analysis.label_rank(record.logits, record.labels),
        "label_agreement": analysis.label_agreement(near.indices, record.labels),
        "suspicion": analysis.label_suspicion(record.logits, record.labels, record.features),
        "outlier_score": analysis.outlier_score(*near),
        "trustworthiness": analysis.faithfulness(record.features, embedding).trustworthiness,
        "continuity": analysis.faithfulness(record.features, embedding).continuity,
    }
    assert set(true) == {name for name in columns.names if columns.applies(name)}
    for name, expected in true.items():
        assert not columns.is_ready(name) or name == "continuity"  # comes with trustworthiness
        assert columns[name].shape == (300,)
        assert np.array_equal(columns[name], expected), name
        assert columns.is_ready(name)


def test_score_with_missing_inputs_names_them(record):
    bare = Scores(FeatureSet.from_arrays(record.features))
    assert bare.lacks("loss") == "needs logits and labels"
    assert bare.lacks("trustworthiness") == "needs the finished map"
    assert bare.lacks("outlier_score") == ""
    with pytest.raises(InvalidInputError, match="loss needs logits and labels"):
        bare["loss"]
    with pytest.raises(InvalidInputError, match="no score or column 'los'"):
        bare["los"]


IDS = np.array([30, 10, 20])


@pytest.mark.parametrize(
    ("index", "heights", "expected"),
    [
        ([10, 20, 30], [1, 2, 3], [3, 1, 2]),
        ([20, 99, 10, 30, 7], [1, 2, 3, 4, 5], [4, 3, 1]),  # of the whole dataset
    ],
)
def test_a_frame_of_columns_is_read_by_its_index_of_ids(index, heights, expected):
    record = FeatureSet.from_arrays(np.eye(3), ids=IDS)
    columns = Scores(record, pd.DataFrame({"height": heights}, index=index))
    assert columns["height"].tolist() == expected


@pytest.mark.parametrize("index", [[10, 20, 40], list("abc"), [10, 10, 20], [2, 0, 1], None])
def test_a_frame_of_columns_of_other_samples_is_refused_with_the_remedy(index):
    record = FeatureSet.from_arrays(np.eye(3), ids=IDS)
    frame = pd.DataFrame({"height": [1, 2, 3]}, index=index)
    with pytest.raises(InvalidInputError, match=r"columns\['height'\]\.to_numpy\(\)"):
        Scores(record, frame)
    by_position = {"height": frame["height"].to_numpy()}
    assert Scores(record, by_position)["height"].tolist() == [1, 2, 3]


def test_user_column_cannot_have_the_name_of_a_frame_column(record):
    frame = sample_frame(record, np.arange(2)).columns
    assert set(FRAME_COLUMNS) == {"id", *frame} - SCORES.keys()
    with pytest.raises(InvalidInputError, match="'label_name' is already a column of the frame"):
        Scores(record, {"label_name": np.zeros(300)})


def test_new_map_drops_the_scores_of_the_old_one(record):
    random = np.random.default_rng(1)
    columns = Scores(record)
    columns.use_embedding(random.normal(size=(300, 2)).astype(np.float32))
    first, margin = columns["trustworthiness"], columns["margin"]
    columns.use_embedding(random.normal(size=(300, 2)).astype(np.float32))
    assert not columns.is_ready("trustworthiness")
    assert not np.array_equal(columns["trustworthiness"], first)
    assert columns["margin"] is margin


def test_concurrent_threads_share_one_computation(record, monkeypatch):
    calls = []
    true = score_values.kneighbors
    monkeypatch.setattr(
        score_values, "kneighbors", lambda *args, **how: calls.append(1) or true(*args, **how)
    )
    columns = Scores(record)
    names = ["label_agreement", "outlier_score"] * 4
    threads = [threading.Thread(target=columns.__getitem__, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert calls == [1]
    assert set(columns.ready()) == {"label_agreement", "outlier_score"}


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"margin": np.zeros(300)}, "'margin' is already a score"),
        ({"age": np.zeros(299)}, r"shape \(300,\)"),
        ({7: np.zeros(300)}, "name must be text"),
    ],
)
def test_wrong_columns_are_refused(record, columns, message):
    with pytest.raises(InvalidInputError, match=message):
        Scores(record, columns)


def test_the_users_columns_come_after_the_scores(record):
    ages = np.arange(300)
    columns = Scores(record, {"age": ages})
    assert columns.names[-1] == "age"
    assert np.array_equal(columns["age"], ages)
    assert columns.is_ready("age")


def test_kept_scores_are_available_while_another_is_computed(record, monkeypatch):
    columns = Scores(record, {"speed": np.arange(300)})
    confidence = columns["confidence"]
    begun, gate = threading.Event(), threading.Event()

    def slow(*_arguments):
        begun.set()
        assert gate.wait(30)
        return np.zeros(300, dtype=np.float32)

    monkeypatch.setitem(SCORES, "suspicion", SCORES["suspicion"]._replace(compute=slow))
    computing = threading.Thread(target=columns.__getitem__, args=("suspicion",))
    computing.start()
    assert begun.wait(30)

    def read():
        columns.use_embedding(np.zeros((300, 2), dtype=np.float32))
        assert columns["confidence"] is confidence
        assert list(columns.ready()) == ["confidence", "speed"]
        assert columns.index.nearest_to(0, 1)

    reading = threading.Thread(target=read)
    reading.start()
    reading.join(30)
    was_free = not reading.is_alive()
    gate.set()
    reading.join(30)
    computing.join(30)
    assert was_free


def test_score_of_a_replaced_map_is_not_kept(record, monkeypatch):
    columns = Scores(record)
    columns.use_embedding(np.zeros((300, 2), dtype=np.float32))

    def replaced(*_arguments):
        columns.use_embedding(np.ones((300, 2), dtype=np.float32))
        return analysis.Faithfulness(*[np.zeros(300, dtype=np.float32)] * 2)

    monkeypatch.setitem(SCORES, "continuity", SCORES["continuity"]._replace(compute=replaced))
    columns["continuity"]
    assert not columns.is_ready("continuity")
