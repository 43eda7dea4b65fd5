"""Extract features: from a model and a dataset to a FeatureSet, in one pass over the data."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any, TypedDict, overload

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from tsne_widget._calls import explained
from tsne_widget._notes import warn_about
from tsne_widget._paths import absolute_paths
from tsne_widget._probabilities import Activation
from tsne_widget._seen import Seen
from tsne_widget.errors import ExtractionError, InvalidInputError
from tsne_widget.extraction.arguments import Progress, Request, as_request
from tsne_widget.extraction.data.choice import AUTO, Image, Key
from tsne_widget.extraction.data.labels import FoundNames
from tsne_widget.extraction.data.loading import is_worker_error
from tsne_widget.extraction.data.paths import verified_paths
from tsne_widget.extraction.executors.local import Run
from tsne_widget.extraction.executors.ray_pool import rows_on_ray
from tsne_widget.extraction.model.capture import Call, eval_mode, on_device, random_state_kept
from tsne_widget.extraction.model.forward import ForwardPass, parameter_names
from tsne_widget.extraction.model.logits import as_logits
from tsne_widget.extraction.model.outputs import Output
from tsne_widget.extraction.model.pooling import Pool, Select
from tsne_widget.extraction.progress import progress_counter
from tsne_widget.extraction.request_store import request_store, studied
from tsne_widget.extraction.store.buffer import RowBuffer
from tsne_widget.extraction.store.rows import Rows
from tsne_widget.extraction.store.store import Store
from tsne_widget.feature_set import FeatureSet

if TYPE_CHECKING:
    from typing_extensions import Unpack

_LOGGER = logging.getLogger(__name__)


class Options(TypedDict, total=False):
    """The keywords of :func:`extract`, for type checkers."""

    batch_size: int
    device: str | torch.device | None
    num_workers: int
    pool: Pool
    class_names: Sequence[str] | Mapping[Any, Any] | None
    image: Image
    label: Key
    on_error: str
    on_nonfinite: str
    call: Call
    select: Select
    output: Output
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
    "write extract(model, dataset) or extract(model, dataset, layer), and pass the rest by name: "
    "batch_size=, class_names=, …"
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
    class_names: Sequence[str] | Mapping[Any, Any] | None = None,
    image: Image = AUTO,
    label: Key = AUTO,
    on_error: str = "raise",
    on_nonfinite: str = "raise",
    call: Call = None,
    select: Select = None,
    output: Output = None,
    store: str | os.PathLike[str] | None = None,
    dataset_key: str | None = None,
    dtype: str | torch.dtype | None = None,
    channels_last: bool = False,
    progress: Progress = True,
    executor: str = "local",
    actors: int | None = None,
    num_gpus: float = 0,
) -> FeatureSet | list[FeatureSet]:
    """Features, labels, logits and ids of every sample, from one pass of the model.

    The model runs in eval mode without gradients. Afterwards, also after an error or an interrupt,
    its training flags, BatchNorm statistics, hooks and device are unchanged, and so are the random
    generators.

    Parameters
    ----------
    model : torch.nn.Module
        A trained classifier. DataParallel and torch.compile wrappers are removed.
    data : Dataset, DataLoader, IterableDataset, array, (x, y), dict of arrays, DataFrame, …
        Samples or batches may be a tensor, ``(x, y, …)``, a named tuple, or a dictionary with an
        image key (image, pixel_values, img, x, …) and a label key (label, target, y, class,
        fine_label, …); ``image`` and ``label`` name other items. Further entries of a dictionary
        are passed to the model if its ``forward`` has a parameter of that name. Arrays may be of
        numpy, torch or h5py; ``{"image": x, "label": y}`` is read like ``(x, y)``. A DataFrame
        needs a column of arrays, or ``image``, a function that opens the file of a row. A
        DataLoader has its own batch size, workers and ``collate_fn``; the samples that its sampler
        draws are read in dataset order. The columns of a Ray dataset are the keys of a batch;
        "path" becomes ``paths``.
    layer : str, optional
        Dotted name of the module whose output is the feature; "name:input" for its input;
        "output[1]" or "output[pooler_output]" for an item of the model's own output. Default: the
        input of the head, the layer whose output is the logits, also after a softmax, a sigmoid or
        a mean over a map. If no layer with class weights makes the output, the output is the
        feature.
    layers : sequence of str or None, optional
        Several layers in one pass; the result is then a list with one FeatureSet for each.
    batch_size : int
        Samples per forward pass.
    device : str or torch.device, optional
        Device to run the model on; it is moved back afterwards. Default: its own device.
    num_workers : int
        Processes that load samples; 0 loads in this process. An iterable dataset that does not ask
        ``get_worker_info`` for its share gets one at most.
    pool : {"auto", "mean", "flatten", "cls"} or callable
        How maps or tokens become one row. "auto" averages (n, c, h, w) over h and w, and
        (n, t, c) over t. A callable gets a float32 tensor and returns (n, d).
    class_names : sequence or mapping of str, optional
        A list in the order of the outputs, or a mapping of code to name or name to code. Default:
        the names that the dataset (``classes``, ``class_to_idx``, ``features``, …) or the model
        (``config.id2label``) has, otherwise "0", "1", … for each logit. If the two have different
        orders, labels are matched by name with the model's.
    image : str, int or callable
        The picture in a sample: a key, an index, or a function from the sample to the picture,
        such as ``lambda row: transform(Image.open(row["path"]))``. Default "auto": the known key of
        a dictionary, or the first item of a tuple that is an array of two or more dimensions.
    label : str, int, callable or None
        The label in a sample: a key, an index, a function, or None for a map without labels.
        Default "auto": the known key of a dictionary, or the item after the picture. Functions get
        the batch if a loader has no samples of its own (``batch_size=None``, iterable datasets).
    on_error : {"raise", "skip"}
        Whether an unreadable sample stops the run or is listed in ``skipped``.
    on_nonfinite : {"raise", "drop"}
        Whether NaN or infinite features stop the run or are listed in ``skipped``.
    call : int, "first" or "last", optional
        The call to read if the layer runs several times per forward pass.
    select : int, str, tuple or callable, optional
        The tensor to read if the layer gives several: an index, a key, a path of these, or a
        function.
    output : int, str, tuple or callable, optional
        The logits in the model's output: an index, a key or attribute, a path of these, ``()`` for
        the output itself, or a function of the output. Default: its ``logits``, otherwise the item
        that a head makes.
    store : path, optional
        A folder for features and logits. After an interrupt or a kill, the same call resumes from
        the stored rows and gives the same bits. If all rows are stored, only the first batch runs,
        to compare it. Any change of the features (weights, code of ``forward``, layer, pictures,
        dtype) starts anew in another subfolder. Labels are always those of the dataset now. Where
        they come from its attributes (``targets``, ``samples``, ``(x, y)``, a frame, …), only the
        samples whose label changed are read again; otherwise all stored samples are read, without
        the model.
    dataset_key : str, optional
        Your own name for the content of the dataset, such as a version. It replaces the default
        check of file sizes and times, arrays in memory, and three samples. It also names the labels
        that do not come from attributes, so that stored samples are not read.
    dtype : torch.dtype, "bf16" or "fp16", optional
        Autocast to this type while the model runs; features are float32 in any case.
    channels_last : bool
        Use the memory layout channels last for pictures, which speeds up many convolutions.
    progress : bool or callable
        True shows a tqdm bar; a callable gets ``(done, total)`` in samples, total None if unknown.
    executor : {"local", "ray"}
        "ray" runs the same loop in actors of a Ray cluster (extra ``ray``): that of ``ray.init``,
        that of ``RAY_ADDRESS``, or one on this machine. The actors share ``store``, which must be
        on a disk that all machines share; local and Ray runs can resume each other. On CPUs the
        rows equal those of a local run bit for bit, because each actor uses as many threads as
        torch does here. Lost workers and machines are replaced. ``device`` is the device of the
        actors. A Ray dataset always runs on Ray.
    actors : int, optional
        Copies of the model on the cluster. Default: as many as it has room for.
    num_gpus : float
        GPUs of each actor, or a share of one; ``device`` is then "cuda" by default.

    Returns
    -------
    FeatureSet, or a list of them for layers
        n rows in dataset order. ``ids`` index ``data`` (or the loader's dataset); for an iterable
        dataset they count arrivals. ``logits`` and ``predictions`` are None if the model has no
        (n, c) output that a head makes. The single logit z of a binary classifier becomes the two
        columns [0, z]; probabilities become logarithms, whose softmax or sigmoid (``activation``)
        is the original probability. Features above an eighth of the machine's memory are a
        read-only memory map of an unnamed temporary file. ``images`` is None. ``notes`` lists what
        was inferred and is in doubt.

    Raises
    ------
    InvalidInputError
        If an argument is invalid, the dataset is empty, or labels are not class codes.
    LayerNotFoundError
        If the layer is not in the model, or the head is not found and ``layer`` is None.
    ExtractionError
        If the model or the dataset fails, or features are not finite.
    StoreError
        If the store has other features of the first samples, or features need more disk space than
        is free. If the store cannot be written, a warning is issued instead.

    Examples
    --------
    >>> import torch
    >>> model = torch.nn.Sequential(torch.nn.Linear(8, 5), torch.nn.ReLU(), torch.nn.Linear(5, 3))
    >>> extract(model, (torch.randn(10, 8), torch.arange(10) % 3), progress=False)
    FeatureSet(n=10, d=5, classes=3, labels, predictions, logits, ids 0…9, layer='2:input')
    """
    request = as_request(
        model,
        data,
        layer,
        layers=layers,
        batch_size=batch_size,
        device=device,
        num_workers=num_workers,
        pool=pool,
        class_names=class_names,
        image=image,
        label=label,
        on_error=on_error,
        on_nonfinite=on_nonfinite,
        call=call,
        select=select,
        output=output,
        store=store,
        dataset_key=dataset_key,
        dtype=dtype,
        channels_last=channels_last,
        progress=progress,
        executor=executor,
        actors=actors,
        num_gpus=num_gpus,
    )
    records = _run(request)
    return records if layers is not None else records[0]


def _run(request: Request) -> list[FeatureSet]:
    paths: list[str] = []
    with ExitStack() as stack:
        enter = stack.enter_context
        enter(random_state_kept(request.device))
        known = studied(request)
        store = enter(request_store(request, known))
        note = "" if store is None else store.status
        advance = enter(progress_counter(request.progress, request.source.count, note))
        enter(on_device(request.model, request.moves_to))
        enter(eval_mode(request.model))
        forward = enter(ForwardPass(request.model, request.reading, request.notes))
        # Names need one process that reads all labels: actors and stored shards have only codes.
        found = FoundNames() if store is None and request.actors is None else None
        run = Run(
            forward,
            request.source,
            request.class_names,
            skip_errors=request.skip_errors,
            drop_nonfinite=request.drop_nonfinite,
            labels=None if known is None else known[1],
            found_names=found,
        )
        folder = store.folder if store is not None and store.is_writable else None
        buffer = RowBuffer(request.source.count, folder)
        rows = (
            run.rows(store)
            if request.actors is None
            else rows_on_ray(run, store, request.actors, paths)
        )
        _collect(rows, buffer, advance, store)
        seen = run.watch.compare(request.source, parameter_names(request.model), request.notes)
    return _records(buffer, forward, request, paths, found, seen)


def _collect(
    rows: Generator[Rows, None, None],
    buffer: RowBuffer,
    advance: Callable[[int], object],
    store: Store | None,
) -> None:
    """Add all rows to the buffer; errors get a remedy."""
    try:
        with closing(rows):
            for part in rows:
                buffer.add(part)
                advance(part.samples)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(_resume_hint(buffer.samples, store)) from None
    except RuntimeError as error:
        if not is_worker_error(error):
            raise
        raise ExtractionError(
            f"{error}; pass num_workers=0 to load in this process and see the original error"
        ) from error


def _records(
    buffer: RowBuffer,
    forward: ForwardPass,
    request: Request,
    paths: Sequence[str],
    found: FoundNames | None,
    seen: tuple[Seen, ...],
) -> list[FeatureSet]:
    if buffer.samples == 0:
        raise InvalidInputError("data is empty; pass at least one sample")
    rows = buffer.rows()
    buffer.warn_about_skipped(stacklevel=5)
    logits, activation = _logits(rows, forward, request)
    settled = None if found is None else found.settle(rows.labels)
    labels, names = settled or request.class_names.settle(
        rows.labels,
        None if logits is None else logits.argmax(axis=1),
        dataset=request.dataset,
        ids=rows.ids,
        notes=request.notes,
    )
    ids = rows.ids.tolist()
    files: Sequence[str] | None = [paths[id_] for id_ in ids] if paths else None
    if not paths:
        with random_state_kept(request.device):  # the transform may draw random numbers
            files = verified_paths(request.dataset, ids, rows.labels, seen, request.notes)
    warn_about(request.notes.texts)
    records: list[FeatureSet] = []
    for features, name in zip(rows.features, forward.names(), strict=True):
        record = FeatureSet(
            features=features,
            labels=labels,
            logits=logits,
            class_names=names,
            ids=rows.ids,
            paths=None if files is None else tuple(absolute_paths(files)),
            layer=name,
            skipped=rows.skipped,
            notes=request.notes.texts,
            activation=activation,
            seen=seen,
        )
        for note in record.notes:  # the next record does not warn of the same doubt again
            request.notes.add(note)
        records.append(record)
    return records


def _logits(
    rows: Rows, forward: ForwardPass, request: Request
) -> tuple[NDArray[np.float32] | None, Activation]:
    """The logits, and the activation that makes them probabilities."""
    if rows.logits is None:
        return None, "softmax"
    relation = None if forward.logits is None else forward.logits.relation
    found = as_logits(rows.logits, relation, request.notes)
    if found.logits is None or not request.class_names.covers(found.logits.shape[1]):
        return None, "softmax"
    return found.logits, found.activation


def _resume_hint(done: int, store: Store | None) -> str:
    if store is None:
        return f"stopped after {done:,} samples; pass store= (a folder) to keep them"
    return (
        f"stopped after {done:,} samples; {store.stored:,} are stored in {store.folder}; "
        "repeat the call to resume"
    )
