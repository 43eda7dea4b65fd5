"""The map: colours, names, links, hover, large maps, and drawing without WebGL."""

from __future__ import annotations

import base64
import functools
import io
import itertools
from collections.abc import Iterator

import numpy as np
import pytest
from matplotlib.path import Path as Polygon
from PIL import Image
from playwright.sync_api import Locator, Page

from tests.browser.gestures import (
    NO_WEBGL,
    PLACES,
    SECONDS,
    drag,
    drawn_points,
    drawn_rows,
    held,
    map_is_drawn,
    outline,
)
from tests.browser.jupyter import Notebook, until

pytestmark = pytest.mark.browser

CELL = """
import numpy as np
from tsne_widget import EmbeddingExplorer, FeatureSet

rng = np.random.default_rng(0)
n = 400
labels = np.arange(n) % 4
xy = np.column_stack([np.cos(labels * 1.6), np.sin(labels * 1.6)]) * 8 + rng.normal(size=(n, 2))
logits = np.eye(4)[labels] * 3 + rng.normal(size=(n, 4)) * 1.5
record = FeatureSet.from_arrays(
    rng.normal(size=(n, 8)) + labels[:, None], labels, logits=logits,
    class_names=["cat", "dog", "<b>owl</b>", "emu"])
explorer = EmbeddingExplorer(
    record, embedding=xy, images=np.zeros((n, 6, 6), "u1"),
    columns={"camera": np.array(["left", "<i>right</i>"])[np.arange(n) % 2],
             "height": rng.random(n)})
explorer
"""
MANY = """
import numpy as np
from tsne_widget import EmbeddingExplorer, FeatureSet

rng = np.random.default_rng(0)
n = 6000
labels = np.where(np.arange(n) < 20, 1, 0)  # twenty of a rare class
xy = rng.normal(size=(n, 2)).astype("f4")
predictions = np.where(rng.random(n) < 0.02, 1, labels)
explorer = EmbeddingExplorer(
    FeatureSet.from_arrays(np.ones((n, 2)), labels, predictions=predictions),
    embedding=xy, draw_budget=600)
explorer
"""
# Places and texels of the points that the graphics card draws.
_ON_THE_CARD = """async (index) => {
  const view = document.querySelector(".tw-scatter").bqplotFigure;
  const mark = (await Promise.all(view.mark_views.views))[index];
  const count = mark.instanced_geometry.maxInstancedCount;
  return ["x", "y", "opacity"].map((name) => Array.from(mark[name].array.subarray(0, count)));
}"""

# Whether each of bqplot's marks draws points, and how many pixels a frame colours.
_FRAME = """async () => {
  const view = document.querySelector(".tw-scatter").bqplotFigure;
  const marks = await Promise.all(view.mark_views.views);
  const gl = view.webGLContext;
  const [width, height] = [gl.drawingBufferWidth, gl.drawingBufferHeight];
  const pixels = new Uint8Array(4 * width * height);
  view.extras.webGLRender();
  gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
  const colored = pixels.filter((value, k) => k % 4 === 3 && value > 0).length;
  return [marks.map(({ mesh }) => mesh.isPoints), colored];
}"""


@pytest.fixture(scope="module")
def notebook(open_notebook) -> Notebook:
    opened = open_notebook("map.ipynb", [CELL])
    opened.run_all()
    map_is_drawn(opened.page)
    return opened


@pytest.fixture(autouse=True)
def fresh(request):
    if "notebook" not in request.fixturenames:
        return
    notebook = request.getfixturevalue("notebook")
    notebook.execute("explorer.clear(); explorer.state.focus = None; explorer.color_by = 'label'")
    notebook.page.locator(".tw-tools [data-action=reset]").click()
    notebook.page.wait_for_function("() => !document.querySelector('.tw-links').childElementCount")


def test_other_colours_keep_the_selection(notebook):
    page = notebook.page
    drag(page, [(0.1, 0.2), (0.6, 0.2), (0.6, 0.9), (0.1, 0.9)])
    until(lambda: notebook.python("len(explorer.selected)"), 20, "a selection")
    before = notebook.python("explorer.selected.tolist()")
    until(lambda: (drawn_points(page)[1] == 1).sum() == len(before), 20, "bright points")
    notebook.execute("explorer.color_by = 'height'")
    page.locator(".tw-key .tw-ramp").wait_for()
    assert notebook.python("explorer.selected.tolist()") == before
    assert (drawn_points(page)[1] == 1).sum() == len(before)


def test_bqplot_draws_points_instead_of_instanced_squares(notebook):
    """Squares take twenty times as long without a graphics card."""
    are_points, pixels = notebook.page.evaluate(_FRAME)
    assert are_points == [True, True]
    rows = notebook.python("len(explorer.embedding)")
    assert pixels > rows


def outlined(page: Page) -> bool:
    return page.locator(".tw-lasso > path").get_attribute("d") is not None


def test_outline_of_a_lasso_stays_with_its_selection(notebook):
    page = notebook.page
    for keys in ((), ("Shift",), ()):  # the last one changes nothing
        drag(page, [(0.1, 0.2), (0.6, 0.2), (0.6, 0.9), (0.1, 0.9)], keys=keys)
        until(lambda: notebook.python("len(explorer.selected)"), 20, "a selection")
        summary = page.locator(".tw-pill", has_text="selected")
        summary.wait_for(timeout=20 * SECONDS)  # arrived after the messages for the map
        assert outlined(page)
    notebook.execute("explorer.color_by = 'height'")  # is not another selection
    page.locator(".tw-key .tw-ramp").wait_for()
    assert outlined(page)


@pytest.mark.parametrize(
    "another",
    [
        lambda notebook: notebook.page.locator(".tw-wrong-count").click(),
        lambda notebook: notebook.execute("explorer.select(label='emu')"),
        lambda notebook: notebook.execute("explorer.undo()"),
    ],
    ids=["misclassified", "python", "undo"],
)
def test_outline_of_a_lasso_disappears_when_the_selection_changes(notebook, another):
    page = notebook.page
    notebook.execute("explorer.select([0, 1])")
    drag(page, [(0.1, 0.2), (0.6, 0.2), (0.6, 0.9), (0.1, 0.9)])
    until(lambda: notebook.python("len(explorer.selected)") > 2, 20, "a selection")
    another(notebook)
    until(lambda: not outlined(page), 20, "the outline to go")
    assert notebook.python("len(explorer.selected)")  # although something is selected


def test_the_points_are_drawn_in_the_colours_of_the_key(notebook):
    page = notebook.page
    notebook.execute("explorer.color_by = 'camera'")
    page.locator(".tw-key .tw-entry").nth(1).wait_for()
    names = page.locator(".tw-key .tw-entry > .tw-name").all_inner_texts()
    assert names == ["<i>right</i>", "left"]  # text from the data is displayed as text
    colors = page.locator(".tw-key .tw-swatch").evaluate_all(
        "(all) => all.map((one) =>"
        " getComputedStyle(one).backgroundColor.match(/\\d+/g).map(Number))"
    )
    # one point of each camera, alone in a small window around it
    for camera, color in zip(("<i>right</i>", "left"), colors, strict=True):
        notebook.execute(
            f"explorer.select((explorer.state.scores['camera'] == {camera!r}).nonzero()[0][:1])"
        )
        until(lambda: (drawn_points(page)[1] == 1).sum() == 1, 20, "one bright point")
        page.locator(".tw-tools [data-action=zoom-selection]").click()
        seen = functools.partial(seen_at_bright_point, page, color)
        assert until(seen, 20, f"{camera} in its colour")


def seen_at_bright_point(page: Page, color: list[int]) -> bool:
    """Whether the pixel at the only bright point has about this colour."""
    pixels, opacity = drawn_points(page)
    x, y = pixels[opacity == 1][0]
    picture = page.screenshot(clip={"x": x - 1, "y": y - 1, "width": 3, "height": 3})
    seen = np.asarray(Image.open(io.BytesIO(picture)).convert("RGB"))[1, 1].astype(int)
    return bool(np.abs(seen - color).max() <= 12)


def test_class_names_are_drawn_on_their_points(notebook):
    page = notebook.page
    page.locator(".tw-labels span").nth(3).wait_for()
    box = page.locator(".tw-overlay").bounding_box()
    pixels, _ = drawn_points(page)
    labels = np.array(notebook.python("labels.tolist()"))[drawn_rows(notebook)]
    for label in page.locator(".tw-labels span").all():
        name, place = label.inner_text(), label.bounding_box()
        code = ["cat", "dog", "<b>owl</b>", "emu"].index(name)
        middle = [place["x"] + place["width"] / 2, place["y"] + place["height"] / 2]
        distance = np.hypot(*(pixels - middle).T)
        assert (labels[np.argsort(distance)[:15]] == code).mean() > 0.9
        assert box["x"] <= middle[0] <= box["x"] + box["width"]
    page.locator(".tw-legend li button").nth(1).click()
    until(lambda: page.locator(".tw-labels span").count() == 3, 20, "the hidden one to go")
    page.locator(".tw-legend li button").nth(1).click()
    page.locator(".tw-overlay").focus()
    page.keyboard.press("n")
    until(lambda: not page.locator(".tw-labels").is_visible(), 20, "the names to go")
    page.keyboard.press("n")
    until(lambda: page.locator(".tw-labels").is_visible(), 20, "the names")


def scales(page: Page) -> np.ndarray:
    """Pixels per data unit of the drawn points, along x and along y."""
    pixels, _ = drawn_points(page)
    x, y = page.evaluate(PLACES, 0)
    return np.ptp(pixels, axis=0) / [np.ptp(x), np.ptp(y)]


def toggle_file_browser(page: Page) -> None:
    """Hide or show JupyterLab's side bar, and wait until the map has the new width."""
    width = page.locator(".tw-overlay").bounding_box()["width"]
    page.evaluate("() => window.jupyterapp.commands.execute('application:toggle-left-area')")
    page.wait_for_function(
        "(width) => { const overlay = document.querySelector('.tw-overlay').clientWidth;"
        " const view = document.querySelector('.tw-scatter').bqplotFigure;"
        " return overlay !== Math.round(width) && Math.abs(view.width - overlay) < 2 }",
        arg=width,
        timeout=20 * SECONDS,
    )


def test_resizing_keeps_one_scale_and_the_outline_on_its_points(notebook):
    page = notebook.page
    drag(page, [(0.1, 0.2), (0.6, 0.2), (0.6, 0.9), (0.1, 0.9)])
    until(lambda: notebook.python("len(explorer.selected)"), 20, "a selection")
    for _ in range(2):
        toggle_file_browser(page)
        until(lambda: np.isclose(*scales(page), rtol=1e-3), 20, "the same scale for x and y")
        box = page.locator(".tw-overlay").bounding_box()
        pixels, opacity = drawn_points(page)
        assert (pixels > [box["x"], box["y"]]).all()
        assert (pixels < [box["x"] + box["width"], box["y"] + box["height"]]).all()
        inside = Polygon(outline(page)).contains_points(pixels)
        assert (inside == (opacity == 1)).all()


def test_resizing_keeps_zoom_and_centre(notebook):
    page = notebook.page
    page.locator(".tw-overlay").focus()
    box = page.locator(".tw-overlay").bounding_box()
    page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.4 * box["height"])
    for _ in range(5):
        page.mouse.wheel(0, -240)
    until(lambda: len(map_state(notebook, "viewport")) == 4, 20, "the zoom")
    before, centre = scales(page), middle_of(page)
    toggle_file_browser(page)
    until(lambda: np.allclose(scales(page), before, rtol=1e-3), 20, "the same zoom")
    assert np.allclose(middle_of(page), centre, atol=0.05)
    toggle_file_browser(page)


def middle_of(page: Page) -> list[float]:
    """Data coordinates in the middle of the map."""
    return page.evaluate(
        "async () => { const view = document.querySelector('.tw-scatter').bqplotFigure;"
        " const { x, y } = (await view.mark_views.views[0]).scales;"
        " return [x, y].map(({ scale }) => (scale.domain()[0] + scale.domain()[1]) / 2) }"
    )


def turn_wheel(page: Page, pixels: int) -> bool:
    """Turn the wheel by one event; returns whether the map took it, so that the page stays.

    The page gets one event at a time, because a browser that is behind joins them to one.
    """
    page.evaluate(
        "() => { window.taken = null; document.addEventListener('wheel',"
        " (event) => { window.taken = event.defaultPrevented }, { once: true }) }"
    )
    page.mouse.wheel(0, pixels)
    page.wait_for_function("() => window.taken !== null", timeout=20 * SECONDS)
    return page.evaluate("() => window.taken")


PLACES_OF_THE_POINTER = itertools.cycle([30, 60])  # pixels from the map's corner


def wander(overlay: Locator) -> None:
    """Rest at another place: until then, nobody can stop Chromium's scrolling of the page."""
    place = next(PLACES_OF_THE_POINTER)
    overlay.hover(position={"x": place, "y": place})
    overlay.page.wait_for_timeout(700)


def test_wheel_scrolls_the_page_until_the_map_is_clicked(notebook):
    page, overlay = notebook.page, notebook.page.locator(".tw-overlay")
    page.locator(".tw-legend").click(position={"x": 4, "y": 4})
    overlay.hover()
    whole = scales(page)
    assert not turn_wheel(page, -30)
    assert np.allclose(scales(page), whole)
    with held(page, "Control"):
        until(lambda: wander(overlay) or turn_wheel(page, -30), 20, "the map to take the wheel")
    until(lambda: scales(page)[0] > 1.01 * whole[0], 20, "the zoom with Ctrl")
    overlay.click(position={"x": 5, "y": 5})  # an empty place
    overlay.hover()
    until(lambda: not turn_wheel(page, 240), 20, "the page to scroll on")
    assert np.allclose(scales(page), whole)  # not smaller than the whole map
    until(lambda: map_state(notebook, "viewport") == [], 20, "the whole map")


def test_click_in_an_empty_place_clears_the_selection_and_undo_brings_it_back(notebook):
    page = notebook.page
    notebook.execute("explorer.select([1, 2, 3])")
    box = page.locator(".tw-overlay").bounding_box()
    page.mouse.click(box["x"] + 4, box["y"] + 4)
    until(lambda: notebook.python("len(explorer.selected)") == 0, 20, "no selection")
    page.keyboard.press("Control+z")
    until(lambda: notebook.python("explorer.selected.tolist()") == [1, 2, 3], 20, "the undo")


def test_double_click_zooms_to_the_cluster_and_back(notebook):
    page = notebook.page
    pixels, _ = drawn_points(page)
    labels = np.array(notebook.python("labels.tolist()"))[drawn_rows(notebook)]
    cats = np.flatnonzero(labels == 0)
    middle = np.median(pixels[cats], axis=0)
    point = cats[np.argmin(np.hypot(*(pixels[cats] - middle).T))]
    page.mouse.dblclick(*pixels[point])
    until(lambda: len(map_state(notebook, "viewport")) == 4, 20, "the zoom")
    x0, x1, y0, y1 = map_state(notebook, "viewport")
    x, y = page.evaluate(PLACES, 0)
    there = (np.array(x) > x0) & (np.array(x) < x1) & (np.array(y) > y0) & (np.array(y) < y1)
    assert there[cats].mean() > 0.9 > 0.5 > there[labels == 1].mean()
    page.keyboard.press("Escape")  # the close look
    box = page.locator(".tw-overlay").bounding_box()
    page.mouse.dblclick(box["x"] + 3, box["y"] + 3)
    until(lambda: map_state(notebook, "viewport") == [], 20, "the whole map")


def test_arrows_walk_from_point_to_point(notebook):
    page = notebook.page
    page.mouse.move(5, 5)
    page.locator(".tw-overlay").focus()
    page.keyboard.press("ArrowRight")
    first = until(lambda: notebook.python("explorer.state.hovered or -1") + 1, 20, "a point") - 1
    page.keyboard.press("ArrowRight")
    until(lambda: notebook.python("explorer.state.hovered") not in (None, first), 20, "the next")
    second = notebook.python("explorer.state.hovered")
    x = notebook.python(f"explorer.embedding[[{first}, {second}], 0].tolist()")
    assert x[1] > x[0]
    page.keyboard.press("Space")
    until(lambda: notebook.python("explorer.selected.tolist()") == [second], 20, "the pick")
    page.keyboard.press("Enter")
    until(lambda: notebook.python("explorer.state.focus") == second, 20, "the close look")


def test_hovered_point_is_shared_between_page_and_python(notebook):
    page = notebook.page
    rows = drawn_rows(notebook)

    def is_hovered() -> bool:
        pixels, _ = drawn_points(page)  # now: the map may still get another size
        page.mouse.move(*pixels[7])
        nearest = int(np.hypot(*(pixels - pixels[7]).T).argmin())
        return notebook.python("explorer.state.hovered") == rows[nearest]

    until(is_hovered, 20, "the hover")
    page.mouse.move(5, 5)
    until(lambda: notebook.python("explorer.state.hovered") is None, 20, "its end")
    notebook.execute(f"explorer.state.hovered = {rows[33]}")
    circle = page.locator("svg.tw-lasso > circle")
    until(lambda: circle.get_attribute("r") == "7", 20, "a ring around the point")

    def is_around_the_point() -> bool:
        box = page.locator(".tw-overlay").bounding_box()
        place = [float(circle.get_attribute(name)) for name in ("cx", "cy")]
        center = [box["x"] + place[0], box["y"] + place[1]]
        return np.allclose(center, drawn_points(page)[0][33], atol=1)

    until(is_around_the_point, 20, "the ring at its point")
    notebook.execute("explorer.state.hovered = None")
    until(lambda: circle.get_attribute("r") == "0", 20, "no ring")


def test_clicked_point_is_connected_to_its_nearest_in_feature_space(notebook):
    page = notebook.page
    pixels, _ = drawn_points(page)
    rows = drawn_rows(notebook)
    notebook.execute("explorer.select([5])")
    page.mouse.click(*pixels[11])
    until(lambda: page.locator(".tw-links line").count() == 12, 20, "lines to its neighbours")
    row = notebook.python("explorer.state.focus")
    assert notebook.python("explorer.selected.tolist()") == [5]
    features = np.array(notebook.python("record.features.tolist()"))
    near = np.argsort(np.hypot.reduce(features - features[row], axis=1))[1:13]
    box = page.locator(".tw-overlay").bounding_box()
    ends = page.locator(".tw-links line").evaluate_all(
        "(lines) => lines.map((l) => [l.x2.baseVal.value, l.y2.baseVal.value])"
    )
    points = [int(np.flatnonzero(rows == other)[0]) for other in near]
    assert np.allclose(np.add(ends, [box["x"], box["y"]]), pixels[points], atol=1)
    other_class = notebook.python(f"(labels[{near.tolist()}] != labels[{row}]).tolist()")
    marked = page.locator(".tw-links line").evaluate_all(
        "(lines) => lines.map((line) => line.hasAttribute('data-other'))"
    )
    assert marked == other_class
    page.locator(".tw-overlay").focus()
    page.keyboard.press("Escape")
    until(lambda: page.locator(".tw-links line").count() == 0, 20, "the lines to go")
    assert notebook.python("explorer.state.focus") is None


def test_lasso_can_be_drawn_by_touch(notebook):
    page = notebook.page
    box = page.locator(".tw-overlay").bounding_box()
    corners = [(0.1, 0.2), (0.5, 0.2), (0.5, 0.9), (0.1, 0.9)]
    places = [(box["x"] + u * box["width"], box["y"] + v * box["height"]) for u, v in corners]
    session = page.context.new_cdp_session(page)
    for kind, place in zip(
        ["touchStart", *["touchMove"] * 3, "touchEnd"], [*places, None], strict=True
    ):
        touches = [] if place is None else [{"x": place[0], "y": place[1]}]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})
    until(lambda: notebook.python("len(explorer.selected)"), 20, "a selection")
    pixels, opacity = drawn_points(page)
    inside = (pixels > places[0]).all(1) & (pixels < places[2]).all(1) & (opacity > 0)
    rows = drawn_rows(notebook)
    assert notebook.python("explorer.selected.tolist()") == sorted(rows[inside].tolist())


def test_map_in_a_hidden_tab_is_drawn_when_the_tab_opens(notebook):
    page = notebook.page
    page.evaluate("() => window.jupyterapp.commands.execute('launcher:create')")
    until(lambda: not page.locator(".tw-overlay").first.is_visible(), 20, "another tab in front")
    notebook.execute("explorer.select('misclassified')")
    page.evaluate(
        "() => { const shell = window.jupyterapp.shell;"
        " const tabs = [...shell.widgets('main')];"
        " shell.activateById(tabs.find((tab) => tab.context?.path === 'map.ipynb').id) }"
    )
    map_is_drawn(page)
    wrong = notebook.python("len(explorer.selected)")
    until(lambda: (drawn_points(page)[1] == 1).sum() == wrong > 0, 20, "the selection")


# Like a map of millions of rows: the page receives 1,000 of 6,000 points.
LIMITS = """
import tsne_widget.widgets.models.window as window
window.MAX_WHOLE, window.SAMPLE, window.TAIL = 1000, 600, 400
"""
CELLS = {"many": [MANY], "too many": [LIMITS, MANY.replace(", draw_budget=600", "")]}


@pytest.fixture(scope="module")
def many(open_notebook, desk, request) -> Iterator[Notebook]:
    """A large map of a kind, in a page with or without WebGL; the next one gets its page."""
    kind, script = request.param
    failures = request.session.testsfailed
    name, is_changed = f"{kind}.ipynb", kind == "too many"
    opened = open_notebook(name, CELLS[kind], script=script, mortal=is_changed)
    opened.run_all()
    map_is_drawn(opened.page)
    yield opened
    desk.close(opened, failed=request.session.testsfailed > failures)


def with_and_without_webgl(kind: str) -> pytest.MarkDecorator:
    params = [(kind, ""), (kind, NO_WEBGL)]
    return pytest.mark.parametrize("many", params, ids=["webgl", "canvas"], indirect=True)


def map_state(notebook: Notebook, name: str) -> object:
    """A trait of the map's view, as the page has it."""
    return notebook.python(f"explorer.get_state('map.{name}')['map.{name}']")


def on_the_card(page: Page, mark: int = 0) -> np.ndarray:
    """(k, 3) x, y and opacity of the drawn points."""
    return np.array(page.evaluate(_ON_THE_CARD, mark)).T


def all_is_drawn(page: Page) -> None:
    page.wait_for_function(
        "() => !document.querySelector('.tw-shown').textContent.includes('are drawn')",
        timeout=20 * SECONDS,
    )


def seen_colors(page: Page) -> set[tuple[int, ...]]:
    """Colours on the canvas, each in sixteen levels."""
    url = page.locator(".tw-figure canvas").evaluate("(canvas) => canvas.toDataURL()")
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))))
    colors = pixels[pixels[..., 3] > 100][:, :3] // 16
    found, counts = np.unique(colors, axis=0, return_counts=True)
    return set(map(tuple, found[counts > 0.2 * len(colors)].tolist()))


@with_and_without_webgl("many")
def test_map_above_the_budget_draws_a_sample_with_a_note(many):
    page = many.page
    until(lambda: len(on_the_card(page)) == 600, 20, "600 points")
    assert "600 of 6,000 points in view are drawn" in page.locator(".tw-shown").inner_text()
    rare = set(map(tuple, np.round(many.python("xy[:20].tolist()"), 4).tolist()))
    drawn = set(map(tuple, np.round(on_the_card(page)[:, :2], 4).tolist()))
    assert rare <= drawn  # the rare class comes first


@with_and_without_webgl("many")
def test_zooming_in_draws_every_point_in_the_viewport(many):
    page = many.page
    box = page.locator(".tw-overlay").bounding_box()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
    page.locator(".tw-overlay").focus()
    for _ in range(9):
        page.mouse.wheel(0, -240)
    all_is_drawn(page)
    pixels, _ = drawn_points(page)
    inside = (
        (pixels[:, 0] > box["x"] + 8) & (pixels[:, 0] < box["x"] + box["width"] - 8)
        & (pixels[:, 1] > box["y"] + 8) & (pixels[:, 1] < box["y"] + box["height"] - 8)
    )  # fmt: skip
    rows = drawn_rows(many)
    places = np.array(many.python("xy.tolist()"))[rows[inside]]
    assert 5 < len(places) < 600
    drawn = set(map(tuple, np.round(on_the_card(page)[:, :2], 4).tolist()))
    assert set(map(tuple, np.round(places, 4).tolist())) <= drawn
    rings = set(map(tuple, np.round(on_the_card(page, 1)[:, :2], 4).tolist()))
    wrong = np.array(many.python("explorer.feature_set.misclassified.tolist()"))
    wrong_places = np.array(many.python("xy.tolist()"))[rows[inside][wrong[rows[inside]]]]
    assert set(map(tuple, np.round(wrong_places, 4).tolist())) <= rings
    page.locator(".tw-tools [data-action=reset]").click()


@with_and_without_webgl("many")
def test_lasso_selects_points_that_are_not_drawn_and_draws_them(many):
    page = many.page
    drag(page, [(0.3, 0.3), (0.7, 0.3), (0.7, 0.7), (0.3, 0.7)])
    until(lambda: many.python("len(explorer.selected)") > 600, 20, "more than are drawn")
    bright = many.python("len(explorer.selected)")
    until(lambda: (drawn_points(page)[1] == 1).sum() == bright, 20, "all of them in the page")
    until(lambda: len(on_the_card(page, 1)) > 500, 20, "the selected ones first")
    many.execute("explorer.clear()")


@with_and_without_webgl("too many")
def test_page_receives_the_points_in_the_viewport_of_a_large_map(many):
    page = many.page
    page.wait_for_function(
        "() => document.querySelector('.tw-shown').textContent.includes('1,000 of 6,000')"
    )
    box = page.locator(".tw-overlay").bounding_box()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.4 * box["height"])
    page.locator(".tw-overlay").focus()
    for _ in range(9):
        page.mouse.wheel(0, -240)
    until(lambda: map_state(many, "epoch") and not map_state(many, "unknown"), 20, "others")
    all_is_drawn(page)
    x0, x1, y0, y1 = map_state(many, "viewport")
    xy = np.array(many.python("xy.tolist()"))
    there = (xy[:, 0] > x0) & (xy[:, 0] < x1) & (xy[:, 1] > y0) & (xy[:, 1] < y1)
    wrong = np.array(many.python("explorer.feature_set.misclassified.tolist()"))
    known = set(drawn_rows(many)[:600].tolist())
    assert any(row not in known for row in np.flatnonzero(there))

    def places_on_the_card(mark: int = 0) -> set[tuple[float, float]]:
        return set(map(tuple, np.round(on_the_card(page, mark)[:, :2], 4).tolist()))

    rounded = list(map(tuple, np.round(xy, 4).tolist()))
    until(
        lambda: {rounded[i] for i in np.flatnonzero(there)} <= places_on_the_card(), 20, "all of it"
    )
    until(
        lambda: {rounded[i] for i in np.flatnonzero(there & wrong)} <= places_on_the_card(1),
        20,
        "their rings",
    )
    # After some of the points, all points are drawn again, each at its place.
    assert np.allclose(on_the_card(page)[:, :2], np.column_stack(page.evaluate(PLACES, 0)))
    drag(page, [(0.3, 0.3), (0.7, 0.3), (0.7, 0.7), (0.3, 0.7)])
    until(lambda: many.python("len(explorer.selected)"), 20, "a selection")
    assert set(many.python("explorer.selected.tolist()")) < set(np.flatnonzero(there).tolist())
    until(
        lambda: (on_the_card(page, 1)[:, 2] == 1).sum() == many.python("len(explorer.selected)"),
        20,
        "the selection on the card",
    )


@with_and_without_webgl("too many")
def test_click_opens_the_displayed_point_after_the_points_have_changed(many):
    page = many.page
    rows = drawn_rows(many)
    pixels, _ = drawn_points(page)
    box = page.locator(".tw-overlay").bounding_box()
    middle = np.array([box["x"] + box["width"] / 2, box["y"] + box["height"] / 2])
    point = 600 + int(np.argmin(np.linalg.norm(pixels[600:] - middle, axis=1)))
    page.mouse.click(*pixels[point])
    until(lambda: many.python("explorer.state.focus") == rows[point], 20, "the row")


@with_and_without_webgl("too many")
def test_a_selection_of_a_few_rows_is_drawn_wherever_they_are(many):
    page = many.page
    page.locator(".tw-tools [data-action=reset]").click()
    known = drawn_rows(many).tolist()
    many.execute(f"few = np.setdiff1d(np.arange(n), {known})[:5]; explorer.select(few)")
    places = np.round(many.python("xy[few].tolist()"), 4).tolist()
    expected = {(x, y, 1.0) for x, y in places}

    def drawn() -> set[tuple[float, ...]]:
        return set(map(tuple, np.round(on_the_card(page, 1), 4).tolist()))

    until(lambda: expected <= drawn(), 20, "the five")


@pytest.mark.parametrize("many", [("many", "")], ids=["webgl"], indirect=True)
def test_page_draws_the_map_itself_once_another_page_cannot_load_bqplot(many):
    page, is_bqplot = many.page, "document.querySelector('.tw-scatter').bqplotFigure.model"
    assert page.evaluate(f"() => Boolean({is_bqplot})")
    many.execute("explorer.select([1, 2, 3]); explorer._views['map']._on_no_figure({}, [])")
    page.wait_for_function(f"() => !{is_bqplot}", timeout=20 * SECONDS)
    until(lambda: (drawn_points(page)[1] == 1).sum() == 3, 20, "the selection")
    many.execute("explorer.clear()")


@pytest.mark.parametrize("many", [("many", NO_WEBGL)], ids=["canvas"], indirect=True)
def test_map_without_webgl_moves_and_changes_colours(many):
    page = many.page
    page.locator(".tw-tools [data-action=reset]").click()
    assert "without WebGL" in page.locator(".tw-shown").inner_text()
    colors = functools.partial(seen_colors, page)
    before = until(colors, 20, "colours")
    many.execute("explorer.color_by = 'prediction'; explorer.color_by = 'correct'")
    until(lambda: colors() not in (set(), before), 20, "other colours")
    first = drawn_rows(many)[:5]
    many.execute("explorer.state.embedding = explorer.embedding[::-1].copy()")
    mirrored = many.python("xy.tolist()")
    until(
        lambda: np.allclose(on_the_card(page)[:5, :2], [mirrored[-1 - row] for row in first]),
        20,
        "the points to move",
    )
    many.execute("explorer.state.embedding = xy; explorer.color_by = 'label'")
