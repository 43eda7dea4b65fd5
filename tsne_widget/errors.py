"""Errors of this package. Each is also the standard error a caller would expect to catch."""

from __future__ import annotations


class TsneWidgetError(Exception):
    """Base of every error that this package raises on purpose."""


class InvalidInputError(TsneWidgetError, ValueError):
    """A value the caller gave cannot be used; the message names it, its bound and the remedy."""


class WrongCallError(InvalidInputError, TypeError):
    """A function was called with arguments that it does not take; the message says how to."""


class LayerNotFoundError(TsneWidgetError, KeyError):
    """The model has no layer of that name; the message offers the nearest names."""

    __str__ = Exception.__str__  # KeyError would show the repr of the message


class ExtractionError(TsneWidgetError, RuntimeError):
    """The model or the dataset failed while features were extracted."""


class ImageError(TsneWidgetError, OSError):
    """A picture cannot be read; the message gives the reason."""


class StoreError(TsneWidgetError, OSError):
    """Files of this package cannot be written, or are not what their manifest says."""
