"""EmbeddingExplorer.from_model: what it extracts, shows and keeps."""

import gc
import weakref

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, IterableDataset, Subset, TensorDataset

from tests.widgets.page import Page
from tsne_widget import (
    EmbeddingExplorer,
    InvalidInputError,
    LayerNotFoundError,
)


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
