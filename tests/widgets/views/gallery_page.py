"""The page of a gallery: requests tiles like the real page."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.widgets.page import Message, Page
from tsne_widget import EmbeddingExplorer, FeatureSet
from tsne_widget.widgets.models.tiles import MAX_TILES_PER_REPLY

N = 60
NAMES = ["cat", "dog", "owl"]
MODULE = "tsne_widget.widgets.models.tiles"
LOOKS = ("look", "neighbors")


def make_record(n: int = N) -> FeatureSet:
    rng = np.random.default_rng(0)
    labels = np.arange(n) % 3
    logits = rng.normal(size=(n, 3)) + 2 * np.eye(3)[labels]
    return FeatureSet.from_arrays(
        rng.normal(size=(n, 6)) + 2 * np.eye(6)[labels], labels,
        logits=logits, predictions=logits.argmax(1), class_names=NAMES, ids=np.arange(n) + 100,
    )  # fmt: skip


class GalleryPage(Page):
    """Sends messages of the gallery, and keeps its replies."""

    widget: EmbeddingExplorer

    @property
    def explorer(self) -> EmbeddingExplorer:
        return self.widget

    def get(self, name: str) -> Any:
        """A trait of the gallery."""
        return self.shows("gallery", name)

    def asks(self, kind: str, **content: Any) -> None:
        self.send("gallery", kind, **content)

    def looks(self, kind: str, **content: Any) -> None:
        """Send a message of the close look."""
        self.send("look", kind, **content)

    def in_dataset_order(self) -> None:
        """Show all samples without a sort and without groups."""
        for source in ("selection", "visible"):
            self.asks("arrange", source=source, sort="dataset", group="none")
        self.forget()

    def at(self, kind: str, **content: Any) -> None:
        """Send a message about indices of the current order."""
        self.asks(kind, epoch=self.get("epoch"), **content)

    @property
    def answers(self) -> list[Message]:
        return self.replies(view="gallery")

    def last(self, kind: str) -> Message:
        return self.replies(kind, "look" if kind in LOOKS else "gallery")[-1]

    def rows_of_tiles(self) -> list[int]:
        """Rows of all tiles in order; tiles missing in a reply are requested again."""
        rows: list[int] = []
        while len(rows) < self.get("count"):
            stop = min(self.get("count"), len(rows) + MAX_TILES_PER_REPLY)
            self.at("tiles", start=len(rows), stop=stop)
            content = self.last("tiles").content
            assert content["start"] == len(rows)
            rows += [tile["row"] for tile in content["tiles"]]
        return rows
