"""Maps side by side in one figure: sizes in millimetres, one legend, fonts embedded."""

import numpy as np
import pytest

from tsne_widget import InvalidInputError, StoreError, plot_embeddings

RNG = np.random.default_rng(0)
CODES = np.arange(90) % 3
MAPS = {name: RNG.normal(size=(90, 2)) + 4 * np.eye(3, 2)[CODES] for name in "abcde"}
MM = 25.4


def some(count):
    return dict(list(MAPS.items())[:count])


@pytest.mark.parametrize(
    ("count", "columns", "grid"),
    [(2, None, (2, 1)), (5, None, (3, 2)), (4, 2, (2, 2)), (1, 9, (1, 1))],
)
def test_panels_are_in_rows_and_have_the_given_size(count, columns, grid):
    figure = plot_embeddings(some(count), CODES, columns=columns, size_mm=(40, 30))
    boxes = [ax.get_position(original=True) for ax in figure.axes]
    width, height = figure.get_size_inches() * MM
    assert all(box.width * width == pytest.approx(40) for box in boxes)
    assert all(box.height * height == pytest.approx(30) for box in boxes)
    lefts, tops = {round(box.x0, 6) for box in boxes}, {round(box.y1, 6) for box in boxes}
    assert (len(lefts), len(tops)) == grid
    assert not any(one.overlaps(other) for i, one in enumerate(boxes) for other in boxes[:i])


def test_panels_share_one_legend_inside_the_figure():
    figure = plot_embeddings(some(3), CODES, class_names=["cat", "dog", "a rather long name"])
    legends = [ax.get_legend() for ax in figure.axes]
    assert [legend is None for legend in legends] == [True, True, False]
    figure.canvas.draw()
    assert legends[2].get_window_extent().x1 <= figure.bbox.x1


def test_a_legend_taller_than_the_panels_makes_the_figure_taller():
    codes = np.arange(90)
    figure = plot_embeddings(some(2), codes, size_mm=(20, 12))
    figure.canvas.draw()
    extent = figure.axes[1].get_legend().get_window_extent()
    assert extent.y0 >= 0
    assert extent.x1 <= figure.bbox.x1


def test_fonts_are_embedded_and_points_are_vectors(tmp_path):
    path = tmp_path / "maps.pdf"
    plot_embeddings(some(2), CODES, path=path)
    content = path.read_bytes()
    assert b"FontFile2" in content
    assert b"/Type3" not in content
    assert b"/Image" not in content.replace(b"/ImageB", b"").replace(b"/ImageC", b"").replace(
        b"/ImageI", b""
    )


def test_values_have_one_colour_bar():
    figure = plot_embeddings(some(2), values=np.linspace(0, 1, 90), values_title="confidence")
    assert [len(ax.child_axes) for ax in figure.axes if ax.get_title()] == [0, 1]


@pytest.mark.parametrize(
    ("maps", "options", "message"),
    [
        ({}, {}, "1 … 24 maps"),
        (np.zeros((3, 2)), {}, "dict of 1 … 24 maps"),
        ({"a": np.zeros((3, 3))}, {}, r"embeddings\['a'\]: .*shape"),
        ({"a": np.eye(2), "b": np.zeros((3, 2))}, {}, "different numbers of points"),
        ({"a": np.eye(2)}, {"columns": 0}, "columns must be an integer above 0"),
        ({"a": np.eye(2)}, {"path": "map.tiff"}, "must end in"),
    ],
)
def test_wrong_arguments_are_refused(maps, options, message):
    with pytest.raises(InvalidInputError, match=message):
        plot_embeddings(maps, **options)


def test_missing_folder_is_a_store_error(tmp_path):
    with pytest.raises(StoreError, match="cannot write"):
        plot_embeddings(some(2), CODES, path=tmp_path / "none" / "map.pdf")
