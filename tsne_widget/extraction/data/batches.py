"""A dataset of batches, for DataLoader: samples are read and judged where they are loaded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch.utils.data import default_collate

from tsne_widget.errors import ExtractionError
from tsne_widget.extraction.data.forms import Inputs, as_inputs, collated, taken_apart
from tsne_widget.extraction.data.loading import told
from tsne_widget.feature_set import Skipped


@dataclass(frozen=True)
class Batch:
    """Some samples, ready for the model; ``inputs`` is None when every one was skipped."""

    ids: list[int]
    inputs: Inputs | None
    labels: Any = None
    skipped: list[Skipped] = field(default_factory=list)

    def pin_memory(self) -> Batch:
        """The same with its inputs in page-locked memory."""
        inputs = None if self.inputs is None else self.inputs.pin_memory()
        return Batch(self.ids, inputs, self.labels, self.skipped)


class NumberedBatches:
    """A dataset of batches: index it with the ids of one batch. Runs inside worker processes."""

    def __init__(
        self,
        dataset: Any,
        keywords: frozenset[str],
        collate: Callable[[list[Any]], Any] | None,
        skip_errors: bool,
    ) -> None:
        self.__dict__.update(
            dataset=dataset, keywords=keywords, collate=collate, skip_errors=skip_errors
        )

    # A worker_init_fn reads and sets attributes of get_worker_info().dataset: they are the user's.
    def __getattr__(self, name: str) -> Any:
        if name == "dataset":  # while unpickling, before it is there
            raise AttributeError(name)
        return getattr(self.dataset, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.dataset, name, value)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def __getitem__(self, ids: Sequence[int]) -> Batch:
        kept: list[int] = []
        samples: list[Any] = []
        skipped: list[Skipped] = []
        for id_, sample in zip(ids, self._samples(ids), strict=True):
            if isinstance(sample, _Unreadable):
                skipped.append(Skipped(id_, sample.reason))
            else:
                kept.append(id_)
                samples.append(sample)
        if not kept:
            return Batch([], None, None, skipped)
        if self.collate is None:
            parts = [
                taken_apart(sample, self.keywords, f"sample {id_}")
                for id_, sample in zip(kept, samples, strict=True)
            ]
            inputs, labels = collated(parts, kept)
        else:
            inputs, labels = self._batch_of(self.collate, samples, kept)
        if len(inputs) != len(kept):
            raise ExtractionError(
                f"the loader's collate_fn made {len(inputs)} rows of {len(kept)} samples "
                f"(ids {kept[0]} … {kept[-1]}); it must keep each, so that row i is sample i"
            )
        return Batch(kept, inputs, labels, skipped)

    def _samples(self, ids: Sequence[int]) -> list[Any]:
        fetch_many = getattr(self.dataset, "__getitems__", None)
        if callable(fetch_many):
            try:
                samples = list(fetch_many(list(ids)))
            except Exception:  # read one by one below, to learn which sample it is
                samples = []
            if len(samples) == len(ids) and all(sample is not None for sample in samples):
                return samples
        return [self._sample(id_) for id_ in ids]

    def _sample(self, id_: int) -> Any:
        try:
            sample = self.dataset[id_]
        except Exception as error:
            if self.skip_errors:
                return _Unreadable(told(error))
            raise ExtractionError(
                f"dataset[{id_}] raised {told(error)}; "
                "mend the sample, or pass on_error='skip' to leave such samples out and list them"
            ) from error
        if sample is None:
            if self.skip_errors:
                return _Unreadable("the dataset returned None")
            raise ExtractionError(
                f"dataset[{id_}] returned None; pass on_error='skip' to leave such samples out"
            )
        return sample

    def _batch_of(
        self, collate: Callable[[list[Any]], Any], samples: list[Any], ids: list[int]
    ) -> tuple[Inputs, Any]:
        what = f"the batch of ids {ids[0]} … {ids[-1]}"
        try:
            batch = collate(samples)
        except Exception as error:
            raise ExtractionError(
                f"the loader's collate_fn failed on {what}: {told(error)}"
            ) from error
        parts = taken_apart(batch, self.keywords, what)
        return as_inputs(parts, what), parts.label


def collated_samples(samples: list[Any]) -> Any:
    """Samples of a stream as one dictionary or (x, labels), unreadable fields left out."""
    if isinstance(samples[0], dict) or not isinstance(samples[0], (tuple, list)):
        return default_collate(samples)
    image = default_collate([sample[0] for sample in samples])
    return image, [sample[1] if len(sample) > 1 else None for sample in samples]


def unchanged(item: Any) -> Any:
    return item


class _Unreadable:
    def __init__(self, reason: str) -> None:
        self.reason = reason
