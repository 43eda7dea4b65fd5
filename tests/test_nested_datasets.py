"""Subset and ConcatDataset, nested in any order, keep pictures, paths, labels and class names."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.utils.data import ConcatDataset, Dataset, Subset, TensorDataset

from tests.extraction.fingerprints import pictures_key
from tsne_widget import DatasetImages, extract
from tsne_widget._class_sources import names_of_dataset
from tsne_widget._datasets import innermost, paths_of
from tsne_widget.errors import InvalidInputError

N = 4  # samples of each folder
NAMES = ["cat", "dog"]


class Folder(Dataset):
    """Like torchvision's ImageFolder: files, codes and class names."""

    def __init__(self, root, classes=NAMES):
        self.classes = list(classes)
        self.samples = []
        for number in range(N):
            path = root / NAMES[number % 2] / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("L", (4, 4), 10 * number + len(root.name)).save(path)
            self.samples.append((str(path), number % 2))

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        path, code = self.samples[index]
        return torch.tensor(np.array(Image.open(path)) / 255, dtype=torch.float32), code


@pytest.fixture
def folders(tmp_path):
    return Folder(tmp_path / "a"), Folder(tmp_path / "bbb")


NESTINGS = {
    "ConcatDataset": lambda a, b: (ConcatDataset([a, b]), a.samples + b.samples),
    "Subset of ConcatDataset": lambda a, b: (
        Subset(ConcatDataset([a, b]), [6, 1, 4]),
        [b.samples[2], a.samples[1], b.samples[0]],
    ),
    "ConcatDataset of Subset": lambda a, b: (
        ConcatDataset([Subset(b, [3, 1]), Subset(a, torch.tensor([2]))]),
        [b.samples[3], b.samples[1], a.samples[2]],
    ),
    "four levels": lambda a, b: (
        Subset(ConcatDataset([Subset(ConcatDataset([a, b]), range(2, 8)), a]), [7, 0, 5]),
        [a.samples[1], a.samples[2], b.samples[3]],
    ),
}


@pytest.mark.parametrize("nesting", NESTINGS)
def test_nested_folders_keep_pictures_paths_labels_and_class_names(folders, nesting):
    dataset, expected = NESTINGS[nesting](*folders)
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 2))
    record = extract(model, dataset, progress=False)
    images = DatasetImages(dataset)
    assert list(zip(record.paths, record.labels.tolist(), strict=True)) == expected
    assert record.class_names == ("cat", "dog")
    for id_, (path, _) in enumerate(expected):
        assert images.path(id_) is not None
        np.testing.assert_array_equal(images.image(id_), Image.open(path))
        assert images.caption(id_).endswith(path.rpartition("/")[2])


def test_concatenated_folders_with_different_classes_are_refused_and_named(tmp_path):
    one, other = Folder(tmp_path / "a"), Folder(tmp_path / "b", ["car", "dog"])
    assert names_of_dataset(ConcatDataset([one, one])).names == ("cat", "dog")
    with pytest.raises(InvalidInputError, match=r"'cat', 'dog'.*'car', 'dog'.*class_names="):
        names_of_dataset(ConcatDataset([one, other]))


def test_concatenation_with_samples_without_files_has_no_paths(folders):
    tensors = TensorDataset(torch.zeros(2, 4, 4), torch.zeros(2))
    dataset = ConcatDataset([folders[0], tensors])
    assert paths_of(dataset, [0, 5]) is None
    assert paths_of(dataset, [1]) == (folders[0].samples[1][0],)
    assert DatasetImages(dataset).path(5) is None


def test_innermost_reports_the_position_of_every_sample(folders):
    dataset = Subset(ConcatDataset(folders), [7, 0, 5])
    parts = innermost(dataset, [2, 1, 0])
    found = {
        int(position): (part.dataset, int(index))
        for part in parts
        for position, index in zip(part.positions, part.indices, strict=True)
    }
    assert found == {0: (folders[1], 1), 1: (folders[0], 0), 2: (folders[1], 3)}


def test_every_array_in_a_concatenation_changes_the_fingerprint():
    x = torch.zeros(20, 3)
    before = pictures_key(ConcatDataset([TensorDataset(x), TensorDataset(x.clone())]))
    changed = x.clone()
    changed[13, 0] = 1
    after = pictures_key(ConcatDataset([TensorDataset(x), TensorDataset(changed)]))
    assert before != after
