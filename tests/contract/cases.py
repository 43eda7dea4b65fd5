"""The records and conversations of the contract."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.contract.kernel import Kernel
from tsne_widget import FeatureSet
from tsne_widget.analysis import MistakeGroup, MistakeGroups
from tsne_widget.widgets.state.evidence import CoverTest
from tsne_widget.widgets.state.explorer_state import ExplorerState
from tsne_widget.widgets.state.known_groups import KnownGroups

N = 40
ODD_NAMES = [
    "<b>bold</b>", "a\u202eb", "🦉 owl", "Crème brûlée", "Straße", "'quoted' \"twice\"",
    "x" * 90, "\ud83e", "line\nbreak", "unknown", "ﬁne ²", "  blank ",
]  # fmt: skip


def places(n: int = N) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(n, 2)).astype("f4")


def arrays(kind: str, n: int = N, classes: list[str] | None = None) -> FeatureSet:
    """A record of one kind; the kind decides whether it has labels, predictions and logits."""
    rng = np.random.default_rng(len(kind))
    names = classes or ["cat", "dog", "owl", "emu"]
    c = len(names)
    labels, predictions = rng.integers(0, c, n), rng.integers(0, c, n)
    fields: dict[str, Any] = {"class_names": names, "ids": 3 * np.arange(n) + 5}
    given = {
        "bare": (None, {"ids": fields["ids"]}),
        "labels": (labels, fields),
        "predictions": (None, fields | {"predictions": predictions}),
        "both": (labels, fields | {"predictions": predictions}),
        "logits": (labels, fields | {"logits": rng.normal(size=(n, c)) * 3}),
        "unknown": (
            np.where(rng.random(n) < 0.3, -1, labels),
            fields | {"logits": rng.normal(size=(n, c)) * 9},
        ),
        "paths": (
            labels,
            fields
            | {
                "predictions": predictions,
                "paths": [f"C:\\set {i % 3}\\é{i}.png" if i % 2 else f"/s/{'Ü' * i * 5}{i}.png"
                          for i in range(n)],
            },
        ),
    }  # fmt: skip
    own, others = given[kind]
    return FeatureSet.from_arrays(rng.normal(size=(n, 4)), own, **others)


def odd() -> FeatureSet:
    return arrays("unknown", 60, ODD_NAMES).with_notes(ODD_NAMES[:3], warn=False)


def many(c: int = 30, n: int = 90) -> FeatureSet:
    return arrays("logits", n, [f"class {code}" for code in range(c)])


def large_ids() -> FeatureSet:
    return FeatureSet.from_arrays(np.eye(6), [0, 1, 0, 1, 0, 1], ids=2**40 + np.arange(6))


RECORDS: dict[str, Callable[[], FeatureSet]] = {
    **{kind: (lambda kind=kind: arrays(kind)) for kind in
       ("bare", "labels", "predictions", "both", "logits", "unknown", "paths")},
    "odd names": odd,
    "30 classes": many,
    "300 classes": lambda: many(300, 320),
    "large ids": large_ids,
}  # fmt: skip


def opened(name: str, folder: Path, **options: Any) -> Kernel:
    record = arrays("logits", 200) if name == "long" else RECORDS[name]()
    return Kernel(record, places(len(record)), folder, **options)


def known_evidence(state: ExplorerState) -> None:
    """A state with maps of some samples, of which some were tested."""
    maps = np.random.default_rng(2).normal(size=(9, 3, 4)).astype("f4")
    holding = CoverTest(True, (0.9, 0.8, 0.25), {1: 2, 0: 2})
    tests = {0: holding, 2: None, 3: CoverTest(False, (1, 1, 1), {})}
    state.evidence.keep("difference", range(9), list(maps), tests)
    state.evidence.keep("label", [1], [maps[4]])


def saved_selections(state: ExplorerState) -> None:
    """A state with hidden classes, a selection, named selections and another colouring."""
    state.name_selection("first", [0, 1, 2])
    state.name_selection("second", [2, 3])
    state.name_selection("third", [])
    state.drop_selection("first")
    state.select(np.arange(5))
    visible = np.ones(len(state.class_names), dtype=bool)
    visible[1] = False
    state.show(visible)
    state.color_by = "selection"


def two_groups(state: ExplorerState) -> None:
    """A state with groups of mistakes, as if they were found."""
    groups = (
        MistakeGroup(np.arange(3, 15), 9, 0.2, ((0, 1), (0, 2)), 5, 0.01, (4, 5)),
        MistakeGroup(np.array([20, 18, 19]), 3, 0.0, ((1, 3),), 1, 0.04, (1, 1)),
    )
    state.groups = KnownGroups(MistakeGroups(groups, 7), ("darker", ""))
