"""The examples in docstrings run and print what they say; every public name has a good page."""

from __future__ import annotations

import doctest
import inspect
import re
from importlib import import_module
from pathlib import Path

import pytest

import tsne_widget
from tests.docs import preamble

PACKAGE = Path(tsne_widget.__file__).parent
MODULES = sorted(
    ".".join(("tsne_widget", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(
        ".__init__"
    )
    for path in PACKAGE.rglob("*.py")
    if ">>> " in path.read_text("utf-8")
)
# A protocol, and what a function returns: nobody calls these.
NEVER_CALLED = {"ImageSource", "Comparison"}
FUNCTIONS_AND_CLASSES = [
    name for name in tsne_widget.__all__ if not name.endswith("Error") and name not in NEVER_CALLED
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_print_what_they_say(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    result = doctest.testmod(import_module(name), optionflags=options)
    assert result.attempted
    assert not result.failed


@pytest.mark.parametrize("name", FUNCTIONS_AND_CLASSES)
def test_a_public_name_has_parameters_and_an_example(name):
    page = inspect.getdoc(getattr(tsne_widget, name))
    assert re.search(r"\n(Parameters|Attributes)\n-+\n", page)
    assert "\nExamples\n--------\n" in page


@pytest.mark.parametrize("name", FUNCTIONS_AND_CLASSES)
def test_every_public_member_of_a_class_says_what_it_is(name):
    value = getattr(tsne_widget, name)
    if inspect.isclass(value):
        for member, code in vars(value).items():
            if not member.startswith("_") and (callable(code) or isinstance(code, property)):
                assert inspect.getdoc(getattr(value, member)), f"{name}.{member}"


@pytest.mark.parametrize("name", ["EmbeddingExplorer", "FeatureSet"])
def test_what_completion_offers_of_an_object_is_its_own_and_public(name):
    made = preamble.trained()[2] if name == "FeatureSet" else getattr(tsne_widget, name)
    offered = {member for member in dir(made) if not member.startswith("_")}
    cls = getattr(tsne_widget, name)
    own = {member for member in vars(cls) if not member.startswith("_")}
    assert offered == own | set(getattr(cls, "__dataclass_fields__", ()))
