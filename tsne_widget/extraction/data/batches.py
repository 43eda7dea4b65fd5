"""A dataset of batches for DataLoader, which reads and checks samples where it loads them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch.utils.data import default_collate

from tsne_widget.errors import ExtractionError
from tsne_widget.extraction.data.fields import Inputs, as_inputs, collate_fields, split_fields
from tsne_widget.extraction.data.loading import error_text
from tsne_widget.feature_set import Skipped


@dataclass(frozen=True)
class Batch:
    """Samples ready for the model; ``inputs`` is None if every sample was skipped."""

    ids: list[int]
    inputs: Inputs | None
    labels: Any = None
    skipped: list[Skipped] = field(default_factory=list)

    def pin_memory(self) -> Batch:
        """The same batch with its inputs in page-locked memory."""
        inputs = None if self.inputs is None else self.inputs.pin_memory()
        return Batch(self.ids, inputs, self.labels, self.skipped)


class BatchDataset:
    """A dataset whose index is a list of ids and whose item is a :class:`Batch`.

    It runs inside worker processes.

    Parameters
    ----------
    dataset : object with ``__getitem__``
    keywords : frozenset of str
        Parameters of ``model.forward``.
    collate : callable or None
        The ``collate_fn`` of the user's loader; None for the default.
    skip_errors : bool
        Whether unreadable samples are skipped.
    """

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

    # A worker_init_fn reads and writes attributes of get_worker_info().dataset. They go to the
    # user's dataset.
    def __getattr__(self, name: str) -> Any:
        if name == "dataset":  # unpickling asks before it exists
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
            if isinstance(sample, Skipped):
                skipped.append(sample)
            else:
                kept.append(id_)
                samples.append(sample)
        if not kept:
            return Batch([], None, None, skipped)
        if self.collate is None:
            fields = [
                split_fields(sample, self.keywords, f"sample {id_}")
                for id_, sample in zip(kept, samples, strict=True)
            ]
            inputs, labels = collate_fields(fields, kept)
        else:
            inputs, labels = self._user_collated(self.collate, samples, kept)
        if len(inputs) != len(kept):
            raise ExtractionError(
                f"the loader's collate_fn returned {len(inputs)} rows for {len(kept)} samples "
                f"(ids {kept[0]} … {kept[-1]}); it must keep every sample, so that row i is sample "
                "i"
            )
        return Batch(kept, inputs, labels, skipped)

    def _samples(self, ids: Sequence[int]) -> list[Any]:
        fetch_many = getattr(self.dataset, "__getitems__", None)
        if callable(fetch_many):
            try:
                samples = list(fetch_many(list(ids)))
            except Exception:  # the loop below finds the sample that fails
                samples = []
            if len(samples) == len(ids) and all(sample is not None for sample in samples):
                return samples
        return [self._sample(id_) for id_ in ids]

    def _sample(self, id_: int) -> Any:
        try:
            sample = self.dataset[id_]
        except Exception as error:
            if self.skip_errors:
                return Skipped(id_, error_text(error))
            raise ExtractionError(
                f"dataset[{id_}] raised {error_text(error)}; "
                "fix the sample, or pass on_error='skip' to skip and list such samples"
            ) from error
        if sample is None:
            if self.skip_errors:
                return Skipped(id_, "the dataset returned None")
            raise ExtractionError(
                f"dataset[{id_}] returned None; pass on_error='skip' to skip such samples"
            )
        return sample

    def _user_collated(
        self, collate: Callable[[list[Any]], Any], samples: list[Any], ids: list[int]
    ) -> tuple[Inputs, Any]:
        where = f"the batch of ids {ids[0]} … {ids[-1]}"
        try:
            batch = collate(samples)
        except Exception as error:
            raise ExtractionError(
                f"the loader's collate_fn failed on {where}: {error_text(error)}"
            ) from error
        fields = split_fields(batch, self.keywords, where)
        return as_inputs(fields, where), fields.label


def collate_stream(samples: list[Any]) -> Any:
    """Samples of a stream as one dictionary or (x, labels), without further fields."""
    if isinstance(samples[0], dict) or not isinstance(samples[0], (tuple, list)):
        return default_collate(samples)
    image = default_collate([sample[0] for sample in samples])
    return image, [sample[1] if len(sample) > 1 else None for sample in samples]


def identity(item: Any) -> Any:
    """The item itself; a function at module level can be sent to worker processes."""
    return item
