"""The maps of evidence of an explorer, and the way to its model and data."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tsne_widget.analysis.score_values import Scores
from tsne_widget.errors import InvalidInputError
from tsne_widget.feature_set import FeatureSet

if TYPE_CHECKING:
    from tsne_widget.extraction.attribution.evidence import EvidenceReader

Target = Literal["difference", "prediction", "label"]

# The call that gives an explorer its model again.
REMEDY = "explorer.evidence(model=model, data=dataset)"
TARGETS: tuple[Target, ...] = ("difference", "prediction", "label")
# Options of the extraction that also apply to evidence.
_KEPT = ("image", "label", "output", "device")


class CoverTest(NamedTuple):
    """What the model says with a tenth of a picture covered, see :class:`Covered`."""

    holds: bool
    shares: tuple[float, float, float]
    """Probability of the class as it is, with another tenth covered, and with the tenth that has
    the most evidence covered."""
    others: dict[int, int]
    """How often of 4 another class is the most probable one, by its code."""


def cover_values(test: CoverTest | None) -> list[Any] | None:
    """A test as plain data; None for a sample that cannot be tested."""
    if test is None:
        return None
    return [test.holds, list(test.shares), [[code, n] for code, n in test.others.items()]]


class Evidence:
    """Maps of evidence by target and row, computed or given, and kept.

    The model and the dataset are held weakly, so an explorer keeps neither in memory.

    Parameters
    ----------
    feature_set : FeatureSet
        Has n samples.
    scores : Scores
        Gets the maps of the difference once all n are known.

    Attributes
    ----------
    changed : callable
        Called on the main thread after maps were added, or a model was given.
    """

    def __init__(self, feature_set: FeatureSet, scores: Scores) -> None:
        self._record, self._scores = feature_set, scores
        self._maps: dict[Target, dict[int, NDArray[np.float32]]] = {}
        self._tests: dict[tuple[Target, int], CoverTest | None] = {}
        self._link: Callable[[], Any] = _nothing
        self._options: dict[str, Any] = {}
        self._found: Any = None  # what the model's first batch has shown
        self.changed: Callable[[], None] = lambda: None

    def use(self, model: Any, data: Any, options: Mapping[str, Any] | None = None) -> None:
        """Compute with this model and dataset as long as the caller keeps them."""
        self._link, self._found = _weak((model, data)), None
        self._options = dict(options or {})
        self.changed()

    @property
    def model_and_data(self) -> tuple[Any, Any, Mapping[str, Any]] | None:
        """The model, the dataset and the options of the extraction; None if one is gone."""
        pair = self._link()
        return None if pair is None else (*pair, self._options)

    @property
    def has_model(self) -> bool:
        """Whether maps can be computed."""
        return self._link() is not None

    @property
    def has_maps(self) -> bool:
        """Whether any map is known."""
        return any(self._maps.values())

    def reader(self, layer: str | None = None, smooth: float = 0.0) -> EvidenceReader:
        """What reads samples and makes maps.

        Raises
        ------
        InvalidInputError
            If the model or the dataset is gone, or was never there.
        """
        from tsne_widget.extraction.attribution.evidence import EvidenceReader

        pair = self._link()
        if pair is None:
            raise InvalidInputError(
                f"evidence needs the model and its data, which this explorer does not have; call "
                f"{REMEDY}, with the dataset that the features come from"
            )
        found = self._found if layer is None else None
        model, data = pair
        options = {key: value for key, value in self._options.items() if key in _KEPT}
        return EvidenceReader(model, data, layer, found=found, smooth=smooth, **options)

    def computed(
        self, rows: Sequence[int], target: Target, layer: str | None = None, smooth: float = 0.0
    ) -> Iterator[NDArray[np.float32]]:
        """The maps of these rows, one batch at a time. They are not kept."""
        reader = self.reader(layer, smooth)
        ids = [int(id_) for id_ in self._record.ids[list(rows)]]
        labels = self._record.labels
        given = np.full(len(rows), -1) if labels is None else labels[list(rows)]
        reader.ids_of(ids)
        for part in reader.maps(ids, given, target):
            if layer is None:
                self._found = reader.found
            yield part.values

    def tested(self, row: int, target: Target) -> tuple[NDArray[np.float32], CoverTest | None]:
        """The map of one row, and the test of it; in any thread. They are not kept."""
        reader, record = self.reader(), self._record
        label = -1 if record.labels is None else int(record.labels[row])
        [id_] = reader.ids_of([int(record.ids[row])])
        made, covered = reader.look(id_, label, target, record.activation)
        self._found = reader.found
        if covered is None:
            return made.values[0], None
        code = int(made.for_class[0])
        codes, counts = np.unique(covered.predictions, return_counts=True)
        others = dict(zip(codes.tolist(), counts.tolist(), strict=True))
        others.pop(code, None)
        shares = (
            covered.as_it_is,
            float(covered.elsewhere.mean()),
            float(covered.without.mean()),
        )
        return made.values[0], CoverTest(covered.holds, shares, others)

    def keep(
        self,
        target: Target,
        rows: Sequence[int],
        maps: Sequence[NDArray[np.float32]],
        tests: Mapping[int, CoverTest | None] | None = None,
    ) -> None:
        """Keep maps of rows, and tests by row; on the main thread."""
        known = self._maps.setdefault(target, {})
        known.update((int(row), values) for row, values in zip(rows, maps, strict=True))
        self._tests.update({(target, int(row)): one for row, one in (tests or {}).items()})
        is_whole = target == "difference" and len(known) == len(self._record)
        if is_whole and len({values.shape for values in known.values()}) == 1:
            self._scores.use_evidence(np.stack([known[row] for row in range(len(known))]))
        self.changed()

    def map_of(self, row: int, target: Target) -> NDArray[np.float32] | None:
        """The (h, w) map of a row, or None."""
        return self._maps.get(target, {}).get(row)

    def is_tested(self, row: int, target: Target) -> bool:
        """Whether a row's map was tested."""
        return (target, row) in self._tests

    def test_of(self, row: int, target: Target) -> CoverTest | None:
        """The test of a row's map, or None."""
        return self._tests.get((target, row))

    def rows_with(self, target: Target) -> list[int]:
        """The rows with a map, ascending."""
        return sorted(self._maps.get(target, {}))

    def stacked(self, target: Target) -> tuple[list[int], NDArray[np.float32]]:
        """Rows and their maps as one (k, h, w) array; maps of another shape are left out."""
        rows, known = self.rows_with(target), self._maps.get(target, {})
        if not rows:
            return [], np.zeros((0, 1, 1), np.float32)
        shapes = [known[row].shape for row in rows]
        usual = max(set(shapes), key=shapes.count)
        kept = [row for row in rows if known[row].shape == usual]
        return kept, np.stack([known[row] for row in kept])


def _nothing() -> None:
    return None


def _weak(value: Any) -> Callable[[], Any]:
    """A function that returns the value while all its parts are alive, and then None."""
    if type(value) in (tuple, dict):
        is_dict = isinstance(value, dict)
        keys = tuple(value) if is_dict else tuple(range(len(value)))
        parts = [_weak(value[key]) for key in keys]
        del value

        def whole() -> Any:
            alive = [part() for part in parts]
            if any(one is None for one in alive):
                return None
            return dict(zip(keys, alive, strict=True)) if is_dict else tuple(alive)

        return whole
    try:
        return weakref.ref(value)
    except TypeError:  # a list, for example
        return _nothing
