"""Colours of the map: every view agrees on them, and a colouring that fails changes nothing."""

import asyncio

import numpy as np
import pandas as pd
import pytest

from tests.widgets.page import Page
from tests.widgets.records import three_classes
from tsne_widget import EmbeddingExplorer, FeatureSet, InvalidInputError
from tsne_widget._text import REMEDY
from tsne_widget.plotting import UNKNOWN_COLOR

N = 90


@pytest.fixture
def record() -> FeatureSet:
    return three_classes(N, unknown=[7])


def explore(record: FeatureSet, **columns) -> EmbeddingExplorer:
    return EmbeddingExplorer(record, embedding=record.features[:, :2], columns=columns)


def drawn(explorer: EmbeddingExplorer, page: Page) -> list[str]:
    """Colour of each row on the map, by its texel in the colour scale."""
    mark = page.figure().marks[0]
    texture = mark.scales["color"].colors
    by_point = [texture[round(float(texel))] for texel in mark.color]
    rows = page.rows(explorer.embedding)
    return [color for _row, color in sorted(zip(rows.tolist(), by_point, strict=True))]


def test_unavailable_colouring_is_an_error_that_lists_the_available_ones():
    bare = FeatureSet.from_arrays(np.eye(6), [0, 1] * 3)
    with EmbeddingExplorer(bare, embedding=np.eye(6)[:, :2], columns={"age": range(6)}) as explorer:
        with pytest.raises(InvalidInputError, match=r"'confidence'.*logits.*age"):
            explorer.color_by = "confidence"
        with pytest.raises(InvalidInputError, match="'agee'"):
            explorer.color_by = "agee"
        assert explorer.color_by == "label"


def test_another_colour_keeps_selection_zoom_and_toggles(record):
    with explore(record, **pd.DataFrame({"height": np.arange(N) / 7})) as explorer:
        page = Page(explorer)
        explorer.visible_classes = ["cat", "dog"]
        explorer.select([0, 3])
        page.sets("map", viewport=[0.0, 1.0, 0.0, 1.0])
        kept = [page.shows("map", name) for name in ("selected", "visible", "viewport")]
        seen = set()
        for name in ("height", "correct", "label_agreement", "trustworthiness", "label"):
            explorer.color_by = name
            assert page.shows("map", "color_by") == name
            assert [page.shows("map", n) for n in ("selected", "visible", "viewport")] == kept
            seen.add(tuple(drawn(explorer, page)))
        assert len(seen) == 5
        assert explorer.selected.tolist() == [0, 3]


def test_the_map_has_the_colours_of_the_legend(record):
    with explore(record) as explorer:
        page = Page(explorer)
        colors = page.shows("legend", "colors")
        assert drawn(explorer, page) == [colors[code] for code in explorer.state.codes]
        assert page.shows("legend", "is_key")
        explorer.color_by = "correct"
        wrong = np.array(drawn(explorer, page))[record.misclassified]
        assert len(set(wrong)) == 1
        assert not page.shows("legend", "is_key")


def test_integer_texels_are_sent_as_bytes(record):
    with explore(record) as explorer:
        mark = Page(explorer).figure().marks[0]
        assert mark.color.dtype == np.uint8
        explorer.color_by = "confidence"
        assert mark.color.dtype == np.float32


def test_named_selections_colour_the_map_and_follow_their_changes(record):
    with explore(record) as explorer:
        page = Page(explorer)
        with pytest.raises(InvalidInputError, match="selection"):
            explorer.color_by = "selection"
        explorer.name_selection("first", [1, 2])
        explorer.color_by = "selection"
        explorer.name_selection("second", [2, 9])
        colors = explorer.state.selection_colors
        by_row = drawn(explorer, page)
        assert by_row[1] == by_row[2] == colors["first"]  # the first one wins
        assert by_row[9] == colors["second"]
        assert by_row[0] == UNKNOWN_COLOR
        assert page.shows("legend", "key")["entries"] == [
            ("first", colors["first"], 2),
            ("second", colors["second"], 1),
        ]


class Nameless:
    """A value whose text cannot be made."""

    def __str__(self) -> str:
        raise RuntimeError("no text of this")


def test_column_that_cannot_be_drawn_is_reported_and_the_map_does_not_change(record):
    column = np.array([Nameless() for _ in range(N)], dtype=object)
    with explore(record, odd=column) as explorer:
        page = Page(explorer)
        page.send("legend", "color", name="odd")
        assert explorer.message == f"RuntimeError: no text of this{REMEDY}"
        assert explorer.color_by == page.shows("legend", "color_by") == "label"
        with pytest.raises(RuntimeError, match="no text"):
            explorer.color_by = "odd"
        assert explorer.color_by == "label"
        explorer.color_by = "confidence"
        assert page.shows("legend", "color_by") == "confidence"


def test_score_that_fails_in_the_background_keeps_the_colours(record, monkeypatch):
    def broken(_self, _name):
        raise ArithmeticError("no score")

    async def choose() -> tuple[str, str, str]:
        with explore(record) as explorer:
            monkeypatch.setattr(type(explorer.state.scores), "__getitem__", broken)
            explorer.color_by = "outlier_score"
            while explorer.busy:
                await asyncio.sleep(0.01)
            page = Page(explorer)
            return explorer.message, explorer.color_by, page.shows("map", "color_by")

    message, wanted, on_page = asyncio.run(choose())
    assert message.endswith(f"ArithmeticError: no score{REMEDY}")
    assert wanted == on_page == "label"
