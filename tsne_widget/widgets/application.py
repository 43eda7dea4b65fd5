"""Application: a widget whose page is several views of one state."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import anywidget
from ipywidgets import ValueWidget
from numpy.typing import ArrayLike
from traitlets import All

from tsne_widget._validation import did_you_mean
from tsne_widget.errors import InvalidInputError
from tsne_widget.widgets.frontend.assets import bundle
from tsne_widget.widgets.state import selectors
from tsne_widget.widgets.state.background import Background
from tsne_widget.widgets.state.delegate import Delegate, delegates, relay
from tsne_widget.widgets.state.explorer_state import ExplorerState, Mode
from tsne_widget.widgets.views.messages import receive
from tsne_widget.widgets.views.view import View

if TYPE_CHECKING:
    import pandas as pd
    from typing_extensions import Self


class Application(anywidget.AnyWidget, ValueWidget):  # type: ignore[misc]  # untyped packages
    """One widget model whose page lays out several views of one state.

    The traits of every view travel in this model as ``"<view>.<trait>"``. Each public trait reads
    and writes the state, so ``observe``, ``link`` and the views agree at all times.

    Attributes
    ----------
    selected : (k,) int64 array, a trait
        Selected rows, ascending. Set it to rows or to an (n,) bool mask.
    value : (k,) int64 array, a trait
        The same, under the name that :func:`ipywidgets.interactive_output` reads.
    visible_classes : tuple of str, a trait
        Names of the visible classes. Set it to a name or several to show only these.
    color_by : str, a trait
        Meaning of the colours: "label", "prediction", "correct", a score or a column.
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

    _esm = bundle("widget.js")
    _css = bundle("widget.css")
    _unseen: ClassVar[str] = ""  # what the output says where no widget can be seen

    selected = Delegate("_state")
    value = Delegate("_state", "selected")
    visible_classes = Delegate(
        "_state",
        "visible",
        read=lambda state, visible: state.names_of(visible),
        write=lambda state, names: state.show_only(names),
    )
    color_by = Delegate("_state")
    embedding = Delegate("_state", read_only=True)
    hovered = Delegate("_state")
    busy = Delegate("_state", read_only=True)
    message = Delegate("_state", read_only=True)
    selections = Delegate(
        "_state", read=lambda _state, named: MappingProxyType(named), read_only=True
    )

    def __init__(
        self, state: ExplorerState, background: Background, views: Mapping[str, View]
    ) -> None:
        self._state = state
        self._background = background
        self._views = dict(views)
        super().__init__()
        self._own_layout = self.layout  # closed with this widget; one that a user sets is not
        if self.comm is not None:
            # ipykernel 7.4 hands a message of the page to the shell that this comm spoke from
            # last, main or subshell. After a change of shell, later messages overtake earlier ones.
            self.comm._reply_subshell_for = lambda _data, shell_of_message: shell_of_message
        self._view_keys = {id(view): name for name, view in self._views.items()}
        for view in self._views.values():
            view.connect(self)
        self.on_msg(self._receive)
        relay(self, state, delegates(self, "_state"))

    # ---- the selection ----

    @property
    def state(self) -> ExplorerState:
        """The traits behind all views, for views of your own."""
        return self._state

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
    ) -> None:
        """Select rows in all views; rows of hidden classes are left out and counted.

        Pass exactly one criterion; ``label`` and ``prediction`` together are one cell of the
        confusion matrix.

        Parameters
        ----------
        rows : (k,) int array, (n,) bool mask, str, DataFrame, Index, Series or callable
            Rows or a mask; "misclassified", "visible", "all", a finder or the name of a selection;
            a part of :meth:`to_dataframe`, its index or a mask over it, matched by id; or a
            function of ``to_dataframe("all")`` that returns any of these.
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
            Case-insensitive search in paths and class names; a number also matches an id.
        neighbors_of : int
            A row; selects it and its ``k`` nearest rows in feature space.

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
            query=query, text=text, neighbors_of=neighbors_of, k=k,
        )  # fmt: skip
        self._state.select(chosen, mode)

    def clear(self) -> None:
        """Clear the selection."""
        self._state.select([])

    def undo(self) -> None:
        """Go back to the previous selection; rows of hidden classes stay unselected."""
        self._state.undo()

    def redo(self) -> None:
        """Go forward again after :meth:`undo`."""
        self._state.redo()

    def name_selection(self, name: str, rows: Any = None) -> None:
        """Keep a selection under a name; an existing selection of that name is replaced.

        It becomes a column of the frame, appears in the panel "Selections", and is saved.

        Parameters
        ----------
        name : str
            Up to 80 characters.
        rows : what ``select()`` takes as its first argument, optional
            Default: the current selection. Rows of hidden classes are kept.

        Raises
        ------
        InvalidInputError
            If the name is blank, too long or a word of ``select()``, or the rows do not exist.
        """
        state = self._state
        named = state.selected if rows is None else self._rows_of(rows)
        state.name_selection(name, named)

    def rename_selection(self, name: str, new_name: str) -> None:
        """Rename a named selection; it keeps its place and its colour."""
        self._state.rename_selection(name, new_name)

    def drop_selection(self, name: str) -> None:
        """Delete a named selection; the current selection stays."""
        self._state.drop_selection(name)

    def _rows_of(self, rows: Any) -> ArrayLike:
        """Rows for what ``select()`` takes as its first argument."""
        return selectors.rows_of(self._state, rows, self._frame_of_all)

    def _frame_of_all(self) -> pd.DataFrame:
        """The frame of every row."""
        raise NotImplementedError

    # ---- traits ----

    def observe(
        self,
        handler: Callable[[Any], Any],
        names: Any = All,
        type: Any = "change",  # noqa: A002 - the word of traitlets
    ) -> None:
        """Call ``handler(change)`` whenever a trait changes, as :meth:`HasTraits.observe`.

        Parameters
        ----------
        handler : callable
            Called with the change; ``change.owner`` is this widget.
        names : str, list of str or traitlets.All
            Traits to observe.
        type : str or traitlets.All
            Kind of notification.

        Raises
        ------
        InvalidInputError
            If there is no trait of that name.
        """
        wanted = [] if names is All else [names] if isinstance(names, str) else list(names)
        for name in wanted:
            if name is not All and not self.has_trait(name):
                public = [known for known in self.trait_names() if not known.startswith("_")]
                raise InvalidInputError(f"there is no trait {name!r}{did_you_mean(name, public)}")
        super().observe(handler, names, type)

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_") and not hasattr(type(self), name):
            public = [known for known in dir(type(self)) if not known.startswith("_")]
            raise AttributeError(
                f"{type(self).__name__} has no attribute {name!r}{did_you_mean(name, public)}"
            )
        super().__setattr__(name, value)

    # ---- the page ----

    def get_state(
        self, key: str | Iterable[str] | None = None, drop_defaults: bool = False
    ) -> dict[str, Any]:
        """State for the page: this model's own traits, and those of every view."""
        if key is None:
            own: dict[str, Any] = super().get_state(None, drop_defaults)
            return own | {
                f"{name}.{trait}": value
                for name, view in self._views.items()
                for trait, value in view.page_state().items()
            }
        keys = [key] if isinstance(key, str) else list(key)
        state: dict[str, Any] = super().get_state([k for k in keys if "." not in k], drop_defaults)
        for name, _, trait in (k.partition(".") for k in keys if "." in k):
            state[f"{name}.{trait}"] = self._views[name].page_state([trait])[trait]
        return state

    def send_traits(self, view: View, names: Iterable[str]) -> None:
        """Send traits of a view to the page."""
        prefix = self._view_keys[id(view)]
        self.send_state([f"{prefix}.{name}" for name in names])

    def send_message(self, view: View, content: dict[str, Any], buffers: Sequence[bytes]) -> None:
        """Send a message of a view to the page."""
        self.send({**content, "view": self._view_keys[id(view)]}, list(buffers))

    def _receive(self, _widget: Any, content: object, buffers: Sequence[memoryview]) -> None:
        receive(self._state, self._views, content, buffers)

    def _repr_mimebundle_(self, **options: Any) -> Any:
        bundled = super()._repr_mimebundle_(**options)
        if bundled is None:
            return None
        data, metadata = bundled
        text = f"{self!r}\n{self._unseen}".rstrip()
        return {**data, "text/plain": text}, metadata

    # ---- the end ----

    def close(self) -> None:
        """Close the widget and stop what it computes. May be called twice."""
        self._background.close()
        self._state.unobserve_all()
        for view in self._views.values():
            view.close()
        super().close()
        self._own_layout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()
