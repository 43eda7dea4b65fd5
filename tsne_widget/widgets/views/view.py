"""View: one view of an application, its traits sent to the page and its messages answered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Protocol

from traitlets import Bool, HasTraits, TraitError

from tsne_widget.widgets.state.page_messages import Handler, MalformedMessageError


class Channel(Protocol):
    """Connection to the page: a widget model, or a recorder in a test."""

    def send_traits(self, view: View, names: Iterable[str]) -> None:
        """Send the current values of these traits."""

    def send_message(self, view: View, content: dict[str, Any], buffers: Sequence[bytes]) -> None:
        """Send a message that is no trait, such as a range of tiles."""

    def flush(self) -> None:
        """Send what was held back, to be sent with other changes."""


class View(HasTraits):
    """One view of an application.

    Traits tagged ``sync=True`` travel to the page, where the view's script reads them from its
    model. The page answers with messages; each has a ``kind``, for which ``handlers`` has a
    function.

    Attributes
    ----------
    handlers : mapping of kind to handler
        Functions that answer the page's messages.
    """

    # Traits that the page may set by itself, such as a viewport.
    page_traits: ClassVar[tuple[str, ...]] = ()
    _synced: ClassVar[frozenset[str] | None] = None

    is_open = Bool(True, help="whether the view may be on screen")

    def __init__(self, **traits: Any) -> None:
        self.handlers: Mapping[str, Handler] = {}
        self._channel: Channel | None = None
        self._held = 0
        self._changed: dict[str, None] = {}  # a set that keeps the order of changes
        super().__init__(**traits)

    @classmethod
    def synced_traits(cls) -> frozenset[str]:
        """Names of the traits that travel to the page."""
        if "_synced" not in cls.__dict__:
            cls._synced = frozenset(cls.class_trait_names(sync=True))
        return cls._synced or frozenset()

    def connect(self, channel: Channel | None) -> None:
        """Send every later change over the channel; None sends nothing."""
        self._changed.clear()
        self._channel = channel

    def close(self) -> None:
        """Disconnect from the page and drop all observers."""
        self.connect(None)
        self.unobserve_all()

    def page_state(self, names: Iterable[str] | None = None) -> dict[str, Any]:
        """Synced traits as plain values and bytes, by name; default: all of them."""
        state = {}
        for name in self.synced_traits() if names is None else names:
            to_json: Callable[[Any, Any], Any] | None = self.trait_metadata(name, "to_json")
            value = getattr(self, name)
            state[name] = value if to_json is None else to_json(value, self)
        return state

    @contextmanager
    def hold_sync(self) -> Iterator[None]:
        """Send all changes of the block in one message."""
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
            self._flush()

    def send(self, content: dict[str, Any], buffers: Sequence[bytes] = ()) -> None:
        """Send a message to the page."""
        if self._channel is not None:
            self._channel.send_message(self, content, buffers)

    def flush(self) -> None:
        """Let the page know all changes of the views so far, before another widget sends more."""
        if self._channel is not None:
            self._channel.flush()

    def set_from_page(self, values: object) -> None:
        """Set traits to values from the page.

        Raises
        ------
        MalformedMessageError
            If a trait is not one that the page may set, or a value does not fit it.
        """
        if not isinstance(values, dict) or not set(values) <= set(self.page_traits):
            raise MalformedMessageError("the page may not set these traits")
        try:
            with self.hold_trait_notifications():
                for name, value in values.items():
                    setattr(self, name, value)
        except TraitError as error:
            raise MalformedMessageError(str(error)) from error

    def notify_change(self, change: Any) -> None:
        """Send a changed trait to the page, then notify observers."""
        if self._channel is not None and change.name in self.synced_traits():
            self._changed[change.name] = None
            self._flush()
        super().notify_change(change)

    def _flush(self) -> None:
        if self._held or not self._changed or self._channel is None:
            return
        names = list(self._changed)
        self._changed.clear()
        self._channel.send_traits(self, names)
