"""The content of an exported page: its samples, pictures and initial view, written to a file."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._atomic import remove_unfinished, whole_file
from tsne_widget._notes import warn_about
from tsne_widget._text import MAX_SENTENCE, printable
from tsne_widget._validation import as_embedding, as_row_set
from tsne_widget.analysis.sampling import class_sample
from tsne_widget.errors import InvalidInputError, StoreError
from tsne_widget.feature_set import FeatureSet
from tsne_widget.images import NoImages, images_of
from tsne_widget.plotting import class_colors
from tsne_widget.widgets.html_export import options as page_options
from tsne_widget.widgets.html_export.evidence import shared_evidence
from tsne_widget.widgets.html_export.groups import shared_groups
from tsne_widget.widgets.html_export.options import PageOptions
from tsne_widget.widgets.html_export.page import page_parts
from tsne_widget.widgets.html_export.pictures import SharedPictures, as_json, shared_pictures
from tsne_widget.widgets.html_export.record import (
    NamedRows,
    on_page,
    packed,
    places_of,
    shared_record,
)
from tsne_widget.widgets.models.coloring import known_palette
from tsne_widget.widgets.models.notes import conflict_notes, note_entries
from tsne_widget.widgets.state.named_selections import checked_name, selection_color

# Default maximum of rows: with photographs of 48 pixels the file takes about 20 MB.
DEFAULT_ROWS = 20_000
# Maximum bytes of all pictures: with more, browsers run out of memory.
MAX_PICTURE_BYTES = 150 * 2**20


def write_page(
    feature_set: FeatureSet,
    embedding: ArrayLike,
    path: str | os.PathLike[str],
    options: PageOptions,
) -> Path:
    """Write a page atomically; returns the path. See :func:`save_html`."""
    page_options.check(path, feature_set, options)
    target = Path(path)
    content, pictures = _content(feature_set, embedding, target, options)
    bodies = b"" if pictures is None else pictures.bodies
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        remove_unfinished(target.parent, target.name)
        with whole_file(target) as file:
            for part in page_parts(content["title"] or "Map of pictures", content, bodies):
                file.write(part)
    except OSError as error:
        raise StoreError(f"cannot write {target}: {error}") from error
    return target


def _content(
    record: FeatureSet, embedding: ArrayLike, target: Path, options: PageOptions
) -> tuple[dict[str, Any], SharedPictures | None]:
    """Plain data of the page, and its pictures."""
    n = len(record)
    xy = as_embedding(embedding, n, ids=record.ids)
    given = (
        np.arange(n) if options.rows is None else as_row_set("rows", options.rows, n, record.ids)
    )
    if not len(given):
        raise InvalidInputError("rows are empty; pass at least one sample")
    selected = as_row_set("selected", options.selected, n, record.ids)
    selections = _selections(options, record)
    is_kept = np.isin(given, np.concatenate([selected, *(one.rows for one in selections)]))
    has_classes = record.labels is not None or record.predictions is not None
    names = record.class_names if has_classes else ()
    rows = _sample(record, given, is_kept, options.max_rows, target)
    content = shared_record(
        record,
        rows,
        xy,
        colors=known_palette(names if has_classes else ("all samples",), options.colors),
        scores={
            k: page_options.as_score(k, v, record.ids) for k, v in (options.scores or {}).items()
        },
        selections=selections,
        class_groups=options.class_groups or {},
        whole_paths=options.whole_paths,
    )
    content |= {
        "title": printable(options.title, page_options.MAX_TITLE),
        "hidden": page_options.hidden_codes(names, options.visible_classes),
        "groups": shared_groups(options.groups, record, rows, xy, content["colors"]),
        "shortcuts": options.shortcuts,
        "selected": packed(on_page(places_of(rows, n), selected)),
        "color_by": page_options.color_choice(options.color_by, content),
    }
    pictures, note = _pictures(record, rows, options)
    content |= {
        "notes": {
            "sample": _sample_note(len(rows), len(given), int(np.count_nonzero(is_kept))),
            "pictures": note,
            "record": note_entries({"": [*record.notes, *_conflicts(options)]}),
        },
        "evidence": {} if options.evidence is None else shared_evidence(options.evidence, rows, n),
        "has_images": pictures is not None,
        "pictures": None if pictures is None else as_json(pictures, packed),
    }
    return content, pictures


def _selections(options: PageOptions, record: FeatureSet) -> list[NamedRows]:
    named = {
        checked_name(name): as_row_set("rows", rows, len(record), record.ids)
        for name, rows in (options.selections or {}).items()
    }
    slots = {name: slot for slot, name in enumerate(named)} | dict(options.selection_slots or {})
    default = {name: selection_color(slots[name]) for name in named}
    colors = class_colors(list(named), default | dict(options.selection_colors or {}))
    return [
        NamedRows(name, color, slots[name], rows)
        for (name, rows), color in zip(named.items(), colors, strict=True)
    ]


def _sample(
    record: FeatureSet,
    given: NDArray[np.int64],
    is_kept: NDArray[np.bool_],
    max_rows: int | None,
    target: Path,
) -> NDArray[np.int64]:
    """The exported rows: the given ones, or a sample of them that has those that are kept."""
    limit = DEFAULT_ROWS if max_rows is None else max_rows
    if len(given) <= limit:
        return given
    if max_rows is None:
        warnings.warn(
            f"{target.name} has {limit:,} of {len(given):,} samples: a sample of every class. "
            f"Pass rows= for other samples, or max_rows= for more, at most "
            f"{page_options.MAX_ROWS:,}",
            stacklevel=6,  # the caller of save_html()
        )
    codes = record.labels if record.labels is not None else record.predictions
    classes = np.zeros(len(given)) if codes is None else codes[given]
    return given[class_sample(classes, limit, keep=is_kept)]


def _pictures(
    record: FeatureSet, rows: NDArray[np.int64], options: PageOptions
) -> tuple[SharedPictures | None, str]:
    """Thumbnails of the rows, None for none, and a note on them."""
    if not options.thumbnail:
        return None, ""
    source = images_of(record, options.images, mean=options.mean, std=options.std)
    if source is None:
        return None, ""
    size = options.thumbnail
    pictures = shared_pictures(source, record.ids[rows], size, progress=options.progress)
    if len(pictures.bodies) > MAX_PICTURE_BYTES:
        raise InvalidInputError(
            f"{len(rows):,} pictures of up to {size} pixels take "
            f"{len(pictures.bodies) / 2**20:.0f} MB, more than the {MAX_PICTURE_BYTES / 2**20:.0f} "
            "MB that a page can hold; pass a smaller thumbnail= or max_rows="
        )
    broken = pictures.broken
    unreadable = f"{broken:,} of {len(rows):,} pictures could not be read" if broken else ""
    if broken and not isinstance(source, NoImages):
        warn_about(
            [f"{unreadable}; the page says why. If the files have moved, pass root= to load()"]
        )
    notes = filter(None, [unreadable, getattr(source, "note", "")])
    return pictures, printable("; ".join(notes), MAX_SENTENCE)


def _conflicts(options: PageOptions) -> list[str]:
    """The note on equal pictures with different labels."""
    known = (options.scores or {}).get("label_conflict")
    return conflict_notes(None if known is None else np.asarray(known))


def _sample_note(count: int, total: int, kept: int) -> str:
    """A note on the samples that are left out; "" if none is."""
    if count == total:
        return ""
    with_kept = ", including all selected ones" if 0 < kept < count else ""
    return f"{count:,} of {total:,} pictures: a sample of every class{with_kept}"
