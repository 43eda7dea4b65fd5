"""Properties of pictures, on pictures whose values are known."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageFilter

from tsne_widget.images.fingerprints import perceptual_hash
from tsne_widget.images.jpeg_quality import jpeg_quality
from tsne_widget.images.properties import properties

SIDES = (24, 64, 150)  # a small picture, the largest that is read whole, a sampled one


def plain(color, side=24):
    return Image.new("RGB", (side, side), color)


def texture(side=24, seed=0):
    """A random picture with coarse and fine structure, in colour."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8))
    return coarse.resize((side, side), Image.Resampling.BICUBIC)


def checkerboard(side=24):
    return Image.fromarray(np.uint8(255 * (np.indices((side, side)).sum(axis=0) % 2)))


def one(picture):
    """Properties of one picture, by name."""
    return {name: values[0] for name, values in properties([picture])._asdict().items()}


def bits(first, second):
    """Number of different bits of the hashes of two pictures."""
    hashes = perceptual_hash(properties([first, second]).frequencies)
    return int(hashes[0] ^ hashes[1]).bit_count()


@pytest.mark.parametrize("side", SIDES)
class TestAtEachSize:
    def test_brightness_is_the_mean_luma(self, side):
        assert one(plain("white", side))["brightness"] == 1
        assert one(plain("black", side))["brightness"] == 0
        assert one(plain((0, 255, 0), side))["brightness"] == pytest.approx(0.587, abs=0.003)

    def test_contrast_is_the_standard_deviation(self, side):
        halves = plain("black", side)
        halves.paste("white", (0, 0, side // 2, side))
        assert one(halves)["contrast"] == pytest.approx(0.5, abs=1e-3)
        assert one(plain("red", side))["contrast"] == 0

    def test_entropy_counts_the_grey_levels(self, side):
        halves = plain("black", side)
        halves.paste("white", (0, 0, side // 2, side))
        assert one(halves)["entropy"] == pytest.approx(1, abs=1e-3)
        assert one(plain("red", side))["entropy"] == 0

    def test_a_blurred_picture_is_less_sharp(self, side):
        sharp = checkerboard(side)
        assert one(sharp.filter(ImageFilter.BoxBlur(2)))["sharpness"] < one(sharp)["sharpness"] / 50

    def test_hue_is_the_angle_of_the_colour(self, side):
        for color, angle in (("red", 0), ("yellow", 60), ("lime", 120), ("blue", 240)):
            assert one(plain(color, side))["hue"] == pytest.approx(angle, abs=0.1), color

    def test_saturation_is_that_of_hsv(self, side):
        assert one(plain((200, 100, 100), side))["saturation"] == pytest.approx(0.5)
        assert one(plain("white", side))["saturation"] == 0

    def test_noise_is_the_deviation_of_added_noise(self, side):
        rng = np.random.default_rng(0)
        noisy = np.clip(128 + rng.normal(0, 12, (side, side)), 0, 255).astype(np.uint8)
        assert one(Image.fromarray(noisy))["noise"] == pytest.approx(12 / 255, rel=0.1)

    def test_a_frame_of_one_colour_is_uniform(self, side):
        framed = texture(side)
        framed.paste("white", (0, 0, side, 1))
        for edge in ((0, side - 1, side, side), (0, 0, 1, side), (side - 1, 0, side, side)):
            framed.paste("white", edge)
        assert one(framed)["border_uniformity"] == 1
        assert one(texture(side))["border_uniformity"] < 0.8

    def test_the_same_picture_has_the_same_checksum(self, side):
        found = properties([texture(side), texture(side, seed=1), texture(side)]).checksum
        assert found[0] == found[2]
        assert found[0] != found[1]

    def test_recompression_changes_few_bits_of_the_hash(self, side):
        file = BytesIO()
        texture(side).save(file, "JPEG", quality=50)
        assert bits(texture(side), Image.open(file).convert("RGB")) <= 4

    def test_another_picture_has_another_hash(self, side):
        assert bits(texture(side), texture(side, seed=1)) > 16


def test_the_variance_of_the_laplacian_is_that_of_its_definition():
    grey = np.asarray(texture().convert("L")).astype(float)
    laplacian = (
        grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * grey[1:-1, 1:-1]
    )
    assert one(texture())["sharpness"] == pytest.approx(laplacian.var(), rel=1e-4)


def test_the_dominant_hue_is_that_of_the_larger_part():
    picture = plain("blue")
    picture.paste("red", (0, 0, 8, 24))
    assert one(picture)["hue"] == pytest.approx(240, abs=0.1)


def test_a_picture_without_colour_has_no_hue_and_is_grey():
    for picture in (Image.new("L", (9, 9), 80), plain((80, 82, 79))):
        assert np.isnan(one(picture)["hue"])
        assert one(picture)["is_grey"] == 1


def test_one_coloured_part_makes_a_picture_coloured():
    picture = plain("grey")
    picture.paste("red", (10, 10, 14, 14))
    assert one(picture)["is_grey"] == 0


def test_a_flat_picture_has_no_hash():
    hashes = perceptual_hash(properties([plain("white"), plain("black"), texture()]).frequencies)
    assert hashes[:2].tolist() == [0, 0]
    assert hashes[2] != 0


def test_pictures_of_many_sizes_and_modes_are_measured_as_alone():
    pictures = [texture(30), texture(40), texture(30).convert("L"), texture(30, 1), texture(200)]
    together = properties(pictures)
    for index, picture in enumerate(pictures):
        for name, value in one(picture).items():
            assert np.array_equal(getattr(together, name)[index], value, equal_nan=True), name


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (1, 70), (300, 1)])
def test_a_tiny_picture_has_properties(size):
    found = one(Image.new("RGB", size, "red"))
    assert found["sharpness"] == 0
    assert found["border_uniformity"] == 1


@pytest.mark.parametrize("quality", [5, 30, 50, 75, 90, 95])
def test_the_quality_of_a_jpeg_is_read_from_its_table(quality):
    file = BytesIO()
    texture().save(file, "JPEG", quality=quality)
    assert jpeg_quality(Image.open(file).quantization[0]) == quality
