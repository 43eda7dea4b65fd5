"""EvidenceExploration: an exploration of a model that can be asked what it looked at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._calls import explained
from tsne_widget.errors import InvalidInputError
from tsne_widget.widgets.map_exploration import MapExploration

if TYPE_CHECKING:
    from typing_extensions import Self

    from tsne_widget.extraction.arguments import Progress
    from tsne_widget.extraction.attribution.scores import Target


class EvidenceExploration(MapExploration):
    """An exploration that computes evidence while the caller keeps model and data."""

    @explained(
        "write explorer.evidence() or explorer.evidence(ids), and pass the rest by name: target=, "
        "model=, data=, layer=, smooth=, progress="
    )
    def evidence(
        self,
        ids: ArrayLike | None = None,
        *,
        target: Target = "difference",
        model: Any = None,
        data: Any = None,
        layer: str | None = None,
        smooth: float = 0.0,
        progress: Progress = True,
    ) -> NDArray[np.float32]:
        """How much each place of a picture speaks for a class, see :func:`tsne_widget.evidence`.

        The maps are kept: the close look shows them, and :meth:`save` and :meth:`save_html` write
        them. Known maps are not computed again. Once all samples have the maps of the difference,
        the scores ``evidence_in_border`` and ``evidence_entropy`` exist. An interrupt keeps the
        maps that are done.

        Parameters
        ----------
        ids : (m,) array of int, optional
            Ids of samples. Default: all.
        target : {"difference", "prediction", "label"}
            Evidence for the prediction against the label, for the prediction, or for the label.
        model, data : optional
            The classifier, and the dataset that the features come from. Default: those of
            :meth:`from_model`, if you still have them: the explorer does not keep them in memory.
            Pass both or none. From then on the close look uses them as well.
        layer : str, optional
        smooth : float
            As in :func:`tsne_widget.evidence`. The maps of a named layer, and smoothed ones, are
            not kept.
        progress : bool or callable
            True shows a tqdm bar; a callable gets ``(done, total)`` in samples.

        Returns
        -------
        (m, h, w) float32 array
            Row i belongs to ``ids[i]``.

        Raises
        ------
        InvalidInputError
            If an argument is invalid, or the model or the data is gone.
        LayerNotFoundError, ExtractionError
            See :func:`tsne_widget.evidence`.
        """
        from tsne_widget.extraction.attribution.evidence import stacked
        from tsne_widget.extraction.attribution.scores import check_smooth, check_target
        from tsne_widget.extraction.progress import progress_counter

        check_target(target)
        is_kept = layer is None and check_smooth(smooth) == 0
        known = self._state.evidence
        rows = self._rows_with(ids)
        if (model is None) != (data is None):
            raise InvalidInputError("pass both model= and data=, or none of them")
        if model is not None:
            known.use(model, data)
        missing = [
            row for row in dict.fromkeys(rows) if not is_kept or known.map_of(row, target) is None
        ]
        made: dict[int, NDArray[np.float32]] = {}
        if missing:
            with progress_counter(progress, len(missing), "", "Computing evidence") as advance:
                for part in known.computed(missing, target, layer, smooth):
                    done = missing[len(made) : len(made) + len(part)]
                    made.update(zip(done, part, strict=True))
                    if is_kept:
                        known.keep(target, done, list(part))
                    advance(len(part))
        found = [made[row] if row in made else known.map_of(row, target) for row in rows]
        return stacked([values[np.newaxis] for values in found if values is not None])

    def _with_model(self, model: Any, data: Any, extraction: Mapping[str, Any]) -> Self:
        """The explorer itself, which can reach the model and the data from now on."""
        self._state.evidence.use(model, data, extraction)
        return self

    def _rows_with(self, ids: ArrayLike | None) -> list[int]:
        known = self.feature_set.ids
        if ids is None:
            return list(range(len(known)))
        given = np.atleast_1d(np.asarray(ids))
        if given.ndim != 1 or (given.size and given.dtype.kind not in "iu"):
            raise InvalidInputError(
                f"ids must be a sequence of whole numbers, got {given.dtype} of shape {given.shape}"
            )
        order = np.argsort(known, kind="stable")
        places = np.minimum(np.searchsorted(known, given, sorter=order), len(known) - 1)
        rows = order[places]
        absent = given[known[rows] != given]
        if absent.size:
            raise InvalidInputError(
                f"ids has {int(absent[0])}, which no sample of this explorer has; "
                "take ids from explorer.feature_set.ids"
            )
        return [int(row) for row in rows]
