"""Exact: one step of supplies and losses against the closed form; order: coupled transfers in time."""

import jax.numpy as jnp
import numpy as np
import pytest

from alarmin.numerics.reaction import advance, time_integral


@pytest.mark.parametrize("rate", [0.0, 1e-9, 1e-4, 0.049, 0.051, 1.0, 300.0, 1e6])
def test_one_field_is_exact(rate: float) -> None:
    value, gain, dt = 3.0, 2.0, 0.7
    given = [jnp.full((1,), number) for number in (value, gain, rate)]
    integral = time_integral(*given, dt)
    found = advance(*given, dt, integral)
    if rate > 1e-6:
        exact = gain / rate + (value - gain / rate) * np.exp(-rate * dt)
    else:
        exact = value * (1.0 - rate * dt) + gain * dt
    np.testing.assert_allclose(found, exact, rtol=1e-9)
    np.testing.assert_allclose(value + gain * dt - rate * integral, found, rtol=1e-8)


def test_single_precision_stays_positive_and_keeps_balance() -> None:
    rng = np.random.default_rng(0)
    value, gain, rate = (jnp.asarray(10.0 ** rng.uniform(-8, 4, 10_000), jnp.float32) for _ in range(3))
    integral = time_integral(value, gain, rate, 1.0)
    found = advance(value, gain, rate, 1.0, integral)
    assert (np.asarray(found) >= 0).all() and (np.asarray(integral) >= 0).all()
    balance = np.asarray(value, np.float64) + np.asarray(gain, np.float64)
    left = np.asarray(rate, np.float64) * np.asarray(integral, np.float64)
    np.testing.assert_allclose(balance - left, found, atol=3e-6 * balance.max(), rtol=0)


def ring_error(steps: int) -> float:
    """Three fields that turn into one another in a ring, against the matrix exponential."""
    from scipy.linalg import expm

    rates = np.array([0.9, 0.5, 0.2])
    matrix = -np.diag(rates) + np.roll(np.diag(rates), 1, axis=0)
    x, dt = np.array([1.0, 0.0, 0.0]), 4.0 / steps
    for _ in range(steps):
        given = jnp.asarray(x), jnp.zeros(3), jnp.asarray(rates), dt
        integral = time_integral(*given)
        x = np.asarray(advance(*given, integral)) + np.roll(rates * np.asarray(integral), 1)
    np.testing.assert_allclose(x.sum(), 1.0, rtol=1e-12)
    return float(np.abs(x - expm(4.0 * matrix) @ [1.0, 0.0, 0.0]).max())


def test_transfers_are_first_order_in_time_and_conserve() -> None:
    errors = np.array([ring_error(n) for n in (16, 32, 64, 128)])
    assert np.mean(np.log2(errors[:-1] / errors[1:])) > 0.9
