"""Laws: random numbers depend on seed, use and identity alone."""

import numpy as np

from alarmin.numerics import random


def test_order_and_company_do_not_matter() -> None:
    alone = random.uniform(3, "use", np.array([7]), (4,))
    among = random.uniform(3, "use", np.array([9, 7, 1]), (4,))
    np.testing.assert_array_equal(alone[0], among[1])


def test_seed_and_use_do_matter() -> None:
    ids = np.arange(50)
    first = random.uniform(3, "use", ids)
    assert not np.any(first == random.uniform(4, "use", ids))
    assert not np.any(first == random.uniform(3, "other use", ids))


def test_they_are_uniform_and_never_the_ends() -> None:
    from scipy.stats import kstest

    draws = random.uniform(1, "uniform", np.arange(20_000))
    assert draws.min() > 0.0 and draws.max() < 1.0
    assert kstest(draws, "uniform").pvalue > 1e-3
    assert kstest(random.normal(1, "normal", np.arange(20_000)), "norm").pvalue > 1e-3
