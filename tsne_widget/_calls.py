"""Arguments that do not fit a function: an error that says how to call it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import ParamSpec, TypeVar

from tsne_widget._validation import did_you_mean
from tsne_widget.errors import WrongCallError

_P = ParamSpec("_P")
_T = TypeVar("_T")


def explained(
    remedy: str, passed_on: Callable[[], Iterable[str]] | None = None
) -> Callable[[Callable[_P, _T]], Callable[_P, _T]]:
    """A decorator that adds a remedy to the TypeError of a wrong call.

    Parameters
    ----------
    remedy : str
        How to call the function; it follows Python's own message.
    passed_on : callable, optional
        Returns the names of the keyword arguments that the function passes on to another one.

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
            known = [*signature.parameters, *(passed_on() if passed_on else ())]
            unknown = [option for option in options if option not in known]
            fault = ""
            if passed_on and unknown:
                fault = f"got an unexpected keyword argument {unknown[0]!r}"
            try:
                signature.bind(*arguments, **options)
            except TypeError as error:
                fault = str(error)
            if fault:
                name = function.__qualname__.removesuffix(".__init__")
                near = did_you_mean(unknown[0], known) if unknown else ""
                raise WrongCallError(f"{name}(): {fault}{near}; {remedy}")
            return function(*arguments, **options)

        return called

    return decorate
