"""Colours: texels compared with their values, keys, and refused colourings."""

import numpy as np
import pytest

from tests.widgets.records import three_classes
from tsne_widget import FeatureSet
from tsne_widget.plotting import UNKNOWN_COLOR
from tsne_widget.widgets.models.coloring import TEXELS, UNKNOWN_TEXEL, coloring
from tsne_widget.widgets.state.explorer_state import ExplorerState

N = 90
PALETTE = ("#111111", "#222222", "#333333", UNKNOWN_COLOR)


@pytest.fixture
def record() -> FeatureSet:
    return three_classes(N, unknown=[7])


def state_of(record: FeatureSet, **columns) -> ExplorerState:
    return ExplorerState(record, record.features[:, :2].copy(), columns)


def drawn(colors) -> list[str]:
    """Colour of each sample whose texel is a whole number."""
    return [colors.texture[int(texel)] for texel in colors.texels]


def test_labels_have_their_classes_colours_and_unknown_ones_are_grey(record):
    colors = coloring(state_of(record), "label", PALETTE)
    expected = [PALETTE[label] if label >= 0 else UNKNOWN_COLOR for label in record.labels]
    assert drawn(colors) == expected
    assert colors.unknown == 1
    assert colors.entries[0] == ("cat", "#111111", 30)


def test_predictions_have_the_same_colours_as_labels(record):
    colors = coloring(state_of(record), "prediction", PALETTE)
    assert drawn(colors) == [PALETTE[prediction] for prediction in record.predictions]


def test_right_wrong_and_unknown_have_different_colours(record):
    colors = coloring(state_of(record), "correct", PALETTE)
    wrong = record.misclassified
    assert [entry[0] for entry in colors.entries] == ["right", "wrong"]
    assert [entry[2] for entry in colors.entries] == [N - 1 - wrong.sum(), wrong.sum()]
    assert len(set(np.array(drawn(colors))[wrong])) == 1
    assert drawn(colors)[7] == UNKNOWN_COLOR


def test_amounts_follow_the_ramp_in_order(record):
    values = np.arange(N) / 10
    colors = coloring(state_of(record, height=values), "height", PALETTE)
    assert (np.diff(colors.texels) >= 0).all()
    assert colors.texels[0] == 0
    assert colors.texels[-1] == UNKNOWN_TEXEL - 1
    assert colors.texels[N // 2] == pytest.approx((UNKNOWN_TEXEL - 1) / 2, abs=3)
    assert len(colors.texture) == TEXELS
    assert colors.entries == []


def test_outlying_value_does_not_compress_the_ramp_and_the_key_marks_it(record):
    values = np.linspace(0, 1, N)
    values[3] = 1e9
    colors = coloring(state_of(record, height=values), "height", PALETTE)
    assert np.ptp(colors.texels[10:]) > 200
    assert colors.texels[3] == UNKNOWN_TEXEL - 1
    assert colors.high.startswith("≥ ")
    assert float(colors.high[2:]) <= 1


@pytest.mark.parametrize(
    "values",
    [np.full(N, 2.5), np.full(N, np.nan), np.r_[np.inf, -np.inf, np.zeros(N - 2)]],
    ids=["constant", "nan", "infinite"],
)
def test_amounts_without_a_range_are_drawn(record, values):
    colors = coloring(state_of(record, height=values), "height", PALETTE)
    assert np.isfinite(colors.texels).all()
    assert ((colors.texels == UNKNOWN_TEXEL) == ~np.isfinite(values)).all()
    assert colors.unknown == np.count_nonzero(~np.isfinite(values))


@pytest.mark.parametrize(
    "values",
    [
        np.array(["red", "blue", "green"] * 30),
        np.array(["red", None, "blue"] * 30, dtype=object),
        np.array([True, False, True] * 30),
        np.array([4, 9, 4] * 30),
    ],
    ids=["text", "objects", "bools", "few integers"],
)
def test_text_bools_and_few_integers_are_categories(record, values):
    colors = coloring(state_of(record, kind=values), "kind", PALETTE)
    of_value = {}
    for value, color in zip(values.tolist(), drawn(colors), strict=True):
        assert of_value.setdefault(value, color) == color
    assert len(set(of_value.values())) == len(of_value)
    assert of_value.get(None, UNKNOWN_COLOR) == UNKNOWN_COLOR
    assert sum(entry[2] for entry in colors.entries) + colors.unknown == N


def test_many_integers_and_dates_are_amounts(record):
    days = np.datetime64("2026-01-01") + np.arange(N)
    state = state_of(record, age=np.arange(N), day=days)
    assert coloring(state, "age", PALETTE).low == "≤ 1"
    colors = coloring(state, "day", PALETTE)
    assert colors.low == "≤ 2026-01-02"
    assert (np.diff(colors.texels) >= 0).all()


def test_a_long_key_counts_the_rest(record):
    colors = coloring(state_of(record, name=np.arange(N).astype(str)), "name", PALETTE)
    assert len(colors.entries) + colors.more == N
    assert colors.more > 0


def test_amounts_have_the_colours_of_viridis():
    import matplotlib
    from matplotlib.colors import to_hex

    from tsne_widget.widgets.models.appearance import RAMP_COLORS

    viridis = matplotlib.colormaps["viridis"]
    assert tuple(to_hex(viridis(0.12 + 0.8 * i / 254)) for i in range(255)) == RAMP_COLORS
