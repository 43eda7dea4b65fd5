"""Several maps of one record: computed one by one, displayed one at a time."""

import threading
import warnings

import numpy as np
import pytest
import sklearn.manifold
from sklearn.decomposition import PCA

from tests.widgets.page import Page
from tests.widgets.views.gallery_page import GalleryPage
from tsne_widget import TSNE, EmbeddingExplorer, FeatureSet, InvalidInputError
from tsne_widget.widgets.maps.map_state import MapState
from tsne_widget.widgets.state.explorer_state import ExplorerState

N = 60


@pytest.fixture
def record():
    rng = np.random.default_rng(0)
    labels = np.arange(N) % 3
    features = rng.normal(size=(N, 5)) + 4 * np.eye(3, 5)[labels]
    logits = rng.normal(size=(N, 3)) + 2 * np.eye(3)[labels]
    return FeatureSet.from_arrays(features, labels, logits=logits, predictions=logits.argmax(1))


@pytest.fixture
def two(record):
    """An explorer with two given maps; the second is a line."""
    maps = {"plane": record.features[:, :2], "line": np.arange(2 * N).reshape(N, 2)}
    with EmbeddingExplorer(record, embedding=maps) as explorer:
        yield explorer


class Failing:
    def fit_transform(self, features):
        raise ArithmeticError("features are odd")


def test_all_projectors_are_computed_and_the_first_map_is_displayed(record):
    projectors = {"t-SNE": TSNE(random_state=0, max_iter=260), "flat": PCA(n_components=2)}
    with EmbeddingExplorer(record, projector=projectors) as explorer:
        maps = explorer.wait().embeddings
        assert list(maps) == ["t-SNE", "flat"]
        assert np.array_equal(explorer.embedding, maps["t-SNE"])
        expected = PCA(n_components=2).fit_transform(record.features)
        assert np.allclose(maps["flat"], expected, atol=1e-5)


def test_given_and_computed_maps_can_be_combined(record):
    given = {"mine": record.features[:, :2]}
    with EmbeddingExplorer(
        record, embedding=given, projector={"PCA": PCA(n_components=2)}
    ) as explorer:
        assert np.array_equal(explorer.embedding, record.features[:, :2])
        assert list(explorer.wait().embeddings) == ["mine", "PCA"]


def test_changing_the_map_keeps_selection_toggles_colours_and_undo(two):
    two.select([0, 3])
    two.select([1, 2, 4])
    two.visible_classes = ["1", "2"]
    two.color_by = "confidence"
    two.show_embedding("line")
    assert two.selected.tolist() == [1, 2, 4]
    assert two.visible_classes == ("1", "2")
    assert two.color_by == "confidence"
    two.undo()  # shows all classes again
    two.undo()
    two.show_embedding("plane")
    assert two.selected.tolist() == [0, 3]


def test_frame_has_the_coordinates_of_the_displayed_map(two):
    two.show_embedding("line")
    assert two.to_dataframe("all")["y"].tolist() == list(range(1, 2 * N, 2))


def test_map_scores_belong_to_the_displayed_map(two):
    faithful = two.to_dataframe("all", scores="all")["trustworthiness"]
    two.show_embedding("line")
    other = two.to_dataframe("all", scores="all")["trustworthiness"]
    assert other.mean() < faithful.mean() - 0.05


def test_colours_by_map_scores_follow_the_displayed_map(two):
    two.color_by = "trustworthiness"
    points = Page(two).figure().marks[0]
    before = points.color.copy()
    two.show_embedding("line")
    assert not np.array_equal(points.color, before)
    assert two.color_by == "trustworthiness"


def test_sort_by_a_map_score_follows_the_displayed_map(two):
    page = GalleryPage(two)
    two.select("all")
    page.asks("arrange", sort="trustworthiness", group="none")
    before = page.rows_of_tiles()
    two.show_embedding("line")
    assert page.get("sorted_by") == "trustworthiness"
    expected = np.argsort(two.state.scores["trustworthiness"], kind="stable").tolist()
    assert page.rows_of_tiles() == expected != before


def test_points_are_sent_once_for_another_map_and_fitted_again(two):
    page = Page(two)
    page.sets("map", viewport=[0.0, 1.0, 0.0, 1.0])
    page.forget()
    two.show_embedding("line")
    sent = [name for update in page.updates() for name in update]
    assert sent.count("x") == sent.count("y") == 1
    assert "color" not in sent
    assert page.shows("map", "viewport") == []


def test_polygon_applies_to_the_displayed_map(two):
    two.show_embedding("line")
    Page(two).lasso([[-1, -1], [5, -1], [5, 6], [-1, 6]])  # (0, 1), (2, 3), (4, 5)
    assert two.selected.tolist() == [0, 1, 2]


def test_page_chooses_a_map_by_index(two):
    page = Page(two)
    assert [one["name"] for one in page.shows("foot", "maps")] == ["plane", "line"]
    page.send("foot", "map", index=1)
    assert page.shows("foot", "map") == 1
    assert two.embedding[1].tolist() == [2, 3]
    for index in (-1, 2, True, "line", None):
        page.send("foot", "map", index=index)
    assert page.shows("foot", "map") == 1


def test_added_map_is_displayed_when_computed_and_the_first_is_kept(record):
    with EmbeddingExplorer(record, embedding=record.features[:, :2]) as explorer:
        explorer.run(projector=PCA(n_components=2))
        explorer.run(projector=PCA(n_components=3, svd_solver="full"), name="three")
        with pytest.raises(InvalidInputError, match="shape"):
            explorer.wait()
        assert list(explorer.embeddings) == ["given", "PCA"]
        assert np.array_equal(explorer.embedding, explorer.embeddings["PCA"])


def test_added_maps_of_one_class_get_a_number(record):
    with EmbeddingExplorer(record, projector={"PCA": PCA(n_components=2)}) as explorer:
        explorer.run(projector=PCA(n_components=2))
        assert list(explorer.wait().embeddings) == ["PCA", "PCA 2"]


def test_failed_map_is_reported_and_the_next_one_is_displayed(record):
    projectors = {"bad": Failing(), "good": PCA(n_components=2)}
    with EmbeddingExplorer(record, projector=projectors) as explorer:
        with pytest.raises(ArithmeticError, match="features are odd"):
            explorer.wait()
        assert explorer.state.map_name == "good"
        assert explorer.embedding is not None
        notes = {one["name"]: one["note"] for one in Page(explorer).shows("foot", "maps")}
        assert notes == {"bad": "failed", "good": ""}
        with pytest.raises(InvalidInputError, match="features are odd"):
            explorer.show_embedding("bad")


def test_unknown_map_cannot_be_displayed(record):
    gate = threading.Event()

    class Gated:
        def fit_transform(self, features):
            assert gate.wait(30)
            return features[:, :2]

    given = {"mine": record.features[:, :2]}
    with EmbeddingExplorer(record, embedding=given, projector={"slow": Gated()}) as explorer:
        with pytest.raises(InvalidInputError, match=r"'slow'.*wait\(\)"):
            explorer.show_embedding("slow")
        with pytest.raises(InvalidInputError, match="there are 'mine', 'slow'"):
            explorer.show_embedding("fast")
        gate.set()
        explorer.wait().show_embedding("slow")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"projector": {}}, "1 … 20 maps"),
        ({"projector": {"PCA": "pca"}}, "fit_transform"),
        ({"projector": {"": PCA(n_components=2)}}, "name must be text"),
        ({"embedding": {"a": np.zeros((N, 3))}}, r"embedding\['a'\]: .*shape"),
        (
            {"embedding": {"a": np.zeros((N, 2))}, "projector": {"a": PCA(n_components=2)}},
            "both name a map 'a'",
        ),
    ],
)
def test_invalid_maps_are_refused_before_anything_is_computed(record, arguments, message):
    with pytest.raises(InvalidInputError, match=message):
        EmbeddingExplorer(record, **arguments)


def test_every_map_is_saved_and_loaded_with_the_displayed_one(two, tmp_path):
    two.show_embedding("line")
    two.save(tmp_path / "saved")
    with EmbeddingExplorer.load(tmp_path / "saved") as loaded:
        assert loaded.state.map_name == "line"
        maps = loaded.embeddings
        assert maps.keys() == two.embeddings.keys()
        assert all(np.array_equal(maps[name], two.embeddings[name]) for name in maps)


def test_fit_reports_its_time_and_whether_it_is_repeatable(record):
    projectors = {"theirs": sklearn.manifold.TSNE(perplexity=5), "PCA": PCA(n_components=2)}
    with EmbeddingExplorer(record, projector=projectors) as explorer:
        fits = explorer.wait().state.fits
        assert all(fit.seconds > 0 for fit in fits.values())
        assert "random_state is not set" in fits["theirs"].note
        assert fits["PCA"].note == ""
        assert Page(explorer).shows("foot", "fit")["seconds"] == fits["theirs"].seconds


def test_points_between_two_maps_have_no_map_scores(record):
    state = ExplorerState(record, None)
    one = MapState(state, record.features[:, :2], record, {})
    assert one.scores.lacks("trustworthiness") == ""
    one.is_between = True
    one.embedding = record.features[:, 1:3].copy()
    assert "map" in one.scores.lacks("trustworthiness")


@pytest.mark.parametrize("scale", [0, 1e-30], ids=["constant", "tiny"])
def test_features_that_crash_other_projectors_are_refused(scale):
    record = FeatureSet.from_arrays(scale * np.random.default_rng(0).normal(size=(N, 5)) + 0)
    explorer = EmbeddingExplorer(record, projector=sklearn.manifold.TSNE(init="pca"))
    with explorer, pytest.raises(InvalidInputError, match="dead layer"):
        explorer.wait()


def optional(name):
    """A projector of a package that is not a dependency; otherwise skip the test."""
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore")
        config = pytest.importorskip("numba", reason="numba is not installed").config
        patch.setattr(config, "DISABLE_JIT", True)  # to compile these packages takes 25 seconds
        umap = pytest.importorskip("umap", reason="umap-learn is not installed")
        if name == "UMAP":
            return umap.UMAP(random_state=0, n_jobs=1, n_epochs=100)
        theirs = pytest.importorskip("openTSNE.sklearn", reason="openTSNE is not installed")
        return theirs.TSNE(random_state=0, n_iter=50, early_exaggeration_iter=50)


@pytest.mark.filterwarnings("ignore")  # from these packages
@pytest.mark.parametrize("name", ["UMAP", "openTSNE"])
def test_projectors_of_other_packages_work_like_ours(record, name):
    with EmbeddingExplorer(record, projector={name: optional(name)}) as explorer:
        xy = explorer.wait().embeddings[name]
        assert xy.shape == (N, 2)
        assert explorer.to_dataframe("all", scores="all")["trustworthiness"].mean() > 0.6
