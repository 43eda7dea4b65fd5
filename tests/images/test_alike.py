"""Which pictures count as those that the model got."""

import numpy as np
import pytest

from tsne_widget._alike import likeness, small

MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


def photo(seed=0, height=90, width=120):
    """A picture with structures of all sizes, as photographs have."""
    rng = np.random.default_rng(seed)
    spectrum = np.fft.rfft2(rng.normal(size=(height, width, 3)), axes=(0, 1))
    rows = np.fft.fftfreq(height)[:, None] * height
    columns = np.fft.rfftfreq(width)[None] * width
    spectrum /= (1 + np.hypot(rows, columns))[..., None] ** 1.5
    values = np.fft.irfft2(spectrum, (height, width), axes=(0, 1))
    values = (values - values.min()) / np.ptp(values)
    return (values * 255).astype(np.float32)


def normalised(values):
    return (values / 255 - MEAN) / STD


def difference(picture, tensor):
    return likeness(small(picture), small(tensor)).difference


SAME = {
    "the picture itself": lambda p: p,
    "normalised": normalised,
    "centre crop": lambda p: normalised(p[6:84, 16:104]),
    "squashed": lambda p: normalised(small(p, 45)[:, ::2]),
    "crop at a corner": lambda p: p[:60, :60],
    "padded": lambda p: np.pad(p, ((15, 15), (0, 0), (0, 0))),
    "grey": lambda p: p.mean(axis=2, keepdims=True),
    "grey three times": lambda p: np.repeat(p.mean(axis=2, keepdims=True), 3, axis=2),
    "brighter": lambda p: np.sqrt(p),
    "one channel": lambda p: p[..., :1],
}


@pytest.mark.parametrize("change", SAME)
@pytest.mark.parametrize("seed", range(5))
def test_what_a_test_transform_does_is_no_difference(change, seed):
    assert difference(photo(seed), SAME[change](photo(seed))) == ""


DIFFERENT = {
    "mirrored left to right": lambda p: p[:, ::-1],
    "mirrored top to bottom": lambda p: p[::-1],
    "upside down": lambda p: p[::-1, ::-1],
    "on its side, turned left": lambda p: np.rot90(p),
    "on its side, turned right": lambda p: np.rot90(p, -1),
    "transposed (rows and columns exchanged)": lambda p: p.swapaxes(0, 1),
    "as a negative": lambda p: 255 - p,
    "with the channels in the order BGR": lambda p: p[..., ::-1],
    "only in part": lambda p: p[20:50, 40:70],
    "another picture": lambda p: photo(99),
}


@pytest.mark.parametrize("kind", DIFFERENT)
@pytest.mark.parametrize("seed", range(5))
def test_what_a_person_would_see_differently_is_named(kind, seed):
    assert difference(photo(seed), normalised(DIFFERENT[kind](photo(seed)))) == kind


def test_nothing_is_said_of_pictures_without_contrast():
    flat = np.full((8, 8, 3), 77.0)
    for pair in ((flat, photo()), (photo(), flat), (flat, flat)):
        assert difference(*pair) == ""


def test_tiny_pictures_are_compared_too():
    rng = np.random.default_rng(0)
    one, other = rng.random((2, 4, 4, 3))
    assert difference(one, one * 3 - 1) == ""
    assert difference(one, other) == "another picture"
