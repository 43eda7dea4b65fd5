"""What runs inside a Ray actor: a model, loaded once, and the loop of a local run over a part."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from tsne_widget._atomic import write_whole
from tsne_widget.errors import (
    ExtractionError,
    InvalidInputError,
    LayerNotFoundError,
    TsneWidgetError,
)
from tsne_widget.extraction.data.batches import Source
from tsne_widget.extraction.data.forms import as_inputs, taken_apart
from tsne_widget.extraction.data.samples import Batch
from tsne_widget.extraction.executors.local import Naming, Run
from tsne_widget.extraction.model.capture import evaluating, placed
from tsne_widget.extraction.model.forward import ForwardPass, parameter_names
from tsne_widget.extraction.store.rows import Rows, joined
from tsne_widget.extraction.store.shards import entry, packed, shard_name

PATH_COLUMN = "path"


@dataclass(frozen=True)
class Job:
    """All that an actor needs, sent once through Ray's object store.

    Attributes
    ----------
    model : Module
    reading : dict
        Arguments of ForwardPass but the model.
    source : Source
    naming : Naming
    skip_errors, drop_nonfinite : bool
    device : str
        Where the actor's model runs.
    threads : int
        Of torch, as on the driver: another number may sum in another order.
    folder : Path or None
        Where shards go; None returns the rows to the driver instead.
    """

    model: nn.Module
    reading: Mapping[str, Any]
    source: Source
    naming: Naming
    skip_errors: bool
    drop_nonfinite: bool
    device: str
    threads: int
    folder: Path | None


class _Actor:
    """The model in evaluation mode on its device, for as long as the actor lives."""

    def __init__(self, job: Any) -> None:
        import ray

        self._job: Job = ray.get(job)
        torch.set_num_threads(self._job.threads)
        self._entered = ExitStack()  # left when the process ends, and never before
        self._entered.enter_context(placed(self._job.model, torch.device(self._job.device)))
        self._entered.enter_context(evaluating(self._job.model))
        self._run = Run(
            ForwardPass(self._job.model, **self._job.reading),
            self._job.source,
            self._job.naming,
            skip_errors=self._job.skip_errors,
            drop_nonfinite=self._job.drop_nonfinite,
        )


class RangeActor(_Actor):
    """Computes samples from one position to another, and keeps them as a shard of the store."""

    def __call__(self, ranges: Mapping[str, NDArray[np.int64]]) -> dict[str, list[Any]]:
        told, contents = [], []
        for start, stop in zip(ranges["start"].tolist(), ranges["stop"].tolist(), strict=True):
            try:
                with closing(self._run.computed(start, stop)) as computed:
                    rows = joined(list(computed))
                about, content = self._kept_or_returned(start, rows)
            except TsneWidgetError as error:
                about, content = described_error(error), b""
            told.append(json.dumps(about))
            contents.append(content)
        return {"start": ranges["start"].tolist(), "told": told, "content": contents}

    def _kept_or_returned(self, start: int, rows: Rows) -> tuple[dict[str, Any], bytes]:
        content = packed(rows)
        about = {"shard": entry(rows, content, self._run.policy)}
        if self._job.folder is None:
            return about, content
        try:
            write_whole(self._job.folder / shard_name(start), content)
        except OSError as error:
            return {**about, "failure": f"{error} ({len(content):,} bytes needed)"}, content
        return about, b""


class BatchActor(_Actor):
    """Computes the rows of one block of a Ray dataset, which is one batch."""

    def __call__(self, columns: Mapping[str, NDArray[Any]]) -> dict[str, list[Any]]:
        about: dict[str, Any] = {"paths": [str(path) for path in columns.get(PATH_COLUMN, ())]}
        content = b""
        try:
            content = packed(rows_of_columns(self._run, columns))
        except TsneWidgetError as error:
            about = described_error(error)
        return {"told": [json.dumps(about)], "content": [content]}


def rows_of_columns(run: Run, columns: Mapping[str, NDArray[Any]]) -> Rows:
    """Rows of a batch that comes as columns, with the ids 0, 1, 2 …."""
    what = "a batch of the Ray dataset"
    own = {name: np.array(values) for name, values in columns.items()}  # Ray's are read-only
    parts = taken_apart(own, parameter_names(run.forward.model), what)
    inputs = as_inputs(parts, what)
    batch = Batch(list(range(len(inputs))), inputs, parts.label)
    return run.as_rows(batch, run.forward(inputs, batch.ids))


def described_error(error: TsneWidgetError) -> dict[str, str]:
    """An error of ours as text, for :func:`raise_described`."""
    return {"error": type(error).__name__, "message": str(error)}


def raise_described(about: Mapping[str, Any]) -> None:
    """Raise the error that an actor has told of, if it has told of one."""
    if "error" in about:
        kinds = {kind.__name__: kind for kind in (InvalidInputError, LayerNotFoundError)}
        raise kinds.get(about["error"], ExtractionError)(about["message"])
