"""Order: growth carries tissue through a box, and the margin is as far away, as closed forms say; each bound follows
from the order that theory gives, and a mistake is seen."""

import jax
import jax.numpy as jnp
import numpy as np

from alarmin.numerics.box import Box, Extent

RATE, TIME = 0.3, 1.0


def slope(errors: list[float], voxels: tuple[int, ...]) -> float:
    """Order by least squares over all refinements."""
    return float(-np.polyfit(np.log(voxels), np.log(errors), 1)[0])


def walled_error(n: int, steps: int, wrong: float = 1.0) -> float:
    """Growth a cos(pi x) between walls carries a density along x' = (a/pi) sin(pi x): tan(pi x/2) rises as exp(a t).

    What was at x0 is at x, and diluted or gathered by dx0/dx = sin(pi x0)/sin(pi x).
    """
    box = Box((n, 4), walled=True, tolerance=1e-12)
    x = np.repeat((np.arange(n) + 0.5) / n, 4)[:, None]
    extent = Extent(jnp.ones((1, 1)), jnp.ones((box.points, 1)))
    swelling = jnp.exp(wrong * RATE * TIME / steps * jnp.cos(np.pi * jnp.asarray(x)))

    def step(carry, _):
        extent, material = carry
        extent, material, _ = box.remap(extent, swelling, material, jnp.asarray(False))
        return (extent, material), None

    first = (extent, jnp.asarray(2.0 + np.cos(np.pi * x))[None])
    (_, material), _ = jax.jit(lambda first: jax.lax.scan(step, first, None, length=steps))(first)
    start = 2.0 / np.pi * np.arctan(np.tan(0.5 * np.pi * x) * np.exp(-RATE * TIME))
    exact = (2.0 + np.cos(np.pi * start)) * np.sin(np.pi * start) / np.sin(np.pi * x)
    return float(np.sqrt(np.mean((np.asarray(material[0]) - exact) ** 2)))


def test_growth_carries_tissue_at_second_order_in_space_and_first_in_time() -> None:
    """Densities are linear within a voxel and limited only at the walls, where nothing moves: order 2 in space, once
    the step, whose growth is taken where it began (order 1), falls with the square of the width."""
    errors = [walled_error(n, n * n // 8) for n in (8, 16, 32)]
    assert slope(errors, (8, 16, 32)) > 1.8, errors
    errors = [walled_error(32, steps) for steps in (8, 16)]
    assert 0.8 < np.log2(errors[0] / errors[1]) < 1.3, errors


def test_the_order_of_growth_can_fail() -> None:
    errors = [walled_error(n, n * n // 8, wrong=1.02) for n in (16, 32)]
    assert slope(errors, (16, 32)) < 1.5, errors


def disk(n: int, radius: float = 1.0, room: float = 1.5) -> tuple[Box, Extent, np.ndarray]:
    """A disk in the middle of a section, and the distance of each voxel from its center as a share of the radius."""
    from alarmin.geometry import ball_in

    box = Box((n, n), tolerance=1e-9)
    tissue = ball_in(box.shape, 2.0 * radius * room / n, 2.0 * radius)
    extent = Extent(jnp.full((1, 1), radius), jnp.asarray(tissue.reshape(-1, 1)))
    line = (np.arange(n) - 0.5 * (n - 1)) * float(box.width(extent)[0, 0])
    return box, extent, np.hypot(*np.meshgrid(line, line, indexing="ij")).reshape(-1, 1) / radius


def disk_error(n: int, wrong: float = 1.0) -> float:
    """Growth a (1 - 2 r²) in a disk of radius 1, which keeps its size: y = r² follows y' = a y (1 - y)."""
    box, extent, far = disk(n)
    steps = n // 2
    growth = np.where(far < 1.0, RATE * (1.0 - 2.0 * far**2), -RATE)
    swelling = jnp.exp(wrong * TIME / steps * jnp.asarray(growth))
    move = jax.jit(lambda extent, material: box.remap(extent, swelling, material, jnp.asarray(False))[:2])
    material = jnp.asarray(2.0 + np.cos(np.pi * far))[None]
    for _ in range(steps):
        extent, material = move(extent, material)
    y, rise = far**2, np.exp(RATE * TIME)
    start = y / (y + (1.0 - y) * rise)
    exact = (2.0 + np.cos(np.pi * np.sqrt(np.maximum(start, 0.0)))) * rise / (y + (1.0 - y) * rise) ** 2
    inside = far < 0.95
    return float(np.sqrt(np.mean((np.asarray(material[0])[inside] - exact[inside]) ** 2)))


def test_growth_in_a_disk_converges_at_first_order() -> None:
    """The margin is one voxel thick and the step falls with the width: order 1."""
    voxels = (16, 24, 32, 48)
    errors = [disk_error(n) for n in voxels]
    assert slope(errors, voxels) > 0.9, errors


def test_the_depth_of_a_slab_is_exact() -> None:
    """Along one axis, the distances of neighbors add up without error."""
    share = np.zeros((12, 6))
    share[2:9] = 1.0
    share[1], share[9] = 0.75, 0.25
    box = Box(share.shape)
    extent = Extent(jnp.ones((1, 1)), jnp.asarray(share.reshape(-1, 1)))
    found = np.asarray(box.depth(extent) / box.width(extent)).reshape(share.shape)
    # From the margin, which lies where half a voxel would be filled.
    expected = np.minimum(np.arange(12) - 0.75, 8.75 - np.arange(12))
    np.testing.assert_allclose(found[2:9], np.repeat(expected[2:9, None], 6, axis=1), rtol=1e-12)


def depth_error(n: int, wrong: float = 1.0) -> float:
    box, extent, far = disk(n)
    found = np.asarray(box.depth(extent))[:, 0] * wrong
    inside = far[:, 0] < 1.0
    return float(np.sqrt(np.mean((found[inside] - (1.0 - far[inside, 0])) ** 2)))


def test_the_depth_of_a_disk_converges_as_upwind_distances_do() -> None:
    """Upwind distances err by h log(1/h) where rays meet: between 16 and 128 voxels a slope of 1 - 1/log(n) = 0.75."""
    voxels = (16, 32, 64, 128)
    errors = [depth_error(n) for n in voxels]
    assert slope(errors, voxels) > 0.75 and errors[-1] < 0.01, errors
    assert slope([depth_error(n, wrong=1.1) for n in voxels], voxels) < 0.6
