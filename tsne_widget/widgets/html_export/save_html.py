"""Export of a map as one HTML file that opens without a kernel and without a network."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import ArrayLike

from tsne_widget._calls import explained
from tsne_widget.feature_set import FeatureSet
from tsne_widget.widgets.html_export.content import write_page
from tsne_widget.widgets.html_export.options import PageOptions


@explained(
    "write save_html(feature_set, embedding, path) and pass all other arguments by name; "
    'an explorer has explorer.save_html("map.html")'
)
def save_html(
    feature_set: FeatureSet,
    embedding: ArrayLike,
    path: str | os.PathLike[str],
    *,
    images: Any = None,
    mean: Any = None,
    std: Any = None,
    rows: ArrayLike | None = None,
    title: str = "",
    thumbnail: int = 48,
    max_rows: int | None = None,
    colors: Mapping[str, str] | Sequence[str] | None = None,
    color_by: str | None = None,
    visible_classes: Iterable[str] | None = None,
    selected: ArrayLike = (),
    selections: Mapping[str, ArrayLike] | None = None,
    selection_colors: Mapping[str, str] | None = None,
    scores: Mapping[str, ArrayLike] | None = None,
    whole_paths: bool = False,
    progress: bool = True,
) -> Path:
    """Write a map as one HTML file that opens in any browser; returns the path.

    The page has the widget's map, legend, gallery, confusion matrix and named selections. It saves
    the selected samples as CSV. It needs neither Python nor a network. It holds coordinates, ids,
    class names, labels, predictions, scores, file names without folders, and small pictures, but no
    features.

    Parameters
    ----------
    feature_set : FeatureSet
        Has n samples and c classes.
    embedding : (n, 2) array of float
        Coordinates of the samples on the map. This and all other pandas objects are read by their
        index of ids.
    path : path
        Must end in .html. An existing file is replaced atomically.
    images : ImageSource, array (n, …), list of paths or dataset, optional
        Pictures, addressed by ``feature_set.ids``. Default: those of the feature set, or its paths.
    mean, std : sequence of float, optional
        Per-channel normalisation of ``images``, which the pictures undo.
    rows : (k,) int array or (n,) bool mask, optional
        Only these samples. Default: all.
    title : str
        Title of the page, up to 120 characters.
    thumbnail : int
        Longest side of the pictures, 1 … 400 pixels; 0 omits them.
    max_rows : int, optional
        Maximum number of samples, up to 100,000. Beyond it, the page has a sample of every class,
        including ``selected`` and ``selections``, and a note on it. Default: 20,000, with a warning
        if samples are left out.
    colors : mapping of class name to colour, sequence of c colours, or str, optional
        Replace the default colours.
    color_by : str, optional
        Initial colouring: "label", "prediction", "correct", "selection" or a score.
    visible_classes : iterable of str, optional
        Names of the classes that are visible at first. Default: all.
    selected : (k,) int array or (n,) bool mask
        Samples that are selected at first.
    selections : mapping of name to rows, optional
        Named selections.
    selection_colors : mapping of name to colour, optional
        Replace the default colours.
    scores : mapping of name to (n,) array of numbers, optional
        More scores to colour and sort by. Confidence, margin, entropy and loss are always included
        if the feature set has logits; see :class:`tsne_widget.analysis.Scores`.
    whole_paths : bool
        Whether to include whole paths instead of file names.
    progress : bool
        Show a progress bar after half a second.

    Returns
    -------
    Path
        The file. It takes about 1 kB per sample with pictures of 48 pixels.

    Raises
    ------
    InvalidInputError
        If an argument does not fit. Nothing is written then.
    StoreError
        If the file cannot be written. An existing file stays unchanged.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> from tsne_widget import FeatureSet, save_html
    >>> record = FeatureSet.from_arrays(np.eye(4), ["cat", "dog", "cat", "dog"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_html(record, np.eye(4)[:, :2], f"{folder}/map.html").name
    'map.html'
    """
    options = PageOptions(
        images=images, mean=mean, std=std, rows=rows, title=title, thumbnail=thumbnail,
        max_rows=max_rows, colors=colors, color_by=color_by, visible_classes=visible_classes,
        selected=selected, selections=selections, selection_colors=selection_colors,
        scores=scores, whole_paths=whole_paths, progress=progress,
    )  # fmt: skip
    return write_page(feature_set, embedding, path, options)
