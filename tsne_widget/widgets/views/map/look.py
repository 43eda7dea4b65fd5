"""How a map draws its points: settings of the page, and the way of the mistakes."""

from __future__ import annotations

from typing import Any

from traitlets import Bool, Float, TraitError, Unicode, validate

from tsne_widget.widgets.views.view import View

# Bounds of what the page may multiply the size and the opacity of points by.
MIN_FACTOR, MAX_FACTOR = 0.25, 4.0
# What the page sets.
SETTINGS = ("pictures", "point_size", "opacity")


class PointLook(View):
    """The part of a map's view that says how points are drawn."""

    mistakes = Unicode("mark", help="how wrong points are drawn").tag(sync=True)
    pictures = Bool(help="pictures instead of few points").tag(sync=True)
    point_size = Float(1.0, help="factor on the size of the points").tag(sync=True)
    opacity = Float(1.0, help="factor on the opacity of right points").tag(sync=True)

    @property
    def drawn_as(self) -> dict[str, Any]:
        """The settings by name, for :meth:`draw_as`."""
        return {name: getattr(self, name) for name in SETTINGS}

    def draw_as(self, **settings: Any) -> None:
        """Draw the points as an earlier map did."""
        for name, value in settings.items():
            setattr(self, name, value)

    @validate("point_size", "opacity")
    def _validate_factor(self, proposal: Any) -> float:
        factor: float = proposal["value"]
        if not MIN_FACTOR <= factor <= MAX_FACTOR:
            raise TraitError(
                f"{proposal['trait'].name} must be {MIN_FACTOR} … {MAX_FACTOR}, got {factor}"
            )
        return factor
