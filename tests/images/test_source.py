from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, TensorDataset

from tsne_widget.errors import InvalidInputError
from tsne_widget.images import (
    ArrayImages,
    DatasetImages,
    FileImages,
    ImageSource,
    as_image_source,
)


class Own:
    def __len__(self):
        return 1

    def image(self, id):  # noqa: A002
        return Image.new("L", (4, 4))

    def caption(self, id):  # noqa: A002
        return "own"


def test_object_with_the_three_methods_is_returned_unchanged():
    own = Own()
    assert isinstance(own, ImageSource)
    assert as_image_source(own) is own
    assert not isinstance([], ImageSource)


@pytest.mark.parametrize(
    ("images", "kind"),
    [
        (np.zeros((2, 4, 4)), ArrayImages),
        (torch.zeros(2, 1, 4, 4), ArrayImages),
        (np.zeros((2, 4, 4)).tolist(), ArrayImages),
        (["a.png", "b.png"], FileImages),
        ((Path("a.png"),), FileImages),
        (np.array(["a.png", "b.png"]), FileImages),
        (pd.Series(["a.png", "b.png"]), FileImages),
        ([Image.new("L", (4, 4))], DatasetImages),
        ([np.zeros((4, 4)), np.zeros((5, 5))], DatasetImages),
        ([(np.zeros((4, 4)), 0)], DatasetImages),
        (TensorDataset(torch.zeros(2, 1, 4, 4)), DatasetImages),
    ],
)
def test_every_supported_kind_of_pictures_becomes_a_source(images, kind):
    source = as_image_source(images)
    assert type(source) is kind
    assert isinstance(source, ImageSource)


def test_mean_and_std_reach_the_array_and_the_dataset():
    x = (torch.full((2, 3, 4, 4), 0.25) - 0.5) / 0.5
    for images in (x, TensorDataset(x)):
        source = as_image_source(images, mean=(0.5,) * 3, std=(0.5,) * 3)
        assert source.image(0).getpixel((0, 0)) == (64, 64, 64)


@pytest.mark.parametrize("images", [["a.png"], Own()])
def test_mean_and_std_without_numbers_are_refused(images):
    with pytest.raises(InvalidInputError, match="leave them out"):
        as_image_source(images, mean=0.5, std=0.5)


@pytest.mark.parametrize("images", ["folder/cat.png", 7, None, {"a": 1}, b"x", object()])
def test_unsupported_pictures_are_refused_with_the_supported_kinds(images):
    with pytest.raises(InvalidInputError) as caught:
        as_image_source(images)
    assert type(images).__name__ in str(caught.value)
    assert "a list of paths" in str(caught.value)


def test_data_loader_is_refused_with_the_remedy():
    with pytest.raises(InvalidInputError, match=r"pass loader\.dataset"):
        as_image_source(DataLoader(TensorDataset(torch.zeros(2, 1, 4, 4))))


def test_an_empty_list_is_refused():
    with pytest.raises(InvalidInputError, match="empty list"):
        as_image_source([])


def test_a_series_of_paths_is_read_by_its_index_of_ids():
    paths = pd.Series(["d.png", "a.png", "c.png"], index=[3, 0, 2])
    source = as_image_source(paths)
    assert [source.path(id_).name for id_ in (0, 2, 3)] == ["a.png", "c.png", "d.png"]
    assert source.path(1).name == ""
    assert as_image_source(paths.to_list()).path(0).name == "d.png"


@pytest.mark.parametrize("index", [list("xyz"), [0, 0, 1], [-1, 0, 1], [0, 1, 10**9]])
def test_a_series_of_paths_with_another_index_is_refused(index):
    with pytest.raises(InvalidInputError, match=r"images .*index"):
        as_image_source(pd.Series(["d.png", "a.png", "c.png"], index=index))
