"""explorer.select_like: a picture from outside goes the way of the samples, or is refused."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset, Subset

from tests.extraction.nets import ResNet, made
from tsne_widget import EmbeddingExplorer, ExtractionError, FeatureSet, InvalidInputError

N = 20
PIXELS = np.random.default_rng(0).integers(0, 256, (N, 8, 8, 3), dtype=np.uint8)


def normalised(image):
    """What a transform of torchvision makes of a PIL image."""
    pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1) / 255
    return (pixels - 0.5) / 0.25


def of_array(image):
    """A transform in the style of Albumentations."""
    return {"image": torch.from_numpy(image).permute(2, 0, 1) / 128 - 1}


class Photos(Dataset):
    """A dataset with a transform of PIL images."""

    def __init__(self, transform=normalised):
        self.transform = transform

    def __len__(self):
        return N

    def __getitem__(self, index):
        return self.transform(Image.fromarray(PIXELS[index])), index % 3


class Arrays(Photos):
    """The same with arrays, which the transform takes by name."""

    def __getitem__(self, index):
        return self.transform(image=PIXELS[index])["image"], index % 3


class Wrapped(Dataset):
    """A part of a dataset with a second transform, a method."""

    def __init__(self, dataset):
        self.dataset = dataset

    def __len__(self):
        return len(self.dataset)

    def __getitem__(self, index):
        x, y = self.dataset[index]
        return self.transform(x), y

    def transform(self, x):
        return 2 * x


@pytest.fixture
def model():
    return made(ResNet)


def explored(model, data, **options):
    """An explorer whose map costs nothing."""
    return EmbeddingExplorer.from_model(
        model, data, embedding=np.eye(N, 2), progress=False, **options
    )


def nearest(explorer, picture, k=1, **named):
    """The ids of the selected rows, nearest first."""
    explorer.select_like(picture, k, **named)
    frame = explorer.to_dataframe()
    return frame.sort_values("distance_to_picture").index.tolist()


def test_a_picture_in_any_form_finds_the_sample_that_it_equals(model, tmp_path):
    photos = Photos()
    image = Image.fromarray(PIXELS[7])
    image.save(tmp_path / "seven.png")
    with explored(model, photos) as explorer:
        before = vars(photos).copy()
        for picture in (tmp_path / "seven.png", image, image.convert("RGBA"), PIXELS[7],
                        normalised(image), normalised(image)[None]):  # fmt: skip
            assert nearest(explorer, picture) == [7]
        assert vars(photos) == before
        assert model.training


@pytest.mark.parametrize(
    "make",
    [lambda: DataLoader(Wrapped(Subset(Photos(), range(N))), batch_size=6),
     lambda: Arrays(of_array)],
    ids=["two transforms", "transform by name"],
)  # fmt: skip
def test_all_transforms_of_the_dataset_apply(model, make):
    data = make()
    with explored(model, data) as explorer:
        assert nearest(explorer, PIXELS[7]) == [7]
        explorer.select_like(Image.fromarray(PIXELS[7]))
        assert explorer.state.scores["distance_to_picture"][7] == pytest.approx(0, abs=1e-4)
    assert "transform" not in vars(getattr(data, "dataset", Subset(data, [0])))


def test_the_nearest_come_first_in_the_gallery_and_distances_are_a_score(model):
    photos = Photos()
    with explored(model, photos) as explorer:
        picture = normalised(PIXELS[7]) + 0.1
        features = explorer.feature_set.features
        explorer.select_like(picture, 5)
        distances = explorer.state.scores["distance_to_picture"]
        order = np.argsort(distances)
        assert explorer.state.ranking == ("distance_to_picture", False)
        assert explorer.selected.tolist() == sorted(order[:5].tolist())
        explorer.color_by = "distance_to_picture"
        explorer.select_like(features=features[3], k=4)
        expected = np.linalg.norm(features - features[3], axis=1)
        np.testing.assert_allclose(
            explorer.to_dataframe("all")["distance_to_picture"], expected, rtol=1e-5
        )
        explorer.select_like(features=2 * features[3], k=1, metric="cosine")
        assert explorer.selected.tolist() == [3]


def test_a_path_that_does_not_give_the_stored_features_is_refused(model):
    photos = Photos()
    message = "give sample 0 other features than this explorer has"
    with explored(model, photos) as explorer:
        photos.transform = lambda image: normalised(image) * 1.5
        with pytest.raises(ExtractionError, match=message):
            explorer.select_like(PIXELS[7])
        photos.transform = normalised
        with torch.no_grad():
            next(model.parameters()).mul_(3)
        with pytest.raises(ExtractionError, match=message):
            explorer.select_like(normalised(PIXELS[7]))
        assert not len(explorer.selected)
        assert "distance_to_picture" not in explorer.to_dataframe("all")


def test_without_model_or_transform_the_error_names_the_remedy(model):
    record = FeatureSet.from_arrays(np.eye(N), np.arange(N) % 3)
    with EmbeddingExplorer(record, embedding=np.eye(N, 2)) as explorer:
        with pytest.raises(InvalidInputError, match=r"model= and data=.*the \(20,\) features"):
            explorer.select_like(PIXELS[7])
        with pytest.raises(InvalidInputError, match=r"features must be 20 numbers of shape"):
            explorer.select_like(features=np.zeros(3))
        with pytest.raises(InvalidInputError, match="either a picture or features="):
            explorer.select_like()
        with pytest.raises(InvalidInputError, match="k=0 must be 1 … 24"):
            explorer.select_like(features=np.zeros(20), k=0)
    x, y = torch.randn(N, 3, 8, 8), torch.arange(N) % 3
    with explored(model, (x, y)) as explorer:
        assert nearest(explorer, x[7]) == [7]
        with pytest.raises(InvalidInputError, match=r"has no transform= .*pass the model's input"):
            explorer.select_like(Image.fromarray(PIXELS[7]))
        with pytest.raises(InvalidInputError, match=r"'no\.png': there is no such file"):
            explorer.select_like("no.png")
        with pytest.raises(InvalidInputError, match="is not like the input of the model, float32"):
            explorer.select_like(PIXELS[7])


def test_a_picture_that_the_transform_cannot_take_is_refused(model, tmp_path):
    (tmp_path / "text.png").write_text("no picture")
    photos = Photos()
    with explored(model, photos) as explorer:
        with pytest.raises(InvalidInputError, match=r"text\.png' cannot be read"):
            explorer.select_like(tmp_path / "text.png")
        with pytest.raises(InvalidInputError, match=r"float64 \(8, 8, 3\), but the transform"):
            explorer.select_like(PIXELS[7] / 255)


def test_the_layer_and_the_pooling_are_those_of_the_record(model):
    photos = Photos()
    for options in ({"layer": "conv1"}, {"layer": "conv1", "pool": "flatten"}):
        with explored(model, photos, **options) as explorer:
            record = explorer.feature_set
            assert nearest(explorer, PIXELS[7]) == [7]
        with EmbeddingExplorer(record, embedding=np.eye(N, 2)) as explorer:
            assert nearest(explorer, PIXELS[7], model=model, data=photos) == [7]


def test_without_a_layer_the_features_are_those_before_the_head(model):
    photos = Photos()
    with explored(model, photos) as explorer:
        record = FeatureSet.from_arrays(explorer.feature_set.features, np.arange(N) % 3)
    with EmbeddingExplorer(record, embedding=np.eye(N, 2)) as explorer:
        assert nearest(explorer, PIXELS[7], model=model, data=photos) == [7]


def test_distances_are_saved_and_loaded(tmp_path):
    record = FeatureSet.from_arrays(np.eye(N), np.arange(N) % 3)
    with EmbeddingExplorer(record, embedding=np.eye(N, 2)) as explorer:
        explorer.select_like(features=np.eye(N)[4], k=1)
        explorer.save(tmp_path / "saved")
    with EmbeddingExplorer.load(tmp_path / "saved") as loaded:
        assert loaded.state.scores["distance_to_picture"][4] == 0


def test_the_model_takes_further_inputs_from_the_sample():
    class Weighted(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(192, 3)

        def forward(self, image, weight):
            return self.head(image.flatten(1) * weight[:, None])

    torch.manual_seed(0)
    net = Weighted()
    data = {"image": torch.rand(N, 3, 8, 8), "weight": torch.full((N,), 2.0),
            "label": torch.arange(N) % 3}  # fmt: skip
    with explored(net, data) as explorer:
        assert nearest(explorer, data["image"][7]) == [7]
