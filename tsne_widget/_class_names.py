"""Class names in every form that a caller or a dataset may give them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from numbers import Integral
from typing import Any

from tsne_widget._class_codes import MAX_UNNAMED_CLASSES, is_missing
from tsne_widget.errors import InvalidInputError

FORMS = "a list of names in the order of the codes, or a mapping of code to name or name to code"


def as_class_names(class_names: Any) -> tuple[str, ...]:
    """The name of each class code, as distinct str.

    Parameters
    ----------
    class_names : sequence, mapping, numpy array, pandas object, Enum class or ClassLabel
        A sequence, in the order of the codes. A mapping of code to name or of name to code, with
        the codes 0 … c − 1; a pandas Series counts as the mapping of its index to its values.
        Synonyms given as a tuple are joined by commas. A name that occurs twice gets its code as
        a suffix: "crane (134)" and "crane (517)".

    Raises
    ------
    InvalidInputError
        If there is no order (a set), or the codes of a mapping have gaps or repeat.
    """
    names = _distinct(_in_order(class_names))
    if len(set(names)) < len(names):  # "a", "a" and "a (0)"
        twice = next(name for name, count in Counter(names).items() if count > 1)
        raise InvalidInputError(f"class_names has duplicates: {twice!r}; pass distinct names")
    return names


def names_if_any(values: Any) -> tuple[str, ...] | None:
    """Class names read from an attribute; None if it has another meaning.

    Codes without a name, such as those of a class that was removed, are named by their number.
    """
    if isinstance(values, (str, bytes, set, frozenset)) or not _has_length(values):
        return None
    try:
        if isinstance(values, Mapping):
            coded = _by_code(values)
            if max(coded) >= MAX_UNNAMED_CLASSES or min(coded) < 0:
                return None
            values = [coded.get(code, str(code)) for code in range(max(coded) + 1)]
        return as_class_names(values) if all(map(_is_name, values)) else None
    except (InvalidInputError, TypeError, ValueError):
        return None


def _has_length(values: Any) -> bool:
    try:
        return len(values) > 0
    except TypeError:
        return False


def _in_order(class_names: Any) -> list[Any]:
    """The names in the order of the codes, still of any type."""
    if isinstance(class_names, type) and issubclass(class_names, Enum):
        return _complete(_by_code({member.name: member.value for member in class_names}))
    if type(class_names).__name__ in ("Categorical", "CategoricalDtype"):
        class_names = class_names.categories
    if hasattr(class_names, "int2str"):  # ClassLabel of Hugging Face datasets
        class_names = class_names.names
    if isinstance(class_names, Mapping):
        return _complete(_by_code(class_names))
    if hasattr(class_names, "index") and hasattr(class_names, "to_numpy"):
        return _complete(_by_code(_as_mapping(class_names)))
    if isinstance(class_names, (set, frozenset)):
        raise InvalidInputError(f"class_names is a set, which has no order; pass {FORMS}")
    if isinstance(class_names, (str, bytes)) or not isinstance(class_names, Iterable):
        raise InvalidInputError(f"class_names must be a list of names, got {class_names!r}")
    if getattr(class_names, "ndim", 1) != 1:
        raise InvalidInputError(
            f"class_names must have one dimension, got shape {class_names.shape}"  # type: ignore[attr-defined]
        )
    return list(class_names.tolist() if hasattr(class_names, "tolist") else class_names)


def _as_mapping(series: Any) -> dict[Any, Any]:
    if getattr(series, "ndim", 1) != 1 or not series.index.is_unique:
        raise InvalidInputError(
            "class_names is a pandas object without one name for each code; pass list(names)"
        )
    return dict(zip(series.index, series, strict=True))


def _by_code(mapping: Mapping[Any, Any]) -> dict[int, Any]:
    """The mapping as code to name.

    Integers are codes, before digits in a str ("0": JSON has no other keys). If both sides are
    integers, the codes are the side that is 0 … c − 1.
    """
    keys, values = list(mapping), list(mapping.values())
    ways = [(keys, values), (values, keys)]
    for is_code in (_is_integer, _is_digits):
        found = [
            [(int(code), name) for code, name in zip(*way, strict=True)]
            for way in ways
            if all(map(is_code, way[0]))
        ]
        complete = [pairs for pairs in found if sorted(c for c, _ in pairs) == [*range(len(keys))]]
        if len(complete) == 2 and any(int(name) != code for code, name in complete[0]):
            raise InvalidInputError(
                f"class_names={dict(mapping)!r} can map codes to names or names to codes; "
                "pass a list of names in the order of the codes"
            )
        if found:
            pairs = (complete or found)[0]
            if len(dict(pairs)) < len(pairs):
                raise InvalidInputError(
                    f"class_names={_short(mapping)} has a code twice; give each code one name"
                )
            return dict(pairs)
    raise InvalidInputError(f"class_names={_short(mapping)} has no codes; pass {FORMS}")


def _complete(coded: Mapping[int, Any]) -> list[Any]:
    """The names of the codes 0 … c − 1."""
    if sorted(coded) != list(range(len(coded))):
        lacking = [code for code in range(len(coded)) if code not in coded]
        raise InvalidInputError(
            f"the codes of class_names must be 0 … c - 1, each once, but {_short(sorted(coded))} "
            f"lack {lacking[0]}; name every code, or pass a list of names"
        )
    return [coded[code] for code in range(len(coded))]


def _is_name(value: Any) -> bool:
    """Whether an entry of an attribute is a name, and not a record that has one."""
    if isinstance(value, (tuple, list)):
        return len(value) > 0 and all(isinstance(synonym, str) for synonym in value)
    return isinstance(value, (str, bytes, Integral))


def _is_integer(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _is_digits(value: Any) -> bool:
    return isinstance(value, str) and value.isascii() and value.isdigit()


def _distinct(values: Sequence[Any]) -> tuple[str, ...]:
    names = [_as_text(value, code) for code, value in enumerate(values)]
    counts = Counter(names)
    return tuple(
        f"{name} ({code})" if counts[name] > 1 else name for code, name in enumerate(names)
    )


def _as_text(value: Any, code: int) -> str:
    if is_missing(value):
        raise InvalidInputError(f"class_names has {value!r} for code {code}; name every code")
    if isinstance(value, (tuple, list)):
        return ", ".join(_as_text(synonym, code) for synonym in value)
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    return value.name if isinstance(value, Enum) else str(value)


def _short(values: Any) -> str:
    text = repr(values)
    return text if len(text) <= 100 else f"{text[:100]} …"
