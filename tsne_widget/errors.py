"""Errors and warnings of this package. Each error also is a subclass of the standard one."""

from __future__ import annotations

import sysconfig
import traceback
from pathlib import Path

# Where the code lies that is not the user's own.
_LIBRARIES = (
    str(Path(__file__).parent),
    *(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")),
    "<frozen ",
)


class TsneWidgetError(Exception):
    """Base class of the errors that this package raises on purpose."""

    def _render_traceback_(self) -> list[str]:
        """The lines that a notebook shows: the user's own code and the message.

        IPython calls this. Otherwise, it would show pages of library code above the message.
        """
        report = traceback.TracebackException.from_exception(self)
        _drop_libraries(report)
        return "".join(report.format()).splitlines()


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


def _drop_libraries(report: traceback.TracebackException) -> None:
    """Keep the frames of the user's own code, and the causes that have such frames."""
    own = [frame for frame in report.stack if not frame.filename.startswith(_LIBRARIES)]
    for frame in own:
        if "ipykernel_" in frame.filename:  # a temporary name
            frame.filename = "cell"
    report.stack = traceback.StackSummary.from_list(own)
    cause = report.__cause__ or report.__context__
    if cause is not None:
        _drop_libraries(cause)
        if not cause.stack:
            report.__cause__ = report.__context__ = None
