"""Situations outside the quickstart: waiting, failures, hostile text, no pictures, two views."""

from __future__ import annotations

import re

import numpy as np
import pytest

from tests.browser.gestures import (
    SECONDS,
    drag,
    drawn_points,
    drawn_rows,
    map_is_drawn,
    pictures_are_drawn,
)
from tests.browser.jupyter import Notebook, until
from tsne_widget._text import REMEDY

pytestmark = pytest.mark.browser

# Starts below the buttons in the map's upper left corner.
AROUND_ALL = [(0.001, 0.999), (0.999, 0.999), (0.999, 0.001), (0.001, 0.001)]

# Notes the size of the figure as bqplot sees it while an animation begins.
MEASURE_TURNING = """() => {
  window.measured = [];
  const { animate } = Element.prototype;
  Element.prototype.animate = function (...given) {
    const animation = animate.apply(this, given);
    const { width, height } = document.querySelector(".tw-scatter").bqplotFigure.getFigureSize();
    window.measured.push([width, height]);
    return animation;
  };
}"""

SETUP = """
import threading
import numpy as np
from tsne_widget import EmbeddingExplorer, FeatureSet

rng = np.random.default_rng(0)
n = 400
labels = np.arange(n) % 4
xy = np.column_stack([np.cos(labels * 1.6), np.sin(labels * 1.6)]) * 8 + rng.normal(size=(n, 2))
predictions = (labels + (rng.random(n) < 0.1)) % 4
record = FeatureSet.from_arrays(rng.normal(size=(n, 8)), labels, predictions=predictions)

class Gated:
    gate = threading.Event()
    def fit_transform(self, features):
        self.gate.wait(60)
        if self.fail:
            raise ArithmeticError("features are <b>odd</b>; scale them")
        return xy
    fail = False
"""
WAITING = """
projector = Gated()
waiting = EmbeddingExplorer(record, projector=projector)
threads = []
def note(change):
    threads.append(threading.current_thread() is threading.main_thread())
waiting.observe(note, "embedding")
waiting
"""
FAILING = """
class Failing(Gated):
    fail = True
failing = EmbeddingExplorer(record, projector=Failing())
failing
"""
HOSTILE = """
names = [
    "<img src=x onerror='window.pwned=1'>",
    "<script>window.pwned=1</script>",
    "\\u202eevil\\x00\\x1b[31m" + "x" * 10_000,
    "'; DROP TABLE --\\"",
]
paths = [f"/data/<img src=x onerror='window.pwned=1'>/{i}-\\udcff.png" for i in range(n)]
hostile = EmbeddingExplorer(
    FeatureSet.from_arrays(record.features, labels, predictions=record.predictions,
                           class_names=names, paths=paths),
    embedding=xy, columns={names[0]: np.array(names, dtype=object)[labels]})
hostile
"""
NOTED = """
noted = EmbeddingExplorer(
    record.with_notes(["The layer <b>fc</b> is a guess; pass layer=."], warn=False), embedding=xy)
noted
"""
SAID = """
said = EmbeddingExplorer(record, embedding=xy)
said
"""
TURNING = """
turning = EmbeddingExplorer(record, embedding=xy)
turning
"""
TWO = """
from IPython.display import display
two = EmbeddingExplorer(record, embedding=xy)
display(two)
two
"""


def open_one(open_notebook, name: str, cell: str) -> Notebook:
    notebook = open_notebook(f"{name}.ipynb", [SETUP, cell])
    notebook.run_all()
    return notebook


def test_cell_returns_at_once_and_the_map_appears_later(open_notebook):
    notebook = open_one(open_notebook, "waiting", WAITING)
    page = notebook.page
    page.locator(".tw-fit", has_text="Gated of 400 × 8 features").wait_for()
    assert "Gated of 400 × 8 features" in page.locator(".tw-waiting").inner_text()
    assert not page.locator(".tw-tools").is_visible()
    notebook.execute("projector.gate.set()")  # no wait(): the kernel's loop delivers the map
    map_is_drawn(page)
    page.locator(".tw-fit .tw-bar").wait_for(state="hidden")
    used = page.locator(".tw-fit > .tw-doing", has_text=re.compile(r"features · .* s$"))
    used.wait_for()
    assert page.locator(".tw-fit button:visible").count() == 0  # it cannot be continued
    assert notebook.python("threads") == [True]
    drag(page, AROUND_ALL)
    until(lambda: notebook.python("len(waiting.selected)") == 400, 20, "all rows")


def test_message_does_not_move_the_layout_and_can_be_dismissed(open_notebook):
    notebook = open_one(open_notebook, "said", SAID)
    page = notebook.page
    map_is_drawn(page)
    place = page.locator(".tw-scatter").bounding_box()
    notebook.execute("said.visible_classes = '0'; said.select('all'); said.select(range(40))")
    message = page.locator(".tw-message")
    message.wait_for()
    assert "belong to hidden classes" in message.inner_text()
    assert page.locator(".tw-scatter").bounding_box() == place
    message.get_by_role("button", name="Dismiss").click()
    message.wait_for(state="hidden")


def test_the_notes_of_the_record_are_beside_the_counts(open_notebook):
    notebook = open_one(open_notebook, "notes", NOTED)
    page = notebook.page
    listed = page.get_by_role("list", name="Notes")
    page.get_by_role("button", name="1 note", exact=True).click()
    assert listed.inner_text() == "The layer <b>fc</b> is a guess\nPass layer=."
    listed.click()  # its text can be selected
    assert listed.is_visible()
    page.keyboard.press("Escape")
    assert not listed.is_visible()


def test_failure_of_a_projector_is_displayed_in_the_widget(open_notebook):
    notebook = open_one(open_notebook, "failing", FAILING)
    notebook.execute("failing.projector.gate.set()")
    message = notebook.page.locator(".tw-message")
    message.wait_for()
    assert message.inner_text() == (
        f"The map failed: ArithmeticError: features are <b>odd</b>; scale them{REMEDY}"
    )
    notebook.execute("failing.select([1])")  # the map still shows the reason
    message.wait_for(state="hidden")
    assert "features are <b>odd</b>" in notebook.page.locator(".tw-waiting").inner_text()
    assert notebook.page.locator(".tw-fit").is_hidden()


def test_running_map_moves_pauses_stops_and_continues(open_notebook):
    cell = """
from tsne_widget import TSNE
wide = rng.normal(size=(1500, 6)) + 3 * np.eye(6)[np.arange(1500) % 3]
live = EmbeddingExplorer(FeatureSet.from_arrays(wide, np.arange(1500) % 3),
                         projector=TSNE(random_state=0, max_iter=100_000))
live
"""
    notebook = open_one(open_notebook, "live", cell)
    page = notebook.page
    map_is_drawn(page)
    first = drawn_points(page)[0]
    until(lambda: not np.allclose(drawn_points(page)[0], first), 20, "the map to move")
    fit = page.locator(".tw-fit")
    fit.locator("button", has_text="Pause").click()
    fit.get_by_text("paused").wait_for(timeout=20 * SECONDS)
    assert notebook.python("live.state.fit.condition") == "paused"
    assert "KL" in fit.inner_text()
    still = notebook.python("live.state.fit.iteration")
    drag(page, AROUND_ALL)  # everything works while the fit is paused
    until(lambda: notebook.python("len(live.selected)") == 1500, 20, "all rows")
    assert notebook.python("live.state.fit.iteration") == still
    fit.locator("button", has_text="Resume").click()
    until(lambda: notebook.python("live.state.fit.iteration") > still, 20, "it to go on")
    fit.locator("button", has_text="Stop here").click()
    fit.get_by_text("Stopped after").wait_for(timeout=20 * SECONDS)
    stopped = notebook.python("live.state.fit.iteration")
    assert len(notebook.python("live.to_dataframe('all')['x'].tolist()")) == 1500
    fit.locator("button", has_text="Run 250 more").click()
    until(lambda: notebook.python("live.state.fit.condition") == "done", 60, "250 more")
    assert notebook.python("live.state.fit.iteration") == stopped + 250
    assert notebook.python("len(live.selected)") == 1500  # kept during the fit


def test_bqplot_sees_the_size_of_a_map_that_turns(open_notebook):
    notebook = open_one(open_notebook, "turning", TURNING)
    page = notebook.page
    map_is_drawn(page)
    page.evaluate(MEASURE_TURNING)
    notebook.execute("state = turning.state; state.fit = state.fit._replace(turn=40.0)")
    notebook.execute("state.embedding = state.embedding * np.float32(0.9)")
    until(lambda: page.evaluate("window.measured.length"), 20, "the map to turn")
    box = page.locator(".tw-figure").bounding_box()
    assert page.evaluate("window.measured[0]") == pytest.approx([box["width"], box["height"]])


def test_hostile_names_and_paths_are_displayed_as_text(open_notebook):
    notebook = open_one(open_notebook, "hostile", HOSTILE)
    page = notebook.page
    map_is_drawn(page)
    markup = "<img src=x onerror='window.pwned=1'>"

    def shows(place: str) -> None:
        page.locator(place, has_text=markup).first.wait_for(timeout=20 * SECONDS)

    notebook.execute("hostile.name_selection(names[0], [0, 4]); hostile.color_by = names[0]")
    shows(".tw-key")
    shows(".tw-labels")
    pixels, _ = drawn_points(page)
    point = np.flatnonzero(drawn_rows(notebook, "hostile.embedding") == 0)[0]  # row of names[0]
    page.mouse.move(*pixels[point])
    shows(".tw-hover")
    shows(".tw-gallery .tw-caption-line")
    drag(page, AROUND_ALL)
    page.get_by_text("Select only these").first.wait_for(timeout=20 * SECONDS)  # in groups now
    page.locator(".tw-gallery figure").first.click()
    shows(".tw-look dd")
    page.keyboard.press("Escape")
    notebook.execute("hostile.state.message = names[0]")
    shows(".tw-message")
    for panel, place in (
        ("Confusion", ".tw-confusion .tw-pairs"),
        ("Saved", ".tw-selections li"),
    ):
        page.get_by_role("tab", name=panel).click()
        shows(place)
    page.locator(".tw-legend li button").nth(0).hover()
    legend = page.locator(".tw-legend ul").inner_text()
    assert markup in legend
    assert "\\u202eevil\\x00\\x1b[31mx" in legend
    assert len(legend) < 1000
    assert page.locator(".tsne-widget img[src=x]").count() == 0
    assert page.evaluate("() => window.pwned") is None


def test_gallery_without_pictures_names_the_argument_to_pass(open_notebook):
    notebook = open_one(open_notebook, "nopictures", TWO.replace("display(two)", ""))
    page = notebook.page
    map_is_drawn(page)
    notebook.execute("two.select([0, 1])")
    page.locator(".tw-gallery figure").nth(1).wait_for()
    assert "Pass images=" in page.locator(".tw-note").inner_text()


def test_two_views_of_one_explorer_stay_synchronised(open_notebook):
    notebook = open_one(open_notebook, "twoviews", TWO)
    page = notebook.page
    map_is_drawn(page)
    page.wait_for_function(
        "() => [...document.querySelectorAll('.tw-scatter .tw-waiting')].filter(w => w.hidden)"
        ".length === 2",
        timeout=30 * SECONDS,
    )
    page.locator(".tw-legend").nth(1).locator("li button").nth(1).click()
    first = page.locator(".tw-legend").nth(0).locator("li button").nth(1)
    until(lambda: first.get_attribute("aria-pressed") == "false", 20, "the first legend")
    drag(page, AROUND_ALL)
    for index in (0, 1):
        page.locator(".tw-pill").nth(index).get_by_text("300 selected").wait_for(
            timeout=20 * SECONDS
        )
    assert np.isclose(drawn_points(page)[1], 0).sum() == 100


def test_the_gallery_reports_a_broken_picture_and_shows_the_rest(open_notebook):
    cell = """
import pathlib
from PIL import Image
folder = pathlib.Path("pictures"); folder.mkdir(exist_ok=True)
for i in range(4):
    Image.new("RGB", (40, 30), (60 * i, 0, 0)).save(folder / f"{i}.png")
(folder / "1.png").write_bytes(b"not a picture")
(folder / "2.png").unlink()
pictured = EmbeddingExplorer(
    FeatureSet.from_arrays(np.eye(4), [0, 0, 1, 1]), embedding=np.eye(4)[:, :2],
    images=[folder / f"{i}.png" for i in range(4)])
pictured.select([0, 1, 2, 3])
pictured
"""
    notebook = open_one(open_notebook, "broken", cell)
    page = notebook.page
    map_is_drawn(page)
    page.locator(".tw-gallery figure img").nth(1).wait_for()
    assert page.locator(".tw-gallery figure").count() == 4
    reasons = page.locator(".tw-gallery .tw-reason").all_inner_texts()
    assert len(reasons) == 2
    assert all(reasons)
    assert page.locator(".tw-gallery img").count() == 2


def test_a_thousand_classes_and_a_dark_theme_are_drawn(open_notebook):
    cell = """
many = np.arange(3000) % 1000
wide = EmbeddingExplorer(FeatureSet.from_arrays(np.ones((3000, 2)), many),
                         embedding=rng.normal(size=(3000, 2)), images=np.zeros((3000, 6, 6), "u1"))
wide
"""
    notebook = open_one(open_notebook, "wide", cell)
    page = notebook.page
    page.evaluate(
        "() => window.jupyterapp.commands.execute("
        "'apputils:change-theme', { theme: 'JupyterLab Dark' })"
    )
    map_is_drawn(page)
    assert page.locator(".tw-legend li").count() == 1000
    notebook.execute("wide.select('visible')")
    pictures_are_drawn(page, 3000)
    page.wait_for_function("() => document.body.dataset.jpThemeLight === 'false'")
    shades = page.evaluate(
        "() => ['color', 'backgroundColor'].map((name) => getComputedStyle("
        "document.querySelector('.tw-gallery'))[name].match(/\\d+/g).slice(0, 3)"
        ".reduce((sum, value) => sum + Number(value), 0))"
    )
    assert shades[0] > 500  # light text …
    assert shades[1] < 250  # … on a dark ground
    page.evaluate(
        "() => window.jupyterapp.commands.execute("
        "'apputils:change-theme', { theme: 'JupyterLab Light' })"
    )
