"""The run over the data on a Ray cluster: the same loop in a pool of actors, the same store."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch

from tsne_widget._ray_session import RETRIES, quiet, ray_session
from tsne_widget.errors import ExtractionError, InvalidInputError
from tsne_widget.extraction import store as store_module
from tsne_widget.extraction.data.batches import Indexed, RayRows
from tsne_widget.extraction.executors.local import Run
from tsne_widget.extraction.executors.ray_actors import (
    BatchActor,
    Job,
    RangeActor,
    raise_described,
    rows_of_columns,
)
from tsne_widget.extraction.model.capture import placed
from tsne_widget.extraction.store.rows import Rows
from tsne_widget.extraction.store.shards import unpacked
from tsne_widget.extraction.store.store import Store
from tsne_widget.feature_set import Skipped

_LOGGER = logging.getLogger(__name__)

# Shards per actor, at least: the last ones to be done leave few actors idle.
SHARES_PER_ACTOR = 4
# Share of the processors, and at least one, that is left to what makes the rows of a Ray dataset:
# were actors to take all of them, both would wait for ever.
SHARE_TO_READ = 1 / 4


@dataclass(frozen=True)
class Actors:
    """What the caller wants of the cluster.

    Attributes
    ----------
    count : int or None
        How many; None is as many as there is room for.
    num_gpus : float
        GPUs of each, or a share of one.
    device : str
        Where they run the model.
    """

    count: int | None
    num_gpus: float
    device: str


def rows_on_ray(
    run: Run, reading: Mapping[str, Any], store: Store | None, actors: Actors, paths: list[str]
) -> Generator[Rows, None, None]:
    """All rows in order: stored shards from the store, the others computed by actors.

    The first batch runs here as well: what is wrong with the model, the layer or the data is said
    before anything is sent, and what is stored is compared with it.

    Parameters
    ----------
    run : Run
        Over samples that are known by index, or over a Ray dataset.
    reading : mapping
        Arguments of ForwardPass but the model.
    store : Store or None
        Without a writable one, actors return their rows.
    actors : Actors
    paths : list of str
        Takes the paths of all samples of a Ray dataset that has some.

    Raises
    ------
    ExtractionError, InvalidInputError, StoreError
        As a local run; also if workers keep dying, or nothing can be sent to them.
    """
    source = run.source
    if isinstance(source, Indexed) and store is not None:
        n = len(source.ids)
        if not _missing(store, run.policy, 0, n, n):  # all is there: nobody has anything to do
            yield from run.rows(store)
            return
    first = run.first() if isinstance(source, Indexed) else None
    if store is not None and store.next_start(0) == 0:
        run.check_first(first, store)
    run.forward.let_go()  # our hooks cannot be sent, and are not needed there
    with ray_session() as ray:
        job = Job(
            model=run.forward.model,
            reading=reading,
            source=_for_actors(source, actors.device),
            naming=run.naming,
            skip_errors=run.skip_errors,
            drop_nonfinite=run.drop_nonfinite,
            device=actors.device,
            threads=torch.get_num_threads(),
            folder=store.folder.absolute() if store is not None and store.is_writable else None,
        )
        pool = _Pool(ray, job, actors)
        if isinstance(source, Indexed):
            rows = _of_ranges(run, source, store, pool, _rows_per_shard(source, first, pool.size))
        else:
            assert isinstance(source, RayRows)  # noqa: S101 - what extract() has made sure of
            rows = _of_blocks(run, source, pool, paths)
        with closing(rows):
            yield from rows


class _JobFailedError(ExtractionError):
    """Ray has lost more than it makes good by itself."""


class _Pool:
    """The actors of a job, and the way to let them work."""

    def __init__(self, ray: Any, job: Job, actors: Actors) -> None:
        self._ray = ray
        self._job = job
        self._num_gpus = actors.num_gpus
        self._wanted = actors.count

    @property
    def size(self) -> int:
        """How many actors there can be now."""
        room = _room(self._ray, self._job, self._num_gpus)
        return min(self._wanted, room) if self._wanted else room

    def of_items(self, items: list[dict[str, int]]) -> Any:
        """A dataset with one block for each item."""
        return self._ray.data.from_items(items, override_num_blocks=len(items))

    @contextmanager
    def results(
        self, dataset: Any, actor: type, *, in_order: bool
    ) -> Iterator[Iterator[dict[str, Any]]]:
        """What the actors return for each block of the dataset."""
        size = self.size
        with warnings.catch_warnings():
            # How often a worker is replaced has no other name yet; Ray 2.64 takes this one away,
            # and without it a sample that kills every worker would be tried for ever.
            warnings.simplefilter("ignore", DeprecationWarning)
            mapped = dataset.map_batches(
                actor,
                fn_constructor_args=(self._sent(),),
                batch_size=None,
                batch_format="numpy",
                # At least one, not all: where a machine is lost there is no room for all of them.
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
        with quiet("ray.data"), closing(_told_plainly(mapped)) as rows:
            yield rows

    def _sent(self) -> Any:
        """The job in the object store, its model on the CPU: actors may lack this machine's GPU."""
        with placed(self._job.model, torch.device("cpu")):
            try:
                return self._ray.put(self._job)
            except (TypeError, AttributeError, RuntimeError) as error:
                reason = str(error.__cause__ or error).strip().partition("\n")[0]
                raise InvalidInputError(
                    f"model, data or an option cannot be sent to Ray's workers: {reason}; make "
                    "locks and connections when they are needed, not in __init__"
                ) from error


def _of_ranges(
    run: Run, source: Indexed, store: Store | None, pool: _Pool, step: int
) -> Generator[Rows, None, None]:
    """Rows of all positions, in rounds: another one for a shard that turns out to be damaged, and
    where a machine was lost with more than Ray itself makes good."""
    ids, position, asked, failures = source.ids, 0, -1, 0
    while position < len(ids):
        rows = store.read(position, ids, run.policy) if store else None
        if rows is not None:
            yield rows
            position += rows.samples
            continue
        if asked == position:
            raise ExtractionError(f"Ray ended without the samples from position {position} on")
        asked = position
        ranges = _missing(store, run.policy, position, len(ids), step)
        try:
            with closing(_of_round(run, source, store, pool, ranges)) as computed:
                for rows in computed:
                    yield rows
                    position += rows.samples
        except _JobFailedError as error:
            failures = 1 if position > asked else failures + 1
            if failures > RETRIES:
                raise
            _LOGGER.warning("%s; what is missing is computed in another job", error)
            asked = -1


def _of_round(
    run: Run, source: Indexed, store: Store | None, pool: _Pool, ranges: list[tuple[int, int]]
) -> Generator[Rows, None, None]:
    """Rows of the ranges, in order, and of the shards between them."""
    position = ranges[0][0]
    waiting: dict[int, Rows] = {}
    failed: dict[int, dict[str, Any]] = {}
    items = pool.of_items([{"start": start, "stop": stop} for start, stop in ranges])
    with pool.results(items, RangeActor, in_order=False) as results:
        for result in results:
            start, told, content = result["start"], json.loads(result["told"]), result["content"]
            if "error" in told:  # raised once all rows before it are there, as in a local run
                failed[start] = told
            elif content:
                waiting[start] = unpacked(content)
                if store is not None and "failure" in told:
                    store.give_up(told["failure"])
            elif store is not None:
                store.adopt(start, told["shard"])
            while True:
                raise_described(failed.get(position, {}))
                rows = waiting.pop(position, None)
                if rows is None and store is not None:
                    rows = store.read(position, source.ids, run.policy)
                if rows is None:
                    break
                yield rows
                position += rows.samples


def _of_blocks(
    run: Run, source: RayRows, pool: _Pool, paths: list[str]
) -> Generator[Rows, None, None]:
    """Rows of a Ray dataset in its order, numbered as they arrive."""
    with quiet("ray.data"):
        first = source.dataset.take_batch(source.batch_size, batch_format="numpy")
    rows_of_columns(run, first)  # shows where the features are
    run.forward.let_go()
    # Blocks of one batch each, cut as a local loop over the same rows would cut them.
    blocks = source.dataset.repartition(target_num_rows_per_block=source.batch_size, strict=True)
    arrived = 0
    with pool.results(blocks, BatchActor, in_order=True) as results:
        for result in results:
            told = json.loads(result["told"])
            raise_described(told)
            rows = unpacked(result["content"])
            paths += told["paths"]
            skipped = tuple(Skipped(entry.id + arrived, entry.reason) for entry in rows.skipped)
            yield replace(rows, ids=rows.ids + arrived, skipped=skipped)
            arrived += rows.samples


def _for_actors(source: Any, device: str) -> Any:
    if isinstance(source, Indexed):  # this machine may lack what makes page-locked memory useful
        loading = replace(source.loading, pin_memory=device.startswith("cuda"))
        return replace(source, loading=loading)
    return replace(source, dataset=None)  # they get its blocks


def _room(ray: Any, job: Job, num_gpus: float) -> int:
    """How many actors the machines of the cluster have room for."""
    wanted = {"CPU": float(job.threads), "GPU": float(num_gpus)}
    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    room = sum(
        min(int(machine.get(kind, 0) / n) for kind, n in wanted.items() if n)
        for machine in machines
    )
    beside = ""
    if isinstance(job.source, RayRows):
        processors = sum(machine.get("CPU", 0) for machine in machines)
        free = processors - max(1, SHARE_TO_READ * processors)
        room, beside = min(room, int(free / job.threads)), ", and one to read the dataset"
    if room == 0:
        raise InvalidInputError(
            f"an actor needs {job.threads} processors, as many as torch uses threads here, and "
            f"num_gpus={num_gpus:g}{beside}, but no machine of the cluster has so many; call "
            f"torch.set_num_threads({max(1, job.threads // 2)}), or pass a smaller num_gpus"
        )
    return room


def _rows_per_shard(source: Indexed, first: Rows | None, actors: int) -> int:
    """Samples of a shard: whole batches, so that they are those of a local run.

    As many as a local run keeps in one, or fewer, so that each actor gets several.
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
    """Ranges from ``position`` on that no shard covers, cut into pieces of ``step`` samples."""
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


def _told_plainly(dataset: Any) -> Generator[dict[str, Any], None, None]:
    """The rows of a dataset; what goes wrong in Ray or in a worker as an error of ours."""
    from ray.exceptions import RayError

    try:
        yield from dataset.iter_rows()
    except RayError as error:
        cause = getattr(error, "cause", None) or error
        lines = str(cause).strip().splitlines() or [""]
        raise _JobFailedError(
            f"the Ray job failed: {type(cause).__name__}: {lines[-1]}; what is lost is tried again "
            f"{RETRIES} times: look for a crash or a lack of memory in the workers' logs"
        ) from error
