"""Statements of SECURITY.md: no markup, no network, nothing private saved."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path

import numpy as np
import pytest
from ipywidgets.embed import dependency_state

import tsne_widget
from tests.images.pictures import encoded, noise
from tests.widgets.page import Page
from tsne_widget import EmbeddingExplorer, FeatureSet, extract

PACKAGE = Path(tsne_widget.__file__).parent
# The SVG namespace; nothing is fetched from this address.
SVG_NAMESPACE = "http://www.w3.org/2000/svg"


def test_samples_are_loaded_in_this_process_unless_workers_are_asked_for():
    assert inspect.signature(extract).parameters["num_workers"].default == 0


def sources(pattern: str) -> dict[str, str]:
    return {
        str(path.relative_to(PACKAGE)): path.read_text("utf-8") for path in PACKAGE.rglob(pattern)
    }


@pytest.mark.parametrize(
    "markup",
    [
        r"\.innerHTML", r"\.outerHTML", r"insertAdjacentHTML", r"document\.write", r"\beval\(",
        r"new Function", r"DOMParser", r"createContextualFragment", r"setHTML", r"srcdoc",
        r"setAttribute\(\s*[\"']on", r"setTimeout\(\s*[\"'`]",
    ],
)  # fmt: skip
def test_text_never_becomes_markup(markup):
    assert sources("*.js")
    assert not [name for name, text in sources("*.js").items() if re.search(markup, text)]


def test_no_widget_displays_html():
    files = sources("*.py")
    files.pop("widgets/io/downloads.py")  # makes a page to save
    for name, text in files.items():
        assert not re.search(r"\bHTML(Math)?\(|display_html|text/html", text), name


def test_page_loads_nothing_from_the_network():
    for name, text in (sources("*.js") | sources("*.css")).items():
        code = re.sub(r"/\*.*?\*/", "", re.sub(r"^ *//.*$", "", text, flags=re.M), flags=re.S)
        assert set(re.findall(r"""(?:https?:|["'`(])//[^\s"'`)]*""", code)) <= {SVG_NAMESPACE}, name
        ways = r"\bfetch\(|XMLHttpRequest|WebSocket|EventSource|sendBeacon|@import|\bimport\("
        assert not re.search(ways, code), name


def test_python_opens_no_connection():
    for name, text in sources("*.py").items():
        assert not re.search(
            r"^\s*(import|from) (urllib|http|requests|ftplib|ssl)\b", text, re.M
        ), name


@pytest.fixture
def explored(tmp_path):
    folder = tmp_path / "private folder of mine" / "cats"
    folder.mkdir(parents=True)
    for row in range(6):
        (folder / f"{row}.png").write_bytes(encoded(noise(), "PNG"))
    paths = [folder / f"{row}.png" for row in range(6)]
    rng = np.random.default_rng(0)
    record = FeatureSet.from_arrays(
        rng.normal(size=(6, 3)), [0, 0, 1, 1, 2, 2], logits=rng.normal(size=(6, 3)), paths=paths
    )
    with EmbeddingExplorer(record, embedding=record.features[:, :2]) as explorer:
        explorer.select([0, 1, 2])
        page = Page(explorer)
        page.send("gallery", "tiles", epoch=page.shows("gallery", "epoch"), start=0, stop=3)
        page.send("map", "hover", point=1)
        page.send("map", "pick", point=1, mode="add")
        assert len(page.replies()) == 2
        yield explorer


def test_saved_widget_state_contains_no_folder_and_no_picture(explored):
    state = dependency_state([explored], drop_defaults=False)
    assert len(state) > 6  # the explorer, layouts, figure, marks and scales
    saved = json.dumps(state)
    assert "private folder of mine" not in saved
    for magic in (b"\x89PNG", b"\xff\xd8\xff"):
        for value in Page(explored).state().values():
            assert not isinstance(value, bytes) or magic not in value
    for picture in ("iVBORw0KGgo", "/9j/"):  # the beginning of PNG and JPEG in base64
        assert picture not in saved


def test_cell_output_contains_no_folder_and_no_picture(explored):
    text = json.dumps(explored._repr_mimebundle_())
    assert "private folder" not in text
    assert "image/" not in text
