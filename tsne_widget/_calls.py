"""Calls that do not fit a function, answered with what was probably meant."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from difflib import get_close_matches
from typing import ParamSpec, TypeVar

from tsne_widget.errors import WrongCallError

_P = ParamSpec("_P")
_T = TypeVar("_T")


def explained(remedy: str) -> Callable[[Callable[_P, _T]], Callable[_P, _T]]:
    """A decorator: arguments that do not fit the function are an error that says how to call it.

    Parameters
    ----------
    remedy : str
        What to write instead, behind Python's own words.

    Raises
    ------
    WrongCallError
        By the decorated function, before anything of it runs.

    Examples
    --------
    >>> @explained('pass one dict: both({"a": 1})')
    ... def both(numbers, *, width=3): ...
    >>> both(1, with_=2)
    Traceback (most recent call last):
        ...
    tsne_widget.errors.WrongCallError: both() got an unexpected keyword argument 'with_', did you \
mean width=?; pass one dict: both({"a": 1})
    """

    def decorate(function: Callable[_P, _T]) -> Callable[_P, _T]:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def called(*arguments: _P.args, **options: _P.kwargs) -> _T:
            try:
                signature.bind(*arguments, **options)
            except TypeError as error:
                name = function.__qualname__.removesuffix(".__init__")
                told = f"{name}() {_said(error)}{_near(options, signature)}"
                raise WrongCallError(f"{told}; {remedy}") from None
            return function(*arguments, **options)

        return called

    return decorate


def _said(error: TypeError) -> str:
    """Python's words, as they go on behind the name of a function."""
    words = str(error)
    return f"got {words}" if words.startswith("too many") else words.replace("missing a", "lacks a")


def _near(options: dict[str, object], signature: inspect.Signature) -> str:
    """The parameter that the first unknown name is nearest to, as a question."""
    for name in options:
        near = get_close_matches(name, signature.parameters, 1)
        if name not in signature.parameters and near:
            return f", did you mean {near[0]}=?"
    return ""
