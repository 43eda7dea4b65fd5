"""A few samples as the model got them, and whether the dataset gives the same ones again."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from tsne_widget._notes import Notes
from tsne_widget._seen import Seen, seen
from tsne_widget.extraction.data.batches import Batch
from tsne_widget.extraction.data.forms import Columns, Pairs
from tsne_widget.extraction.data.sources import Indexed, Source

# Samples of the first batch. A flip with probability ½ leaves all of them unchanged in 1 of 256
# runs.
FIRST_SAMPLES = 8
# Further samples, spread over the whole dataset.
SPREAD_SAMPLES = 4

_MAX_VALUES = 2**16  # kept of a sample that is not a picture
_TOLERANCE = 1e-4  # of the largest value


@dataclass
class Watch:
    """Keeps what the model gets for a few samples of the first batch."""

    kept: dict[int, NDArray[Any]] = field(default_factory=dict)

    def __call__(self, batch: Batch) -> None:
        """Look at a batch; only the first one with rows counts."""
        if not self.kept:
            self.kept = _samples_of(batch, FIRST_SAMPLES)

    def compare(self, source: Source, keywords: frozenset[str], notes: Notes) -> tuple[Seen, ...]:
        """Read the same samples again, and a few others; a difference becomes a note.

        Parameters
        ----------
        source : Source
        keywords : frozenset of str
            Parameters of ``model.forward``.
        notes : Notes

        Returns
        -------
        tuple of Seen
            The samples that are pictures.
        """
        values = dict(self.kept)
        # Arrays give the same values each time.
        has_code = isinstance(source, Indexed) and not isinstance(source.dataset, (Pairs, Columns))
        if isinstance(source, Indexed) and has_code and values:
            groups = [list(values), _spread_ids(source.ids, values)]
            again, others = (_read(source, ids, keywords) for ids in groups)
            changed = _changed(values, again)
            if changed and source.loading.collate is not None:  # it may depend on the whole batch
                changed = _changed(again, _read(source, groups[0], keywords))
            if changed:
                notes.add(
                    f"dataset[{changed[0]}] gives another value each time (random augmentation?), "
                    "so the pictures and a second run differ from what the model got; "
                    "use the transform of the test set"
                )
            values |= others
        return tuple(Seen(id_, kept) for id_, kept in sorted(values.items()) if kept.ndim == 3)


def _samples_of(batch: Batch, count: int) -> dict[int, NDArray[Any]]:
    """At most ``count`` evenly spread samples of a batch, as arrays in memory."""
    if batch.inputs is None or not batch.inputs.tensors:
        return {}
    tensor = batch.inputs.tensors[0]
    rows = _spread(range(len(batch.ids)), count)
    return {batch.ids[row]: _kept(batch.ids[row], tensor[row]) for row in rows}


def _kept(id_: int, tensor: Tensor) -> NDArray[Any]:
    """A small copy (h, w, c) of a picture, or the first values (k,) of anything else."""
    values = tensor.detach().cpu()
    array = (values.float() if values.is_floating_point() else values).numpy()
    picture = seen(id_, array)
    return array.reshape(-1)[:_MAX_VALUES].copy() if picture is None else picture.pixels.copy()


def _read(source: Indexed, ids: Sequence[int], keywords: frozenset[str]) -> dict[int, NDArray[Any]]:
    """The model's input for these samples, read in this process; {} if they cannot be read."""
    if not ids:
        return {}
    loading = replace(
        source.loading, num_workers=0, pin_memory=False, timeout=0.0, prefetch_factor=None
    )
    try:
        one_by_one = _OneByOne(source.dataset)
        here = replace(source, dataset=one_by_one, loading=loading, notes=Notes())
        with closing(_batches(here, ids, keywords)) as batches:
            return {
                id_: value
                for batch in batches
                for id_, value in _samples_of(batch, len(ids)).items()
            }
    except Exception:  # the run has succeeded: a dataset that needs its workers is no mistake
        return {}


class _OneByOne:
    """A dataset without ``__getitems__``, which is made for whole batches."""

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset

    def __getitem__(self, id_: int) -> Any:
        return self.dataset[id_]


def _batches(
    source: Indexed, ids: Sequence[int], keywords: frozenset[str]
) -> Generator[Batch, None, None]:
    yield from source.batches([list(ids)], keywords, skip_errors=True)


def _changed(before: dict[int, NDArray[Any]], again: dict[int, NDArray[Any]]) -> list[int]:
    """The samples whose values differ."""
    return [
        id_
        for id_, values in before.items()
        if id_ in again
        and values.shape == again[id_].shape
        and not _equal(values.astype(np.float64), again[id_].astype(np.float64))
    ]


def _equal(one: NDArray[Any], other: NDArray[Any]) -> bool:
    scale = float(np.nan_to_num(np.abs(one)).max(initial=0.0))
    return bool(np.allclose(one, other, rtol=0.0, atol=_TOLERANCE * scale, equal_nan=True))


def _spread_ids(ids: Sequence[int], known: dict[int, Any]) -> list[int]:
    """A few ids from all parts of the dataset."""
    chosen = [ids[position] for position in _spread(range(len(ids)), SPREAD_SAMPLES + 1)]
    return [id_ for id_ in chosen if id_ not in known]


def _spread(positions: range, count: int) -> list[int]:
    """At most ``count`` evenly spread positions."""
    chosen = np.linspace(0, len(positions) - 1, min(count, len(positions)))
    return [positions[int(position)] for position in chosen]
