"""Exploration: what an explorer and a comparison have in common, the selection and its samples."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from tsne_widget._calls import explained
from tsne_widget.analysis import finder_order
from tsne_widget.errors import InvalidInputError
from tsne_widget.feature_set import FeatureSet
from tsne_widget.images import ImageSource
from tsne_widget.widgets.application import Application
from tsne_widget.widgets.state import selectors
from tsne_widget.widgets.state.delegate import Delegate
from tsne_widget.widgets.state.explorer_state import ExplorerState
from tsne_widget.widgets.state.named_selections import parts_of
from tsne_widget.widgets.state.rows import Ranking
from tsne_widget.widgets.state.selecting import Mode

if TYPE_CHECKING:
    import pandas as pd


class Exploration(Application):
    """A widget over samples that can be selected, named, hidden and taken away as data.

    Attributes
    ----------
    selected : (k,) int64 array, a trait
        Selected rows of visible classes, ascending. Set it to rows or to an (n,) bool mask; rows of
        hidden classes wait and are selected once their class is shown.
    value : (k,) int64 array, a trait
        The same, under the name that :func:`ipywidgets.interactive_output` reads.
    visible_classes : tuple of str, a trait
        Names of the visible classes. Set it to a name or several to show only these. Selected rows
        of the others wait: they are selected again once their class is shown.
    color_by : str, a trait
        Meaning of the colours: "label", "prediction", "correct", a score or a column.
    mistakes : "mark", "only" or "plain", a trait
        How the map draws misclassified samples: marked, alone, or as all others.
    embedding : (n, 2) float32 array or None, a read-only trait
        Coordinates of the visible map; None while it is computed.
    hovered : int or None, a trait
        Row under the pointer, on the map or in the gallery.
    busy : str, a read-only trait
        What is computed beside the map; "" for nothing.
    message : str, a read-only trait
        The last error or omission with its remedy; "" for none.
    selections : mapping of name to (k,) int64 rows, a read-only trait
        Named selections in the order they were named.
    """

    _images: ImageSource | None

    selected = Delegate("_state")
    value = Delegate("_state", "selected")
    visible_classes = Delegate(
        "_state",
        "visible",
        read=lambda state, visible: state.names_of(visible),
        write=lambda state, names: state.show_only(names),
    )
    color_by = Delegate("_state")
    mistakes = Delegate("_state")
    embedding = Delegate("_state", read_only=True)
    hovered = Delegate("_state")
    busy = Delegate("_state", read_only=True)
    message = Delegate("_state", read_only=True)
    selections = Delegate(
        "_state", read=lambda _state, named: MappingProxyType(named), read_only=True
    )

    @property
    def notes(self) -> tuple[str, ...]:
        """What is inferred or doubtful about the samples, each with the call that settles it."""
        return self._state.feature_set.notes

    # ---- the selection ----

    @property
    def state(self) -> ExplorerState:
        """The traits behind all views, for views of your own."""
        return self._state

    @explained(
        "write explorer.select(rows), or one criterion by name, such as label='cat' or query='…'"
    )
    def select(
        self,
        rows: Any = None,
        mode: Mode = "replace",
        *,
        ids: ArrayLike | None = None,
        label: str | int | Sequence[str | int] | None = None,
        prediction: str | int | Sequence[str | int] | None = None,
        query: str | None = None,
        text: str | None = None,
        neighbors_of: int | None = None,
        k: int = 15,
        metric: str = "euclidean",
    ) -> None:
        """Select rows in all views; rows of hidden classes wait until these are shown.

        Pass exactly one criterion; ``label`` and ``prediction`` together are one cell of the
        confusion matrix.

        Parameters
        ----------
        rows : (k,) int array, (n,) bool mask, str, DataFrame, Index, Series or callable
            Rows or a mask; "misclassified", "visible", "all", a finder or the name of a selection;
            a part of :meth:`to_dataframe`, its index or a mask over it, read by its index of ids
            (``mask.to_numpy()`` is read by position); or a function of ``to_dataframe("all")``
            that returns any of these. A finder also sorts the gallery by its score.
        mode : "replace", "add", "subtract" or "intersect"
            How to combine with the current selection.
        ids : array of int
            Indices in the dataset; they differ from rows once a sample was skipped.
        label, prediction : str, int or list of them
            Class names or codes.
        query : str
            A condition on the frame's columns, as in :meth:`pandas.DataFrame.query`. It is code:
            never pass on untrusted text. It cannot use your variables; pass a function for that.
        text : str
            A class, ``prediction:cat``, an id (``#12``), or a part of a path or label, see
            :func:`~tsne_widget.analysis.matching_rows`.
        neighbors_of : int
            A row; selects it and its ``k`` nearest rows in feature space.
        k : int
            Number of nearest rows for ``neighbors_of``.
        metric : {"euclidean", "cosine"}
            The distance for ``neighbors_of``.

        Raises
        ------
        InvalidInputError
            For no or several criteria, values that are not in the record, or an unknown word.

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
            self._state, self._frame_of_all, rows, ids=ids, label=label, prediction=prediction,
            query=query, text=text, neighbors_of=neighbors_of, k=k, metric=metric,
        )  # fmt: skip
        order = finder_order(rows) if mode in ("replace", "intersect") else None
        self._state.select(chosen, mode, order and Ranking(*order))

    def clear(self) -> None:
        """Clear the selection."""
        self._state.select([])

    def undo(self) -> None:
        """Go back one change of the selection or of the visible classes."""
        self._state.undo()

    def redo(self) -> None:
        """Go forward again after :meth:`undo`."""
        self._state.redo()

    def name_selection(self, name: str, rows: Any = None) -> None:
        """Keep a selection under a name; an existing selection of that name is replaced.

        It becomes a column of the frame, appears in the panel "Saved", and is saved.

        Parameters
        ----------
        name : str
            Up to 80 characters.
        rows : what select() takes as its first argument, optional
            Default: the current selection. Rows of hidden classes are kept.

        Raises
        ------
        InvalidInputError
            If the name is blank, too long or a word of ``select()``, or the rows do not exist.
        """
        state = self._state
        named = state.selected if rows is None else self._rows_of(rows)
        state.name_selection(name, named)

    def name_selections_by(self, column: str) -> tuple[str, ...]:
        """Name a selection for each value of a column, as "column: value"; returns the names.

        So the subsets that a column describes can be compared, see :meth:`accuracy_table`.

        Parameters
        ----------
        column : str
            One of your columns with categories; missing values are in no selection.

        Raises
        ------
        InvalidInputError
            If there is no such column, or it holds amounts.
        """
        state = self._state
        parts = parts_of(column, state.scores[column])
        state.selections = {**state.selections, **parts}
        return tuple(parts)

    def rename_selection(self, name: str, new_name: str) -> None:
        """Rename a named selection; it keeps its place and its colour."""
        self._state.rename_selection(name, new_name)

    def drop_selection(self, name: str) -> None:
        """Delete a named selection; the current selection stays."""
        self._state.drop_selection(name)

    # ---- samples as data ----

    @abstractmethod
    def to_dataframe(self, which: str = "selected", *_: Any, **options: Any) -> pd.DataFrame:
        """Samples as a pandas DataFrame; subclasses document their columns and options."""

    def accuracy_table(self, *, classes: bool = True) -> pd.DataFrame:
        """Accuracy of each named selection and class with a 95 % interval, against the rest.

        Parameters
        ----------
        classes : bool
            Whether to list the classes of the labels after the selections.

        Returns
        -------
        DataFrame
            As :func:`tsne_widget.analysis.accuracy_table`, with a column ``kind``: "selection" or
            "class". Rows of hidden classes count.

        Raises
        ------
        InvalidInputError
            Without labels or predictions.
        """
        import pandas as pd

        from tsne_widget.analysis import accuracy_table

        record, named = self._state.feature_set, self._state.selections
        if record.labels is None or record.predictions is None:
            lacking = "labels" if record.labels is None else "predictions"
            raise InvalidInputError(f"accuracy_table() requires {lacking}; this record has none")
        parts = {("selection", name): rows for name, rows in named.items()}
        if classes:
            names = enumerate(record.class_names)
            parts |= {("class", name): record.labels == code for code, name in names}
        table = accuracy_table(record.labels, record.predictions, parts)
        table.index = pd.Index([name for _kind, name in parts], name="part")
        table.insert(0, "kind", [kind for kind, _name in parts])
        return table

    def selected_features(self) -> FeatureSet:
        """The record of the selected rows: features, labels, predictions, ids, paths.

        Raises
        ------
        InvalidInputError
            If nothing is selected.
        """
        if not len(self._state.selected):
            raise InvalidInputError("nothing is selected; call select() first")
        return self._state.feature_set.take(self._state.selected)

    def export(
        self,
        path: str | os.PathLike[str],
        which: str = "selected",
        **options: Any,
    ) -> Path:
        """Write :meth:`to_dataframe` to a .csv or .parquet file, atomically; returns the path.

        In CSV, text that a spreadsheet would run as a formula gets a leading apostrophe.

        Parameters
        ----------
        path : path
            Must end in .csv or .parquet. An existing file is replaced.
        which, **options
            Arguments of :meth:`to_dataframe`.

        Raises
        ------
        InvalidInputError
            For another suffix, or .parquet without pyarrow.
        StoreError
            If the file cannot be written.
        """
        from tsne_widget.widgets.io.export import export_frame

        return export_frame(self.to_dataframe(which, **options), path)

    def copy_images(
        self, folder: str | os.PathLike[str], which: str = "selected", *, progress: bool = True
    ) -> Path:
        """Copy the pictures of rows into a new folder, with manifest.csv; returns the folder.

        Picture files are copied unchanged; other pictures become PNG files. The manifest has a
        line per row with its file, or the reason why there is none.

        Parameters
        ----------
        folder : path
            New or empty; nothing is overwritten.
        which : str
            As in :meth:`to_dataframe`.
        progress : bool
            Show a progress bar after half a second.

        Raises
        ------
        InvalidInputError
            If the explorer has no pictures.
        StoreError
            If the folder is not empty, or the files cannot be written.
        """
        from tsne_widget.analysis import sample_frame
        from tsne_widget.widgets.io.export import copy_pictures

        if self._images is None:
            raise InvalidInputError(
                "there are no pictures; pass images= (an array, paths or a dataset)"
            )
        frame = sample_frame(self._state.feature_set, selectors.rows_of_word(self._state, which))
        return copy_pictures(frame, self._images, folder, progress=progress)

    def _rows_of(self, rows: Any) -> ArrayLike:
        """Rows for what :meth:`select` takes as its first argument."""
        return selectors.rows_of(self._state, rows, self._frame_of_all)

    def _frame_of_all(self) -> pd.DataFrame:
        return self.to_dataframe("all")
