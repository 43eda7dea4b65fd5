"""Hostile files raise only ImageError, and its message names no folder."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults import attacks
from tsne_widget.errors import ImageError
from tsne_widget.images import FileImages, ThumbnailCache, thumbnail

MUTANTS_PER_FILE = 140
PICTURES = attacks.pictures()

ROOT = Path(__file__).resolve().parents[2]


def test_there_are_two_thousand_mutants():
    assert MUTANTS_PER_FILE * len(PICTURES) >= 2000


@pytest.mark.filterwarnings("ignore::UserWarning")  # as errors they would stop decoding
@pytest.mark.parametrize("kind", PICTURES)
def test_damaged_files_raise_only_image_errors(tmp_path, kind):
    path = tmp_path / "damaged"
    images = FileImages([path])
    reasons = []
    for content in attacks.mutants(PICTURES[kind], kind, MUTANTS_PER_FILE):
        path.write_bytes(content)
        for attempt in (lambda: thumbnail(images, 0, 32), lambda: images.image(0)):
            try:
                attempt()
            except ImageError as error:
                reasons.append(str(error))
        assert len(ThumbnailCache(images).get(0).note) <= 120
    assert reasons
    assert not any(str(tmp_path) in reason for reason in reasons)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")  # size of a GIF's frame
@pytest.mark.parametrize("kind", attacks.HEADERS)
def test_a_header_of_too_many_pixels_is_refused_in_every_format(tmp_path, kind):
    path = tmp_path / "large"
    path.write_bytes(attacks.HEADERS[kind](12_000, 10_000))
    with pytest.raises(ImageError, match=r"12000 × 10000 pixels .* 64 million"):
        FileImages([path]).image(0)


@pytest.mark.parametrize("kind", attacks.HEADERS)
def test_header_of_few_pixels_is_not_refused_for_its_size(tmp_path, kind):
    path = tmp_path / "small"
    path.write_bytes(attacks.HEADERS[kind](20, 20))
    try:
        FileImages([path]).image(0)
        said = ""
    except ImageError as error:
        said = str(error)
    assert "pixels exceed the limit" not in said


@pytest.mark.parametrize("kind", attacks.REFUSED_FORMATS)
@pytest.mark.parametrize("name", ["picture.png", "picture.svg"])
def test_format_that_could_run_code_is_refused(tmp_path, kind, name):
    (tmp_path / name).write_bytes(attacks.REFUSED_FORMATS[kind])
    with pytest.raises(ImageError, match="not a PNG, JPEG"):
        FileImages([tmp_path / name]).image(0)


OPENED = """
import resource, sys, warnings
from tsne_widget.errors import ImageError
from tsne_widget.images import FileImages, thumbnail
warnings.simplefilter("ignore")
images = FileImages([sys.argv[1]])
for attempt in (lambda: thumbnail(images, 0, 32), lambda: images.image(0)):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        attempt()
    except ImageError as error:
        print(error)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 60_000, f"{grown} kB more"
"""


@pytest.fixture(scope="module")
def bombs():
    return attacks.bombs()


@pytest.mark.skipif(sys.platform != "linux", reason="memory is counted in kB on Linux")
@pytest.mark.parametrize(
    "kind",
    [
        "PNG of pixels",
        "PNG of text",
        "PNG of more text",
        "PNG of a profile",
        "TIFF of pixels",
        "archive",
    ],
)
def test_a_bomb_is_refused_before_it_takes_memory(tmp_path, bombs, kind):
    path = tmp_path / "bomb.png"
    path.write_bytes(bombs[kind])
    assert len(bombs[kind]) < attacks.BOMB_BYTES / 100
    command = [sys.executable, "-c", OPENED, str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
