"""Where a map's points are drawn: by bqplot's figure, or by the page itself."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from ipywidgets import Widget, widget_serialization
from numpy.typing import NDArray
from traitlets import Bytes, Instance, List, Unicode

from tsne_widget.widgets.models.coloring import Coloring
from tsne_widget.widgets.views.map.figure import close_figure, move, paint, webgl_figure
from tsne_widget.widgets.views.map.look import PointLook


class DrawnPoints(PointLook):
    """The part of a map's view that sends places and colours of the points.

    The figure has them from the start. A page that cannot load bqplot asks for them.
    """

    figure = Instance(
        Widget, allow_none=True, help="of bqplot; None before the map, and once pages do without"
    ).tag(sync=True, **widget_serialization)
    places = Bytes(help="for pages without bqplot: x of each point, then y, float32").tag(sync=True)
    texels = Bytes(help="for pages without bqplot: texel of each point, uint8").tag(sync=True)
    texture = List(Unicode(), help="for pages without bqplot: colours").tag(sync=True)

    _is_asked_for_points = False  # by a page without bqplot

    @abstractmethod
    def _places_of_points(self) -> NDArray[np.float32]:
        """(points, 2) float32 coordinates."""

    @abstractmethod
    def _colors_of_points(self) -> Coloring:
        """Their colours."""

    def close(self) -> None:
        """Close the view, then the figure, its marks and its scales."""
        super().close()
        if self.figure is not None:
            close_figure(self.figure)

    def _send_places(self) -> None:
        places = self._places_of_points()
        self.flush()  # the page draws once places or colours arrive
        if self.figure is not None:
            move(self.figure, places)
        elif not self._is_asked_for_points:
            self.figure = webgl_figure(places, self._colors_of_points())
        if self._is_asked_for_points:
            self.places = places.T.astype("<f4").tobytes()

    def _send_colors(self) -> None:
        colors = self._colors_of_points()
        self.flush()
        if self.figure is not None:
            paint(self.figure, colors)
        if self._is_asked_for_points:
            with self.hold_sync():
                self.texels = np.rint(colors.texels).astype("u1").tobytes()
                self.texture = colors.texture

    def _on_no_figure(self, _content: dict[str, Any], _buffers: Sequence[memoryview]) -> None:
        """Send the points to a page that has to draw them without bqplot, as all pages do then.

        The figure is closed: a saved notebook would have the points twice.
        """
        figure = self.figure
        if self._is_asked_for_points or figure is None:
            return
        self._is_asked_for_points = True
        with self.hold_sync():
            self._send_colors()
            self._send_places()
            self.figure = None
        self.flush()
        close_figure(figure)
