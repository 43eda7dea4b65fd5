import threading
from collections import UserDict
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import ConcatDataset, Dataset, IterableDataset, Subset, TensorDataset

from tests.images.pictures import SHARED_DATA, encoded, needs_shared_data, noise
from tsne_widget.errors import ImageError, InvalidInputError
from tsne_widget.images import DatasetImages, ImageSource, as_image_source, thumbnail

COLOURS = np.random.default_rng(0).integers(0, 256, (6, 12, 10, 3), dtype=np.uint8)
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Normalize(SimpleNamespace):
    """Like torchvision's Normalize: mean, std and a call."""

    def __call__(self, x):
        return (x - torch.as_tensor(self.mean)[:, None, None]) / torch.as_tensor(self.std)[
            :, None, None
        ]


class Compose(SimpleNamespace):
    def __call__(self, x):
        for step in self.transforms:
            x = step(x)
        return x


def to_tensor(x):
    return torch.from_numpy(np.array(x)).permute(2, 0, 1) / 255


class Colours(Dataset):
    """COLOURS as a torchvision-like dataset with a transform."""

    def __init__(self, transform):
        self.transform = transform

    def __len__(self):
        return len(COLOURS)

    def __getitem__(self, id):  # noqa: A002
        return self.transform(to_tensor(COLOURS[id])), id % 2


class Folder(Dataset):
    """Like torchvision's ImageFolder, with a transform that must not affect the pictures."""

    def __init__(self, paths, loader=None):
        self.samples = [(str(path), code) for code, path in enumerate(paths)]
        self.transform = Normalize(mean=MEAN, std=STD)
        if loader is not None:
            self.loader = loader

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, id):  # noqa: A002
        return torch.zeros(3, 4, 4), self.samples[id][1]


class Pair(NamedTuple):
    picture: object
    label: int


@pytest.fixture
def files(tmp_path):
    paths = [tmp_path / "cat" / f"{number}.png" for number in range(len(COLOURS))]
    paths[0].parent.mkdir()
    for path, pixels in zip(paths, COLOURS, strict=True):
        Image.fromarray(pixels).save(path)
    return paths


def pixels_of(images, id=0):  # noqa: A002
    return np.asarray(images.image(id))


FORMS = {
    "bare picture": lambda x: x,
    "tuple": lambda x: (x, 3),
    "list": lambda x: [x, 3],
    "named tuple": lambda x: Pair(x, 3),
    "triple": lambda x: (x, 3, "meta"),
    "image": lambda x: {"label": 3, "image": x},
    "pixel_values": lambda x: {"pixel_values": x, "labels": 3},
    "user dict": lambda x: UserDict(img=x),
}
KINDS = {
    "PIL": Image.fromarray,
    "bytes NHWC": lambda a: a,
    "bytes tensor NCHW": lambda a: torch.from_numpy(a).permute(2, 0, 1),
    "float tensor": to_tensor,
    "batch of one": lambda a: to_tensor(a)[None],
    "float array": lambda a: a / 255,
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", KINDS)
def test_picture_is_found_in_samples_of_every_format(form, kind):
    dataset = [FORMS[form](KINDS[kind](pixels)) for pixels in COLOURS]
    images = DatasetImages(dataset)
    np.testing.assert_array_equal(pixels_of(images, 2), COLOURS[2])
    assert images.note == ""
    assert isinstance(images, ImageSource)
    assert (len(images), images.caption(2)) == (6, "#2")


def test_pictures_may_differ_in_size():
    images = DatasetImages([np.ones((4, 5, 3)), np.ones((7, 3)), np.ones((1, 2, 2))])
    assert [images.image(id_).size for id_ in range(3)] == [(5, 4), (3, 7), (2, 2)]


@pytest.mark.parametrize(
    "transform",
    [
        Normalize(mean=MEAN, std=STD),
        Compose(transforms=[torch.clone, Normalize(mean=list(MEAN), std=list(STD))]),
        Compose(transforms=[Compose(transforms=[torch.clone]), Normalize(mean=MEAN, std=STD)]),
        Normalize(mean=torch.tensor(MEAN), std=torch.tensor(STD)),
    ],
    ids=["alone", "in Compose", "after another Compose", "tensors"],
)
@pytest.mark.parametrize("wrap", [lambda d: d, lambda d: Subset(d, [5, 3]), lambda d: d + d])
def test_a_normalize_in_the_transform_is_undone(transform, wrap):
    images = DatasetImages(wrap(Colours(transform)))
    expected = 5 if len(images) == 2 else 0
    np.testing.assert_array_equal(pixels_of(images), COLOURS[expected])
    assert images.note == ""


def test_a_normalize_in_transforms_and_in_a_sequential_is_undone():
    class Module(torch.nn.Module):
        mean, std = MEAN, STD

    class Sequenced(Colours):
        transforms = SimpleNamespace(transform=torch.nn.Sequential(torch.nn.Identity(), Module()))

    dataset = Sequenced(lambda x: Normalize(mean=MEAN, std=STD)(x))
    np.testing.assert_array_equal(pixels_of(DatasetImages(dataset), 1), COLOURS[1])


def test_normalize_with_other_channels_is_ignored():
    class Grey(Colours):
        def __getitem__(self, id):  # noqa: A002
            return np.eye(4)

    images = DatasetImages(Grey(Normalize(mean=MEAN, std=STD)))
    np.testing.assert_array_equal(pixels_of(images), np.eye(4) * 255)
    with pytest.raises(ImageError, match="3 entries, but images have 1"):
        DatasetImages(Grey(None), mean=MEAN, std=STD).image(0)


def test_given_mean_and_std_replace_those_of_the_transform():
    dataset = Colours(Normalize(mean=MEAN, std=STD))
    images = DatasetImages(dataset, mean=(0, 0, 0), std=(1, 1, 1))
    assert "do not lead back" in images.note


class AddGaussianNoise(SimpleNamespace):
    """As in many notebooks: it has a mean and a std, and normalises nothing."""

    def __call__(self, x):
        return (x + 0.2 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0))) * 1.0


@pytest.mark.parametrize(
    "values", [{"mean": 0.0, "std": 0.1}, {"mean": (0.0,) * 3, "std": (0.1,) * 3}]
)
def test_noise_with_mean_and_std_is_not_undone(values):
    noisy = Colours(AddGaussianNoise(**values))
    drawn = np.stack([pixels_of(DatasetImages(noisy), id_) for id_ in range(6)])
    assert drawn.max() - drawn.min() > 200


def test_a_normalize_that_does_not_lead_to_0_1_is_not_undone():
    class Elsewhere(Colours):
        def __getitem__(self, id):  # noqa: A002
            return to_tensor(COLOURS[id]), 0  # normalised later, on the GPU

    images = DatasetImages(Elsewhere(Normalize(mean=MEAN, std=STD)))
    np.testing.assert_array_equal(pixels_of(images, 2), COLOURS[2])
    doubled = DatasetImages(
        Colours(Compose(transforms=[Normalize(mean=MEAN, std=STD), lambda x: 3 * x]))
    )
    assert "Colours are approximate" in doubled.note


def test_the_normalisations_of_other_packages_are_undone():
    kornia = SimpleNamespace(flags={"mean": torch.tensor(MEAN), "std": torch.tensor(STD)})
    processor = SimpleNamespace(image_mean=list(MEAN), image_std=list(STD))
    scaled = SimpleNamespace(mean=[255 * m for m in MEAN], std=[255 * s for s in STD])

    class Processed(Colours):
        def __init__(self, **steps):
            super().__init__(Normalize(mean=MEAN, std=STD))
            self.apply, self.transform = self.transform, None
            self.__dict__.update(steps)

        def __getitem__(self, id):  # noqa: A002
            return {"pixel_values": self.apply(to_tensor(COLOURS[id])), "label": 0}

    for steps in ({"transform": kornia}, {"image_processor": processor}, {"transform": scaled}):
        images = DatasetImages(Processed(**steps))
        np.testing.assert_array_equal(pixels_of(images, 3), COLOURS[3])
        assert images.note == ""


@pytest.mark.parametrize(
    "form",
    [
        lambda data, path: data,
        lambda data, path: (data, 1),
        lambda data, path: {"bytes": data, "path": None},
        lambda data, path: {"bytes": None, "path": str(path)},
        lambda data, path: {"image": {"bytes": data, "path": "gone.png"}, "label": 1},
        lambda data, path: {"image": str(path), "label": 1},
    ],
)
def test_encoded_pictures_and_paths_in_samples_are_read(files, form):
    source = as_image_source([form(path.read_bytes(), path) for path in files])
    np.testing.assert_array_equal(pixels_of(source, 2), COLOURS[2])
    with pytest.raises(ImageError, match="not a PNG"):
        DatasetImages([{"bytes": b"text", "path": None}]).image(0)


def test_a_fourth_channel_of_a_tensor_is_not_opacity():
    x = torch.cat([to_tensor(COLOURS[0]), torch.zeros(1, 12, 10)])
    for images in (DatasetImages([(x, 0)]), as_image_source(x[None])):
        np.testing.assert_array_equal(pixels_of(images), COLOURS[0])
        assert "fourth channel is not shown" in images.note
    infrared = DatasetImages([(x, 0)], bands=(3, 0, 1))
    np.testing.assert_array_equal(pixels_of(infrared)[..., 1:], COLOURS[0][..., :2])
    assert infrared.note == ""


@pytest.mark.parametrize(
    ("bands", "message"),
    [((3, 2), "one channel or of three"), ((1, 2, 13), "must be below 13"), ("rgb", "bands='rgb'")],
)
def test_bands_that_do_not_fit_are_refused(bands, message):
    with pytest.raises(InvalidInputError, match=message):
        as_image_source(np.zeros((2, 13, 32, 32)), bands=bands)


def test_one_band_is_grey_in_any_layout():
    array = np.random.default_rng(0).random((2, 20, 20, 13))
    for images in (array, np.moveaxis(array, 3, 1), torch.from_numpy(np.moveaxis(array, 3, 1))):
        source = as_image_source(images, bands=7)
        np.testing.assert_array_equal(pixels_of(source), (array[0, ..., 7] * 255).round())


def test_relative_files_of_a_dataset_stay_valid_in_another_folder(files, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    images = DatasetImages(Folder([path.relative_to(tmp_path) for path in files]))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    np.testing.assert_array_equal(pixels_of(images, 3), COLOURS[3])


def test_object_with_every_attribute_causes_no_endless_loop():
    class Anything:
        def __getattr__(self, name):
            if name.startswith("__"):
                raise AttributeError(name)
            return Anything()

    class Mocked(Anything):
        def __len__(self):
            return 1

        def __getitem__(self, id):  # noqa: A002
            return np.ones((4, 4))

    assert (pixels_of(DatasetImages(Mocked())) == 255).all()


def test_a_normalised_set_is_stretched_by_one_scale_with_a_note():
    x = torch.stack([torch.full((3, 4, 4), level) for level in (-2.0, 0.0, 2.0)])
    images = DatasetImages(TensorDataset(x, torch.arange(3)))
    assert [images.image(id_).getpixel((0, 0))[0] for id_ in range(3)] == [0, 128, 255]
    assert images.note == (
        "Colours are approximate: these images are normalised. Pass `mean=` and `std=` to "
        "`from_model()` to show them as they are."
    )


def test_digits_of_0_to_16_fill_the_range():
    digits = np.array([[[0.0, 16.0], [8.0, 4.0]], [[1.0, 1.0], [2.0, 0.0]]])
    images = DatasetImages(TensorDataset(torch.from_numpy(digits), torch.arange(2)))
    np.testing.assert_array_equal(pixels_of(images), [[0, 255], [128, 64]])
    assert pixels_of(images, 1).max() == 32


def test_one_bad_sample_does_not_hide_the_scale_of_the_others():
    dataset = [(np.full((2, 2), 8.0), 0), ("no picture", 0), (np.full((2, 2), 16.0), 0), (None, 0)]
    images = DatasetImages(dataset)
    assert pixels_of(images, 2).max() == 255
    with pytest.raises(ImageError, match="str, not an image or numbers"):
        images.image(1)
    with pytest.raises(ImageError, match="NoneType"):
        images.image(3)


@pytest.mark.parametrize(
    ("sample", "message"),
    [
        ((np.zeros(784), 0), r"shape \(784,\) is not a picture"),
        ((np.zeros((2, 3, 4, 5)), 0), "not a picture"),
        ((np.zeros((7, 9, 9)), 0), "no channel axis"),
        (({}, 0), "not an image"),
        ({"data": 1, "label": 2}, "keys data, label, but none of image, images"),
        ((), "the sample is empty"),
        ((np.full((2, 2), np.nan), 0), "no finite value"),
    ],
)
def test_a_sample_without_a_picture_is_an_image_error(sample, message):
    with pytest.raises(ImageError, match=message):
        DatasetImages([sample]).image(0)


class Failing(Dataset):
    def __init__(self, error):
        self.error = error

    def __len__(self):
        return 3

    def __getitem__(self, id):  # noqa: A002
        raise self.error


class UnspeakableError(Exception):
    def __str__(self):
        raise RuntimeError("no words")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (KeyError("x"), "dataset[1] failed: KeyError: 'x'"),
        (RuntimeError("cannot read /home/me/secret/cat.png"), "RuntimeError: cannot read cat.png"),
        (FileNotFoundError(2, "No such file or directory", "/home/me/cat.png"), "no such file"),
        (UnspeakableError(), "dataset[1] failed: UnspeakableError"),
        (RecursionError("deep"), "RecursionError: deep"),
    ],
)
def test_error_of_the_dataset_becomes_an_image_error_without_folders(error, message):
    with pytest.raises(ImageError) as caught:
        DatasetImages(Failing(error)).image(1)
    assert message in str(caught.value)
    assert "/home" not in str(caught.value)


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, SystemExit])
def test_interrupt_and_memory_error_are_not_converted(error):
    with pytest.raises(error):
        DatasetImages(Failing(error())).image(1)
    with pytest.raises(error):
        thumbnail(DatasetImages(Failing(error())), 1, 32)


def test_an_image_folder_shows_its_files_before_the_transform(files):
    images = DatasetImages(Folder(files))
    np.testing.assert_array_equal(pixels_of(images, 3), COLOURS[3])
    assert images.caption(3) == "cat/3.png"
    assert images.path(3) == files[3]
    assert images.note == ""


def test_nested_image_folder_shows_its_files(files):
    half, other = Folder(files[:4]), Folder(files[4:])
    both = ConcatDataset([half, other])
    nested = Subset(Subset(both, [5, 1, 4]), torch.tensor([2, 0]))
    images = DatasetImages(nested)
    np.testing.assert_array_equal(pixels_of(images, 0), COLOURS[4])
    np.testing.assert_array_equal(pixels_of(images, 1), COLOURS[5])
    assert images.caption(0) == "cat/4.png"


def test_files_of_other_formats_are_read_by_the_datasets_loader(tmp_path):
    for number in range(6):
        np.save(tmp_path / f"{number}.npy", COLOURS[number])
    dataset = Folder(sorted(tmp_path.glob("*.npy")), loader=np.load)
    images = DatasetImages(dataset)
    np.testing.assert_array_equal(pixels_of(images, 5), COLOURS[5])
    assert images.path(5) is None


def test_names_inside_an_archive_are_read_by_the_datasets_loader():
    archive = {f"zip/{number}.png": COLOURS[number] for number in range(6)}
    images = DatasetImages(Folder(list(archive), loader=archive.__getitem__))
    np.testing.assert_array_equal(pixels_of(images, 2), COLOURS[2])


def test_a_broken_file_is_not_given_to_the_loader(tmp_path):
    path = tmp_path / "eps.png"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n")
    images = DatasetImages(Folder([path], loader=lambda path: pytest.fail("opened")))
    with pytest.raises(ImageError, match="not a PNG"):
        images.image(0)


def test_samples_list_of_another_length_is_not_a_list_of_files(files):
    class Other(Folder):
        def __len__(self):
            return 2

        def __getitem__(self, id):  # noqa: A002
            return np.ones((3, 3)), 0

    assert (pixels_of(DatasetImages(Other(files))) == 255).all()


def test_dataset_is_read_by_one_thread_at_a_time():
    inside, seen = threading.Semaphore(1), []

    class Shy(Dataset):
        def __len__(self):
            return 40

        def __getitem__(self, id):  # noqa: A002
            alone = inside.acquire(blocking=False)
            seen.append(alone)
            threading.Event().wait(0.001)
            if alone:
                inside.release()
            return Image.new("L", (2, 2)), 0

    images = DatasetImages(Shy())
    threads = [
        threading.Thread(target=lambda start=start: [images.image(i) for i in range(start, 40, 4)])
        for start in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 40
    assert all(seen)


def test_the_datasets_own_picture_is_not_changed():
    original = noise(400, 500)
    before = np.asarray(original).copy()
    thumbnail(DatasetImages([(original, 0)]), 0, 50)
    assert original.size == (500, 400)
    np.testing.assert_array_equal(np.asarray(original), before)


class Endless(IterableDataset):
    def __iter__(self):
        return iter(())


@pytest.mark.parametrize(
    ("dataset", "message"),
    [(Endless(), "iterable dataset pass its pictures"), ({1, 2}, r"dataset\[id\]"), (7, "length")],
)
def test_dataset_without_length_or_items_is_refused(dataset, message):
    with pytest.raises(InvalidInputError, match=message):
        DatasetImages(dataset)


@pytest.mark.parametrize("id_", [-1, 6, 10**12, "0", None])
def test_invalid_id_of_a_dataset_is_an_image_error(id_):
    with pytest.raises(ImageError):
        DatasetImages([COLOURS[0]] * 6).image(id_)


def test_draft_decoding_leaves_a_large_jpeg_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "large.jpg"
    path.write_bytes(encoded(noise(300, 600), "JPEG", exif=exif))
    made = thumbnail(DatasetImages(Folder([path])), 0, 40)
    assert (made.width, made.height) == (20, 40)


@needs_shared_data
def test_the_real_folder_shows_the_files_and_not_the_normalised_tensors():
    folder = SHARED_DATA / "cifar10" / "folder"
    stored = np.load(SHARED_DATA / "cifar10" / "cifar10_test_0_4999.npz")["images"]
    paths = sorted(folder.glob("*/*.jpg"))
    images = DatasetImages(Subset(Folder(paths), [499, 250]))
    for id_, path in enumerate((paths[499], paths[250])):
        np.testing.assert_array_equal(pixels_of(images, id_), stored[int(path.stem[4:])])
