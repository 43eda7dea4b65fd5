"""The measurement of all pictures of a source."""

import numpy as np
import pytest
from PIL import Image, ImageFilter

from tsne_widget.images import ArrayImages, DatasetImages, FileImages, Measuring, ThumbnailCache
from tsne_widget.images.properties import properties

RNG = np.random.default_rng(0)


def texture(side, seed=0):
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (9, 9, 3), dtype=np.uint8))
    return coarse.resize((side, side), Image.Resampling.BICUBIC)


def measured(source, cache=None):
    measuring = Measuring(source, np.arange(len(source)), cache)
    for measure in measuring.blocks():
        measure()
    assert measuring.done == measuring.total
    return measuring.result()


@pytest.fixture
def files(tmp_path):
    def write(*pictures, suffix="png", **options):
        paths = [tmp_path / f"{number}.{suffix}" for number in range(len(pictures))]
        for path, picture in zip(paths, pictures, strict=True):
            picture.save(path, **options)
        return FileImages(paths)

    return write


def test_an_array_is_measured_as_its_pictures():
    array = np.stack([np.asarray(texture(20, seed)) for seed in range(5)])
    found = measured(ArrayImages(array))
    alone = properties([texture(20, seed) for seed in range(5)])
    np.testing.assert_array_equal(found.properties.sharpness, alone.sharpness)
    assert found.width.tolist() == [20] * 5


def test_a_picture_that_cannot_be_read_is_unknown(files, tmp_path):
    source = files(texture(20), texture(20, 1))
    (tmp_path / "0.png").write_bytes(b"no picture")
    found = measured(source)
    assert np.isnan(found.properties.brightness).tolist() == [True, False]
    assert np.isnan(found.width).tolist() == [True, False]


def test_a_large_jpeg_is_measured_like_its_pixels(files):
    """It is decoded at a quarter, and other pictures are reduced to a quarter."""
    pictures = [texture(1000, seed).filter(ImageFilter.GaussianBlur(seed)) for seed in (1, 9)]
    decoded, whole = (
        measured(files(*pictures, suffix="jpg", quality=95)),
        measured(files(*pictures)),
    )
    for name in ("brightness", "contrast", "saturation", "entropy", "hue"):
        near = getattr(decoded.properties, name), getattr(whole.properties, name)
        np.testing.assert_allclose(*near, rtol=0.03, err_msg=name)
    assert decoded.properties.sharpness[1] < decoded.properties.sharpness[0]
    assert decoded.width.tolist() == [1000, 1000]


def test_only_a_jpeg_has_a_quality(files):
    assert measured(files(texture(300), suffix="jpg", quality=40)).jpeg_quality.tolist() == [40]
    assert np.isnan(measured(files(texture(300))).jpeg_quality).all()


def test_a_turned_picture_has_the_size_of_the_upright_one(files):
    exif = Image.Exif()
    exif[0x0112] = 6
    source = files(texture(64).crop((0, 0, 64, 30)), suffix="jpg", exif=exif)
    found = measured(source)
    assert (found.width[0], found.height[0]) == (30, 64)


@pytest.mark.parametrize("side", [32, 150])
def test_equal_pictures_have_equal_contents(side):
    array = np.stack([np.asarray(texture(side, seed)) for seed in (0, 1, 0)])
    found = measured(ArrayImages(array))
    assert found.content[0] == found.content[2] != found.content[1]


@pytest.mark.parametrize("side", [32, 150])
def test_one_changed_pixel_makes_another_content(side):
    """Also one that the sampled pixels leave out."""
    array = np.stack([np.asarray(texture(side))] * 2)
    array[1, 1, 1] += 1
    found = measured(ArrayImages(array))
    assert found.content[0] != found.content[1]


def test_a_dataset_is_read_by_the_thread_that_iterates():
    read = []

    class Dataset(list):
        def __getitem__(self, index):
            read.append(index)
            return super().__getitem__(index)

    measuring = Measuring(DatasetImages(Dataset([texture(8)] * 3)), np.arange(3))
    blocks = measuring.blocks()
    measure = next(blocks)
    before = len(read)
    measure()
    assert len(read) == before


def test_thumbnails_are_kept_on_the_way(files):
    source = files(texture(300), texture(20))
    cache = ThumbnailCache(source, size=96)
    measured(source, cache)
    made = cache._kept[0, 96]
    assert (made.width, made.height, made.mime) == (96, 96, "image/jpeg")
    assert cache._kept[1, 96] == ThumbnailCache(source, size=96).get(1)


def test_a_full_cache_gets_no_thumbnails():
    source = ArrayImages(np.stack([np.asarray(texture(20))] * 3))
    cache = ThumbnailCache(source, max_bytes=0)
    measured(source, cache)
    assert not cache._kept
