import os
import socket
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.images.pictures import (
    SHARED_DATA,
    animation,
    encoded,
    needs_shared_data,
    noise,
    png_header,
)
from tsne_widget.errors import ImageError, InvalidInputError
from tsne_widget.images import FileImages, ImageSource
from tsne_widget.images.files import MAX_PIXELS


@pytest.fixture
def file_of(tmp_path):
    def write(content: bytes, name: str = "picture.png") -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


def failure(path) -> str:
    with pytest.raises(ImageError) as caught:
        FileImages([path]).image(0)
    return str(caught.value)


@pytest.mark.parametrize("format_", ["PNG", "GIF", "WEBP", "BMP", "TIFF", "JPEG"])
def test_usual_formats_are_read_for_any_file_name(file_of, format_):
    options = {"lossless": True} if format_ == "WEBP" else {}
    path = file_of(encoded(noise(), format_, **options), "picture.dat")
    image = FileImages([path]).image(0)
    assert image.size == (50, 40)
    if format_ not in ("GIF", "JPEG"):
        np.testing.assert_array_equal(np.asarray(image), np.asarray(noise()))


def test_file_images_opens_no_file_before_a_picture_is_requested():
    images = FileImages(["nowhere/cat/1.png", Path("nowhere/dog/2.png")])
    assert isinstance(images, ImageSource)
    assert len(images) == 2


def test_the_caption_is_the_name_with_its_folder():
    images = FileImages(["/home/someone/pets/cat/0001.jpg", "b.png", "/c.png"])
    assert [images.caption(id_) for id_ in range(3)] == ["cat/0001.jpg", "b.png", "c.png"]


def test_captions_of_hostile_names_are_one_short_plain_line():
    names = ["a\nb\x00.png", "cat\u202egnp.exe", os.fsdecode(b"caf\xe9.png"), "x" * 10_000]
    captions = [FileImages([name]).caption(0) for name in names]
    assert captions[:3] == ["a\\nb\\x00.png", "cat\\u202egnp.exe", "caf\\udce9.png"]
    assert len(captions[3]) == 80
    for caption in captions:
        caption.encode()  # a lone surrogate would fail on the way to the page


def test_names_in_any_script_stay_readable():
    name = "می‌خواهم/猫 1 é.png"
    assert FileImages([name]).caption(0) == name


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"\x00" * 100, "not a PNG, JPEG, GIF, WEBP, BMP, TIFF picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a PNG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a PNG"),
        (b"P6 1 1 255\n\0\0\0", "not a PNG"),
        (encoded(noise(), "PNG")[:2000], "image file is truncated"),
        (encoded(noise(), "JPEG")[:900], "image file is truncated"),
        (encoded(noise(), "WEBP")[:900], "cannot be decoded"),
        (encoded(noise(), "TIFF")[:900], "cannot be decoded"),
        (b"\x89PNG\r\n\x1a\n", "cannot be decoded"),
    ],
    ids=[
        "empty",
        "zeros",
        "SVG",
        "EPS",
        "PPM",
        "cut PNG",
        "cut JPEG",
        "cut WebP",
        "cut TIFF",
        "stub",
    ],
)
def test_damaged_file_is_an_image_error_with_the_reason(file_of, content, reason):
    path = file_of(content)
    message = failure(path)
    assert reason in message
    assert str(path.parent) not in message


def test_a_missing_file_is_an_image_error_without_its_folder(tmp_path):
    assert failure(tmp_path / "cat" / "gone.png") == "no such file or directory: gone.png"
    assert failure("nul\0byte.png") == "a path cannot contain a NUL character"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pipes in folders")
@pytest.mark.timeout(20)
def test_pipes_devices_sockets_and_folders_are_refused_without_hanging(tmp_path):
    pipe = tmp_path / "pipe.png"
    os.mkfifo(pipe)
    assert failure(pipe) == "not a regular file"
    assert failure("/dev/zero") == "not a regular file"
    assert failure(tmp_path) == "not a regular file"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        assert failure(tmp_path / "s") == "not a regular file"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pipes in folders")
@pytest.mark.timeout(20)
def test_a_pipe_put_in_place_of_the_file_does_not_hang(tmp_path, file_of, monkeypatch):
    regular = file_of(b"1").stat()
    os.mkfifo(tmp_path / "pipe.png")
    monkeypatch.setattr(os, "stat", lambda path: regular)
    assert failure(tmp_path / "pipe.png") == "the file is empty"


def test_urls_are_file_names():
    assert failure("https://example.org/cat.png") == "no such file or directory: cat.png"


def test_too_many_pixels_are_refused_by_the_header_and_without_a_warning(file_of):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        for width, height in ((8001, 8001), (11_000, 11_000), (50_000, 50_000)):
            message = failure(file_of(png_header(width, height)))
            assert message == f"{width} × {height} pixels exceed the limit of 64 million"
    assert not seen


def test_picture_at_the_pixel_limit_is_decoded(file_of):
    assert MAX_PIXELS == 8000 * 8000
    assert "truncated" in failure(file_of(png_header(8000, 8000)))


def test_pixel_limit_of_pillow_does_not_apply(file_of, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 7)
    failure(file_of(png_header(50_000, 50_000)))
    assert FileImages([file_of(encoded(noise(), "PNG"))]).image(0).size == (50, 40)
    assert Image.MAX_IMAGE_PIXELS == 7


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_pictures_are_upright(file_of, orientation, format_):
    upright = np.zeros((16, 32), dtype=np.uint8)
    upright[:8, :8] = 255  # bright at the top left
    undo = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: np.rot90(upright),
        7: upright[::-1, ::-1].T,
        8: np.rot90(upright, -1),
    }
    stored = Image.fromarray(np.ascontiguousarray(undo[orientation])).convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = FileImages([file_of(encoded(stored, format_, exif=exif))]).image(0)
    assert image.size == (32, 16)
    assert np.asarray(image.convert("L"))[2:6, 2:6].min() > 200
    assert np.asarray(image.convert("L"))[10:, 10:].max() < 50


def test_picture_with_broken_exif_is_shown(file_of):
    path = file_of(encoded(noise(), "PNG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert FileImages([path]).image(0).size == (50, 40)


@pytest.mark.parametrize("format_", ["GIF", "PNG", "WEBP", "TIFF"])
def test_animation_shows_its_first_frame(file_of, format_):
    image = FileImages([file_of(animation(format_))]).image(0)
    assert image.size == (20, 20)
    assert image.convert("L").getpixel((9, 9)) == 0


def test_the_file_is_closed_although_it_has_more_frames(file_of):
    image = FileImages([file_of(animation("TIFF"))]).image(0)
    assert getattr(image, "fp", None) is None  # pytest turns a ResourceWarning into a failure too


@pytest.mark.parametrize("id_", [-1, 1, 10**9, "picture.png", "../picture.png", 0.0])
def test_invalid_id_of_a_list_is_an_image_error(file_of, id_):
    images = FileImages([file_of(encoded(noise(), "PNG"))])
    with pytest.raises(ImageError):
        images.image(id_)


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        ([], "paths is empty"),
        ("cat.png", "must be a sequence of paths, got one"),
        (Path("folder"), "rglob"),
        ([1, 2], "must be str or PathLike"),
    ],
)
def test_invalid_paths_are_refused(paths, message):
    with pytest.raises(InvalidInputError, match=message):
        FileImages(paths)


@needs_shared_data
def test_real_jpegs_are_the_pictures_of_the_array():
    stored = np.load(SHARED_DATA / "cifar10" / "cifar10_test_0_4999.npz")
    paths = sorted((SHARED_DATA / "cifar10" / "folder").glob("*/*.jpg"))[::50]
    images = FileImages(paths)
    for id_, path in enumerate(paths):
        row = int(path.stem.removeprefix("test"))
        np.testing.assert_array_equal(np.asarray(images.image(id_)), stored["images"][row])
        assert images.caption(id_) == f"{path.parent.name}/{path.name}"
