"""Explorer and comparison as widgets: public traits, links, boxes, and one select() for both."""

import numpy as np
import pytest
import traitlets
from ipywidgets import Accordion, HBox, IntSlider, Tab, interactive_output, link
from traitlets import HasTraits, Int, TraitError, dlink

from tests.widgets.page import Page, open_widgets
from tsne_widget import EmbeddingExplorer, FeatureSet, InvalidInputError, compare

N = 30
XY = np.column_stack([np.arange(N), np.arange(N)[::-1]]).astype(np.float32)
NAMES = ["cat", "dog", "owl"]


def make_record(seed: int = 0) -> FeatureSet:
    rng = np.random.default_rng(seed)
    return FeatureSet.from_arrays(
        rng.normal(size=(N, 4)), np.arange(N) % 3, logits=rng.normal(size=(N, 3)), class_names=NAMES
    )


def make_explorer() -> EmbeddingExplorer:
    return EmbeddingExplorer(make_record(), embedding=XY)


def make_comparison():
    return compare({"early": (make_record(0), XY), "late": (make_record(1), XY[::-1])})


@pytest.fixture
def explorer():
    with make_explorer() as opened:
        yield opened


@pytest.fixture(params=[make_explorer, make_comparison], ids=["explorer", "comparison"])
def widget(request):
    with request.param() as opened:
        yield opened


# ---- traits ----


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("selected", [3, 1], [1, 3]),
        ("selected", np.arange(N) < 2, [0, 1]),
        ("value", [3, 1], [1, 3]),
        ("visible_classes", "dog", ("dog",)),
        ("visible_classes", ["owl", 0], ("cat", "owl")),
        ("color_by", "correct", "correct"),
        ("hovered", 3, 3),
    ],
)
def test_public_traits_behave_like_any_trait(widget, name, value, read):
    changes = []
    old = getattr(widget, name)
    widget.observe(changes.append, name)
    setattr(widget, name, value)
    (change,) = changes
    assert (change.name, change.type) == (name, "change")
    assert change.owner is widget
    for found in (getattr(widget, name), change.new):
        assert (found.tolist() if isinstance(found, np.ndarray) else found) == read
    assert np.array_equal(change.old, old)
    widget.unobserve(changes.append, name)
    setattr(widget, name, old)
    assert len(changes) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("selected", [N]),
        ("selected", ["a"]),
        ("selected", None),
        ("value", [-1]),
        ("visible_classes", "fox"),
        ("visible_classes", 2.5),
        ("color_by", "nothing"),
        ("color_by", 3),
        ("hovered", N),
        ("hovered", "1"),
    ],
)
def test_invalid_value_is_an_error_of_the_package_and_of_traitlets(widget, name, value):
    widget.select([5])
    before = getattr(widget, name)
    changes = []
    widget.observe(changes.append)
    for kind in (InvalidInputError, TraitError, ValueError):
        with pytest.raises(kind):
            setattr(widget, name, value)
    assert np.array_equal(getattr(widget, name), before)
    assert changes == []


@pytest.mark.parametrize("name", ["embedding", "busy", "message", "selections"])
def test_traits_computed_by_the_widget_are_read_only(widget, name):
    before = getattr(widget, name)
    with pytest.raises(TraitError):
        setattr(widget, name, before)
    assert widget.has_trait(name)


def test_unknown_trait_name_is_an_error(widget):
    for names in ("selectd", ["selected", "selectd"]):
        with pytest.raises(InvalidInputError, match=r"'selectd'.*selected"):
            widget.observe(print, names)
    with pytest.raises(AttributeError, match=r"'selectd'.*selected"):
        widget.selectd = [1]
    assert not hasattr(widget, "selectd")


def test_observers_can_follow_all_names_some_names_or_one(widget):
    heard = {"all": [], "some": [], "one": []}
    widget.observe(lambda change: heard["all"].append(change.name))
    widget.observe(lambda change: heard["some"].append(change.name), ["hovered", "color_by"])
    widget.observe(lambda change: heard["one"].append(change.name), names="hovered", type="change")
    widget.observe(lambda change: heard["one"].append(change.name), "hovered", type=traitlets.All)
    widget.select([1])
    widget.hovered = 4
    widget.name_selection("mine")
    assert heard["all"] == ["selected", "value", "hovered", "selections"]
    assert heard["some"] == ["hovered"]
    assert heard["one"] == ["hovered", "hovered"]


def test_a_gesture_on_the_page_notifies_observers(widget):
    heard = []
    widget.observe(lambda change: heard.append(change.new), "visible_classes")
    Page(widget).send("legend", "toggle", code=0)
    assert heard == [("dog", "owl")]


def test_observers_can_be_named_in_a_decorator_of_traitlets(widget):
    heard = []
    widget.observe(heard.append, ["selected"])
    widget.unobserve_all("selected")
    widget.select([1])
    assert heard == []


# ---- messages ----


def test_one_gesture_is_one_update_of_all_views(explorer):
    page = Page(explorer)
    page.send("legend", "toggle", code=1)
    (names,) = page.updates()
    assert {"map.visible", "legend.visible", "toolbar.visible", "gallery.count"} <= set(names)


def test_the_page_learns_of_a_change_before_a_handler_of_it_runs(explorer):
    page, known = Page(explorer), []
    explorer.observe(
        lambda _change: known.append("selected" in page.updates("map")[-1]), "selected"
    )
    page.send("map", "pick", point=3, epoch=0, mode="replace")
    explorer.select([4, 5])
    assert known == [True, True]


def test_a_reply_comes_after_the_traits_that_change_with_it(explorer):
    page = Page(explorer)
    page.lasso([[-1, -1], [N, -1], [N, N], [-1, N]])
    methods = [message.kind or "traits" for message in page.received]
    assert methods == ["traits", "selected"]


# ---- links and boxes ----


def test_two_explorers_are_linked_both_ways(explorer):
    with make_explorer() as other:
        explorer.select([7])
        tied = link((explorer, "selected"), (other, "selected"))
        assert other.selected.tolist() == [7]
        explorer.select([1, 2])
        assert other.selected.tolist() == [1, 2]
        Page(other).send("toolbar", "clear")
        assert explorer.selected.tolist() == []
        tied.unlink()
        other.select([3])
        assert explorer.selected.tolist() == []


def test_trait_of_another_object_can_follow_the_selection(widget):
    class Counter(HasTraits):
        count = Int()
        rows = traitlets.Any()

    counter = Counter()
    dlink((widget, "selected"), (counter, "count"), len)
    link((widget, "selected"), (counter, "rows"))
    widget.select([1, 2, 3])
    assert counter.count == 3
    counter.rows = [4]
    assert widget.selected.tolist() == [4]
    assert counter.count == 1


def test_explorer_is_a_control_of_interactive_output(widget):
    seen = []
    output = interactive_output(lambda rows: seen.append(len(rows)), {"rows": widget})
    widget.select([1, 2])
    assert seen == [0, 2]
    output.layout.close()
    output.close()


@pytest.mark.parametrize("box", [HBox, Tab, Accordion])
def test_boxes_can_contain_an_explorer(widget, box):
    slider = IntSlider()
    held = box([widget, slider])
    assert held.children[0] is widget
    assert Page(widget).shows("frame", "kind") in ("explorer", "comparison")
    data = widget._repr_mimebundle_()[0]["application/vnd.jupyter.widget-view+json"]
    assert data["model_id"] == widget.model_id
    again = widget._repr_mimebundle_()[0]["application/vnd.jupyter.widget-view+json"]
    assert again == data  # shown twice, it is one widget


# ---- selecting ----


@pytest.mark.parametrize(
    "given",
    [
        {"rows": [1, 4]},
        {"rows": np.arange(N) < 3},
        {"rows": "visible"},
        {"ids": [2, 3]},
        {"label": "dog"},
        {"label": 0},
        {"label": ["cat", 2]},
        {"query": "label_name == 'owl'"},
        {"text": "dog"},
        {"neighbors_of": 4, "k": 3},
        {"rows": lambda frame: frame["label_name"] == "cat"},
    ],
    ids=lambda given: ",".join(given),
)
def test_comparison_and_explorer_have_the_same_select(given):
    with make_explorer() as explorer, make_comparison() as comparison:
        for one in (explorer, comparison):
            one.visible_classes = NAMES
            one.select(**given)
            assert len(one.selected) > 0
        if "text" not in given and "neighbors_of" not in given:
            assert explorer.selected.tolist() == comparison.selected.tolist()
        frames = [one.to_dataframe() for one in (explorer, comparison)]
        for one, frame in zip((explorer, comparison), frames, strict=True):
            assert frame.index.tolist() == one.selected.tolist()  # the default is "selected"


def test_undo_names_and_clear_are_the_same_in_explorer_and_comparison(widget):
    widget.select([1, 2])
    widget.name_selection("mine")
    widget.clear()
    widget.undo()
    assert widget.selected.tolist() == [1, 2]
    widget.redo()
    widget.select("mine")
    widget.rename_selection("mine", "ours")
    assert list(widget.selections) == ["ours"]
    widget.drop_selection("ours")
    assert dict(widget.selections) == {}
    assert widget.selected.tolist() == [1, 2]


def test_given_coordinates_have_no_projector(explorer):
    assert explorer.projector is None


# ---- closing ----


@pytest.mark.parametrize("make", [make_explorer, make_comparison])
def test_a_closed_widget_leaves_none_in_the_registry(make):
    before = open_widgets()
    widget = make()
    widget.select([1])
    widget.close()
    widget.close()
    assert open_widgets() == before


@pytest.mark.parametrize("rows", [[], [3], [3, 4]])
def test_observers_do_not_hear_of_the_same_rows_again(widget, rows):
    heard = []
    widget.select(rows)
    widget.observe(heard.append, ["selected", "value"])
    widget.select(rows)
    widget.selected = rows
    assert heard == []
