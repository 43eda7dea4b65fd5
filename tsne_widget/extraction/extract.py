"""Model and dataset in, FeatureSet out: one pass over the data."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, overload

import torch
from torch import nn
from tqdm.auto import tqdm

from tsne_widget._calls import explained
from tsne_widget._ray_session import check_executor
from tsne_widget.errors import ExtractionError, InvalidInputError
from tsne_widget.extraction.arguments import (
    actors_device,
    as_device,
    as_dtype,
    check_actors,
    check_arguments,
    check_has_weights,
    checked_names,
    wanted_layers,
)
from tsne_widget.extraction.data.batches import (
    Indexed,
    RayRows,
    as_source,
    dataset_of,
    is_ray_dataset,
)
from tsne_widget.extraction.data.loading import is_of_workers
from tsne_widget.extraction.data.metadata import check_targets, class_names_of, paths_of
from tsne_widget.extraction.executors.local import Naming, Run
from tsne_widget.extraction.executors.ray_pool import Actors, rows_on_ray
from tsne_widget.extraction.model.capture import (
    Call,
    device_of,
    evaluating,
    placed,
    same_random_state,
)
from tsne_widget.extraction.model.forward import ForwardPass
from tsne_widget.extraction.model.layers import beneath_wrappers
from tsne_widget.extraction.model.logits import as_logits
from tsne_widget.extraction.model.pooling import Pool, Select
from tsne_widget.extraction.store.fingerprint import (
    dataset_part,
    described,
    model_part,
    weights_part,
)
from tsne_widget.extraction.store.result import Gathered
from tsne_widget.extraction.store.store import SCHEMA, Store, opened
from tsne_widget.feature_set import FeatureSet

if TYPE_CHECKING:
    from typing_extensions import Unpack

Progress = bool | Callable[[int, int | None], None]

_LOGGER = logging.getLogger(__name__)


class Options(TypedDict, total=False):
    """The keywords of :func:`extract`, for type checkers."""

    batch_size: int
    device: str | torch.device | None
    num_workers: int
    pool: Pool
    class_names: Sequence[str] | None
    on_error: str
    on_nonfinite: str
    call: Call
    select: Select
    store: str | os.PathLike[str] | None
    dataset_key: str | None
    dtype: str | torch.dtype | None
    channels_last: bool
    progress: Progress
    executor: str
    actors: int | None
    num_gpus: float


@overload
def extract(
    model: nn.Module, data: Any, layer: str | None = None, **options: Unpack[Options]
) -> FeatureSet: ...


@overload
def extract(
    model: nn.Module, data: Any, *, layers: Sequence[str | None], **options: Unpack[Options]
) -> list[FeatureSet]: ...


@explained(
    "write extract(model, dataset), and perhaps the layer's name third; "
    "all else is given by name: batch_size=, class_names=, …"
)
def extract(
    model: nn.Module,
    data: Any,
    layer: str | None = None,
    *,
    layers: Sequence[str | None] | None = None,
    batch_size: int = 64,
    device: str | torch.device | None = None,
    num_workers: int = 0,
    pool: Pool = "auto",
    class_names: Sequence[str] | None = None,
    on_error: str = "raise",
    on_nonfinite: str = "raise",
    call: Call = None,
    select: Select = None,
    store: str | os.PathLike[str] | None = None,
    dataset_key: str | None = None,
    dtype: str | torch.dtype | None = None,
    channels_last: bool = False,
    progress: Progress = True,
    executor: str = "local",
    actors: int | None = None,
    num_gpus: float = 0,
) -> FeatureSet | list[FeatureSet]:
    """Features, labels, logits and ids of every sample, from a single pass of the model.

    The model runs in eval mode without gradients and is left as it was: training flags, BatchNorm
    statistics, hooks, device and the random generators, also after an error or an interrupt.

    Parameters
    ----------
    model : torch.nn.Module
        A trained classifier. DataParallel and torch.compile wrappers are looked through.
    data : Dataset, DataLoader, IterableDataset, tensor, array, (x, y), or ray.data.Dataset
        Samples or batches may be a tensor, ``(x, y, …)``, a named tuple, or a dictionary with an
        image key (image, images, pixel_values, img, x, input, inputs) and a label key (label,
        labels, target, targets, y, class). Other entries of a dictionary are passed to the model if
        its ``forward`` has a parameter of that name. A DataLoader brings its own batch size,
        workers and ``collate_fn``; the samples that its sampler draws are read in dataset order.
        The columns of a Ray dataset are as the keys of a batch; "path" goes into ``paths``.
    layer : str, optional
        Dotted name of the module whose output is wanted; "name:input" for what goes into it;
        "output[1]" for an item of the model's own output. Default: ``output[1]`` if the model
        returns two matrices of different width (output, features), otherwise what goes into the
        last Linear that ran, as wide as the logits if there is such a one.
    layers : sequence of str or None, optional
        Several layers in one pass; the result is then a list with one FeatureSet for each.
    batch_size : int
        Samples per forward pass.
    device : str or torch.device, optional
        Where the model runs; it is moved back afterwards. Default: where it is.
    num_workers : int
        Processes that load samples; 0 loads in this one.
    pool : {"auto", "mean", "flatten", "cls"} or callable
        How maps or tokens become one row. "auto" averages (n, c, h, w) over h and w, and
        (n, t, c) over t. A callable gets a float32 tensor and returns (n, d).
    class_names : sequence of str, optional
        Default: the dataset's ``classes``, otherwise "0", "1", … for each logit.
    on_error : {"raise", "skip"}
        Whether a sample that cannot be read stops the run or is listed in ``skipped``.
    on_nonfinite : {"raise", "drop"}
        Whether NaN or infinite features stop the run or are listed in ``skipped``.
    call : {"first", "last"} or int, optional
        Which call is meant if the layer runs several times per forward pass.
    select : int, str, tuple or callable, optional
        Which tensor is meant if the layer gives several: index, key, path of those, or a function.
    store : path, optional
        A folder where rows are kept as they come. The same call again goes on where the last one
        was stopped, whatever stopped it, and ends with the same bits; when all is there only the
        first batch runs, to compare it. Anything that changes the features (weights, code of
        ``forward``, layer, data, dtype) starts anew in a folder of its own.
    dataset_key : str, optional
        Your own name for the content of the dataset, such as a version; it stands for what is
        otherwise looked at: file sizes and times, arrays in memory, and three samples.
    dtype : {"bf16", "fp16"} or torch.dtype, optional
        Autocast to this type while the model runs; features are float32 all the same.
    channels_last : bool
        Lay pictures out with their channels last, which is faster for many convolutions.
    progress : bool or callable
        True shows a tqdm bar; a callable gets ``(done, total)`` in samples, total None if unknown.
    executor : {"local", "ray"}
        "ray" runs the same loop in actors of a Ray cluster (the ``ray`` extra): that of
        ``ray.init``, that of ``RAY_ADDRESS``, or one of this machine. They share ``store``, which
        must be on a disk that all machines have, and which local runs continue, and the other way
        round. On CPUs the rows are those of a local run, bit for bit: each actor computes with as
        many threads as torch is set to here. A worker or machine that is lost is replaced.
        ``device`` is where actors run the model. For a Ray dataset there is no other executor.
    actors : int, optional
        Copies of the model on the cluster. Default: as many as it has room for.
    num_gpus : float
        GPUs of each actor, also a share of one; ``device`` is then "cuda" by default.

    Returns
    -------
    FeatureSet, or a list of them for ``layers``
        n rows in dataset order. ``ids`` index ``data`` (or the loader's dataset); for a stream they
        count arrivals. ``logits`` and ``predictions`` are None if the model gives no (n, c) output;
        the single logit z of a binary classifier becomes the two columns [0, z]; outputs of a
        softmax or a Sigmoid module become logarithms, so that softmax gives them back. Features
        above an eighth of the machine's memory are a read-only memory map of an unnamed temporary
        file. ``images`` is None.

    Raises
    ------
    InvalidInputError
        For an argument that cannot be used, an empty dataset, or labels that are no class codes.
    LayerNotFoundError
        If the layer is not in the model, or no Linear ran and ``layer`` is None.
    ExtractionError
        If the model or the dataset fails, or features are not finite.
    StoreError
        If the store holds other features of the first samples, or features need more disk than
        there is. A store that cannot be written only warns.

    Examples
    --------
    >>> import torch
    >>> model = torch.nn.Sequential(torch.nn.Linear(8, 5), torch.nn.ReLU(), torch.nn.Linear(5, 3))
    >>> extract(model, (torch.randn(10, 8), torch.arange(10) % 3), progress=False)
    FeatureSet(n=10, d=5, classes=3, labels, predictions, logits, ids 0…9, layer='2:input')
    """
    check_arguments(model, batch_size, num_workers, pool, call, on_error, on_nonfinite)
    names = checked_names(class_names)
    model = beneath_wrappers(model)
    wanted = wanted_layers(model, layer, layers)
    check_has_weights(model)
    on_ray = executor == "ray" or is_ray_dataset(data)
    check_executor("ray" if on_ray else executor)
    check_actors(actors, num_gpus)
    device_there = actors_device(device, num_gpus) if on_ray else ""
    moves_to = None if device is None or on_ray else as_device(device)
    runs_on = moves_to or device_of(model)
    source = as_source(data, batch_size, num_workers, pin_memory=runs_on.type == "cuda")
    dataset = dataset_of(data)
    naming = Naming(names or class_names_of(dataset), given=names is not None)
    check_targets(dataset, naming.names)
    autocast = as_dtype(dtype)
    if on_ray and not isinstance(source, (Indexed, RayRows)):
        raise InvalidInputError(
            "executor='ray' needs samples that can be read by index, and data is a stream; pass a "
            "Dataset with __len__ and __getitem__, or a ray.data.Dataset"
        )
    folder = None if store is None else Path(store)

    with ExitStack() as stack:
        enter = stack.enter_context
        enter(same_random_state(runs_on))
        kept = None
        if folder is not None:
            if not isinstance(source, Indexed):
                kind = "a Ray dataset" if isinstance(source, RayRows) else "a stream"
                raise InvalidInputError(
                    f"store= needs samples that can be read again by index, and data is {kind}; "
                    "pass a Dataset with __len__ and __getitem__, or store=None"
                )
            parts = {
                "weights": weights_part(model),
                "model": model_part(model),
                "layer": described((wanted, call)) + described(pool) + described(select),
                "data": dataset_part(dataset, source.ids, dataset_key),
                "collate": described(source.loading.collate),
                "dtype": f"{autocast}, channels_last={channels_last}",
                "version": f"torch {torch.__version__.partition('.')[0]}, store {SCHEMA}",
            }
            kept = enter(opened(folder, parts, len(source.ids)))
            _LOGGER.info("store %s %s", kept.folder, kept.started)
        advance = enter(_shown(progress, source.count, "" if kept is None else kept.started))
        enter(placed(model, moves_to))
        enter(evaluating(model))
        reading: dict[str, Any] = {
            "wanted": wanted,
            "pool": pool,
            "select": select,
            "call": call,
            "dtype": autocast,
            "channels_last": channels_last,
        }
        forward = enter(ForwardPass(model, **reading))
        run = Run(
            forward,
            source,
            naming,
            skip_errors=on_error == "skip",
            drop_nonfinite=on_nonfinite == "drop",
        )
        writes_to = kept.folder if kept and kept.is_writable else None
        gathered = Gathered(source.count, writes_to)
        paths: list[str] = []
        try:
            if on_ray:
                all_rows = rows_on_ray(
                    run, reading, kept, Actors(actors, num_gpus, device_there), paths
                )
            else:
                all_rows = run.rows(kept)
            with closing(all_rows) as parts_of_run:
                for rows in parts_of_run:
                    gathered.add(rows)
                    advance(rows.samples)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(_how_to_continue(gathered.samples, kept)) from None
        except RuntimeError as error:
            if not is_of_workers(error):
                raise
            raise ExtractionError(
                f"{error}; pass num_workers=0 to load in this process and see its own error"
            ) from error
    found = _records(gathered, forward, naming, dataset, paths)
    return found if layers is not None else found[0]


def _records(
    gathered: Gathered, forward: ForwardPass, naming: Naming, dataset: Any, paths: Sequence[str]
) -> list[FeatureSet]:
    if gathered.samples == 0:
        raise InvalidInputError("data is empty: there is no sample to extract features of")
    rows = gathered.whole()
    gathered.warn_of_skipped(stacklevel=3)
    logits = None if rows.logits is None else as_logits(rows.logits, forward.model)
    if logits is not None and not naming.keeps_logits(logits.shape[1]):
        logits = None
    ids = rows.ids.tolist()
    names = tuple(paths[id_] for id_ in ids) if paths else paths_of(dataset, ids)
    return [
        FeatureSet(
            features=features,
            labels=rows.labels,
            logits=logits,
            class_names=naming.names or (),
            ids=rows.ids,
            paths=names,
            layer=name,
            skipped=rows.skipped,
        )
        for features, name in zip(rows.features, forward.names(), strict=True)
    ]


def _how_to_continue(done: int, store: Store | None) -> str:
    if store is None:
        return f"stopped after {done:,} samples; with store= set to a folder they would be kept"
    return (
        f"stopped after {done:,} samples; {store.stored:,} are kept in {store.folder}, "
        "and the same call goes on from there"
    )


@contextmanager
def _shown(progress: Progress, total: int | None, note: str) -> Iterator[Callable[[int], object]]:
    """A function to tell of further samples that are done."""
    if progress is True:
        with tqdm(total=total, desc="Extracting features", unit=" images") as bar:
            if note:
                bar.set_postfix_str(note)
            yield bar.update
        return
    done = 0

    def tell(more: int) -> None:
        nonlocal done
        done += more
        if callable(progress):
            progress(done, total)

    yield tell
