"""Pictures that differ from what the model got are noted, on their tile and in the record."""

import warnings

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset, Subset, TensorDataset

from tests.images.test_alike import photo
from tsne_widget import FeatureSet, extract
from tsne_widget.errors import DoubtWarning, ImageError, InvalidInputError
from tsne_widget.images import ArrayImages, DatasetImages, checked_images, thumbnail

N = 16
PHOTOS = [photo(seed, 48, 64).astype(np.uint8) for seed in range(N)]
LABELS = [seed % 2 for seed in range(N)]
EXIF_ORIENTATION = 0x0112


class Net(nn.Module):
    def __init__(self, channels=3):
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(channels, 8, 3, stride=2)
        self.fc = nn.Linear(8, 2)

    def forward(self, x):
        return self.fc(self.conv(x).relu().mean((2, 3)))


def to_tensor(picture):
    return torch.from_numpy(np.asarray(picture).copy()).permute(2, 0, 1) / 255


class Folder(Dataset):
    """As torchvision's ImageFolder; ``change`` is applied to the tensor."""

    def __init__(self, entries, change=lambda x: x, order=None):
        self.samples = list(entries)
        self.change = change
        self.order = range(len(self.samples)) if order is None else order

    def loader(self, path):
        with Image.open(path) as image:
            return image.convert("RGB")

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        path, code = self.samples[self.order[index]][:2]
        return self.change(to_tensor(self.loader(path))), code


@pytest.fixture
def entries(tmp_path):
    found = []
    for number, (pixels, code) in enumerate(zip(PHOTOS, LABELS, strict=True)):
        path = tmp_path / f"c{code}" / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(pixels).save(path)
        found.append((str(path), code))
    return found


def extracted(data, channels=3):
    return extract(Net(channels), data, progress=False)


def notes_of(record, images, **options):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        checked, source = checked_images(record, images, **options)
    assert [str(warning.message) for warning in caught] == list(checked.notes)
    return checked.notes, source


TRANSFORMS = {
    "none": lambda x: x,
    "normalised": lambda x: (x - 0.45) / 0.25,
    "centre crop": lambda x: x[:, 4:44, 12:52],
    "smaller": lambda x: nn.functional.interpolate(x[None], size=(32, 32), mode="area")[0],
    "padded": lambda x: nn.functional.pad(x, (0, 0, 8, 8)),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_the_transforms_of_a_test_set_get_no_note(entries, name):
    dataset = Folder(entries, TRANSFORMS[name])
    record = extracted(dataset)
    assert record.notes == ()
    assert record.paths == tuple(path for path, _ in entries)
    for images in (dataset, list(record.paths), None):
        notes, source = notes_of(record, images)
        assert notes == ()
        assert thumbnail(source, 3, 96).note == ""


CHANGES = {
    "mirrored left to right": lambda x: x.flip(2),
    "transposed (rows and columns exchanged)": lambda x: x.transpose(1, 2),
    "with the channels in the order BGR": lambda x: x.flip(0),
    "as a negative": lambda x: 1 - x,
}


@pytest.mark.parametrize("kind", CHANGES)
def test_a_changed_picture_is_noted_and_said_on_every_tile(entries, kind):
    dataset = Folder(entries, CHANGES[kind])
    notes, source = notes_of(extracted(dataset), dataset)
    assert len(notes) == 1
    assert f"the model got the picture {kind} for" in notes[0]
    assert "pass images=" in notes[0]
    assert [thumbnail(source, id_, 96).note for id_ in range(N)] == [f"the model got it {kind}"] * N


def test_pictures_in_another_order_are_noted(entries):
    record = extracted(TensorDataset(torch.stack([to_tensor(p) for p in PHOTOS])))
    shown = [path for path, _ in entries][::-1]
    notes, source = notes_of(record, shown)
    assert "does not look like what the model got" in notes[0]
    assert "another picture" in thumbnail(source, 0, 96).note
    assert notes_of(record, shown[::-1])[0] == ()


def test_a_subset_and_a_shuffling_loader_show_the_right_pictures(entries):
    dataset = Subset(Folder(entries), [9, 3, 12, 5])
    record = extracted(DataLoader(dataset, batch_size=3, shuffle=True))
    assert notes_of(record, dataset)[0] == ()


def test_random_augmentation_is_noted_by_extract():
    class Augmented(Dataset):
        def __len__(self):
            return N

        def __getitem__(self, index):
            x = to_tensor(PHOTOS[index])
            return x.flip(2) if torch.rand(()) < 0.5 else x

    with pytest.warns(DoubtWarning, match="gives another value each time"):
        record = extracted(Augmented())
    assert "use the transform of the test set" in record.notes[0]


def test_no_more_than_a_few_samples_are_read_again():
    asked = []

    class Counted(Dataset):
        def __len__(self):
            return 300

        def __getitem__(self, index):
            asked.append(index)
            return torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(index)), 0

    assert len(extracted(Counted()).seen) == 12
    assert len(asked) == 312


def test_the_random_generators_are_left_as_they_were():
    dataset = TensorDataset(torch.rand(20, 3, 8, 8))
    net = Net()
    before = torch.get_rng_state()
    extract(net, dataset, progress=False)
    assert torch.equal(torch.get_rng_state(), before)


# Files


def turned(path, pixels):
    """A JPEG that is stored on its side, with the EXIF orientation that makes it upright."""
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = 6
    Image.fromarray(np.rot90(pixels)).save(path, exif=exif, quality=95)


@pytest.fixture
def sideways(tmp_path):
    for number, pixels in enumerate(PHOTOS):
        turned(tmp_path / f"{number}.jpg", pixels)
    return [(str(tmp_path / f"{number}.jpg"), number % 2) for number in range(N)]


def test_a_picture_on_its_side_is_shown_as_the_model_got_it(sideways):
    dataset = Folder(sideways)
    notes, source = notes_of(extracted(dataset), dataset)
    made = thumbnail(source, 15, 96)
    assert (made.width, made.height) == (48, 64)
    assert made.note.startswith("as the model got it")
    assert source.image(15).size == (48, 64)
    assert notes == ()


def test_a_dataset_that_applies_the_orientation_is_shown_upright(sideways):
    class Upright(Folder):
        def loader(self, path):
            return Image.fromarray(np.rot90(np.asarray(super().loader(path)), -1))

    dataset = Upright(sideways)
    notes, source = notes_of(extracted(dataset), dataset)
    assert thumbnail(source, 15, 96)[2:] == (64, 48, "")
    assert notes == ()


def test_a_list_of_files_that_the_model_got_on_their_side_is_noted(sideways):
    record = extracted(Folder(sideways))
    notes, source = notes_of(record, None)
    assert "the model got the picture on its side, turned left" in notes[0]
    assert "turned by its EXIF orientation" in thumbnail(source, 0, 96).note


def test_crops_are_shown_and_not_their_whole_files(entries):
    class Boxes(Folder):
        def __getitem__(self, index):
            path, code, (top, left) = self.samples[index]
            return to_tensor(self.loader(path))[:, top : top + 20, left : left + 20], code

    dataset = Boxes([(path, code, (8, 20)) for path, code in entries])
    source = DatasetImages(dataset)
    assert np.array_equal(np.asarray(source.image(4)), PHOTOS[4][8:28, 20:40])
    assert source.path(4) is None
    assert notes_of(extracted(dataset), dataset)[0] == ()


def test_crops_whose_boxes_are_elsewhere_are_shown_too(entries):
    dataset = Folder(entries, lambda x: x[:, 8:28, 20:40])
    source = DatasetImages(dataset)
    assert source.image(4).size == (20, 20)


def test_files_in_another_order_than_the_samples_are_no_paths(entries):
    order = np.random.default_rng(0).permutation(N)
    dataset = Folder(entries, order=order)
    with pytest.warns(DoubtWarning, match=r"files \(samples\) that are not those of dataset\[id\]"):
        record = extracted(dataset)
    assert record.paths is None
    source = DatasetImages(dataset)
    assert np.array_equal(np.asarray(source.image(3)), PHOTOS[order[3]])
    assert source.caption(3) == "#3"


def test_a_wrapper_of_ones_own_in_another_order_has_no_paths(entries):
    class Reversed(Dataset):
        def __init__(self, dataset):
            self.dataset, self.indices = dataset, list(range(N))

        def __len__(self):
            return N

        def __getitem__(self, index):
            return self.dataset[self.indices[N - 1 - index]]

    dataset = Reversed(Folder(entries))
    with pytest.warns(DoubtWarning, match="that are not those of dataset"):
        assert extracted(dataset).paths is None
    assert np.array_equal(np.asarray(DatasetImages(dataset).image(0)), PHOTOS[-1])


def test_files_that_cannot_be_compared_are_judged_by_their_labels(tmp_path):
    class Unreadable(Folder):
        def __getitem__(self, index):
            return torch.full((3, 8, 8), 0.5), self.samples[self.order[index]][1]

    entries = [(str(tmp_path / f"{number}.npy"), number // 8) for number in range(N)]
    assert extracted(Unreadable(entries)).paths is not None
    mixed = [index // 2 + 8 * (index % 2) for index in range(N)]
    with pytest.warns(DoubtWarning, match="their labels contradict"):
        assert extracted(Unreadable(entries, order=mixed)).paths is None


# Order of features of one's own loop


def labelled(order, labels=None):
    labels = np.arange(N * 3) // 16 if labels is None else labels
    x = torch.from_numpy(np.stack([PHOTOS[index % N] for index in range(N * 3)]))
    dataset = TensorDataset(x.permute(0, 3, 1, 2), torch.as_tensor(labels))
    return FeatureSet.from_arrays(np.eye(N * 3)[order], labels[order]), dataset


def test_features_of_a_shuffled_loop_contradict_the_labels_of_the_dataset():
    record, dataset = labelled(np.random.default_rng(0).permutation(N * 3))
    for images in (dataset, [dataset[index] for index in range(N * 3)]):
        notes, _ = notes_of(record, images)
        assert "the labels of images[id] contradict the record's labels" in notes[0]
        assert "pass ids=" in notes[0]


def test_features_in_the_order_of_the_dataset_get_no_note():
    record, dataset = labelled(np.arange(N * 3))
    assert notes_of(record, dataset)[0] == ()
    names = np.array(["dog", "cat", "ant"])[np.arange(N * 3) // 16]
    by_name = FeatureSet.from_arrays(np.eye(N * 3), names)  # its codes have another order
    assert notes_of(by_name, dataset)[0] == ()
    finer = TensorDataset(torch.zeros(N * 3, 1, 4, 4), torch.arange(N * 3) // 4)
    assert notes_of(record, finer)[0] == ()
    some_corrected = np.array(record.labels)
    some_corrected[[3, 20]] = 2
    assert notes_of(FeatureSet.from_arrays(np.eye(N * 3), some_corrected), dataset)[0] == ()


def test_files_at_other_places_than_in_the_record_are_noted(entries):
    paths = [path for path, _ in entries]
    record = FeatureSet.from_arrays(np.eye(N), paths=paths)
    notes, _ = notes_of(record, paths[::-1])
    assert f"the files of {N} samples are at other places" in notes[0]
    assert notes_of(record, Folder(entries))[0] == ()
    smaller = [path.replace(".png", ".jpg") for path in paths]
    assert notes_of(record, smaller)[0] == ()


# Sources


@pytest.mark.parametrize("as_array", [True, False])
def test_pictures_of_from_arrays_may_be_what_the_explorer_takes(as_array):
    images = np.stack(PHOTOS) if as_array else list(PHOTOS)
    record = FeatureSet.from_arrays(np.eye(N), LABELS, images=images)
    checked, source = checked_images(record)
    assert np.array_equal(np.asarray(source.image(2)), PHOTOS[2])
    assert checked.images is source


def test_too_few_pictures_of_from_arrays_are_refused():
    record = FeatureSet.from_arrays(np.eye(N), LABELS, images=np.stack(PHOTOS[:4]))
    with pytest.raises(InvalidInputError, match="images has 4 pictures"):
        checked_images(record)


def test_a_fourth_channel_is_left_out_and_noted():
    x = torch.stack([to_tensor(p) for p in PHOTOS])
    x = torch.cat([x, 1 - x[:, :1]], dim=1)
    notes, source = notes_of(extracted(x, channels=4), x)
    assert np.array_equal(np.asarray(source.image(3)), PHOTOS[3])
    assert notes == (source.note,)
    assert "bands=" in source.note
    assert notes_of(extracted(x, channels=4), x, bands=(3, 1, 2))[0] == ()


def test_bands_choose_what_is_compared_and_shown():
    x = torch.rand(N, 13, 8, 8, generator=torch.Generator().manual_seed(0))
    notes, source = notes_of(extracted(x, channels=13), x, bands=(3, 2, 1))
    expected = (x[5, [3, 2, 1]].permute(1, 2, 0).numpy() * 255).round()
    assert np.array_equal(np.asarray(source.image(5)), expected)
    assert notes == ()
    assert isinstance(source, ArrayImages)
    with pytest.raises(ImageError, match="bands="):
        DatasetImages(TensorDataset(x)).image(0)
