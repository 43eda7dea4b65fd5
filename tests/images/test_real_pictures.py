"""Properties and duplicates of real pictures: planted changes are found, and little else."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter
from sklearn.datasets import load_digits, load_sample_image

from tsne_widget.analysis import duplicate_groups
from tsne_widget.images import ArrayImages, Measuring
from tsne_widget.images.fingerprints import perceptual_hash
from tsne_widget.images.properties import properties

CIFAR = Path(__file__).resolve().parents[3] / "shared/data/cifar10/cifar10_test_lossless_0_845.npz"


@pytest.fixture(scope="module")
def digits():
    return np.uint8(load_digits().images * 15.9)


@pytest.fixture(scope="module")
def cifar():
    if not CIFAR.exists():
        pytest.skip("CIFAR-10 is not in ../shared/data")
    with np.load(CIFAR) as data:
        return data["images"]


def photograph():
    return Image.fromarray(load_sample_image("china.jpg"))


def groups_of(array):
    measuring = Measuring(ArrayImages(array), np.arange(len(array)))
    for measure in measuring.blocks():
        measure()
    found = measuring.result()
    return duplicate_groups(
        found.content, found.width, found.height, found.hashes, found.properties.frequencies
    )


def similar(pictures):
    """Groups of nearly equal pictures, all of which are different."""
    found = properties(pictures)
    sides, content = np.ones(len(pictures), np.float32), np.arange(len(pictures), dtype=np.uint64)
    hashes = perceptual_hash(found.frequencies)
    return duplicate_groups(content, sides, sides, hashes, found.frequencies)[1]


def test_planted_copies_of_digits_are_the_only_duplicates(digits):
    array = np.concatenate([digits, digits[:20]])
    exact, _near = groups_of(array)
    rows = np.flatnonzero(~np.isnan(exact))
    assert rows.tolist() == [*range(20), *range(len(digits), len(array))]
    assert np.array_equal(exact[:20], exact[-20:])


def test_digits_of_one_class_are_no_near_duplicates(digits):
    assert np.isnan(similar([Image.fromarray(one) for one in digits])).all()


def test_changed_copies_of_photographs_are_near_duplicates(cifar):
    originals = [Image.fromarray(one) for one in cifar]
    changed = []
    for original in originals[:60]:
        file = BytesIO()
        original.save(file, "JPEG", quality=60)
        changed += [
            Image.open(file).convert("RGB"),
            original.resize((64, 64)),
            original.point(lambda level: min(255, round(1.05 * level))),
        ]
    groups = similar([*originals, *changed])
    of_copies = groups[len(originals) :].reshape(60, 3)
    assert np.mean(of_copies == groups[:60, np.newaxis]) > 0.95
    assert np.isnan(groups[60 : len(originals)]).all()


def test_the_blurred_pictures_are_the_least_sharp(cifar):
    pictures = [Image.fromarray(one) for one in cifar[:300]]
    pictures[:10] = [one.filter(ImageFilter.GaussianBlur(3)) for one in pictures[:10]]
    order = np.argsort(properties(pictures).sharpness)
    assert set(order[:14].tolist()) >= set(range(10))


def test_a_photograph_loses_sharpness_and_light_as_it_is_changed():
    original = photograph()
    blurred = original.filter(ImageFilter.GaussianBlur(4))
    dark = original.point(lambda level: level // 3)
    grey = original.convert("L")
    found = properties([original, blurred, dark, grey])
    assert found.sharpness[1] < found.sharpness[0] / 10
    assert found.brightness[2] == pytest.approx(found.brightness[0] / 3, rel=0.02)
    assert found.is_grey.tolist() == [0, 0, 0, 1]
    assert found.brightness[3] == pytest.approx(found.brightness[0], abs=0.01)
