"""An exploration on disk, as ``.npy`` and JSON files that are replaced atomically.

A folder holds ``explorer.json`` and the data folder that it names. Saving again writes a new data
folder and then replaces that one small file, so the folder never holds half of a state.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tsne_widget._atomic import (
    UNFINISHED_KEPT_SECONDS,
    is_unfinished,
    remove_unfinished,
    whole_file,
)
from tsne_widget.errors import InvalidInputError, StoreError
from tsne_widget.feature_set import FeatureSet
from tsne_widget.widgets.io.evidence import evidence_arrays
from tsne_widget.widgets.io.groups import written_groups
from tsne_widget.widgets.state.explorer_state import ExplorerState

FORMAT = 1
MANIFEST = "explorer.json"
# Rows of features and logits in a fingerprint, so that it need not read all of them.
FINGERPRINT_ROWS = 256

# Name of a data folder, new for each save.
DATA = re.compile(r"data-[0-9a-f]{12}")
_BLOCK_BYTES = 2**20
# Errors of reading a manifest that is damaged or belongs to another program.
TORN = (
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RecursionError,
)

FeaturesBy = Literal["copy", "reference"]


class SavedView(NamedTuple):
    """Display settings of an exploration."""

    viewport: list[float]
    """Bounds of the viewport, x0, x1, y0, y1; [] for the whole map."""
    colors: dict[str, str]
    """Colours by class name."""
    height: int
    """Height of map and panels in pixels; 0 is automatic."""
    draw_budget: int
    """Maximum number of points drawn; 0 lets the renderer decide."""
    color_by: str
    """Meaning of the colours."""
    show_labels: bool
    """Whether class names are on the map."""
    mistakes: str
    """How the map draws misclassified samples."""
    points: dict[str, Any]
    """How the map draws points: pictures, point_size and opacity."""


def save_state(
    folder: str | os.PathLike[str],
    state: ExplorerState,
    view: SavedView,
    maps: Mapping[str, NDArray[np.float32]],
    *,
    features: FeaturesBy,
    overwrite: bool,
) -> Path:
    """Write a state and every map by name; returns the folder.

    Raises
    ------
    InvalidInputError
        If ``features="reference"`` and they are not those of a saved FeatureSet, or a column cannot
        be written as plain data.
    StoreError
        If the folder holds something else, or an exploration without ``overwrite``, or the files
        cannot be written; the previous save stays valid.
    """
    if features not in ("copy", "reference"):
        raise InvalidInputError(f'features must be "copy" or "reference", got {features!r}')
    target = Path(folder).resolve()  # the target of a link, not the link
    origin = _saved_features(state.feature_set) if features == "reference" else None
    data = target / f"data-{uuid.uuid4().hex[:12]}"
    try:
        _check_free(target, overwrite)
        existed, previous = target.exists(), _named_data(target)
        data.mkdir(parents=True)
        try:
            manifest = _written(data, state, maps, origin)
            with whole_file(target / MANIFEST) as file:
                file.write(_as_json(manifest | {"view": view._asdict()}))
        finally:
            if _named_data(target) == data.name:  # also if a later step failed
                _remove_older(target, data, previous)
            else:
                shutil.rmtree(data, ignore_errors=True)
                if not existed:
                    with contextlib.suppress(OSError):
                        target.rmdir()
    except (StoreError, InvalidInputError):
        raise
    except OSError as error:
        raise StoreError(f"cannot write {target}: {error}") from error
    return target


def _check_free(target: Path, overwrite: bool) -> None:
    if not target.exists():
        return
    entries = [entry.name for entry in target.iterdir()]  # raises NotADirectoryError for a file
    if MANIFEST in entries:
        if not overwrite:
            raise StoreError(f"{target} exists; pass overwrite=True to replace it")
        return
    foreign = [name for name in entries if not DATA.fullmatch(name) and not is_unfinished(name)]
    if foreign:
        raise StoreError(
            f"{target} holds {', '.join(sorted(foreign)[:3])}, which save() did not write; "
            "choose another folder"
        )


def _written(
    data: Path,
    state: ExplorerState,
    maps: Mapping[str, NDArray[np.float32]],
    origin: Path | None,
) -> dict[str, Any]:
    """Write the files of a state into a new folder; returns the manifest, which lists them."""
    record, columns = state.feature_set, state.scores.columns
    rows = list(state.selections.values())
    texts = {name: _plain_values(name, column) for name, column in columns.items()}
    arrays: dict[str, NDArray[Any]] = {
        "embedding": state.embedding,
        "visible": state.visible,
        "selected": state.chosen,
        "selections": np.concatenate([np.empty(0, dtype=np.int64), *rows]),
    }
    groups, arrays["groups"] = written_groups(state.groups)
    others = {name: xy for name, xy in maps.items() if name != state.map_name}
    arrays |= {f"map-{number}": xy for number, xy in enumerate(others.values())}
    scores = state.scores.computed()
    arrays |= {f"score-{number}": values for number, values in enumerate(scores.values())}
    maps_of_evidence, evidence = evidence_arrays(state.evidence)
    arrays |= maps_of_evidence
    names = []
    for number, (name, column) in enumerate(columns.items()):
        names.append({"name": name, "plain": texts[name] is not None})
        if texts[name] is None:
            arrays[f"column-{number}"] = column
    for name, array in arrays.items():
        with whole_file(data / f"{name}.npy") as file:
            np.lib.format.write_array(file, np.ascontiguousarray(array), allow_pickle=False)
    for number, plain in enumerate(texts.values()):
        if plain is not None:
            with whole_file(data / f"column-{number}.json") as file:
                file.write(_as_json(plain))
    files = {path.name: digest(path) for path in sorted(data.iterdir())}
    if origin is None:
        record.save(data / "features")
    return {
        "format": FORMAT,
        "data": data.name,
        "files": files,
        "features": None if origin is None else _reference(origin, data.parent),
        "fingerprint": fingerprint(record),
        "selections": [
            {"name": name, "count": len(rows), "slot": state.selection_slots[name]}
            for name, rows in state.selections.items()
        ],
        "columns": names,
        "scores": list(scores),
        "groups": groups,
        "evidence": evidence,
        "class_groups": state.class_groups,
        "notes": record.notes,
        "map": state.map_name,
        "other_maps": list(others),
    }


def _plain_values(name: str, column: NDArray[Any]) -> list[Any] | None:
    """Values of an object column for JSON; None for a column that numpy can write."""
    if column.dtype.kind not in "OT":
        if column.dtype.hasobject:
            raise InvalidInputError(f"column {name!r} of {column.dtype} cannot be saved; drop it")
        return None
    values = [value.item() if isinstance(value, np.generic) else value for value in column]
    values = [None if type(value).__name__ in ("NAType", "NaTType") else value for value in values]
    kinds = {type(value).__name__ for value in values}
    odd = kinds - {"str", "float", "int", "bool", "NoneType"}
    if odd:
        raise InvalidInputError(
            f"column {name!r} holds {min(odd)}, which cannot be saved as plain data; "
            "convert it to text or numbers"
        )
    return values


def _saved_features(record: FeatureSet) -> Path:
    """The folder of FeatureSet.save() whose features the record maps.

    Raises
    ------
    InvalidInputError
        If there is no such folder, or it holds another record.
    """
    array: Any = record.features
    while array is not None and not isinstance(array, np.memmap):
        array = getattr(array, "base", None)
    filename = None if array is None else array.filename
    remedy = 'call features.save(folder) and explore FeatureSet.load(folder), or use "copy"'
    if filename is None:
        raise InvalidInputError(
            f"features are in memory, so there is no file to refer to; {remedy}"
        )
    folder = Path(filename).parent
    try:
        same = fingerprint(FeatureSet.load(folder)) == fingerprint(record)
    except StoreError as error:
        raise InvalidInputError(
            f"features are not a saved FeatureSet: {error}; {remedy}"
        ) from error
    if not same:
        raise InvalidInputError(
            f'the explored record differs from the one in {folder}; save it with features="copy"'
        )
    return folder.resolve()


def _reference(origin: Path, target: Path) -> dict[str, str | None]:
    try:
        relative: str | None = Path(os.path.relpath(origin, target)).as_posix()
    except ValueError:  # on another drive of Windows
        relative = None
    return {"relative": relative, "absolute": str(origin)}


def fingerprint(record: FeatureSet) -> str:
    """Hash of a record: everything, but only some rows of features and logits."""
    some = np.unique(np.linspace(0, len(record) - 1, FINGERPRINT_ROWS).astype(np.int64))
    found = hashlib.sha256(repr(record.features.shape).encode())
    for name in ("features", "logits", "labels", "predictions", "ids"):
        array = getattr(record, name)
        if array is not None:
            part = array[some] if array.ndim == 2 else array
            found.update(name.encode() + np.ascontiguousarray(part).tobytes())
    found.update(_as_json([record.class_names, record.paths, record.layer, record.skipped]))
    return found.hexdigest()


def _named_data(target: Path) -> str | None:
    """The data folder that a manifest names; None for a damaged manifest."""
    try:
        return str(json.loads((target / MANIFEST).read_text("utf-8"))["data"])
    except TORN:
        return None


def _remove_older(target: Path, data: Path, previous: str | None) -> None:
    """Remove the previous data folder, and what killed saves left behind."""
    remove_unfinished(target, MANIFEST)
    for entry in target.iterdir():
        if entry == data or not DATA.fullmatch(entry.name):
            continue
        with contextlib.suppress(OSError):
            is_old = time.time() - entry.stat().st_mtime > UNFINISHED_KEPT_SECONDS
            if is_old or entry.name == previous:
                shutil.rmtree(entry, ignore_errors=True)


def digest(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            found.update(block)
    return found.hexdigest()


def _as_json(value: Any) -> bytes:
    return json.dumps(value, indent=1).encode(
        "ascii"
    )  # escapes surrogates of undecodable file names
