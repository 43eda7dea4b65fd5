import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from tsne_widget.errors import ImageError, InvalidInputError
from tsne_widget.images import ArrayImages, ImageSource

RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16)
COLOURS = np.random.default_rng(0).integers(0, 256, (5, 12, 10, 3), dtype=np.uint8)
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def shown(images, id=0):  # noqa: A002
    return np.asarray(images.image(id))


def test_array_images_is_an_image_source():
    assert isinstance(ArrayImages(COLOURS), ImageSource)
    assert len(ArrayImages(COLOURS)) == 5
    assert ArrayImages(COLOURS).caption(3) == "#3"


@pytest.mark.parametrize(
    "array",
    [COLOURS, np.moveaxis(COLOURS, 3, 1), torch.from_numpy(COLOURS).permute(0, 3, 1, 2)],
    ids=["NHWC", "NCHW", "torch NCHW"],
)
def test_channels_first_and_last_show_the_same_picture(array):
    np.testing.assert_array_equal(shown(ArrayImages(array), 2), COLOURS[2])


@pytest.mark.parametrize(
    "array",
    [
        COLOURS / 255,
        (COLOURS / 255).astype(np.float32),
        (COLOURS / 255).astype(np.float16),
        COLOURS.astype(np.float32),
        COLOURS.astype(np.int64),
        COLOURS.astype(np.uint16) * 257,
        COLOURS.tolist(),
        torch.from_numpy(COLOURS).permute(0, 3, 1, 2) / 255,
        (torch.from_numpy(COLOURS).permute(0, 3, 1, 2) / 255).requires_grad_(),
    ],
    ids=[
        "float64 of 1",
        "float32 of 1",
        "float16 of 1",
        "float32 of 255",
        "int64",
        "uint16",
        "lists",
        "tensor",
        "tensor with gradient",
    ],
)
def test_every_scale_shows_the_same_picture_without_a_note(array):
    images = ArrayImages(array)
    np.testing.assert_array_equal(shown(images, 1), COLOURS[1])
    assert images.note == ""


def test_bfloat16_tensors_are_shown_although_numpy_lacks_the_type():
    tensor = torch.tensor([[[0.0, 1.0], [0.5, 0.25]]], dtype=torch.bfloat16)
    np.testing.assert_array_equal(shown(ArrayImages(tensor)), [[0, 255], [128, 64]])


@pytest.mark.parametrize("shape", [(2, 16, 16), (2, 16, 16, 1), (2, 1, 16, 16)])
def test_grey_pictures_are_grey_in_any_layout(shape):
    image = ArrayImages(np.stack([RAMP, RAMP]).reshape(shape)).image(1)
    assert image.mode == "L"
    np.testing.assert_array_equal(np.asarray(image), RAMP)


def test_ambiguous_layout_is_channels_last_in_arrays_and_first_in_tensors():
    array = np.random.default_rng(0).integers(100, 256, (2, 3, 5, 3), dtype=np.uint8)
    np.testing.assert_array_equal(shown(ArrayImages(array)), array[0])
    tensor = torch.from_numpy(array)
    np.testing.assert_array_equal(shown(ArrayImages(tensor)), np.moveaxis(array[0], 0, 2))


def test_alpha_is_kept():
    rgba = np.concatenate([COLOURS, np.full((5, 12, 10, 1), 128, np.uint8)], axis=-1)
    for array in (rgba, rgba / 255, rgba.astype(np.uint16) * 257):
        image = ArrayImages(array).image(0)
        assert image.mode == "RGBA"
        np.testing.assert_array_equal(np.asarray(image), rgba[0])


def test_sixteen_bits_keep_all_levels_of_a_ramp():
    ramp = np.linspace(0, 65535, 1024).astype(np.uint16).reshape(1, 32, 32)
    image = shown(ArrayImages(ramp))
    assert len(np.unique(image)) == 256
    np.testing.assert_array_equal(image, np.rint(ramp[0] / 257))


def test_bools_are_black_and_white():
    np.testing.assert_array_equal(shown(ArrayImages(np.eye(3, dtype=bool)[None])), np.eye(3) * 255)


def test_digits_of_0_to_16_are_stretched_with_a_note():
    digits = np.array([[[0.0, 8.0], [16.0, 4.0]], [[0.0, 1.0], [2.0, 0.0]]])
    images = ArrayImages(digits)
    np.testing.assert_array_equal(shown(images), [[0, 128], [255, 64]])
    assert shown(images, 1).max() == 32  # the whole array decides, so a faint digit stays faint
    assert images.note == "values 0 … 16 stretched from black to white"


def test_dark_bytes_are_stretched_with_a_note():
    images = ArrayImages(np.array([[[0, 16], [8, 4]]], dtype=np.uint8))
    np.testing.assert_array_equal(shown(images), [[0, 255], [128, 64]])
    assert "0 … 16" in images.note


def test_normalised_pictures_are_stretched_with_a_note_that_names_the_remedy():
    normalised = (COLOURS / 255 - MEAN) / STD
    images = ArrayImages(normalised)
    drawn = np.stack([shown(images, i) for i in range(5)])
    assert drawn.min() == 0
    assert drawn.max() == 255
    assert images.note == (
        "Colours are approximate: these images are normalised. Pass `mean=` and `std=` to "
        "`from_model()` to show them as they are."
    )


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
def test_mean_and_std_restore_the_original_picture(layout):
    normalised = ((COLOURS / 255 - MEAN) / STD).astype(np.float32)
    if layout == "NCHW":
        normalised = np.moveaxis(normalised, 3, 1)
    images = ArrayImages(normalised, mean=MEAN, std=STD)
    np.testing.assert_array_equal(shown(images, 4), COLOURS[4])
    assert images.note == ""


def test_one_mean_and_std_serve_grey_pictures():
    images = ArrayImages((RAMP[None] / 255 - 0.1307) / 0.3081, mean=0.1307, std=0.3081)
    np.testing.assert_array_equal(shown(images), RAMP)


def test_wrong_mean_and_std_are_reported_in_the_note():
    images = ArrayImages((COLOURS / 255 - MEAN) / STD, mean=0.0, std=1.0)
    assert "mean and std do not lead back" in images.note


@pytest.mark.parametrize("white", [1.0, 255.0])
def test_few_nonfinite_values_do_not_change_the_scale(white):
    array = np.full((2, 4, 4), 0.5 * white)
    array[0, 0] = np.nan, np.inf, -np.inf, white
    images = ArrayImages(array)
    np.testing.assert_array_equal(shown(images)[0], [0, 255, 0, 255])
    assert (shown(images, 1) == 128).all()


def test_a_picture_without_a_finite_value_is_an_error_of_that_picture_only():
    array = np.full((2, 4, 4), 0.5)
    array[0] = np.nan
    images = ArrayImages(array)
    with pytest.raises(ImageError, match="no finite value"):
        images.image(0)
    assert images.image(1).getpixel((0, 0)) == 128
    assert ArrayImages(array[:1]).note == ""


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_widest_range_of_a_dtype_goes_from_black_to_white(dtype):
    widest = np.finfo(dtype).max
    assert shown(ArrayImages(np.array([[[-widest, 0, widest]]]))).tolist() == [[0, 128, 255]]


def test_constant_values_without_a_scale_are_mid_grey():
    images = ArrayImages(np.full((1, 2, 2), -7.5))
    assert (shown(images) == 128).all()
    assert "all values are -7.5" in images.note


@pytest.mark.parametrize("id_", [-1, 5, 10**9, "1", 1.0, None])
def test_invalid_id_of_an_array_is_an_image_error(id_):
    with pytest.raises(ImageError):
        ArrayImages(COLOURS).image(id_)
    with pytest.raises(ImageError):
        ArrayImages(COLOURS).caption(id_)


def test_numpy_integers_are_ids():
    np.testing.assert_array_equal(shown(ArrayImages(COLOURS), np.int64(3)), COLOURS[3])


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((10, 784)), r"got \(10, 784\); reshape them"),
        (np.zeros((32, 32, 3)), "look like one colour picture"),
        (np.zeros((4, 13, 32, 32)), "no channel axis of 1 .grey., 3 .RGB. or 4 .RGBA."),
        (np.zeros((0, 8, 8)), r"empty: their shape is \(0, 8, 8\)"),
        (np.zeros((2, 8, 0)), "empty"),
        (np.zeros((2, 8, 8), dtype=complex), "must be numbers, got dtype complex128"),
        ([np.zeros((2, 2)), np.zeros((3, 3))], "different sizes pass a list"),
    ],
)
def test_invalid_array_is_refused_with_the_remedy(images, message):
    with pytest.raises(InvalidInputError, match=message):
        ArrayImages(images)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mean": MEAN}, "std is missing"),
        ({"std": STD}, "mean is missing"),
        ({"mean": MEAN, "std": (0.2, 0.0, 0.2)}, "std must be above 0"),
        ({"mean": (0.5, 0.5), "std": (0.5, 0.5)}, "must have 1 or 3 entries, got 2 and 2"),
        ({"mean": (0.5, np.nan, 0.5), "std": STD}, "must be finite"),
        ({"mean": "grey", "std": "grey"}, "must be numbers"),
    ],
)
def test_invalid_mean_and_std_are_refused(options, message):
    with pytest.raises(InvalidInputError, match=message):
        ArrayImages(COLOURS / 255, **options)


def test_mean_and_std_of_bytes_are_refused():
    with pytest.raises(InvalidInputError, match=r"images of dtype uint8.*leave them out"):
        ArrayImages(COLOURS, mean=MEAN, std=STD)


def test_three_means_of_grey_pictures_are_refused():
    with pytest.raises(InvalidInputError, match="3 entries, but images have 1 colour channel"):
        ArrayImages(np.zeros((2, 8, 8)), mean=MEAN, std=STD)


def test_the_array_is_not_changed_nor_copied():
    array = COLOURS / 255
    before = array.copy()
    images = ArrayImages(array, mean=0.0, std=1.0)
    images.image(0)
    np.testing.assert_array_equal(array, before)
    array[0] = 1.0
    assert (shown(images) == 255).all()


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_infinite_alpha_is_opaque_in_a_stretched_picture(dtype):
    pixels = np.array([[[[-4, 0, 4, np.inf], [4, 0, -4, 2], [0, 0, 0, 0]]]], dtype=dtype)
    drawn = np.asarray(ArrayImages(pixels).image(0))
    assert drawn[0, :, 3].tolist() == [255, 255, 0]
    assert drawn[0, :, 0].tolist() == [0, 255, 128]


NUMBERS = st.one_of(
    npst.boolean_dtypes(),
    npst.integer_dtypes(),
    npst.unsigned_integer_dtypes(),
    npst.floating_dtypes(),
)


@settings(max_examples=150, deadline=None)
@given(
    npst.arrays(
        NUMBERS,
        st.one_of(
            st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(1, 2)),
            st.tuples(
                st.integers(1, 3), st.integers(1, 5), st.integers(1, 5), st.sampled_from([1, 3, 4])
            ),
        ),
    )
)
def test_any_numbers_give_a_picture_or_an_image_error(array):
    images = ArrayImages(array)
    for id_ in range(len(array)):
        try:
            image = images.image(id_)
        except ImageError:
            assert not np.isfinite(array[id_]).all()
        else:
            assert image.mode in ("L", "RGB", "RGBA")


@settings(max_examples=60, deadline=None)
@given(npst.arrays(np.float64, (2, 4, 4), elements=st.floats(-1e300, 1e300)))
def test_brighter_values_are_never_drawn_darker(array):
    images = ArrayImages(array)
    drawn = np.stack([shown(images, 0), shown(images, 1)]).ravel()
    assert (np.diff(drawn[np.argsort(array.ravel())].astype(int)) >= 0).all()
