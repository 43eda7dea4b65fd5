"""A map as one HTML file: it opens in any browser, without a kernel and without a network."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._atomic import remove_unfinished, whole_file
from tsne_widget._calls import explained
from tsne_widget._text import MAX_SENTENCE, printable
from tsne_widget._validation import as_rows
from tsne_widget.analysis.sampling import class_sample
from tsne_widget.errors import InvalidInputError, StoreError
from tsne_widget.feature_set import FeatureSet
from tsne_widget.images import images_of
from tsne_widget.plotting import class_colors
from tsne_widget.widgets.html_export.page import page_parts
from tsne_widget.widgets.html_export.pictures import SharedPictures, as_json, shared_pictures
from tsne_widget.widgets.html_export.record import packed, places, shared_record
from tsne_widget.widgets.state.named_selections import checked_name, selection_color

# Rows of a page, unless more are asked for: its canvas follows the hand with all of them drawn,
# and with photographs of 48 pixels the file has about 20 MB, which still goes round.
DEFAULT_ROWS = 20_000
# Rows of a page at most: a frame of more takes longer than a tenth of a second on a canvas.
MAX_ROWS = 100_000
# Longest side of the pictures, in pixels: more than the largest tile shows is of no use.
MAX_THUMBNAIL = 400
# Bytes of all pictures together: as base64 in a page, more has browsers run out of memory.
MAX_PICTURE_BYTES = 150 * 2**20
MAX_TITLE = 120

_SUFFIXES = (".html", ".htm")


@explained(
    "write save_html(feature_set, embedding, path), all else by name; "
    'of an explorer it is explorer.save_html("map.html")'
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
    """Write a map as one HTML file to be sent and opened anywhere; the path written.

    The page has the widget's map, legend, gallery, confusion matrix and named selections; lasso,
    toggles and hover work, and what is selected can be saved as CSV. It fetches nothing, and needs
    neither Python nor a network. It holds coordinates, ids, class names, labels, predictions,
    scores, the names of files without their folders, and small pictures; no features.

    Parameters
    ----------
    feature_set : FeatureSet
        The n samples.
    embedding : (n, 2) array of float
        Their coordinates in the map.
    path : path
        Ends in .html. A file that is there is replaced, whole or not at all.
    images : ImageSource, array (n, …), list of paths or dataset, optional
        Pictures addressed by ``feature_set.ids``. Default: those of the feature set, or its paths.
    mean, std : sequence of float, optional
        Per-channel normalisation of ``images``, undone to show the true picture.
    rows : (k,) int array or (n,) bool mask, optional
        Only these samples. Default: all.
    title : str
        Of the page, up to 120 characters.
    thumbnail : int
        Longest side of the pictures, 1 … 400 pixels; 0 leaves them out.
    max_rows : int, optional
        Samples in the page, at most 100,000. Of more a sample is taken in which every class has its
        share, with all that is in ``selected`` and ``selections``; the page says so. Default:
        20,000, with a warning where it leaves samples out.
    colors : mapping of class name to colour, or sequence of c colours, optional
        In place of the default ones.
    color_by : str, optional
        What the colours say at first: "label", "prediction", "correct", "selection" or a score.
    visible_classes : iterable of str, optional
        Names of the classes that are shown at first; default all.
    selected : (k,) int array or (n,) bool mask
        Samples that are selected at first.
    selections : mapping of name to rows, optional
        Named selections.
    selection_colors : mapping of name to colour, optional
        In place of the default ones.
    scores : mapping of name to (n,) array of numbers, optional
        To colour and sort by, besides confidence and margin; see
        :class:`tsne_widget.analysis.Scores`.
    whole_paths : bool
        Put whole paths into the page, in place of the names of files.
    progress : bool
        Show a bar while thumbnails are made, if it takes longer than half a second.

    Returns
    -------
    Path
        The file that was written: about 1 kB per row with pictures of 48 pixels.

    Raises
    ------
    InvalidInputError
        If anything of the above does not fit, before anything is written.
    StoreError
        If the disk cannot take the file; the one that was there before is whole then.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> from tsne_widget import FeatureSet, save_html
    >>> record = FeatureSet.from_arrays(np.eye(4), ["cat", "dog", "cat", "dog"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_html(record, np.eye(4)[:, :2], f"{folder}/map.html").name
    'map.html'
    """
    xy = _checked(path, feature_set, embedding, title, thumbnail, max_rows)
    target = Path(path)
    n = len(feature_set)
    given = np.arange(n) if rows is None else np.unique(as_rows("rows", rows, n))
    if not len(given):
        raise InvalidInputError("rows are empty: there is nothing to share")
    chosen = as_rows("selected", selected, n)
    named = {checked_name(k): as_rows("rows", v, n) for k, v in (selections or {}).items()}
    default = {name: selection_color(slot) for slot, name in enumerate(named)}
    tints = class_colors(list(named), default | dict(selection_colors or {}))
    kept = np.isin(given, np.concatenate([chosen, *named.values()]))
    taken = _taken(feature_set, given, kept, max_rows, target)
    place = np.full(n, -1, dtype=np.int64)
    place[taken] = np.arange(len(taken))
    content = shared_record(
        feature_set,
        taken,
        xy,
        colors=class_colors(feature_set.class_names, colors) or class_colors(["all samples"]),
        scores={name: _as_score(name, values, n) for name, values in (scores or {}).items()},
        selections=named,
        selection_colors=dict(zip(named, tints, strict=True)),
        whole_paths=whole_paths,
    )
    content |= {
        "title": printable(title, MAX_TITLE),
        "hidden": _hidden(feature_set.class_names, visible_classes),
        "selected": packed(places(place, chosen)),
        "color_by": _color_by(color_by, content),
    }
    source = images_of(feature_set, images, mean=mean, std=std) if thumbnail else None
    pictures = None
    if source is not None:
        pictures = shared_pictures(source, feature_set.ids[taken], thumbnail, progress=progress)
        _check_bytes(pictures, thumbnail)
    content |= {
        "notes": {
            "sample": _of_sample(len(taken), len(given), int(np.count_nonzero(kept))),
            "pictures": _of_pictures(pictures, source),
        },
        "has_images": pictures is not None,
        "pictures": None if pictures is None else as_json(pictures, packed),
    }
    bodies = b"" if pictures is None else pictures.bodies
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        remove_unfinished(target.parent, target.name)
        with whole_file(target) as file:
            for part in page_parts(content["title"] or "Map of samples", content, bodies):
                file.write(part)
    except OSError as error:
        raise StoreError(f"cannot write {target}: {error}") from error
    return target


def _checked(
    path: str | os.PathLike[str],
    record: FeatureSet,
    embedding: ArrayLike,
    title: str,
    thumbnail: int,
    max_rows: int | None,
) -> NDArray[np.float32]:
    """The coordinates, once what does not fit has been said."""
    if not isinstance(record, FeatureSet):
        raise InvalidInputError(
            f"feature_set must be a FeatureSet, got {type(record).__name__}; for arrays use "
            "FeatureSet.from_arrays(features, labels)"
        )
    if not isinstance(path, (str, os.PathLike)):
        raise InvalidInputError(
            f"path must be the path of a file, got {type(path).__name__}; "
            "the order is save_html(feature_set, embedding, path)"
        )
    if Path(path).suffix.lower() not in _SUFFIXES:
        raise InvalidInputError(f"path must end in .html, got {Path(path).name!r}")
    if not isinstance(title, str):
        raise InvalidInputError(f"title must be text, got {type(title).__name__}")
    if not isinstance(thumbnail, Integral) or not 0 <= thumbnail <= MAX_THUMBNAIL:
        raise InvalidInputError(
            f"thumbnail={thumbnail!r} must be 1 … {MAX_THUMBNAIL} pixels, or 0 for no pictures"
        )
    if max_rows is not None and not (isinstance(max_rows, Integral) and 1 <= max_rows <= MAX_ROWS):
        raise InvalidInputError(
            f"max_rows={max_rows!r} must be 1 … {MAX_ROWS:,}: a page draws no more; choose rows=, "
            "or send the features and a notebook"
        )
    xy = np.asarray(embedding)
    n = len(record)
    if xy.shape != (n, 2) or xy.dtype.kind not in "fiu" or not np.isfinite(xy).all():
        raise InvalidInputError(
            f"embedding must be an array of finite numbers of shape ({n}, 2), one row per sample, "
            f"got {xy.dtype} of shape {xy.shape}"
        )
    return xy.astype(np.float32)


def _taken(
    record: FeatureSet,
    given: NDArray[np.int64],
    kept: NDArray[np.bool_],
    max_rows: int | None,
    target: Path,
) -> NDArray[np.int64]:
    """The rows that are in the page: those given, or a sample of them."""
    limit = DEFAULT_ROWS if max_rows is None else max_rows
    if len(given) <= limit:
        return given
    if max_rows is None:
        warnings.warn(
            f"{target.name} has {limit:,} of {len(given):,} samples: a sample of every class, "
            f"which the page says. For others pass rows=, for more max_rows= up to {MAX_ROWS:,}",
            stacklevel=3,
        )
    codes = record.labels if record.labels is not None else record.predictions
    sample = class_sample(np.zeros(len(given)) if codes is None else codes[given], limit, keep=kept)
    return given[sample]


def _hidden(names: Sequence[str], visible: Iterable[str] | None) -> list[int]:
    """Codes of the classes that are hidden at first; that of the unknown ones follows the others.

    The unknown are called "unknown" or, where a class has that name, "unknown label".
    """
    if visible is None:
        return []
    kept = {visible} if isinstance(visible, str) else set(visible)
    unknown = {"unknown label"} if "unknown" in names else {"unknown", "unknown label"}
    missing = sorted(kept - {*names} - unknown)
    if missing:
        known = ", ".join(names[:10])
        raise InvalidInputError(f"there is no class {missing[0]!r}; there are {known}")
    codes = [code for code, name in enumerate(names) if name not in kept]
    return codes if kept & unknown else [*codes, len(names)]


def _color_by(name: str | None, content: Mapping[str, Any]) -> str:
    """What the colours say at first: as asked for, or the classes."""
    has = {name: bool(content[f"{name}s"]) for name in ("label", "prediction", "selection")}
    has["correct"] = has["label"] and has["prediction"]
    possible = [*(key for key, is_there in has.items() if is_there)]
    possible += [score["name"] for score in content["scores"]]
    if name is not None and name not in possible:
        raise InvalidInputError(
            f"color_by={name!r} is not in the page; possible here: {', '.join(possible) or 'none'}"
        )
    return name or ("label" if has["label"] else "prediction" if has["prediction"] else "")


def _as_score(name: str, values: ArrayLike, n: int) -> NDArray[Any]:
    score = np.asarray(values)
    if score.shape != (n,) or score.dtype.kind not in "fiub":
        raise InvalidInputError(
            f"scores[{name!r}] must be an array of numbers of shape ({n},), one per sample, "
            f"got shape {score.shape} and dtype {score.dtype}"
        )
    return score


def _of_sample(count: int, total: int, kept: int) -> str:
    """What a reader of the page must know of its samples."""
    if count == total:
        return ""
    with_kept = ", with all that was selected" if 0 < kept < count else ""
    return f"{count:,} of {total:,} samples: a sample of every class{with_kept}"


def _of_pictures(pictures: SharedPictures | None, source: Any) -> str:
    if pictures is None:
        return ""
    broken, count = pictures.broken, len(pictures.mime)
    parts = [f"{broken:,} of {count:,} pictures could not be read"] if broken else []
    return printable(
        "; ".join([*parts, *filter(None, [getattr(source, "note", "")])]), MAX_SENTENCE
    )


def _check_bytes(pictures: SharedPictures, thumbnail: int) -> None:
    if len(pictures.bodies) > MAX_PICTURE_BYTES:
        raise InvalidInputError(
            f"{len(pictures.mime):,} pictures of up to {thumbnail} pixels take "
            f"{len(pictures.bodies) / 2**20:.0f} MB, more than the {MAX_PICTURE_BYTES / 2**20:.0f} "
            "that a page can hold; pass a smaller thumbnail= or max_rows="
        )
