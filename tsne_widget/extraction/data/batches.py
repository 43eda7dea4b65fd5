"""A dataset of batches for DataLoader, which reads and checks samples where it loads them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tsne_widget._datasets import wrapped_datasets
from tsne_widget.errors import ExtractionError
from tsne_widget.extraction.data.fields import TRANSFORM, Inputs, as_inputs, collate_fields
from tsne_widget.extraction.data.items import described, kind_of
from tsne_widget.extraction.data.loading import error_text
from tsne_widget.extraction.data.splitting import Splitter
from tsne_widget.feature_set import Skipped


@dataclass(frozen=True)
class Batch:
    """Samples ready for the model; ``inputs`` is None if every sample was skipped."""

    ids: list[int]
    inputs: Inputs | None
    labels: Any = None
    skipped: list[Skipped] = field(default_factory=list)
    notes: tuple[str, ...] = ()

    def pin_memory(self) -> Batch:
        """The same batch with its inputs in page-locked memory."""
        inputs = None if self.inputs is None else self.inputs.pin_memory()
        return replace(self, inputs=inputs)


class BatchDataset:
    """A dataset whose index is a list of ids and whose item is a :class:`Batch`.

    It runs inside worker processes.

    Parameters
    ----------
    dataset : object with ``__getitem__``
    splitter : Splitter
    collate : callable or None
        The ``collate_fn`` of the user's loader; None for the default.
    skip_errors : bool
        Whether unreadable samples are skipped.
    """

    def __init__(
        self,
        dataset: Any,
        splitter: Splitter,
        collate: Callable[[list[Any]], Any] | None,
        skip_errors: bool,
    ) -> None:
        self.__dict__.update(
            dataset=dataset,
            splitter=splitter,
            collate=collate,
            skip_errors=skip_errors,
            is_first=True,
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
        if self.collate is None or callable(self.splitter.choice.image):
            inputs, labels = self._collated(samples, kept)
        else:
            inputs, labels = self._user_collated(self.collate, samples, kept)
        if len(inputs) != len(kept):
            raise ExtractionError(
                f"the loader's collate_fn returned {len(inputs)} rows for {len(kept)} samples "
                f"(ids {kept[0]} … {kept[-1]}); it must keep every sample, so that row i is sample "
                "i"
            )
        return Batch(kept, inputs, labels, skipped, self.splitter.notes.texts)

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

    def _collated(self, samples: list[Any], ids: list[int]) -> tuple[Inputs, Any]:
        split = self.splitter.split
        fields = [split(sample, f"sample {id_}") for id_, sample in zip(ids, samples, strict=True)]
        if self.is_first:
            self.__dict__["is_first"] = False
            _note_rivals(self.splitter, samples, ids)
        names = [f"id {id_}" for id_ in ids]
        where = f"the batch of ids {ids[0]} …"
        return collate_fields(fields, where, names, _transform_line(self.dataset))

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
        fields = self.splitter.split(batch, where, batched=True, samples=samples)
        return as_inputs(fields, where), fields.label


class StreamCollate:
    """Collates samples of a stream to a :class:`Batch`, whose ids the reader sets.

    The reader also sets ``splitter``. It runs inside worker processes.
    """

    splitter = Splitter()

    def __call__(self, samples: list[Any]) -> Batch:
        fields = [self.splitter.split(sample, "a sample of the stream") for sample in samples]
        names = [f"number {number} of a batch" for number in range(len(samples))]
        inputs, labels = collate_fields(fields, "a batch of the stream", names)
        return Batch([], inputs, labels, notes=self.splitter.notes.texts)


def identity(item: Any) -> Any:
    """The item itself; a function at module level can be sent to worker processes."""
    return item


def _note_rivals(splitter: Splitter, samples: list[Any], ids: list[int]) -> None:
    """Note it if another item of ``(x, y, …)`` may be the label; one equal to the ids is none."""
    rivals = splitter.rivals(samples[0])
    if not rivals or len(ids) < 2:
        return
    others = [at for at in rivals if not _equal_ids(samples, at, ids)]
    if _equal_ids(samples, 1, ids):
        doubt, example = "item [1], which is taken as the label, equals the index", rivals[0]
    elif others:
        doubt, example = "item [1] is taken as the label", 1
    else:
        return
    listed = ", ".join(f"[{at}]" for at in rivals)
    splitter.notes.add(
        f"samples are {described(samples[0])}: {doubt}, and {listed} could be it too; "
        f"pass label={example}, or another index"
    )


def _equal_ids(samples: list[Any], at: int, ids: list[int]) -> bool:
    return all(
        len(sample) > at and kind_of(sample[at]) == "code" and int(sample[at]) == id_
        for sample, id_ in zip(samples, ids, strict=True)
    )


def _transform_line(dataset: Any) -> str:
    """How to transform the PIL images of a dataset: the line to write for Hugging Face datasets."""
    if any(hasattr(inner, "with_transform") for inner in wrapped_datasets(dataset)):
        return (
            'dataset.with_transform(lambda rows: {**rows, "image": [transform(x) for x in '
            'rows["image"]]}) with the transform of the training'
        )
    return TRANSFORM
