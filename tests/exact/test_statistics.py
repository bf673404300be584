"""Trust: survival statistics agree with numbers worked out by hand, with lifelines, and with the truth behind data."""

import numpy as np
import pytest
from lifelines.statistics import logrank_test

from alarmin.trials import statistics

TIME = np.array([1.0, 2.0, 2.0, 3.0, 4.0, 5.0])
EVENT = np.array([True, True, False, True, False, True])


def two_arms(hazard_ratio, n=2000, seed=0, months=30.0):
    rng = np.random.default_rng(seed)
    first = np.arange(2 * n) < n
    time = rng.exponential(10.0, 2 * n) / np.where(first, hazard_ratio, 1.0)
    censor = rng.uniform(months / 2, months, 2 * n)
    return np.minimum(time, censor), time <= censor, first


def test_kaplan_meier_by_hand():
    # 6, 5, 3, 1 at risk at the times 1, 2, 3, 5: S = 5/6, 2/3, 4/9, 0
    assert statistics.survival_at(TIME, EVENT, 1.5).value == pytest.approx(5 / 6)
    assert statistics.survival_at(TIME, EVENT, 2.0).value == pytest.approx(2 / 3)
    assert statistics.survival_at(TIME, EVENT, 4.5).value == pytest.approx(4 / 9)
    assert statistics.survival_at(TIME, EVENT, 0.5).value == 1.0
    assert np.isnan(statistics.survival_at(TIME, EVENT, 6.0).value)
    assert statistics.median(TIME, EVENT).value == 3.0


@pytest.mark.parametrize("n", [4, 6, 8, 14, 58, 998])
def test_the_median_is_the_time_at_which_half_have_died(n):
    """Half is reached exactly, where rounding must not put the median off to the next death."""
    assert statistics.median(np.arange(1.0, n + 1.0), np.ones(n, bool)).value == n / 2


def test_limits_of_a_median_are_not_read_where_nobody_is_left():
    """As survfit of the R package survival has it: NA for a limit at which the variance of survival is not known."""
    one = statistics.median(np.array([5.0]), np.array([True]))
    assert one.value == 5.0 and np.isnan(one.low) and one.high == np.inf
    censored = statistics.median(np.array([3.0, 5.0]), np.array([False, True]))
    assert censored.value == 5.0 and np.isnan(censored.low) and censored.high == np.inf
    six = statistics.median(np.arange(1.0, 7.0), np.ones(6, bool))
    assert (six.value, six.low, six.high) == (3.0, 1.0, np.inf)
    many = statistics.median(np.arange(1.0, 41.0), np.ones(40, bool))
    assert many.low < many.value < many.high < 40.0


def test_a_median_that_is_not_reached_is_infinite():
    assert statistics.median(TIME, np.zeros(6, bool)).value == np.inf


def test_log_log_interval_by_hand():
    # Greenwood: 1/(6 5) + 1/(5 4) = 1/12; S = 2/3; theta = sqrt(1/12)/ln S; limits S^exp(± z theta)
    found = statistics.survival_at(TIME, EVENT, 2.0)
    theta = statistics.Z * np.sqrt(1 / 12) / abs(np.log(2 / 3))
    assert (found.low, found.high) == pytest.approx(((2 / 3) ** np.exp(theta), (2 / 3) ** np.exp(-theta)))


def test_restricted_mean_by_hand():
    # areas to month 4: 1 + 5/6 + 2/3 + 4/9
    found = statistics.restricted_mean(TIME, EVENT, 4.0)
    assert found.value == pytest.approx(1 + 5 / 6 + 2 / 3 + 4 / 9)
    right = np.array([5 / 6 + 2 / 3 + 4 / 9, 2 / 3 + 4 / 9, 4 / 9])
    variance = np.sum(right**2 / np.array([30, 20, 6]))
    assert found.high - found.value == pytest.approx(statistics.Z * np.sqrt(variance))


def test_log_rank_by_hand():
    # arm 1 dies at 1 and 3, arm 2 at 2 and 4: expected 1/2 + 1/3 + 1/2, variance 1/4 + 2/9 + 1/4
    time, first = np.array([1.0, 3.0, 2.0, 4.0]), np.array([True, True, False, False])
    z, p = statistics.log_rank(time, np.ones(4, bool), first)
    assert z == pytest.approx((2 - 4 / 3) / np.sqrt(1 / 4 + 2 / 9 + 1 / 4))
    assert p == pytest.approx(logrank_test(time[first], time[~first]).p_value)


def test_log_rank_agrees_with_lifelines():
    time, event, first = two_arms(0.8, n=150)
    time = np.ceil(time)  # ties
    other = logrank_test(time[first], time[~first], event[first], event[~first])
    z, p = statistics.log_rank(time, event, first)
    assert (z**2, p) == pytest.approx((other.test_statistic, other.p_value))


@pytest.mark.parametrize("truth", [0.6, 1.0, 1.5])
def test_cox_finds_the_hazard_ratio(truth):
    found = statistics.cox(*two_arms(truth))
    assert found.low < truth < found.high
    assert found.hr == pytest.approx(truth, rel=0.08)


def test_cox_would_notice_swapped_arms():
    time, event, first = two_arms(0.6)
    swapped = statistics.cox(time, event, ~first)
    assert not swapped.low < 0.6 < swapped.high
    assert swapped.hr == pytest.approx(1.0 / statistics.cox(time, event, first).hr, rel=1e-6)


def test_cox_with_ties_after_efron():
    """Two patients of each arm die together: the partial likelihood of Efron, maximized by hand."""
    time = np.array([1.0, 1.0, 2.0, 1.0, 2.0, 3.0])
    event = np.array([True, True, True, True, True, True])
    first = np.array([True, True, True, False, False, False])

    def likelihood(b):
        r = np.where(first, np.exp(b), 1.0)
        total = 0.0
        for t in (1.0, 2.0, 3.0):
            dead, risk = (time == t) & event, time >= t
            total += b * np.sum(dead & first)
            for j in range(dead.sum()):
                total -= np.log(r[risk].sum() - j / dead.sum() * r[dead].sum())
        return total

    grid = np.linspace(-3.0, 4.0, 70001)
    best = grid[np.argmax([likelihood(b) for b in grid[::100]]) * 100]
    fine = np.linspace(best - 0.02, best + 0.02, 4001)
    best = fine[np.argmax([likelihood(b) for b in fine])]
    assert np.log(statistics.cox(time, event, first).hr) == pytest.approx(best, abs=2e-4)


def test_an_arm_without_events_has_no_hazard_ratio():
    time, event, first = two_arms(0.6, n=20)
    assert np.isnan(statistics.cox(time, event & ~first, first).hr)


def test_exact_interval_of_a_proportion():
    assert statistics.proportion(0, 10).high == pytest.approx(1 - 0.025**0.1)
    assert statistics.proportion(0, 10).low == 0.0
    middle = statistics.proportion(13, 100)
    assert (middle.low, middle.high) == pytest.approx((0.0711, 0.2120), abs=5e-4)
    assert np.isnan(statistics.proportion(0, 0).value)


def test_the_difference_of_two_proportions_after_newcombe():
    """Newcombe 1998, Statistics in Medicine 17, 873, table II, method 10, columns a, c and e."""
    for counts, low, high in (((56, 70, 48, 80), 0.0524, 0.3339), ((9, 10, 3, 10), 0.1705, 0.8090)):
        found = statistics.difference(*counts)
        assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)
    nobody = statistics.difference(0, 10, 0, 20)
    assert (nobody.value, nobody.low, nobody.high) == pytest.approx((0.0, -0.1611, 0.2775), abs=5e-5)
