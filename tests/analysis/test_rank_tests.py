"""Tests within strata: compared with scipy, with enumeration, and on random data."""

import itertools

import numpy as np
import pytest
from scipy.stats import false_discovery_control, fisher_exact, mannwhitneyu

from tsne_widget.analysis.rank_tests import adjusted, rank_test, share_test
from tsne_widget.analysis.sides import sides_of

rng = np.random.default_rng(1)


def sides(n_here, n, strata=None):
    groups = np.zeros(n, dtype=int) if strata is None else strata
    return sides_of(np.arange(n_here), np.arange(n_here, n), groups)


def test_p_values_are_corrected_as_in_scipy():
    ps = rng.random(20) ** 3
    assert adjusted(ps) == pytest.approx(false_discovery_control(ps))


def test_strata_of_equal_size_add_their_rank_sums():
    strata = np.repeat([0, 1, 0, 1], [10, 10, 20, 20])
    values = rng.normal(size=60)
    u = [
        mannwhitneyu(values[:20][strata[:20] == k], values[20:][strata[20:] == k]).statistic
        for k in (0, 1)
    ]
    assert rank_test(values, sides(20, 60, strata)).effect == pytest.approx(sum(u) / 200 - 1)


def test_small_counts_are_tested_as_by_fisher():
    codes = np.array([1] * 6 + [0] * 4 + [1] * 8 + [0] * 22)
    level, (effect, p) = share_test(codes, 2, sides(10, 40))
    assert effect == pytest.approx((6 / 10 - 8 / 30) * (1 if level else -1))
    tail = fisher_exact([[6, 4], [8, 22]], alternative="greater").pvalue
    assert p == pytest.approx(2 * tail)


def test_small_counts_in_strata_are_tested_by_all_arrangements():
    strata = np.array([0, 0, 1, 1, 0, 0, 0, 1, 1])
    codes = np.array([1, 1, 1, 0, 0, 0, 1, 0, 0])
    sums = [
        codes[list(a)].sum() + codes[list(b)].sum()
        for a in itertools.combinations(np.flatnonzero(strata == 0), 2)
        for b in itertools.combinations(np.flatnonzero(strata == 1), 2)
    ]
    tail = np.mean(np.array(sums) >= 3)
    _, (_, p) = share_test(codes, 2, sides(4, 9, strata))
    assert p == pytest.approx(2 * tail)


def test_large_counts_are_tested_by_the_normal_distribution():
    codes = (rng.random(4000) < np.where(np.arange(4000) < 1000, 0.55, 0.5)).astype(int)
    _, (_, p) = share_test(codes, 2, sides(1000, 4000))
    table = [[codes[:1000].sum(), codes[1000:].sum()]]
    table.append([1000 - table[0][0], 3000 - table[0][1]])
    assert p == pytest.approx(fisher_exact(table).pvalue, rel=0.2)


def test_p_value_is_corrected_for_the_number_of_values():
    codes = np.array([2] * 6 + [0] * 4 + [2] * 8 + [0] * 11 + [1] * 11)
    level, (_, p) = share_test(codes, 3, sides(10, 40))
    two = share_test((codes == level).astype(int), 2, sides(10, 40))[1].p
    assert p == pytest.approx(min(1, 3 * two))


@pytest.mark.parametrize("kind", ["numbers", "ties", "category"])
def test_random_samples_are_rarely_found_different(kind):
    strata = rng.integers(0, 4, 300)
    found = 0
    for _ in range(300):
        both = sides(25, 300, strata)
        if kind == "category":
            p = share_test(rng.integers(0, 5, len(both.rows)), 5, both)[1].p
        else:
            values = rng.normal(size=len(both.rows))
            p = rank_test(np.round(values) if kind == "ties" else values, both).p
        found += p <= 0.05
    assert found <= 27  # 15 are expected; more than 27 in one of 1,000 such tests
