"""Closing widgets with all that belongs to them."""

from __future__ import annotations

from ipywidgets import Widget


def close_with_children(widget: Widget) -> None:
    """Close a widget and every widget that its traits refer to.

    ipywidgets leaves children, layouts and scales of a closed widget in its registry for ever.
    """
    pending, seen = [widget], set()
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            pending.extend(value.values())
        elif isinstance(value, (list, tuple)):
            pending.extend(value)
        elif isinstance(value, Widget) and id(value) not in seen:
            seen.add(id(value))
            pending.extend(value._trait_values.values())
            value.close()
