"""The legend: used by mouse, keys, search and sort, checked in Python and on the page."""

from __future__ import annotations

import pytest

from tests.browser.gestures import SECONDS, drag, drawn_points, map_is_drawn
from tests.browser.jupyter import Notebook, until

pytestmark = pytest.mark.browser

MANY = """
import numpy as np
from tsne_widget import EmbeddingExplorer, FeatureSet

g = 40
names = [f"{kind} {i}" for i, kind in enumerate(["owl", "cat", "golden retriever", "Émeu"] * 10)]
labels = np.repeat(np.arange(g), np.arange(g) + 1)
predictions = np.where(np.arange(len(labels)) % 3 == 0, (labels + 1) % g, labels)
predictions[labels == 7] = 0
explorer = EmbeddingExplorer(
    FeatureSet.from_arrays(np.ones((len(labels), 2)), labels, predictions=predictions,
                           class_names=names),
    embedding=np.random.default_rng(0).normal(size=(len(labels), 2)))
explorer
"""
FEW = """
import numpy as np
from tsne_widget import EmbeddingExplorer, FeatureSet
few = EmbeddingExplorer(
    FeatureSet.from_arrays(np.eye(6), [0, 1, 2, 0, 1, 2], class_names=["cat", "dog", "owl"]),
    embedding=np.eye(6)[:, :2])
few
"""
G = 40
AROUND_ALL = [(0.01, 0.12), (0.99, 0.12), (0.99, 0.99), (0.01, 0.99)]


@pytest.fixture(scope="module")
def notebook(open_notebook) -> Notebook:
    opened = open_notebook("legend.ipynb", [MANY])
    opened.run_all()
    map_is_drawn(opened.page)
    return opened


@pytest.fixture(autouse=True)
def fresh(request):
    """Each test starts in the given order, with no search, no hidden class and no selection."""
    if "notebook" not in request.fixturenames:
        return
    notebook = request.getfixturevalue("notebook")
    notebook.page.locator(".tw-legend input").fill("")
    notebook.execute(
        "explorer.visible_classes = names; explorer.select([]); explorer.mistakes = 'mark'"
    )
    notebook.page.locator(".tw-tools [data-tool=lasso]").click()  # the tests press its keys
    until(lambda: pressed(notebook) == [True] * G, 20, "all classes")
    sort_by(notebook, "order")
    notebook.page.mouse.move(2, 2)


def row(notebook: Notebook, position: int):
    return notebook.page.locator(".tw-legend li button").nth(position)


HEADS = {"order": "names", "name": "names", "size": "names", "accuracy": "last", "best": "last"}


def sort_by(notebook: Notebook, order: str) -> None:
    """Click the head of a column until the list has this order."""
    head = notebook.page.locator(f".tw-head-{HEADS[order]}")
    for _ in range(4):
        if notebook.python("explorer.get_state()['legend.sorted_by']") == order:
            return
        before = notebook.python("explorer.get_state()['legend.sorted_by']")
        head.click()
        until(
            lambda before=before: (
                notebook.python("explorer.get_state()['legend.sorted_by']") != before
            ),
            20,
            "another order",
        )
    raise AssertionError(f"no click sorts by {order}")


def pressed(notebook: Notebook) -> list[bool]:
    """Whether each row of the list is pressed, in list order."""
    return notebook.page.evaluate(
        "() => [...document.querySelectorAll('.tw-legend li button')]"
        ".map((row) => row.getAttribute('aria-pressed') === 'true')"
    )


def hidden(notebook: Notebook) -> list[int]:
    """Codes that are hidden in the kernel."""
    return notebook.python("np.flatnonzero(~explorer.state.visible).tolist()")


def hides(notebook: Notebook, codes: list[int]) -> None:
    """Wait until exactly these classes are hidden, in the kernel and in the list."""
    until(lambda: hidden(notebook) == codes, 20, f"{codes} to be hidden, not {hidden(notebook)}")
    until(
        lambda: [i for i, is_on in enumerate(pressed(notebook)) if not is_on] == codes,
        20,
        "the rows to say so",
    )


def listed(notebook: Notebook) -> list[str]:
    return notebook.page.locator(".tw-legend li .tw-name").all_text_contents()


def focused(notebook: Notebook) -> str:
    return notebook.page.evaluate(
        "() => document.activeElement.querySelector('.tw-name')?.textContent"
    )


def test_shift_click_toggles_a_range_and_toggles_it_back(notebook):
    row(notebook, 3).click()
    hides(notebook, [3])
    row(notebook, 6).click(modifiers=["Shift"])
    hides(notebook, [3, 4, 5, 6])
    row(notebook, 6).click(modifiers=["Shift"])
    hides(notebook, [])
    row(notebook, 1).click(modifiers=["Shift"])
    hides(notebook, [1, 2, 3])


def test_double_click_keeps_the_selection_and_a_second_one_shows_all(notebook):
    notebook.execute("explorer.select(np.flatnonzero((labels == 5) | (labels == 6)))")
    row(notebook, 5).dblclick()
    until(lambda: notebook.python("explorer.visible_classes") == ["cat 5"], 20, "only that one")
    until(lambda: notebook.python("len(explorer.selected)") == 6, 20, "its rows still selected")
    row(notebook, 5).dblclick()
    hides(notebook, [])
    assert notebook.python("len(explorer.selected)") == 13  # those of class 6 are back


def test_invert_hides_visible_and_shows_hidden_classes(notebook):
    row(notebook, 0).click()
    hides(notebook, [0])
    notebook.page.locator(".tw-legend footer button", has_text="Invert").click()
    hides(notebook, list(range(1, G)))


def test_search_ignores_case_and_accents(notebook):
    search = notebook.page.get_by_role("searchbox", name="Find a class")
    search.fill("RETRIEVER 1")
    assert listed(notebook) == [f"golden retriever {i}" for i in (10, 14, 18)]
    assert notebook.page.locator(".tw-legend [role=status]").inner_text() == "3 of 40 listed"
    search.fill("emeu 3")
    assert listed(notebook) == [f"Émeu {i}" for i in (3, 31, 35, 39)]
    search.fill("zebra")
    assert listed(notebook) == []
    assert notebook.page.locator(".tw-legend").get_by_text("No class matches").is_visible()
    search.press("Escape")
    assert search.input_value() == ""
    assert len(listed(notebook)) == G


def test_all_none_and_invert_change_only_the_listed_classes(notebook):
    page = notebook.page
    search = page.get_by_role("searchbox", name="Find a class")
    search.fill("retriever")
    none = page.locator(".tw-legend footer button", has_text="None")
    assert none.get_attribute("title") == "Hide the listed classes; the others do not change"
    none.click()
    until(lambda: hidden(notebook) == list(range(2, G, 4)), 20, "the retrievers to go")
    search.fill("retriever 2")
    page.locator(".tw-legend footer button", has_text="Invert").click()
    gone = [i for i in range(2, G, 4) if i not in (2, 22, 26)]
    until(lambda: hidden(notebook) == gone, 20, "three retrievers to come back")
    search.press("Escape")
    page.locator(".tw-legend footer button", has_text="All").click()
    hides(notebook, [])


def test_range_contains_the_rows_between_in_list_order(notebook):
    sort_by(notebook, "name")
    until(lambda: listed(notebook)[0] == "cat 1", 20, "the order by name")
    first = listed(notebook)[:3]
    row(notebook, 0).click()
    until(lambda: len(hidden(notebook)) == 1, 20, "the first to go")
    row(notebook, 2).click(modifiers=["Shift"])
    until(lambda: len(hidden(notebook)) == 3, 20, "the range to go")
    assert notebook.python("[names[i] for i in np.flatnonzero(~explorer.state.visible)]") == first


def test_the_heads_of_the_columns_sort_the_list(notebook):
    given = notebook.python("names")
    sort_by(notebook, "name")
    by_name = [f"{kind} {i}" for kind, start in [("cat", 1), ("Émeu", 3),
               ("golden retriever", 2), ("owl", 0)] for i in range(start, G, 4)]  # fmt: skip
    until(lambda: listed(notebook) == by_name, 20, "the order by name")
    sort_by(notebook, "size")
    until(lambda: listed(notebook) == given[::-1], 20, "the largest first")
    sort_by(notebook, "accuracy")
    worst_first = notebook.python(
        "[names[i] for i in np.argsort(explorer.state.accuracies, kind='stable')]"
    )
    assert "Émeu 7" in worst_first[:2]
    until(lambda: listed(notebook) == worst_first, 20, "the worst first")
    sort_by(notebook, "best")
    until(lambda: listed(notebook)[-1] in worst_first[:2], 20, "the best first")
    sort_by(notebook, "order")
    until(lambda: listed(notebook) == given, 20, "the given order")


def test_keys_move_and_toggle_and_the_list_is_one_tab_stop(notebook):
    page = notebook.page
    page.locator(".tw-head-last").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Home")
    assert focused(notebook) == "owl 0"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    hides(notebook, [2])
    assert focused(notebook) == "golden retriever 2"  # the answer does not move the focus
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+Space")
    hides(notebook, [2, 3, 4])
    page.keyboard.press("End")
    assert focused(notebook) == "Émeu 39"
    page.keyboard.press("Enter")
    hides(notebook, [2, 3, 4, 39])
    page.keyboard.press("Home")
    page.keyboard.press("ArrowUp")
    assert focused(notebook) == "owl 0"
    page.keyboard.press("Control+Enter")
    hides(notebook, list(range(1, G)))
    page.keyboard.press("Control+Enter")
    hides(notebook, [])
    page.keyboard.press("Tab")
    assert focused(notebook) is None
    page.keyboard.press("Shift+Tab")
    assert focused(notebook) == "owl 0"
    page.locator(".tw-legend input").fill("cat")  # the row in the tab order is not listed now
    page.locator(".tw-legend input").fill("")
    assert page.locator(".tw-legend li button[tabindex='0']").count() == 1


def test_letters_jump_to_a_name_and_the_same_letter_moves_to_the_next(notebook):
    page = notebook.page
    row(notebook, 0).focus()
    page.keyboard.type("golden retriever 3")  # the spaces are part of the name, not a toggle
    assert focused(notebook) == "golden retriever 30"
    assert hidden(notebook) == []
    page.locator(".tw-legend input").focus()
    page.keyboard.press("ArrowDown")
    assert focused(notebook) == "owl 0"


def test_keys_in_the_legend_do_nothing_to_the_notebook(notebook):
    page = notebook.page
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:enter-command-mode')")
    cells = page.locator(".jp-Cell").count()
    prompt = page.locator(".jp-InputPrompt").first.inner_text()
    row(notebook, 0).focus()
    for key in ("a", "b", "d", "d", "m", "Shift+Enter", "Control+Enter", "Control+Enter"):
        page.keyboard.press(key)
    for key in ("a", "b", "Enter", "Escape"):
        page.locator(".tw-legend input").press(key)
    page.locator(".tw-legend footer button", has_text="None").focus()
    for key in ("a", "b", "m"):  # which a button ignores
        page.keyboard.press(key)
    row(notebook, 1).click()
    until(lambda: hidden(notebook) == [1] or pressed(notebook)[1] is False, 20, "the click")
    assert page.locator(".jp-Cell").count() == cells
    assert page.locator(".jp-Cell.jp-MarkdownCell").count() == 0
    assert page.locator(".jp-InputPrompt").first.inner_text() == prompt


def test_accessible_name_of_a_row_describes_its_class(notebook):
    notebook.execute("explorer.select(np.flatnonzero(labels == 11)[:4])")
    accuracy = notebook.python("float(explorer.state.accuracies[11])")
    name = f"Émeu 11, 4 of 12 selected, {100 * accuracy:.0f} % right, shown"
    toggle = notebook.page.get_by_role("button", name=name, exact=True)
    toggle.wait_for()
    assert notebook.page.get_by_role("list", name="Classes").get_by_role("listitem").count() == G
    toggle.click()
    name = f"Émeu 11, 4 of 12 selected, {100 * accuracy:.0f} % right, hidden"
    notebook.page.get_by_role("button", name=name, exact=True, pressed=False).wait_for()


def test_row_shows_selected_and_right_and_the_tooltip_shows_the_rest(notebook):
    notebook.execute("explorer.select(np.flatnonzero(labels == 7)[:3])")
    row(notebook, 7).locator(".tw-selected", has_text="3").wait_for()
    texts = [row(notebook, 7).locator(f".tw-{part}").inner_text() for part in ("selected", "count")]
    assert texts == ["3", "0\u202f%"]
    row(notebook, 7).hover()
    assert row(notebook, 7).get_attribute("title").splitlines()[:3] == [
        "Émeu 7", "8 pictures, 0.0\u202f% right", "3 selected",
    ]  # fmt: skip


def pill_says(notebook: Notebook, text: str) -> None:
    notebook.page.locator(".tw-pill", has_text=text).wait_for(timeout=20 * SECONDS)


def test_a_class_hidden_and_shown_again_costs_no_selection(notebook):
    page = notebook.page
    drag(page, AROUND_ALL)
    until(lambda: notebook.python("len(explorer.selected)"), 20, "a selection")
    everything = notebook.python("explorer.selected.tolist()")
    row(notebook, 30).click()
    hides(notebook, [30])
    count = len(everything) - notebook.python("int((labels[explorer.state.chosen] == 30).sum())")
    pill_says(notebook, f"{count} selected, {len(everything) - count} hidden")
    assert notebook.python("30 in labels[explorer.selected]") is False
    row(notebook, 30).click()
    hides(notebook, [])
    pill_says(notebook, f"{len(everything)} selected")
    assert notebook.python("explorer.selected.tolist()") == everything


def test_undo_while_a_class_is_hidden_takes_back_what_is_seen(notebook):
    page = notebook.page
    notebook.execute("explorer.select(np.flatnonzero(labels == 30))")
    row(notebook, 20).dblclick()
    until(lambda: notebook.python("explorer.visible_classes") == ["owl 20"], 20, "only that one")
    pill_says(notebook, "0 selected, 31 hidden")
    page.keyboard.press("Control+z")  # the focus is in the key
    hides(notebook, [])
    pill_says(notebook, "31 selected")
    page.keyboard.press("Control+Shift+z")
    until(lambda: notebook.python("explorer.visible_classes") == ["owl 20"], 20, "the redo")
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    until(lambda: notebook.python("len(explorer.selected)") == 0, 20, "the selection before")
    hides(notebook, [])


def test_no_class_says_what_to_do(notebook):
    page = notebook.page
    page.locator(".tw-legend footer button", has_text="None").click()
    hides(notebook, list(range(G)))
    page.locator(".tw-none-shown button").click()
    hides(notebook, [])
    assert page.locator(".tw-none-shown").is_hidden()


def test_pointing_at_a_class_lights_up_its_points(notebook):
    row(notebook, 39).hover()
    until(lambda: (drawn_points(notebook.page)[1] == 1).sum() == 40, 20, "its points alone")
    notebook.page.mouse.move(2, 2)
    until(lambda: (drawn_points(notebook.page)[1] != 1).all(), 20, "all points alike")
    assert notebook.python("len(explorer.selected)") == 0


def test_mistakes_are_drawn_as_the_switch_and_the_key_m_say(notebook):
    page = notebook.page
    page.locator(".tw-mistakes button", has_text="Only").click()
    until(lambda: notebook.python("explorer.mistakes") == "only", 20, "only mistakes")
    page.locator(".tw-mistakes [aria-pressed=true]", has_text="Only").wait_for()
    page.keyboard.press("m")
    until(lambda: notebook.python("explorer.mistakes") == "plain", 20, "plain mistakes")
    page.locator(".tw-mistakes button[data-name=plain][aria-pressed=true]").wait_for()
    page.keyboard.press("m")
    until(lambda: notebook.python("explorer.mistakes") == "mark", 20, "marked mistakes")


def test_a_reloaded_page_keeps_the_order(notebook):
    page = notebook.page
    sort_by(notebook, "size")
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    notebook.load()
    map_is_drawn(page)
    assert listed(notebook)[0] == "Émeu 39"
    assert page.locator(".tw-head-names[aria-pressed=true]").count() == 1


def test_few_classes_have_no_search_and_no_accuracies_without_predictions(open_notebook):
    notebook = open_notebook("few.ipynb", [FEW])
    notebook.run_all()
    map_is_drawn(notebook.page)
    legend = notebook.page.locator(".tw-legend")
    assert legend.locator("input").is_hidden()
    assert legend.locator(".tw-head-last").inner_text() == "count"
    assert legend.locator(".tw-part").count() == 0
    assert legend.locator(".tw-mistakes").is_hidden()
    assert legend.locator("li button").first.get_attribute("aria-label") == (
        "cat, 0 of 2 selected, shown"
    )
