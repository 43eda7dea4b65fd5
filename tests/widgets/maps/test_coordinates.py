"""Coordinates that a projector returns: from any library, and checked."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch

from tsne_widget import EmbeddingExplorer, FeatureSet, InvalidInputError
from tsne_widget._tensors import to_numpy

N = 12
XY = np.arange(2.0 * N).reshape(N, 2).astype(np.float32)


class Projector:
    """Returns what it is given."""

    def __init__(self, result):
        self.result = result

    def fit_transform(self, features):
        return self.result


class OnCard:
    """An array as cupy has it: numpy refuses it, get() copies it."""

    __cuda_array_interface__ = {"version": 3}

    def __array__(self, dtype=None, copy=None):
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Please use `.get()`")

    def get(self):
        return XY


class Lazy:
    """An array as jax and dask have it: numpy can read it."""

    def __array__(self, dtype=None, copy=None):
        return XY


class OnDevice(torch.Tensor):
    """A tensor that numpy can read only after cpu()."""

    moved = False

    def __array__(self, dtype=None):
        if not self.moved:
            raise TypeError("can't convert cuda:0 device type tensor to numpy.")
        return XY

    def detach(self):
        return self

    def cpu(self):
        self.moved = True
        return self


GRADIENTS = torch.tensor(XY, requires_grad=True)


@pytest.mark.parametrize(
    "result",
    [
        pytest.param(GRADIENTS * 1, id="with gradients"),
        pytest.param(GRADIENTS.to(torch.bfloat16), id="bfloat16"),
        pytest.param(torch.tensor(XY).to_sparse(), id="sparse tensor"),
        pytest.param(torch.tensor(XY).as_subclass(OnDevice), id="on a card"),
        pytest.param(OnCard(), id="cupy"),
        pytest.param(Lazy(), id="jax"),
        pytest.param(scipy.sparse.csr_matrix(XY), id="sparse matrix"),
        pytest.param(scipy.sparse.coo_array(XY), id="sparse array"),
        pytest.param(pd.DataFrame(XY), id="frame"),
        pytest.param(pd.DataFrame(XY)[::-1], id="frame in another order"),
        pytest.param(XY.tolist(), id="list"),
        pytest.param(list(GRADIENTS), id="list of tensors"),
        pytest.param([(a, b) for a, b in GRADIENTS], id="pairs of tensors"),
        pytest.param(XY.view(np.matrix), id="matrix"),
        pytest.param(XY.astype(int), id="integers"),
    ],
)
def test_the_result_of_a_projector_is_read(result):
    with EmbeddingExplorer(FeatureSet(np.eye(N)), projector=Projector(result)) as explorer:
        np.testing.assert_allclose(explorer.wait(30).embedding, XY, rtol=0.01)
        assert explorer.embedding.dtype == np.float32


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (None, r"must be an \(12, 2\) array, got None of shape"),
        (XY[:, :1], r"shape \(12, 2\), got \(12, 1\); .*n_components=2"),
        (np.eye(N), r"shape \(12, 2\), got \(12, 12\); .*n_components=2"),
        (XY[1:], r"shape \(12, 2\), got \(11, 2\)"),
        (XY.T, r"shape \(12, 2\), got \(2, 12\)"),
        ((XY, [1, 2, 3]), "a tuple, which cannot be read as an"),
        (np.where(XY == 4, np.nan, XY), "NaN or infinite values in 1 of 12 rows"),
        (np.ma.masked_equal(XY, 4), "NaN or infinite values in 1 of 12 rows"),
        (XY.astype(float) * 1e300, "NaN or infinite values in 12 of 12 rows"),
        (XY.astype(str), "must be numbers"),
        (XY * 1j, "must be numbers, got dtype complex"),
        (pd.DataFrame(XY, np.arange(N) + 1), "by its index, which lacks 1 of 12 ids"),
        (Projector(XY), "a Projector of shape"),
    ],
)
def test_a_wrong_result_names_the_projector(result, message):
    said = rf"result of Projector\.fit_transform.*{message}"
    with EmbeddingExplorer(FeatureSet(np.eye(N)), projector=Projector(result)) as explorer:
        with pytest.raises(InvalidInputError, match=said):
            explorer.wait(30)
        assert "Projector.fit_transform" in explorer.message
        assert explorer.state.fit.condition == "failed"


def test_given_coordinates_may_be_a_tensor_with_gradients():
    with EmbeddingExplorer(FeatureSet(np.eye(N)), embedding=GRADIENTS) as explorer:
        assert explorer.embedding.tolist() == XY.tolist()


def test_columns_may_be_tensors_with_gradients():
    columns = {"age": GRADIENTS[:, 0]}
    with EmbeddingExplorer(FeatureSet(np.eye(N)), embedding=XY, columns=columns) as explorer:
        assert explorer.to_dataframe("all")["age"].tolist() == XY[:, 0].tolist()


def test_masked_values_become_nan():
    np.testing.assert_equal(to_numpy(np.ma.masked_equal([1, 2], 2)), [1, np.nan])
