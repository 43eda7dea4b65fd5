"""Application: a widget whose page is several views of one state."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import anywidget
from ipywidgets import ValueWidget
from traitlets import All

from tsne_widget._validation import did_you_mean
from tsne_widget.errors import InvalidInputError
from tsne_widget.widgets.frontend.assets import bundle
from tsne_widget.widgets.packing import packed
from tsne_widget.widgets.receiving import receive
from tsne_widget.widgets.shells import keep_shell
from tsne_widget.widgets.state.background import Background
from tsne_widget.widgets.state.delegate import delegates, relay
from tsne_widget.widgets.state.explorer_state import ExplorerState
from tsne_widget.widgets.state.main_thread import is_main
from tsne_widget.widgets.views.view import View

if TYPE_CHECKING:
    from typing_extensions import Self


# Seconds after which the page learns that its messages wait for a running cell.
WAITING_SECONDS = 0.6
# Colab shows a widget only after this; anywidget calls it, unless the notebook has disabled it.
NO_MANAGER = (
    "Colab shows no widgets of other packages yet. Run "
    "google.colab.output.enable_custom_widget_manager(), then this cell again."
)


class Application(anywidget.AnyWidget, ValueWidget):  # type: ignore[misc]  # untyped packages
    """One widget model whose page lays out several views of one state.

    The traits of every view travel in this model as ``"<view>.<trait>"``. Public traits are
    :class:`Delegate` traits that read and write the state, so ``observe``, ``link`` and the views
    agree at all times.
    """

    _esm = bundle("widget.js")
    _css = bundle("widget.css")
    _observed: frozenset[Any] = frozenset()  # names that have had a handler
    _unseen: ClassVar[str] = ""  # what the output says where no widget can be seen

    def __init__(
        self, state: ExplorerState, background: Background, views: Mapping[str, View]
    ) -> None:
        self._state = state
        self._background = background
        self._views = dict(views)
        self._waiting: threading.Timer | None = None  # while messages wait for a running cell
        self._held = 0  # open blocks of together()
        self._unsent: dict[str, None] = {}  # changed traits, a set that keeps their order
        self._replies: list[tuple[dict[str, Any], list[bytes]]] = []
        super().__init__()
        self._own_layout = self.layout  # closed with this widget; one that a user sets is not
        if self.comm is not None:
            keep_shell(self.comm)
        self._view_keys = {id(view): name for name, view in self._views.items()}
        for view in self._views.values():
            view.connect(self)
        self.on_msg(self._receive)
        state.together = self.together
        relay(self, state, delegates(self, "_state"))

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
        self._observed |= frozenset(wanted or [All])
        super().observe(handler, names, type)

    def notify_change(self, change: Any) -> None:
        """Notify observers. The page learns of the change first, because a handler may be slow."""
        if self._held and not self._observed.isdisjoint((change.name, All)):
            self.flush()
        super().notify_change(change)

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

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """A view's trait: ``ipywidgets.embed`` reads each key of the state as an attribute."""
            view, dot, trait = name.partition(".")
            if dot and view in self._views:
                return getattr(self._views[view], trait)
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @contextmanager
    def together(self) -> Iterator[None]:
        """Send all traits that change in the block as one message, then the views' messages.

        Yields
        ------
        None
        """
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
            if not self._held:
                self.flush()

    def flush(self) -> None:
        """Send what a block of :meth:`together` has held back so far."""
        (names, replies), self._unsent, self._replies = (self._unsent, self._replies), {}, []
        if names:
            self.send_state(list(names))
        for content, buffers in replies:
            self.send(content, buffers)

    def send_traits(self, view: View, names: Iterable[str]) -> None:
        """Send traits of a view to the page."""
        prefix = self._view_keys[id(view)]
        self._unsent.update(dict.fromkeys(f"{prefix}.{name}" for name in names))
        if not self._held:
            self.flush()

    def send_message(self, view: View, content: dict[str, Any], buffers: Sequence[bytes]) -> None:
        """Send a message of a view to the page."""
        self._replies.append(
            (packed({**content, "view": self._view_keys[id(view)]}), list(buffers))
        )
        if not self._held:
            self.flush()

    def _receive(self, _widget: Any, content: object, buffers: Sequence[memoryview]) -> None:
        receive(self._state, self._views, content, buffers)
        if self._waiting is None and not is_main() and self._state.main_thread.waiting:
            self._waiting = threading.Timer(WAITING_SECONDS, self._report_waiting)
            self._waiting.daemon = True
            self._waiting.start()

    def _report_waiting(self) -> None:
        """Tell the page that the kernel is busy, and again when it has caught up."""
        if self._state.main_thread.waiting and self.comm is not None:
            self.send({"view": "frame", "kind": "waiting", "waits": True})
            self._state.main_thread.call(self._report_caught_up)
        else:
            self._waiting = None

    def _report_caught_up(self) -> None:
        self._waiting = None
        if self.comm is not None:
            self.send({"view": "frame", "kind": "waiting", "waits": False})

    def _repr_mimebundle_(self, **options: Any) -> Any:
        bundled = super()._repr_mimebundle_(**options)
        if bundled is None:
            return None
        data, metadata = bundled
        missing = NO_MANAGER if "google.colab.output" in sys.modules and not metadata else ""
        text = "\n".join(filter(None, [repr(self), missing or self._unseen]))
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

    def __del__(self) -> None:
        """Do nothing: ipywidgets holds open widgets, so only a closed or unfinished one gets here.

        Garbage may be collected on any thread, and ``close()`` belongs to the main one.
        """

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()
