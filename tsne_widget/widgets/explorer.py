"""EmbeddingExplorer: the widget that shows features as a map with pictures and predictions."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from numpy.typing import ArrayLike

from tsne_widget._calls import explained
from tsne_widget.errors import InvalidInputError, StoreError
from tsne_widget.feature_set import FeatureSet
from tsne_widget.images import checked_images
from tsne_widget.widgets.arguments import check_record, extraction_options, page_options
from tsne_widget.widgets.evidence_exploration import EvidenceExploration
from tsne_widget.widgets.io.downloads import downloads_of
from tsne_widget.widgets.io.load import load_state, restore_state
from tsne_widget.widgets.io.save import FeaturesBy, SavedView, save_state
from tsne_widget.widgets.maps.maps import Maps, named_maps
from tsne_widget.widgets.models.coloring import class_palette, overridden
from tsne_widget.widgets.models.picture_pass import measured_tiles
from tsne_widget.widgets.state import selectors
from tsne_widget.widgets.state.background import Background
from tsne_widget.widgets.state.explorer_state import ExplorerState
from tsne_widget.widgets.views.foot.view import FootView
from tsne_widget.widgets.views.legend.view import LegendView
from tsne_widget.widgets.views.map.view import MapView
from tsne_widget.widgets.views.panels import PanelContext, explorer_frame, make_panels
from tsne_widget.widgets.views.toolbar.view import ToolbarView
from tsne_widget.widgets.views.view import View

if TYPE_CHECKING:
    import pandas as pd
    from typing_extensions import Self


class EmbeddingExplorer(EvidenceExploration):
    """An interactive map of a classifier's features, with pictures and predictions.

    Drag a lasso around points to see their images; click a class to hide it. The selection on the
    screen is ``explorer.selected`` and ``explorer.to_dataframe()``; setting it in Python shows it
    on the screen. The explorer is a Jupyter widget: display it, put it into a box, link its traits.

    Parameters
    ----------
    feature_set : FeatureSet
        The n samples; see :meth:`FeatureSet.from_arrays`, :meth:`FeatureSet.from_npy` and
        :func:`tsne_widget.extract`.
    projector : object with fit_transform(features), optional
        Places the samples in the plane, in a worker thread. Default ``TSNE(random_state=0)``.
        Several by name, ``{"t-SNE": TSNE(), "PCA": PCA(2)}``, are computed one after the other; a
        drop-down switches between them.
    embedding : (n, 2) array, optional
        Given coordinates, a DataFrame by its index of ids; nothing is computed. Several by name are
        possible as well.
    images : ImageSource, array (n, …), list of paths or dataset, optional
        Pictures, addressed by ``feature_set.ids``. Default: those of the feature set, or its paths.
    mean, std : float or sequence of one float per channel, optional
        The normalisation (x − mean) / std of ``images``, undone for display. Without them, values
        outside 0 … 1 are stretched from black to white, and colours are approximate.
    bands : int or sequence of 3 int, optional
        The channels of ``images`` to show, counted from 0: (3, 2, 1) as red, green and blue.
    columns : DataFrame or mapping of name to (n,) array, optional
        More values per sample, to colour by and for the frame; also a polars or pyarrow table.
        pandas objects are read by their index of ids, everything else by position.
    colors : mapping of class name to colour, sequence of colours or str, optional
        Overrides of the default colours, or a palette: a list or the name of a colormap such as
        "tab10" or "viridis", see :func:`tsne_widget.plotting.class_colors`.
    class_groups : mapping of name to list of classes, optional
        For the confusion matrix, such as ``{"animal": ["cat", "dog"]}``.
    height : int, optional
        Height of map and panels in pixels, at least 100. Default: follows width and window.
    draw_budget : int
        Maximum number of points drawn; more are sampled by class, and zooming in draws those in
        sight. 0 means 2,000,000 with a graphics card, else 100,000. A selection covers all points.

    Raises
    ------
    InvalidInputError
        If an argument does not fit; raised before anything is computed.

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

    _unseen: ClassVar[str] = (
        "To see the map, open the notebook in JupyterLab and run it; "
        'to share it, explorer.save_html("map.html") writes a page.'
    )

    @explained(
        "use EmbeddingExplorer.from_model(model, dataset) for a model and its data, and "
        "EmbeddingExplorer(FeatureSet.from_arrays(features, labels)) for arrays; pass all other "
        "arguments by name: embedding=, images=, …"
    )
    def __init__(
        self,
        feature_set: FeatureSet,
        *,
        projector: Any = None,
        embedding: ArrayLike | Mapping[str, ArrayLike] | None = None,
        images: Any = None,
        mean: Any = None,
        std: Any = None,
        bands: Any = None,
        columns: Mapping[str, ArrayLike] | None = None,
        colors: Mapping[str, str] | Sequence[str] | None = None,
        class_groups: Mapping[str, Sequence[str | int]] | None = None,
        height: int | None = None,
        draw_budget: int = 0,
    ) -> None:
        check_record(feature_set)
        self._page_frame = explorer_frame(height)
        given, projectors = named_maps(feature_set, projector, embedding)
        feature_set, self._images = checked_images(
            feature_set, images, mean=mean, std=std, bands=bands
        )
        state = ExplorerState(feature_set, None, columns, class_groups)
        palette = class_palette(state, colors)
        self._colors = dict(zip(state.class_names, palette, strict=True))
        self._maps = maps = Maps(state, given, projectors)
        background, images = Background(state), self._images
        tiles = measured_tiles(state, images, palette, background)
        self._map = MapView(state, tiles, background, palette, budget=draw_budget)
        views: dict[str, View] = {
            "map": self._map,  # first: the map is what the person looks at
            "toolbar": ToolbarView(state, background, downloads_of(state, images, self._colors)),
            "foot": FootView(state, maps.control, maps.show),
            "legend": LegendView(state, palette, self._map),
            "frame": self._page_frame,
            **make_panels(PanelContext(state, background, tiles), self._page_frame),
        }
        super().__init__(state, background, views)
        maps.start_next()

    @classmethod
    @explained(
        "write EmbeddingExplorer.from_model(model, dataset), with the layer's name as the third "
        "argument if you like; pass all other arguments by name: images=, batch_size=, …",
        passed_on=extraction_options,
    )
    def from_model(
        cls,
        model: Any,
        data: Any,
        layer: str | None = None,
        *,
        projector: Any = None,
        embedding: ArrayLike | Mapping[str, ArrayLike] | None = None,
        images: Any = None,
        mean: Any = None,
        std: Any = None,
        bands: Any = None,
        columns: Mapping[str, ArrayLike] | None = None,
        colors: Mapping[str, str] | Sequence[str] | None = None,
        class_groups: Mapping[str, Sequence[str | int]] | None = None,
        height: int | None = None,
        draw_budget: int = 0,
        **extraction: Any,
    ) -> Self:
        """An explorer of the features that a torch classifier computes from a dataset.

        The model runs once over the data with a progress bar, and is left unchanged. The explorer
        keeps the features, labels and predictions, and starts the map. While you keep model and
        data, it also answers :meth:`evidence`.

        Parameters
        ----------
        model : torch.nn.Module
        data : Dataset, DataLoader or tuple of arrays (x, y)
            Batches as ``(x, y)`` or as a dict with an image and a label.
        layer : str, optional
            Dotted name of the layer. Default: the input of the last Linear.
        images, mean, std, bands
            See :class:`EmbeddingExplorer`. Default: the pictures of the dataset, and a
            ``Normalize`` in its transform. If there are no pictures, the tiles say why.
        projector, embedding, columns, colors, class_groups, height, draw_budget
            See :class:`EmbeddingExplorer`.
        **extraction
            ``batch_size``, ``device``, ``class_names`` and other options of
            :func:`tsne_widget.extract`.

        Raises
        ------
        InvalidInputError, LayerNotFoundError, ExtractionError
            See :func:`tsne_widget.extract`.
        """
        from tsne_widget.widgets.io.from_model import extracted_features

        feature_set = extracted_features(
            model, data, layer, images, extraction, check_count=embedding is None,
            mean=mean, std=std, bands=bands,
        )  # fmt: skip
        return cls(
            feature_set, projector=projector, embedding=embedding, columns=columns, colors=colors,
            class_groups=class_groups, height=height, draw_budget=draw_budget,
        )._with_model(model, data, extraction)  # fmt: skip

    def to_dataframe(
        self,
        which: str = "selected",
        *,
        features: bool = False,
        scores: bool | Literal["all"] = True,
    ) -> pd.DataFrame:
        """Samples as a pandas DataFrame, one row each; blocks until the map is done.

        Parameters
        ----------
        which : str
            "selected", "visible", "misclassified", "all", a finder or the name of a selection.
        features : bool
            Append the features as columns f0 … f(d−1).
        scores : bool or "all"
            True has the cheap scores and those computed before. "all" computes every score, which
            takes seconds to minutes; one that lacks an input is NaN.

        Returns
        -------
        DataFrame
            Index id (index in your dataset); columns path, label, label_name, prediction,
            prediction_name, confidence, margin, misclassified, x, y, selection, the scores, and
            your own columns, the same for any rows; a finder's rows come in its order.

        Raises
        ------
        InvalidInputError
            For an unknown ``which`` or ``scores``.
        """
        rows = selectors.rows_of_word(self._state, which)
        return self._frame(rows, features=features, scores=scores)

    def save(
        self,
        folder: str | os.PathLike[str],
        *,
        features: FeaturesBy = "copy",
        overwrite: bool = False,
    ) -> Path:
        """Save the exploration as .npy and JSON files for :meth:`load`; returns the folder.

        Saves features, maps, computed scores and evidence, visible classes, selections, your
        columns, colours and the viewport, but no pictures. Blocks until the map is done. If it is
        interrupted, the previous save stays valid.

        Parameters
        ----------
        folder : path
        features : "copy" or "reference"
            Copy the features, or store the path of a record loaded by :meth:`FeatureSet.load`.
        overwrite : bool
            Replace an exploration that is already in the folder.

        Raises
        ------
        InvalidInputError
            If there is no file to refer to, or a column holds objects other than plain data.
        StoreError
            If the folder holds something else, or the files cannot be written.
        """
        state = self.wait()._state
        if state.embedding is None:
            raise InvalidInputError("there is no map to save yet; call resume(), then wait()")
        known = state.class_names[: state.known]
        view = SavedView(
            viewport=list(self._map.viewport), height=self._page_frame.height,
            colors={name: self._colors[name] for name in known}, color_by=state.color_by,
            draw_budget=self._map.budget, show_labels=self._map.show_labels,
            mistakes=state.mistakes, points=self._map.drawn_as,
        )  # fmt: skip
        return save_state(
            folder, state, view, self.embeddings, features=features, overwrite=overwrite
        )

    @classmethod
    @explained("write EmbeddingExplorer.load(folder); pass all other arguments by name: images=, …")
    def load(
        cls,
        folder: str | os.PathLike[str],
        *,
        images: Any = None,
        mean: Any = None,
        std: Any = None,
        bands: Any = None,
        root: str | os.PathLike[str] | None = None,
        colors: Mapping[str, str] | Sequence[str] | None = None,
        height: int | None = None,
    ) -> Self:
        """Load what :meth:`save` wrote; nothing is computed.

        Parameters
        ----------
        folder : path
        images, mean, std, bands
            See :class:`EmbeddingExplorer`. Default: the paths in the record.
        root : path, optional
            The folder that has the pictures now, if the paths in the record are those of another
            machine or folder.
        colors, height
            Override the saved ones.

        Raises
        ------
        StoreError
            If the folder is not a saved exploration or is damaged, or its features are missing or
            have changed.
        InvalidInputError
            If ``root`` has none of the pictures.
        """
        saved = load_state(folder, root=root)
        explorer = cls(
            saved.record, embedding=saved.maps, images=images, mean=mean, std=std, bands=bands,
            columns=saved.columns, class_groups=saved.class_groups,
            colors=overridden(saved.view.colors, colors),
            height=(saved.view.height or None) if height is None else height,
            draw_budget=saved.view.draw_budget,
        )  # fmt: skip
        try:
            explorer.show_embedding(saved.map_name)
            restore_state(saved, explorer._state, explorer._map)
        except InvalidInputError as error:
            explorer.close()
            raise StoreError(f"{folder} does not fit its features: {error}") from error
        return explorer

    @explained(
        "write explorer.save_html(path), all else by name: title=, …", passed_on=page_options
    )
    def save_html(
        self, path: str | os.PathLike[str], *, rows: Any = None, progress: bool = True, **page: Any
    ) -> Path:
        """Write the exploration as one HTML file that opens in any browser; returns the path.

        The page shows the current visible classes, colours, selection and named selections, and
        the scores computed so far. It needs no kernel and no network. It holds neither your own
        columns nor the features. Blocks until the map is done.

        Parameters
        ----------
        path : path
            Must end in .html. An existing file is replaced atomically.
        rows : as the first argument of :meth:`select`, optional
            Only these samples. Default: all.
        progress : bool
            Show a progress bar after half a second.
        **page
            ``title``, ``thumbnail``, ``max_rows`` and ``whole_paths`` of
            :func:`tsne_widget.save_html`.

        Raises
        ------
        InvalidInputError
            If an argument does not fit.
        StoreError
            If the file cannot be written; an existing file stays unchanged.
        """
        from tsne_widget.widgets.html_export.state import save_state_html

        chosen = None if rows is None else self._rows_of(rows)
        if self.wait().embedding is None:
            raise InvalidInputError("there is no map to share yet; call resume(), then wait()")
        return save_state_html(
            self._state, self._images, self._colors, path, rows=chosen, progress=progress, **page
        )

    def to_html(self, **page: Any) -> str:
        """The page of :meth:`save_html` as text, for notebooks that show HTML but no widgets.

        Parameters
        ----------
        **page
            Arguments of :meth:`save_html` except ``path``.
        """
        with tempfile.TemporaryDirectory() as folder:
            return self.save_html(Path(folder, "map.html"), **page).read_text(encoding="utf-8")

    def _frame(
        self, rows: ArrayLike, *, features: bool = False, scores: bool | Literal["all"] = True
    ) -> pd.DataFrame:
        from tsne_widget.analysis import sample_frame

        if scores not in (True, False, "all"):
            raise InvalidInputError(f'scores must be True, False or "all", got {scores!r}')
        state = self.wait()._state
        return sample_frame(
            self.feature_set, rows, state.embedding, state.selections, features,
            scores=state.scores.frame_columns(scores), columns=state.scores.columns,
        )  # fmt: skip
