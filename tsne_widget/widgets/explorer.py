"""EmbeddingExplorer: one object from a record of features to map, legend, gallery and frame."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import ipywidgets
import numpy as np
from ipywidgets import Widget
from numpy.typing import ArrayLike, NDArray
from torch.utils.data import DataLoader, IterableDataset

from tsne_widget._calls import explained
from tsne_widget.analysis import sample_frame
from tsne_widget.errors import InvalidInputError, StoreError
from tsne_widget.extraction import extract
from tsne_widget.extraction.data.batches import check_data
from tsne_widget.feature_set import FeatureSet
from tsne_widget.images import as_image_source, images_of
from tsne_widget.plotting import plot_embedding
from tsne_widget.widgets.closing import close_with_children
from tsne_widget.widgets.html_export.save_html import save_html
from tsne_widget.widgets.io.export import copy_pictures, export_frame
from tsne_widget.widgets.io.load import load_state
from tsne_widget.widgets.io.save import FeaturesBy, SavedView, save_state
from tsne_widget.widgets.maps.maps import MIN_ROWS, Maps, named_maps
from tsne_widget.widgets.models.coloring import class_palette
from tsne_widget.widgets.models.figure_options import figure_options
from tsne_widget.widgets.models.tiles import Tiles
from tsne_widget.widgets.outputs import output_of
from tsne_widget.widgets.state import selectors
from tsne_widget.widgets.state.background import Background
from tsne_widget.widgets.state.explorer_state import ExplorerState, Mode
from tsne_widget.widgets.views.confusion.view import ConfusionView
from tsne_widget.widgets.views.diagnosis.view import DiagnosisView
from tsne_widget.widgets.views.gallery.view import GalleryView
from tsne_widget.widgets.views.legend.view import LegendView
from tsne_widget.widgets.views.map.view import ScatterView
from tsne_widget.widgets.views.selections.view import SelectionsView
from tsne_widget.widgets.views.toolbar.view import ToolbarView

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from typing_extensions import Self

_UNSEEN = (
    "To see the map, open the notebook in JupyterLab and run it; "
    'for others, explorer.save_html("map.html") writes it as a page.'
)
# Views that share the place beside the map, and what is written on their tabs.
PANELS = {
    "gallery": "Images",
    "confusion": "Confusion",
    "diagnosis": "Diagnosis",
    "selections": "Selections",
}
# "selected", "visible", "misclassified", "all", a lens or the name of a selection
Which = str


class EmbeddingExplorer:
    """An interactive map of a classifier's features, with their pictures and predictions.

    Drag a lasso around points to see their images; click a class to hide it. What is selected on
    the screen is ``explorer.selected`` and ``explorer.to_dataframe()``, and the other way round.

    Parameters
    ----------
    feature_set : FeatureSet
        The n samples, see :meth:`FeatureSet.from_arrays`, :meth:`FeatureSet.from_npy` or
        :func:`tsne_widget.extract`.
    projector : object with fit_transform(features), optional
        What places the samples in the plane, in a worker thread. Default
        ``TSNE(random_state=0)``; scikit-learn's PCA or umap.UMAP work as well. Several by name,
        ``{"t-SNE": TSNE(), "PCA": PCA(2)}``, are computed one after the other, and a drop-down
        shows one or another.
    embedding : (n, 2) array, optional
        Given coordinates: shown at once, nothing is computed. Several by name are shown in turn,
        beside what projectors that have names compute.
    images : ImageSource, array (n, …), list of paths or dataset, optional
        Pictures addressed by ``feature_set.ids``. Default: those of the feature set, or its paths.
    mean, std : sequence of float, optional
        Per-channel normalisation of ``images``, undone to show the true picture.
    columns : DataFrame or mapping of name to (n,) array, optional
        What else is known of each sample: to colour the map by, and columns of the frame. A
        DataFrame is read by its index of ids, or in order where that is 0 … n − 1.
    colors : mapping of class name to colour, optional
        Overrides the default colours, any name that matplotlib knows.
    height : int
        Height of the map in pixels, at least 100.
    draw_budget : int
        Points drawn at most, a sample of all classes where there are more; zooming in draws those
        in sight. 0 is 2,000,000 with a graphics card and 100,000 without. A selection always takes
        all points, drawn or not.

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

    See Also
    --------
    from_model : from a model and a dataset, in one line
    select : rows, words ("misclassified"), queries, classes, neighbours
    to_dataframe : what is selected, as a pandas DataFrame
    save, load : come back later
    """

    @explained(
        "a model and its data are shown by EmbeddingExplorer.from_model(model, dataset), arrays by "
        "EmbeddingExplorer(FeatureSet.from_arrays(features, labels)); all else is given by name: "
        "embedding=, images=, …"
    )
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
        draw_budget: int = 0,
    ) -> None:
        if not isinstance(feature_set, FeatureSet):
            raise InvalidInputError(
                f"feature_set must be a FeatureSet, got {type(feature_set).__name__}; for arrays "
                "use FeatureSet.from_arrays(features, labels), for .npy files FeatureSet.from_npy, "
                "for a model EmbeddingExplorer.from_model(model, dataset), "
                "for what was saved EmbeddingExplorer.load(folder)"
            )
        if isinstance(height, bool) or not isinstance(height, (int, np.integer)) or height < 100:
            raise InvalidInputError(
                f"height={height!r} must be a whole number of pixels, 100 or more, such as 460"
            )
        given, projectors = named_maps(feature_set, projector, embedding)
        self._images = source = images_of(feature_set, images, mean=mean, std=std)
        self._state = ExplorerState(feature_set, None, columns)
        palette = class_palette(self._state, colors)
        self._colors = dict(zip(self._state.class_names, palette, strict=True))
        self._maps = Maps(self._state, given, projectors)
        self._background = Background(self._state)
        tiles = Tiles(self._state, source, palette)
        self._views = {
            # The map hears of a change first: it is what the person looks at.
            "scatter": ScatterView(
                self._state, tiles, self._background, palette, height=height, budget=draw_budget
            ),
            "toolbar": ToolbarView(
                self._state, self._maps.control, self._background, self._maps.show
            ),
            "legend": LegendView(self._state, palette),
            "gallery": GalleryView(self._state, tiles, self._background),
            "confusion": ConfusionView(self._state, is_open=False),
            "diagnosis": DiagnosisView(self._state, self._background, is_open=False),
            "selections": SelectionsView(self._state),
        }
        self._height = height
        self._widget = _layout(self._views)
        self._maps.start_next()

    @classmethod
    @explained(
        "write EmbeddingExplorer.from_model(model, dataset), and perhaps the layer's name third; "
        "all else is given by name: images=, batch_size=, …"
    )
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
        draw_budget: int = 0,
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
        images, mean, std
            See :class:`EmbeddingExplorer`. Pictures are by default those of the dataset; ``mean``
            and ``std`` are taken from a ``Normalize`` in its transform when not given.
        projector, embedding, columns, colors, height, draw_budget
            See :class:`EmbeddingExplorer`.
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
        check_data(data)
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
            draw_budget=draw_budget,
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
    def embeddings(self) -> dict[str, NDArray[np.float32]]:
        """(n, 2) float32 coordinates of every map that is there, by name."""
        return self._maps.embeddings

    def show_embedding(self, name: str) -> None:
        """Show another of the maps; selection, toggles and colours stay as they are.

        :attr:`embedding`, the frame's x and y and the scores of the map are then those of it.

        Parameters
        ----------
        name : str
            One of :attr:`embeddings`.

        Raises
        ------
        InvalidInputError
            If there is no such map, or it is not computed yet.
        """
        self._maps.show(name)

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

    @property
    def color_by(self) -> str:
        """What the colours say: "label", "prediction", "correct", a score or a column; settable.

        Scores are those of :class:`tsne_widget.analysis.Scores`; a slow one is computed in the
        background. Selection, zoom and toggles stay as they are.
        """
        name: str = self._state.color_by
        return name

    @color_by.setter
    def color_by(self, name: str) -> None:
        self._state.color_by = name

    def select(
        self,
        rows: Any = None,
        mode: Mode = "replace",
        *,
        ids: ArrayLike | None = None,
        label: str | Sequence[str] | None = None,
        prediction: str | Sequence[str] | None = None,
        query: str | None = None,
        text: str | None = None,
        neighbors_of: int | None = None,
        k: int = 15,
    ) -> None:
        """Select rows; the map and the gallery follow. Rows of hidden classes are left out.

        Give one of these; ``label`` and ``prediction`` together are one cell of the confusion
        matrix.

        Parameters
        ----------
        rows : (k,) int array, (n,) bool mask, str, DataFrame, Index, Series or callable
            Rows or a mask; "misclassified", "visible", "all" or the name of a selection; a part of
            :meth:`to_dataframe`, its index or a mask made from its columns, found again by the
            samples' ids; or a function of ``to_dataframe("all")`` that returns any of these.
        mode : "replace", "add", "subtract" or "intersect"
            How they meet what is selected already.
        ids : array of int
            Indices in the dataset, which are not the rows once a sample was skipped.
        label, prediction : str or list of str
            Class names.
        query : str
            A condition on the frame's columns, as of :meth:`pandas.DataFrame.query`. It is code of
            yours: never hand on text of others. It sees no variables of yours (``@limit``); for
            these pass a function.
        text : str
            Looked for in paths and class names, whatever its case; a number also as an id.
        neighbors_of : int
            This row, and the ``k`` that are nearest to it in feature space, not on the map.

        Raises
        ------
        InvalidInputError
            For none or several of them, for what is not in the record, or an unknown word.

        Examples
        --------
        >>> import numpy as np
        >>> from tsne_widget import EmbeddingExplorer, FeatureSet
        >>> record = FeatureSet.from_arrays(np.eye(4), ["cat", "dog", "cat", "dog"])
        >>> explorer = EmbeddingExplorer(record, embedding=np.eye(4)[:, :2])
        >>> explorer.select(query="label_name == 'dog'")
        >>> explorer.select(lambda frame: frame["x"] > 0, "add")
        >>> explorer.selected
        array([0, 1, 3])
        """
        chosen = selectors.chosen_rows(
            self._state,
            self._whole_frame,
            rows,
            ids=ids,
            label=label,
            prediction=prediction,
            query=query,
            text=text,
            neighbors_of=neighbors_of,
            k=k,
        )
        self._state.select(chosen, mode)

    @property
    def selections(self) -> Mapping[str, NDArray[np.int64]]:
        """The named selections: name → (k,) int64 rows, in the order they were named."""
        return MappingProxyType(self._state.selections)

    def name_selection(self, name: str, rows: Any = None) -> None:
        """Keep a selection under a name, in place of the one that had the name before.

        It is a column of the frame, is found in the panel "Selections", and survives :meth:`save`.

        Parameters
        ----------
        name : str
            Up to 80 characters.
        rows : what :meth:`select` takes as its first argument, optional
            Default: what is selected. Rows of hidden classes are kept.

        Raises
        ------
        InvalidInputError
            For a name that is blank, too long or a word of :meth:`select`, or rows that are not of
            this record.
        """
        state = self._state
        if rows is None:
            rows = state.selected
        state.name_selection(name, selectors.rows_of(state, rows, self._whole_frame))

    def rename_selection(self, name: str, new_name: str) -> None:
        """Give a named selection another name; it keeps its place and its colour."""
        self._state.rename_selection(name, new_name)

    def drop_selection(self, name: str) -> None:
        """Forget a named selection; what is selected stays."""
        self._state.drop_selection(name)

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

    def to_dataframe(
        self,
        which: Which = "selected",
        *,
        features: bool = False,
        scores: bool | Literal["all"] = True,
    ) -> pd.DataFrame:
        """The rows as a pandas DataFrame, one row per sample; blocks until the map is done.

        Parameters
        ----------
        which : str
            "selected", "visible", "misclassified", "all", a lens or the name of a selection.
        features : bool
            Append the features as columns f0 … f(d−1).
        scores : bool or "all"
            Whether to add the columns of :data:`tsne_widget.analysis.SCORES`. With True, the cheap
            scores and those computed before have values, and the others are NaN. "all" computes
            every score whose inputs are available, which takes seconds to minutes; they are kept,
            so later frames, queries and menus have them too.

        Returns
        -------
        DataFrame
            Index id, the sample's index in your dataset; columns path, label, label_name,
            prediction, prediction_name, confidence, margin, misclassified, x, y, selection, then
            the other scores in the order of ``SCORES``, then your own. The columns and their
            dtypes are the same for any rows; no rows when nothing is selected.
            ``explorer.select(frame)`` is the way back.

        Raises
        ------
        InvalidInputError
            For an unknown ``which`` or ``scores``.
        """
        state = self._state
        if scores not in (True, False, "all"):
            raise InvalidInputError(f'scores must be True, False or "all", got {scores!r}')
        rows = selectors.rows_of_word(state, which)
        self.wait()
        return sample_frame(
            self.feature_set,
            rows,
            state.embedding,
            state.selections,
            features,
            scores=state.scores.frame_columns(scores),
            columns=state.scores.columns,
        )

    def _whole_frame(self) -> pd.DataFrame:
        return self.to_dataframe("all")

    def selected_features(self) -> FeatureSet:
        """The record of the selected rows alone: features, labels, predictions, ids, paths.

        Raises
        ------
        InvalidInputError
            If nothing is selected.
        """
        if not len(self._state.selected):
            raise InvalidInputError("nothing is selected; select() something first")
        return self.feature_set.take(self._state.selected)

    def export(
        self,
        path: str | os.PathLike[str],
        which: Which = "selected",
        *,
        features: bool = False,
        scores: bool | Literal["all"] = True,
    ) -> Path:
        """Write the frame to a .csv or .parquet file, whole or not at all; the path written.

        In CSV, text that a spreadsheet would take for a formula (=, +, −, @ first) gets an
        apostrophe before it; Parquet keeps it as it is, and the dtypes with it.

        Parameters
        ----------
        path : path
            Ends in .csv or .parquet. A file that is there is replaced.
        which, features, scores
            See :meth:`to_dataframe`.

        Raises
        ------
        InvalidInputError
            For another suffix, or .parquet without pyarrow.
        StoreError
            If the disk cannot take the file.
        """
        return export_frame(self.to_dataframe(which, features=features, scores=scores), path)

    def copy_images(
        self, folder: str | os.PathLike[str], which: Which = "selected", *, progress: bool = True
    ) -> Path:
        """Copy the pictures of the rows into a new folder, with manifest.csv; the folder.

        Picture files are copied as they are, other pictures are written as PNG. Bad ones are left
        out; the manifest has a line for each row, with its file or the reason that there is none.

        Parameters
        ----------
        folder : path
            New or empty; nothing is overwritten.
        which : str
            "selected", "visible", "misclassified", "all", a lens or the name of a selection.
        progress : bool
            Show a bar when it takes over half a second.

        Raises
        ------
        InvalidInputError
            If the explorer has no pictures.
        StoreError
            If the folder holds something, or the disk cannot take the files.
        """
        if self._images is None:
            raise InvalidInputError(
                "this explorer has no pictures; pass images= (an array, paths or a dataset)"
            )
        rows = selectors.rows_of_word(self._state, which)
        frame = sample_frame(self.feature_set, rows)
        return copy_pictures(frame, self._images, folder, progress=progress)

    def save(
        self,
        folder: str | os.PathLike[str],
        *,
        features: FeaturesBy = "copy",
        overwrite: bool = False,
    ) -> Path:
        """Write the exploration as plain .npy and JSON files, to come back to; the folder.

        Kept are features, map, visible classes, selection, named selections, your columns, colours
        and what is in sight; pictures are not. Blocks until the map is done. A save that is killed
        leaves what was saved before whole.

        Parameters
        ----------
        folder : path
        features : "copy" or "reference"
            Whether to copy the features into the folder, or to note where they are; the latter
            needs features of :meth:`FeatureSet.load`.
        overwrite : bool
            Replace the exploration that is saved in the folder.

        Raises
        ------
        InvalidInputError
            If there is no file of the features to refer to, or a column is no plain data.
        StoreError
            If the folder holds something else, or the disk cannot take the files.
        """
        if self.wait().embedding is None:
            raise InvalidInputError("there is no map to save yet; resume() it, and wait()")
        known = self._state.class_names[: self._state.known]
        view = SavedView(
            viewport=list(self._views["scatter"].viewport),
            colors={name: self._colors[name] for name in known},
            height=self._height,
            draw_budget=self._views["scatter"].budget,
            color_by=self._state.color_by,
            show_labels=self._views["scatter"].show_labels,
        )
        maps = self.embeddings
        return save_state(folder, self._state, view, maps, features=features, overwrite=overwrite)

    def save_html(
        self,
        path: str | os.PathLike[str],
        *,
        rows: Any = None,
        title: str = "",
        thumbnail: int = 48,
        max_rows: int | None = None,
        whole_paths: bool = False,
        progress: bool = True,
    ) -> Path:
        """Write the map as one HTML file to be sent and opened anywhere; the path written.

        The page looks as the explorer does now: classes shown, colours, what is selected, named
        selections, scores computed so far. It needs no kernel and no network; your own columns and
        the features are not in it. Blocks until the map is done.

        Parameters
        ----------
        path : path
            Ends in .html. A file that is there is replaced, whole or not at all.
        rows : what :meth:`select` takes as its first argument, optional
            Only these samples. Default: all.
        title, thumbnail, max_rows, whole_paths, progress
            See :func:`tsne_widget.save_html`: title, longest side of the pictures in pixels (0 for
            none), samples at most, whether paths are whole, whether a bar is shown.

        Raises
        ------
        InvalidInputError
            If anything of the above does not fit.
        StoreError
            If the disk cannot take the file; the one that was there before is whole then.
        """
        if self.wait().embedding is None:
            raise InvalidInputError("there is no map to share yet; resume() it, and wait()")
        state, names = self._state, self.feature_set.class_names
        own = {"", *state.scores.columns}
        return save_html(
            self.feature_set,
            state.embedding,
            path,
            images=self._images,
            rows=None if rows is None else selectors.rows_of(state, rows, self._whole_frame),
            title=title,
            thumbnail=thumbnail if self._images is not None else 0,
            max_rows=max_rows,
            colors=[self._colors[name] for name in names],
            color_by=None if state.color_by in own else state.color_by,
            visible_classes=self.visible_classes,
            selected=state.selected,
            selections=state.selections,
            selection_colors=state.selection_colors,
            scores={k: v for k, v in state.scores.ready().items() if k not in own},
            whole_paths=whole_paths,
            progress=progress,
        )

    @classmethod
    @explained("write EmbeddingExplorer.load(folder); all else is given by name: images=, …")
    def load(
        cls,
        folder: str | os.PathLike[str],
        *,
        images: Any = None,
        mean: Any = None,
        std: Any = None,
        colors: Mapping[str, str] | None = None,
        height: int | None = None,
    ) -> Self:
        """The exploration that :meth:`save` wrote, as it was; nothing is computed.

        Parameters
        ----------
        folder : path
        images, mean, std
            See :class:`EmbeddingExplorer`. Default: the files that the record names.
        colors, height
            In place of those saved.

        Raises
        ------
        StoreError
            If the folder is not a saved exploration, is torn, or its features are missing or not
            those that were explored.
        """
        saved = load_state(folder)
        explorer = cls(
            saved.record,
            embedding=saved.maps,
            images=images,
            mean=mean,
            std=std,
            columns=saved.columns,
            colors={**saved.view.colors, **(colors or {})},
            height=saved.view.height if height is None else height,
            draw_budget=saved.view.draw_budget,
        )
        try:
            explorer.show_embedding(saved.map_name)
            explorer._state.show(saved.visible)
            explorer._state.selected = saved.selected
            explorer._state.selection_slots = saved.slots
            explorer._state.selections = saved.selections
            explorer._state.color_by = saved.view.color_by
            explorer._views["scatter"].viewport = saved.view.viewport
            explorer._views["scatter"].show_labels = saved.view.show_labels
        except InvalidInputError as error:
            explorer.close()
            raise StoreError(f"{folder} does not fit its features: {error}") from error
        return explorer

    def wait(self) -> Self:
        """Block until all maps are done, stopped or paused, and return the explorer.

        Raises
        ------
        TsneWidgetError or the projector's own error
            If the projector failed.
        """
        self._maps.wait()
        return self

    @property
    def projector(self) -> Any:
        """The projector of the map that is shown; once done, ``transform`` places new rows."""
        return self._maps.projector

    def pause(self) -> None:
        """Hold the map where it is; :meth:`resume` lets it go on.

        Raises
        ------
        InvalidInputError
            If nothing is running, or the projector cannot be held.
        """
        self._maps.active.pause()

    def resume(self) -> None:
        """Let a held map go on."""
        self._maps.active.resume()

    def stop(self) -> None:
        """End the computation and keep the map as it is; :meth:`run` continues it."""
        self._maps.active.stop()

    def run(self, iterations: int = 250, *, projector: Any = None, name: str | None = None) -> None:
        """Continue the map that is shown, or make another one, in the background.

        Parameters
        ----------
        iterations : int
            How many more.
        projector : object with fit_transform, optional
            Makes another map, which is shown as soon as it is there; the others are kept.
        name : str, optional
            Of that map. Default: that of the projector's class.

        Raises
        ------
        InvalidInputError
            If the map is still computed, its coordinates were given, or the projector cannot
            continue; or for a name that there is already.
        """
        self._maps.run(iterations, projector, name)

    @explained('all is given by name: explorer.figure(path="map.pdf", title="…")')
    def figure(self, **options: Any) -> Figure:
        """The map as a static matplotlib figure, as it is coloured and what is shown of it.

        Parameters
        ----------
        **options
            Of :func:`tsne_widget.plot_embedding`, in place of what the explorer shows: ``title``,
            ``size_mm``, ``names``, ``markers``, ``path``, …; ``selected=None`` to dim nothing.
        """
        self.wait()
        state = self._state
        shown = figure_options(state, self._colors, state.color_by)
        return plot_embedding(state.embedding[state.visible_rows], **(shown | options))

    def close(self) -> None:
        """Close every widget of this explorer and stop its projector. May be called twice."""
        self._maps.close()
        self._background.close()
        self._state.unobserve_all()
        for view in self._views.values():
            close_with_children(view)
        self._views = {}
        close_with_children(self._widget)

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

    def _repr_mimebundle_(self, **_options: Any) -> Any:
        return output_of(self._widget, self._views["scatter"], f"{self!r}\n{_UNSEEN}")


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


def _layout(views: Mapping[str, Widget]) -> ipywidgets.Box:
    def css(name: str) -> dict[str, list[str]]:  # from the start: add_class() is a message more
        return {"_dom_classes": [name]}

    panels = ipywidgets.Tab(
        [views[name] for name in PANELS],
        titles=list(PANELS.values()),
        **css("tsne-widget-panels"),
    )

    def open_one(_change: Any = None) -> None:
        for index, name in enumerate(PANELS):
            if views[name].has_trait("is_open"):
                views[name].is_open = index == panels.selected_index

    panels.observe(open_one, "selected_index")
    open_one()
    body = ipywidgets.Box([views["scatter"], views["legend"], panels], **css("tsne-widget-body"))
    root = ipywidgets.VBox([views["toolbar"], body], **css("tsne-widget"))
    views["toolbar"].home = root.model_id
    return root
