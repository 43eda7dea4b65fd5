"""What mkdocs does besides: formulas become MathML, and every page has a place."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert

import tsne_widget

# Where a page goes that no section of mkdocs.yml names, by its folder.
SECTIONS = {"guides": "Guides", "how": "How it works", "": "How it works"}

_FORMULA = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.+?)\\[)\]]</\1>', re.DOTALL)
_ROLE = re.compile(r":(?:meth|func|class|mod|attr|exc):(?=<code>|`)")


def on_config(config: Any) -> Any:
    """Add the pages that are in no section, in the order of their names."""
    folder = Path(config.docs_dir)
    named = set(re.findall(r"[\w/-]+\.md", str(config.nav)))
    for page in sorted(folder.rglob("*.md")):
        name = page.relative_to(folder).as_posix()
        if name not in named:
            section = SECTIONS[name.rpartition("/")[0]]
            next(part[section] for part in config.nav if section in part).append(name)
    return config


def on_page_markdown(markdown: str, page: Any, **_options: Any) -> str:
    """The reference names what its text names, in that order, and then every other public name."""
    if page.file.src_uri != "api.md":
        return markdown
    named = set(re.findall(r"^::: tsne_widget\.(\w+)", markdown, re.M))
    others = [name for name in tsne_widget.__all__ if name not in named]
    entries = [f"::: tsne_widget.{name}\n" for name in others if not name.endswith("Error")]
    return markdown.replace("## Images\n", "\n".join([*entries, "## Images\n"]), 1)


def on_page_content(html: str, **_options: Any) -> str:
    """Formulas as MathML, which browsers draw by themselves; no marks of roles in docstrings."""
    html = _FORMULA.sub(_as_mathml, html)
    return _ROLE.sub("", html)


def _as_mathml(found: re.Match[str]) -> str:
    display = "block" if found[1] == "div" else "inline"
    return convert(unescape(found[2]).strip(), display=display)
