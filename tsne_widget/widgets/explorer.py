"""EmbeddingExplorer: one object from a record of features to map, legend, gallery and frame."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

import ipywidgets
import numpy as np
from ipywidgets import Widget
from numpy.typing import ArrayLike, NDArray
from torch.utils.data import DataLoader, IterableDataset

from tsne_widget.analysis import sample_frame
from tsne_widget.errors import InvalidInputError
from tsne_widget.extraction import extract
from tsne_widget.feature_set import FeatureSet
from tsne_widget.images import FileImages, as_image_source
from tsne_widget.plotting import UNKNOWN_COLOR, class_colors, plot_embedding
from tsne_widget.widgets.background import Background
from tsne_widget.widgets.fitting import Fitting, as_embedding
from tsne_widget.widgets.gallery import GalleryView
from tsne_widget.widgets.legend import LegendView
from tsne_widget.widgets.scatter import TEXELS, ScatterView
from tsne_widget.widgets.state import ExplorerState, Mode
from tsne_widget.widgets.tiles import Tiles
from tsne_widget.widgets.toolbar import ToolbarView

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from typing_extensions import Self

# Fewer rows than this have no neighbourhoods to embed.
MIN_ROWS = 4

Which = Literal["selected", "visible", "misclassified", "all"]


class EmbeddingExplorer:
    """An interactive map of a classifier's features, with their pictures and predictions.

    Drag a lasso around points to see their images; click a class to hide it. What is selected on
    the screen is ``explorer.selected`` and ``explorer.to_dataframe()``, and the other way round.

    Parameters
    ----------
    feature_set : FeatureSet
        The n samples, see :meth:`FeatureSet.from_arrays`, :meth:`FeatureSet.from_npy` or
        :func:`tsne_widget.extract`.
    projector : object with ``fit_transform(features) -> (n, 2) array``, optional
        What places the samples in the plane, in a worker thread. Default
        ``TSNE(random_state=0)``; scikit-learn's PCA or umap.UMAP work as well.
    embedding : (n, 2) array, optional
        Given coordinates: shown at once, nothing is computed.
    images : ImageSource, array (n, …), list of paths or dataset, optional
        Pictures addressed by ``feature_set.ids``. Default: those of the feature set, or its paths.
    mean, std : sequence of float, optional
        Per-channel normalisation of ``images``, undone to show the true picture.
    columns : DataFrame or mapping of name to (n,) array, optional
        What else is known of each sample: to colour the map by, and columns of the frame.
    colors : mapping of class name to colour, optional
        Overrides the default colours, any name that matplotlib knows.
    height : int
        Height of the map in pixels.

    Raises
    ------
    InvalidInputError
        If anything of the above does not fit, before anything is computed.

    Examples
    --------
    >>> import numpy as np
    >>> from tsne_widget import EmbeddingExplorer, FeatureSet
    >>> record = FeatureSet.from_arrays(np.eye(4), ["cat", "dog", "cat", "dog"])
    >>> explorer = EmbeddingExplorer(record, embedding=np.eye(4)[:, :2])
    >>> explorer.select([0, 2])
    >>> explorer.selected
    array([0, 2])
    """

    def __init__(
        self,
        feature_set: FeatureSet,
        *,
        projector: Any = None,
        embedding: ArrayLike | None = None,
        images: Any = None,
        mean: Any = None,
        std: Any = None,
        columns: Mapping[str, ArrayLike] | None = None,
        colors: Mapping[str, str] | None = None,
        height: int = 460,
    ) -> None:
        if not isinstance(feature_set, FeatureSet):
            raise InvalidInputError(
                f"feature_set must be a FeatureSet, got {type(feature_set).__name__}; for arrays "
                "use FeatureSet.from_arrays(features, labels), for files FeatureSet.from_npy, "
                "for a model EmbeddingExplorer.from_model(model, dataset)"
            )
        given = None if embedding is None else as_embedding(embedding, len(feature_set))
        if given is None:
            _check_projectable(feature_set, projector)
        source = _image_source(feature_set, images, mean, std)
        self._state = ExplorerState(feature_set, given, columns)
        palette = _palette(self._state, colors)
        self._colors = dict(zip(self._state.class_names, palette, strict=True))
        self._fitting = Fitting(self._state, projector)
        self._background = Background(self._state)
        tiles = Tiles(self._state, source, palette)
        self._views = {
            # The map hears of a change first: it is what the person looks at.
            "scatter": ScatterView(self._state, tiles, palette, height),
            "toolbar": ToolbarView(self._state, self._fitting.control),
            "legend": LegendView(self._state, palette),
            "gallery": GalleryView(self._state, tiles, self._background),
        }
        self._widget = _layout(self._views)
        if given is None:
            self._fitting.start()

    @classmethod
    def from_model(
        cls,
        model: Any,
        data: Any,
        layer: str | None = None,
        *,
        projector: Any = None,
        embedding: ArrayLike | None = None,
        images: Any = None,
        mean: Any = None,
        std: Any = None,
        columns: Mapping[str, ArrayLike] | None = None,
        colors: Mapping[str, str] | None = None,
        height: int = 460,
        **extraction: Any,
    ) -> Self:
        """An explorer of what a torch classifier makes of a dataset.

        Runs the model once over the data with a progress bar, keeps the penultimate features,
        labels and predictions, and starts the map. The model is left as it was.

        Parameters
        ----------
        model : torch.nn.Module
        data : Dataset, DataLoader or tuple of arrays (x, y)
            Batches as ``(x, y)`` or as a dict with an image and a label.
        layer : str, optional
            Dotted name of the layer to look at. Default: the input of the last Linear.
        projector, embedding, images, mean, std, columns, colors, height
            See :class:`EmbeddingExplorer`. Pictures are by default those of the dataset; ``mean``
            and ``std`` are taken from a ``Normalize`` in its transform when not given.
        **extraction
            ``batch_size``, ``device``, ``num_workers``, ``store``, ``on_error``, ``class_names``,
            ``progress`` and the others of :func:`tsne_widget.extract`.

        Raises
        ------
        InvalidInputError, LayerNotFoundError, ExtractionError
            See :func:`tsne_widget.extract`. Less than four samples are found out before the run.
        """
        if "layers" in extraction:
            raise InvalidInputError(
                "from_model shows one layer: pass layer=; "
                "for several, extract(model, data, layers=…) and an explorer of each"
            )
        pictures = _pictures_of(data)
        if embedding is None:
            _check_sample_count(pictures)
        source = None
        if images is not None or not isinstance(pictures, IterableDataset):
            source = as_image_source(pictures if images is None else images, mean=mean, std=std)
        feature_set = extract(model, data, layer, **extraction)
        return cls(
            feature_set.with_images(source),
            projector=projector,
            embedding=embedding,
            columns=columns,
            colors=colors,
            height=height,
        )

    @property
    def feature_set(self) -> FeatureSet:
        """The record that is explored."""
        return self._state.feature_set

    @property
    def state(self) -> ExplorerState:
        """The traits behind the views, for ``observe``, ``link`` and views of your own."""
        return self._state

    @property
    def widget(self) -> Widget:
        """The widget, to be put into a layout of your own."""
        return self._widget

    @property
    def selected(self) -> NDArray[np.int64]:
        """(k,) int64 selected rows, ascending; set it to rows or an (n,) bool mask."""
        rows: NDArray[np.int64] = self._state.selected
        return rows

    @selected.setter
    def selected(self, rows: ArrayLike) -> None:
        self._state.selected = rows

    @property
    def embedding(self) -> NDArray[np.float32] | None:
        """(n, 2) float32 coordinates, or None while they are computed: see :meth:`wait`."""
        embedding: NDArray[np.float32] | None = self._state.embedding
        return embedding

    @property
    def visible_classes(self) -> tuple[str, ...]:
        """Names of the classes that are shown; set it to a name or names to show only these."""
        return tuple(
            name
            for name, is_visible in zip(self._state.class_names, self._state.visible, strict=True)
            if is_visible
        )

    @visible_classes.setter
    def visible_classes(self, names: str | list[str] | tuple[str, ...]) -> None:
        mask = np.zeros(len(self._state.class_names), dtype=bool)
        mask[self._state.class_codes(names)] = True
        self._state.show(mask)

    def select(
        self,
        rows: ArrayLike | Literal["misclassified", "visible"],
        mode: Mode = "replace",
    ) -> None:
        """Select rows; the map and the gallery follow. Rows of hidden classes are left out.

        Parameters
        ----------
        rows : (k,) int array, (n,) bool mask, "misclassified" or "visible"
        mode : "replace", "add", "subtract" or "intersect"
            How they meet what is selected already.

        Raises
        ------
        InvalidInputError
            For rows outside the record, or an unknown word.
        """
        if isinstance(rows, str):
            words = {
                "misclassified": self.feature_set.misclassified & self._state.visible_rows,
                "visible": self._state.visible_rows,
            }
            if rows not in words:
                raise InvalidInputError(
                    f"select() knows the words {', '.join(words)}, got {rows!r}; "
                    "otherwise give rows or a mask"
                )
            rows = words[rows]
        self._state.select(rows, mode)

    def clear(self) -> None:
        """Select nothing."""
        self._state.select([])

    def undo(self) -> None:
        """Go back to the selection before this one; rows of hidden classes stay out."""
        self._state.undo()

    def redo(self) -> None:
        """Go forward again, after :meth:`undo`."""
        self._state.redo()

    def observe(self, handler: Callable[[Any], None], names: Any = "selected") -> None:
        """Call ``handler(change)`` when ``selected``, ``visible`` or ``embedding`` changes."""
        self._state.observe(handler, names)

    def unobserve(self, handler: Callable[[Any], None], names: Any = "selected") -> None:
        """Stop calling the handler."""
        self._state.unobserve(handler, names)

    def to_dataframe(self, which: Which = "selected", *, features: bool = False) -> pd.DataFrame:
        """The rows as a pandas DataFrame, one row per sample; blocks until the map is done.

        Parameters
        ----------
        which : "selected", "visible", "misclassified" or "all"
        features : bool
            Append the features as columns f0 … f(d−1).

        Returns
        -------
        DataFrame
            Columns id, path, label, label_name, prediction, prediction_name, confidence, margin,
            misclassified, x, y, selection. No rows when nothing is selected.
        """
        state = self._state
        if which == "selected":
            rows = state.selected
        elif which == "visible":
            rows = np.flatnonzero(state.visible_rows)
        elif which == "misclassified":
            rows = np.flatnonzero(self.feature_set.misclassified)
        elif which == "all":
            rows = np.arange(len(self.feature_set))
        else:
            raise InvalidInputError(
                f'which must be "selected", "visible", "misclassified" or "all", got {which!r}'
            )
        self.wait()
        return sample_frame(self.feature_set, rows, state.embedding, features=features)

    def wait(self) -> Self:
        """Block until the map is done, stopped or paused, and return the explorer.

        Raises
        ------
        TsneWidgetError or the projector's own error
            If the projector failed.
        """
        self._fitting.wait()
        return self

    @property
    def projector(self) -> Any:
        """The projector that makes the map; once it is done, ``transform`` places new rows."""
        return self._fitting.projector

    def pause(self) -> None:
        """Hold the map where it is; :meth:`resume` lets it go on.

        Raises
        ------
        InvalidInputError
            If nothing is running, or the projector cannot be held.
        """
        self._fitting.pause()

    def resume(self) -> None:
        """Let a held map go on."""
        self._fitting.resume()

    def stop(self) -> None:
        """End the computation and keep the map as it is; :meth:`run` continues it."""
        self._fitting.stop()

    def run(self, iterations: int = 250) -> None:
        """Continue a map that is done or stopped, in the background.

        Parameters
        ----------
        iterations : int
            How many more.

        Raises
        ------
        InvalidInputError
            If the map is still computed, its coordinates were given, or the projector cannot
            continue.
        """
        self._fitting.run(iterations)

    def figure(self, **options: Any) -> Figure:
        """The map as a static matplotlib figure, see :func:`tsne_widget.plot_embedding`."""
        self.wait()
        state = self._state
        labels = np.where(state.codes < state.known, state.codes, -1)
        defaults = {
            "labels": labels if state.colored_by else None,
            "class_names": self.feature_set.class_names or None,
            "colors": {name: self._colors[name] for name in self.feature_set.class_names}
            if state.colored_by
            else None,
        }
        return plot_embedding(state.embedding, **(defaults | options))

    def close(self) -> None:
        """Close every widget of this explorer and stop its projector. May be called twice."""
        self._fitting.close()
        self._background.close()
        self._state.unobserve_all()
        for view in self._views.values():
            _close_with_children(view)
        self._views = {}
        _close_with_children(self._widget)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        state = self._state
        fit = state.fit
        condition = {"none": "ready", "done": "ready", "running": fit.title}.get(
            fit.condition, fit.condition
        )
        return (
            f"EmbeddingExplorer({len(state.codes):,} samples, {len(state.class_names)} classes, "
            f"{len(state.selected):,} selected, {condition})"
        )

    def _repr_mimebundle_(self, **options: Any) -> Any:
        bundle = self._widget._repr_mimebundle_(**options)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        if data is not None:
            data["text/plain"] = repr(self)
        return bundle


def _check_projectable(feature_set: FeatureSet, projector: Any) -> None:
    if projector is not None and not callable(getattr(projector, "fit_transform", None)):
        raise InvalidInputError(
            f"projector must have a fit_transform method, got {type(projector).__name__}; "
            "for given coordinates pass embedding="
        )
    if projector is None and len(feature_set) < MIN_ROWS:
        raise InvalidInputError(
            f"a map needs at least {MIN_ROWS} samples, got {len(feature_set)}; "
            "pass embedding= to show given coordinates"
        )


def _pictures_of(data: Any) -> Any:
    """What holds the pictures: the loader's dataset, the x of (x, y), or the data itself."""
    if isinstance(data, tuple) and data:
        return data[0]
    return getattr(data, "dataset", data) if isinstance(data, DataLoader) else data


def _check_sample_count(dataset: Any) -> None:
    try:
        n = len(dataset)
    except TypeError:
        return  # a stream: its length shows when it ends
    if n < MIN_ROWS:
        raise InvalidInputError(
            f"a map needs at least {MIN_ROWS} samples, the dataset has {n}; give more data"
        )


def _image_source(feature_set: FeatureSet, images: Any, mean: Any, std: Any) -> Any:
    if images is not None:
        return as_image_source(images, mean=mean, std=std)
    if feature_set.images is not None:
        return feature_set.images
    if feature_set.paths is not None and np.array_equal(
        feature_set.ids, np.arange(len(feature_set))
    ):
        return FileImages(feature_set.paths)
    return None


def _palette(state: ExplorerState, colors: Mapping[str, str] | None) -> tuple[str, ...]:
    """Colour of each class of the state, then the unknown one's if there is one."""
    known = tuple(state.class_names[: state.known])
    # The map draws from a texture: beyond its size colours come round again, in the legend too.
    distinct = class_colors(known[: TEXELS - 1])
    palette = [distinct[code % len(distinct)] for code in range(len(known))]
    if colors:
        given = class_colors(known, colors)
        palette = [given[i] if name in colors else palette[i] for i, name in enumerate(known)]
    if len(state.class_names) > state.known:
        palette.append(UNKNOWN_COLOR)
    return tuple(palette)


def _layout(views: Mapping[str, Widget]) -> ipywidgets.Box:
    panels = ipywidgets.Tab([views["gallery"]], titles=["Images"])
    panels.add_class("tsne-widget-panels")
    body = ipywidgets.Box([views["scatter"], views["legend"], panels])
    body.add_class("tsne-widget-body")
    root = ipywidgets.VBox([views["toolbar"], body])
    root.add_class("tsne-widget")
    return root


def _close_with_children(widget: Widget) -> None:
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
