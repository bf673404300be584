"""Exact: the ball against closed forms to rounding."""

import jax.numpy as jnp
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from alarmin.numerics.grid import Passage, Spread
from alarmin.numerics.sphere import Sphere

GRID = Sphere(16, 1.5)


def test_uniform_growth_is_exponential_and_changes_no_density() -> None:
    radius, material = jnp.full((1, 3), 5.0), jnp.full((2, 16, 3), 7.0)
    for _ in range(50):
        radius, material, _ = GRID.remap(radius, jnp.full((16, 3), np.exp(0.01)), material * np.exp(0.01), False)
    np.testing.assert_allclose(radius, 5.0 * np.exp(0.01 * 50 / 3.0), rtol=1e-12)
    np.testing.assert_allclose(material, 7.0, rtol=1e-12)


@given(st.floats(0.5, 2.0), st.integers(1, 192))
@settings(max_examples=20, deadline=None)
def test_a_held_lesion_stays_full_however_thin_its_shells(swelling: float, shells: int) -> None:
    grid, radius = Sphere(shells), jnp.full((1, 1), 5.0)
    kept, material, _ = grid.remap(radius, jnp.full((shells, 1), swelling), jnp.full((1, shells, 1), 7.0), True)
    np.testing.assert_allclose(kept, radius, rtol=1e-15)
    np.testing.assert_allclose(material, 7.0 / swelling, rtol=1e-10)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(0.4, 2.5), min_size=16, max_size=16), st.integers(0, 2**31))
def test_a_held_lesion_is_a_free_one_brought_back_to_its_size(swelling: list[float], seed: int) -> None:
    material = jnp.asarray(np.random.default_rng(seed).exponential(size=(2, 16, 1)))
    radius, change = jnp.full((1, 1), 3.0), jnp.asarray(swelling)[:, None]
    _, free, path = GRID.remap(radius, change, material, jnp.asarray(False))
    kept, held, same = GRID.remap(radius, change, material, jnp.asarray(True))
    np.testing.assert_array_equal(kept, radius)
    np.testing.assert_array_equal(held, free)
    np.testing.assert_array_equal(same, path)


def test_volume_shares_add_up() -> None:
    np.testing.assert_allclose(GRID.shares.sum(), 1.0, rtol=1e-15)
    radius = jnp.asarray([[2.0, 3.0]])
    np.testing.assert_allclose(GRID.volumes(radius).sum(0, keepdims=True), GRID.volume(radius), rtol=1e-13)
    np.testing.assert_allclose(GRID.volume(radius)[0, 0], 4.0 / 3.0 * np.pi * 8e-3, rtol=1e-13)


def test_nothing_happens_without_sources() -> None:
    one = jnp.ones((16, 1))
    zero = jnp.zeros((1, 1))
    radius = jnp.full((1, 1), 4.0)
    closed = Spread(3.0 * one, zero[0], zero[0])
    still = GRID.carry([Passage(False, closed, one, 5.0 * one / 0.5, one / 0.5, None)], radius, None)[0]
    np.testing.assert_allclose(still, 5.0, rtol=1e-13)
    radius, material, velocity = GRID.remap(jnp.full((1, 1), 4.0), jnp.ones((16, 1)), one[None], False)
    np.testing.assert_allclose(radius, 4.0, rtol=1e-15)
    np.testing.assert_allclose(material, 1.0, rtol=1e-14)
    np.testing.assert_allclose(velocity, 0.0, atol=1e-14)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0.4, 2.5), min_size=16, max_size=16), st.booleans(), st.integers(0, 2**31))
def test_remap_conserves_and_stays_positive(swelling: list[float], held: bool, seed: int) -> None:
    material = jnp.asarray(np.random.default_rng(seed).exponential(size=(3, 16, 1)) * [[[1.0]], [[1e-6]], [[1e3]]])
    radius = jnp.full((1, 1), 3.0)
    new_radius, new, _ = GRID.remap(radius, jnp.asarray(swelling)[:, None], material, jnp.asarray(held))
    assert (np.asarray(new) >= 0).all()
    if not held:
        content = lambda r, m: np.sum(np.asarray(GRID.volumes(r)) * np.asarray(m), axis=1)
        np.testing.assert_allclose(content(new_radius, new), content(radius, material), rtol=1e-12)


def test_a_lossy_remap_would_be_seen() -> None:
    material = jnp.ones((1, 16, 1))
    radius, new, _ = GRID.remap(jnp.full((1, 1), 3.0), jnp.linspace(0.9, 1.3, 16)[:, None], material, False)
    total = lambda r, m: float(np.sum(np.asarray(GRID.volumes(r)) * np.asarray(m)))
    assert abs(total(radius, new * 1.001) / total(jnp.full((1, 1), 3.0), material) - 1.0) > 1e-4


def test_drift_conserves_and_piles_up_downstream() -> None:
    start = jnp.ones((16, 1))
    speed, dt, zero = jnp.full((16, 1), 0.2), 0.5, jnp.zeros((1, 1))
    radius = jnp.full((1, 1), 3.0)
    closed = Spread(0.01 * start, zero[0], zero[0])
    moved = GRID.carry([Passage(False, closed, start, start / dt, start / dt, speed)], radius, None)[0]
    content = lambda m: float(np.sum(np.asarray(GRID.volumes(radius)) * np.asarray(m)))
    np.testing.assert_allclose(content(moved), content(start), rtol=1e-12)
    assert moved[-1, 0] > 1.0 > moved[0, 0] > 0.0
    same = GRID.carry([Passage(True, closed, start, None, start, speed)], radius, dt)[0]
    np.testing.assert_allclose(same, moved, rtol=1e-14)


def test_how_deep_cells_get_over_the_margin_does_not_hang_on_the_step() -> None:
    ball, radius, one = Sphere(1), jnp.full((1, 1), 4.0), jnp.ones((1, 1))
    diffusivity, rate, exchange, host = 0.002, 0.25, 0.02, 3.0
    spread = Spread(diffusivity * one, exchange * one[0], host * one[0])
    layer = np.sqrt(diffusivity / rate)
    entry = 3.0 / 4.0 * exchange * diffusivity / (exchange * layer + diffusivity)
    for dt in (0.5, 0.125, 0.01):
        inside = float(ball.carry([Passage(True, spread, one, one, rate * one, None)], radius, dt)[0][0, 0])
        np.testing.assert_allclose((inside - 1.0) / dt, entry * (host - inside), rtol=1e-10)


def test_outward_integral_and_means() -> None:
    radius = jnp.full((1, 1), 6.0)
    np.testing.assert_allclose(GRID.outward_integral(jnp.ones((16, 1)), radius), GRID.depth(radius), rtol=1e-13)
    inside = GRID.margin_mean(jnp.asarray(GRID.centers)[:, None] * 6.0, 1.0, GRID.depth(radius), radius)
    assert 5.0 < float(inside[0, 0]) < 6.0
