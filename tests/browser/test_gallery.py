"""The gallery: sorting, details, picking and hovering, by mouse and by keys."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.browser.gestures import SECONDS, map_is_drawn, pictures_are_drawn
from tests.browser.jupyter import Notebook, until

pytestmark = pytest.mark.browser

SETUP = """
import numpy as np
from tsne_widget import EmbeddingExplorer, FeatureSet

rng = np.random.default_rng(0)
def explorer_of(n, side=8, **options):
    labels = np.arange(n) % 3
    logits = rng.normal(size=(n, 3)) + 2 * np.eye(3)[labels]
    record = FeatureSet.from_arrays(
        rng.normal(size=(n, 6)) + 2 * np.eye(6)[labels], labels,
        logits=logits, predictions=logits.argmax(1), class_names=["cat", "dog", "owl"])
    # grey level of each picture: its row
    pictures = np.broadcast_to(np.arange(n, dtype="u1")[:, None, None], (n, side, side))
    xy = rng.normal(size=(n, 2))
    return EmbeddingExplorer(record, embedding=xy, images=pictures, **options)
"""
CELL = """
explorer = explorer_of(240)
explorer
"""
TILES = ".tw-gallery .tw-pictures figure"
# Messages of the gallery between page and kernel, in order.
LISTEN = """
messages = []
def record(sender, content):
    if content.get("view") == "gallery":
        messages.append((sender, content))
def hear(_widget, content, _buffers): record("page", content)
def tell(content, buffers=None, send=explorer.send):
    record("kernel", content)
    send(content, buffers)
explorer.on_msg(hear)
explorer.send = tell
"""
EXPECTS = "explorer._views['gallery']._expected is not None"
STOP_LISTENING = "explorer.on_msg(hear, remove=True); del explorer.send"
# The gallery in the order of the dataset, without groups.
RESET = """
for source in ("visible", "selection"):
    explorer._views["gallery"].handlers["arrange"](
        {"source": source, "sort": "dataset", "group": "none", "size": 96, "table": False}, [])
"""
# Grey level of the middle of a picture, which JPEG and scaling do not change.
GREY = """async (image) => {
  await image.decode();
  const context = document.createElement('canvas').getContext('2d');
  context.drawImage(image, 0, 0);
  const [x, y] = [image.naturalWidth >> 1, image.naturalHeight >> 1];
  return context.getImageData(x, y, 1, 1).data[0];
}"""


@pytest.fixture(scope="module")
def notebook(open_notebook) -> Notebook:
    opened = open_notebook("gallery.ipynb", [SETUP, CELL])
    opened.run_all()
    map_is_drawn(opened.page)
    return opened


@pytest.fixture(autouse=True)
def fresh(notebook):
    """All classes visible, the first 40 rows selected, nothing sorted, focused or picked."""
    page = notebook.page
    notebook.execute(
        "explorer.visible_classes = explorer.state.class_names\n"
        "explorer.state.focus = explorer.state.hovered = None\n"
        "explorer.clear(); explorer.select(range(40))"
    )
    page.mouse.move(2, 2)
    page.wait_for_function(
        "() => document.querySelector('.tw-place-look').hidden", timeout=20 * SECONDS
    )
    if page.locator(".tw-picks").is_visible():
        page.locator(".tw-gallery .tw-pictures").press("Escape")
        page.locator(".tw-picks").wait_for(state="hidden", timeout=20 * SECONDS)
    notebook.execute(RESET)
    shown = page.locator(".tw-gallery .tw-pictures")
    until(
        lambda: shown.get_attribute("data-epoch") == str(gallery(notebook)["epoch"]),
        20,
        "the kernel's order in the page",
    )
    pictures_are_drawn(page, 40)
    assert ids(notebook)[:3] == [0, 1, 2]


def gallery(notebook: Notebook) -> dict[str, Any]:
    """Traits of the gallery, as the page has them."""
    names = ["epoch", "count", "source", "sorted_by", "group_by", "tile_size"]
    keys = [f"gallery.{name}" for name in names]
    return dict(
        zip(names, notebook.python(f"list(explorer.get_state({keys}).values())"), strict=True)
    )


def ids(notebook: Notebook) -> list[int]:
    """Sample ids of the visible tiles, in order."""
    found = notebook.page.evaluate(
        "(tiles) => [...document.querySelectorAll(tiles)]"
        ".sort((a, b) => a.dataset.index - b.dataset.index)"
        ".map((tile) => Number(tile.dataset.id ?? -1))",
        TILES,
    )
    return list(found)


def starts_with(notebook: Notebook, order: list[int]) -> bool:
    """Whether the visible tiles are the first ones of an order."""
    found = ids(notebook)
    return len(found) > 3 and found == order[: len(found)]


def choose(notebook: Notebook, label: str, option: str) -> None:
    menu = notebook.page.locator(f".tw-gallery [data-menu={label.lower()}]").first
    menu.locator("button").first.click()
    menu.locator(f"[data-key={option}]").click()


def look(notebook: Notebook, row: int) -> None:
    """Wait until the details show this row and its neighbours."""
    notebook.page.locator(f".tw-look[data-row='{row}'] .tw-near li").first.wait_for(
        timeout=30 * SECONDS
    )


def state(notebook: Notebook, name: str) -> object:
    return notebook.python(f"explorer.state.{name}")


def selected(notebook: Notebook) -> list[int]:
    return notebook.python("explorer.selected.tolist()")


# ---- order ----


def test_sorting_by_confidence_shows_the_least_confident_first(notebook):
    choose(notebook, "Sort", "confidence")
    order = notebook.python(
        "np.argsort(explorer.to_dataframe()['confidence'].to_numpy(), kind='stable').tolist()"
    )
    until(lambda: starts_with(notebook, order), 20, "the least confident first")
    menu = notebook.page.locator(".tw-gallery [data-menu=sort]")
    menu.locator("button").first.click()
    menu.locator("[data-other]").click()
    until(lambda: starts_with(notebook, order[::-1]), 20, "the most confident first")


def test_groups_have_headings_with_names_and_counts(notebook):
    choose(notebook, "Group", "label")
    heading = notebook.page.locator(".tw-gallery .tw-heading")
    heading.first.wait_for(timeout=20 * SECONDS)
    until(
        lambda: heading.first.inner_text().split("\n")[:2] == ["cat", "14"], 20, "the first heading"
    )
    until(lambda: ids(notebook)[:3] == [0, 3, 6], 20, "the cats")
    notebook.page.locator(".tw-gallery .tw-pictures").evaluate("(node) => { node.scrollTop = 1e6 }")
    until(
        lambda: (
            heading.last.inner_text().split("\n")[:2] == ["owl", "13"] and ids(notebook)[-1] == 38
        ),
        20,
        "the owls",
    )


def test_all_visible_samples_can_be_scrolled_through(notebook):
    page = notebook.page
    shown = page.locator(".tw-gallery [data-source=visible]")
    assert shown.text_content() == "All 240"
    shown.click()
    pictures_are_drawn(page, 240)
    assert shown.get_attribute("aria-pressed") == "true"
    page.locator(".tw-legend li button").nth(0).click()
    pictures_are_drawn(page, 160)
    until(lambda: ids(notebook)[:4] == [1, 2, 4, 5], 20, "no cats")


def test_pictures_of_a_selection_arrive_before_the_page_requests_them(notebook):
    notebook.execute(LISTEN + "explorer.select([7])")
    try:
        for first in (100, 150):
            until(lambda: notebook.python(EXPECTS), 20, "the page to announce what it expects")
            notebook.execute(f"messages.clear(); explorer.select(range({first}, {first} + 3))")
            three = [first, first + 1, first + 2]
            until(lambda three=three: ids(notebook) == three, 20, "the new selection")
            pictures_are_drawn(notebook.page, 3)
            senders = notebook.python("[who for who, one in messages if one['kind'] == 'tiles']")
            assert senders[0] == "kernel"
    finally:
        notebook.execute(STOP_LISTENING)


def test_larger_tiles_request_larger_pictures_and_the_size_is_kept(notebook):
    page = notebook.page
    notebook.execute(LISTEN)
    page.locator(".tw-gallery [title='Size of the pictures']").click()
    page.locator(".tw-gallery input[type=range]").focus()
    page.keyboard.press("End")
    until(lambda: gallery(notebook)["tile_size"] == 200, 20, "the size")
    page.wait_for_function(
        "(tiles) => { const image = document.querySelector(tiles + ' img');"
        " return image?.clientWidth >= 180 }",
        arg=TILES,
        timeout=20 * SECONDS,
    )
    # The pictures have 8 × 8 pixels; larger ones do not exist and are not requested.
    asked = "[one['size'] for who, one in messages if who == 'page' and one['kind'] == 'tiles']"
    assert 384 not in notebook.python(asked)
    notebook.execute(STOP_LISTENING)
    assert selected(notebook) == list(range(40))


# ---- hovering ----


def test_a_hovered_tile_is_the_hovered_sample(notebook):
    page = notebook.page
    page.locator(f"{TILES}[data-id='3']").hover()
    until(lambda: state(notebook, "hovered") == 3, 20, "the hovered row")
    page.locator(".tw-gallery-head").hover()
    until(lambda: state(notebook, "hovered") is None, 20, "no row")


def test_sample_hovered_in_another_view_highlights_its_tile(notebook):
    page = notebook.page
    notebook.execute("explorer.state.hovered = 4")
    page.locator(f"{TILES}[data-hovered][data-id='4']").wait_for(timeout=20 * SECONDS)
    notebook.execute("explorer.state.hovered = 5")
    page.locator(f"{TILES}[data-hovered][data-id='5']").wait_for(timeout=20 * SECONDS)
    assert page.locator(f"{TILES}[data-hovered]").count() == 1
    notebook.execute("explorer.state.hovered = None")
    until(lambda: page.locator(f"{TILES}[data-hovered]").count() == 0, 20, "no light")
    assert state(notebook, "hovered") is None


def test_moving_over_tiles_sends_each_change_once(notebook):
    page = notebook.page
    notebook.execute(LISTEN)
    tile = page.locator(f"{TILES}[data-id='6']")
    box = tile.bounding_box()
    for step in range(20):
        page.mouse.move(box["x"] + 10 + step, box["y"] + 30 + 5 * step)  # picture and words
    page.locator(".tw-gallery-head").hover()
    hovers = "[one['row'] for _sender, one in messages if one['kind'] == 'hover']"
    until(lambda: notebook.python(hovers)[-1:] == [None], 20, "the pointer to be gone")
    assert notebook.python(hovers) == [6, None]
    notebook.execute(STOP_LISTENING)


# ---- details ----


def test_click_opens_the_details_of_a_sample_with_its_true_neighbours(notebook):
    page = notebook.page
    page.locator(f"{TILES}[data-id='7']").click()
    look(notebook, 7)
    assert state(notebook, "focus") == 7
    large = page.locator(".tw-look-picture img")
    assert large.evaluate(GREY) == 7
    frame = notebook.python(
        "explorer.to_dataframe('all').loc[7, ['label_name', 'prediction_name']].tolist()"
    )
    assert page.locator(".tw-bars b").inner_text() == frame[0] == "dog"
    title = page.locator(".tw-look-title").inner_text()
    assert frame[1] in title
    assert "#7" in title
    expected = notebook.python(
        "(lambda f: np.argsort(np.linalg.norm(f - f[7], axis=1))[1:13].tolist())"
        "(explorer.feature_set.features)"
    )
    strip = page.locator(".tw-near li button")
    assert [int(b.get_attribute("data-row")) for b in strip.all()] == expected
    assert [image.evaluate(GREY) for image in strip.locator("img").all()] == expected
    differs = [row % 3 != 1 for row in expected]
    assert [b.get_attribute("data-differs") is not None for b in strip.all()] == differs
    summary = f"{12 - sum(differs)} of 12 are labelled dog."
    assert summary in page.locator(".tw-near-head").inner_text()
    page.locator(".tw-near button", has_text="Select them").click()
    until(lambda: selected(notebook) == sorted(expected), 20, "the neighbours")
    assert state(notebook, "focus") == 7
    strip.nth(2).click()
    look(notebook, expected[2])
    assert state(notebook, "focus") == expected[2]
    page.keyboard.press("Escape")
    until(lambda: state(notebook, "focus") is None, 20, "the close look to end")
    page.locator(".tw-look").wait_for(state="hidden", timeout=20 * SECONDS)


def test_a_focus_set_from_python_is_shown_without_taking_the_keyboard(notebook):
    page = notebook.page
    page.locator(".tw-overlay").focus()
    notebook.execute("explorer.state.focus = 123")  # not among the tiles
    look(notebook, 123)
    assert page.locator(".tw-look-picture img").evaluate(GREY) == 123
    assert page.evaluate("() => document.activeElement.classList.contains('tw-overlay')")
    notebook.execute("explorer.state.focus = 12")
    look(notebook, 12)
    notebook.execute("explorer.state.focus = None")
    page.locator(".tw-look").wait_for(state="hidden", timeout=20 * SECONDS)
    page.locator(f"{TILES}[data-cursor][data-id='12']").wait_for()  # the previous tile


def test_arrow_keys_move_to_the_next_sample_in_the_order(notebook):
    page = notebook.page
    choose(notebook, "Sort", "confidence")
    order = notebook.python(
        "np.argsort(explorer.to_dataframe()['confidence'].to_numpy(), kind='stable').tolist()"
    )
    until(lambda: starts_with(notebook, order), 20, "the order")
    page.locator(TILES).first.wait_for()
    page.locator(f"{TILES}[data-index='0']").click()
    look(notebook, order[0])
    assert page.locator(".tw-look [title^=Before]").is_disabled()
    page.keyboard.press("ArrowRight")
    look(notebook, order[1])
    page.keyboard.press("ArrowRight")
    look(notebook, order[2])
    page.locator(".tw-look [title^=Before]").click()
    look(notebook, order[1])
    page.locator(".tw-look [title^=Back]").click()
    page.locator(".tw-look").wait_for(state="hidden", timeout=20 * SECONDS)
    cursor = page.locator(f"{TILES}[data-cursor]")
    assert cursor.get_attribute("data-id") == str(order[1])  # the previous tile


def test_details_stay_open_when_the_class_is_hidden_or_the_selection_changes(notebook):
    page = notebook.page
    notebook.execute("explorer.state.focus = 7")
    look(notebook, 7)
    page.locator(".tw-legend li button").nth(1).click()
    until(lambda: selected(notebook) == [r for r in range(40) if r % 3 != 1], 20, "no dogs")
    notebook.execute("explorer.select([0, 2, 3])")
    until(lambda: gallery(notebook)["count"] == 3, 20, "the tiles")
    assert page.locator(".tw-look[data-row='7']").is_visible()
    page.locator(".tw-look").focus()
    page.keyboard.press("Escape")
    pictures_are_drawn(page, 3)
    assert ids(notebook) == [0, 2, 3]


# ---- picking ----


def test_picked_tiles_are_kept_or_removed(notebook):
    page = notebook.page
    for row in (2, 5):
        page.locator(f"{TILES}[data-index='{row}']").click(modifiers=["Control"])
    bar = page.locator(".tw-picks")
    bar.get_by_text("2 picked").wait_for(timeout=20 * SECONDS)
    page.locator(f"{TILES}[data-index='7']").click(modifiers=["Shift"])
    bar.get_by_text("4 picked").wait_for(timeout=20 * SECONDS)
    marked = page.locator(f"{TILES}[aria-selected=true]")
    assert sorted(int(t.get_attribute("data-index")) for t in marked.all()) == [2, 5, 6, 7]
    page.locator(f"{TILES}[data-index='6']").click(modifiers=["Control"])
    bar.get_by_text("3 picked").wait_for(timeout=20 * SECONDS)
    bar.locator("button", has_text="Remove these").click()
    expected = [row for row in range(40) if row not in (2, 5, 7)]
    until(lambda: selected(notebook) == expected, 20, "the picked ones to be gone")
    pictures_are_drawn(page, 37)
    bar.wait_for(state="hidden", timeout=20 * SECONDS)
    page.locator(f"{TILES}[data-index='0']").click(modifiers=["Control"])
    page.locator(f"{TILES}[data-index='3']").click(modifiers=["Control"])
    bar.get_by_text("2 picked").wait_for(timeout=20 * SECONDS)
    bar.locator("button", has_text="Keep only these").click()
    until(lambda: selected(notebook) == [0, 4], 20, "only the picked ones")
    notebook.execute("explorer.undo()")
    until(lambda: selected(notebook) == expected, 20, "the selection before")
    assert state(notebook, "focus") is None  # nothing was opened


# ---- keys ----


def test_every_gallery_action_works_by_keyboard(notebook):
    page = notebook.page
    page.locator(".tw-gallery .tw-pictures").focus()
    columns = page.evaluate(
        "(tiles) => { const nodes = [...document.querySelectorAll(tiles)];"
        " const top = Math.min(...nodes.map((n) => n.offsetTop));"
        " return nodes.filter((n) => n.offsetTop === top).length }",
        TILES,
    )

    def press(keys: str, expected: int) -> None:
        for key in keys.split():
            page.keyboard.press(key)
        page.locator(f"{TILES}[data-cursor][data-index='{expected}'] img").wait_for(
            timeout=20 * SECONDS
        )
        active = page.locator(".tw-pictures").first.get_attribute("aria-activedescendant")
        index = page.evaluate("(id) => document.getElementById(id)?.dataset.index", active)
        assert index == str(expected)

    press("Home ArrowRight ArrowRight", 2)
    press("ArrowDown", 2 + columns)
    press("ArrowUp ArrowLeft", 1)
    until(lambda: state(notebook, "hovered") == 1, 20, "the cursor's point to light up")
    press("End", 39)
    press("Home PageDown PageUp", 0)
    page.keyboard.press("Space")
    page.locator(".tw-picks", has_text="1 picked").wait_for(timeout=20 * SECONDS)
    press("ArrowRight ArrowRight", 2)
    page.keyboard.press("Shift+Space")
    page.locator(".tw-picks", has_text="3 picked").wait_for(timeout=20 * SECONDS)
    page.keyboard.press("Escape")
    page.locator(".tw-picks").wait_for(state="hidden", timeout=20 * SECONDS)
    page.keyboard.press("Enter")
    look(notebook, 2)
    page.locator(".tw-look:focus").wait_for(timeout=20 * SECONDS)
    page.keyboard.press("ArrowRight")
    look(notebook, 3)
    page.keyboard.press("Escape")
    page.locator(".tw-pictures:focus").wait_for(timeout=20 * SECONDS)
    press("ArrowRight", 4)


def test_keys_in_the_gallery_do_nothing_to_the_notebook(notebook):
    page = notebook.page
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:enter-command-mode')")
    cells = page.locator(".jp-Cell").count()
    prompts = page.locator(".jp-InputPrompt").all_inner_texts()
    scroll = page.locator(".tw-gallery .tw-pictures")
    scroll.focus()
    page.keyboard.press("Home")
    for key in ("a", "b", "d", "d", "b", "m", "Control+Enter", "Shift+Enter"):
        page.keyboard.press(key)
    look(notebook, 0)  # opened by Enter
    page.locator(".tw-look:focus").wait_for(timeout=20 * SECONDS)
    for key in ("a", "b", "m", "Control+Enter", "Escape"):
        page.keyboard.press(key)
    page.locator(".tw-pictures:focus").wait_for(timeout=20 * SECONDS)
    until(lambda: state(notebook, "focus") is None, 20, "the keys to have been handled")
    assert page.locator(".jp-Cell").count() == cells
    assert page.locator(".jp-Cell.jp-MarkdownCell").count() == 0
    assert page.locator(".jp-InputPrompt").all_inner_texts() == prompts
    assert selected(notebook) == list(range(40))


def test_accessible_names_of_tiles_describe_what_is_visible(notebook):
    page = notebook.page
    notebook.execute("explorer.select('misclassified')")
    until(lambda: gallery(notebook)["count"] != 40, 20, "the misclassified")
    pictures_are_drawn(page, gallery(notebook)["count"])
    tile = page.locator(f"{TILES}[data-index='0']")
    name = tile.get_attribute("aria-label")
    assert "→" in name
    assert "wrong" in name
    assert f"#{selected(notebook)[0]}" in name
    assert tile.get_attribute("aria-posinset") == "1"


# ---- many samples ----


def test_a_hundred_thousand_tiles_scroll_to_their_end_with_few_nodes(open_notebook):
    # The map draws few points: a software renderer takes seconds for all.
    cell = "explorer = explorer_of(100_000, draw_budget=300)\nexplorer"
    notebook = open_notebook("many.ipynb", [SETUP, cell])
    notebook.run_all()
    page = notebook.page
    map_is_drawn(page)
    notebook.execute(RESET + "explorer.select('visible')")
    pictures_are_drawn(page, 100_000)
    scroll = page.locator(".tw-gallery .tw-pictures")
    most, before = 0, -1
    for share in (*np.linspace(0.05, 0.95, 8), 1.0):
        scroll.evaluate("(node, share) => { node.scrollTop = share * node.scrollHeight }", share)
        until(lambda before=before: max(ids(notebook), default=-1) > before, 20, "further tiles")
        pictures_are_drawn(page, 100_000)
        before = ids(notebook)[-1]
        most = max(most, page.locator(".tw-gallery .tw-pictures *").count())
    assert before == 99_999
    assert most <= 200
    page.locator(".tw-gallery .tw-pictures").focus()
    page.keyboard.press("Home")
    page.locator(f"{TILES}[data-id='0']").wait_for(timeout=20 * SECONDS)


def test_reloaded_page_restores_order_groups_size_and_details(open_notebook):
    cell = CELL.replace("240", "60")
    notebook = open_notebook("reloaded.ipynb", [SETUP, cell])
    notebook.run_all()
    page = notebook.page
    map_is_drawn(page)
    page.locator(".tw-gallery [data-source=visible]").click()
    choose(notebook, "Sort", "loss")
    choose(notebook, "Group", "prediction")
    page.locator(".tw-gallery [title='Size of the pictures']").click()
    page.locator(".tw-gallery input[type=range]").focus()
    page.keyboard.press("Home")
    until(lambda: gallery(notebook)["tile_size"] == 56, 20, "the smallest tiles")
    pictures_are_drawn(page, 60)
    names = """(tiles) => Object.fromEntries([...document.querySelectorAll(tiles)]
      .map((tile) => [tile.dataset.index, tile.ariaLabel]))"""
    before = page.evaluate(names, TILES)
    page.locator(f"{TILES}[data-index='2']").click()
    page.locator(".tw-look .tw-near li").first.wait_for(timeout=30 * SECONDS)
    row = notebook.python("explorer.state.focus")
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    notebook.load()
    map_is_drawn(page)
    look(notebook, row)
    page.locator(".tw-look [title^=Back]").click()
    pictures_are_drawn(page, 60)

    def is_as_before() -> bool:
        """Whether the tiles in sight, which may be other rows of them, are in the same order."""
        now = page.evaluate(names, TILES)
        in_both = before.keys() & now.keys()
        return len(in_both) > 9 and all(now[index] == before[index] for index in in_both)

    until(is_as_before, 20, "the same tiles")
    assert (
        page.locator(".tw-gallery [data-menu=sort] [aria-pressed=true]").get_attribute("data-key")
        == "loss"
    )
    assert page.locator(".tw-gallery input[type=range]").input_value() == "56"


def test_two_views_show_the_same_order_and_the_same_sample(open_notebook):
    cell = "from IPython.display import display\n" + CELL.replace("240", "60") + "display(explorer)"
    notebook = open_notebook("twice.ipynb", [SETUP, cell, "explorer"])
    notebook.run_all()
    page = notebook.page
    map_is_drawn(page)
    notebook.execute("explorer.select(range(8))")
    galleries = page.locator(".tw-gallery")
    until(lambda: galleries.count() == 2, 30, "two galleries")
    choose(notebook, "Group", "none")
    choose(notebook, "Sort", "loss")
    order = notebook.python(
        "np.argsort(-explorer.state.scores['loss'][:8], kind='stable').tolist()"
    )
    for gallery in galleries.all():
        gallery.scroll_into_view_if_needed()
        for index, row in enumerate(order[:3]):
            tile = gallery.locator(f"figure[data-index='{index}'][data-id='{row}']")
            tile.wait_for(timeout=20 * SECONDS)
        chosen = gallery.locator("[data-menu=sort] [aria-pressed=true]")
        assert chosen.get_attribute("data-key") == "loss"
    galleries.last.locator("figure[data-index='1']").click()
    looks = page.locator(f".tw-look[data-row='{order[1]}']")
    until(lambda: looks.count() == 2, 30, "two close looks")
    for one in looks.all():
        one.locator(".tw-near li").first.wait_for(timeout=30 * SECONDS)


def test_strip_shows_the_selection_under_another_panel_and_opens_the_close_look(notebook):
    page = notebook.page
    page.locator(".tw-tabs [data-panel=confusion]").click()
    try:
        strip = page.locator(".tw-strip")
        notebook.execute("explorer.select([5, 8, 11])")
        strip.locator("img").nth(2).wait_for(timeout=20 * SECONDS)
        greys = [image.evaluate(GREY) for image in strip.locator("img").all()]
        assert greys == [5, 8, 11]
        strip.locator("[data-index='1']").click()
        look(notebook, 8)
        page.keyboard.press("Escape")
        page.locator(".tw-look").wait_for(state="hidden", timeout=20 * SECONDS)
        strip.get_by_text("Show all").click()
        pictures_are_drawn(page, 3)
        assert not strip.is_visible()
    finally:
        page.locator(".tw-tabs [data-panel=gallery]").click()


def test_table_sorts_by_a_click_on_its_heading_and_opens_a_row(notebook):
    page = notebook.page
    page.locator(".tw-gallery [title=Table]").click()
    page.locator(".tw-table-head [data-key=class]").click()
    rows = page.locator(".tw-record")
    until(lambda: rows.first.get_attribute("data-id") == "0", 20, "the cats")
    by_class = [str(row) for row in sorted(range(40), key=lambda row: (row % 3, row))]
    records = "rows => rows.map((row) => row.getAttribute('data-id'))"
    until(
        lambda: (shown := rows.evaluate_all(records)) and shown == by_class[: len(shown)],
        20,
        "the rows in the order of their classes",
    )
    page.locator(".tw-table-head [data-key=class]").click()
    until(lambda: rows.first.get_attribute("data-id") == "2", 20, "the owls")
    rows.nth(1).click()
    look(notebook, 5)
    page.keyboard.press("Escape")
    page.locator(".tw-look").wait_for(state="hidden", timeout=20 * SECONDS)
    headings = page.locator(".tw-table-head [data-key]")
    before = headings.count()
    page.keyboard.press("w")
    until(lambda: headings.count() > before, 20, "more columns in the full window")
    cells = "(rows) => rows.map((row) => row.childElementCount)"
    until(lambda: set(rows.evaluate_all(cells)) == {headings.count()}, 20, "a value below each")
    page.keyboard.press("w")
    until(lambda: headings.count() == before, 20, "the former columns")
    rows.nth(3).click(modifiers=["Control"])
    page.locator(".tw-picks", has_text="1 picked").wait_for(timeout=20 * SECONDS)


TWINS = """
twins = rng.integers(0, 255, (60, 16, 16, 3), dtype="u1")
twins[41] = twins[0]  # the same picture with another label
twins[30] = twins[3]  # the same picture with the same label
record = FeatureSet.from_arrays(
    rng.normal(size=(60, 4)), np.arange(60) % 3, class_names=["cat", "dog", "owl"])
pairs = EmbeddingExplorer(record, embedding=rng.normal(size=(60, 2)), images=twins)
pairs
"""


def test_equal_pictures_with_different_labels_are_counted_and_shown_side_by_side(open_notebook):
    notebook = open_notebook("twins.ipynb", [SETUP, TWINS])
    notebook.run_all()
    map_is_drawn(notebook.page)
    page = notebook.page
    expect(page.locator(".tw-notes")).to_contain_text("1 note", timeout=60 * SECONDS)
    page.locator(".tw-find input").click()
    found = page.locator(".tw-finder[data-name=label_conflicts]")
    expect(found.locator(".tw-found-count")).to_have_text("2")
    expect(page.locator(".tw-finder[data-name=duplicates] .tw-found-count")).to_have_text("4")
    found.click()
    until(lambda: notebook.python("pairs.selected.tolist()") == [0, 41], 20, "the selection")
    expect(page.locator(TILES)).to_have_count(2, timeout=20 * SECONDS)
    expect(page.locator(".tw-gallery")).to_contain_text("cat, owl")
