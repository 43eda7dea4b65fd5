"""Arrays and tables give the same rows, or the error says what to pass.

h5py is not required: classes of its structure stand in.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from tests.extraction.nets import Pictures
from tests.extraction.samples import MODEL, NAMES, PLAIN, X, Y
from tests.extraction.samples import assert_near_plain as assert_plain
from tests.extraction.samples import run_on as run
from tsne_widget import EmbeddingExplorer, InvalidInputError, extract
from tsne_widget.errors import DoubtWarning


class FileArray:
    """Like h5py.Dataset: read by index or slice, and no numpy array."""

    def __init__(self, values):
        self._values = np.asarray(values)
        self.reads = 0

    shape = property(lambda self: self._values.shape)
    dtype = property(lambda self: self._values.dtype)
    ndim = property(lambda self: self._values.ndim)

    def __len__(self):
        return len(self._values)

    def __getitem__(self, key):
        self.reads += 1
        return self._values[key]


class FileGroup:
    """Like h5py.File: arrays by name, and no dict."""

    def __init__(self, **arrays):
        self._arrays = {name: FileArray(values) for name, values in arrays.items()}

    def keys(self):
        return self._arrays.keys()

    def __len__(self):
        return len(self._arrays)

    def __getitem__(self, name):
        return self._arrays[name]


FileGroup.__module__ = "h5py._hl.files"


# Arrays


@pytest.mark.parametrize("names", [("image", "label"), ("X", "y"), ("img", "fine_label")])
def test_a_dictionary_of_arrays_is_data(names):
    image, label = names
    assert_plain(run({image: X, label: Y}))
    assert_plain(run({image: X.numpy(), label: Y.tolist()}))
    assert_plain(run({image: X}), labels=False)
    assert_plain(run({"photo": X, "kind": Y}, image="photo", label="kind"))


@pytest.mark.parametrize("y", [tuple(Y.tolist()), pd.Categorical(Y.tolist()), pd.array(Y.tolist())])
def test_labels_may_be_any_sequence(y):
    assert_plain(run((X, y)))


def test_arrays_of_a_file_are_data():
    x, y = FileArray(X), FileArray(Y)
    assert_plain(run((x, y)))
    assert x.reads == 5  # one for each batch
    assert_plain(run(FileArray(X)), labels=False)
    assert_plain(run(FileGroup(x=X, y=Y)))
    assert_plain(run({"image": FileArray(X), "label": FileArray(Y)}))


def test_names_in_a_file_are_bytes():
    names = np.array([NAMES[y].encode() for y in Y])
    assert_plain(run((FileArray(X), FileArray(names)), class_names=NAMES))


def test_an_npz_file_is_data(tmp_path):
    np.savez(tmp_path / "a.npz", images=X.numpy(), labels=Y.numpy())
    with np.load(tmp_path / "a.npz") as data:
        assert_plain(run(data))


def test_arrays_of_different_length_are_an_error_that_lists_them():
    data = {"x_train": X, "y_train": Y, "x_test": X[:5], "y_test": Y[:5]}
    with pytest.raises(InvalidInputError, match=r"'x_train': 20, .*'x_test': 5.*\(data\['x_train"):
        run(data)


def test_a_dictionary_of_datasets_is_an_error_with_the_line_to_write():
    with pytest.raises(InvalidInputError, match=r"'train', 'test'.*data\['train'\]"):
        run({"train": Pictures(), "test": Pictures()})


def test_a_bunch_names_the_line_to_write():
    with pytest.raises(InvalidInputError, match=r"'frame'\] is None; .*\(data\['data'\], data\["):
        run({"data": X, "target": Y, "frame": None})


def test_a_matlab_file_is_data():
    assert_plain(run({"__header__": b"MATLAB", "X": X.numpy(), "y": Y.numpy()[:, None]}))


def test_a_list_of_x_and_y_names_the_tuple():
    with pytest.raises(InvalidInputError, match=r"list of 2 arrays .*pass the tuple \(x, y\)"):
        run([X, Y])


def test_a_table_of_another_package_names_to_pandas():
    class Table:
        columns = ["image"]

        def to_pandas(self):
            raise NotImplementedError

        def __len__(self):
            return 20

        def __getitem__(self, name):
            raise KeyError(name)

    with pytest.raises(InvalidInputError, match=r"Table; pass data\.to_pandas\(\)"):
        run(Table())


def test_a_dictionary_of_one_value_each_is_refused():
    with pytest.raises(InvalidInputError, match=r"must have arrays, but data\['label'\] is int"):
        run({"image": X, "label": 3})


def test_a_dictionary_from_ids_to_samples_is_a_dataset():
    assert_plain(run(dict(enumerate(Pictures()[i] for i in range(20)))))


# pandas


@pytest.mark.parametrize(
    "y",
    [
        pd.Series(Y.numpy()),
        pd.Series(Y.numpy(), index=range(100, 120)),
        pd.Series(Y.numpy(), index=[f"r{i}" for i in range(20)]),
        pd.Index(Y.numpy()),
        pd.Series(Y.numpy()).astype("Int64"),
        pd.Series(Y.numpy()).astype("float64"),
    ],
)
def test_labels_of_pandas_are_read_by_position(y):
    assert_plain(run((X, y)))
    assert_plain(run({"image": X, "label": y}))


def test_missing_labels_of_pandas_are_unknown():
    expected = np.where(PLAIN.labels == 0, -1, PLAIN.labels)
    for dtype in ("Int64", "float64"):
        y = pd.Series(Y.numpy()).astype(dtype).mask(Y.numpy() == 0)
        assert (run((X, y)).labels == expected).all()
    names = pd.Series([NAMES[y] for y in Y]).mask(Y.numpy() == 0)
    for series in (names, names.astype("string"), names.astype("category")):
        assert (run((X, series), class_names=NAMES).labels == expected).all()


def test_a_permuted_index_of_the_labels_is_noted():
    y = pd.Series(Y.numpy()).sample(frac=1, random_state=0)
    with pytest.warns(DoubtWarning, match=r"permutation of 0 … 19; pass y\.sort_index\(\)"):
        run((X, y))
    assert_plain(run((X, y.sort_index())))


def test_different_indices_of_x_and_y_are_refused():
    x = pd.DataFrame(np.zeros((20, 3)))
    y = pd.Series(Y.numpy()).sort_values(kind="stable")
    with pytest.raises(InvalidInputError, match=r"different indices; .*y\.loc\[x\.index\]"):
        run((x, y))


def test_rows_of_a_frame_are_rows_of_numbers():
    model = torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.Linear(5, 3))
    x = pd.DataFrame(np.random.default_rng(0).normal(size=(20, 4)), index=range(5, 25))
    y = pd.Series(Y.numpy(), index=range(5, 25))
    found = extract(model, (x, y), progress=False)
    same = extract(model, (torch.tensor(x.to_numpy()), Y), progress=False)
    assert (found.features == same.features).all()
    assert (found.labels == PLAIN.labels).all()


@pytest.fixture
def frame(tmp_path):
    rows = []
    for i, x in enumerate(X):
        path = tmp_path / f"{i}.npy"
        np.save(path, x.numpy())
        rows.append({"row_id": i + 7, "where": str(path), "label": int(Y[i])})
    return pd.DataFrame(rows, index=range(50, 70))


def test_a_frame_of_paths_needs_a_function_that_opens_them(frame):
    with pytest.raises(InvalidInputError, match=r"column 'where' has the paths .*image=lambda row"):
        run(frame)
    found = run(frame, image=lambda row: torch.tensor(np.load(row["where"])))
    assert_plain(found)
    assert found.paths == tuple(frame["where"])


def test_a_frame_of_arrays_is_data():
    assert_plain(run(pd.DataFrame({"image": list(X.numpy()), "label": Y.numpy()})))
    frame = pd.DataFrame({"photo": list(X), "emotion": Y.numpy(), "age": 3.5})
    assert_plain(run(frame, image="photo", label="emotion"))


def test_a_frame_without_pictures_is_an_error_that_lists_the_columns():
    with pytest.raises(InvalidInputError, match=r"columns 'a', 'label', of which none .*to_numpy"):
        run(pd.DataFrame({"a": [1.0] * 20, "label": Y.numpy()}))


def test_from_model_shows_the_files_of_a_frame(tmp_path):
    paths = []
    for i in range(20):
        paths.append(str(tmp_path / f"{i}.png"))
        Image.new("RGB", (8, 8), (i * 10, 0, 0)).save(paths[-1])
    frame = pd.DataFrame({"file": paths, "label": Y.numpy()})
    explorer = EmbeddingExplorer.from_model(
        MODEL,
        frame,
        image=lambda row: torch.tensor(np.array(Image.open(row["file"]))).permute(2, 0, 1) / 255,
        batch_size=8,  # too few to compare with training
        progress=False,
        embedding=np.zeros((20, 2)),
    )
    assert explorer.feature_set.paths == tuple(paths)
    assert explorer.feature_set.images.image(7).getpixel((0, 0)) == (70, 0, 0)
    explorer.close()


def test_from_model_shows_the_pictures_of_a_dictionary():
    explorer = EmbeddingExplorer.from_model(
        MODEL, {"image": X, "label": Y}, progress=False, embedding=np.zeros((20, 2))
    )
    assert explorer.feature_set.images.image(3).size == (8, 8)
    explorer.close()
