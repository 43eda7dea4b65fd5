"""The values of the scores for one feature set: computed on first use and kept."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsne_widget._validation import did_you_mean
from tsne_widget.analysis.columns import as_columns
from tsne_widget.analysis.neighbor_index import NeighborIndex
from tsne_widget.analysis.neighborhoods import KNeighbors, kneighbors
from tsne_widget.analysis.picture_scores import PictureScores
from tsne_widget.analysis.scores import PICTURE_SCORES, SCORES
from tsne_widget.errors import InvalidInputError
from tsne_widget.feature_set import FeatureSet

# Neighbours in feature space that scores use: enough to grade label agreement finely.
NEIGHBORS = 50


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
        Your own numbers, truth values or text. pandas objects are read by their index of ids,
        everything else by position.

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
        self._evidence: NDArray[np.float32] | None = None
        self._distances: NDArray[np.float32] | None = None
        self._neighbors: KNeighbors | None = None
        self._index: NeighborIndex | None = None
        self._pictures: Callable[[], PictureScores] | None = None
        self._when_measured: Callable[[], None] = lambda: None
        self.hurry_pictures: Callable[[], None] = lambda: None
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
        """Which inputs of a score are missing, as "needs …"; "" if none is, or it is kept."""
        if name in self._kept:
            return ""
        return self.lacks_any(SCORES[name].needs if name in SCORES else ())

    def lacks_any(self, needs: Iterable[str]) -> str:
        """Which of some inputs are missing, as "needs …"; "" if none is.

        Parameters
        ----------
        needs : iterable of str
            As in :attr:`Score.needs`.
        """
        words = {"embedding": "the finished map", "search": "select_like()"}
        missing = [
            words.get(need, need)
            for need in needs
            if need != "neighbors" and self._input(need, self._embedding) is None
        ]
        return f"needs {' and '.join(missing)}" if missing else ""

    def applies(self, name: str) -> bool:
        """False for a score of pictures, evidence or a search without it: menus omit it."""
        needs = SCORES[name].needs if name in SCORES else ()
        given = {
            "pictures": self._pictures,
            "evidence": self._evidence,
            "search": self._distances,
        }
        return name in self._kept or all(given.get(need, True) is not None for need in needs)

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
                f"there is no score or column {name!r}{near}; available: {', '.join(self.names)}"
            )
        kept = self._kept.get(name)
        return self._compute_once(name) if kept is None else kept

    def ready(self) -> dict[str, NDArray[Any]]:
        """The columns that are available without any computation, in the order of ``names``."""
        kept = dict(self._kept) | self.columns
        return {name: kept[name] for name in self.names if name in kept}

    def computed(self) -> dict[str, NDArray[np.float32]]:
        """The scores that took a computation so far, by name: those that are worth saving."""
        kept = dict(self._kept)
        return {name: kept[name] for name in SCORES if name in kept and not SCORES[name].is_cheap}

    def restore(self, computed: Mapping[str, NDArray[Any]]) -> None:
        """Keep scores that :meth:`computed` returned for the same feature set and map.

        Raises
        ------
        InvalidInputError
            For an unknown score, one that lacks an input here, or a wrong shape or dtype.
        """
        for name, values in computed.items():
            if name not in SCORES:
                raise InvalidInputError(f"there is no score {name!r} in this version")
            # What was measured stays true where the pictures are missing now.
            lacking = self.lacks_any(set(SCORES[name].needs) - {"pictures", "search"})
            if lacking:
                raise InvalidInputError(f"{name} {lacking}")
            if values.shape != (len(self._record),) or values.dtype != np.float32:
                raise InvalidInputError(
                    f"{name} must be float32 of shape ({len(self._record)},), "
                    f"got {values.dtype} of shape {values.shape}"
                )
        with self._keeping:
            self._kept |= computed

    def frame_columns(self, which: bool | Literal["all"]) -> dict[str, NDArray[Any] | None]:
        """The scores for :func:`sample_frame`, by name; None for one that lacks an input.

        Parameters
        ----------
        which : bool or "all"
            False: none. True: cheap scores and those computed before. "all": every score, which
            takes seconds to minutes; those of pictures only if there are any.
        """
        if not which:
            return {}
        return {
            name: None if self.lacks(name) else self[name]
            for name, score in SCORES.items()
            if score.is_cheap or self.is_ready(name) or (which == "all" and self.applies(name))
        }

    def use_embedding(self, embedding: NDArray[np.float32] | None) -> None:
        """Use this (n, 2) map for the scores that need one; those of another map are dropped."""
        with self._keeping:
            if embedding is not self._embedding:
                self._embedding = embedding
                for name, score in SCORES.items():
                    if "embedding" in score.needs:
                        self._kept.pop(name, None)

    def use_pictures(
        self,
        measure: Callable[[], PictureScores],
        when_measured: Callable[[], None] = lambda: None,
        hurry: Callable[[], None] = lambda: None,
    ) -> None:
        """Use a function that measures the pictures, for their scores.

        Parameters
        ----------
        measure : callable
            Called when a score of pictures is wanted; keeps what it returns.
        when_measured : callable
            Called in the same thread once new scores of pictures are kept.
        hurry : callable
            Becomes ``hurry_pictures``, which says that somebody waits to see these scores.
        """
        self._pictures, self._when_measured = measure, when_measured
        self.hurry_pictures = hurry

    def use_evidence(self, maps: NDArray[np.float32] | None) -> None:
        """Use these (n, h, w) maps of evidence; the scores of others are dropped."""
        with self._keeping:
            self._evidence = maps
            for name, score in SCORES.items():
                if "evidence" in score.needs:
                    self._kept.pop(name, None)

    def use_distances(self, distances: NDArray[np.float32]) -> None:
        """Use these (n,) distances to a picture; those to another one are dropped."""
        with self._keeping:
            self._distances = distances
            for name, score in SCORES.items():
                if "search" in score.needs:
                    self._kept[name] = score.compute(distances)

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
        # Pictures may be measured on another thread, which must not wait for this one.
        with contextlib.nullcontext() if name in PICTURE_SCORES else self._computing:
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
        if name in PICTURE_SCORES:
            self._when_measured()
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
        if name == "pictures":
            measure = self._pictures
            return None if measure is None else lambda: self._measured(measure)
        if name in ("evidence", "search"):
            return self._evidence if name == "evidence" else self._distances
        return embedding if name == "embedding" else getattr(self._record, name)

    def _measured(self, measure: Callable[[], PictureScores]) -> PictureScores:
        """The scores of the pictures, all of which are kept."""
        found = measure()
        with self._keeping:
            self._kept |= found._asdict()
        return found
