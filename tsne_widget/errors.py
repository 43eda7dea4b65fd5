"""Errors and warnings of this package. Each error also is a subclass of the standard one."""

from __future__ import annotations


class TsneWidgetError(Exception):
    """Base class of the errors that this package raises on purpose."""


class InvalidInputError(TsneWidgetError, ValueError):
    """An argument cannot be used; the message names it, its bound and the remedy."""


class WrongCallError(InvalidInputError, TypeError):
    """The arguments do not fit the function; the message says how to call it."""


class LayerNotFoundError(TsneWidgetError, KeyError):
    """The model has no layer of that name; the message lists the nearest names."""

    __str__ = Exception.__str__  # KeyError would show the repr of the message


class ExtractionError(TsneWidgetError, RuntimeError):
    """The model or the dataset failed while features were extracted."""


class ImageError(TsneWidgetError, OSError):
    """A picture cannot be read; the message gives the reason."""


class StoreError(TsneWidgetError, OSError):
    """Files of this package cannot be written, or do not match their manifest."""


class WaitTimeoutError(TsneWidgetError, TimeoutError):
    """A map is not done in time; it is still computed, and the message says how far it is."""


class DoubtWarning(UserWarning):
    """Something inferred could not be verified, or is doubtful; the message says what settles it.

    The same sentence is in :attr:`FeatureSet.notes`.
    """
