import gc
import io
import logging
import re
import sys
import weakref

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from matplotlib.figure import Figure
from PIL import Image

from tsne_widget.errors import InvalidInputError, StoreError
from tsne_widget.plotting import UNKNOWN_COLOR, class_colors, plot_embedding
from tsne_widget.plotting.drawing import MARKERS

XY = np.random.default_rng(0).normal(size=(60, 2)) * (30, 10)
CODES = np.arange(60) % 3
NAMES = ["cat", "dog", "emu"]


def points(figure):
    (collection,) = figure.axes[0].collections
    return collection


def legend(figure):
    """Legend texts and the colours of their dots."""
    key = figure.axes[0].get_legend()
    texts = [text.get_text() for text in key.get_texts()]
    return dict(zip(texts, (handle.get_color() for handle in key.legend_handles), strict=True))


def colours_by_place(figure):
    """The colour of each point, by its place in the figure."""
    collection = points(figure)
    colors = map(mpl.colors.to_hex, collection.get_facecolors())
    return dict(zip(map(tuple, np.round(collection.get_offsets(), 9)), colors, strict=True))


def test_every_point_is_drawn_in_the_colour_of_its_class():
    figure = plot_embedding(XY, CODES, class_names=NAMES)
    seen = colours_by_place(figure)
    scaled = (XY - (XY.max(0) + XY.min(0)) / 2) / np.ptp(XY, axis=0).max() + 0.5
    palette = class_colors(NAMES)
    for place, code in zip(np.round(scaled, 9), CODES, strict=True):
        assert seen[tuple(place)] == palette[code]
    assert legend(figure) == dict(zip(NAMES, palette, strict=True))


def test_unknown_points_are_grey_below_the_others_and_in_the_legend():
    codes = np.where(np.arange(60) < 10, -1, CODES)
    figure = plot_embedding(XY, codes, class_names=NAMES)
    colors = [mpl.colors.to_hex(color) for color in points(figure).get_facecolors()]
    assert set(colors[:10]) == {UNKNOWN_COLOR}
    assert UNKNOWN_COLOR not in colors[10:]
    assert list(legend(figure)) == [*NAMES, "unknown"]
    assert legend(figure)["unknown"] == UNKNOWN_COLOR


def test_classes_are_drawn_in_mixed_order():
    codes = np.repeat([0, 1, 2], 20)
    colors = points(plot_embedding(XY, codes)).get_facecolors()
    changes = (np.diff(colors, axis=0) != 0).any(axis=1).sum()
    assert changes > 20  # 2 if one class hid the other
    again = points(plot_embedding(XY, codes)).get_facecolors()
    np.testing.assert_array_equal(again, colors)


def test_a_class_without_points_is_not_in_the_legend_but_keeps_its_colour():
    figure = plot_embedding(XY, np.where(CODES == 1, 2, CODES), class_names=NAMES)
    palette = class_colors(NAMES)
    assert legend(figure) == {"cat": palette[0], "emu": palette[2]}


@pytest.mark.parametrize(
    "labels",
    [
        np.array(NAMES)[CODES],
        [NAMES[code] for code in CODES],
        pd.Series([NAMES[code] for code in CODES]),
        pd.Series([NAMES[code] for code in CODES], dtype="category"),
        pd.array([NAMES[code] for code in CODES], dtype="string"),
    ],
)
def test_labels_may_be_names(labels):
    figure = plot_embedding(XY, labels)
    assert list(legend(figure)) == NAMES
    assert colours_by_place(figure) == colours_by_place(plot_embedding(XY, CODES))


@pytest.mark.parametrize("nothing", [None, np.nan, pd.NA])
def test_missing_names_and_numbers_are_unknown(nothing):
    names = [nothing, *(NAMES[code] for code in CODES[1:])]
    assert "unknown" in legend(plot_embedding(XY, names))
    numbers = [nothing, *CODES[1:]]
    assert list(legend(plot_embedding(XY, np.array(numbers, dtype=object)))) == [*"012", "unknown"]


def test_float_codes_are_codes_when_whole():
    figure = plot_embedding(XY, np.where(CODES == 0, np.nan, CODES.astype(float)))
    assert list(legend(figure)) == ["1", "2", "unknown"]


def test_without_labels_there_is_one_colour_and_no_legend():
    figure = plot_embedding(XY)
    assert figure.axes[0].get_legend() is None
    assert len(points(figure).get_facecolors()) == 60
    assert len(set(colours_by_place(figure).values())) == 1


def test_the_users_colours_are_drawn():
    figure = plot_embedding(XY, CODES, class_names=NAMES, colors={"dog": "black"})
    assert legend(figure)["dog"] == "#000000"
    assert "#000000" in colours_by_place(figure).values()


@pytest.mark.parametrize("size_mm", [(90, 90), (120, 60), (40, 80)])
def test_the_map_has_its_size_keeps_proportions_and_holds_all_points(size_mm):
    figure = plot_embedding(XY, CODES, title="Map", size_mm=size_mm)
    figure.canvas.draw()
    ax = figure.axes[0]
    extent = ax.get_window_extent()
    assert (extent.width / figure.dpi * 25.4, extent.height / figure.dpi * 25.4) == pytest.approx(
        size_mm
    )
    (x_low, x_high), (y_low, y_high) = ax.get_xlim(), ax.get_ylim()
    assert extent.width / (x_high - x_low) == pytest.approx(extent.height / (y_high - y_low))
    places = points(figure).get_offsets()
    assert places[:, 0].min() > x_low
    assert places[:, 0].max() < x_high
    assert places[:, 1].min() > y_low
    assert places[:, 1].max() < y_high
    shape = np.ptp(places, axis=0)
    assert shape[1] / shape[0] == pytest.approx(np.ptp(XY[:, 1]) / np.ptp(XY[:, 0]))
    assert shape.max() == pytest.approx(1)


def test_there_are_no_ticks():
    ax = plot_embedding(XY, CODES).axes[0]
    assert not ax.get_xticks().size
    assert not ax.get_yticks().size


@pytest.mark.parametrize("title", [None, "Short", "A title of many words that does not fit " * 3])
@pytest.mark.parametrize("count", [1, 10, 100])
def test_title_and_legend_lie_inside_the_figure_and_outside_the_map(title, count):
    codes = np.arange(200) % count
    names = [f"a class named {number}" for number in range(count)]
    figure = plot_embedding(np.tile(XY, (4, 1))[:200], codes, class_names=names, title=title)
    figure.canvas.draw()
    whole, ax = figure.bbox, figure.axes[0]
    key = ax.get_legend().get_window_extent()
    parts = [key, *([] if title is None else [ax.title.get_window_extent()])]
    for part in parts:
        assert part.x0 >= whole.x0 - 1
        assert part.y0 >= whole.y0 - 1
        assert part.x1 <= whole.x1 + 1
        assert part.y1 <= whole.y1 + 1
    assert key.x0 > ax.get_window_extent().x1
    if title is not None:
        assert ax.title.get_window_extent().y0 > ax.get_window_extent().y1
        assert whole.y1 - ax.title.get_window_extent().y1 < 40  # and no empty space above it


def test_a_long_legend_names_the_classes_with_most_points_and_counts_the_others():
    codes = np.concatenate([np.arange(150), np.arange(100, 150)])
    figure = plot_embedding(np.zeros((200, 2)), codes)
    texts = list(legend(figure))
    assert len(texts) == 101
    assert set(map(str, range(100, 150))) < set(texts)
    assert texts[-1] == "and 50 more"


def test_names_are_plain_text():
    names = [
        "$\\frac{1}{0$",
        "_hidden",
        "a\nb\x00\u202e",
        "x" * 500,
        "</svg><script>alert(1)</script>",
    ]
    codes = np.arange(60) % 5
    figure = plot_embedding(XY, codes, class_names=names, title="100 % of $x^2$ _ &")
    texts = list(legend(figure))
    assert texts[:3] == ["$\\frac{1}{0$", "_hidden", "a\\nb\\x00\\u202e"]
    assert len(texts[3]) == 40
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg")
    assert b"<script" not in buffer.getvalue()


def test_undecodable_names_are_drawn_as_escapes():
    figure = plot_embedding(XY, CODES, class_names=["a\udcff", "b", "c"])
    figure.canvas.draw()
    assert next(iter(legend(figure))) == "a\\udcff"


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf", "PNG"])
def test_the_figure_is_saved_by_its_suffix(tmp_path, suffix):
    path = tmp_path / f"map.{suffix}"
    plot_embedding(XY, CODES, class_names=NAMES, title="Map", path=path)
    starts = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}
    assert path.read_bytes().startswith(starts[suffix.lower()])


def test_a_png_has_300_dots_per_inch(tmp_path):
    figure = plot_embedding(XY, size_mm=(50.8, 25.4), path=tmp_path / "map.png")
    width, height = figure.get_size_inches()
    with Image.open(tmp_path / "map.png") as image:
        assert image.size == (int(width * 300), int(height * 300))
        assert width == pytest.approx(2, abs=0.1)


def test_svg_keeps_text_as_text_and_pdf_embeds_truetype(tmp_path):
    for suffix in ("svg", "pdf"):
        plot_embedding(XY, CODES, class_names=NAMES, path=tmp_path / f"a.{suffix}")
    assert re.search(r"<text[^>]*>emu</text>", (tmp_path / "a.svg").read_text())
    content = (tmp_path / "a.pdf").read_bytes()
    assert b"/FontFile2" in content
    assert b"/Type3" not in content


def test_savefig_keeps_text_as_text():
    buffer = io.BytesIO()
    plot_embedding(XY, CODES, class_names=NAMES).savefig(buffer, format="svg")
    assert b">emu</text>" in buffer.getvalue()


@pytest.mark.parametrize("suffix", ["svg", "pdf", "png"])
def test_same_figure_gives_the_same_file(tmp_path, suffix):
    for name in "ab":
        plot_embedding(XY, CODES, path=tmp_path / f"{name}.{suffix}")
    assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()


def test_many_points_are_one_picture_in_vector_files(tmp_path, monkeypatch):
    few, many = tmp_path / "few.svg", tmp_path / "many.svg"
    plot_embedding(XY, path=few)
    assert "<image" not in few.read_text()
    monkeypatch.setattr("tsne_widget.plotting.drawing.MAX_VECTOR_POINTS", 59)
    plot_embedding(XY, path=many)
    assert "<image" in many.read_text()


def test_global_settings_and_pyplot_are_not_changed(tmp_path):
    plt = pytest.importorskip("matplotlib.pyplot")
    before = dict(mpl.rcParams)
    plot_embedding(XY, CODES, path=tmp_path / "a.pdf")
    assert dict(mpl.rcParams) == before
    assert plt.get_fignums() == []


def test_the_users_layout_settings_do_not_move_the_map():
    with mpl.rc_context({"figure.constrained_layout.use": True, "text.usetex": True}):
        figure = plot_embedding(XY, CODES, title="Map")
        figure.canvas.draw()
    assert figure.axes[0].get_window_extent().width / figure.dpi * 25.4 == pytest.approx(90)


def test_nothing_is_logged(caplog):
    with caplog.at_level(logging.INFO, logger="matplotlib"):
        plot_embedding(XY, CODES, title="Map").canvas.draw()
    assert not caplog.records


def test_a_figure_is_freed_when_it_is_no_longer_used():
    figure = weakref.ref(plot_embedding(XY, CODES))
    gc.collect()
    assert figure() is None


def test_figure_displays_itself_in_a_notebook():
    with Image.open(io.BytesIO(plot_embedding(XY, CODES)._repr_png_())) as image:
        assert image.format == "PNG"


def test_figure_draws_into_given_axes(tmp_path):
    figure = Figure(figsize=(6, 3))
    left, right = figure.subplots(1, 2)
    returned = plot_embedding(XY, CODES, class_names=NAMES, ax=right, path=tmp_path / "two.pdf")
    assert returned is figure
    assert len(left.collections) == 0
    assert len(right.collections) == 1
    np.testing.assert_array_equal(figure.get_size_inches(), (6, 3))
    assert b"/FontFile2" in (tmp_path / "two.pdf").read_bytes()


def test_proportions_are_kept_when_the_users_figure_changes_its_size():
    figure = Figure(figsize=(4, 4))
    ax = figure.subplots()
    plot_embedding(XY, CODES, ax=ax)
    figure.set_size_inches(8, 3)
    figure.draw_without_rendering()
    extent = ax.get_window_extent()
    per_x, per_y = extent.width / np.ptp(ax.get_xlim()), extent.height / np.ptp(ax.get_ylim())
    assert per_x == pytest.approx(per_y)


def test_axes_of_a_subfigure_are_accepted():
    figure = Figure()
    ax = figure.subfigures(1, 2)[0].subplots()
    assert plot_embedding(XY, CODES, ax=ax) is figure


def test_point_size_is_a_diameter():
    assert set(points(plot_embedding(XY, point_size=3)).get_sizes().tolist()) == {9}
    few, many = plot_embedding(XY), plot_embedding(np.tile(XY, (1000, 1)))
    assert points(few).get_sizes()[0] > points(many).get_sizes()[0] > 0


@settings(max_examples=25, deadline=None)
@given(
    npst.arrays(
        st.sampled_from([np.float32, np.float64]),
        st.tuples(st.integers(1, 5), st.just(2)),
        elements={"allow_nan": False, "allow_infinity": False},
    )
)
def test_any_finite_embedding_lies_within_0_and_1(embedding):
    places = points(plot_embedding(embedding)).get_offsets()
    assert np.isfinite(places).all()
    assert places.min() >= -1e-9
    assert places.max() <= 1 + 1e-9


def test_coordinates_whose_difference_overflows_are_drawn():
    places = points(plot_embedding([[-1.5e308, 0.0], [1.5e308, 1e308]])).get_offsets()
    assert sorted(places[:, 0]) == [0, 1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"embedding": np.zeros((3, 3))}, r"embedding must have shape \(n, 2\).* got \(3, 3\)"),
        ({"embedding": np.zeros((0, 2))}, r"got \(0, 2\)"),
        ({"embedding": np.array([["a", "b"]])}, "numbers, got dtype <U1"),
        ({"embedding": np.where(XY > 30, np.nan, XY)}, r"NaN or infinite values in \d+ of 60 rows"),
        ({"labels": CODES[:59]}, "labels must have 60 rows, got 59"),
        ({"labels": CODES[:, None]}, r"labels must have shape \(60,\), got \(60, 1\)"),
        ({"labels": CODES - 2}, "labels must be .* got -2 … 0"),
        ({"labels": CODES, "class_names": ["a", "b"]}, "labels must be 0 … 1, .* got 0 … 2"),
        ({"labels": CODES, "class_names": {"a", "b", "c"}}, "class_names is a set"),
        ({"labels": CODES + 10**9}, "labels must be 0 … 9999.* got 1000000000"),
        ({"labels": CODES + 0.5}, "whole numbers or names"),
        ({"labels": CODES.astype(complex)}, "integers or names, got dtype complex128"),
        (
            {"labels": ["cta"] * 60, "class_names": NAMES},
            "'cta' is not in class_names; .*'cat'",
        ),
        ({"colors": {"cat": "red"}}, "colors needs classes; pass labels"),
        ({"labels": CODES, "colors": {"9": "red"}}, "'9' is not a class"),
        ({"size_mm": (0, 90)}, r"size_mm must be"),
        ({"size_mm": 90}, "size_mm must be"),
        ({"size_mm": (90, 1e9)}, "at most 2000"),
        ({"size_mm": (90, np.nan)}, "size_mm must be"),
        ({"point_size": 0}, "point_size must be above 0, got 0"),
        ({"path": "map.jpg"}, r"path must end in .png, .svg, .pdf, got 'map.jpg'"),
        ({"path": "map"}, "path must end in"),
    ],
)
def test_wrong_arguments_are_refused(options, message):
    with pytest.raises(InvalidInputError, match=message):
        plot_embedding(**{"embedding": XY, **options})


def test_a_file_that_cannot_be_written_is_a_store_error(tmp_path):
    with pytest.raises(StoreError, match="No such file or directory"):
        plot_embedding(XY, path=tmp_path / "nowhere" / "map.png")


def clusters(c, n=400):
    rng = np.random.default_rng(0)
    codes = np.arange(n) % c
    return 4 * rng.normal(size=(c, 2))[codes] + rng.normal(size=(n, 2)), codes


def test_values_have_a_titled_colour_bar_and_unknown_ones_are_grey():
    xy, _ = clusters(3)
    values = np.linspace(0, 1, len(xy))
    values[:7] = np.nan
    figure = plot_embedding(xy, values=values, values_title="confidence")
    ax = figure.axes[0]
    assert ax.get_legend() is None
    assert ax.child_axes[0].get_ylabel() == "confidence"
    colors = ax.collections[0].get_facecolors()
    grey = mpl.colors.to_rgba(UNKNOWN_COLOR)
    assert (np.abs(colors - grey).max(axis=1) < 1e-6).sum() == 7
    box = ax.child_axes[0].get_tightbbox()
    assert box.x1 <= figure.bbox.x1 + 1  # nothing is cut off


def test_unselected_points_are_drawn_faintly_and_below():
    xy, codes = clusters(3)
    selected = np.arange(len(xy)) < 50
    points = plot_embedding(xy, codes, selected=selected).axes[0].collections[0]
    opacity = points.get_facecolors()[:, 3]
    assert (opacity == 1).sum() == 50
    assert (opacity[-50:] == 1).all()
    assert opacity.min() < 0.4
    sizes = points.get_sizes()
    assert sizes[:-50].max() < sizes[-50:].min()


def test_wrong_points_are_drawn_above_with_a_ring_unless_they_are_too_many():
    xy, codes = clusters(3)
    wrong = np.arange(len(xy)) < 20
    for mask, has_rings in ((wrong, True), (~wrong, False)):
        points = plot_embedding(xy, codes, wrong=mask, point_size=1).axes[0].collections[0]
        opacity, rings = points.get_facecolors()[:, 3], points.get_linewidths()
        assert (opacity[-mask.sum() :] == 1).all()
        assert (opacity[: -mask.sum()] < 1).all()
        assert np.count_nonzero(rings) == has_rings * mask.sum()


def test_markers_give_each_class_a_shape_in_map_and_legend():
    xy, codes = clusters(5)
    ax = plot_embedding(xy, codes, markers=True).axes[0]
    assert len(ax.collections) == 5
    shapes = [handle.get_marker() for handle in ax.get_legend().legend_handles]
    assert shapes == list(MARKERS[:5])


@pytest.mark.parametrize("c", [2, 10, 25])
def test_names_on_the_map_do_not_overlap_and_stay_inside(c):
    pytest.importorskip("adjustText", reason="adjustText, an extra, is not installed")
    xy, codes = clusters(c)
    names = [f"class {code}" for code in range(c)]
    figure = plot_embedding(xy, codes, class_names=names, names=True, legend=False)
    ax = figure.axes[0]
    assert sorted(text.get_text() for text in ax.texts) == sorted(names)
    boxes = [text.get_window_extent() for text in ax.texts]
    assert not any(one.overlaps(other) for i, one in enumerate(boxes) for other in boxes[:i])
    frame = ax.get_window_extent()
    assert all(frame.x0 - 1 <= box.x0 and box.x1 <= frame.x1 + 1 for box in boxes)


def test_names_on_the_map_are_the_same_in_every_run():
    pytest.importorskip("adjustText", reason="adjustText, an extra, is not installed")
    xy, codes = clusters(10)
    places = [
        [text.get_position() for text in plot_embedding(xy, codes, names=True).axes[0].texts]
        for _ in range(2)
    ]
    assert places[0] == places[1]


def test_names_on_the_map_without_adjust_text_name_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "adjustText", None)
    xy, codes = clusters(3)
    with pytest.raises(InvalidInputError, match=r"tsne-widget\[figures\]"):
        plot_embedding(xy, codes, names=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"values": np.zeros(3)}, r"values must be numbers of shape \(400,\)"),
        ({"values": np.array(["a"] * 400)}, "values must be numbers"),
        ({"selected": np.arange(400)}, "selected must be a bool mask"),
        ({"wrong": np.arange(400)}, "wrong must be a bool mask"),
        ({"markers": True}, "up to 8 classes, got 9"),
    ],
)
def test_wrong_values_and_markers_are_refused(options, message):
    xy, codes = clusters(9)
    with pytest.raises(InvalidInputError, match=message):
        plot_embedding(xy, codes, **options)
