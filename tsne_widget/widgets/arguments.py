"""Checks of the arguments of the front door."""

from __future__ import annotations

import inspect
from collections.abc import Iterable

import numpy as np

from tsne_widget.errors import InvalidInputError
from tsne_widget.feature_set import FeatureSet

# Fewer rows have no neighbourhoods to embed.
MIN_ROWS = 4
# Default name of given coordinates.
GIVEN = "given"
# Pixels of map and panels: below this, neither can be used.
MIN_HEIGHT = 100


def check_record(feature_set: object) -> None:
    """Raise InvalidInputError for anything but a FeatureSet, with the call that makes one."""
    if not isinstance(feature_set, FeatureSet):
        raise InvalidInputError(
            f"feature_set must be a FeatureSet, got {type(feature_set).__name__}; use "
            "FeatureSet.from_arrays(features, labels) for arrays, FeatureSet.from_npy for .npy "
            "files, EmbeddingExplorer.from_model(model, dataset) for a model, and "
            "EmbeddingExplorer.load(folder) for a saved exploration"
        )


def check_height(height: object) -> None:
    """Raise InvalidInputError for anything but None or a whole number of pixels from 100 on."""
    if height is None:
        return
    if not isinstance(height, (int, np.integer)) or isinstance(height, bool) or height < MIN_HEIGHT:
        raise InvalidInputError(
            f"height={height!r} must be a whole number of pixels, {MIN_HEIGHT} or more, such as 460"
        )


def extraction_options() -> Iterable[str]:
    """Names of the arguments of :func:`tsne_widget.extract`."""
    from tsne_widget.extraction import extract  # imports torch

    return inspect.signature(extract).parameters


def page_options() -> Iterable[str]:
    """Names of the arguments of ``explorer.save_html`` that shape the page."""
    return "title", "thumbnail", "max_rows", "whole_paths"
