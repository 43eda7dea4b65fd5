"""Comparison: linked maps of the same samples side by side."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tsne_widget._calls import explained
from tsne_widget._text import printable
from tsne_widget.analysis import CHANGES, aligned
from tsne_widget.errors import InvalidInputError
from tsne_widget.images import as_image_source, images_of
from tsne_widget.widgets.exploration import Exploration
from tsne_widget.widgets.maps.fitting import Fitting, wait_for_all
from tsne_widget.widgets.maps.map_state import MapState
from tsne_widget.widgets.maps.maps import check_projector
from tsne_widget.widgets.models.coloring import class_palette
from tsne_widget.widgets.models.compared import Compared, compared, title_of
from tsne_widget.widgets.models.compared_tiles import ComparedTiles
from tsne_widget.widgets.models.tiles import Tiles
from tsne_widget.widgets.state import selectors
from tsne_widget.widgets.state.background import Background
from tsne_widget.widgets.state.explorer_state import ExplorerState, Fit
from tsne_widget.widgets.views.changes.view import ChangesView
from tsne_widget.widgets.views.comparison_bar.view import ComparisonBarView
from tsne_widget.widgets.views.frame.view import FrameView
from tsne_widget.widgets.views.gallery.view import GalleryView
from tsne_widget.widgets.views.legend.view import LegendView
from tsne_widget.widgets.views.look.view import LookView
from tsne_widget.widgets.views.map.view import MapView
from tsne_widget.widgets.views.view import View
from tsne_widget.widgets.views.way.view import WayView

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from typing_extensions import Self

# Maximum number of lines from map to map: more lines hide each other.
MAX_LINES = 300
TILE_SIZE = 88  # pixels
_ACTIVE = ("running", "paused")


@explained('pass one dict of name to FeatureSet, compare({"fc2": a, "conv5": b}), all else by name')
def compare(
    sets: Mapping[str, Any],
    *,
    projector: Any = None,
    images: Any = None,
    mean: Any = None,
    std: Any = None,
    colors: Mapping[str, str] | Sequence[str] | None = None,
    height: int | None = None,
) -> Comparison:
    """Linked maps of two to four layers or checkpoints side by side, see :class:`Comparison`.

    Samples are matched by id; samples that some records lack are left out and counted. Each map is
    computed separately and then aligned with the first one (Procrustes: translation, rotation,
    reflection and scale).

    Parameters
    ----------
    sets : mapping of name to FeatureSet, or to (FeatureSet, (n, 2) array)
        In order of time or depth, with or without given coordinates. A DataFrame of coordinates is
        read by its index of ids.
    projector : object with fit_transform, optional
        Computes each map without given coordinates. Default ``TSNE(random_state=0)``.
    images, mean, std, colors
        See :class:`EmbeddingExplorer`. Default: the pictures of the first record that has some.
    height : int
        Height of each map in pixels.

    Raises
    ------
    InvalidInputError
        If class names differ, labels differ for equal ids, or no ids are shared.

    Examples
    --------
    >>> import numpy as np
    >>> from tsne_widget import FeatureSet
    >>> labels, early, late = ["cat", "dog", "cat"], ["dog", "dog", "cat"], ["cat", "dog", "dog"]
    >>> a = FeatureSet.from_arrays(np.eye(3), labels, predictions=early)
    >>> b = FeatureSet.from_arrays(np.eye(3), labels, predictions=late)
    >>> comparison = compare({"early": (a, np.eye(3)[:, :2]), "late": (b, np.eye(3)[:, 1:])})
    >>> comparison.to_dataframe("all")["change"].tolist()
    ['fixed', 'still right', 'introduced']
    """
    what = compared(sets)
    records = what.records
    if len(what.given) < len(records):
        check_projector(projector, len(next(iter(records.values()))))
    return Comparison(what, projector, _pictures(records, images, mean, std), colors, height)


class Comparison(Exploration):
    """Maps of the same samples side by side, with one selection and one set of class toggles.

    All maps share one state: selection, visible classes and the hovered row. On the last map,
    lines start where the selected samples are on the first map; a slider moves all points between
    the two.
    :func:`compare` creates it.
    """

    def __init__(
        self,
        what: Compared,
        projector: Any,
        source: Any,
        colors: Mapping[str, str] | Sequence[str] | None,
        height: int | None,
    ) -> None:
        self._compared, self._images = what, source
        records = what.records
        self._names = tuple(records)
        self._first, self._last = self._names[0], self._names[-1]
        columns = what.columns()
        codes = what.changes(self._first, self._last)
        self._raw: dict[str, NDArray[np.float32]] = {}  # as given or computed, before alignment
        self._share = 1.0
        state = ExplorerState(what.common(), None, columns)
        state.message = what.note
        state.color_by = state.colored_by if codes is None else "change"
        state.words = {
            word: functools.partial(self._rows_that_changed, code)
            for code, word in enumerate(CHANGES)
        }
        palette = class_palette(state, colors)
        self._colors = dict(zip(state.class_names, palette, strict=True))
        background = Background(state)
        self._maps: dict[str, MapState] = {}
        self._fittings: dict[str, Fitting] = {}
        self._make_maps(state, columns, projector)
        self._way = WayView(state, self._names, self.stop)
        titles = [title_of(name, record) for name, record in records.items()]
        maps = [{"view": f"map-{number}", "title": title} for number, title in enumerate(titles)]
        frame = FrameView("comparison", maps=maps, panels=[], height=height or 0)
        views: dict[str, View] = {"frame": frame}
        self._views_of: dict[str, MapView] = {}
        for number, (name, one) in enumerate(self._maps.items()):
            view = MapView(one, Tiles(one, source, palette), background, palette)
            views[f"map-{number}"] = self._views_of[name] = view
        shared_tiles = ComparedTiles(state, source, palette, what, codes)
        gallery = GalleryView(state, shared_tiles, background)
        gallery.tile_size = TILE_SIZE  # its captions list several predictions
        views |= {
            "bar": ComparisonBarView(state, records),
            "changes": ChangesView(state, self._names, codes),
            "legend": LegendView(state, palette, self._views_of[self._first], records[self._first]),
            "way": self._way,
            "gallery": gallery,
            "look": LookView(state, shared_tiles, background, gallery),
        }
        super().__init__(state, background, views)
        self._follow()

    def _make_maps(self, state: ExplorerState, columns: dict[str, Any], projector: Any) -> None:
        """The map of each record, and a computation for those without given coordinates."""
        for name, record in self._compared.records.items():
            given = self._compared.given.get(name)
            one = MapState(state, given, record, columns, self._placing(name))
            if given is None:
                self._fittings[name] = Fitting(one, _copy(projector))
                one.fit = Fit("waiting", f"{printable(name)} is queued")
            self._maps[name] = one

    def _follow(self) -> None:
        """Draw the lines and move the points whenever what they depend on changes."""
        for one in self._maps.values():
            one.observe(lambda _change: self._on_fit(), "fit")
        self._maps[self._last].observe(lambda _change: self._draw_lines(), "embedding")
        self._state.observe(lambda _change: self._draw_lines(), "selected")
        self._way.observe(lambda _change: self._draw_lines(), "lines")
        self._way.observe(lambda change: self._move(change.new), "morph")
        self._on_fit()

    # ---- what is compared ----

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the compared records, in order."""
        return self._names

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes on all records, each after the record's name."""
        named = self._compared.records.items()
        return tuple(f"{name}: {note}" for name, record in named for note in record.notes)

    @property
    def embeddings(self) -> dict[str, NDArray[np.float32]]:
        """(n, 2) float32 coordinates of each finished map, aligned with the first one."""
        return {name: self._final(name) for name in self._names if name in self._raw}

    @property
    def morph(self) -> float:
        """Position of the last map's points, from 0 (the first map) to 1 (the last); settable."""
        share: float = self._way.morph
        return share

    @morph.setter
    def morph(self, share: float) -> None:
        if not 0 <= share <= 1:
            raise InvalidInputError(f"morph must be 0 … 1, got {share}")
        if not self.wait()._way.can_morph:
            raise InvalidInputError(
                "the first or the last map has no coordinates, so points cannot move"
            )
        self._way.morph = float(share)

    def to_dataframe(
        self, which: str = "selected", *, before: str | None = None, after: str | None = None
    ) -> pd.DataFrame:
        """Change and predictions of each sample as a DataFrame; blocks until the maps are done.

        Parameters
        ----------
        which : str
            As in :meth:`EmbeddingExplorer.to_dataframe`, or a change, for example "fixed".
        before, after : str, optional
            Records that ``change`` compares. Default: the first and the last.

        Returns
        -------
        DataFrame
            Index id; columns path, label, label_name, change (text, NA where unknown), then for
            each name prediction, prediction_name, confidence, x and y as in
            :meth:`EmbeddingExplorer.to_dataframe`, for example "prediction_name epoch 1" and
            "x epoch 1" (aligned with the first map).
        """
        import pandas as pd

        from tsne_widget.analysis import sample_frame

        state = self.wait()._state
        codes = self._compared.changes(before or self._first, after or self._last)
        words = np.full(len(state.codes), -1) if codes is None else codes
        if which in CHANGES:
            rows = np.flatnonzero(words == CHANGES.index(which))
        else:
            rows = selectors.rows_of_word(state, which)
        frame = sample_frame(state.feature_set, rows)[["path", "label", "label_name"]]
        frame["change"] = pd.array(np.array([*CHANGES, None], dtype=object)[words[rows]], "string")
        for name, record in self._compared.records.items():
            part = sample_frame(record, rows, self.embeddings.get(name))
            for column in ("prediction", "prediction_name", "confidence", "x", "y"):
                frame[f"{column} {name}"] = part[column]
        return frame

    def summary(self, *, before: str | None = None, after: str | None = None) -> pd.Series:
        """Number of samples per change, as a Series; unknown changes are not counted.

        Parameters
        ----------
        before, after : str, optional
            Default: the first and the last.
        """
        import pandas as pd

        codes = self._changes(before or self._first, after or self._last)
        counts = np.bincount(codes[codes >= 0], minlength=len(CHANGES))
        name = f"{before or self._first} → {after or self._last}"
        return pd.Series(counts, pd.Index(CHANGES, name="change"), name=name)

    def figure(self, **options: Any) -> Figure:
        """The maps as one static figure, see :func:`tsne_widget.plot_embeddings`."""
        from tsne_widget.plotting import plot_embeddings
        from tsne_widget.widgets.models.figure_options import drawn_rows, figure_options

        state = self.wait()._state
        common = {state.colored_by, *state.scores.columns}  # other colours differ between maps
        color_by = state.color_by if state.color_by in common else state.colored_by
        shown_now = figure_options(state, self._colors, color_by)
        rows = drawn_rows(state)
        maps = {name: xy[rows] for name, xy in self.embeddings.items()}
        return plot_embeddings(maps, **(shown_now | options))

    # ---- the computation ----

    def wait(self, timeout: float | None = None) -> Self:
        """Block until all maps are done, stopped or paused, and return the comparison.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait at most. Default: without a bound.

        Raises
        ------
        WaitTimeoutError
            If the maps are not done in time. The computation goes on.
        TsneWidgetError or the projector's own error
            If a projector failed.
        """
        wait_for_all(self._fittings.values(), timeout)
        return self

    def stop(self) -> None:
        """Stop the running map and keep its current state; the next one starts."""
        for name, one in self._maps.items():
            if one.fit.condition in _ACTIVE:
                self._fittings[name].stop()

    def close(self) -> None:
        """Close the widget and stop what is computed. May be called twice."""
        for one in self._maps.values():
            one.unobserve_all()
        for fitting in self._fittings.values():
            fitting.close()
        super().close()

    def __repr__(self) -> str:
        names = " | ".join(self._names)
        state = self._state
        return (
            f"Comparison({names}: {len(state.codes):,} samples, {len(state.selected):,} selected)"
        )

    def _on_fit(self) -> None:
        state = self._state
        state.fits = {name: one.fit for name, one in self._maps.items()}
        conditions = [fit.condition for fit in state.fits.values()]
        if any(condition in _ACTIVE for condition in conditions):
            return
        if "waiting" in conditions:
            self._fittings[self._names[conditions.index("waiting")]].start()
            return
        if {self._first, self._last} <= self._raw.keys():
            self._way.can_morph = True
            state.embedding = self._final(self._last)

    def _placing(self, name: str) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
        def place(raw: NDArray[np.float32]) -> NDArray[np.float32]:
            self._raw[name] = raw
            final = self._final(name)
            if name != self._last or self._share == 1:
                return final
            first = self._raw[self._first]
            return first + np.float32(self._share) * (final - first)

        return place

    def _final(self, name: str) -> NDArray[np.float32]:
        """Coordinates aligned with the first map, if that one has some."""
        raw, first = self._raw[name], self._raw.get(self._first)
        return raw if name == self._first or first is None else aligned(raw, first)

    def _move(self, share: float) -> None:
        last = self._maps[self._last]
        self._share = share
        last.is_between = share != 1
        last.embedding = self._raw[self._last]

    def _draw_lines(self) -> None:
        view, selected = self._views_of[self._last], self._state.selected
        first, here = self._raw.get(self._first), self._maps[self._last].embedding
        if first is None or here is None or not self._way.lines or not len(selected):
            self._way.lines_note, view.trails = "", b""
            return
        rows = selected[:: -(-len(selected) // MAX_LINES)]
        is_part = len(rows) < len(selected)
        self._way.lines_note = f"lines for {len(rows):,} of them" if is_part else ""
        view.trails = np.hstack([first[rows], here[rows]]).astype("<f4").tobytes()

    def _rows_that_changed(self, code: int) -> NDArray[np.int64]:
        return np.flatnonzero(self._changes(self._first, self._last) == code)

    def _changes(self, before: str, after: str) -> NDArray[np.int64]:
        codes = self._compared.changes(before, after)
        if codes is None:
            raise InvalidInputError(
                f"the change from {before!r} to {after!r} requires labels and both predictions; "
                "extract() keeps them, from_arrays takes labels= and predictions="
            )
        return codes


def _copy(projector: Any) -> Any:
    """A separate projector for each map, because a projector keeps its last fit."""
    import sklearn.base

    from tsne_widget.projection import TSNE

    return TSNE(random_state=0) if projector is None else sklearn.base.clone(projector, safe=False)


def _pictures(records: Mapping[str, Any], images: Any, mean: Any, std: Any) -> Any:
    if images is not None:
        return as_image_source(images, mean=mean, std=std)
    found = (images_of(record) for record in records.values())
    return next((source for source in found if source is not None), None)
