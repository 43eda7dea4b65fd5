"""EvidenceExploration: an exploration of a model that can be asked about pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._calls import explained
from tsne_widget.analysis.distances import distances_from
from tsne_widget.errors import InvalidInputError
from tsne_widget.widgets.map_exploration import MapExploration
from tsne_widget.widgets.state import selectors
from tsne_widget.widgets.state.rows import Ranking
from tsne_widget.widgets.state.selecting import Mode

if TYPE_CHECKING:
    from typing_extensions import Self

    from tsne_widget.extraction.arguments import Progress
    from tsne_widget.extraction.attribution.scores import Target

# Samples that are selected for a picture by default: a screenful of the gallery.
_LIKE = 24


class EvidenceExploration(MapExploration):
    """An exploration that asks the model, while the caller keeps model and data.

    It computes evidence, and finds the samples that are like a picture from outside.
    """

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
        self._use(model, data)
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

    @explained(
        'write explorer.select_like("picture.jpg", 24), and pass the rest by name: features=, '
        "metric=, model=, data="
    )
    def select_like(
        self,
        picture: Any = None,
        k: int = _LIKE,
        mode: Mode = "replace",
        *,
        features: ArrayLike | None = None,
        metric: str = "euclidean",
        model: Any = None,
        data: Any = None,
    ) -> None:
        """Select the samples that are nearest in feature space to a picture from outside.

        The picture goes through the transform of the dataset and the model. The first sample goes
        the same way, and its features must be the stored ones; otherwise nothing is selected. The
        nearest come first in the gallery, and the distances of all samples are the score
        ``distance_to_picture``.

        Parameters
        ----------
        picture : path, PIL image, array or tensor
            As the ``transform`` of the dataset takes it. If none is found, or it takes no tensor, a
            tensor is the input of the model for one sample, such as (3, 224, 224).
        k : int
            How many to select; all if there are fewer.
        mode : "replace", "add", "subtract" or "intersect"
            How to combine with the current selection.
        features : (d,) array of numbers, optional
            The features of a picture, in place of ``picture``. This needs no model.
        metric : {"euclidean", "cosine"}
            The distance, in the unit of the features, or 1 − cosine.
        model, data : optional
            As in :meth:`evidence`.

        Raises
        ------
        InvalidInputError
            If an argument is invalid, the picture cannot be read, or the model or the data is gone.
        ExtractionError
            If the transform or the model fails, or the first sample gets other features than the
            stored ones: the weights or the transform have changed, or the transform is random.

        Examples
        --------
        >>> import numpy as np
        >>> from tsne_widget import EmbeddingExplorer, FeatureSet
        >>> record = FeatureSet.from_arrays(np.eye(4), ["cat", "dog", "cat", "dog"])
        >>> explorer = EmbeddingExplorer(record, embedding=np.eye(4)[:, :2])
        >>> explorer.select_like(features=[0, 0, 1, 0.5], k=2)
        >>> explorer.selected
        array([2, 3])
        """
        record = self.feature_set
        selectors.check_within("k", k, 1, max(_LIKE, len(record)))
        self._use(model, data)
        if (picture is None) == (features is None):
            raise InvalidInputError("pass either a picture or features=, the (d,) features of one")
        point = self._features_like(picture) if features is None else features
        distances = distances_from(record.features, point, metric)
        self._state.use_distances(distances)
        nearest = np.argsort(distances, kind="stable")[: int(k)]
        order = mode in ("replace", "intersect")
        self._state.select(nearest, mode, Ranking("distance_to_picture", False) if order else None)

    def _features_like(self, picture: Any) -> NDArray[np.float32]:
        """The features of a picture, by the model that the explorer can reach."""
        from tsne_widget.extraction.outside_features import outside_features

        found = self._state.evidence.model_and_data
        if found is None:
            raise InvalidInputError(
                "a picture needs the model and its data, which this explorer does not have; pass "
                "model= and data=, with the dataset that the features come from, or features=, the "
                f"({self.feature_set.features.shape[1]},) features of the picture"
            )
        model, data, options = found
        return outside_features(model, data, picture, self.feature_set, options)

    def _use(self, model: Any, data: Any) -> None:
        """Ask this model from now on, if one is given."""
        if (model is None) != (data is None):
            raise InvalidInputError("pass both model= and data=, or none of them")
        if model is not None:
            self._state.evidence.use(model, data)

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
