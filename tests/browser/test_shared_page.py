"""An exported page, opened from the disk without a kernel or a network."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Page

from tests.browser.gestures import SECONDS, drag, drawn_points, outline
from tests.browser.jupyter import until
from tests.faults.attacks import TEXTS
from tsne_widget import FeatureSet, save_html
from tsne_widget._text import printable
from tsne_widget.analysis import sample_frame

pytestmark = pytest.mark.browser

N = 240
NAMES = ["cat", "dog", "owl"]
BOX = [(0.05, 0.12), (0.55, 0.12), (0.55, 0.9), (0.05, 0.9)]
_SELECTED = "() => [...document.getElementById('tw-page').exploration.state.selected]"


def make_record(n=N, **fields) -> FeatureSet:
    rng = np.random.default_rng(0)
    labels = np.arange(n) % 3
    logits = rng.normal(size=(n, 3)) + 2 * np.eye(3)[labels]
    known = {"class_names": NAMES, "logits": logits, "ids": 10 + np.arange(n)}
    return FeatureSet.from_arrays(
        rng.normal(size=(n, 3)),
        labels,
        **{**known, "paths": [f"/x/{i}.png" for i in range(n)]} | fields,
    )


def places(n=N) -> np.ndarray:
    rng = np.random.default_rng(1)
    return (rng.normal(size=(n, 2)) * 0.5 + 4 * np.eye(3)[np.arange(n) % 3][:, :2]).astype("f4")


def pictures(record) -> np.ndarray:
    """Pictures of a single grey level, which encodes the id."""
    level = np.arange(int(record.ids.max()) + 1) % 256
    return np.broadcast_to(level[:, None, None], (len(level), 12, 12)).astype("u1")


class Opened:
    """A page opened from the disk, with its requests and errors."""

    def __init__(self, browser: Browser, file: Path, **options: object) -> None:
        self.context = browser.new_context(accept_downloads=True, **options)  # type: ignore[arg-type]
        self.page = self.context.new_page()
        self.requests: list[str] = []
        self.errors: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.errors.append("a dialog"), dialog.dismiss()))
        self.page.on(
            "console",
            lambda message: (
                message.type in ("error", "warning") and self.errors.append(message.text)
            ),
        )
        self.page.goto(file.as_uri())
        self.page.wait_for_function(
            "() => document.querySelector('.tw-scatter .tw-waiting')?.hidden", timeout=30 * SECONDS
        )

    def close(self) -> None:
        sent = [url for url in self.requests if not url.startswith(("data:", "blob:"))]
        assert len(sent) == 1, f"the page asked for {sent[1:]}"
        assert sent[0].startswith("file:")
        assert not [text for text in self.errors if "GPU stall" not in text]
        self.context.close()


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Page]]:
    """Save a record and open its page; after the test, check for requests and errors."""
    pages: list[Opened] = []

    def open_one(
        record: FeatureSet, xy: np.ndarray, options: dict | None = None, **context: object
    ) -> Page:
        wanted = {"images": pictures(record), "progress": False} | (options or {})
        file = save_html(record, xy, tmp_path / f"map-{len(pages)}.html", **wanted)
        size = {"viewport": {"width": 1400, "height": 900}}
        pages.append(Opened(browser, file, **size | context))
        return pages[-1].page

    yield open_one
    for one in pages:
        one.close()


def selected(page: Page) -> list[int]:
    found: list[int] = page.evaluate(_SELECTED)
    return found


def count_is(page: Page, count: int) -> None:
    until(lambda: len(selected(page)) == count, 20, f"{count} selected samples")


def saved_table(page: Page) -> pd.DataFrame:
    with page.expect_download(timeout=20 * SECONDS) as started:
        page.locator("[data-action=csv]").click()
    return pd.read_csv(io.BytesIO(Path(started.value.path()).read_bytes()))


def rows_at(page: Page) -> dict[tuple[float, float], int]:
    """Row of each point by its drawn coordinates, because points have their own order."""
    found: list[int] = page.evaluate(
        "() => { const { record } = document.getElementById('tw-page').exploration;"
        " const figure = document.querySelector('.tw-scatter').bqplotFigure;"
        " return figure.mark_views.views[0].then((mark) => {"
        " const [x, y] = ['x', 'y'].map((name) => mark.model.get(name));"
        " return Array.from(x, (value, k) => record.x.findIndex("
        " (other, row) => other === value && record.y[row] === y[k])) }) }"
    )
    return dict(enumerate(found))  # type: ignore[arg-type]


def inside(polygon: np.ndarray, points: np.ndarray) -> np.ndarray:
    from matplotlib.path import Path as Outline

    return Outline(polygon).contains_points(points)


# ---- the map ----


def test_a_lasso_selects_exactly_the_points_in_it_and_keys_combine(opened):
    page = opened(make_record(), places())
    row_of = rows_at(page)
    drag(page, BOX)
    until(lambda: selected(page), 20, "a selection")
    pixels, _ = drawn_points(page)
    expected = {row_of[k] for k in np.flatnonzero(inside(outline(page), pixels))}
    assert set(selected(page)) == expected
    assert 0 < len(expected) < N
    part = [(0.05, 0.12), (0.3, 0.12), (0.3, 0.9), (0.05, 0.9)]
    drag(page, part, keys=("Alt",))
    until(lambda: len(selected(page)) < len(expected), 20, "fewer selected samples")
    removed = {row_of[k] for k in np.flatnonzero(inside(outline(page), pixels))}
    assert set(selected(page)) == expected - removed
    drag(page, part, keys=("Shift",))
    count_is(page, len(expected | removed))
    page.keyboard.press("Control+z")
    count_is(page, len(expected - removed))
    page.keyboard.press("Escape")
    count_is(page, 0)


def test_the_points_are_drawn_where_their_coordinates_are(opened):
    record, xy = make_record(), places()
    page = opened(record, xy)
    pixels, _ = drawn_points(page)
    row_of = rows_at(page)
    rows = [row_of[k] for k in range(N)]
    # one scale for both axes, y upwards
    scale = np.polyfit(xy[rows, 0], pixels[:, 0], 1)[0]
    assert scale > 0
    assert np.polyfit(xy[rows, 1], pixels[:, 1], 1)[0] == pytest.approx(-scale, rel=1e-3)
    picture = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB"), dtype=int)
    lone = np.argmax(pixels[:, 0])  # the rightmost point, which no other covers
    x, y = pixels[lone].round().astype(int)
    assert np.ptp(picture[y, x]) > 30, "no colour where the rightmost point should be"


def test_wheel_zooms_around_the_pointer_and_zero_shows_the_whole_map(opened):
    page = opened(make_record(), places())
    before, _ = drawn_points(page)
    box = page.locator(".tw-overlay").bounding_box()
    anchor = before[np.argmin(np.abs(before - before.mean(axis=0)).sum(axis=1))]
    page.locator(".tw-overlay").focus()
    page.mouse.move(*anchor)
    page.mouse.wheel(0, -240)
    until(lambda: not np.allclose(drawn_points(page)[0], before), 20, "the zoom")
    after, _ = drawn_points(page)
    still = np.abs(before - anchor).sum(axis=1).argmin()
    assert np.abs(after[still] - before[still]).max() < 1.5
    assert np.ptp(after[:, 0]) > 1.2 * np.ptp(before[:, 0])
    page.locator("[data-action=reset]").click()
    until(lambda: np.allclose(drawn_points(page)[0], before, atol=0.5), 20, "the whole map")
    assert box


def test_hovering_a_point_shows_its_picture_and_words(opened):
    record = make_record()
    page = opened(record, places())
    pixels, _ = drawn_points(page)
    point = int(np.argmax(pixels[:, 0]))
    row = rows_at(page)[point]
    page.mouse.move(*pixels[point])
    card = page.locator(".tw-hover")
    card.wait_for(timeout=20 * SECONDS)
    assert f"#{record.ids[row]}" in card.inner_text()
    assert NAMES[record.labels[row]] in card.inner_text()
    assert "%" in card.inner_text()
    page.wait_for_function("() => document.querySelector('.tw-hover img')?.naturalWidth === 12")


def test_hidden_classes_cannot_be_selected_and_their_points_are_not_drawn(opened):
    record = make_record()
    page = opened(record, places())
    legend = page.locator(".tw-legend li button")
    legend.nth(0).click()
    until(lambda: (drawn_points(page)[1] == 0).sum() == N // 3, 20, "a hidden class")
    drag(page, [(0.01, 0.01), (0.99, 0.01), (0.99, 0.99), (0.01, 0.99)])
    count_is(page, N - N // 3)
    assert 0 not in record.labels[selected(page)]
    legend.nth(2).dblclick()
    until(lambda: (drawn_points(page)[1] > 0).sum() == N // 3, 20, "only this class")
    assert set(record.labels[selected(page)]) == {2}
    page.locator(".tw-legend footer button", has_text="None").click()
    until(lambda: not drawn_points(page)[1].any(), 20, "no class")
    page.locator(".tw-legend footer button", has_text="All").click()
    until(lambda: drawn_points(page)[1].all(), 20, "all classes")


@pytest.mark.parametrize("name", ["prediction", "correct", "confidence", "suspicion"])
def test_points_have_the_chosen_colours_and_a_key(opened, name):
    page = opened(make_record(), places(), {"scores": {"suspicion": np.arange(N)}})
    before = page.locator(".tw-figure").screenshot()
    page.locator(".tw-key-head select").select_option(name)
    until(lambda: page.locator(".tw-figure").screenshot() != before, 20, "other colours")
    if name != "prediction":
        assert page.locator(".tw-key").inner_text()


# ---- the panels ----


def test_the_gallery_shows_the_selection_in_the_chosen_order_with_its_pictures(opened):
    record = make_record()
    page = opened(record, places(), {"selected": [3, 70, 200]})
    tiles = page.locator(".tw-gallery figure")
    page.wait_for_function(
        "() => document.querySelectorAll('.tw-gallery figure img').length === 3",
        timeout=20 * SECONDS,
    )
    grey = (
        "() => [...document.querySelectorAll('.tw-gallery figure img')].map((image) => {"
        " const canvas = new OffscreenCanvas(12, 12).getContext('2d');"
        " canvas.drawImage(image, 0, 0);"
        " return canvas.getImageData(6, 6, 1, 1).data[0] })"
    )
    shown = [int(tile.get_attribute("data-id")) for tile in tiles.all()]
    assert page.evaluate(grey) == [id_ % 256 for id_ in shown]
    for menu, key in (("group", "none"), ("sort", "confidence")):
        page.locator(f".tw-gallery [data-menu={menu}] button").first.click()
        page.locator(f".tw-gallery [data-key={key}]").click()
    confidence = sample_frame(record, [3, 70, 200])["confidence"]
    lowest = str(confidence.idxmin())
    first = page.locator(".tw-gallery figure[data-index='0']")
    until(lambda: first.get_attribute("data-id") == lowest, 20, "the least confident first")


def test_only_visible_tiles_exist_among_thousands(opened):
    n = 5_000
    record = make_record(n)
    page = opened(record, places(n))
    page.locator(".tw-gallery figure img").first.wait_for(timeout=20 * SECONDS)
    page.locator(".tw-gallery .tw-pictures").focus()
    page.keyboard.press("End")
    last = page.locator(f".tw-gallery figure[data-index='{n - 1}'] img")
    last.wait_for(timeout=20 * SECONDS)
    assert page.locator(".tw-gallery figure").count() < 200


def test_click_opens_the_details_and_escape_closes_them(opened):
    record = make_record()
    page = opened(record, places(), {"selected": [5]})
    page.locator(".tw-gallery figure img").first.click()
    look = page.locator(".tw-look")
    look.wait_for(timeout=20 * SECONDS)
    text = look.inner_text()
    assert f"#{record.ids[5]}" in text
    assert "5.png" in text
    assert "margin" in text
    page.keyboard.press("Escape")
    look.wait_for(state="hidden")


def test_a_click_on_a_cell_of_the_confusion_matrix_selects_its_samples(opened):
    record = make_record()
    page = opened(record, places())
    page.get_by_role("tab", name="Confusion").click()
    page.locator(".tw-matrix [data-place='0 1']").click()
    expected = np.flatnonzero((record.labels == 0) & (record.predictions == 1))
    count_is(page, len(expected))
    assert selected(page) == expected.tolist()


def test_counts_in_legend_and_toolbar_match_the_record(opened):
    record = make_record()
    page = opened(record, places())
    wrong = int(record.misclassified.sum())
    assert f"{wrong} wrong" in page.locator(".tw-wrong-count").text_content()
    page.locator(".tw-wrong-count").click()
    count_is(page, wrong)
    assert selected(page) == np.flatnonzero(record.misclassified).tolist()
    label = page.locator(".tw-legend li button").first.get_attribute("aria-label")
    own = record.misclassified[record.labels == 0]
    assert f"{own.sum()} of {len(own)} selected" in label
    assert f"{round(100 * (1 - own.mean()))} % right" in label


def test_named_selections_can_be_selected_and_new_ones_made(opened):
    page = opened(make_record(), places(), {"selections": {"few": [1, 2, 3]}})
    page.get_by_role("tab", name="Saved").click()
    page.locator(".tw-selections li .tw-pick").click()
    count_is(page, 3)
    page.locator(".tw-selections form input").fill("same again")
    page.keyboard.press("Enter")
    until(lambda: page.locator(".tw-selections li").count() == 2, 20, "a second selection")


def test_only_visible_samples_of_a_named_selection_are_selected_with_a_message(opened):
    page = opened(make_record(), places(), {"selections": {"few": [1, 2, 3]}})
    page.get_by_role("tab", name="Saved").click()
    page.locator(".tw-legend li button").first.click()
    page.locator(".tw-legend li button[aria-pressed=false]").wait_for(timeout=20 * SECONDS)
    page.locator(".tw-selections li .tw-pick").click()
    until(lambda: selected(page) == [1, 2], 20, "the samples of classes that are shown")
    assert "1 of 3 rows belong to hidden classes" in page.locator(".tw-message").inner_text()


def test_a_search_selects_by_id_file_and_class(opened):
    record = make_record()
    page = opened(record, places())
    search = page.get_by_label("Find pictures")
    for text, count in (("#17", 1), ("239.png", 1), ("OWL", None)):
        search.fill(text)
        search.press("Enter")
        expected = count or int((record.labels == 2).sum())
        count_is(page, expected)


# ---- saving ----


def test_the_table_that_is_saved_is_the_frame_of_the_selection(opened):
    record, xy = make_record(), places()
    page = opened(record, xy, {"selections": {"few": [3, 70]}})
    drag(page, BOX)
    until(lambda: selected(page), 20, "a selection")
    table = saved_table(page)
    frame = sample_frame(record, selected(page), xy, {"few": [3, 70]})
    assert table["id"].tolist() == frame.index.tolist()
    assert table.columns.tolist() == ["id", *frame.columns]
    for column in ("label", "prediction", "label_name", "prediction_name", "misclassified"):
        assert table[column].tolist() == frame[column].tolist()
    for column in ("confidence", "margin", "x", "y"):
        assert np.array_equal(table[column].astype("f4"), frame[column])
    page.get_by_role("button", name="Clear").click()
    count_is(page, 0)
    assert len(saved_table(page)) == N  # all visible samples, since nothing is selected


def test_hostile_text_is_displayed_as_text_and_is_no_formula_in_the_table(opened):
    planted = ["<img src=x onerror='window.pwned=1'>", "</script><script>window.pwned=1</script>"]
    names = list(dict.fromkeys([*TEXTS, *planted, '=cmd()"', "@SUM(1)", "a,b\n'c'"]))
    c = len(names)
    rng = np.random.default_rng(0)
    labels = np.arange(4 * c) % c
    record = FeatureSet.from_arrays(
        rng.normal(size=(4 * c, 2)), labels, predictions=rng.permutation(labels), class_names=names,
        paths=[f"/x/{row}{names[code]}" for row, code in enumerate(labels)],
    )  # fmt: skip
    options = {
        "title": planted[0], "selections": {planted[0][:40]: [1]}, "images": pictures(record),
        "selected": np.arange(9),
    }  # fmt: skip
    page = opened(record, rng.normal(size=(4 * c, 2)).astype("f4"), options)
    assert page.locator("h1").inner_text() == planted[0]
    legend = page.locator(".tw-legend .tw-name").all_text_contents()
    assert sorted(legend) == sorted(printable(name) for name in names)
    for tab in ("Confusion", "Saved", "Images"):
        page.get_by_role("tab", name=tab).click()
    page.locator(".tw-gallery figure img").first.click()
    page.locator(".tw-look").wait_for(timeout=20 * SECONDS)
    page.locator(".tw-key-head select").select_option("selection")
    table = saved_table(page)
    assert page.evaluate("() => window.pwned") is None
    texts = table[["label_name", "prediction_name", "path"]].to_numpy().ravel()
    assert not [text for text in texts if str(text).strip()[:1] in ("=", "+", "-", "@")]


# ---- sampled pages, theme, layout and accessibility ----


def test_sampled_page_has_a_note_and_contains_the_selection(opened):
    record = make_record()
    page = opened(record, places(), {"max_rows": 60, "selected": [7]})
    note = page.locator(".tw-page-note").inner_text()
    assert note == "60 of 240 pictures: a sample of every class, including all selected ones"
    assert saved_table(page)["id"].tolist() == [record.ids[7]]
    assert "60 pictures" in page.locator(".tw-counts").inner_text()


NOTES = ["The layer is a <b>guess</b>; pass layer=.", "Labels may begin at 1; pass labels - 1."]
SHOWN = ["The layer is a <b>guess</b>\nPass layer=.", "Labels may begin at 1\nPass labels - 1."]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_notes_open_and_close_by_keys_and_are_read_by_axe(opened, scheme):
    page = opened(make_record().with_notes(NOTES, warn=False), places(), color_scheme=scheme)
    button = page.get_by_role("button", name="2 notes")
    listed = page.get_by_role("list", name="Notes")
    assert button.get_attribute("aria-expanded") == "false"
    assert not listed.is_visible()
    button.focus()
    page.keyboard.press("Enter")
    assert listed.locator("li").all_inner_texts() == SHOWN
    assert button.get_attribute("aria-expanded") == "true"
    assert violations(page) == []
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    assert not listed.is_visible()
    assert page.evaluate("() => document.activeElement.textContent") == "2 notes"
    page.keyboard.press("Enter")
    page.locator(".tw-find input").click()
    assert not listed.is_visible()


def test_a_page_without_notes_does_not_speak_of_them(opened):
    page = opened(make_record(), places())
    assert page.locator(".tw-notes").count() == 1
    assert not page.locator(".tw-notes").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_follow_the_system_until_the_button_is_used(opened, scheme):
    page = opened(make_record(), places(), color_scheme=scheme)
    is_dark = "() => getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0] < 128"
    assert page.evaluate(is_dark) == (scheme == "dark")
    page.locator("[data-action=theme]").click()
    assert page.evaluate(is_dark) != (scheme == "dark")


@pytest.mark.parametrize("width", [420, 900, 1600])
def test_nothing_overflows_at_any_width(opened, width):
    page = opened(make_record(), places(), viewport={"width": width, "height": 800})
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
    for name in (".tw-overlay", ".tw-legend", ".tw-gallery", "[data-action=csv]"):
        box = page.locator(name).bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["height"] > 20


def test_every_control_is_reachable_by_keyboard(opened):
    page = opened(make_record(), places(), {"selected": [1, 2]})
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate(
                "() => { const at = document.activeElement;"
                " return at.dataset.action || at.getAttribute('role') || at.tagName }"
            )
        )
    assert {"csv", "theme", "application", "listbox", "tab"} <= reached
    page.get_by_role("tab", name="Images").focus()
    page.keyboard.press("ArrowRight")
    page.locator(".tw-confusion").wait_for()
    assert page.get_by_role("tab", name="Confusion").get_attribute("aria-selected") == "true"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(opened, scheme):
    page = opened(
        make_record(), places(), {"max_rows": 100, "selections": {"few": [1]}}, color_scheme=scheme
    )
    page.locator(".tw-gallery figure img").first.wait_for(timeout=20 * SECONDS)
    assert violations(page) == []
    page.locator(".tw-legend li button").nth(1).click()
    page.locator(".tw-wrong-count").click()
    for tab in ("Confusion", "Saved", "Images"):
        page.get_by_role("tab", name=tab).click()
        assert violations(page) == []
    page.locator(".tw-gallery figure img").first.click()
    page.locator(".tw-look").wait_for(timeout=20 * SECONDS)
    assert violations(page) == []


def violations(page: Page) -> list[str]:
    found = Axe().run(page).response
    return [
        f"{rule['id']} ({rule['impact']}) {node['target'][-1]}: {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]
