"""Comparison: maps of the same samples side by side, over one selection."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import sklearn.base
from ipywidgets import Box, Label, VBox, Widget
from numpy.typing import ArrayLike, NDArray

from tsne_widget._calls import explained
from tsne_widget._text import printable
from tsne_widget.analysis import CHANGES, aligned, sample_frame
from tsne_widget.errors import InvalidInputError
from tsne_widget.images import as_image_source, images_of
from tsne_widget.plotting import plot_embeddings
from tsne_widget.projection import TSNE
from tsne_widget.widgets.closing import close_with_children
from tsne_widget.widgets.maps.fitting import Fitting
from tsne_widget.widgets.maps.map_state import MapState
from tsne_widget.widgets.maps.maps import check_projector
from tsne_widget.widgets.models.coloring import class_palette
from tsne_widget.widgets.models.compared import Compared, compared
from tsne_widget.widgets.models.compared_tiles import ComparedTiles
from tsne_widget.widgets.models.figure_options import figure_options
from tsne_widget.widgets.models.tiles import Tiles
from tsne_widget.widgets.outputs import output_of
from tsne_widget.widgets.state.background import Background
from tsne_widget.widgets.state.explorer_state import ExplorerState, Fit, Mode
from tsne_widget.widgets.views.comparison_bar.view import ComparisonBar
from tsne_widget.widgets.views.gallery.view import GalleryView
from tsne_widget.widgets.views.legend.view import LegendView
from tsne_widget.widgets.views.map.view import ScatterView

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from typing_extensions import Self

# Selected samples whose way from map to map is drawn: more lines hide each other.
MAX_LINES = 300
TILE_SIZE = 132  # pixels
_ACTIVE = ("running", "paused")


@explained('pass one dict of name to FeatureSet, compare({"fc2": a, "conv5": b}), all else by name')
def compare(
    sets: Mapping[str, Any],
    *,
    projector: Any = None,
    images: Any = None,
    mean: Any = None,
    std: Any = None,
    colors: Mapping[str, str] | None = None,
    height: int = 400,
) -> Comparison:
    """Maps of two to four layers or checkpoints side by side, linked: see :class:`Comparison`.

    Samples are matched by their ids; those that not all have are left out and counted. Each map is
    computed by itself and then laid over the first one: moved, turned, mirrored and scaled.

    Parameters
    ----------
    sets : mapping of name to FeatureSet, or to (FeatureSet, (n, 2) array)
        In order of time or depth; coordinates that are given are not computed.
    projector : object with ``fit_transform``, optional
        Makes each map that is not given. Default ``TSNE(random_state=0)``.
    images, mean, std
        See :class:`EmbeddingExplorer`. Default: the pictures of the first that has some.
    colors : mapping of class name to colour, optional
    height : int
        Of each map, in pixels.

    Raises
    ------
    InvalidInputError
        If they have different class names, other labels for the same ids, or no ids in common.

    Examples
    --------
    >>> import numpy as np
    >>> from tsne_widget import FeatureSet
    >>> labels, early, late = ["cat", "dog", "cat"], ["dog", "dog", "cat"], ["cat", "dog", "dog"]
    >>> a = FeatureSet.from_arrays(np.eye(3), labels, predictions=early)
    >>> b = FeatureSet.from_arrays(np.eye(3), labels, predictions=late)
    >>> comparison = compare({"early": (a, np.eye(3)[:, :2]), "late": (b, np.eye(3)[:, 1:])})
    >>> comparison.to_dataframe()["change"].tolist()
    ['fixed', 'still right', 'introduced']
    """
    return Comparison(
        sets, projector=projector, images=images, mean=mean, std=std, colors=colors, height=height
    )


class Comparison:
    """Maps of the same samples side by side: one selection, one hover, one set of class toggles.

    What is selected, visible or hovered is one state, so that every map shows it. On the last map
    lines lead to the selected samples from their places on the first one; a slider moves all of
    its points there and back. Made by :func:`compare`, which says what the parameters are.
    """

    def __init__(
        self,
        sets: Mapping[str, Any],
        *,
        projector: Any = None,
        images: Any = None,
        mean: Any = None,
        std: Any = None,
        colors: Mapping[str, str] | None = None,
        height: int = 400,
    ) -> None:
        self._compared: Compared = compared(sets)
        records = self._compared.records
        self._names = tuple(records)
        self._first, self._last = self._names[0], self._names[-1]
        if len(self._compared.given) < len(records):
            check_projector(projector, len(records[self._first]))
        columns = self._compared.columns()
        source = _pictures(records, images, mean, std)
        self._codes = self._compared.changes(self._first, self._last)
        self._raw: dict[str, NDArray[np.float32]] = {}  # as they were given or computed
        self._share = 1.0
        self._state = state = ExplorerState(self._compared.common(), None, columns)
        state.message = self._compared.note
        palette = class_palette(state, colors)
        self._colors = dict(zip(state.class_names, palette, strict=True))
        self._background = Background(state)
        self._maps: dict[str, MapState] = {}
        self._fittings: dict[str, Fitting] = {}
        for name, record in records.items():
            one = self._maps[name] = MapState(
                state, self._compared.given.get(name), record, columns, self._placing(name)
            )
            if name not in self._compared.given:
                self._fittings[name] = Fitting(one, _copy(projector))
                one.fit = Fit("waiting", f"{printable(name)} waits for its turn")
        self._bar = ComparisonBar(state, self._names, self._codes, self.stop)
        self._views: dict[str, ScatterView] = {}
        self._titles: dict[str, Label] = {}
        for name, one in self._maps.items():
            tiles = Tiles(one, source, palette)
            self._views[name] = ScatterView(one, tiles, self._background, palette, height=height)
            self._titles[name] = Label(_title(name, records[name]))
        tiles = ComparedTiles(state, source, palette, self._compared, self._codes)
        gallery = GalleryView(state, tiles, self._background)
        gallery.tile_size = TILE_SIZE  # its captions name several predictions
        self._others = [LegendView(state, palette), gallery]
        self._widget = self._layout()
        for one in self._maps.values():
            one.observe(lambda _change: self._on_fit(), "fit")
        self._maps[self._last].observe(lambda _change: self._draw_lines(), "embedding")
        state.observe(lambda _change: self._draw_lines(), "selected")
        self._bar.observe(lambda _change: self._draw_lines(), "lines")
        self._bar.observe(lambda change: self._move(change.new), "morph")
        self._on_fit()

    # ---- what is compared ----

    @property
    def names(self) -> tuple[str, ...]:
        """What is compared, first to last."""
        return self._names

    @property
    def state(self) -> ExplorerState:
        """The traits behind all views, for ``observe`` and views of your own."""
        return self._state

    @property
    def widget(self) -> Widget:
        """The widget, to be put into a layout of your own."""
        return self._widget

    @property
    def embeddings(self) -> dict[str, NDArray[np.float32]]:
        """(n, 2) float32 coordinates of each map that is there, laid over the first one."""
        return {name: self._final(name) for name in self._names if name in self._raw}

    @property
    def selected(self) -> NDArray[np.int64]:
        """(k,) int64 selected rows, ascending; set it to rows or an (n,) bool mask."""
        rows: NDArray[np.int64] = self._state.selected
        return rows

    @selected.setter
    def selected(self, rows: ArrayLike) -> None:
        self._state.selected = rows

    @property
    def color_by(self) -> str:
        """What the colours of all maps say; "change", a prediction or a score of each. Settable."""
        name: str = self._state.color_by
        return name

    @color_by.setter
    def color_by(self, name: str) -> None:
        self._state.color_by = name

    @property
    def morph(self) -> float:
        """Where the last map's points are: 0 as on the first map … 1 as on their own; settable."""
        share: float = self._bar.morph
        return share

    @morph.setter
    def morph(self, share: float) -> None:
        if not 0 <= share <= 1:
            raise InvalidInputError(f"morph must be 0 … 1, got {share}")
        if not self.wait()._bar.can_morph:
            raise InvalidInputError("the first or the last map is not there: nothing can move")
        self._bar.morph = float(share)

    def select(self, rows: Any, mode: Mode = "replace") -> None:
        """Select samples in all maps; those of hidden classes are left out.

        Parameters
        ----------
        rows : "fixed", "introduced", "still wrong", "wrong otherwise", "still right", or rows
            A change from the first to the last; or (k,) int rows, an (n,) bool mask, or a part of
            :meth:`to_dataframe`.
        mode : "replace", "add", "subtract" or "intersect"

        Raises
        ------
        InvalidInputError
            For another word, or a change where labels or predictions are missing.
        """
        state = self._state
        if isinstance(rows, str):
            if rows not in CHANGES:
                raise InvalidInputError(f"{rows!r} is no change; there are {', '.join(CHANGES)}")
            wanted = self._changes(self._first, self._last) == CHANGES.index(rows)
            rows = np.flatnonzero(wanted & state.visible_rows)
        elif isinstance(rows, (pd.DataFrame, pd.Index)):
            index = rows.index if isinstance(rows, pd.DataFrame) else rows
            places = pd.Index(state.feature_set.ids).get_indexer(index)
            if (places < 0).any():
                raise InvalidInputError(f"there is no id {index[places < 0].tolist()[0]!r} here")
            rows = places
        state.select(rows, mode)

    def clear(self) -> None:
        """Select nothing."""
        self._state.select([])

    def undo(self) -> None:
        """Go back to the selection before this one."""
        self._state.undo()

    def redo(self) -> None:
        """Go forward again, after :meth:`undo`."""
        self._state.redo()

    def to_dataframe(
        self, which: str = "all", *, before: str | None = None, after: str | None = None
    ) -> pd.DataFrame:
        """What became of each sample, as a pandas DataFrame; blocks until the maps are done.

        Parameters
        ----------
        which : "all", "selected", "visible" or a change, for example "fixed"
        before, after : str, optional
            Names of what ``change`` is about. Default: the first and the last.

        Returns
        -------
        DataFrame
            Index id; columns path, label, label_name, change (text, NA where unknown), then for
            each name prediction, confidence, x and y, for example "prediction epoch 1" (the class
            name) and "x epoch 1" (laid over the first map).
        """
        state = self._state
        self.wait()
        codes = self._compared.changes(before or self._first, after or self._last)
        words = np.full(len(state.codes), -1) if codes is None else codes
        rows = self._rows(which, words)
        frame = sample_frame(state.feature_set, rows)[["path", "label", "label_name"]]
        frame["change"] = pd.array(np.array([*CHANGES, None], dtype=object)[words[rows]], "string")
        for name, record in self._compared.records.items():
            part = sample_frame(record, rows, self.embeddings.get(name))
            frame[f"prediction {name}"] = part["prediction_name"]
            for column in ("confidence", "x", "y"):
                frame[f"{column} {name}"] = part[column]
        return frame

    def summary(self, *, before: str | None = None, after: str | None = None) -> pd.Series:
        """How many samples each change befell, as a pandas Series; unknown ones are not counted.

        Parameters
        ----------
        before, after : str, optional
            Default: the first and the last.
        """
        codes = self._changes(before or self._first, after or self._last)
        counts = np.bincount(codes[codes >= 0], minlength=len(CHANGES))
        name = f"{before or self._first} → {after or self._last}"
        return pd.Series(counts, pd.Index(CHANGES, name="change"), name=name)

    def figure(self, **options: Any) -> Figure:
        """The maps as one static figure, see :func:`tsne_widget.plot_embeddings`."""
        self.wait()
        state = self._state
        common = {state.colored_by, *state.scores.columns}  # other colours differ between maps
        color_by = state.color_by if state.color_by in common else state.colored_by
        shown_now = figure_options(state, self._colors, color_by)
        rows = state.visible_rows
        maps = {name: xy[rows] for name, xy in self.embeddings.items()}
        return plot_embeddings(maps, **(shown_now | options))

    # ---- the computation ----

    def wait(self) -> Self:
        """Block until all maps are done, and return the comparison.

        Raises
        ------
        TsneWidgetError or the projector's own error
            If a projector failed.
        """
        errors = []
        for fitting in self._fittings.values():
            try:
                fitting.wait()
            except BaseException as error:
                if not fitting.failed_with(error):
                    raise
                errors.append(error)
        if errors:
            raise errors[0]
        return self

    def stop(self) -> None:
        """End the map that is being computed and keep it as it is; the next one begins."""
        for name, one in self._maps.items():
            if one.fit.condition in _ACTIVE:
                self._fittings[name].stop()

    def close(self) -> None:
        """Close every widget and stop what is computed. May be called twice."""
        for one in self._maps.values():
            one.unobserve_all()
        for fitting in self._fittings.values():
            fitting.close()
        self._background.close()
        self._state.unobserve_all()
        self._bar.unobserve_all()
        close_with_children(self._widget)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        names = " | ".join(self._names)
        state = self._state
        return (
            f"Comparison({names}: {len(state.codes):,} samples, {len(state.selected):,} selected)"
        )

    def _repr_mimebundle_(self, **_options: Any) -> Any:
        return output_of(self._widget, self._bar, repr(self))

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
            self._bar.can_morph = True
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
        """Coordinates laid over those of the first map, where it has some."""
        raw, first = self._raw[name], self._raw.get(self._first)
        return raw if name == self._first or first is None else aligned(raw, first)

    def _move(self, share: float) -> None:
        last = self._maps[self._last]
        self._share = share
        last.is_between = share != 1
        last.embedding = self._raw[self._last]

    def _draw_lines(self) -> None:
        view, selected = self._views[self._last], self._state.selected
        first, here = self._raw.get(self._first), self._maps[self._last].embedding
        shows = self._bar.lines and len(selected) and first is not None and here is not None
        rows = selected[:: -(-len(selected) // MAX_LINES)] if shows else selected[:0]
        self._bar.lines_note = (
            f"lines of {len(rows):,} of them" if shows and len(rows) < len(selected) else ""
        )
        ends = np.hstack([first[rows], here[rows]]) if shows else np.empty(0)
        view.trails = ends.astype("<f4").tobytes()

    def _changes(self, before: str, after: str) -> NDArray[np.int64]:
        codes = self._compared.changes(before, after)
        if codes is None:
            raise InvalidInputError(
                f"what changed from {before!r} to {after!r} needs labels, and predictions of both; "
                "extract() keeps them, from_arrays takes labels= and predictions="
            )
        return codes

    def _rows(self, which: str, codes: NDArray[np.int64]) -> NDArray[np.int64]:
        words = {
            "all": np.ones(len(codes), dtype=bool),
            "visible": self._state.visible_rows,
            **{word: codes == code for code, word in enumerate(CHANGES)},
        }
        if which == "selected":
            return self.selected
        if which not in words:
            raise InvalidInputError(
                f"which must be one of selected, {', '.join(words)}, got {which!r}"
            )
        return np.flatnonzero(words[which])

    def _layout(self) -> VBox:
        panes = []
        for name in self._names:
            pane = VBox([self._titles[name], self._views[name]])
            pane.add_class("tw-compared")
            panes.append(pane)
        maps = Box(panes)
        maps.add_class("tw-compared-maps")
        body = Box([maps, *self._others])
        body.add_class("tw-compared-body")
        root = VBox([self._bar, body])
        root.add_class("tsne-widget")
        self._bar.home = root.model_id
        return root


def _copy(projector: Any) -> Any:
    """A projector of its own for each map: one object keeps what it was fitted to last."""
    return TSNE(random_state=0) if projector is None else sklearn.base.clone(projector, safe=False)


def _pictures(records: Mapping[str, Any], images: Any, mean: Any, std: Any) -> Any:
    if images is not None:
        return as_image_source(images, mean=mean, std=std)
    found = (images_of(record) for record in records.values())
    return next((source for source in found if source is not None), None)


def _title(name: str, record: Any) -> str:
    """Name and accuracy, above a map."""
    if record.labels is None or record.predictions is None:
        return printable(name)
    judged = (record.labels >= 0) & (record.predictions >= 0)
    if not judged.any():
        return printable(name)
    right = 100 * float(np.mean(~record.misclassified[judged]))
    return f"{printable(name)} · {right:.1f} % right"
