"""The arguments ``image=`` and ``label=``: which item of a sample is the picture or the label."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tsne_widget._validation import did_you_mean
from tsne_widget.errors import ExtractionError, InvalidInputError
from tsne_widget.extraction.data.items import described

# A key, an index, a function of the sample, or AUTO.
Image = str | int | Callable[[Any], Any]
# The same, or None for no labels.
Key = Image | None
# The default of both arguments: the item is inferred.
AUTO = "auto"


@dataclass(frozen=True)
class Choice:
    """What the caller says about the items of a sample.

    Attributes
    ----------
    image : str, int or callable
        AUTO infers the picture.
    label : str, int, callable or None
        AUTO infers the label; None reads no labels.
    """

    image: Image = AUTO
    label: Key = AUTO

    @property
    def names(self) -> set[str]:
        """The keys among the two."""
        return {key for key in (self.image, self.label) if isinstance(key, str)} - {AUTO}


def as_choice(image: Any, label: Any) -> Choice:
    """The two arguments, checked.

    Raises
    ------
    InvalidInputError
        If one is neither a key, an index nor a function.
    """
    for name, key in (("image", image), ("label", label)):
        is_index = isinstance(key, int) and not isinstance(key, bool)
        if is_index or isinstance(key, str) or callable(key) or (key is None and name == "label"):
            continue
        none = ", or None for a map without labels" if name == "label" else ""
        raise InvalidInputError(
            f"{name}={key!r} must be the key or the index of an item of a sample, "
            f"or a function of the sample{none}"
        )
    return Choice(image, label)


def chosen(name: str, key: Key, item: Any, where: str) -> Any:
    """The item of a sample that ``image=`` or ``label=`` names.

    Parameters
    ----------
    name : {"image", "label"}
        The argument, for messages.
    key : str, int or callable
    item : tuple, list, mapping or any other sample
    where : str
        The sample, for messages.

    Raises
    ------
    InvalidInputError
        If the sample has no such item; the message lists its items.
    ExtractionError
        If the function fails.
    """
    if callable(key):
        try:
            return key(item)
        except Exception as error:
            raise ExtractionError(
                f"the function {name}= failed on {where}, {described(item)}: "
                f"{type(error).__name__}: {error}"
            ) from error
    holder = _holder(key, item)
    try:
        return holder[key]
    except (LookupError, TypeError):
        near = did_you_mean(key, map(str, holder)) if isinstance(holder, Mapping) else ""
        raise InvalidInputError(
            f"{where} has no item {name}={key!r}: it is {described(item)}{near or ''}; "
            f"pass a key, an index or a function, such as {name}=lambda sample: sample[1]"
        ) from None


def as_mapping(item: Any) -> Any:
    """A named tuple or dataclass as a dictionary of its fields; other items unchanged."""
    names = getattr(item, "_fields", None)
    if isinstance(item, tuple) and names:
        return dict(zip(names, item, strict=True))
    if dataclasses.is_dataclass(item) and not isinstance(item, type):
        return {field.name: getattr(item, field.name) for field in dataclasses.fields(item)}
    return item


def _holder(key: Key, item: Any) -> Any:
    """The item, or the only dictionary inside a tuple that has the key."""
    if isinstance(key, str):
        item = as_mapping(item)
        if isinstance(item, (tuple, list)):
            having = [part for part in item if isinstance(part, Mapping) and key in part]
            return having[0] if len(having) == 1 else item
    return item
