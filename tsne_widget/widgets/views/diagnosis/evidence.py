"""The evidence in all diagnosed pictures: their mean map, computed on request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsne_widget.analysis import evidence_in_border, mean_evidence
from tsne_widget.widgets.state.background import Background
from tsne_widget.widgets.state.explorer_state import ExplorerState

# Pictures that are computed between two reports of progress.
PART = 64
# Most pictures that are computed on a click: an even sample of the others.
MOST = 1000


class MeanEvidence:
    """What the model looked at in some rows, for the page.

    Parameters
    ----------
    state : ExplorerState
    background : Background
    show : callable
        Gets the content of the trait.
    """

    def __init__(
        self, state: ExplorerState, background: Background, show: Callable[[dict[str, Any]], None]
    ) -> None:
        self._state, self._background, self._show = state, background, show
        self._rows: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self._is_running = False

    def use(self, rows: NDArray[np.int64]) -> None:
        """Show the mean map of these rows; the computation for others stops."""
        if len(rows) > MOST:
            rows = rows[np.linspace(0, len(rows) - 1, MOST).astype(np.int64)]
        if not np.array_equal(rows, self._rows):
            self._rows, self._is_running = rows, False
        self.show()

    def show(self) -> None:
        """Show what is known now."""
        known = self._state.evidence
        maps = [known.map_of(row, "difference") for row in self._rows.tolist()]
        having = [one for one in maps if one is not None]
        content: dict[str, Any] = {}
        if len(self._rows) and (known.has_model or having):
            content = {
                "count": len(having),
                "total": len(self._rows),
                "is_running": self._is_running,
                "can_compute": known.has_model and len(having) < len(self._rows),
                **self._mean([one for one in having if one.shape == having[0].shape]),
            }
        self._show(content)

    def toggle(self) -> None:
        """Compute the maps that are missing, or stop."""
        self._is_running = not self._is_running
        self.show()
        if self._is_running:
            self._next()

    def _next(self) -> None:
        state, rows = self._state, self._rows
        lacks = [r for r in rows.tolist() if state.evidence.map_of(r, "difference") is None][:PART]
        if not lacks or not self._is_running:
            self._is_running = False
            self.show()
            return

        def deliver(parts: list[NDArray[np.float32]]) -> None:
            state.evidence.keep("difference", lacks, [one for part in parts for one in part])
            if np.array_equal(rows, self._rows):
                self._next()

        self._background.run(
            f"Finding the evidence in {len(rows):,} pictures",
            lambda: list(state.evidence.computed(lacks, "difference")),
            deliver,
            self._stop,
        )

    def _stop(self) -> None:
        self._is_running = False
        self.show()

    @staticmethod
    def _mean(maps: list[NDArray[np.float32]]) -> dict[str, Any]:
        if not maps:
            return {"values": [], "height": 0, "width": 0, "sentence": ""}
        mean = mean_evidence(maps)
        shares = evidence_in_border(maps)
        known = shares[~np.isnan(shares)]
        words = "of the evidence lies in the outer third of the picture"
        sentence = f"{100 * known.mean():.0f}\u202f% {words}" if known.size else ""
        return {
            "values": mean.ravel().tolist(),
            "height": mean.shape[0],
            "width": mean.shape[1],
            "sentence": sentence,
        }
