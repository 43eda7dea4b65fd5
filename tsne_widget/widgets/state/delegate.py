"""Traits of one object whose values another object keeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from traitlets import Bunch, HasTraits, TraitError, TraitType

from tsne_widget.errors import InvalidInputError


class InvalidTraitError(InvalidInputError, TraitError):
    """A trait was set to a value that does not fit; the message says which would."""


class Delegate(TraitType[Any, Any]):
    """A trait that reads and writes a trait of another object.

    Parameters
    ----------
    keeper : str
        Attribute of the owner that holds the other object.
    name : str, optional
        Trait of the other object. Default: the same name.
    read : callable, optional
        Makes this trait's value of ``(keeper, value)``. Default: the value itself.
    write : callable, optional
        Called with ``(keeper, value)`` to set the value. Default: set the other trait.
    """

    def __init__(
        self,
        keeper: str,
        name: str = "",
        *,
        read: Callable[[Any, Any], Any] | None = None,
        write: Callable[[Any, Any], None] | None = None,
        read_only: bool = False,
        help: str = "",  # noqa: A002 - the word of traitlets
    ) -> None:
        super().__init__(read_only=read_only, help=help, allow_none=True, default_value=None)
        self.keeper, self.source = keeper, name
        self.read, self.write = read, write

    def class_init(self, cls: Any, name: str | None) -> None:
        super().class_init(cls, name)
        self.source = self.source or str(name)

    def convert(self, obj: HasTraits, value: Any) -> Any:
        """This trait's value for a value of the other trait."""
        return value if self.read is None else self.read(getattr(obj, self.keeper), value)

    def get(self, obj: HasTraits, cls: Any = None) -> Any:
        return self.convert(obj, getattr(getattr(obj, self.keeper), self.source))

    def set(self, obj: HasTraits, value: Any) -> None:
        keeper = getattr(obj, self.keeper)
        try:
            if self.write is None:
                setattr(keeper, self.source, value)
            else:
                self.write(keeper, value)
        except (InvalidInputError, TraitError) as error:
            if isinstance(error, InvalidTraitError):
                raise
            raise InvalidTraitError(str(error)) from error


def relay(owner: HasTraits, keeper: HasTraits, names: Mapping[str, Delegate]) -> None:
    """Notify observers of the owner's delegates whenever the keeper's traits change."""

    def notify(change: Any) -> None:
        for name, trait in names.items():
            if trait.source == change.name:
                old, new = trait.convert(owner, change.old), trait.convert(owner, change.new)
                owner.notify_change(
                    Bunch(name=name, old=old, new=new, owner=owner, type=change.type)
                )

    keeper.observe(notify, sorted({trait.source for trait in names.values()}))


def delegates(owner: HasTraits, keeper: str) -> dict[str, Delegate]:
    """The delegates of an object that this attribute keeps, by name."""
    return {
        name: trait
        for name, trait in owner.traits().items()
        if isinstance(trait, Delegate) and trait.keeper == keeper
    }
