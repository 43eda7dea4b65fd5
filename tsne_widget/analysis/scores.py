"""What is known of each sample in numbers: each column computed when first asked for, and kept."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from tsne_widget.analysis.certainty import confidence, entropy, loss, margin
from tsne_widget.analysis.label_quality import label_suspicion
from tsne_widget.analysis.neighbor_index import NeighborIndex
from tsne_widget.analysis.neighborhoods import KNeighbors, kneighbors, label_agreement
from tsne_widget.analysis.outliers import outlier_score
from tsne_widget.analysis.trust import faithfulness
from tsne_widget.errors import InvalidInputError
from tsne_widget.feature_set import FeatureSet

# Neighbours in feature space that scores look at: enough for label agreement to be finely graded.
NEIGHBORS = 50
# Neighbours on the map that trustworthiness and continuity look at, as papers do.
MAP_NEIGHBORS = 15

# What the frame calls columns that are no scores.
FRAME_COLUMNS = (
    "id",
    "path",
    "label",
    "label_name",
    "prediction",
    "prediction_name",
    "misclassified",
    "x",
    "y",
    "selection",
)

# Each score and what it needs of the record or the map.
NEEDS: dict[str, tuple[str, ...]] = {
    "confidence": ("logits",),
    "margin": ("logits",),
    "entropy": ("logits",),
    "loss": ("logits", "labels"),
    "label_agreement": ("labels",),
    "suspicion": ("labels",),
    "outlier_score": (),
    "trustworthiness": ("embedding",),
    "continuity": ("embedding",),
}


class Scores:
    """Columns about the n samples of one feature set: our scores, then the user's own columns.

    | score | what it says |
    |---|---|
    | confidence, margin | of the prediction, see :func:`confidence`, :func:`margin`; need logits |
    | entropy, loss | in nats, see :func:`entropy`, :func:`loss`; need logits (and labels) |
    | label_agreement | share of the nearest samples in feature space with the sample's label |
    | suspicion | −log of the probability that the label is right, see :func:`label_suspicion` |
    | outlier_score | about 1 inside a cluster, higher further out, see :func:`outlier_score` |
    | trustworthiness, continuity | of the sample's place on the map, see :func:`faithfulness` |

    The last two need a map, and all distances: O(n² d), which :func:`diagnose` avoids by a sample.

    Each takes the time and memory of the function that is named, and that of the neighbours once;
    8 k n bytes are kept for these, k of 50, and 4 n for each score.

    Safe to be read from several threads: each column is computed once, and what is there already
    is had at once, also while another is being computed.

    Parameters
    ----------
    feature_set : FeatureSet
    columns : mapping of name to (n,) array, or DataFrame, optional
        The user's own, of numbers, truth values or text. Those of pandas are taken by their index
        of ids; an index 0 … n − 1 says that they stand in the order of the rows.

    Raises
    ------
    InvalidInputError
        If a column has another length, more than one dimension, an index of something else than
        the ids, or the name of a score or of a column of the frame.
    """

    def __init__(
        self, feature_set: FeatureSet, columns: Mapping[str, ArrayLike] | None = None
    ) -> None:
        self._record = feature_set
        self._computing = threading.RLock()  # held for seconds
        self._keeping = threading.Lock()  # held for an instant
        self._indexing = threading.Lock()
        self._kept: dict[str, NDArray[Any]] = {}
        self._embedding: NDArray[np.float32] | None = None
        self._neighbors: KNeighbors | None = None
        self._index: NeighborIndex | None = None
        self.columns = _as_columns(columns, feature_set.ids)

    @property
    def names(self) -> tuple[str, ...]:
        """All that can be asked for: the scores, whether possible here or not, and the columns."""
        return (*NEEDS, *self.columns)

    @property
    def feature_set(self) -> FeatureSet:
        """The record whose samples these are."""
        return self._record

    @property
    def embedding(self) -> NDArray[np.float32] | None:
        """(n, 2) float32: the finished map, or None."""
        return self._embedding

    def lacks(self, name: str) -> str:
        """What a score needs and is not there, in words; "" where nothing is missing."""
        return self.lacks_any(NEEDS.get(name, ()))

    def lacks_any(self, needs: Iterable[str]) -> str:
        """Those of "labels", "predictions", "logits", "embedding" that are not there, in words."""
        has = {
            "logits": self._record.logits is not None,
            "labels": self._record.labels is not None,
            "predictions": self._record.predictions is not None,
            "embedding": self._embedding is not None,
        }
        words = {"embedding": "the finished map"}
        missing = [words.get(need, need) for need in needs if not has[need]]
        return f"needs {' and '.join(missing)}" if missing else ""

    def is_ready(self, name: str) -> bool:
        """Whether the column is there already, so that asking for it takes no time."""
        return name in self.columns or name in self._kept

    def __getitem__(self, name: str) -> NDArray[Any]:
        """(n,) array of a score (float32) or of a user's column, computed where it is not kept.

        Raises
        ------
        InvalidInputError
            For an unknown name, or a score that lacks what it needs.
        """
        if name in self.columns:
            return self.columns[name]
        if name not in NEEDS:
            raise InvalidInputError(
                f"there is no score {name!r}; there are {', '.join(self.names)}"
            )
        kept = self._kept.get(name)
        return self._computed_once(name) if kept is None else kept

    def ready(self) -> dict[str, NDArray[Any]]:
        """The columns that are there already, in the order of :attr:`names`."""
        kept = self._kept.copy()
        return {name: kept[name] for name in NEEDS if name in kept} | self.columns

    def use_embedding(self, embedding: NDArray[np.float32] | None) -> None:
        """Take this (n, 2) map for what concerns the map; scores of another one are forgotten."""
        with self._keeping:
            if embedding is not self._embedding:
                self._embedding = embedding
                for name, needs in NEEDS.items():
                    if "embedding" in needs:
                        self._kept.pop(name, None)

    @property
    def neighbors(self) -> KNeighbors:
        """The nearest samples of each in feature space, up to 50; exact below 100,000 samples.

        O(n² d) when first asked for, and about O(n √n d) from there on, where faiss is installed.
        """
        if self._neighbors is not None:  # without the lock, which a slow score may hold
            return self._neighbors
        with self._computing:
            if self._neighbors is None:
                k = min(NEIGHBORS, len(self._record) - 1)
                self._neighbors = kneighbors(self._record.features, k, neighbors="auto")
            return self._neighbors

    @property
    def has_neighbors(self) -> bool:
        """Whether :attr:`neighbors` are there already, so that asking for them takes no time."""
        return self._neighbors is not None

    @property
    def index(self) -> NeighborIndex:
        """For the neighbours of one sample at a time; O(n d) when first asked for."""
        with self._indexing:
            if self._index is None:
                self._index = NeighborIndex(self._record.features)
            return self._index

    @property
    def index_is_ready(self) -> bool:
        """Whether :attr:`index` is there already, so that asking for it takes no time."""
        return self._index is not None

    def _computed_once(self, name: str) -> NDArray[Any]:
        with self._computing:
            with self._keeping:
                kept, lacking, embedding = self._kept.get(name), self.lacks(name), self._embedding
            if kept is not None:  # another thread was quicker
                return kept
            if lacking:
                raise InvalidInputError(f"{name} {lacking}, which this record has not")
            computed = self._computed(name, embedding)
            with self._keeping:
                if "embedding" not in NEEDS[name] or embedding is self._embedding:
                    self._kept |= computed
            return computed[name]

    def _computed(
        self, name: str, embedding: NDArray[np.float32] | None
    ) -> dict[str, NDArray[Any]]:
        """A score, and those that come with it. Nothing that it needs is missing."""
        record, labels, logits = self._record, self._record.labels, self._record.logits
        if name in _OF_LOGITS and logits is not None:
            return {name: _OF_LOGITS[name](logits)}
        if name == "loss" and logits is not None and labels is not None:
            return {name: loss(logits, labels)}
        if name == "label_agreement" and labels is not None:
            return {name: label_agreement(self.neighbors.indices, labels)}
        if name == "suspicion" and labels is not None:
            return {name: label_suspicion(logits, labels, record.features)}
        if name == "outlier_score":
            return {name: outlier_score(*self.neighbors)}
        assert embedding is not None  # noqa: S101 - what lacks() has made sure of
        k = min(MAP_NEIGHBORS, (len(record) - 1) // 2)
        found = faithfulness(record.features, embedding, k)
        return {"trustworthiness": found.trustworthiness, "continuity": found.continuity}


_OF_LOGITS = {"confidence": confidence, "margin": margin, "entropy": entropy}


def _as_columns(
    columns: Mapping[str, ArrayLike] | None, ids: NDArray[np.int64]
) -> dict[str, NDArray[Any]]:
    n = len(ids)
    given: dict[str, NDArray[Any]] = {}
    for name, values in ({} if columns is None else columns).items():
        if not isinstance(name, str) or not name:
            raise InvalidInputError(f"a column's name must be text, got {name!r}")
        if name in NEEDS:
            raise InvalidInputError(f"columns cannot be called {name!r}: there is such a score")
        if name in FRAME_COLUMNS:
            raise InvalidInputError(
                f"columns cannot be called {name!r}: the frame has such a column; rename it"
            )
        array = _in_order(name, values, ids)
        if array.shape != (n,):
            raise InvalidInputError(
                f"columns[{name!r}] must have shape ({n},), one value per sample, got {array.shape}"
            )
        given[name] = array
    return given


def _in_order(name: str, values: ArrayLike, ids: NDArray[np.int64]) -> NDArray[Any]:
    """The values row by row: those of a pandas object by its index, unless that only counts."""
    if not isinstance(values, pd.Series) or len(values) < len(ids):
        return np.asarray(values)
    index = values.index
    if index.equals(pd.RangeIndex(len(ids))):
        return np.asarray(values)
    if not index.is_unique or not pd.Index(ids).isin(index).all():
        raise InvalidInputError(
            f"columns[{name!r}] has an index that does not hold the samples' ids "
            f"({ids[0]} … {ids[-1]}); where its values stand in the order of the samples, "
            "pass frame.reset_index(drop=True)"
        )
    return np.asarray(values.loc[pd.Index(ids)])
