"""Scores: one table of numbers about samples, and the values of one feature set, kept."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._validation import did_you_mean, row_blocks
from tsne_widget.analysis.certainty import confidence, entropy, loss, margin
from tsne_widget.analysis.columns import as_columns
from tsne_widget.analysis.label_quality import label_suspicion
from tsne_widget.analysis.neighbor_index import NeighborIndex
from tsne_widget.analysis.neighborhoods import KNeighbors, kneighbors, label_agreement
from tsne_widget.analysis.outliers import outlier_score
from tsne_widget.analysis.trust import Faithfulness, faithfulness
from tsne_widget.errors import InvalidInputError
from tsne_widget.feature_set import FeatureSet

# Neighbours in feature space that scores use: enough to grade label agreement finely.
NEIGHBORS = 50
# Neighbours on the map for trustworthiness and continuity, as in Venna & Kaski's papers.
MAP_NEIGHBORS = 15
# Nats. Smaller positive values are displayed as "< 0.001".
SMALLEST_NATS = 0.001
# Rows per block when cheap scores of some rows are computed: the logits are never copied whole.
_BLOCK = 16_384


class Score(NamedTuple):
    """One entry of :data:`SCORES`: a number per sample, how to compute it, how to display it."""

    name: str
    """Name of the frame's column."""
    title: str
    """Name in menus and colour keys, with the unit."""
    meaning: str
    """One line for the documentation."""
    compute: Callable[..., Any]
    """Called with the inputs that ``needs`` and ``optional`` name, in this order. Returns an (n,)
    array of numbers, or a NamedTuple of such arrays whose fields are names of scores."""
    needs: tuple[str, ...]
    """Required inputs: "labels", "predictions", "logits", "features", "neighbors" (a
    :class:`KNeighbors`) or "embedding"."""
    optional: tuple[str, ...] = ()
    """Further inputs, passed as None if the feature set does not have them."""
    highest_first: bool = False
    """Whether the samples with the highest values are the ones to inspect first."""
    format: Literal["percent", "nats", "number"] = "number"
    """How :meth:`text` formats a value."""
    is_cheap: bool = False
    """Whether a row's value depends only on the row's own label, prediction and logits. Cheap
    scores take milliseconds, and some rows can be computed without the others."""

    def text(self, value: float) -> str:
        """The value as text: "97.3 %", "0.4521" or "< 0.001"; "unknown" for NaN.

        Examples
        --------
        >>> SCORES["confidence"].text(0.973)
        '97.3 %'
        """
        if np.isnan(value):
            return "unknown"
        if self.format == "percent":
            return f"{100 * value:.1f} %"
        if self.format == "nats" and 0 < value < SMALLEST_NATS:
            return f"< {SMALLEST_NATS}"
        return f"{value:.4g}"


def _label_agreement(near: KNeighbors, labels: NDArray[np.int64]) -> NDArray[np.float32]:
    return label_agreement(near.indices, labels)


def _suspicion(
    labels: NDArray[np.int64], features: NDArray[np.float32], logits: NDArray[np.float32] | None
) -> NDArray[np.float32]:
    return label_suspicion(logits, labels, features)


def _outlier_score(near: KNeighbors) -> NDArray[np.float32]:
    return outlier_score(*near)


def _faithfulness(features: NDArray[np.float32], embedding: NDArray[np.float32]) -> Faithfulness:
    return faithfulness(features, embedding, min(MAP_NEIGHBORS, (len(features) - 1) // 2))


SCORES: dict[str, Score] = {
    score.name: score
    for score in (
        Score(
            "confidence",
            "confidence",
            "Probability of the predicted class, see :func:`confidence`.",
            confidence,
            ("logits",),
            format="percent",
            is_cheap=True,
        ),
        Score(
            "margin",
            "margin",
            "Probability of the predicted class minus that of the runner-up, see :func:`margin`.",
            margin,
            ("logits",),
            format="percent",
            is_cheap=True,
        ),
        Score(
            "entropy",
            "entropy (nats)",
            "Entropy of the predicted probabilities, see :func:`entropy`.",
            entropy,
            ("logits",),
            highest_first=True,
            format="nats",
            is_cheap=True,
        ),
        Score(
            "loss",
            "loss (nats)",
            "Cross-entropy of the prediction and the label, see :func:`loss`.",
            loss,
            ("logits", "labels"),
            highest_first=True,
            format="nats",
            is_cheap=True,
        ),
        Score(
            "label_agreement",
            "neighbours of the same label",
            "Share of the nearest samples in feature space that have the sample's label, see "
            ":func:`label_agreement`.",
            _label_agreement,
            ("neighbors", "labels"),
        ),
        Score(
            "suspicion",
            "suspicion of the label (nats)",
            "−log of the probability that the label is right, see :func:`label_suspicion`.",
            _suspicion,
            ("labels", "features"),
            optional=("logits",),
            highest_first=True,
            format="nats",
        ),
        Score(
            "outlier_score",
            "outlier score",
            "About 1 inside a cluster, higher further out, see :func:`outlier_score`.",
            _outlier_score,
            ("neighbors",),
            highest_first=True,
        ),
        Score(
            "trustworthiness",
            "trustworthiness of the map",
            "Whether the sample's neighbours on the map are its neighbours in feature space, see "
            ":func:`faithfulness`.",
            _faithfulness,
            ("features", "embedding"),
        ),
        Score(
            "continuity",
            "continuity of the map",
            "Whether the sample's neighbours in feature space are its neighbours on the map, see "
            ":func:`faithfulness`.",
            _faithfulness,
            ("features", "embedding"),
        ),
    )
}
"""Every score by name, in the order of the frame's columns and of the menus.

A new entry is a column of :func:`sample_frame` and :meth:`EmbeddingExplorer.to_dataframe`, a
colour of the map, a sort of the gallery, and part of a sample's details and of the HTML page.
"""


def cheap_scores(
    feature_set: FeatureSet, rows: ArrayLike, names: Iterable[str] | None = None
) -> dict[str, NDArray[Any]]:
    """Cheap scores of some rows.

    Parameters
    ----------
    feature_set : FeatureSet
        Has n samples and c classes.
    rows : (m,) array of int
        Rows 0 … n − 1.
    names : iterable of str, optional
        Names of cheap scores; default all. Those that the feature set lacks inputs for are omitted.

    Returns
    -------
    dict of name to (m,) array
        In the order of :data:`SCORES`. Time O(m c), memory O(m).
    """
    chosen = np.asarray(rows, dtype=np.int64)
    wanted = None if names is None else set(names)
    found: dict[str, NDArray[Any]] = {}
    for name, score in SCORES.items():
        if not score.is_cheap or (wanted is not None and name not in wanted):
            continue
        required = [getattr(feature_set, need) for need in score.needs]
        if any(array is None for array in required):
            continue
        arrays = [*required, *(getattr(feature_set, need) for need in score.optional)]
        blocks = row_blocks(len(chosen), _BLOCK) or [slice(0)]
        parts = [
            score.compute(*(None if array is None else array[chosen[block]] for array in arrays))
            for block in blocks
        ]
        found[name] = parts[0] if len(parts) == 1 else np.concatenate(parts)
    return found


class Scores:
    """The scores of the n samples of one feature set, and the user's own columns.

    ``scores["suspicion"]`` computes a score of :data:`SCORES` on first use and keeps it: 4 n bytes
    each, and 8 k n bytes for the k = 50 nearest neighbours that several scores share.
    Trustworthiness and continuity need a map and all distances, O(n² d); :func:`diagnose` measures
    them on a sample instead.

    Several threads can read the same object: each score is computed once, and finished scores are
    available while another one is being computed.

    Parameters
    ----------
    feature_set : FeatureSet
    columns : mapping of name to (n,) array, or DataFrame, optional
        Your own numbers, truth values or text. A pandas object is aligned by its index of ids; an
        index 0 … n − 1 means the order of the rows.

    Raises
    ------
    InvalidInputError
        If a column has another length or more than one dimension, if its index does not contain
        the ids, or if its name is that of a score or of a column of the frame.
    """

    def __init__(
        self, feature_set: FeatureSet, columns: Mapping[str, ArrayLike] | None = None
    ) -> None:
        self._record = feature_set
        self._computing = threading.RLock()  # held for seconds
        self._keeping = threading.Lock()  # held for microseconds
        self._indexing = threading.Lock()
        self._kept: dict[str, NDArray[Any]] = {}
        self._embedding: NDArray[np.float32] | None = None
        self._neighbors: KNeighbors | None = None
        self._index: NeighborIndex | None = None
        self.columns = as_columns(columns, feature_set.ids, SCORES)

    @property
    def names(self) -> tuple[str, ...]:
        """All scores, including those that lack an input here, then the user's columns."""
        return (*SCORES, *self.columns)

    @property
    def feature_set(self) -> FeatureSet:
        """The feature set."""
        return self._record

    @property
    def embedding(self) -> NDArray[np.float32] | None:
        """(n, 2) float32 coordinates of the finished map, or None."""
        return self._embedding

    def lacks(self, name: str) -> str:
        """Which inputs of a score are missing, as "needs …"; "" if none is."""
        return self.lacks_any(SCORES[name].needs if name in SCORES else ())

    def lacks_any(self, needs: Iterable[str]) -> str:
        """Which of some inputs are missing, as "needs …"; "" if none is.

        Parameters
        ----------
        needs : iterable of str
            As in :attr:`Score.needs`.
        """
        missing = [
            "the finished map" if need == "embedding" else need
            for need in needs
            if need != "neighbors" and self._input(need, self._embedding) is None
        ]
        return f"needs {' and '.join(missing)}" if missing else ""

    def is_ready(self, name: str) -> bool:
        """Whether a column is available without any computation."""
        return name in self.columns or name in self._kept

    def __getitem__(self, name: str) -> NDArray[Any]:
        """(n,) array of a score or of a user's column; a score is computed on first use.

        Raises
        ------
        InvalidInputError
            For an unknown name, or a score whose inputs are missing.
        """
        if name in self.columns:
            return self.columns[name]
        if name not in SCORES:
            near = did_you_mean(name, self.names)
            raise InvalidInputError(
                f"there is no score {name!r}{near}; available: {', '.join(self.names)}"
            )
        kept = self._kept.get(name)
        return self._compute_once(name) if kept is None else kept

    def ready(self) -> dict[str, NDArray[Any]]:
        """The columns that are available without any computation, in the order of ``names``."""
        kept = dict(self._kept) | self.columns
        return {name: kept[name] for name in self.names if name in kept}

    def frame_columns(self, which: bool | Literal["all"]) -> dict[str, NDArray[Any] | None]:
        """The scores for :func:`sample_frame`, by name; None for a column of NaN.

        Parameters
        ----------
        which : bool or "all"
            False: none. True: the values of cheap scores and of those computed before. "all":
            the values of every score whose inputs are available, which takes seconds to minutes.
        """
        if not which:
            return {}
        return {
            name: self[name]
            if (which == "all" or score.is_cheap or self.is_ready(name)) and not self.lacks(name)
            else None
            for name, score in SCORES.items()
        }

    def use_embedding(self, embedding: NDArray[np.float32] | None) -> None:
        """Use this (n, 2) map for the scores that need one; those of another map are dropped."""
        with self._keeping:
            if embedding is not self._embedding:
                self._embedding = embedding
                for name, score in SCORES.items():
                    if "embedding" in score.needs:
                        self._kept.pop(name, None)

    @property
    def neighbors(self) -> KNeighbors:
        """The 50 nearest samples of each sample in feature space, or n − 1 if there are fewer.

        O(n² d) on first use. From 100,000 samples approximate, about O(n √n d), if faiss is
        installed.
        """
        if self._neighbors is not None:  # without the lock: a slow score may hold it
            return self._neighbors
        with self._computing:
            if self._neighbors is None:
                k = min(NEIGHBORS, len(self._record) - 1)
                self._neighbors = kneighbors(self._record.features, k, neighbors="auto")
            return self._neighbors

    @property
    def has_neighbors(self) -> bool:
        """Whether :attr:`neighbors` is available without any computation."""
        return self._neighbors is not None

    @property
    def index(self) -> NeighborIndex:
        """The index of neighbours of single samples; O(n d) on first use."""
        with self._indexing:
            if self._index is None:
                self._index = NeighborIndex(self._record.features)
            return self._index

    @property
    def index_is_ready(self) -> bool:
        """Whether :attr:`index` is available without any computation."""
        return self._index is not None

    def _compute_once(self, name: str) -> NDArray[Any]:
        with self._computing:
            with self._keeping:
                kept, lacking, embedding = self._kept.get(name), self.lacks(name), self._embedding
            if kept is not None:  # another thread was faster
                return kept
            if lacking:
                raise InvalidInputError(f"{name} {lacking}")
            computed = self._compute(name, embedding)
            with self._keeping:
                if "embedding" not in SCORES[name].needs or embedding is self._embedding:
                    self._kept |= computed
            return computed[name]

    def _compute(self, name: str, embedding: NDArray[np.float32] | None) -> dict[str, NDArray[Any]]:
        """A score, and those that its function returns with it."""
        score = SCORES[name]
        found = score.compute(
            *(self._input(need, embedding) for need in (*score.needs, *score.optional))
        )
        return {name: found} if isinstance(found, np.ndarray) else dict(found._asdict())

    def _input(self, name: str, embedding: NDArray[np.float32] | None) -> Any:
        if name == "neighbors":
            return self.neighbors
        return embedding if name == "embedding" else getattr(self._record, name)
