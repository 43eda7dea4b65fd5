import itertools
import re

import matplotlib as mpl
import numpy as np
import pytest

from tsne_widget.errors import InvalidInputError
from tsne_widget.plotting import UNKNOWN_COLOR, class_colors
from tsne_widget.plotting.colors import DARK_COLORS, _far_apart

# Colour-blind vision after Viénot, Brettel and Mollon (1999), on linear sRGB. The palette was made
# with another model.
VIENOT = {
    "protan": [[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]],
    "deutan": [[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]],
}


def names(count):
    return [f"class {number}" for number in range(count)]


def linear(colors):
    rgb = np.array([mpl.colors.to_rgb(color) for color in colors])
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(colors, vision=None):
    """CIELAB (D65), optionally for colour-blind vision."""
    light = linear(colors)
    if vision is not None:
        light = np.clip(light @ np.array(VIENOT[vision]).T, 0, 1)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = light @ np.array(to_xyz).T / (0.9505, 1, 1.089)
    x, y, z = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116).T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def contrast(color, ground):
    weights = (0.2126, 0.7152, 0.0722)
    high, low = sorted((linear([color]) @ weights, linear([ground]) @ weights), reverse=True)
    return ((high + 0.05) / (low + 0.05)).item()


def nearest(colors, vision=None):
    """The smallest difference (ΔE 1976) between any two of the colours."""
    points = lab(colors, vision)
    return min(np.linalg.norm(a - b) for a, b in itertools.combinations(points, 2))


@pytest.mark.parametrize("count", [0, 1, 2, 8, 10, 11, 100, 101, 1000])
def test_each_class_has_a_colour_of_its_own(count):
    colors = class_colors(names(count))
    assert len(set(colors)) == len(colors) == count
    assert all(re.fullmatch("#[0-9a-f]{6}", color) for color in colors)
    assert UNKNOWN_COLOR not in colors


def test_colours_repeat_after_a_thousand():
    colors = class_colors(names(2500))
    assert len(colors) == 2500
    assert len(set(colors)) == 1000


def test_the_first_classes_keep_their_colours_when_more_are_added():
    assert class_colors(names(100))[:8] == class_colors(names(8))
    assert class_colors(names(100))[:30] == class_colors(names(30))


@pytest.mark.parametrize(("vision", "least"), [(None, 25), ("protan", 14), ("deutan", 12)])
@pytest.mark.parametrize("ground", ["light", "dark"])
def test_ten_colours_are_distinct_for_colour_blind_people(vision, least, ground):
    colors = class_colors(names(10))
    if ground == "dark":
        colors = [DARK_COLORS[color] for color in colors]
    assert nearest(colors, vision) > least


def test_further_colours_are_far_apart():
    for count, least in ((10, 20), (20, 16), (100, 5)):
        assert nearest([*class_colors(names(count)), UNKNOWN_COLOR]) > least


@pytest.mark.parametrize(("wrong", "on_dark"), [("#c2185b", False), ("#ff7fab", True)])
def test_no_class_has_the_colour_of_mistakes(wrong, on_dark):
    for color in class_colors(names(100)):
        drawn = DARK_COLORS.get(color, color) if on_dark else color
        assert nearest([drawn, wrong]) > 11


def test_each_colour_is_visible_on_its_ground():
    for color in (*class_colors(names(1000)), UNKNOWN_COLOR):
        assert contrast(color, "#ffffff") > 2.1
        assert contrast(DARK_COLORS.get(color, color), "#111111") >= 3


def test_colours_are_the_same_in_every_run():
    colors = class_colors(names(12))
    assert colors[8:] == ("#1b575d", "#632185", "#b400ff", "#c378ff")
    many = class_colors(names(1000))
    _far_apart.cache_clear()
    assert class_colors(names(1000)) == many


def test_given_colours_replace_the_defaults():
    given = {"class 1": "tab:pink", "class 2": (0, 0.5, 1), "class 0": "0.25"}
    assert class_colors(names(4), given) == (
        "#404040",
        "#e377c2",
        "#0080ff",
        class_colors(names(4))[3],
    )


def test_list_of_colours_is_by_class_and_may_be_longer():
    assert class_colors(names(2), ["red", "#0F0", "blue"]) == ("#ff0000", "#00ff00")


def test_a_qualitative_colormap_gives_its_first_colours():
    assert class_colors(names(2), "tab10") == ("#1f77b4", "#ff7f0e")
    message = "'tab10' has 10 colours for 11 classes; name a continuous colormap such as 'turbo'"
    with pytest.raises(InvalidInputError, match=message):
        class_colors(names(11), "tab10")


@pytest.mark.parametrize(("name", "first", "last"), [("viridis", 0.0, 1.0), ("hsv", 0.0, 0.75)])
def test_other_colormaps_give_evenly_spaced_colours(name, first, last):
    colors = class_colors(names(4), name)
    assert len(set(colors)) == 4
    ends = (mpl.colors.to_hex(mpl.colormaps[name](place)) for place in (first, last))
    assert (colors[0], colors[-1]) == tuple(ends)


@pytest.mark.parametrize(
    ("colors", "message"),
    [
        ({"clas 1": "red"}, "'clas 1' is not a class; did you mean 'class 1'"),
        ({"zebra": "red"}, "'zebra' is not a class; .*'class 0', 'class 1'"),
        (
            {"class 1": "tab:bleu"},
            r"\['class 1'\] = 'tab:bleu' is not a colour; .*'tab:blue'",
        ),
        ({"class 1": (1, 2, 3)}, r"\(1, 2, 3\) is not a colour; pass a name"),
        ({"class 1": None}, "None is not a colour; pass .* '#1b9e77'"),
        (["red"], "colors has 1 entries for 3 classes"),
        (["red", "green", "blu"], "'blu' is not a colour; did you mean 'blue'"),
        ("virids", "'virids' is not a colormap of matplotlib; did you mean 'viridis'"),
        (7, "colors must map class names .* got 7"),
    ],
)
def test_wrong_colours_are_refused_with_similar_names(colors, message):
    with pytest.raises(InvalidInputError, match=message):
        class_colors(names(3), colors)
