"""The columns of Arrow tables, such as that of a dataset of Hugging Face."""

from __future__ import annotations

from typing import Any

import numpy as np

from tsne_widget.extraction.store.columns import Column
from tsne_widget.extraction.store.digests import MAX_ARRAY_BYTES

_SCALAR_TYPES = ("int", "uint", "bool", "string", "large_string", "float", "double")


def table_columns(name: str, table: Any, attribute: str) -> list[Column]:
    """The columns of a table: numbers and texts as lists, others as the bytes of their buffers."""
    return [
        _column(f"{name}[{key!r}]", table, number, attribute)
        for number, key in enumerate(table.column_names)
    ]


def _column(name: str, table: Any, number: int, attribute: str) -> Column:
    field, chunks = table.schema.field(number), table.column(number)

    def put(values: Any) -> Any:
        import pyarrow

        array = pyarrow.array(values, field.type)
        return table.set_column(number, field, pyarrow.chunked_array([array]))

    if str(field.type).startswith(_SCALAR_TYPES):
        return Column(name, chunks.to_pylist(), attribute, put)
    return Column(name, _buffers(chunks), attribute, put)


def _buffers(chunks: Any) -> list[Any]:
    """The bytes of a column; of a column that is too large, evenly spread chunks."""
    step = max(1, -(-chunks.nbytes // MAX_ARRAY_BYTES))
    return [
        np.frombuffer(buffer, np.uint8)
        for chunk in chunks.chunks[::step]
        for buffer in chunk.buffers()
        if buffer is not None
    ]
