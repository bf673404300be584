"""Order: measured convergence in space against closed forms; a 1 % mistake in the operator is seen."""

import jax.numpy as jnp
import numpy as np
import pytest

from alarmin.numerics.grid import Passage, Spread
from alarmin.numerics.sphere import Sphere

SHELLS = (12, 24, 48, 96)


def slope(errors: list[float]) -> float:
    """Mean order of convergence over halvings."""
    return float(np.mean(np.log2(np.asarray(errors[:-1]) / np.asarray(errors[1:]))))


def uptake_error(shells: int, packing: float, wrong: float = 1.0) -> float:
    """Error of diffusion with linear uptake in a ball whose surface is held: u = h R sinh(r/l) / (r sinh(R/l))."""
    grid, radius, diffusivity, loss, host = Sphere(shells, packing), 2.0, 150.0, 100.0, 45.0
    length, r = np.sqrt(diffusivity / loss), grid.centers * radius
    exact = host * radius * np.sinh(r / length) / (r * np.sinh(radius / length))
    one = jnp.ones((shells, 1))
    spread = Spread(wrong * diffusivity * one, jnp.full(1, 1e9), jnp.full(1, host))
    found = grid.carry([Passage(False, spread, one, 0.0 * one, loss * one, None)], jnp.full((1, 1), radius), None)[0]
    return float(np.sqrt(np.sum(grid.shares * (np.asarray(found)[:, 0] - exact) ** 2)))


@pytest.mark.parametrize("packing", [1.0, 1.5, 2.0])
def test_diffusion_is_second_order(packing: float) -> None:
    errors = [uptake_error(n, packing) for n in SHELLS]
    assert slope(errors) > 1.8, errors


def test_the_order_test_can_fail() -> None:
    errors = [uptake_error(n, 1.5, wrong=1.01) for n in (*SHELLS, 192)]
    assert slope(errors[1:]) < 1.8, errors


def robin_error(shells: int) -> float:
    """Error of uptake with a finite exchange at the margin and a uniform supply."""
    grid, radius, diffusivity, loss, supply, exchange, host = Sphere(shells, 1.5), 3.0, 8.6, 4.0, 2.0, 5.0, 7.0
    length, r = np.sqrt(diffusivity / loss), grid.centers * radius
    far = supply / loss
    shape = lambda x: np.sinh(x / length) / x
    rise = (np.cosh(radius / length) / length - np.sinh(radius / length) / radius) / radius
    amount = exchange * (host - far) / (diffusivity * rise + exchange * shape(radius))
    exact = far + amount * shape(r)
    one = jnp.ones((shells, 1))
    spread = Spread(diffusivity * one, jnp.full(1, exchange), jnp.full(1, host))
    found = grid.carry([Passage(False, spread, one, supply * one, loss * one, None)], jnp.full((1, 1), radius), None)[0]
    return float(np.sqrt(np.sum(grid.shares * (np.asarray(found)[:, 0] - exact) ** 2)))


def test_margin_exchange_is_second_order() -> None:
    errors = [robin_error(n) for n in SHELLS]
    assert slope(errors) > 1.8, errors


def carried_error(shells: int, packing: float = 1.5) -> float:
    """Error of material carried by v = a (r - r^3)/3, which leaves the radius alone; exact by characteristics."""
    from scipy.integrate import solve_ivp

    grid, rate, duration = Sphere(shells, packing), 1.0, 0.25
    steps = shells * shells // 8
    dt = duration / steps
    growth = 3.0 * np.diff(grid.faces**2 * rate * (grid.faces - grid.faces**3) / 3.0) / np.diff(grid.faces**3)
    radius = jnp.ones((1, 1))
    swelling = jnp.asarray(1.0 + dt * growth)[:, None]
    start = lambda r: 1.0 + 0.5 * np.cos(np.pi * r)
    material = jnp.asarray(start(grid.centers))[None, :, None]
    for _ in range(steps):
        _, material, _ = grid.remap(radius, swelling, material, jnp.asarray(False))
    back = solve_ivp(lambda t, y: -rate * (y - y**3) / 3.0, (0, duration), grid.centers, rtol=1e-10, atol=1e-12)
    origin = back.y[:, -1]
    squeeze = (origin / grid.centers) ** 2 * (origin - origin**3) / (grid.centers - grid.centers**3)
    exact = start(origin) * squeeze
    return float(np.sum(grid.shares * np.abs(np.asarray(material)[0, :, 0] - exact)))


def test_growth_carries_material_at_second_order() -> None:
    errors = [carried_error(n) for n in (8, 16, 32)]
    assert slope(errors) > 1.8, errors
