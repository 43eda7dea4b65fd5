"""Arguments that do not fit a function: an error that says how to call it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from tsne_widget._validation import did_you_mean
from tsne_widget.errors import WrongCallError

_P = ParamSpec("_P")
_T = TypeVar("_T")


def explained(remedy: str) -> Callable[[Callable[_P, _T]], Callable[_P, _T]]:
    """A decorator that adds a remedy to the TypeError of a wrong call.

    Parameters
    ----------
    remedy : str
        How to call the function; it follows Python's own message.

    Raises
    ------
    WrongCallError
        By the decorated function, before its body runs.

    Examples
    --------
    >>> @explained('pass one dict: both({"a": 1})')
    ... def both(numbers, *, width=3): ...
    >>> both(1, with_=2)
    Traceback (most recent call last):
        ...
    tsne_widget.errors.WrongCallError: both(): got an unexpected keyword argument 'with_'; did \
you mean 'width'?; pass one dict: both({"a": 1})
    """

    def decorate(function: Callable[_P, _T]) -> Callable[_P, _T]:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def called(*arguments: _P.args, **options: _P.kwargs) -> _T:
            try:
                signature.bind(*arguments, **options)
            except TypeError as error:
                name = function.__qualname__.removesuffix(".__init__")
                unknown = [option for option in options if option not in signature.parameters]
                near = did_you_mean(unknown[0], signature.parameters) if unknown else ""
                raise WrongCallError(f"{name}(): {error}{near}; {remedy}") from None
            return function(*arguments, **options)

        return called

    return decorate
