"""Extraction on a Ray cluster: the local loop in a pool of actors, with the same store."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch

from tsne_widget._ray_session import RETRIES, quiet, ray_session
from tsne_widget.errors import ExtractionError, InvalidInputError
from tsne_widget.extraction.data.sources import Indexed, RayRows
from tsne_widget.extraction.executors.local import Run
from tsne_widget.extraction.executors.ray_actors import (
    BatchActor,
    Job,
    RangeActor,
    SearchPath,
    raise_reported,
    rows_of_columns,
)
from tsne_widget.extraction.model.capture import on_device
from tsne_widget.extraction.store import store as store_module
from tsne_widget.extraction.store.rows import Rows
from tsne_widget.extraction.store.shards import unpack
from tsne_widget.extraction.store.store import Store
from tsne_widget.feature_set import Skipped

_LOGGER = logging.getLogger(__name__)

# Minimum number of shards per actor: more and smaller shards leave fewer actors idle at the end.
SHARES_PER_ACTOR = 4
# Share of the processors, and at least one, that is reserved for the tasks that compute the rows of
# a Ray dataset. If actors took all processors, both would wait forever.
SHARE_TO_READ = 1 / 4


@dataclass(frozen=True)
class Actors:
    """The actors that the caller requests.

    Attributes
    ----------
    count : int or None
        Number of actors; None is as many as the cluster has room for.
    num_gpus : float
        GPUs of each actor, or a share of one.
    device : str
        The device that the model runs on.
    """

    count: int | None
    num_gpus: float
    device: str


def rows_on_ray(
    run: Run, store: Store | None, actors: Actors, paths: list[str]
) -> Generator[Rows, None, None]:
    """All rows in order: stored shards come from the store, actors compute the others.

    The first batch also runs in this process: it finds errors in the model, the layer or the data
    before anything is sent, and is compared with the stored features.

    Parameters
    ----------
    run : Run
        Its source is Indexed or RayRows.
    store : Store or None
        Without a writable store, actors return their rows.
    actors : Actors
    paths : list of str
        The paths of a Ray dataset's samples are appended to it.

    Raises
    ------
    ExtractionError, InvalidInputError, StoreError
        As a local run; also if workers die repeatedly, or the model cannot be sent to them.
    """
    source = run.source
    if isinstance(source, Indexed) and store is not None:
        n = len(source.ids)
        if not _missing(store, run.policy, 0, n, n):  # everything is stored
            yield from run.rows(store)
            return
    first = run.first() if isinstance(source, Indexed) else None
    if store is not None:
        run.compare(first, store)
    run.forward.remove_hooks()  # hooks cannot be pickled, and actors install their own
    with ray_session() as ray:
        if isinstance(source, RayRows):
            _find_layers(run, source)
        job = Job(
            model=run.forward.model,
            reading=run.forward.resolved(),
            source=_source_for_actors(source, actors.device),
            class_names=run.class_names,
            marks=None if run.labels is None else run.labels.marks,
            skip_errors=run.skip_errors,
            drop_nonfinite=run.drop_nonfinite,
            device=actors.device,
            threads=torch.get_num_threads(),
            folder=store.folder.absolute() if store is not None and store.is_writable else None,
        )
        pool = _Pool(ray, job, actors)
        if isinstance(source, Indexed):
            step = _rows_per_shard(source, first, pool.size)
            rows = _rows_of_ranges(run, source, store, pool, step)
        else:
            assert isinstance(source, RayRows)  # noqa: S101 - extract() has checked it
            rows = _rows_of_blocks(run, source, pool, paths)
        with closing(rows):
            yield from rows


class _JobFailedError(ExtractionError):
    """Ray has lost more than it recovers by itself."""


class _Pool:
    """The actors of a job."""

    def __init__(self, ray: Any, job: Job, actors: Actors) -> None:
        self._ray = ray
        self._job = job
        self._num_gpus = actors.num_gpus
        self._wanted = actors.count

    @property
    def size(self) -> int:
        """Number of actors that the cluster has room for now."""
        room = _room(self._ray, self._job, self._num_gpus)
        return min(self._wanted, room) if self._wanted else room

    def blocks(self, items: list[dict[str, int]]) -> Any:
        """A Ray dataset with one block for each item."""
        return self._ray.data.from_items(items, override_num_blocks=len(items))

    @contextmanager
    def results(
        self, dataset: Any, actor: type, *, in_order: bool
    ) -> Iterator[Iterator[dict[str, Any]]]:
        """The results of the actors for each block of the dataset."""
        size = self.size
        with warnings.catch_warnings():
            # max_restarts is deprecated and has no replacement yet; Ray 2.64 removes it. Without it
            # a sample that kills every worker would be repeated forever.
            warnings.simplefilter("ignore", DeprecationWarning)
            mapped = dataset.map_batches(
                actor,
                fn_constructor_args=(SearchPath.of_this_process(), self._send_job()),
                batch_size=None,
                batch_format="numpy",
                # At least one, not all: after the loss of a machine there is no room for all.
                compute=self._ray.data.ActorPoolStrategy(
                    min_size=1,
                    max_size=size,
                    initial_size=size,
                    max_tasks_in_flight_per_actor=2,
                ),
                num_cpus=self._job.threads,
                num_gpus=self._num_gpus or None,
                max_restarts=RETRIES,
                max_task_retries=RETRIES,
            )
        mapped.context.enable_progress_bars = False
        mapped.context.print_on_execution_start = False
        mapped.context.execution_options.preserve_order = in_order
        with quiet("ray.data"), closing(_rows_or_job_error(mapped)) as rows:
            yield rows

    def _send_job(self) -> Any:
        """A reference to the job in the object store.

        Its model is on the CPU, because the machines of the actors may have no GPU.
        """
        with on_device(self._job.model, torch.device("cpu")):
            try:
                return self._ray.put(self._job)
            except (TypeError, AttributeError, RuntimeError) as error:
                reason = str(error.__cause__ or error).strip().partition("\n")[0]
                raise InvalidInputError(
                    f"model, data or an option cannot be sent to Ray's workers: {reason}; create "
                    "locks and connections when they are used, not in __init__"
                ) from error


def _rows_of_ranges(
    run: Run, source: Indexed, store: Store | None, pool: _Pool, step: int
) -> Generator[Rows, None, None]:
    """The rows of all samples, in one or more Ray jobs.

    A further job computes shards that are damaged, and samples that Ray could not recover after the
    loss of a machine.
    """
    ids, position, requested, failures = source.ids, 0, -1, 0
    while position < len(ids):
        rows = run.stored(store, position) if store else None
        if rows is not None:
            yield rows
            position += rows.samples
            continue
        if requested == position:
            raise ExtractionError(f"Ray ended without the samples from position {position} on")
        requested = position
        ranges = _missing(store, run.policy, position, len(ids), step)
        try:
            with closing(_rows_of_job(run, source, store, pool, ranges)) as computed:
                for rows in computed:
                    yield rows
                    position += rows.samples
        except _JobFailedError as error:
            failures = 1 if position > requested else failures + 1
            if failures > RETRIES:
                raise
            _LOGGER.warning("%s; another job computes the missing samples", error)
            requested = -1


def _rows_of_job(
    run: Run, source: Indexed, store: Store | None, pool: _Pool, ranges: list[tuple[int, int]]
) -> Generator[Rows, None, None]:
    """The rows of the ranges, and of the stored shards between them, in order."""
    position = ranges[0][0]
    waiting: dict[int, Rows] = {}
    failed: dict[int, dict[str, Any]] = {}
    items = pool.blocks([{"start": start, "stop": stop} for start, stop in ranges])
    with pool.results(items, RangeActor, in_order=False) as results:
        for result in results:
            start, content = result["start"], result["content"]
            report = json.loads(result["report"])
            if "error" in report:  # raised after all earlier rows, as in a local run
                failed[start] = report
            elif content:
                waiting[start] = unpack(content).rows
                if store is not None and "failure" in report:
                    store.give_up(report["failure"])
            elif store is not None:
                store.adopt(start, report["shard"])
            while True:
                raise_reported(failed.get(position, {}))
                rows = waiting.pop(position, None)
                if rows is None and store is not None:
                    rows = run.stored(store, position)
                if rows is None:
                    break
                yield rows
                position += rows.samples


def _rows_of_blocks(
    run: Run, source: RayRows, pool: _Pool, paths: list[str]
) -> Generator[Rows, None, None]:
    """The rows of a Ray dataset in its order; ids count them from 0."""
    # Each block is one batch, with the same samples as in a local loop.
    blocks = source.dataset.repartition(target_num_rows_per_block=source.batch_size, strict=True)
    arrived = 0
    with pool.results(blocks, BatchActor, in_order=True) as results:
        for result in results:
            report = json.loads(result["report"])
            raise_reported(report)
            rows = unpack(result["content"]).rows
            paths += report["paths"]
            skipped = tuple(Skipped(entry.id + arrived, entry.reason) for entry in rows.skipped)
            yield replace(rows, ids=rows.ids + arrived, skipped=skipped)
            arrived += rows.samples


def _find_layers(run: Run, source: RayRows) -> None:
    """Run the first batch here: it finds the layers and the logits for all actors."""
    with quiet("ray.data"):
        first = source.dataset.take_batch(source.batch_size, batch_format="numpy")
    rows_of_columns(run, first)
    run.forward.remove_hooks()


def _source_for_actors(source: Any, device: str) -> Any:
    if isinstance(source, Indexed):  # page-locked memory depends on the actors' device
        loading = replace(source.loading, pin_memory=device.startswith("cuda"))
        return replace(source, loading=loading)
    return replace(source, dataset=None)  # actors get blocks of the dataset


def _room(ray: Any, job: Job, num_gpus: float) -> int:
    """Number of actors that the machines of the cluster have room for."""
    needed = {"CPU": float(job.threads), "GPU": float(num_gpus)}
    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    room = sum(
        min(int(machine.get(kind, 0) / n) for kind, n in needed.items() if n)
        for machine in machines
    )
    extra = ""
    if isinstance(job.source, RayRows):
        processors = sum(machine.get("CPU", 0) for machine in machines)
        free = processors - max(1, SHARE_TO_READ * processors)
        room, extra = min(room, int(free / job.threads)), ", and one to read the dataset"
    if room == 0:
        raise InvalidInputError(
            f"an actor needs {job.threads} processors, as many as torch uses threads here, and "
            f"num_gpus={num_gpus:g}{extra}, but no machine of the cluster has so many; call "
            f"torch.set_num_threads({max(1, job.threads // 2)}), or pass a smaller num_gpus"
        )
    return room


def _rows_per_shard(source: Indexed, first: Rows | None, actors: int) -> int:
    """Number of samples per shard: full batches, so that batches are those of a local run.

    It is at most that of a local run, and small enough for several shards per actor.
    """
    batch = source.loading.batch_size
    most = store_module.SHARD_ROWS
    if first is not None:
        most = min(most, store_module.SHARD_BYTES * len(first.ids) // first.nbytes)
    share = -(-len(source.ids) // (SHARES_PER_ACTOR * actors))
    return max(1, min(most, share) // batch) * batch


def _missing(
    store: Store | None, policy: str, position: int, end: int, step: int
) -> list[tuple[int, int]]:
    """Ranges of at most ``step`` samples from ``position`` on that are not stored."""
    ranges: list[tuple[int, int]] = []
    while position < end:
        stored = store.covers(position, policy) if store else 0
        if stored:
            position += stored
            continue
        stop = (store.next_start(position + 1) if store else None) or end
        ranges += [(first, min(first + step, stop)) for first in range(position, stop, step)]
        position = stop
    return ranges


def _rows_or_job_error(dataset: Any) -> Generator[dict[str, Any], None, None]:
    """The rows of a Ray dataset; errors of Ray become :class:`_JobFailedError`."""
    from ray.exceptions import RayError

    try:
        yield from dataset.iter_rows()
    except RayError as error:
        cause = getattr(error, "cause", None) or error
        lines = str(cause).strip().splitlines() or [""]
        raise _JobFailedError(
            f"the Ray job failed: {type(cause).__name__}: {lines[-1]}; lost work is repeated "
            f"{RETRIES} times: look for a crash or a lack of memory in the workers' logs"
        ) from error
