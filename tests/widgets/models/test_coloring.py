"""What the colours say: texels against the values they stand for, keys, and what is refused."""

import asyncio

import numpy as np
import pandas as pd
import pytest

from tsne_widget import EmbeddingExplorer, FeatureSet, InvalidInputError
from tsne_widget._text import REMEDY
from tsne_widget.plotting import UNKNOWN_COLOR
from tsne_widget.widgets.models.coloring import TEXELS, UNKNOWN_TEXEL, coloring
from tsne_widget.widgets.state.explorer_state import ExplorerState

N = 90
PALETTE = ("#111111", "#222222", "#333333", UNKNOWN_COLOR)


@pytest.fixture
def record() -> FeatureSet:
    rng = np.random.default_rng(0)
    labels = np.arange(N) % 3
    labels[7] = -1
    logits = np.eye(3)[np.arange(N) % 3] * 3 + rng.normal(size=(N, 3)) * 2
    return FeatureSet.from_arrays(
        rng.normal(size=(N, 5)), labels, logits=logits, class_names=["cat", "dog", "owl"]
    )


def state_of(record: FeatureSet, **columns) -> ExplorerState:
    return ExplorerState(record, record.features[:, :2].copy(), columns)


def drawn(colors) -> list[str]:
    """Colour of each sample whose texel is a whole number."""
    return [colors.texture[int(texel)] for texel in colors.texels]


def test_labels_have_their_classes_colours_and_unknown_ones_are_grey(record):
    colors = coloring(state_of(record), "label", PALETTE)
    expected = [PALETTE[label] if label >= 0 else UNKNOWN_COLOR for label in record.labels]
    assert drawn(colors) == expected
    assert colors.unknown == 1
    assert colors.entries[0] == ("cat", "#111111", 30)


def test_predictions_have_the_same_colours_as_labels(record):
    colors = coloring(state_of(record), "prediction", PALETTE)
    assert drawn(colors) == [PALETTE[prediction] for prediction in record.predictions]


def test_right_wrong_and_unknown_are_told_apart(record):
    colors = coloring(state_of(record), "correct", PALETTE)
    wrong = record.misclassified
    assert [entry[0] for entry in colors.entries] == ["right", "wrong"]
    assert [entry[2] for entry in colors.entries] == [N - 1 - wrong.sum(), wrong.sum()]
    assert len(set(np.array(drawn(colors))[wrong])) == 1
    assert drawn(colors)[7] == UNKNOWN_COLOR


def test_amounts_run_through_the_ramp_in_their_order(record):
    values = np.arange(N) / 10
    colors = coloring(state_of(record, height=values), "height", PALETTE)
    assert (np.diff(colors.texels) >= 0).all()
    assert colors.texels[0] == 0
    assert colors.texels[-1] == UNKNOWN_TEXEL - 1
    assert colors.texels[N // 2] == pytest.approx((UNKNOWN_TEXEL - 1) / 2, abs=3)
    assert len(colors.texture) == TEXELS
    assert colors.entries == []


def test_one_far_value_does_not_make_the_others_look_alike_and_the_key_says_so(record):
    values = np.linspace(0, 1, N)
    values[3] = 1e9
    colors = coloring(state_of(record, height=values), "height", PALETTE)
    assert np.ptp(colors.texels[10:]) > 200
    assert colors.texels[3] == UNKNOWN_TEXEL - 1
    assert colors.high.startswith("≥ ")
    assert float(colors.high[2:]) <= 1


@pytest.mark.parametrize(
    "values",
    [np.full(N, 2.5), np.full(N, np.nan), np.r_[np.inf, -np.inf, np.zeros(N - 2)]],
    ids=["constant", "nan", "infinite"],
)
def test_amounts_without_a_range_are_drawn_all_the_same(record, values):
    colors = coloring(state_of(record, height=values), "height", PALETTE)
    assert np.isfinite(colors.texels).all()
    assert ((colors.texels == UNKNOWN_TEXEL) == ~np.isfinite(values)).all()
    assert colors.unknown == np.count_nonzero(~np.isfinite(values))


@pytest.mark.parametrize(
    "values",
    [
        np.array(["red", "blue", "green"] * 30),
        np.array(["red", None, "blue"] * 30, dtype=object),
        np.array([True, False, True] * 30),
        np.array([4, 9, 4] * 30),
    ],
    ids=["text", "objects", "bools", "few integers"],
)
def test_text_truth_and_few_integers_are_categories(record, values):
    colors = coloring(state_of(record, kind=values), "kind", PALETTE)
    of_value = {}
    for value, color in zip(values.tolist(), drawn(colors), strict=True):
        assert of_value.setdefault(value, color) == color
    assert len(set(of_value.values())) == len(of_value)
    assert of_value.get(None, UNKNOWN_COLOR) == UNKNOWN_COLOR
    assert sum(entry[2] for entry in colors.entries) + colors.unknown == N


def test_many_integers_and_dates_are_amounts(record):
    days = np.datetime64("2026-01-01") + np.arange(N)
    state = state_of(record, age=np.arange(N), day=days)
    assert coloring(state, "age", PALETTE).low == "≤ 1"
    colors = coloring(state, "day", PALETTE)
    assert colors.low == "≤ 2026-01-02"
    assert (np.diff(colors.texels) >= 0).all()


def test_a_long_key_counts_the_rest(record):
    colors = coloring(state_of(record, name=np.arange(N).astype(str)), "name", PALETTE)
    assert len(colors.entries) + colors.more == N
    assert colors.more > 0


def test_colouring_by_what_is_not_there_names_what_is_possible():
    bare = FeatureSet.from_arrays(np.eye(6), [0, 1] * 3)
    with EmbeddingExplorer(bare, embedding=np.eye(6)[:, :2], columns={"age": range(6)}) as explorer:
        with pytest.raises(InvalidInputError, match=r"'confidence' needs logits; possible.*age"):
            explorer.color_by = "confidence"
        with pytest.raises(InvalidInputError, match="'agee' is unknown"):
            explorer.color_by = "agee"
        assert explorer.color_by == "label"


def test_another_colour_keeps_selection_zoom_and_toggles(record):
    frame = pd.DataFrame({"height": np.arange(N) / 7})
    xy = record.features[:, :2]
    with EmbeddingExplorer(record, embedding=xy, columns=frame) as explorer:
        explorer.visible_classes = ["cat", "dog"]
        explorer.select([0, 3])
        view = explorer._views["scatter"]
        view.viewport = [0.0, 1.0, 0.0, 1.0]
        before = view.selected, view.visible
        mark = view.figure.marks[0]
        for name in ("height", "correct", "label_agreement", "trustworthiness", "label"):
            explorer.color_by = name
            assert view.color_by == name
            assert (view.selected, view.visible) == before
            assert view.viewport == [0.0, 1.0, 0.0, 1.0]
            expected = coloring(explorer.state, name, view._colors).texels[view._rows]
            assert np.array_equal(mark.color, expected)
        assert explorer.selected.tolist() == [0, 3]


def test_whole_texels_travel_as_bytes(record):
    with EmbeddingExplorer(record, embedding=record.features[:, :2]) as explorer:
        assert explorer._views["scatter"].figure.marks[0].color.dtype == np.uint8
        explorer.color_by = "confidence"
        assert explorer._views["scatter"].figure.marks[0].color.dtype == np.float32


def test_named_selections_colour_the_map_and_follow_their_changes(record):
    with EmbeddingExplorer(record, embedding=record.features[:, :2]) as explorer:
        with pytest.raises(InvalidInputError, match="needs a named selection"):
            explorer.color_by = "selection"
        explorer.name_selection("first", [1, 2])
        explorer.color_by = "selection"
        view = explorer._views["scatter"]
        explorer.name_selection("second", [2, 9])
        colors = explorer.state.selection_colors
        mark = view.figure.marks[0]
        texture = mark.scales["color"].colors
        drawn_by_row = [texture[int(texel)] for texel in mark.color[view._points]]
        assert drawn_by_row[1] == drawn_by_row[2] == colors["first"]  # the first one wins
        assert drawn_by_row[9] == colors["second"]
        assert drawn_by_row[0] == UNKNOWN_COLOR
        assert view.key["entries"] == [
            ("first", colors["first"], 2),
            ("second", colors["second"], 1),
        ]


class Nameless:
    """A value that nothing can be said of."""

    def __str__(self) -> str:
        raise RuntimeError("no text of this")


def test_a_column_that_cannot_be_drawn_is_told_and_the_map_stays_as_it_is(record):
    column = np.array([Nameless() for _ in range(N)], dtype=object)
    with EmbeddingExplorer(
        record, embedding=record.features[:, :2], columns={"odd": column}
    ) as explorer:
        scatter = explorer._views["scatter"]
        scatter._handle_custom_msg({"kind": "color", "name": "odd"}, [])
        assert explorer.state.message == f"RuntimeError: no text of this{REMEDY}"
        assert explorer.color_by == scatter.color_by == "label"
        with pytest.raises(RuntimeError, match="no text"):
            explorer.color_by = "odd"
        assert explorer.color_by == "label"
        explorer.color_by = "confidence"
        assert scatter.color_by == "confidence"


def test_a_score_that_fails_in_the_background_leaves_the_colours(record, monkeypatch):
    def broken(_self, _name):
        raise ArithmeticError("no score")

    async def choose() -> tuple[str, str, str]:
        with EmbeddingExplorer(record, embedding=record.features[:, :2]) as explorer:
            monkeypatch.setattr(type(explorer.state.scores), "__getitem__", broken)
            explorer.color_by = "outlier_score"
            while explorer.state.busy:
                await asyncio.sleep(0.01)
            return explorer.state.message, explorer.color_by, explorer._views["scatter"].color_by

    message, wanted, drawn = asyncio.run(choose())
    assert message.endswith(f"failed: ArithmeticError: no score{REMEDY}")
    assert wanted == drawn == "label"
