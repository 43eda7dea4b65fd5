"""Docstrings: their examples run, and numpydoc accepts them for every public name."""

from __future__ import annotations

import doctest
import inspect
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from numpydoc.validate import validate

import tsne_widget
import tsne_widget.analysis
from tests.docs import preamble

PACKAGE = Path(tsne_widget.__file__).parent
MODULES = sorted(
    ".".join(("tsne_widget", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(
        ".__init__"
    )
    for path in PACKAGE.rglob("*.py")
    if ">>> " in path.read_text("utf-8")
)

# numpydoc's checks that this package does not follow, and why.
NOT_CHECKED = {
    "GL01": "the summary starts right after the quotes, which ruff formats",
    "GL02": "a docstring of one line ends on it",
    "GL03": "blank lines are ruff's",
    "SS05": "the summary says what comes back, so it may start with a noun",
    "ES01": "one sentence may say everything",
    "EX01": "test_a_public_call_has_an_example is stricter about where",
    "SA01": "few functions have relatives worth naming",
    "RT01": "the summary says what comes back",
    "PR03": "parameters that share a description are grouped",
    "PR04": "parameters that are documented elsewhere have no type here",
    "PR06": "types are given in words, with shape and dtype",
    "PR07": "a name and a type may say everything",
    "PR08": "descriptions are phrases",
    "PR09": "descriptions are phrases",
    "RT02": "a result may have a name",
    "RT03": "the type, with its shape, may say everything",
    "RT04": "descriptions are phrases",
    "RT05": "descriptions are phrases",
    "SA02": "descriptions are phrases",
    "SA03": "descriptions are phrases",
}
# Docstrings that may lack a section Parameters: results document their Attributes, and a method
# with few parameters explains them in its sentences. Functions must have the section.
NOT_CHECKED_WITHOUT_PARAMETERS = {"PR01"}
# Fields of results have phrases instead of sentences.
NOT_CHECKED_OF_MEMBERS = {"SS03"}


def public_calls() -> list[str]:
    """Dotted names of the functions and classes that users call or receive."""
    homes = (tsne_widget, tsne_widget.analysis)
    return [
        f"{home.__name__}.{name}"
        for home in homes
        for name in home.__all__
        if callable(getattr(home, name)) and not name.endswith("Error")
    ]


def own_members(name: str) -> Iterator[str]:
    """Dotted names of the methods and properties that a class or its base class of ours defines."""
    value = resolved(name)
    ours = (base for base in inspect.getmro(value) if base.__module__.startswith("tsne_widget"))
    for member, code in {k: v for base in ours for k, v in vars(base).items()}.items():
        is_own = inspect.isroutine(code) or isinstance(code, (property, classmethod))
        if is_own and not member.startswith("_"):
            yield f"{name}.{member}"


def resolved(name: str) -> object:
    home, _, last = name.rpartition(".")
    return getattr(pkgutil.resolve_name(home), last)


def not_checked(name: str) -> set[str]:
    """Codes of the checks that do not apply to a public name."""
    value, codes = resolved(name), set(NOT_CHECKED)
    if name in MEMBERS:
        codes |= NOT_CHECKED_OF_MEMBERS
    is_function = inspect.isfunction(value) and name in CALLS
    if not is_function and "\nParameters\n-" not in (inspect.getdoc(value) or ""):
        codes |= NOT_CHECKED_WITHOUT_PARAMETERS
    return codes


CALLS = public_calls()
MEMBERS = [
    member for name in CALLS if inspect.isclass(resolved(name)) for member in own_members(name)
]
# A protocol, and classes that only functions of this package create.
WITHOUT_EXAMPLE = {"ImageSource", "Comparison"}


@pytest.mark.parametrize("name", MODULES)
def test_module_examples_print_the_documented_output(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    result = doctest.testmod(import_module(name), optionflags=options)
    assert result.attempted
    assert not result.failed


@pytest.mark.filterwarnings("ignore:Widget.* is deprecated:DeprecationWarning")  # numpydoc reads it
@pytest.mark.parametrize("name", [*CALLS, *MEMBERS])
def test_numpydoc_accepts_the_docstring_of_a_public_name(name):
    left_out = not_checked(name)
    assert not [error for error in validate(name)["errors"] if error[0] not in left_out]


@pytest.mark.parametrize("name", [name for name in CALLS if name.count(".") == 1])
def test_a_public_call_has_an_example(name):
    if name.rpartition(".")[2] not in WITHOUT_EXAMPLE:
        assert "\nExamples\n--------\n" in inspect.getdoc(resolved(name))


def test_completion_offers_only_the_public_members_of_a_feature_set():
    features = preamble.trained()[2]
    offered = {member for member in dir(features) if not member.startswith("_")}
    own = {member for member in vars(type(features)) if not member.startswith("_")}
    assert offered == own | set(type(features).__dataclass_fields__)
