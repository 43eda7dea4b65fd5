"""Titles and colours of scores, in the widget and on an exported page."""

from __future__ import annotations

from tsne_widget.analysis.scores import SCORES
from tsne_widget.plotting.colors import DARK_COLORS as DARK_CLASS_COLORS

# ScatterGL reads colours from a texture of this many texels; the last one means unknown.
TEXELS = 256
# matplotlib's viridis from 12 % to 92 %, as hexadecimal digits: its ends vanish on a dark and on a
# light background, and matplotlib is slow to import.
_VIRIDIS = (
    "472a7a472c7a472d7b472e7c472e7c472f7d46307e46327e46337f46337f463480453581453781453882443983"
    "443983443a83443b84433d84433e85433e85423f854240864241864142874142874144874045884046883f4788"
    "3f47883f48893e49893e4a893e4c8a3e4c8a3d4d8a3d4e8a3c4f8a3c508b3c508b3b518b3b528b3a538b3a548c"
    "39558c39558c39568c38588c38598c375a8c375a8c375b8d365c8d365d8d355e8d355e8d355f8d34608d34618d"
    "33628d33628d33638d32648e32658e31668e31668e31678e31688e30698e306a8e306a8e2f6b8e2f6c8e2e6d8e"
    "2e6e8e2e6e8e2e6f8e2d708e2d718e2c718e2c728e2c728e2c738e2b748e2b758e2a768e2a768e2a778e2a788e"
    "29798e297a8e297a8e297b8e287c8e287d8e277e8e277e8e277f8e27808e26818e26828e26828e26828e25838e"
    "25848e25858e25858e24868e24878e23888e23898e238a8d238a8d228b8d228c8d228d8d218e8d218e8d218f8d"
    "21908d21918c20928c20928c20928c20938c1f948c1f958b1f958b1f968b1f978b1f988b1f998a1f998a1f9a8a"
    "1e9b8a1e9c891e9d891e9d891f9e891f9f881fa0881fa1881fa1871fa1871fa28720a38620a48621a58521a585"
    "21a68522a78522a88423a98323a98324aa8325ab8225ac8226ad8126ad8127ad8128ae8029af7f2ab07f2ab07f"
    "2cb17e2db27d2eb37c2fb47c2fb47c31b57b32b67a34b67935b77937b87837b87838b9773aba763bbb753dbc74"
    "3dbc743fbc7340bd7242be7144bf7044bf7046c06f48c16e4ac16d4cc26c4cc26c4ec36b50c46a52c56954c568"
    "54c56856c66758c7655ac8645cc8635cc8635ec96260ca6063cb5f65cb5e67cc5c67cc5c69cd5b6ccd5a6ece58"
    "70cf5770cf5773d05675d05477d1537ad1517ad1517cd2507fd34e81d34d84d44b84d44b86d54989d5488bd646"
    "8ed6458ed64590d74393d74195d84098d83e98d83e9bd93c9dd93ba0da39a2da37a5db36a5db36a8db34aadc32"
    "addc30b0dd2fb0dd2fb2dd2db5de2bb8de29bade28bade28bddf26c0df25c2df23c5e021c5e021c8e020cae11f"
)
RAMP_COLORS = tuple(f"#{_VIRIDIS[i : i + 6]}" for i in range(0, len(_VIRIDIS), 6))
RIGHT_COLOR, WRONG_COLOR = "#5b84b1", "#c2185b"
# Colours of the changes between two models: fixed and introduced errors stand out.
CHANGE_COLORS = {
    "fixed": "#0b7fc4",
    "introduced": WRONG_COLOR,
    "still wrong": "#b26a00",
    "wrong otherwise": "#7d6a3a",
    "still right": "#b3b3b3",
}
# What the page draws on a dark ground in place of a default colour.
DARK_COLORS = {
    **DARK_CLASS_COLORS,
    RIGHT_COLOR: "#6f9ccc",
    WRONG_COLOR: "#ff7fab",
    "#0b7fc4": "#4cc3ff",
    "#b26a00": "#ffb74d",
    "#7d6a3a": "#b58a3a",
    "#b3b3b3": "#6d6d6d",
}

_TITLES = {
    "label": "label",
    "prediction": "prediction",
    "correct": "right or wrong",
    "selection": "named selection",
}


def titles() -> dict[str, str]:
    """Titles of everything that the map can be coloured by, without the user's columns."""
    return _TITLES | {name: score.title for name, score in SCORES.items()}


def title_of(name: str) -> str:
    """Title of a score or colouring; a user's column is its own title."""
    return titles().get(name, name)
