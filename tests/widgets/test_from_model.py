"""EmbeddingExplorer.from_model: what it extracts, shows and keeps."""

import gc
import weakref

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, IterableDataset, Subset, TensorDataset

from tests.widgets.page import Page
from tests.widgets.views.gallery_page import GalleryPage
from tsne_widget import (
    EmbeddingExplorer,
    InvalidInputError,
    LayerNotFoundError,
)
from tsne_widget.errors import DoubtWarning, ImageError


def small_classifier(width: int = 12) -> torch.nn.Module:
    torch.manual_seed(0)
    flat = torch.nn.Linear(width, 8)
    return torch.nn.Sequential(torch.nn.Flatten(), flat, torch.nn.ReLU(), torch.nn.Linear(8, 3))


def pictures_and_labels(n: int = 20) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.rand(n, 3, 2, 2, generator=torch.Generator().manual_seed(1)), torch.arange(n) % 3


@pytest.mark.parametrize("form", ["dataset", "loader", "shuffling loader", "arrays", "subset"])
def test_every_row_shows_the_picture_it_was_computed_from(form):
    x, y = pictures_and_labels()
    dataset = TensorDataset(x, y)
    data = {
        "dataset": dataset,
        "loader": DataLoader(dataset, batch_size=7),
        "shuffling loader": DataLoader(dataset, batch_size=7, shuffle=True, drop_last=True),
        "arrays": (x, y),
        "subset": Subset(dataset, [5, 3, 8, 1, 0]),
    }[form]
    model = small_classifier().train()
    with EmbeddingExplorer.from_model(model, data, progress=False) as explorer:
        record = explorer.feature_set
        assert len(record) == (5 if form == "subset" else 20)
        assert model.training
        for row in range(len(record)):
            picture = np.asarray(record.images.image(int(record.ids[row])), dtype=np.float32) / 255
            again = torch.from_numpy(picture).permute(2, 0, 1)[None]
            with torch.inference_mode():
                features = model.eval()[:3](again)[0]
                model.train()
            assert np.allclose(features, record.features[row], atol=0.02)  # 8-bit pictures


def test_from_model_passes_arguments_on_to_extract(tmp_path):
    steps = []
    data = TensorDataset(*pictures_and_labels())
    with EmbeddingExplorer.from_model(
        small_classifier(), data, "1", batch_size=6, store=tmp_path / "store",
        class_names=["ape", "bee", "cow"], progress=lambda done, total: steps.append((done, total)),
    ) as explorer:  # fmt: skip
        assert explorer.feature_set.layer == "1"
        assert explorer.feature_set.class_names == ("ape", "bee", "cow")
        assert steps[-1] == (20, 20)
        assert any((tmp_path / "store").iterdir())
    with pytest.raises(InvalidInputError, match="from_model shows one layer"):
        EmbeddingExplorer.from_model(small_classifier(), data, layers=["1", "3"])
    with pytest.raises(LayerNotFoundError, match="'1'"):
        EmbeddingExplorer.from_model(small_classifier(), data, "11")


def test_stream_without_pictures_can_be_explored():
    class Stream(IterableDataset):
        def __iter__(self):
            return iter(zip(*pictures_and_labels(), strict=True))

    with EmbeddingExplorer.from_model(small_classifier(), Stream(), progress=False) as explorer:
        explorer.wait().select("visible")
        assert len(explorer.to_dataframe()) == 20
        assert not Page(explorer).shows("gallery", "has_images")


def test_model_can_be_collected_once_its_features_are_extracted():
    model = small_classifier()
    gone = weakref.ref(model)
    data = TensorDataset(*pictures_and_labels())
    with EmbeddingExplorer.from_model(model, data, progress=False) as explorer:
        del model
        gc.collect()
        assert gone() is None
        explorer.wait()


@pytest.mark.parametrize(
    ("x", "reason"),
    [
        (torch.rand(12, 13, 8, 8), "bands=(3, 2, 1)"),
        (torch.rand(12, 20), "(12, 20)"),
        (torch.rand(12, 1, 4, 4, 4), "(12, 1, 4, 4, 4)"),
    ],
)
def test_samples_that_are_no_pictures_are_explored_with_the_reason_on_their_tiles(x, reason):
    model = small_classifier(int(np.prod(x.shape[1:])))
    with EmbeddingExplorer.from_model(model, (x, torch.arange(12) % 3), progress=False) as explorer:
        with pytest.raises(ImageError) as caught:
            explorer.feature_set.images.image(4)
        assert reason in str(caught.value)


def test_bands_of_from_model_are_shown():
    x = torch.rand(12, 13, 4, 4)
    model = small_classifier(13 * 16)
    with EmbeddingExplorer.from_model(
        model, (x, torch.arange(12) % 3), bands=(3, 2, 1), progress=False
    ) as explorer:
        picture = np.asarray(explorer.feature_set.images.image(4))
        expected = (x[4, [3, 2, 1]].permute(1, 2, 0).numpy() * 255).round()
        assert np.array_equal(picture, expected)


def test_a_difference_from_what_the_model_got_is_on_the_tile_and_in_the_record():
    x, y = torch.rand(20, 3, 12, 12), torch.arange(20) % 3
    shown = (x.flip(3) * 255).byte()
    model = small_classifier(3 * 144)
    with pytest.warns(DoubtWarning, match="the model got the picture mirrored left to right"):
        explorer = EmbeddingExplorer.from_model(model, (x, y), images=shown, progress=False)
    with explorer:
        assert "mirrored left to right" in explorer.feature_set.notes[0]
        page = GalleryPage(explorer)
        explorer.select([3])
        assert page.rows_of_tiles() == [3]
        tile = page.answers[-1].content["tiles"][0]
        assert tile["note"] == "the model got it mirrored left to right"
