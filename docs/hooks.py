"""Hooks of mkdocs: formulas become MathML, every page has a section, the reference is complete."""

from __future__ import annotations

import pkgutil
import re
import sys
from html import unescape
from pathlib import Path
from typing import Any

from griffe import Extension, Function, Object
from latex2mathml.converter import convert

import tsne_widget
import tsne_widget.analysis

# The section of a page that mkdocs.yml does not list, by its folder.
SECTIONS = {"api": "Reference", "guides": "Guides", "how": "How it works", "": "How it works"}

_FORMULA = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.+?)\\[)\]]</\1>', re.DOTALL)
_ENTRY = re.compile(r"^::: tsne_widget.*$(?!\n    options:)", re.M)
_PATH = re.compile(r"^::: (tsne_widget[\w.]*)\.(\w+)$", re.M)
_PICTURE = re.compile(r'(<img [^>]*src="([^"]+)"[^>]*>)')
_CITATION = re.compile(r"\[(\d+)\]_")
_SEVERAL = re.compile(r"^(?P<names>\w+(?:, \w+)+)(?P<rest>(?: : .+)?(?:\n    .+)+)", re.M)
_ROLE = re.compile(
    r":(?:attr|class|data|exc|func|meth|mod):(?:(<code>(~?[\w.]+)</code>)|(?=<code>|`))"
)


def on_config(config: Any) -> Any:
    """Add the pages that mkdocs.yml does not list to the section of their folder, by name."""
    folder = Path(config.docs_dir)
    named = set(re.findall(r"[\w/-]+\.md", str(config.nav)))
    for page in sorted(folder.rglob("*.md")):
        name = page.relative_to(folder).as_posix()
        if name not in named:
            section = SECTIONS[name.rpartition("/")[0]]
            next(part[section] for part in config.nav if section in part).append(name)
    return config


def on_page_markdown(markdown: str, page: Any, **_options: Any) -> str:
    """Add every public name that no page of the reference lists to its first page.

    On the analysis page, add the table of scores and put names below the page's own headings of
    the second level.
    """
    markdown = _PATH.sub(_function_not_module, markdown)
    if page.file.src_uri == "api/analysis.md":
        markdown = markdown.replace("[[scores]]", _score_table())
        return _ENTRY.sub(r"\g<0>\n    options: {heading_level: 3}\n", markdown)
    if page.file.src_uri != "api/index.md":
        return markdown
    pages = Path(page.file.abs_src_path).parent.glob("*.md")
    named = set(re.findall(r"^::: tsne_widget\.(\w+)", "".join(map(_text, pages)), re.M))
    others = [name for name in tsne_widget.__all__ if name not in named]
    entries = [f"::: tsne_widget.{name}\n" for name in others if not name.endswith("Error")]
    return "\n".join([markdown, *entries])


def on_page_content(html: str, **_options: Any) -> str:
    """Turn formulas into MathML, roles of docstrings into links, and pictures into links."""
    html = _FORMULA.sub(_as_mathml, html)
    html = _PICTURE.sub(r'<a href="\2">\1</a>', html)
    return _ROLE.sub(_as_link, html)


class Docstrings(Extension):
    """Docstrings and signatures as readers of the site need them.

    Each of several parameters that share a description gets its own entry, type and default;
    griffe 2.4 gives all of them those of the first. A default is shown by its value, not by the
    name of a constant. Citations lose their underscore, which Markdown would read as emphasis.
    """

    def on_instance(self, *, obj: Object, **_options: Any) -> None:
        if obj.docstring:
            text = _CITATION.sub(r"\\[\1]", obj.docstring.value)
            text = re.sub(r"^\.\. \[(\d+)\]", r"* \\[\1]", text, flags=re.M)
            obj.docstring.value = _SEVERAL.sub(_separate, text)

    def on_function_instance(self, *, func: Function, **_options: Any) -> None:
        for parameter in func.parameters:
            name = str(parameter.default)
            if name.isidentifier() and name.isupper():
                value = pkgutil.resolve_name(f"{func.module.path}:{name}")
                parameter.default = repr(value)


def _function_not_module(entry: re.Match[str]) -> str:
    """The entry of a function whose module has the same name, under the function's public name."""
    home, name = entry.groups()
    path = f"{home}.{name}"
    is_both = path in sys.modules and callable(getattr(sys.modules[home], name))
    return f"[](){{#{path}}}\n\n::: {path}.{name}" if is_both else entry[0]


def _separate(several: re.Match[str]) -> str:
    return "\n".join(name + several["rest"] for name in several["names"].split(", "))


def _score_table() -> str:
    """The scores as a table in Markdown, from the one that the package reads."""
    rows = [
        f"| `{score.name}` | {score.meaning} "
        f"| {', '.join(score.needs)} | {'highest' if score.highest_first else 'lowest'} |"
        for score in tsne_widget.analysis.SCORES.values()
    ]
    return "\n".join(["| score | meaning | needs | inspect first |", "|---|---|---|---|", *rows])


def _text(path: Path) -> str:
    return path.read_text("utf-8")


def _as_link(role: re.Match[str]) -> str:
    """The name of a role, linked to its entry in the reference if it has one."""
    code, name = role[1] or "", role[2] or ""
    if name.startswith("~"):
        name = name[1:]
        code = f"<code>{name.rpartition('.')[2]}</code>"
    for home in (tsne_widget, tsne_widget.analysis):
        if name.split(".")[0] in home.__all__:
            name = f"{home.__name__}.{name}"
    return f'<autoref identifier="{name}" optional>{code}</autoref>' if "." in name else code


def _as_mathml(found: re.Match[str]) -> str:
    display = "block" if found[1] == "div" else "inline"
    return convert(unescape(found[2]).strip(), display=display)
