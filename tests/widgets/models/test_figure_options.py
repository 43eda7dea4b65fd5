"""The static figure shows the same as the explorer: visible classes, colours and selection."""

import matplotlib as mpl
import numpy as np
import pytest

from tsne_widget import EmbeddingExplorer, FeatureSet

N = 60
LABELS = np.arange(N) % 3


@pytest.fixture
def explorer():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(N, 3)) + np.eye(3)[LABELS]
    record = FeatureSet.from_arrays(
        rng.normal(size=(N, 4)), LABELS, logits=logits, predictions=logits.argmax(1),
        class_names=["cat", "dog", "owl"],
    )  # fmt: skip
    columns = {"camera": np.array(["left", "right"] * (N // 2))}
    xy = rng.normal(size=(N, 2))
    with EmbeddingExplorer(record, embedding=xy, columns=columns, colors={"owl": "#000000"}) as one:
        yield one


def legend_of(figure):
    legend = figure.axes[0].get_legend()
    return [] if legend is None else [text.get_text() for text in legend.get_texts()]


def test_only_visible_classes_are_drawn_in_the_colours_of_the_explorer(explorer):
    explorer.visible_classes = ["dog", "owl"]
    figure = explorer.figure()
    assert legend_of(figure) == ["dog", "owl"]
    colors = figure.axes[0].collections[0].get_facecolors()
    assert len(colors) == 40
    assert (np.abs(colors[:, :3] - mpl.colors.to_rgb("#000000")).max(axis=1) == 0).sum() == 20


def test_selected_points_stand_out(explorer):
    explorer.select([1, 4])
    opacity = explorer.figure().axes[0].collections[0].get_facecolors()[:, 3]
    assert (opacity == 1).sum() == 2
    opacity = explorer.figure(selected=None).axes[0].collections[0].get_facecolors()[:, 3]
    wrong = explorer.feature_set.misclassified
    assert (opacity == 1).sum() == wrong.sum()
    explorer.state.mistakes = "plain"
    opacity = explorer.figure(selected=None).axes[0].collections[0].get_facecolors()[:, 3]
    assert (opacity == 1).all()
    explorer.state.mistakes = "only"
    assert len(explorer.figure().axes[0].collections[0].get_offsets()) == wrong.sum()


@pytest.mark.parametrize(
    ("color_by", "expected"),
    [
        ("prediction", ["cat", "dog", "owl"]),
        ("correct", ["right", "wrong"]),
        ("camera", ["left", "right"]),
        ("selection", ["odd", "unknown"]),
    ],
)
def test_colourings_are_those_of_the_explorer(explorer, color_by, expected):
    explorer.name_selection("odd", [1, 3])
    explorer.color_by = color_by
    assert legend_of(explorer.figure()) == expected


def test_amounts_have_a_colour_bar(explorer):
    explorer.color_by = "confidence"
    figure = explorer.figure()
    assert legend_of(figure) == []
    assert figure.axes[0].child_axes[0].get_ylabel() == "confidence"
