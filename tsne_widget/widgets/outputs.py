"""What a cell's output holds of a widget."""

from __future__ import annotations

from typing import Any

from anywidget import AnyWidget
from ipywidgets import Widget


def output_of(box: Widget, view: AnyWidget, text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The output that shows a box of views, and a text where no widget can be shown.

    Colab shows other people's widgets only where an output's metadata names a manager for them.
    anywidget adds that to the outputs of its own views, ipywidgets' boxes do not.

    Parameters
    ----------
    box : Widget
    view : AnyWidget
        Any of the views in it.
    text : str

    Returns
    -------
    tuple of dict
        Data and metadata by MIME type.
    """
    _data, metadata = view._repr_mimebundle_()
    return {**box._repr_mimebundle_(), "text/plain": text}, metadata
