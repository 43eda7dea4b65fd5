import io
import threading

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.images.pictures import animation, decoded, encoded, noise, pixels, png_header
from tsne_widget.errors import ImageError, InvalidInputError
from tsne_widget.images import (
    ArrayImages,
    DatasetImages,
    FileImages,
    Thumbnail,
    ThumbnailCache,
    thumbnail,
)
from tsne_widget.images.decoding import BACKGROUND


@pytest.fixture
def made_of(tmp_path):
    def make(content: bytes, size: int = 96) -> Thumbnail:
        path = tmp_path / "picture"
        path.write_bytes(content)
        return thumbnail(FileImages([path]), 0, size)

    return make


def gradient(width: int, height: int) -> Image.Image:
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return Image.fromarray(np.stack([x, y, 255 - x], axis=-1).astype(np.uint8))


def test_small_pictures_are_exact_and_never_enlarged():
    digit = np.random.default_rng(0).integers(0, 256, (1, 8, 8), dtype=np.uint8)
    made = thumbnail(ArrayImages(digit), 0, 96)
    assert made[1:] == ("image/png", 8, 8, "")
    np.testing.assert_array_equal(pixels(made.data), digit[0])


def test_pictures_of_32_pixels_are_exact_too():
    picture = np.asarray(noise(32, 32))
    made = thumbnail(ArrayImages(picture[None]), 0, 96)
    np.testing.assert_array_equal(pixels(made.data), picture)


def test_larger_pictures_are_jpegs_that_look_the_same(made_of):
    made = made_of(encoded(gradient(1000, 500), "PNG"))
    assert made[1:] == ("image/jpeg", 96, 48, "")
    expected = np.asarray(gradient(96, 48)).astype(int)
    assert np.abs(pixels(made.data) - expected).mean() < 4


def test_a_large_jpeg_decoded_in_part_looks_the_same(made_of):
    made = made_of(encoded(gradient(3000, 1500), "JPEG", quality=95))
    expected = np.asarray(gradient(96, 48)).astype(int)
    assert (made.width, made.height) == (96, 48)
    assert np.abs(pixels(made.data) - expected).mean() < 4


@pytest.mark.parametrize(("width", "height"), [(5000, 2), (2, 5000)])
def test_a_strip_keeps_at_least_one_pixel(made_of, width, height):
    made = made_of(encoded(Image.new("RGB", (width, height)), "PNG"))
    assert sorted((made.width, made.height)) == [1, 96]


@pytest.mark.parametrize(
    "mode", ["1", "L", "P", "LA", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr"]
)
def test_every_mode_shows_its_colours(mode):
    class One:
        def __len__(self):
            return 1

        def image(self, id):  # noqa: A002
            picture = Image.new("RGB", (64, 32), (255, 255, 255))
            ImageDraw.Draw(picture).rectangle([0, 0, 31, 31], fill=(0, 0, 0))
            return picture.convert("L").convert(mode) if mode == "LA" else picture.convert(mode)

        def caption(self, id):  # noqa: A002
            return ""

    made = decoded(thumbnail(One(), 0, 64).data)
    assert made.mode in ("L", "RGB")
    grey = np.asarray(made.convert("L")).astype(int)
    assert grey[:, :24].max() < 12
    assert grey[:, 40:].min() > 243


def test_a_cmyk_jpeg_is_not_inverted(made_of):
    red = Image.new("RGB", (64, 64), (230, 20, 20)).convert("CMYK")
    made = pixels(made_of(encoded(red, "JPEG")).data)
    assert np.abs(made.reshape(-1, 3).mean(axis=0) - (230, 20, 20)).max() < 12


@pytest.mark.parametrize("format_", ["PNG", "TIFF"])
def test_a_sixteen_bit_ramp_keeps_more_than_200_levels(made_of, format_):
    ramp = np.tile(np.linspace(0, 65535, 512).astype(np.uint16), (8, 1))
    made = made_of(encoded(Image.fromarray(ramp), format_), 512)
    shown = pixels(made.data)
    assert len(np.unique(shown)) > 200
    assert np.abs(shown[4].astype(float) - ramp[0] / 257).max() < 3
    assert made.note == ""


def test_twelve_bits_in_sixteen_are_stretched_with_a_note(made_of):
    ramp = np.tile(np.linspace(0, 4095, 30).astype(np.uint16), (30, 1))
    made = made_of(encoded(Image.fromarray(ramp), "PNG"))
    assert pixels(made.data).max() == 255
    assert made.note == "values 0 … 4095 stretched from black to white"


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_float_and_32_bit_pictures_are_not_clipped(made_of, dtype):
    ramp = np.tile(np.linspace(-1000, 90_000, 30).astype(dtype), (30, 1))
    made = made_of(encoded(Image.fromarray(ramp), "TIFF"))
    assert len(np.unique(pixels(made.data))) == 30
    assert made.note.startswith("values -1000 … 9")


def test_a_float_picture_without_a_finite_value_is_an_error(made_of):
    nothing = Image.fromarray(np.full((4, 4), np.nan, np.float32))
    with pytest.raises(ImageError, match="no finite value"):
        made_of(encoded(nothing, "TIFF"))


def test_transparent_pixels_show_the_background_colour(made_of):
    hidden = Image.new("RGBA", (20, 20), (255, 0, 0, 0))
    assert (pixels(made_of(encoded(hidden, "PNG")).data) == BACKGROUND).all()
    half = Image.new("RGBA", (20, 20), (255, 255, 255, 128))
    expected = [round(255 * 128 / 255 + level * 127 / 255) for level in BACKGROUND]
    assert np.abs(pixels(made_of(encoded(half, "PNG")).data) - np.array(expected)).max() <= 1


def test_hidden_colours_do_not_bleed_when_a_picture_shrinks(made_of):
    picture = np.zeros((400, 400, 4), dtype=np.uint8)
    picture[::2] = (255, 0, 0, 0)  # invisible red lines between black ones
    picture[1::2] = (0, 0, 0, 255)
    shown = pixels(made_of(encoded(Image.fromarray(picture), "PNG")).data).astype(int)
    assert np.abs(shown[..., 0] - shown[..., 2]).max() < 8


def test_transparent_palette_colour_shows_the_background(made_of):
    picture = Image.new("P", (20, 20), 1)
    picture.putpalette([255, 0, 0, 0, 255, 0])
    assert (pixels(made_of(encoded(picture, "PNG", transparency=1)).data) == BACKGROUND).all()
    assert (pixels(made_of(encoded(picture, "GIF", transparency=1)).data) == BACKGROUND).all()


@pytest.mark.parametrize(
    ("format_", "note"),
    [
        ("GIF", "animated, first frame"),
        ("WEBP", "animated, first frame"),
        ("PNG", "animated, first frame"),
        ("TIFF", "first of several pages"),
    ],
)
def test_thumbnail_of_an_animation_has_a_note(made_of, format_, note):
    made = made_of(animation(format_))
    assert pixels(made.data).max() == 0
    assert made.note == note


def test_one_frame_has_no_note(made_of):
    for format_ in ("GIF", "WEBP", "PNG", "TIFF"):
        assert made_of(encoded(noise(), format_)).note == ""


def test_a_camera_picture_with_a_preview_is_not_called_animated(made_of):
    content = encoded(noise(), "MPO", save_all=True, append_images=[noise(20, 20)])
    assert made_of(content).note == ""


@pytest.mark.parametrize("size", [20, 200])
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP"])
def test_no_metadata_is_passed_on(made_of, format_, size):
    exif = Image.Exif()
    exif[0x0112], exif[0x010E], exif[0x8825] = 6, "SECRET place", {1: "N"}
    profile = b"SECRET profile" + bytes(200)
    options = {"comment": "SECRET comment"} if format_ == "JPEG" else {}
    picture = noise(100, 200)
    picture.info["SECRET"] = "SECRET"
    made = made_of(encoded(picture, format_, exif=exif, icc_profile=profile, **options), size)
    assert b"SECRET" not in made.data
    assert made.height == size  # rotated upright
    image = decoded(made.data)
    assert not image.getexif()
    assert not {"exif", "icc_profile", "comment", "SECRET"} & image.info.keys()


def test_truncated_file_is_an_error_with_the_reason(made_of):
    with pytest.raises(ImageError, match="truncated"):
        made_of(encoded(noise(), "PNG")[:3000])


class Broken:
    """A user's source that raises its own error."""

    def __init__(self, failure):
        self.failure = failure
        self.asked = 0

    def __len__(self):
        return 3

    def image(self, id):  # noqa: A002
        self.asked += 1
        if isinstance(self.failure, BaseException):
            raise self.failure
        return self.failure

    def caption(self, id):  # noqa: A002
        return ""


@pytest.mark.parametrize(
    "failure", [KeyError(3), RuntimeError("x"), OSError(5, "I/O"), None, "png"]
)
def test_a_failing_source_gives_only_image_errors(failure):
    with pytest.raises(ImageError):
        thumbnail(Broken(failure), 0, 32)


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), MemoryError()])
def test_an_interrupt_passes_through_thumbnail_and_cache(failure):
    with pytest.raises(type(failure)):
        ThumbnailCache(Broken(failure)).get(0)


def test_a_large_picture_of_a_source_is_refused_before_it_is_decoded():
    header = Image.open(io.BytesIO(png_header(9000, 9000)))
    with pytest.raises(ImageError, match="9000 × 9000 pixels"):
        thumbnail(Broken(header), 0, 32)


@pytest.mark.parametrize("size", [0, -5])
def test_a_size_below_one_pixel_is_refused(size):
    for call in (
        lambda: thumbnail(Broken(None), 0, size),
        lambda: ThumbnailCache(Broken(None), size=size),
    ):
        with pytest.raises(InvalidInputError, match=f"size .* got {size}"):
            call()


def test_the_cache_decodes_a_picture_once():
    source = Broken(noise())
    cache = ThumbnailCache(source, size=32)
    assert cache.get(1) == cache.get(1) == thumbnail(source, 1, 32)
    assert source.asked == 2  # once by the cache, once just here
    cache.clear()
    cache.get(1)
    assert source.asked == 3


def test_the_cache_forgets_the_least_recently_used_beyond_its_bytes():
    source = Broken(noise())
    weight = len(thumbnail(source, 0, 32).data) + 512
    cache = ThumbnailCache(source, size=32, max_bytes=2 * weight)
    source.asked = 0
    for id_ in (0, 1, 0, 2, 0):  # 1 is the least recently used when 2 comes
        cache.get(id_)
    assert source.asked == 3
    cache.get(1)
    assert source.asked == 4


def test_a_cache_without_room_still_gives_thumbnails():
    cache = ThumbnailCache(Broken(noise()), max_bytes=0)
    assert cache.get(0).data
    assert repr(cache) == "ThumbnailCache(0 kept, 0 of 0 bytes)"


def test_cached_failure_is_a_thumbnail_with_the_reason(tmp_path):
    (tmp_path / "cut.png").write_bytes(encoded(noise(), "PNG")[:3000])
    cache = ThumbnailCache(FileImages([tmp_path / "cut.png", tmp_path / "gone.png"]))
    assert cache.get(0)[:4] == (b"", "", 0, 0)
    assert "truncated" in cache.get(0).note
    assert cache.get(1).note == "no such file or directory: gone.png"


@pytest.mark.parametrize("id_", [-1, 3, 1e9, "0", None, [], float("nan")])
def test_invalid_id_in_the_cache_is_a_failed_thumbnail(id_):
    source = Broken(noise())
    made = ThumbnailCache(source).get(id_)
    assert made.data == b""
    assert made.note
    assert source.asked == 0


@pytest.mark.parametrize(
    "text",
    [
        "x" * 500,
        "cannot open /home/me/my secret folder/cat.png",
        "cannot open '/home/me/my secret folder/cat.png'",
        "cannot open C:\\Users\\me\\secret\\cat.png",
        "line\nbreak\x00\u202e",
    ],
)
def test_the_reason_is_short_plain_and_without_folders(text):
    note = ThumbnailCache(Broken(RuntimeError(text))).get(0).note
    assert len(note) <= 120
    assert note.isprintable()
    for private in ("home", "Users", "/me", "\\me"):
        assert private not in note


def test_four_threads_share_a_cache():
    source = DatasetImages([np.full((40, 40), id_ / 50) for id_ in range(50)])
    cache = ThumbnailCache(source, size=32, max_bytes=12_000)
    errors = []

    def work(start):
        for id_ in np.random.default_rng(start).integers(0, 50, 150):
            level = pixels(cache.get(int(id_)).data).mean()
            if abs(level - 255 * id_ / 50) > 1:
                errors.append((id_, level))

    threads = [threading.Thread(target=work, args=(start,)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert cache._bytes == sum(len(made.data) + 512 for made in cache._kept.values()) <= 12_000


def test_each_size_of_a_picture_is_cached_separately():
    cache = ThumbnailCache(ArrayImages(np.full((1, 60, 90), 128, dtype=np.uint8)), size=30)
    small, large = cache.get(0), cache.get(0, 80)
    assert (small.width, small.height) == (30, 20)
    assert (large.width, large.height) == (80, 53)
    assert cache.get(0) is small
    assert cache.get(0, 80) is large
    with pytest.raises(InvalidInputError, match=r"size .* got 0"):
        cache.get(0, 0)
