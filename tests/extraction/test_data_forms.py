"""Arrays, tables and loaders of other packages give the same rows, or the error says what to pass.

h5py, fastai, datasets, webdataset and timm are not required: classes of their structure stand in.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch.utils.data import ConcatDataset, DataLoader, Dataset, IterableDataset, Subset

from tests.extraction.nets import CLASSES, Pictures, ResNet, made
from tsne_widget import EmbeddingExplorer, ExtractionError, InvalidInputError, extract
from tsne_widget.errors import DoubtWarning

MODEL = made(ResNet)
PLAIN = extract(MODEL, Pictures(), batch_size=4, progress=False)
X, Y = Pictures().x, torch.arange(20) % CLASSES
NAMES = ["eel", "cat", "dog"]


def run(data, **options):
    return extract(MODEL, data, **{"batch_size": 4, "progress": False, **options})


def assert_plain(found, labels=True):
    np.testing.assert_allclose(found.features, PLAIN.features, rtol=1e-5, atol=1e-6)
    assert found.ids.tolist() == list(range(20))
    if labels:
        assert (found.labels == PLAIN.labels).all()
    else:
        assert found.labels is None


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


# Datasets of other packages


class HuggingFace(Dataset):
    """Like datasets.Dataset: rows are dictionaries, and a transform gets a dictionary of lists."""

    def __init__(self, transform=None):
        self._transform = transform

    def with_transform(self, transform):
        return HuggingFace(transform)

    def __len__(self):
        return 20

    def __getitem__(self, key):
        return self.__getitems__([key])[0]

    def __getitems__(self, keys):
        rows = {"image": [Image.new("RGB", (8, 8))] * len(keys), "label": [int(Y[k]) for k in keys]}
        rows["pixel_values"] = [X[key] for key in keys]
        if self._transform is None:
            del rows["pixel_values"]
        else:
            rows = self._transform(rows)
        return [{name: rows[name][i] for name in rows} for i in range(len(keys))]


def test_a_hugging_face_dataset_as_it_comes_names_with_transform():
    with pytest.raises(ExtractionError, match=r"dataset\.with_transform\(lambda rows: "):
        run(HuggingFace())
    with pytest.raises(ExtractionError, match=r"dataset\.with_transform\(lambda rows: "):
        run(Subset(HuggingFace(), [1, 2]))


def test_a_hugging_face_dataset_with_a_transform_is_data():
    assert_plain(run(HuggingFace().with_transform(lambda rows: rows)))


def test_a_target_transform_and_nested_datasets_are_read():
    class Even(Pictures):
        target_transform = staticmethod(lambda y: y % 2)

        def __getitem__(self, index):
            x, y = super().__getitem__(index)
            return x, self.target_transform(y)

    nested = ConcatDataset(
        [Subset(Even(), range(10)), Subset(Subset(Even(), range(20)), range(10, 20))]
    )
    assert run(nested).labels.tolist() == [y % 2 for y in PLAIN.labels]


class FastaiLoader:
    """Like fastai's DataLoader: none of torch, with transforms of items and batches."""

    def __init__(self, dataset, bs=4, shuffle=True, drop_last=True):
        self.dataset, self.bs, self.shuffle, self.drop_last = dataset, bs, shuffle, drop_last
        self.num_workers = 1

    def new(self, **options):
        return FastaiLoader(self.dataset, self.bs, **options)

    def one_batch(self):
        return next(iter(self))

    def __len__(self):
        return len(self.dataset) // self.bs

    def __iter__(self):
        order = torch.randperm(20).tolist() if self.shuffle else range(20)
        return iter(DataLoader(Subset(self.dataset, order), self.bs, drop_last=self.drop_last))


class FastaiLoaders:
    def __init__(self):
        self.train = self.valid = FastaiLoader(Pictures())

    def __getitem__(self, index):
        return (self.train, self.valid)[index]

    def __len__(self):
        return 2

    def one_batch(self):
        return self.train.one_batch()


def test_a_fastai_loader_is_read_in_order():
    assert_plain(run(FastaiLoader(Pictures(), bs=3)))


def test_fastai_loaders_name_the_part_to_pass():
    with pytest.raises(InvalidInputError, match=r"FastaiLoaders; pass .*data\.valid"):
        run(FastaiLoaders())


def test_a_data_module_names_its_loader():
    class Module:
        def val_dataloader(self):
            return DataLoader(Pictures())

    with pytest.raises(InvalidInputError, match=r"Module; pass .*data\.val_dataloader\(\)"):
        run(Module())


def test_a_wrapper_of_a_loader_names_its_dataset():
    class Prefetching:
        dataset = Pictures()

        def __iter__(self):
            return iter(DataLoader(self.dataset, 4))

        def __len__(self):
            return 5

    with pytest.raises(InvalidInputError, match=r"Prefetching; pass .*data\.dataset"):
        run(Prefetching())


# Ready batches


def batches():
    return [(X[i : i + 4], Y[i : i + 4]) for i in range(0, 20, 4)]


class Batched(IterableDataset):
    """Like a webdataset pipeline with .batched()."""

    def __init__(self, form=lambda x, y: (x, y), size=4):
        self.form, self.size = form, size

    def __iter__(self):
        for i in range(0, 20, self.size):
            yield self.form(X[i : i + self.size], Y[i : i + self.size])


@pytest.mark.parametrize(
    "data",
    [
        Batched(),
        Batched(lambda x, y: {"image": x, "label": y}),
        Batched(lambda x, y: [x, y.tolist()]),
        Batched(lambda x, y: (x, [NAMES[k] for k in y])),
        Batched(size=3),
        batches(),
    ],
)
def test_ready_batches_are_an_error_that_names_the_line_to_write(data):
    with pytest.raises(
        (InvalidInputError, ExtractionError),
        match=r"look like ready batches.*DataLoader\(data, batch_size=None\)",
    ):
        run(data)


def test_ready_batches_without_labels_name_the_line_to_write():
    class Alone(IterableDataset):
        def __iter__(self):
            return iter(X[i : i + 4] for i in range(0, 20, 4))

    with pytest.raises(ExtractionError, match=r"ready batches.*DataLoader\(data, batch_size=None"):
        run(Alone())


def test_the_line_to_write_works():
    assert_plain(run(DataLoader(Batched(), batch_size=None)))
    assert_plain(run(DataLoader(batches(), batch_size=None)))


def test_a_generator_of_batches_names_the_line_to_write():
    with pytest.raises(
        InvalidInputError, match=r"ready batches .*DataLoader\(list\(data\), batch_size=None\)"
    ):
        run(iter(batches()))


@pytest.mark.parametrize(
    "form",
    [
        lambda x, y: (x, torch.nn.functional.one_hot(torch.tensor(y), 3)),
        lambda x, y: (x[0], y),
        lambda x, y: (x.flatten(), y),
        lambda x, y: (x[:, None], torch.nn.functional.one_hot(torch.tensor(y), 3)),
    ],
)
def test_samples_are_not_taken_for_batches(form):
    samples = [form(*Pictures()[i]) for i in range(20)]
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.LazyLinear(6), torch.nn.Linear(6, 3))
    found = extract(model, samples, progress=False)
    assert (found.labels == PLAIN.labels).all()
