"""EmbeddingExplorer without a browser: input, selection, frame, threads, and cleanup."""

import gc
import os
import signal
import sys
import threading
import types
import weakref

import numpy as np
import pytest
import sklearn.manifold
from sklearn.decomposition import PCA

import tsne_widget
from tests.widgets.page import Page, open_widgets
from tests.widgets.projectors import GatedProjector
from tests.widgets.records import three_classes
from tsne_widget import (
    TSNE,
    EmbeddingExplorer,
    FeatureSet,
    InvalidInputError,
    StoreError,
)

N = 60


@pytest.fixture
def record() -> FeatureSet:
    return three_classes(N)


@pytest.fixture
def explorer(record):
    with EmbeddingExplorer(record, embedding=record.features[:, :2]) as opened:
        yield opened


def test_given_embedding_is_available_at_once(explorer, record):
    assert np.array_equal(explorer.embedding, record.features[:, :2])
    assert explorer.wait() is explorer


def test_any_object_with_fit_transform_is_a_projector(record):
    with EmbeddingExplorer(record, projector=PCA(n_components=2)) as explorer:
        expected = PCA(n_components=2).fit_transform(record.features)
        assert np.allclose(explorer.wait().embedding, expected, atol=1e-5)


@pytest.mark.parametrize("theirs", [sklearn.manifold.TSNE, TSNE])
def test_code_of_the_original_notebook_runs(tmp_path, theirs):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 7, 500)
    np.save(tmp_path / "data_embed_npy.npy", rng.normal(size=(500, 4096)) + np.eye(7, 4096)[labels])
    np.save(tmp_path / "label_npu.npy", labels)
    record = FeatureSet.from_npy(tmp_path / "data_embed_npy.npy", tmp_path / "label_npu.npy")
    tsne = theirs(n_components=2, init="pca", random_state=0)
    with EmbeddingExplorer(record, projector=tsne) as explorer:
        assert "t-SNE of 500 × 4,096 features" in repr(explorer)
        explorer.select(explorer.wait().embedding[:, 0] > 0)
        assert len(explorer.to_dataframe()) == (explorer.embedding[:, 0] > 0).sum()
        assert len(explorer.figure().axes) > 0


def test_the_default_projector_is_a_reproducible_tsne(record):
    maps = []
    for _ in range(2):
        with EmbeddingExplorer(record) as explorer:
            maps.append(explorer.wait().embedding)
    assert maps[0].shape == (N, 2)
    assert np.array_equal(*maps)


def test_the_constructor_returns_before_the_map_is_done(record):
    projector = GatedProjector()
    with EmbeddingExplorer(record, projector=projector) as explorer:
        assert explorer.embedding is None
        assert "GatedProjector of 60 × 5 features" in repr(explorer)
        explorer.select([1, 2])  # needs no map
        projector.gate.set()
        frame = explorer.to_dataframe()  # waits
        assert frame["x"].tolist() == record.features[[1, 2], 0].tolist()
        assert "ready" in repr(explorer)
    assert projector.thread is not threading.main_thread()


def test_the_map_arrives_on_the_main_thread_only(record):
    threads = []
    projector = GatedProjector()
    with EmbeddingExplorer(record, projector=projector) as explorer:
        explorer.observe(lambda _change: threads.append(threading.current_thread()), "embedding")
        projector.gate.set()
        explorer.wait()
    assert threads == [threading.main_thread()]


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
def test_an_interrupted_wait_leaves_the_map_running_and_waits_again(record):
    projector = GatedProjector()
    with EmbeddingExplorer(record, projector=projector) as explorer:
        assert projector.started.wait(10)
        threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        with pytest.raises(KeyboardInterrupt):
            explorer.wait()
        assert explorer.state.fit.condition == "running"
        threading.Timer(0.2, projector.gate.set).start()
        assert explorer.wait().embedding is not None
        assert explorer.state.fit.condition == "done"


def test_failure_of_a_projector_is_displayed_and_raised_by_wait(record):
    class Failing:
        def fit_transform(self, features):
            raise ArithmeticError("no such luck")

    with EmbeddingExplorer(record, projector=Failing()) as explorer:
        for _ in range(2):
            with pytest.raises(ArithmeticError, match="no such luck"):
                explorer.wait()
        assert explorer.message.startswith("The map failed: ArithmeticError: no such luck;")
        assert explorer.state.fit.condition == "failed"


def test_a_projector_of_another_dimension_is_an_error(record):
    with EmbeddingExplorer(record, projector=PCA(n_components=3)) as explorer:
        with pytest.raises(InvalidInputError, match=r"shape \(60, 2\), got \(60, 3\)"):
            explorer.wait()
        explorer.select([1])  # everything else keeps working


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"embedding": np.zeros((N - 1, 2))}, r"shape \(60, 2\), got \(59, 2\)"),
        ({"embedding": np.full((N, 2), np.nan)}, "NaN or infinite values in 60 of 60 rows"),
        ({"projector": object()}, "fit_transform method, got object"),
        ({"colors": {"cta": "red"}}, "cat"),
        ({"images": 3}, "int"),
        ({"images": np.zeros((N - 1, 4, 4))}, "images has 59 pictures, but the ids .* go up to 59"),
        ({"images": ["a.png"] * (N - 1)}, "images has 59 pictures"),
        ({"projector": PCA}, r"the class PCA; .*PCA\(\)"),
        ({"height": "400px"}, "height='400px' must be"),
        ({"columns": {"label": np.zeros(N)}}, "'label' .*rename"),
    ],
)
def test_bad_arguments_are_refused_and_leave_no_widget(record, arguments, message):
    before = open_widgets()
    with pytest.raises(InvalidInputError, match=message):
        EmbeddingExplorer(record, **arguments)
    assert open_widgets() == before


def test_arrays_instead_of_a_record_are_refused_with_the_remedy():
    with pytest.raises(InvalidInputError, match=r"FeatureSet\.from_arrays\("):
        EmbeddingExplorer(np.zeros((10, 3)))


@pytest.mark.parametrize("n", [1, 2, 3])
def test_fewer_than_four_samples_need_given_coordinates(n):
    record = FeatureSet.from_arrays(np.eye(4)[:n])
    with pytest.raises(InvalidInputError, match=f"at least 4 samples, got {n}"):
        EmbeddingExplorer(record)
    with EmbeddingExplorer(record, embedding=np.eye(4)[:n, :2]) as explorer:
        assert len(explorer.to_dataframe("all")) == n


def test_from_model_refuses_a_small_dataset_before_running_the_model():
    class Exploding:
        def __getattr__(self, name):
            raise AssertionError("the model was touched")

    with pytest.raises(InvalidInputError, match=r"at least 4 .* has 3"):
        EmbeddingExplorer.from_model(Exploding(), [(0, 0)] * 3)


def test_selecting_from_python_calls_observers_and_views(explorer):
    seen = []
    explorer.observe(lambda change: seen.append(change.new.tolist()), "selected")
    explorer.select([5, 3, 3])
    explorer.selected = [1]
    assert seen == [[3, 5], [1]]
    page = Page(explorer)
    points = page.shows("map", "selected", "<u4")
    assert page.rows(explorer.embedding)[points].tolist() == [1]
    assert page.shows("gallery", "count") == page.shows("toolbar", "selected") == 1
    assert page.shows("legend", "selected_counts", "<u4").tolist() == [0, 1, 0]


def test_misclassified_and_visible_are_words_of_select(explorer, record):
    explorer.select("misclassified")
    assert explorer.selected.tolist() == np.flatnonzero(record.misclassified).tolist()
    assert len(explorer.selected) > 0
    explorer.visible_classes = ["dog"]
    explorer.select("visible")
    assert explorer.selected.tolist() == list(range(1, N, 3))
    with pytest.raises(InvalidInputError, match="no selection 'wrong': the words are 'selected'"):
        explorer.select("wrong")
    with pytest.raises(InvalidInputError, match="did you mean 'misclassified'"):
        explorer.select("misclassifed")
    with pytest.raises(InvalidInputError, match="there is no class 'fox'; there are cat, dog, owl"):
        explorer.visible_classes = "fox"


def test_frame_contains_the_rows_of_each_word(explorer, record):
    explorer.select([4, 2])
    assert explorer.to_dataframe().index.tolist() == [2, 4]
    assert len(explorer.to_dataframe("all")) == N
    wrong = explorer.to_dataframe("misclassified")
    assert wrong["misclassified"].all()
    assert len(wrong) == record.misclassified.sum()
    explorer.visible_classes = ["cat", "owl"]
    assert set(explorer.to_dataframe("visible")["label_name"]) == {"cat", "owl"}
    with pytest.raises(InvalidInputError, match="no selection 'chosen'"):
        explorer.to_dataframe("chosen")


def test_an_empty_selection_is_an_empty_frame_with_the_same_columns(explorer):
    empty, full = explorer.to_dataframe(), explorer.to_dataframe("all")
    assert len(empty) == 0
    assert empty.dtypes.equals(full.dtypes)


SCORES = ["entropy", "loss", "label_rank", "label_agreement", "suspicion", "outlier_score",
          "trustworthiness", "continuity"]  # fmt: skip


def test_scores_are_columns_once_they_are_computed(explorer, record):
    frame = explorer.to_dataframe("all")
    assert frame.columns[-3:].tolist() == SCORES[:3]  # cheap ones
    assert frame[SCORES[:3]].notna().all(axis=None)
    explorer.state.scores["outlier_score"]
    assert explorer.to_dataframe("all")["outlier_score"].notna().all()
    whole = explorer.to_dataframe("all", scores="all")
    assert whole[SCORES].notna().all(axis=None)
    assert np.array_equal(whole["suspicion"], explorer.state.scores["suspicion"])
    assert explorer.to_dataframe(scores=False).columns.tolist() == frame.columns[:-3].tolist()
    with pytest.raises(InvalidInputError, match=r"scores .* got 'no'"):
        explorer.to_dataframe(scores="no")


def test_columns_and_dtypes_are_the_same_for_every_record(explorer):
    bare = FeatureSet.from_arrays(np.eye(4))
    with EmbeddingExplorer(bare, embedding=np.eye(4)[:, :2]) as other:
        for scores in (True, False, "all"):
            frame = other.to_dataframe("all", scores=scores)
            assert frame.dtypes.equals(explorer.to_dataframe(scores=scores).dtypes)
        assert frame["outlier_score"].notna().all()
        assert frame["suspicion"].isna().all()  # impossible without labels, but no error


def test_user_columns_come_last_and_are_kept_without_scores(record):
    columns = {"night": np.arange(N) % 2 == 0, "age": np.arange(N)}
    with EmbeddingExplorer(record, embedding=record.features[:, :2], columns=columns) as explorer:
        for scores in (True, False):
            frame = explorer.to_dataframe("all", scores=scores)
            assert frame.columns[-2:].tolist() == ["night", "age"]
        assert frame["age"].tolist() == list(range(N))


def test_invalid_which_is_refused(explorer):
    with pytest.raises(InvalidInputError, match=r"which must be one of 'selected', .* got list"):
        explorer.to_dataframe([1, 2])


def test_features_are_columns_on_request(explorer, record):
    frame = explorer.to_dataframe("all", features=True)
    assert np.array_equal(frame[[f"f{i}" for i in range(5)]].to_numpy(), record.features)


def test_figure_draws_the_map_with_the_classes_and_colors_of_the_widget(record):
    embedding = record.features[:, :2]
    with EmbeddingExplorer(record, embedding=embedding, colors={"owl": "#123456"}) as explorer:
        figure = explorer.figure(title="Owls")
    axes = figure.axes[0]
    legends = [*figure.legends, *([axes.get_legend()] if axes.get_legend() else [])]
    assert [text.get_text() for text in legends[0].get_texts()] == ["cat", "dog", "owl"]
    assert "Owls" in (axes.get_title(), figure.get_suptitle())


def test_close_leaves_no_widget_behind_and_may_be_called_twice(record):
    before = open_widgets()
    explorer = EmbeddingExplorer(record, embedding=record.features[:, :2])
    assert open_widgets() > before
    explorer.close()
    explorer.close()
    assert open_widgets() == before
    assert "0 selected, closed" in repr(explorer)


def test_no_observer_is_called_after_closing(record):
    explorer = EmbeddingExplorer(record, embedding=record.features[:, :2])
    page, state, heard = Page(explorer), explorer.state, []
    explorer.observe(heard.append, ["selected", "visible_classes"])
    explorer.close()
    page.forget()
    counts = page.shows("legend", "selected_counts")
    state.select([1, 2])
    page.send("legend", "toggle", code=1)  # in transit when the explorer was closed
    assert heard == page.received == []
    assert page.shows("legend", "selected_counts") == counts
    assert state.visible.all()


def test_a_closed_explorer_and_its_state_can_be_collected(record):
    explorer = EmbeddingExplorer(record, embedding=record.features[:, :2])
    explorer._repr_mimebundle_()
    gone, state = weakref.ref(explorer), weakref.ref(explorer.state)
    explorer.close()
    del explorer
    gc.collect()
    assert gone() is None
    assert state() is None


def test_closing_while_the_map_is_computed_drops_the_result(record):
    projector = GatedProjector()
    explorer = EmbeddingExplorer(record, projector=projector)
    state = explorer.state
    explorer.close()
    projector.started.wait(10)
    projector.gate.set()
    projector.thread.join(10)
    assert state.embedding is None


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(StoreError, match=r"nowhere\.npy"):
        FeatureSet.from_npy(tmp_path / "nowhere.npy")


def test_it_displays_as_one_widget_with_a_short_text(explorer):
    data, metadata = explorer._repr_mimebundle_()
    shown = data["application/vnd.jupyter.widget-view+json"]
    assert shown["model_id"] == explorer.model_id
    assert not metadata
    first, hint = data["text/plain"].splitlines()
    assert first == "EmbeddingExplorer(60 samples, 3 classes, 0 selected, ready)"
    assert "save_html" in hint  # where no widget can be displayed


def pretend_colab(monkeypatch, manager):
    colab = types.ModuleType("google.colab.output")
    colab._widgets = types.SimpleNamespace(_installed_url=manager)
    colab.enable_custom_widget_manager = lambda: None
    monkeypatch.setitem(sys.modules, colab.__name__, colab)


def test_output_in_colab_names_how_to_enable_a_missing_widget_manager(explorer, monkeypatch):
    pretend_colab(monkeypatch, None)
    data, _metadata = explorer._repr_mimebundle_()
    assert "google.colab.output.enable_custom_widget_manager()" in data["text/plain"]


def test_output_in_colab_names_a_widget_manager(explorer, monkeypatch):
    pretend_colab(monkeypatch, "https://example.org/manager.js")
    _data, metadata = explorer._repr_mimebundle_()
    manager = metadata["application/vnd.jupyter.widget-view+json"]["colab"]
    assert manager == {"custom_widget_manager": {"url": "https://example.org/manager.js"}}


def test_all_public_names_exist():
    for name in tsne_widget.__all__:
        assert getattr(tsne_widget, name) is not None
    assert set(tsne_widget.__all__) <= set(dir(tsne_widget))
