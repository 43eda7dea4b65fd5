"""Whether the workers of a loader share a stream, or each of them reads the whole of it."""

from __future__ import annotations

import functools
import types
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from tsne_widget.extraction.data.fields import Inputs

# Code that mentions one of these asks which worker it runs in.
_ASKS = {
    "get_worker_info",
    "pytorch_worker_info",
    "worker_info",
    "_worker_info",
    "apply_sharding",
    "split_by_worker",
}
_MAX_OBJECTS = 500  # visited in a dataset; some objects have every attribute, without end
_MAX_ITEMS = 20  # visited in a list
_PLAIN = (str, bytes, int, float, complex, bool, type(None), Tensor, torch.nn.Module)
_LIBRARIES = ("torch", "numpy", "pandas", "PIL", "builtins", "collections", "itertools", "typing")
# Values of each row that are compared, and rows that are remembered.
_COMPARED_VALUES = 256
MAX_ROWS = 200_000
# With w workers that read everything, a share of 1 − 1/w of the rows repeats, up to this tolerance.
TOLERANCE = 0.05
MIN_ROWS = 8


def shares_workers(dataset: Any, worker_init_fn: Any = None) -> bool:
    """Whether the code of a stream asks which worker it runs in, or may be told by a function.

    Parameters
    ----------
    dataset : IterableDataset
        Its class, the objects it holds and the functions these call are searched.
    worker_init_fn : callable or None
        The loader's; it can give each worker its share.
    """
    if worker_init_fn is not None:
        return True
    waiting: list[Any] = [dataset]
    seen: set[int] = set()
    while waiting and len(seen) < _MAX_OBJECTS:
        value = waiting.pop(0)
        if isinstance(value, _PLAIN) or id(value) in seen:
            continue
        seen.add(id(value))
        if hasattr(type(value), "apply_sharding") or _ASKS & _mentioned(value):
            return True
        waiting.extend(_parts(value))
    return False


def in_one_worker(loader: DataLoader[Any]) -> DataLoader[Any]:
    """The same loader of a stream with one worker."""
    return DataLoader(
        loader.dataset,
        batch_size=loader.batch_size,
        drop_last=loader.drop_last,
        collate_fn=loader.collate_fn,
        num_workers=1,
        pin_memory=loader.pin_memory,
        timeout=loader.timeout,
        multiprocessing_context=loader.multiprocessing_context,
        generator=loader.generator,
        prefetch_factor=loader.prefetch_factor,
    )


class RepeatedRows:
    """Counts rows that arrived before, bit for bit.

    Parameters
    ----------
    workers : int
        Workers of the loader; fewer than 2 count nothing.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._seen: set[bytes] = set()
        self._rows = 0

    def add(self, inputs: Inputs) -> None:
        """Count the rows of a batch; evenly spread values of each row are compared."""
        if self.workers < 2 or self._rows >= MAX_ROWS:
            return
        flat = inputs.tensors[0].detach().reshape(len(inputs), -1)
        step = -(-flat.shape[1] // _COMPARED_VALUES)
        rows = flat[:, :: max(1, step)].cpu().contiguous().view(torch.uint8).numpy()
        self._seen.update(row.tobytes() for row in rows)
        self._rows += len(rows)

    @property
    def note(self) -> str:
        """A sentence if each worker seems to read the whole stream; otherwise ""."""
        if self.workers < 2:
            return ""
        repeated = self._rows - len(self._seen)
        expected = (1 - 1 / self.workers) * self._rows
        if self._rows < MIN_ROWS or abs(repeated - expected) > TOLERANCE * self._rows:
            return ""
        return (
            f"{repeated} of {self._rows} rows repeat an earlier one bit for bit: each of the "
            f"{self.workers} workers probably reads the whole stream; share it by "
            "torch.utils.data.get_worker_info() in its __iter__, or pass num_workers=1"
        )


def _mentioned(value: Any) -> set[str]:
    """The names in the code of a function, or of the methods of an object's class."""
    own = {getattr(value, "__name__", "")} if callable(value) else set()
    return own | {name for code in _codes(value) for name in _names(code)}


def _codes(value: Any) -> Iterator[types.CodeType]:
    for function in _functions(value):
        code = getattr(function, "__code__", None) or getattr(function, "gi_code", None)
        if isinstance(code, types.CodeType):
            yield code


def _functions(value: Any) -> Iterator[Any]:
    """The functions that a value consists of: itself, or the methods of its class."""
    if isinstance(value, (types.FunctionType, types.GeneratorType)):
        yield value
    elif isinstance(value, types.MethodType):
        yield value.__func__
    else:
        kinds = value.__mro__ if isinstance(value, type) else type(value).__mro__
        for kind in kinds:
            if not _is_library(kind.__module__):
                for member in vars(kind).values():
                    function = getattr(member, "__func__", None) or getattr(member, "fget", member)
                    function = getattr(function, "__wrapped__", function)
                    if isinstance(function, types.FunctionType):
                        yield function


def _parts(value: Any) -> list[Any]:
    """What a value holds or calls: items, attributes, closures, and functions by name."""
    if isinstance(value, dict):
        return list(value.values())[:_MAX_ITEMS]
    if isinstance(value, (list, tuple)):
        plain = bool(value) and isinstance(value[0], _PLAIN)
        return [] if plain else list(value[:_MAX_ITEMS])
    if isinstance(value, functools.partial):
        return [value.func, *value.args, *value.keywords.values()]
    parts: list[Any] = []
    if not isinstance(value, (type, types.FunctionType, types.ModuleType)):
        parts += getattr(value, "__dict__", {}).values()
    if isinstance(value, types.MethodType):
        parts.append(value.__self__)
    for function in _functions(value):
        names = {name for code in _codes(function) for name in _names(code)}
        parts += _named(names, getattr(function, "__globals__", {}))
        for cell in getattr(function, "__closure__", None) or ():
            try:
                parts.append(cell.cell_contents)
            except ValueError:  # not filled yet
                continue
    return parts


def _named(names: set[str], known: Mapping[str, Any]) -> list[Any]:
    """The functions and classes that code names, also as attributes of a module."""
    found = [known[name] for name in sorted(names & known.keys())]
    for module in [value for value in found if isinstance(value, types.ModuleType)]:
        if not _is_library(module.__name__):
            found += [vars(module)[name] for name in sorted(names & vars(module).keys())]
    return [
        value
        for value in found
        if isinstance(value, (types.FunctionType, type, functools.partial))
        and not _is_library(getattr(value, "__module__", ""))
    ]


def _names(code: types.CodeType) -> set[str]:
    names = {*code.co_names, *code.co_freevars}
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names |= _names(constant)
    return names


def _is_library(module: str | None) -> bool:
    return (module or "builtins").partition(".")[0] in _LIBRARIES
