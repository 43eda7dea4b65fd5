"""What sets samples apart: compared with scipy, and with planted differences."""

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from tsne_widget import InvalidInputError
from tsne_widget.analysis import contrast, contrast_caption, contrast_frame
from tsne_widget.analysis.distributions import curves_of
from tsne_widget.analysis.sides import sides_of

N = 200
rng = np.random.default_rng(3)
ROWS, AGAINST = np.arange(60), np.arange(60, N)
IS_HERE = np.arange(N) < 60


def one(values, rows=ROWS, against=AGAINST, **options):
    (found,) = contrast({"x": values}, rows, against, **options)
    return found


@pytest.mark.parametrize(
    "values",
    [rng.normal(size=N), rng.integers(0, 4, N), rng.normal(size=N) ** 2],
    ids=["continuous", "ties", "skewed"],
)
def test_one_column_is_the_test_of_mann_and_whitney(values):
    found = one(values)
    true = mannwhitneyu(
        values[ROWS].astype(float), values[AGAINST].astype(float),
        use_continuity=False, method="asymptotic",
    )  # fmt: skip
    assert found.p == pytest.approx(true.pvalue, rel=1e-6)
    assert found.effect == pytest.approx(2 * true.statistic / (60 * 140) - 1, rel=1e-6)


def test_clearest_difference_comes_first_and_noise_is_not_notable():
    noise, planted = rng.normal(size=N), rng.normal(size=N)
    planted[ROWS] -= 2
    found = contrast({"noise": noise, "planted": planted}, ROWS, AGAINST)
    assert [item.name for item in found] == ["planted", "noise"]
    assert [item.is_notable for item in found] == [True, False]
    assert found[0].effect < -0.6


@pytest.mark.parametrize(("shift", "first"), [(2.5, "darker"), (0.4, "less noisy")])
def test_property_comes_after_one_that_explains_it(shift, first):
    columns = {
        "picture_noise": rng.normal(size=N) - 4 * IS_HERE,
        "picture_brightness": rng.normal(size=N) - shift * IS_HERE,
    }
    found = contrast(columns, ROWS)
    assert found[0].words == first
    assert [one.follows for one in found] == ["", "picture_brightness" if shift > 1 else ""]
    assert sorted(one.name for one in found) == sorted(columns)


def test_more_columns_need_more_evidence():
    values = rng.normal(size=N) + 0.5 * IS_HERE
    columns = {str(k): rng.normal(size=N) for k in range(30)}
    found = {item.name: item for item in contrast({"x": values, **columns}, ROWS, AGAINST)}
    assert found["x"].p == one(values).p
    assert found["x"].q > one(values).q


def test_significant_but_negligible_difference_is_not_notable():
    n = 100_000
    values = np.random.default_rng(0).normal(size=n)
    values[: n // 2] += 0.05
    found = one(values, np.arange(n // 2), np.arange(n // 2, n))
    assert found.p < 1e-6
    assert not found.is_notable


def test_strata_are_compared_within_themselves():
    strata = np.arange(N) % 2
    values = rng.normal(size=N) + 5 * strata  # differs between strata only
    rows = np.flatnonzero((np.arange(N) < 60) & ((strata == 1) | (np.arange(N) < 10)))
    assert one(values, rows).is_notable
    assert not one(values, rows, strata=strata).is_notable


def test_category_is_compared_within_strata_too():
    strata = np.arange(N) % 2
    values = np.where(strata == 1, "phone", "scanner")
    rows = np.flatnonzero((np.arange(N) < 60) & ((strata == 1) | (np.arange(N) < 10)))
    assert one(values, rows).is_notable
    assert one(values, rows, strata=strata).effect == 0


def test_values_of_the_others_are_weighted_like_the_strata():
    strata = np.repeat([0, 1, 0, 1], [10, 90, 50, 50])
    sides = {"rows": np.arange(100), "against": np.arange(100, 200), "strata": strata}
    found = one(np.where(strata == 1, 10.0, 0.0), **sides)
    assert (found.here, found.there) == (10.0, 10.0)
    found = one(np.where(strata == 1, "a", "b"), **sides)
    assert found.here == pytest.approx(found.there)


def test_strata_without_a_counterpart_are_left_out():
    strata = np.where(np.arange(N) < 30, 7, 0)
    values = np.where(strata == 7, 100.0, rng.normal(size=N))
    found = one(values, strata=strata)
    assert found.here < 5
    assert found.counts == (30, 140)
    assert "too few: 0 known values" in one(values, np.arange(30), strata=strata).lacking


def test_rows_are_compared_with_all_others_by_default():
    values = rng.normal(size=N)
    assert one(values, against=None) == one(values) == one(values, against=range(N))


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (
            np.where(np.arange(N) % 60 < 4, 1.5, np.nan),
            "too few: 4 known values here",
        ),
        (
            np.where(np.arange(N) < 63, 1.5, np.nan),
            "too few: 3 known values to compare",
        ),
        (np.arange(N).astype(str), "200 different texts"),
        (np.arange(N).astype("M8[D]"), "neither numbers nor text"),
        (np.array([[k] for k in range(N)] + [[]], dtype=object)[:-1], "neither numbers nor text"),
    ],
    ids=["few", "none", "ids", "dates", "objects"],
)
def test_column_that_cannot_be_tested_comes_last_with_the_reason(values, reason, monkeypatch):
    monkeypatch.setattr("tsne_widget.analysis.property_values.MAX_LEVELS", 199)
    last = contrast({"x": values, "noise": rng.normal(size=N)}, ROWS, AGAINST)[-1]
    assert last.name == "x"
    assert reason in last.lacking
    assert not last.is_notable


def test_unknown_values_are_left_out():
    values = rng.normal(size=N)
    values[6:60] = np.nan
    assert one(values)._replace(counts=()) == one(values, ROWS[:6])._replace(counts=())
    texts = np.where(np.isnan(values), None, np.where(np.arange(N) % 3, "a", "b"))
    assert one(texts).counts == (6, 140)


def test_truth_values_have_shares():
    found = one(np.arange(N) < 30)
    assert (found.here, found.there, found.measure) == (0.5, 0.0, "share")
    assert found.effect == pytest.approx(0.5)
    assert one((np.arange(N) < 30).astype(np.float32))._replace(name="") == found._replace(name="")


def test_value_of_a_category_that_differs_most_is_named():
    values = np.where(np.arange(N) % 3, "scanner", "camera")
    values[:40] = "phone"
    found = one(values)
    assert (found.level, found.measure) == ("phone", "share")
    assert found.here == pytest.approx(40 / 60)
    assert found.words == "more often x = 'phone'"


def test_numbers_with_equal_medians_have_means():
    values = np.where(np.arange(N) % 3, 1, np.where(IS_HERE, 4, 2))
    found = one(values)
    assert (found.measure, found.there < found.here) == ("mean", True)


@pytest.mark.parametrize("value", [2.0, 0, True, "a"])
def test_constant_column_is_no_difference(value):
    found = one(np.full(N, value))
    assert (found.p, found.effect, found.here == found.there) == (1.0, 0.0, True)


def test_caption_names_what_is_clear_only():
    columns = {"noise": rng.normal(size=N), "brightness": rng.normal(size=N) - 3 * IS_HERE,
               "saturation": rng.normal(size=N) - 2 * IS_HERE}  # fmt: skip
    assert contrast_caption(columns, ROWS) == "darker"
    assert contrast_caption(columns, ROWS, limit=3) == "darker, paler"
    assert contrast_caption({"noise": columns["noise"]}, ROWS) == ""


def test_frame_has_the_same_dtypes_with_and_without_rows():
    found = contrast({"x": rng.normal(size=N), "t": np.full(N, "a"), "d": np.full(N, np.nan)}, ROWS)
    frame = contrast_frame(found)
    assert frame["property"].tolist() == [item.name for item in found]
    assert frame["note"].iloc[-1].startswith("too few")
    assert frame.dtypes.equals(contrast_frame([]).dtypes)


def test_curves_are_shares_of_both_sides():
    values = np.r_[np.zeros(60), np.linspace(0, 1, 140)]
    curves = curves_of(values, sides_of(ROWS, AGAINST, np.zeros(N, dtype=int)))
    assert curves.here[0] > 0.7
    assert sum(curves.there) == pytest.approx(1, abs=1e-3)
    assert [curves.place(value) for value in (-1, 2)] == [0, 1]


def test_column_of_another_length_is_refused():
    with pytest.raises(InvalidInputError, match=r"column 'y' must have shape \(200,\)"):
        contrast({"x": np.zeros(N), "y": np.zeros(3)}, ROWS, AGAINST)
