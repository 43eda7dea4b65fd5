"""An exploration read from disk; the files are untrusted and checked."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tsne_widget._paths import moved_paths
from tsne_widget.errors import StoreError
from tsne_widget.feature_set import FeatureSet
from tsne_widget.feature_set_io import load_npy
from tsne_widget.widgets.arguments import GIVEN
from tsne_widget.widgets.io.evidence import restored_evidence
from tsne_widget.widgets.io.groups import read_groups
from tsne_widget.widgets.io.save import DATA, FORMAT, MANIFEST, TORN, SavedView, digest, fingerprint
from tsne_widget.widgets.state.explorer_state import MISTAKES, ExplorerState
from tsne_widget.widgets.state.known_groups import KnownGroups
from tsne_widget.widgets.views.map.look import MAX_FACTOR, MIN_FACTOR
from tsne_widget.widgets.views.map.view import MapView


class Saved(NamedTuple):
    """The content of a saved exploration."""

    record: FeatureSet
    maps: dict[str, NDArray[np.float32]]
    map_name: str  # name of the visible map
    visible: NDArray[np.bool_]
    selected: NDArray[np.int64]
    selections: dict[str, NDArray[np.int64]]
    slots: dict[str, int]  # numbers of the selections' colours
    columns: dict[str, NDArray[Any]]
    scores: dict[str, NDArray[Any]]  # those that were computed
    groups: KnownGroups | None
    evidence: list[dict[str, Any]]  # an entry for each target
    evidence_arrays: dict[str, NDArray[Any]]
    class_groups: dict[str, list[int]]
    view: SavedView


def load_state(
    folder: str | os.PathLike[str], *, root: str | os.PathLike[str] | None = None
) -> Saved:
    """Read what :func:`save_state` wrote; ``root`` is the folder that has the pictures now.

    Raises
    ------
    StoreError
        If the folder holds no exploration, is damaged or from a later version, or if its features
        are missing or have changed.
    InvalidInputError
        If ``root`` has none of the pictures.
    """
    source = Path(folder)
    try:
        saved = _read(source, json.loads((source / MANIFEST).read_text("utf-8")))
    except StoreError:
        raise
    except (FileNotFoundError, NotADirectoryError) as error:
        raise StoreError(
            f"{source} is not a saved exploration, or part of it is missing: {error}; "
            "pass the folder of explorer.save(folder); for one of FeatureSet.save, use "
            "EmbeddingExplorer(FeatureSet.load(folder))"
        ) from error
    except TORN as error:
        raise StoreError(
            f"{source / MANIFEST} is not that of a saved exploration, or is damaged: {error}; "
            "copy the folder again, or call explorer.save(folder, overwrite=True) again"
        ) from error
    if root is not None and saved.record.paths is not None:
        saved.record._put(paths=tuple(moved_paths(saved.record.paths, root)))
    return saved


def restore_state(saved: Saved, state: ExplorerState, map_view: MapView) -> None:
    """Show what was saved in an explorer of the same record and maps."""
    state.restore(saved.visible, saved.selected, saved.selections, saved.slots)
    restored_evidence(
        state.evidence, saved.evidence, saved.evidence_arrays.__getitem__, len(state.codes)
    )
    state.scores.restore(saved.scores)
    state.groups = saved.groups
    state.measured += 1
    state.color_by = saved.view.color_by
    map_view.viewport = saved.view.viewport
    map_view.show_labels = saved.view.show_labels
    state.mistakes = saved.view.mistakes
    map_view.draw_as(**saved.view.points)


def _read(source: Path, manifest: dict[str, Any]) -> Saved:
    if manifest["format"] != FORMAT:
        raise StoreError(
            f"{source} has format {manifest['format']!r}, this version reads {FORMAT}; "
            "upgrade tsne-widget"
        )
    if not DATA.fullmatch(manifest["data"]):
        raise StoreError(f"{source / MANIFEST} names files outside its folder")
    data, files = source / manifest["data"], manifest["files"]
    _check_files(source, data, files)

    def array(name: str) -> NDArray[Any]:
        if f"{name}.npy" not in files:
            raise StoreError(f"{source / MANIFEST} does not list {name}.npy")
        return load_npy(data / f"{name}.npy")

    record = _read_features(source, data, manifest)
    # Folders of earlier versions have one map without a name.
    map_name, others = manifest.get("map", GIVEN), manifest.get("other_maps", [])
    maps = {map_name: array("embedding")}
    maps |= {name: array(f"map-{number}") for number, name in enumerate(others)}
    counts = [int(selection["count"]) for selection in manifest["selections"]]
    parts = np.split(array("selections"), np.cumsum(counts)[:-1]) if counts else []
    return Saved(
        record=record,
        maps=maps,
        map_name=map_name,
        visible=array("visible"),
        selected=array("selected"),
        selections={
            selection["name"]: rows
            for selection, rows in zip(manifest["selections"], parts, strict=True)
        },
        slots=_checked_slots(manifest["selections"]),
        columns={
            column["name"]: _plain(data / f"column-{number}.json")
            if column["plain"]
            else array(f"column-{number}")
            for number, column in enumerate(manifest["columns"])
        },
        scores={
            name: array(f"score-{number}") for number, name in enumerate(manifest.get("scores", []))
        },
        groups=None
        if manifest.get("groups") is None
        else read_groups(manifest["groups"], array("groups"), len(record), len(record.class_names)),
        evidence=_checked_evidence(manifest.get("evidence", [])),
        evidence_arrays={
            name: array(name)
            for number in range(len(manifest.get("evidence", [])))
            for name in (f"evidence-{number}-rows", f"evidence-{number}")
        },
        class_groups=_checked_groups(manifest.get("class_groups", {}), len(record.class_names)),
        view=_checked_view(**manifest["view"]),
    )


def _check_files(source: Path, data: Path, files: Mapping[str, str]) -> None:
    """Refuse files that :func:`save_state` never writes, or that are not as it wrote them."""
    for name, expected in files.items():
        if not re.fullmatch(r"[\w-]+\.(npy|json)", name):
            raise StoreError(f"{source / MANIFEST} names {name!r}, a file that save() never writes")
        if digest(data / name) != expected:
            raise StoreError(
                f"{data / name} does not match {MANIFEST}: it is damaged or was changed; "
                "save the exploration again"
            )


def _plain(file: Path) -> NDArray[Any]:
    """The values of a column of objects."""
    values = json.loads(file.read_text("utf-8"))
    filled = np.empty(len(values), dtype=object)
    filled[:] = values
    return filled


def _read_features(source: Path, data: Path, manifest: dict[str, Any]) -> FeatureSet:
    reference = manifest["features"]
    if reference is None:
        folder = data / "features"
    else:
        places = [Path(reference["absolute"])]
        if reference["relative"] is not None:  # first, because both folders may have moved
            places.insert(0, source.resolve() / reference["relative"])
        folder = next((place for place in places if place.is_dir()), places[-1])
        if not folder.is_dir():
            raise StoreError(
                f"{source} refers to features in {folder}, which do not exist; "
                'move them back, or save with features="copy"'
            )
    record = FeatureSet.load(folder)
    if fingerprint(record) != manifest["fingerprint"]:
        raise StoreError(
            f"the features in {folder} are not the explored ones; "
            "restore them, or make a new exploration"
        )
    # A note may be newer than the saved features. Older folders have none.
    return record.with_notes(_checked_texts(manifest.get("notes", ())), warn=False)


def _checked_evidence(entries: Any) -> list[dict[str, Any]]:
    for entry in entries:
        for row, values in entry["tests"]:
            int(row)
            if values is not None:
                _holds, shares, others = values
                _whole, _elsewhere, _without = map(float, shares)
                [(int(code), int(count)) for code, count in others]
        str(entry["target"])
    return list(entries)


def _checked_texts(texts: Any) -> list[str]:
    if not isinstance(texts, (list, tuple)) or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"notes {texts!r} are not a list of text")
    return list(texts)


def _checked_groups(groups: dict[str, list[int]], c: int) -> dict[str, list[int]]:
    codes = [code for members in groups.values() for code in members]
    if not all(type(code) is int and 0 <= code < c for code in codes):
        raise ValueError(f"class_groups {groups!r} do not map names to codes")
    return groups


def _checked_slots(selections: list[dict[str, Any]]) -> dict[str, int]:
    slots = {selection["name"]: int(selection["slot"]) for selection in selections}
    if len(set(slots.values())) < len(selections) or min(slots.values(), default=0) < 0:
        raise ValueError("named selections must have different colours")
    return slots


def _checked_view(
    viewport: Any,
    colors: Any,
    height: Any,
    draw_budget: Any,
    color_by: Any,
    show_labels: Any,
    mistakes: Any,
    points: Any,
) -> SavedView:
    bounds = [float(bound) for bound in viewport]
    if len(bounds) not in (0, 4) or not all(map(math.isfinite, bounds)):
        raise ValueError(f"viewport {viewport!r} is not four numbers")
    if not all(isinstance(text, str) for pair in colors.items() for text in pair):
        raise ValueError(f"colors {colors!r} do not map names to colours")
    if not isinstance(color_by, str):
        raise ValueError(f"color_by {color_by!r} is not a name")  # noqa: TRY004 - of data, not code
    if mistakes not in MISTAKES:
        raise ValueError(f"mistakes {mistakes!r} is not a way to draw them")
    factors = {name: float(points[name]) for name in ("point_size", "opacity")}
    if not all(MIN_FACTOR <= factor <= MAX_FACTOR for factor in factors.values()):
        raise ValueError(f"point_size and opacity {factors!r} are out of range")
    look = {"pictures": bool(points["pictures"]), **factors}
    return SavedView(
        bounds, dict(colors), int(height), int(draw_budget), color_by, bool(show_labels),
        mistakes, look,
    )  # fmt: skip
