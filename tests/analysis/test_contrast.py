"""What sets samples apart: compared with scipy, and with planted differences."""

import numpy as np
import pytest
from scipy.stats import false_discovery_control, mannwhitneyu

from tsne_widget import InvalidInputError
from tsne_widget.analysis.contrast import contrast

N = 200
rng = np.random.default_rng(3)
ROWS, AGAINST = np.arange(60), np.arange(60, N)


def one(values, rows=ROWS, against=AGAINST, **options):
    (found,) = contrast({"x": values}, rows, against, **options)
    return found


@pytest.mark.parametrize(
    "values",
    [rng.normal(size=N), rng.integers(0, 4, N), rng.random(N) < 0.3, rng.normal(size=N) ** 2],
    ids=["continuous", "ties", "truth values", "skewed"],
)
def test_one_column_is_the_test_of_mann_and_whitney(values):
    found = one(values)
    true = mannwhitneyu(
        values[ROWS].astype(float), values[AGAINST].astype(float),
        use_continuity=False, method="asymptotic",
    )  # fmt: skip
    assert found.p == pytest.approx(true.pvalue, rel=1e-6)
    assert found.share == pytest.approx(true.statistic / (60 * 140), rel=1e-6)


def test_p_values_are_corrected_for_the_number_of_columns():
    columns = {str(k): rng.normal(size=N) + (k < 2) * (np.arange(N) < 60) for k in range(6)}
    found = {item.name: item.p for item in contrast(columns, ROWS, AGAINST)}
    single = [one(values).p for values in columns.values()]
    assert [found[name] for name in columns] == pytest.approx(
        list(false_discovery_control(single)), rel=1e-6
    )


def test_clearest_difference_comes_first_and_noise_is_not_notable():
    noise, planted = rng.normal(size=N), rng.normal(size=N)
    planted[ROWS] -= 2
    found = contrast({"noise": noise, "planted": planted}, ROWS, AGAINST)
    assert [item.name for item in found] == ["planted", "noise"]
    assert [item.is_notable for item in found] == [True, False]
    assert found[0].share < 0.2


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


def test_median_of_the_others_is_weighted_like_the_strata():
    strata = np.repeat([0, 1, 0, 1], [10, 90, 50, 50])
    values = np.where(strata == 1, 10.0, 0.0)
    found = one(values, np.arange(100), np.arange(100, 200), strata=strata)
    assert found.medians == (10.0, 10.0)


def test_strata_without_a_counterpart_are_left_out():
    strata = np.where(np.arange(N) < 30, 7, 0)
    values = np.where(strata == 7, 100.0, rng.normal(size=N))
    assert one(values, strata=strata).medians[0] < 5
    assert contrast({"x": values}, np.arange(30), AGAINST, strata=strata) == []


def test_unknown_values_text_and_short_columns_are_left_out():
    values = rng.normal(size=N)
    values[4:60] = np.nan
    text = np.array(["a"] * N)
    assert contrast({"few": values, "text": text}, ROWS, AGAINST) == []
    assert contrast({"text": text}, ROWS, AGAINST, strata=np.zeros(N, dtype=int)) == []
    values[4:6] = 0
    assert one(values).share == one(values, ROWS[:6]).share


def test_constant_column_is_no_difference():
    found = one(np.ones(N))
    assert (found.p, found.share, found.medians) == (1.0, 0.5, (1.0, 1.0))


def test_curves_are_shares_of_both_sides():
    found = one(np.r_[np.zeros(60), np.linspace(0, 1, 140)])
    assert found.curves[0][0] > 0.7
    assert sum(found.curves[1]) == pytest.approx(1, abs=1e-3)


def test_column_of_another_length_is_refused():
    with pytest.raises(InvalidInputError, match=r"column 'y' must have shape \(200,\)"):
        contrast({"x": np.zeros(N), "y": np.zeros(3)}, ROWS, AGAINST)
