"""Ray actors: each loads the model once and runs the extraction loop on parts of the data."""

from __future__ import annotations

import json
import os
import platform
import re
import sys
from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

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
from tsne_widget.extraction.data.batches import Batch
from tsne_widget.extraction.data.fields import as_inputs
from tsne_widget.extraction.data.sources import Indexed, Source
from tsne_widget.extraction.data.splitting import Splitter
from tsne_widget.extraction.executors.local import ClassNames, Run
from tsne_widget.extraction.model.capture import eval_mode, on_device
from tsne_widget.extraction.model.forward import ForwardPass, Reading, parameter_names
from tsne_widget.extraction.store.rows import Marks, Rows, concatenate
from tsne_widget.extraction.store.shards import pack, row_marks, shard_entry, shard_name

PATH_COLUMN = "path"


@dataclass(frozen=True)
class Job:
    """Everything that an actor needs, sent once through Ray's object store.

    Attributes
    ----------
    model : Module
    reading : Reading
    source : Source
    class_names : ClassNames
    marks : Marks or None
        What the labels are made of, for the store.
    skip_errors, drop_nonfinite : bool
    device : str
        The device that the actor's model runs on.
    threads : int
        Threads of torch. Another number than on the driver may change the order of summation.
    folder : Path or None
        The folder of the shards; None returns the rows to the driver instead.
    """

    model: nn.Module
    reading: Reading
    source: Source
    class_names: ClassNames
    marks: Marks | None
    skip_errors: bool
    drop_nonfinite: bool
    device: str
    threads: int
    folder: Path | None


class SearchPath(NamedTuple):
    """Where the driver finds modules.

    Attributes
    ----------
    host : str
        Name of the driver's machine.
    folders : tuple of str
        The driver's ``sys.path``.
    """

    host: str
    folders: tuple[str, ...]

    @classmethod
    def of_this_process(cls) -> SearchPath:
        """The path of this process; "" becomes the working directory."""
        return cls(platform.node(), tuple(os.path.abspath(folder) for folder in sys.path))  # noqa: PTH100

    def use(self) -> None:
        """Search as the driver does, if this process is on its machine."""
        if platform.node() == self.host:
            others = [folder for folder in sys.path if folder not in self.folders]
            sys.path[:] = [*self.folders, *others]


class _Actor:
    """Holds the model in eval mode on its device until the process ends.

    Parameters
    ----------
    path : SearchPath
        It is set before the job is unpacked, which imports the module of the model's class.
    job : reference to a Job
    """

    def __init__(self, path: SearchPath, job: Any) -> None:
        import ray

        self._failure: dict[str, str] | None = None
        path.use()
        try:
            self._job: Job = ray.get(job)
        except Exception as error:
            missing = missing_module(error)
            if missing is None:
                raise
            self._failure = error_report(ExtractionError(_import_problem(missing)))
            return
        torch.set_num_threads(self._job.threads)
        self._stack = ExitStack()  # it is never closed
        self._stack.enter_context(on_device(self._job.model, torch.device(self._job.device)))
        self._stack.enter_context(eval_mode(self._job.model))
        self._run = Run(
            ForwardPass(self._job.model, self._job.reading),
            self._job.source,
            self._job.class_names,
            skip_errors=self._job.skip_errors,
            drop_nonfinite=self._job.drop_nonfinite,
        )


class RangeActor(_Actor):
    """Computes ranges of samples, and writes each as a shard of the store."""

    def __call__(self, ranges: Mapping[str, NDArray[np.int64]]) -> dict[str, list[Any]]:
        reports, contents = [], []
        for start, stop in zip(ranges["start"].tolist(), ranges["stop"].tolist(), strict=True):
            if self._failure is not None:
                reports.append(json.dumps(self._failure))
                contents.append(b"")
                continue
            try:
                with closing(self._run.compute(start, stop)) as computed:
                    rows = concatenate(list(computed))
                report, content = self._store(start, rows)
            except TsneWidgetError as error:
                report, content = error_report(error), b""
            reports.append(json.dumps(report))
            contents.append(content)
        return {"start": ranges["start"].tolist(), "report": reports, "content": contents}

    def _store(self, start: int, rows: Rows) -> tuple[dict[str, Any], bytes]:
        """A report, and the content of the shard if it could not be written."""
        source = self._job.source
        assert isinstance(source, Indexed)  # noqa: S101 - others have no ranges
        marks = row_marks(self._job.marks, rows, start, source.ids)
        content = pack(rows, marks.marks)
        report = {"shard": shard_entry(rows, content, self._run.policy, marks.digest)}
        if self._job.folder is None:
            return report, content
        try:
            write_whole(self._job.folder / shard_name(start), content)
        except OSError as error:
            return {**report, "failure": f"{error} ({len(content):,} bytes needed)"}, content
        return report, b""


class BatchActor(_Actor):
    """Computes the rows of one block of a Ray dataset, which is one batch."""

    def __call__(self, columns: Mapping[str, NDArray[Any]]) -> dict[str, list[Any]]:
        if self._failure is not None:
            return {"report": [json.dumps(self._failure)], "content": [b""]}
        report: dict[str, Any] = {"paths": [str(path) for path in columns.get(PATH_COLUMN, ())]}
        content = b""
        try:
            content = pack(rows_of_columns(self._run, columns))
        except TsneWidgetError as error:
            report = error_report(error)
        return {"report": [json.dumps(report)], "content": [content]}


def rows_of_columns(run: Run, columns: Mapping[str, NDArray[Any]]) -> Rows:
    """The rows of a batch of columns, with the ids 0, 1, 2, …."""
    where = "a batch of the Ray dataset"
    own = {
        name: np.array(values) for name, values in columns.items()
    }  # the arrays of Ray are read-only
    splitter = Splitter(parameter_names(run.forward.model), run.source.choice)
    fields = splitter.split(own, where, batched=True)
    inputs = as_inputs(fields, where)
    batch = Batch(list(range(len(inputs))), inputs, fields.label)
    return run.as_rows(batch, run.forward(inputs, batch.ids))


def missing_module(error: BaseException) -> str | None:
    """The module that could not be imported, by an error of Ray; None for other errors."""
    found = re.search(r"No module named '([^']+)'", str(error))
    return found[1] if found else None


def _import_problem(module: str) -> str:
    package = module.partition(".")[0]
    return (
        f"Ray's workers cannot import {module}, which the model, the data or an option is made of; "
        f"install it on the machines of the cluster, or send it: "
        f'ray.init(runtime_env={{"py_modules": [{package}]}}) before extract'
    )


def error_report(error: TsneWidgetError) -> dict[str, str]:
    """An error of this package as text, for :func:`raise_reported`."""
    return {"error": type(error).__name__, "message": str(error)}


def raise_reported(report: Mapping[str, Any]) -> None:
    """Raise the error in the report of an actor, if there is one."""
    if "error" in report:
        kinds = {kind.__name__: kind for kind in (InvalidInputError, LayerNotFoundError)}
        raise kinds.get(report["error"], ExtractionError)(report["message"])
