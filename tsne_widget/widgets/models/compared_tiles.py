"""Tiles of compared samples, with the prediction of each model."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsne_widget._text import printable
from tsne_widget.analysis import CHANGES
from tsne_widget.widgets.models.compared import Compared
from tsne_widget.widgets.models.tiles import Tiles
from tsne_widget.widgets.state.explorer_state import ExplorerState


class ComparedTiles(Tiles):
    """Tiles of the shared gallery; they show every model's prediction if these differ."""

    def __init__(
        self,
        state: ExplorerState,
        source: Any,
        palette: Any,
        what: Compared,
        codes: NDArray[np.int64] | None,
    ) -> None:
        super().__init__(state, source, palette)
        self._codes = codes
        records = what.records.items()
        self._predictions = {n: r.predictions for n, r in records if r.predictions is not None}
        labels = state.feature_set.labels
        self._labels = np.full(len(state.codes), -2) if labels is None else labels
        self._names = [*state.feature_set.class_names, "unknown"]
        if len(self._predictions) > 1:
            order = ", ".join(map(printable, self._predictions))
            self.note = f"label → predictions of {order}; ✓ is right. {self.note}".rstrip()

    def words(self, row: int) -> dict[str, Any]:
        """See :meth:`Tiles.words`."""
        tile = super().words(row)
        found = [int(predictions[row]) for predictions in self._predictions.values()]
        if len(set(found)) > 1:
            words = ["✓" if code == self._labels[row] else self._names[code] for code in found]
            tile["prediction"] = ", ".join(map(printable, words))
            tile["wrong"] = True
            tile["title"] = ", ".join(
                f"{printable(name)}: {printable(self._names[code])}"
                for name, code in zip(self._predictions, found, strict=True)
            )
        if self._codes is not None and self._codes[row] >= 0:
            change = CHANGES[self._codes[row]]
            tile["badge"] = "" if change == "still right" else change
        return tile
