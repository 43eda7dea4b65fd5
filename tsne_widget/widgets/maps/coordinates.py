"""What a projector returns, as coordinates of a map."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsne_widget._by_index import is_pandas
from tsne_widget._tensors import to_numpy
from tsne_widget._validation import as_embedding
from tsne_widget.errors import InvalidInputError


def as_coordinates(result: Any, n: int, projector: Any) -> NDArray[np.float32]:
    """(n, 2) float32 coordinates, finite, from what ``projector.fit_transform`` returned.

    Parameters
    ----------
    result : (n, 2) array, tensor, sparse matrix, DataFrame or list
        Of any library and on any device. A DataFrame is read by its index of row numbers.
    n : int
        Number of samples.
    projector : object
        It is named in the error message.

    Raises
    ------
    InvalidInputError
        If the shape or dtype is wrong, or a value is NaN or infinite.
    """
    name = f"the result of {type(projector).__name__}.fit_transform"
    try:
        values = result if is_pandas(result) else to_numpy(result)
    except Exception as error:  # lists of uneven rows, arrays that refuse to be converted
        raise InvalidInputError(
            f"{name} is {_kind(result)}, which cannot be read as an (n, 2) array: {error}"
        ) from error
    if getattr(values, "ndim", 0) != 2:
        raise InvalidInputError(
            f"{name} must be an ({n}, 2) array, got {_kind(result)} of shape "
            f"{getattr(values, 'shape', ())}"
        )
    if values.shape[1] != 2:
        raise InvalidInputError(
            f"{name} must have shape ({n}, 2), got {tuple(values.shape)}; "
            "a map has two dimensions, for most projectors n_components=2"
        )
    return as_embedding(values, n, name)


def _kind(result: object) -> str:
    return "None" if result is None else f"a {type(result).__name__}"
