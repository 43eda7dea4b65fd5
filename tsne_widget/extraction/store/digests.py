"""Hashes of values of any kind: arrays, nested containers, pictures, options and functions."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from types import CodeType, FunctionType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL.Image import Image
from torch import Tensor

# Bytes of an array in memory that are hashed (0.3 s); larger arrays are sampled evenly.
MAX_ARRAY_BYTES = 2**30
# Bytes hashed at a time.
PIECE_BYTES = 2**20
MAX_NESTING = 6  # containers and objects inside one another; deeper ones are likely a cycle

_ODD_NUMBERS = np.random.default_rng(0).integers(0, 2**63, PIECE_BYTES // 8, np.uint64) * 2 + 1
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_SCALARS = (str, bytes, int, float, complex, np.generic, type(None))


def name_of(kind: type) -> str:
    """Module and qualified name of a class."""
    return f"{kind.__module__}.{kind.__qualname__}"


def stable_text(value: Any) -> str:
    """The repr without addresses, which differ between processes."""
    return _ADDRESS.sub("", repr(value))


def digest_of(value: Any) -> str:
    """Hash of a value, as hexadecimal digits; see :func:`add_value`."""
    digest = hashlib.sha256()
    add_value(digest, value)
    return digest.hexdigest()


def option_text(value: Any) -> str:
    """A text that is equal for equal options in any process; functions are given by their code."""
    code = getattr(value, "__code__", None)
    if code is None:
        return stable_text(value)
    return f"{value.__qualname__} {_code_text(code)}"


def _code_text(code: Any) -> str:
    """Instructions, names and constants, those of inner functions included."""
    constants = [
        _code_text(constant)
        if isinstance(constant, CodeType)
        else str(sorted(map(repr, constant)))  # the order of a set differs between processes
        if isinstance(constant, frozenset)
        else stable_text(constant)
        for constant in code.co_consts
    ]
    return f"{code.co_code.hex()} {code.co_names} {constants}"


def function_state(function: Any) -> str:
    """Hash of a function's code, its defaults, and the values of its closure and globals."""
    digest = hashlib.sha256(option_text(function).encode("utf-8", "surrogatepass"))
    if isinstance(function, FunctionType):
        add_object(digest, function.__defaults__)
        for cell in function.__closure__ or ():
            try:
                add_object(digest, cell.cell_contents)
            except ValueError:  # the cell is empty
                continue
        for name in function.__code__.co_names:
            value = function.__globals__.get(name)
            if isinstance(value, (Tensor, np.ndarray, dict, list, tuple, set, *_SCALARS)):
                add_object(digest, value)
    return digest.hexdigest()


def add_object(digest: Any, value: Any, nesting: int = MAX_NESTING) -> None:
    """Add a value to the hash as :func:`add_value` does, and objects by their attributes."""
    if nesting == 0:
        digest.update(name_of(type(value)).encode())
    elif isinstance(value, FunctionType):
        digest.update(option_text(value).encode("utf-8", "surrogatepass"))
    elif isinstance(value, (set, frozenset)):
        digest.update(repr(sorted(map(repr, value))).encode("utf-8", "surrogatepass"))
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            digest.update(stable_text(key).encode("utf-8", "surrogatepass"))
            add_object(digest, inner, nesting - 1)
    elif isinstance(value, (tuple, list)) and value and not isinstance(value[0], _SCALARS):
        for inner in value:
            add_object(digest, inner, nesting - 1)
    elif _is_pandas(value):
        add_value(digest, value)
    elif isinstance(getattr(value, "__dict__", None), dict) and not isinstance(value, Tensor):
        digest.update(name_of(type(value)).encode())
        add_object(digest, vars(value), nesting - 1)
    else:
        add_value(digest, value)


def add_value(digest: Any, value: Any, most: int | None = MAX_ARRAY_BYTES) -> None:
    """Add a value of any nesting to the hash; only ``most`` bytes of larger arrays."""
    if isinstance(value, Tensor):
        if value.layout != torch.strided or value.is_nested or value.is_quantized:
            digest.update(stable_text(value).encode())
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
    elif isinstance(value, (tuple, list)):
        _add_all(digest, value)
    elif isinstance(value, np.ndarray):
        add_value(digest, value.tolist(), most)
    elif isinstance(value, _SCALARS):
        digest.update(f"{type(value).__name__} {value!r}".encode("utf-8", "surrogatepass"))
    elif isinstance(value, Image):
        digest.update(f"{value.mode} {value.size}".encode())
        digest.update(value.tobytes())
    elif _is_pandas(value):
        digest.update(repr(list(getattr(value, "columns", ()))).encode("utf-8", "surrogatepass"))
        add_value(digest, value.to_numpy())
    elif hasattr(value, "__fspath__"):
        digest.update(repr(value).encode("utf-8", "surrogatepass"))
    else:
        digest.update(name_of(type(value)).encode())


def _is_pandas(value: Any) -> bool:
    """Whether a value is a pandas object; some other objects have every attribute."""
    return type(value).__module__.startswith("pandas.") and hasattr(value, "to_numpy")


def _add_all(digest: Any, values: Iterable[Any]) -> None:
    if isinstance(values, (list, tuple)) and set(map(type, values)) == {str}:
        digest.update(json.dumps(values).encode())  # a million paths at once
        return
    for number, value in enumerate(values):
        digest.update(f"[{number}]".encode())
        add_value(digest, value)


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
