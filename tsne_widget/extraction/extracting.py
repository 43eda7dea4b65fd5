"""Model and dataset in, FeatureSet out: one pass over the data."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn
from tqdm.auto import tqdm

from tsne_widget.errors import InvalidInputError
from tsne_widget.extraction.batches import Batch, Indexed, Source, as_source, dataset_of
from tsne_widget.extraction.capture import Call, device_of, evaluating, placed, same_random_state
from tsne_widget.extraction.described import check_targets, class_names_of, paths_of
from tsne_widget.extraction.forms import as_codes
from tsne_widget.extraction.forward import ForwardPass, Outputs, parameter_names
from tsne_widget.extraction.gathering import Gathered, Rows, only_finite
from tsne_widget.extraction.layers import beneath_wrappers, find_layer
from tsne_widget.extraction.pooling import Pool, Select, check_pool
from tsne_widget.feature_set import MAX_UNNAMED_CLASSES, FeatureSet

Progress = bool | Callable[[int, int | None], None]


def extract(
    model: nn.Module,
    data: Any,
    layer: str | None = None,
    *,
    batch_size: int = 64,
    device: str | torch.device | None = None,
    num_workers: int = 0,
    pool: Pool = "auto",
    class_names: Sequence[str] | None = None,
    on_error: str = "raise",
    on_nonfinite: str = "raise",
    call: Call = None,
    select: Select = None,
    progress: Progress = True,
) -> FeatureSet:
    """Features, labels, logits and ids of every sample, from a single pass of the model.

    The model runs in eval mode without gradients and is left as it was: training flags, BatchNorm
    statistics, hooks, device and the random generators, also after an error or an interrupt.

    Parameters
    ----------
    model : torch.nn.Module
        A trained classifier. DataParallel and torch.compile wrappers are looked through.
    data : Dataset, DataLoader, IterableDataset, tensor, array, or (x, y)
        Samples or batches may be a tensor, ``(x, y, …)``, a named tuple, or a dictionary with an
        image key (image, images, pixel_values, img, x, input, inputs) and a label key (label,
        labels, target, targets, y, class). Other entries of a dictionary are passed to the model if
        its ``forward`` has a parameter of that name. A DataLoader brings its own batch size,
        workers and ``collate_fn``; the samples that its sampler draws are read in dataset order.
    layer : str, optional
        Dotted name of the module whose output is wanted; "name:input" for what goes into it;
        "output[1]" for an item of the model's own output. Default: ``output[1]`` if the model
        returns two matrices of different width (output, features), otherwise what goes into the
        last Linear that ran, as wide as the logits if there is such a one.
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
    progress : bool or callable
        True shows a tqdm bar; a callable gets ``(done, total)`` in samples, total None if unknown.

    Returns
    -------
    FeatureSet
        n rows in dataset order. ``ids`` index ``data`` (or the loader's dataset); for a stream they
        count arrivals. ``logits`` and ``predictions`` are None if the model gives no (n, c) output;
        the single logit z of a binary classifier becomes the two columns [0, z], and a logit of
        minus infinity the lowest float32. ``images`` is None.

    Raises
    ------
    InvalidInputError
        For an argument that cannot be used, an empty dataset, or labels that are no class codes.
    LayerNotFoundError
        If the layer is not in the model, or no Linear ran and ``layer`` is None.
    ExtractionError
        If the model or the dataset fails, or features are not finite.

    Examples
    --------
    >>> import torch
    >>> model = torch.nn.Sequential(torch.nn.Linear(8, 5), torch.nn.ReLU(), torch.nn.Linear(5, 3))
    >>> extract(model, (torch.randn(10, 8), torch.arange(10) % 3), progress=False)
    FeatureSet(n=10, d=5, classes=3, labels, predictions, logits, ids 0…9, layer='2:input')
    """
    _check_arguments(model, batch_size, num_workers, pool, call, on_error, on_nonfinite)
    names = _checked_names(class_names)
    model = beneath_wrappers(model)
    wanted = None if layer is None else find_layer(model, layer)
    _check_has_weights(model)
    target = None if device is None else _as_device(device)
    runs_on = target or device_of(model)
    source = as_source(data, batch_size, num_workers, pin_memory=runs_on.type == "cuda")
    dataset = dataset_of(data)
    if names is None:
        names = class_names_of(dataset)
    check_targets(dataset, names)

    forward = ForwardPass(model, [wanted], pool, select, call)
    gathered = Gathered()
    naming = _Naming(names, given=class_names is not None)
    with ExitStack() as stack:
        advance = stack.enter_context(_shown(progress, source.count))
        stack.enter_context(same_random_state(runs_on))
        stack.enter_context(placed(model, target))
        stack.enter_context(evaluating(model))
        batches = stack.enter_context(
            closing(_batches(source, model, skip_errors=on_error == "skip"))
        )
        for batch, outputs in _run(forward, batches):
            rows = _as_rows(batch, outputs, naming)
            if outputs is not None:
                rows = only_finite(rows, forward.names(), drop=on_nonfinite == "drop")
            gathered.add(rows)
            advance(len(batch.ids) + len(batch.skipped))
    return _record(gathered, forward, naming, dataset)[0]


def _batches(
    source: Source, model: nn.Module, *, skip_errors: bool
) -> Generator[Batch, None, None]:
    keywords = parameter_names(model)
    if not isinstance(source, Indexed):
        yield from source.batches(keywords)
        return
    size = source.loading.batch_size
    groups = [source.ids[start : start + size] for start in range(0, len(source.ids), size)]
    yield from source.batches(groups, keywords, skip_errors=skip_errors)


def _run(forward: ForwardPass, batches: Iterator[Batch]) -> Iterator[tuple[Batch, Outputs | None]]:
    """Each batch with its outputs, None for a batch whose every sample was skipped."""
    for batch in batches:
        if batch.inputs is not None:
            yield batch, forward.first(batch.inputs, batch.ids)
            break
        yield batch, None
    if not forward.layers:
        return
    with forward.reading() as seen:
        for batch in batches:
            if batch.inputs is None:
                yield batch, None
            else:
                yield batch, forward.further(batch.inputs, batch.ids, seen)


class _Naming:
    """Which class names hold, once the width of the logits is known."""

    def __init__(self, names: tuple[str, ...] | None, *, given: bool) -> None:
        self.names = names
        self.given = given
        self.keeps_logits: bool | None = None

    def meet(self, width: int) -> bool:
        """Whether logits of this width are kept; decided at the first batch.

        Raises
        ------
        InvalidInputError
            If the caller's class names are fewer than the logits.
        """
        if self.keeps_logits is not None:
            return self.keeps_logits
        self.keeps_logits = True
        if self.names is None:
            if width <= MAX_UNNAMED_CLASSES:
                self.names = tuple(str(code) for code in range(width))
            else:
                self._leave_out(f"the model gives {width} outputs without class names")
        elif width > len(self.names):
            said = f"the model gives {width} outputs, but class_names has {len(self.names)}"
            if self.given:
                raise InvalidInputError(f"{said}; name each output")
            self._leave_out(f"{said} (from the dataset's classes)")
        return self.keeps_logits

    def _leave_out(self, reason: str) -> None:
        self.keeps_logits = False
        warnings.warn(
            f"{reason}: predictions are left out; pass class_names for all outputs to keep them",
            stacklevel=5,
        )


def _as_rows(batch: Batch, outputs: Outputs | None, naming: _Naming) -> Rows:
    ids = np.asarray(batch.ids, dtype=np.int64)
    skipped = tuple(batch.skipped)
    if outputs is None:
        return Rows(ids, (), None, None, skipped)
    logits = outputs.logits
    if logits is not None and not naming.meet(logits.shape[1]):
        logits = None
    labels = batch.labels
    if isinstance(labels, (list, tuple)) and all(label is None for label in labels):
        labels = None
    codes = None if labels is None else as_codes(labels, batch.ids, naming.names)
    return Rows(ids, outputs.features, codes, logits, skipped)


def _record(
    gathered: Gathered, forward: ForwardPass, naming: _Naming, dataset: Any
) -> list[FeatureSet]:
    if gathered.seen == 0:
        raise InvalidInputError("data is empty: there is no sample to extract features of")
    rows = gathered.whole()
    paths = paths_of(dataset, rows.ids.tolist())
    return [
        FeatureSet(
            features=features,
            labels=rows.labels,
            logits=rows.logits,
            class_names=naming.names or (),
            ids=rows.ids,
            paths=paths,
            layer=name,
            skipped=rows.skipped,
        )
        for features, name in zip(rows.features, forward.names(), strict=True)
    ]


@contextmanager
def _shown(progress: Progress, total: int | None) -> Iterator[Callable[[int], object]]:
    """A function to tell of further samples that are done."""
    if callable(progress):
        done = 0

        def tell(more: int) -> None:
            nonlocal done
            done += more
            progress(done, total)

        yield tell
        return
    bar = tqdm(
        total=total, desc="Extracting features", unit=" images", disable=not progress, leave=True
    )
    with bar:
        yield bar.update


def _check_arguments(
    model: Any,
    batch_size: Any,
    num_workers: Any,
    pool: Pool,
    call: Call,
    on_error: str,
    on_nonfinite: str,
) -> None:
    if not isinstance(model, nn.Module):
        raise InvalidInputError(f"model must be a torch.nn.Module, got {type(model).__name__}")
    for name, value, lowest in (("batch_size", batch_size, 1), ("num_workers", num_workers, 0)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < lowest:
            raise InvalidInputError(f"{name}={value!r} must be a whole number of at least {lowest}")
    check_pool(pool)
    if (
        call is not None
        and call not in ("first", "last")
        and not (isinstance(call, int) and not isinstance(call, bool) and call >= 0)
    ):
        raise InvalidInputError(
            f"call={call!r} must be 'first', 'last' or the number of the call from 0"
        )
    for name, word, words in (
        ("on_error", on_error, ("raise", "skip")),
        ("on_nonfinite", on_nonfinite, ("raise", "drop")),
    ):
        if word not in words:
            raise InvalidInputError(f"{name}={word!r} must be {words[0]!r} or {words[1]!r}")


def _checked_names(class_names: Sequence[str] | None) -> tuple[str, ...] | None:
    if class_names is None:
        return None
    if isinstance(class_names, str):
        raise InvalidInputError(
            f"class_names={class_names!r} must be a sequence of names, not one string"
        )
    names = tuple(str(name) for name in class_names)
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InvalidInputError(f"class_names must differ, but {twice!r} stands more than once")
    return names


def _check_has_weights(model: nn.Module) -> None:
    tensors = list(model.parameters())
    if tensors and all(tensor.is_meta for tensor in tensors):
        raise InvalidInputError(
            "model is on the meta device and has no weights; load them, "
            "for example model.to_empty(device='cpu') and load_state_dict"
        )


def _as_device(device: str | torch.device) -> torch.device:
    try:
        found = torch.device(device)
        torch.empty(0, device=found)
    except (RuntimeError, AssertionError, TypeError) as error:
        raise InvalidInputError(
            f"device={device!r} cannot be used: {error}; pass device='cpu'"
        ) from error
    return found
