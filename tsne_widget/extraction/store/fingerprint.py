"""Hashes of everything that features depend on, so that stored features match their inputs."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tsne_widget._datasets import paths_of, wrapped_datasets

# Number of files whose size and time are read; larger datasets are sampled evenly.
MAX_FILES = 50_000
# Bytes of an array in memory that are hashed (0.1 s); larger arrays are sampled evenly.
MAX_ARRAY_BYTES = 2**28
# Bytes hashed at a time.
PIECE_BYTES = 2**20

_ODD_NUMBERS = np.random.default_rng(0).integers(0, 2**63, PIECE_BYTES // 8, np.uint64) * 2 + 1

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_ARRAY_ATTRIBUTES = ("tensors", "arrays", "data", "targets", "labels", "indices")


def key_of(parts: Mapping[str, str]) -> str:
    """The SHA-256 of a fingerprint's parts, as 64 hexadecimal digits."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def weights_part(model: nn.Module) -> str:
    """Hash of every bit of every parameter and buffer."""
    digest = hashlib.sha256()
    tensors = (*model.named_parameters(), *model.named_buffers())
    for name, tensor in sorted(tensors, key=lambda item: item[0]):
        digest.update(name.encode())
        _add(digest, tensor, most=None)
    return digest.hexdigest()


def model_part(model: nn.Module) -> str:
    """Hash of the architecture: modules, their settings and the code of their ``forward``."""
    digest = hashlib.sha256(_ADDRESS.sub("", repr(model)).encode())
    for kind in sorted({type(module) for module in model.modules()}, key=_name):
        digest.update(_name(kind).encode())
        if not kind.__module__.startswith("torch."):
            digest.update(option_text(kind.forward).encode())
    return digest.hexdigest()


def dataset_part(dataset: Any, ids: Sequence[int], key: str | None) -> str:
    """Hash of the dataset: ids, size and time of files, arrays in memory, and three samples.

    Samples that change between reads (random augmentation) are not part of the hash.

    Parameters
    ----------
    dataset : object with ``__getitem__``
    ids : sequence of int
        The samples that are read.
    key : str or None
        The caller's name for this content; it replaces everything except the ids.
    """
    digest = hashlib.sha256(np.asarray(ids, dtype=np.int64).tobytes())
    if key is not None:
        digest.update(f"key {key}".encode())
        return digest.hexdigest()
    digest.update(f"{_name(type(dataset))} {len(dataset)}".encode())
    for holder in wrapped_datasets(dataset):
        for attribute in ("transform", "transforms", "target_transform"):
            digest.update(_ADDRESS.sub("", repr(getattr(holder, attribute, None))).encode())
        for attribute in _ARRAY_ATTRIBUTES:
            value = getattr(holder, attribute, None)
            if isinstance(value, (Tensor, np.ndarray, tuple, list)):
                _add(digest, value)
    _add_files(digest, paths_of(dataset, ids) or ())
    _add_samples(digest, dataset, ids)
    return digest.hexdigest()


def option_text(value: Any) -> str:
    """A text that is equal for equal options in any process; functions are given by their code."""
    code = getattr(value, "__code__", None)
    if code is None:
        return _ADDRESS.sub("", repr(value))
    constants = _ADDRESS.sub("", repr(code.co_consts))
    inner = [code_text(constant) for constant in code.co_consts if hasattr(constant, "co_code")]
    return f"{value.__qualname__} {code.co_code.hex()} {code.co_names} {constants} {inner}"


def code_text(code: Any) -> str:
    """The instructions of a function inside another function."""
    return f"{code.co_code.hex()} {code.co_names}"


def _add_files(digest: Any, paths: Sequence[str]) -> None:
    digest.update(json.dumps(list(paths), ensure_ascii=True).encode())
    step = max(1, -(-len(paths) // MAX_FILES))
    for path in paths[::step]:
        try:
            status = os.stat(path)  # noqa: PTH116 - a Path per file would double the time
        except OSError as error:
            digest.update(f"{type(error).__name__}".encode())
        else:
            digest.update(f"{status.st_size} {status.st_mtime_ns}".encode())


def _add_samples(digest: Any, dataset: Any, ids: Sequence[int]) -> None:
    chosen = sorted({ids[0], ids[len(ids) // 2], ids[-1]}) if len(ids) else []
    samples = [_hash_of_sample(dataset, id_) for id_ in chosen]
    if chosen and _hash_of_sample(dataset, chosen[0]) == samples[0]:
        digest.update("".join(samples).encode())


def _hash_of_sample(dataset: Any, id_: int) -> str:
    digest = hashlib.sha256()
    try:
        _add(digest, dataset[id_])
    except Exception as error:  # unreadable samples are an error of the run itself
        digest.update(type(error).__name__.encode())
    return digest.hexdigest()


def _add(digest: Any, value: Any, most: int | None = MAX_ARRAY_BYTES) -> None:
    """Add a value of any nesting to the hash; only ``most`` bytes of larger arrays."""
    if isinstance(value, Tensor):
        if value.layout != torch.strided or value.is_nested or value.is_quantized:
            digest.update(_ADDRESS.sub("", repr(value)).encode())
            return
        digest.update(f"{value.dtype} {tuple(value.shape)}".encode())
        flat = value.detach().cpu().contiguous().reshape(-1)
        _add_bytes(digest, flat.view(torch.uint8).numpy(), most)
    elif isinstance(value, np.ndarray) and value.dtype != object:
        digest.update(f"{value.dtype} {value.shape}".encode())
        _add_bytes(digest, np.ascontiguousarray(value).reshape(-1).view(np.uint8), most)
    elif isinstance(value, Mapping):
        _add_all(digest, value.items())
    elif isinstance(value, (tuple, list)) and value and isinstance(value[0], (int, float)):
        digest.update(repr(value).encode())  # a million targets at once
    elif isinstance(value, (tuple, list, np.ndarray)):
        _add_all(digest, value)
    elif isinstance(value, (str, bytes, int, float, complex, np.generic, type(None))):
        digest.update(f"{type(value).__name__} {value!r}".encode("utf-8", "surrogatepass"))
    else:
        digest.update(_name(type(value)).encode())


def _add_all(digest: Any, values: Iterable[Any]) -> None:
    for number, value in enumerate(values):
        digest.update(f"[{number}]".encode())
        _add(digest, value)


def _add_bytes(digest: Any, data: NDArray[np.uint8], most: int | None) -> None:
    """Add bytes to the hash; more than ``most`` bytes are sampled in evenly spread pieces.

    Weights (``most`` is None) are hashed by SHA-256 in several threads. Data may be much larger, so
    a faster hash is used: the dot product of each piece with fixed odd numbers modulo 2⁶⁴, which
    any single change alters.
    """
    if len(data) <= PIECE_BYTES:
        digest.update(data)
        return
    starts = np.arange(0, len(data), PIECE_BYTES)
    if most is None:
        with ThreadPoolExecutor() as pool:  # hashing releases the GIL
            pieces = (data[start : start + PIECE_BYTES] for start in starts)
            for piece in pool.map(_sha256, pieces):
                digest.update(piece)
        return
    if len(data) > most:
        starts = np.linspace(0, len(data) - PIECE_BYTES, most // PIECE_BYTES).astype(int) // 8 * 8
    for start in starts:
        whole = data[start : start + PIECE_BYTES]
        if len(whole) == PIECE_BYTES:
            digest.update(np.dot(whole.view(np.uint64), _ODD_NUMBERS).tobytes())
        else:
            digest.update(whole)


def _sha256(data: NDArray[np.uint8]) -> bytes:
    return hashlib.sha256(data.data).digest()


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"
