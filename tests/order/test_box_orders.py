"""Order: a ball in a box against closed forms and against the shells, and manufactured drift, at measured orders; a
mistake of 1 % is seen."""

import jax
import jax.numpy as jnp
import numpy as np

from alarmin.geometry import ball_in
from alarmin.numerics.box import Box, Extent
from alarmin.numerics.grid import Passage, Spread, Vector
from alarmin.numerics.lines import diffuse_decay
from alarmin.numerics.sphere import Sphere

VOXELS = (8, 12, 16, 24)
RADIUS = 2.0


def slope(errors: list[float], voxels: tuple[int, ...] = VOXELS) -> float:
    """Order by least squares over all refinements, since a ball meets the voxels differently in each."""
    return float(-np.polyfit(np.log(voxels), np.log(errors), 1)[0])


def ball(n: int, axes: int = 3, room: float = 1.6) -> tuple[Box, Extent]:
    box = Box((n,) * axes, tolerance=1e-11)
    tissue = ball_in(box.shape, 2.0 * RADIUS * room / n, 2.0 * RADIUS)
    return box, Extent(jnp.full((1, 1), RADIUS), jnp.asarray(tissue.reshape(-1, 1)))


def distance(box: Box, extent: Extent) -> np.ndarray:
    """Of each voxel from the middle [mm]."""
    places = np.meshgrid(*(np.arange(n) - 0.5 * (n - 1) for n in box.shape), indexing="ij")
    return np.sqrt(sum(place**2 for place in places)).reshape(-1, 1) * float(box.width(extent)[0, 0])


def steady(box: Box, extent: Extent, spread: Spread, gain: float, rate: float) -> jnp.ndarray:
    full = lambda number: jnp.full_like(extent.tissue, number)
    return box.carry([Passage(False, spread, full(1.0), full(gain), full(rate), None)], extent, None)[0]


def spheroid_error(n: int, wrong: float = 1.0) -> float:
    """Uptake k in a ball in host tissue with loss q and host value 1: sinh inside, a decaying exponential outside."""
    box, extent = ball(n)
    d, k, q = 1.0, 4.0, 25.0
    found = steady(box, extent, box.spread(wrong * d, 1.0, q, None, extent), 0.0, k)
    m, p, r = np.sqrt(k / d), np.sqrt(q / d), np.maximum(distance(box, extent), 1e-9)
    rise = (m * RADIUS / np.tanh(m * RADIUS) - 1.0) / RADIUS
    margin = (p + 1.0 / RADIUS) / (rise + p + 1.0 / RADIUS)
    exact = margin * RADIUS * np.sinh(m * r) / (r * np.sinh(m * RADIUS))
    return float(np.sqrt(box.mean((found - exact) ** 2, extent))[0, 0])


def test_a_spheroid_with_uptake_is_second_order() -> None:
    """The loss of a voxel at the margin is that of its parts, so that what is wrong in one voxel is made up for by its
    neighbors: order 2."""
    errors = [spheroid_error(n) for n in VOXELS]
    assert slope(errors) > 1.9 and errors[-1] < 1.2e-2, errors


def test_the_order_test_can_fail() -> None:
    errors = [spheroid_error(n, wrong=1.05) for n in (16, 24, 32)]
    assert slope(errors, (16, 24, 32)) < 1.5, errors


def test_a_ball_in_a_box_converges_to_the_shells() -> None:
    shells, errors = Sphere(192, 1.5), []
    radius = jnp.full((1, 1), RADIUS)
    spread = shells.spread(1.0, 1.0, 25.0, None, radius)
    full = lambda number: jnp.full((192, 1), number)
    (fine,) = shells.carry([Passage(False, spread, full(1.0), full(0.5), full(4.0), None)], radius, None)
    for n in VOXELS:
        box, extent = ball(n)
        found = steady(box, extent, box.spread(1.0, 1.0, 25.0, None, extent), 0.5, 4.0)
        exact = np.interp(distance(box, extent)[:, 0], shells.centers * RADIUS, np.asarray(fine)[:, 0])[:, None]
        # The shells end at the margin, and say nothing of voxels whose middle lies beyond it.
        inside = jnp.asarray(distance(box, extent) <= RADIUS).astype(jnp.float64)
        errors.append(float(np.sqrt(box.mean(inside * (found - exact) ** 2, extent))[0, 0]))
    assert slope(errors) > 1.7, errors


def drift_error(n: int, steps: int, upwinded: float = 0.0) -> float:
    """Manufactured chemotaxis: u = 2 + cos(pi x) decaying, carried by v = a sin(pi x) and spread, in a walled box.

    With `upwinded` 1, the equation is the one that an upwind scheme solves to second order: its flux is
    v u - (D + v h/2) du/dx.
    """
    box = Box((n, 4), walled=True)
    width = 1.0 / n
    extent = Extent(jnp.full((1, 1), float(np.sqrt(4.0 * n / np.pi) * width)), jnp.ones((box.points, 1)))
    x = jnp.asarray(np.repeat((np.arange(n) + 0.5) * width, 4)[:, None])
    dt, d, a = 0.2 / steps, 0.3, 0.5
    arrow = Vector((a * jnp.sin(np.pi * x), jnp.zeros_like(x)))
    exact = lambda t: 2.0 + np.exp(-t) * jnp.cos(np.pi * x)
    full = lambda number: jnp.full_like(x, number)

    def step(value, count):
        c, s, fall = jnp.cos(np.pi * x), jnp.sin(np.pi * x), jnp.exp(-(count + 1) * dt)
        source = -fall * c + d * np.pi**2 * fall * c + a * np.pi * (2.0 * c + fall * (c * c - s * s))
        source = source + upwinded * width * a * np.pi**2 * fall * s * c
        spread = Spread(full(d), full(0.0), full(0.0))
        passage = Passage(True, spread, value + dt * source, full(0.0), full(0.0), arrow)
        return box.carry([passage], extent, dt)[0], None

    counts = jnp.arange(steps, dtype=x.dtype)
    value = jax.jit(lambda value: jax.lax.scan(step, value, counts)[0])(exact(0.0))
    return float(jnp.sqrt(jnp.mean((value - exact(0.2)) ** 2)))


def test_manufactured_chemotaxis_is_first_order_upwind() -> None:
    """Upwind and one implicit step: order 1, with steps that fall with the width."""
    errors = [drift_error(n, 4 * n) for n in (32, 64, 128)]
    assert 0.9 < slope(errors[1:], (64, 128)) < 1.1, errors


def test_the_error_of_chemotaxis_is_the_one_of_upwind_differences() -> None:
    """What is left beside the numerical diffusion v h/2 falls with the square of the width; twice as much of it does
    not."""
    errors = [drift_error(n, n * n // 2, upwinded=1.0) for n in (16, 32, 64)]
    assert slope(errors, (16, 32, 64)) > 1.8, errors
    wrong = [drift_error(n, n * n // 2, upwinded=1.5) for n in (32, 64)]
    assert slope(wrong, (32, 64)) < 1.4, wrong


def test_lines_one_after_the_other_are_second_order_in_space() -> None:
    """The slowest wave of a closed box decays by diffusion and loss as it must: order 2, with steps that fall with the
    square of the width."""
    errors = []
    for n in (8, 16, 32):
        steps, total = n * n, 0.05
        wave = np.cos(np.pi * (np.arange(n) + 0.5) / n)
        value = jnp.asarray(wave[:, None, None] * wave[None, :, None] * wave[None, None, :])
        first = value
        step = jax.jit(lambda value, dt=8.0 * total / steps, n=n: diffuse_decay(value, dt * n * n, dt * 2.0))
        for _ in range(steps // 8):
            value = step(value)
        ratio = float(jnp.vdot(value, first) / jnp.vdot(first, first))
        errors.append(abs(ratio / np.exp(-total * (3.0 * np.pi**2 + 2.0)) - 1.0))
    assert slope(errors, (8, 16, 32)) > 1.9, errors
