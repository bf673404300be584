"""Laws: random numbers depend on seed, use and identity alone."""

import numpy as np
import pytest

from alarmin.errors import AlarminError
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


def test_the_seeds_that_follow_the_largest_are_seeds_too() -> None:
    """Populations take one seed after the other; what lies beyond 32 bits is refused, with what is allowed."""
    ids = np.arange(50)
    last = random.uniform(random.LARGEST_SEED, "use", ids)
    for number in (1, 2000):
        assert not np.any(last == random.uniform(random.LARGEST_SEED + number, "use", ids))
    for seed in (-1, 2**32, 10**20):
        with pytest.raises(AlarminError, match=f"seed {seed}"):
            random.uniform(seed, "use", ids)


def test_a_seed_gives_the_numbers_that_it_always_gave() -> None:
    np.testing.assert_allclose(
        random.uniform(5, "use", np.array([0, 9])), [0.7228557380149141, 0.2973219269188121], rtol=0, atol=1e-12
    )


def test_they_are_uniform_and_never_the_ends() -> None:
    from scipy.stats import kstest

    draws = random.uniform(1, "uniform", np.arange(20_000))
    assert draws.min() > 0.0 and draws.max() < 1.0
    assert kstest(draws, "uniform").pvalue > 1e-3
    assert kstest(random.normal(1, "normal", np.arange(20_000)), "norm").pvalue > 1e-3
