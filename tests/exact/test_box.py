"""Exact: a box of voxels against closed forms to rounding: nothing is lost, nothing is negative, nothing moves by
itself; and lines, balances and vectors behave."""

import jax.numpy as jnp
import numpy as np
import pytest

from alarmin.numerics.box import LEAST, Box, Extent
from alarmin.numerics.grid import Passage, Spread, Vector
from alarmin.numerics.lines import (
    balance,
    before,
    by_itself,
    diffuse_decay,
    factor,
    inner,
    roomy,
    sides,
    substitute,
    total,
)

SHAPE = (12, 10, 14)
BOX = Box(SHAPE, tolerance=1e-12)


def lesion(box: Box, radius: float = 4.0, lanes: int = 1) -> Extent:
    """An ellipsoid with a smooth margin in the middle of the box."""
    places = np.meshgrid(*(np.arange(n) - 0.5 * (n - 1) for n in box.shape), indexing="ij")
    far = np.sqrt(sum((place / (0.34 * n)) ** 2 for place, n in zip(places, box.shape, strict=True)))
    share = np.clip((1.0 - far) * 0.34 * min(box.shape) + 0.5, 0.0, 1.0)
    tissue = np.repeat(share.reshape(-1, 1), lanes, axis=1)
    return Extent(jnp.full((1, lanes), radius), jnp.asarray(tissue))


def content(box: Box, extent: Extent, material: jnp.ndarray) -> np.ndarray:
    """Amount of each material in the whole lesion, `[field, lane]`."""
    return np.stack([np.asarray(box.mean(one, extent) * box.volume(extent.radius))[0] for one in material])


def test_a_line_solves_its_matrix() -> None:
    draw = np.random.default_rng(1)
    loss, forth, back, right = draw.random(9), draw.random(8), draw.random(8), draw.random(9)
    matrix = np.diag(loss)
    for face in range(8):
        matrix[face, face] += forth[face]
        matrix[face, face + 1] -= back[face]
        matrix[face + 1, face + 1] += back[face]
        matrix[face + 1, face] -= forth[face]
    forth, back = np.append(forth, 0.0), np.append(back, 0.0)
    found = substitute(factor(*map(jnp.asarray, (loss, forth, back))), jnp.asarray(right))
    np.testing.assert_allclose(found, np.linalg.solve(matrix, right), rtol=1e-11)


@pytest.mark.parametrize("shape", [(2, 2, 2), (3, 5, 7), (16, 8), (11, 13, 17)])
def test_a_total_adds_every_voxel_of_its_lane_once(shape: tuple[int, ...]) -> None:
    """Whether or not the voxels can be cut into equal pieces; and a lane that is no number leaves the others alone."""
    draw = np.random.default_rng(5)
    one, other = draw.random((3, *shape)), draw.random((3, *shape))
    found = np.asarray(total(jnp.asarray(one), jnp.asarray(other)))
    np.testing.assert_allclose(found.reshape(3), (one * other).reshape(3, -1).sum(axis=1), rtol=1e-13)
    assert found.shape == (3, *(1 for _ in shape))
    one[1] = np.nan
    spoiled = np.asarray(total(jnp.asarray(one), jnp.asarray(other))).reshape(3)
    assert np.isnan(spoiled).tolist() == [False, True, False]
    np.testing.assert_array_equal(spoiled[[0, 2]], found.reshape(3)[[0, 2]])


def test_diffusion_alone_conserves_and_decay_is_its_only_loss() -> None:
    start = jnp.asarray(np.random.default_rng(2).random((6, 7, 8)))
    np.testing.assert_allclose(jnp.sum(diffuse_decay(start, 2.5, 0.0)), jnp.sum(start), rtol=1e-13)
    flat = diffuse_decay(jnp.ones((6, 7, 8)), 2.5, 0.3)
    np.testing.assert_allclose(flat, 1.1**-3, rtol=1e-13)


@pytest.mark.parametrize("shape", [(5,), (5, 6), (6, 7, 8)])
@pytest.mark.parametrize("steps", [1, 2, 3, 4])
def test_many_steps_are_the_matrix_of_each_axis_many_times(shape: tuple[int, ...], steps: int) -> None:
    """Also where the axes end in another order than they began."""
    start = np.random.default_rng(5).random(shape)
    expected = start
    for axis, rows in enumerate(shape):
        matrix = np.diag(np.full(rows, 1.0 + 0.3 / len(shape) + 5.0)) - 2.5 * (np.eye(rows, k=1) + np.eye(rows, k=-1))
        matrix[0, 0] -= 2.5
        matrix[-1, -1] -= 2.5
        solved = np.linalg.matrix_power(np.linalg.inv(matrix), steps)
        expected = np.moveaxis(np.tensordot(solved, expected, (1, axis)), 0, axis)
    np.testing.assert_allclose(diffuse_decay(jnp.asarray(start), 2.5, 0.3, steps), expected, rtol=1e-11)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_lines_along_any_axis_solve_as_along_the_first(axis: int) -> None:
    draw = np.random.default_rng(6)
    loss, right = (jnp.asarray(draw.random((4, 4, 4))) for _ in range(2))
    wall = jnp.arange(4).reshape([-1 if other == axis else 1 for other in range(3)]) == 3
    forth, back = (jnp.where(wall, 0.0, jnp.asarray(draw.random((4, 4, 4)))) for _ in range(2))
    first = [jnp.moveaxis(part, axis, 0) for part in (loss, forth, back, right)]
    expected = jnp.moveaxis(substitute(factor(*first[:3]), first[3]), 0, axis)
    np.testing.assert_allclose(substitute(factor(loss, forth, back, axis), right, axis), expected, rtol=1e-13)


def test_a_balance_meets_its_equation_in_every_lane() -> None:
    draw = np.random.default_rng(3)
    loss, right = jnp.asarray(draw.random((2, 5, 6)) + 0.1), jnp.asarray(draw.random((2, 5, 6)))
    faces = [face * jnp.asarray(draw.random((2, 5, 6))) for face in inner(right)]
    found = balance(jnp.zeros_like(right), loss, faces, right, 1e-13)
    np.testing.assert_allclose(jnp.sum(loss * found, axis=(1, 2)), jnp.sum(right, axis=(1, 2)), rtol=1e-10)
    alone = balance(jnp.zeros((1, 5, 6)), loss[:1], [f[:1] for f in faces], right[:1], 1e-13)
    np.testing.assert_array_equal(found[0], alone[0])


def test_the_slope_of_a_line_is_its_slope_up_to_the_margin() -> None:
    """One-sided where tissue ends, whatever is beyond it; 0 where a voxel has no neighbor in tissue."""
    extent = lesion(BOX)
    there = np.asarray(extent.tissue).reshape(SHAPE) > LEAST
    places = np.meshgrid(*map(np.arange, SHAPE), indexing="ij")
    line = np.where(there, 3.0 * places[0] - 2.0 * places[1] + places[2], 1e6)
    found = BOX.gradient(jnp.asarray(line.reshape(-1, 1)), extent)
    for axis, slope in enumerate((3.0, -2.0, 1.0)):
        some = np.zeros(SHAPE, bool)
        here, behind_it = [slice(None)] * 3, [slice(None)] * 3
        here[axis], behind_it[axis] = slice(None, -1), slice(1, None)
        both = there[tuple(here)] & there[tuple(behind_it)]
        some[tuple(here)] |= both
        some[tuple(behind_it)] |= both
        expected = np.where(some, slope, 0.0) / float(BOX.width(extent)[0, 0])
        np.testing.assert_allclose(np.asarray(found.parts[axis]).reshape(SHAPE), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("alone", [False, True])
def test_neighbors_are_read_in_a_ring_and_nothing_crosses_a_wall(alone: bool) -> None:
    values = jnp.asarray(np.random.default_rng(7).random((2, 4, 5, 6)))
    for axis, (face, (last, following)) in enumerate(zip(inner(values), sides(values, alone), strict=True)):
        ahead = np.asarray(jnp.broadcast_to(before(face, axis), values.shape))
        after = np.asarray(jnp.broadcast_to(face, values.shape))
        np.testing.assert_array_equal(ahead, np.roll(after, 1, axis + 1))
        np.testing.assert_array_equal(ahead * last, ahead * np.roll(values, 1, axis + 1))
        np.testing.assert_array_equal(after * following, after * np.roll(values, -1, axis + 1))
        assert after.sum(axis=axis + 1).max() == values.shape[axis + 1] - 1
    far = roomy(values, 2, alone)(0, -2)
    np.testing.assert_array_equal(far[:, 2:], values[:, :-2])


@pytest.mark.parametrize("first", [1.0, jnp.nan, jnp.inf])
def test_work_by_itself_is_the_work_whatever_comes_before(first: float) -> None:
    assert float(by_itself(lambda: jnp.asarray(3.0), jnp.asarray([first, 1.0]))) == 3.0


@pytest.mark.parametrize("sick", [0, 1])
def test_a_lane_that_is_no_number_leaves_the_other_as_it_is(sick: int) -> None:
    draw = np.random.default_rng(8)
    extent, box = lesion(BOX, lanes=2), BOX
    value, gain, rate, swelling = (draw.uniform(0.9, 1.1, (box.points, 2)) for _ in range(4))
    ways = (box.spread(0.5, 1.0, 2.0, None, extent), box.spread(0.5, 1.0, None, 0.3, extent))

    def results(sick: int | None) -> list[np.ndarray]:
        parts = [part.copy() for part in (value, gain, rate, swelling)]
        for part in parts if sick is not None else []:
            part[:, sick] = np.nan
        one, two, three, four = map(jnp.asarray, parts)
        passages = [Passage(False, ways[0], one, two, three, None)]
        passages.append(Passage(True, ways[1], one, two, three, Vector((two, three, one))))
        moved = box.remap(extent, four, one[None], jnp.asarray(False))[1]
        slope = box.gradient(one, extent)
        potential = box.outward_integral(slope, extent)
        return [np.asarray(part) for part in (*box.carry(passages, extent, 0.5), moved[0], *slope.parts, potential)]

    for found, expected in zip(results(sick), results(None), strict=True):
        np.testing.assert_array_equal(found[:, 1 - sick], expected[:, 1 - sick])


def test_a_vector_scales_and_has_a_size() -> None:
    arrow = Vector((jnp.asarray([[3.0]]), jnp.asarray([[-4.0]])))
    assert float(abs(jnp.asarray([[2.0]]) * arrow / 2.0)[0, 0]) == 5.0
    assert float(abs(arrow * 0.0)[0, 0]) == 0.0


def test_uniform_growth_moves_nothing() -> None:
    extent, material = lesion(BOX), jnp.full((2, BOX.points, 1), 7.0)
    swelling = jnp.full((BOX.points, 1), np.exp(0.01))
    grown, moved, path = BOX.remap(extent, swelling, material * np.exp(0.01), jnp.asarray(False))
    np.testing.assert_allclose(grown.radius, 4.0 * np.exp(0.01 / 3.0), rtol=1e-12)
    there = np.asarray(extent.tissue)[:, 0] > 0.0
    np.testing.assert_allclose(grown.tissue, extent.tissue, atol=1e-9)
    np.testing.assert_allclose(np.asarray(moved)[:, there], 7.0, rtol=1e-9)
    far = np.sqrt(sum(np.asarray(part) ** 2 for part in jnp.split(path, 3)))
    assert far.max() > 0.0


@pytest.mark.parametrize("held", [False, True])
def test_growth_and_shrinkage_conserve_and_stay_positive(held: bool) -> None:
    draw = np.random.default_rng(4)
    extent = lesion(BOX)
    material = jnp.asarray(draw.exponential(size=(3, BOX.points, 1)) * [[[1.0]], [[1e-6]], [[1e3]]])
    for _ in range(4):
        swelling = jnp.asarray(draw.uniform(0.7, 1.4, (BOX.points, 1)))
        grown, moved, _ = BOX.remap(extent, swelling, material, jnp.asarray(held))
        assert (np.asarray(moved) >= 0.0).all() and (np.asarray(grown.tissue) >= 0.0).all()
        if held:
            np.testing.assert_array_equal(grown.tissue, extent.tissue)
        else:
            np.testing.assert_allclose(jnp.sum(grown.tissue), jnp.sum(extent.tissue), rtol=1e-12)
            np.testing.assert_allclose(content(BOX, grown, moved), content(BOX, extent, material), rtol=1e-10)
        extent, material = grown, moved


def test_a_held_lesion_is_a_free_one_brought_back_to_its_size() -> None:
    draw = np.random.default_rng(9)
    extent = lesion(BOX)
    material = jnp.asarray(draw.exponential(size=(2, BOX.points, 1)))
    swelling = jnp.asarray(draw.uniform(0.7, 1.4, (BOX.points, 1)))
    _, free, _ = BOX.remap(extent, swelling, material, jnp.asarray(False))
    kept, held, _ = BOX.remap(extent, swelling, material, jnp.asarray(True))
    np.testing.assert_array_equal(kept.radius, extent.radius)
    np.testing.assert_array_equal(held, free)


def test_a_lossy_remap_would_be_seen() -> None:
    extent, material = lesion(BOX), jnp.ones((1, BOX.points, 1))
    grown, moved, _ = BOX.remap(extent, jnp.full((BOX.points, 1), 1.1), material, jnp.asarray(False))
    assert abs(content(BOX, grown, moved * 1.001) / content(BOX, extent, material) - 1.0)[0, 0] > 1e-4


def test_full_voxels_stay_full_where_one_side_grows() -> None:
    box = Box((16, 16, 16))
    extent, material = lesion(box), jnp.ones((1, box.points, 1))
    side = jnp.asarray((np.indices(box.shape)[0] >= 8).reshape(-1, 1).astype(float))
    start = float(jnp.sum(extent.tissue * side))
    for _ in range(30):
        extent, material, _ = box.remap(extent, 1.0 + 0.02 * side, material, jnp.asarray(False))
    tissue = np.asarray(extent.tissue).reshape(box.shape)
    assert tissue[7:9, 7:9, 7:9].min() > 0.97 and tissue.max() < 1.2
    assert float(jnp.sum(extent.tissue * side)) > 1.05 * start


def passage(box: Box, value: jnp.ndarray, diffusivity: float, drift: Vector | None = None, exchange: float = 0.0):
    full = lambda number: jnp.full_like(value, number)
    return Passage(True, Spread(full(diffusivity), full(exchange), full(2.0)), value, full(0.0), full(0.0), drift)


def test_drift_conserves_stays_positive_and_piles_up_downstream() -> None:
    extent = lesion(BOX)
    start = jnp.asarray(np.random.default_rng(5).random((BOX.points, 1)))
    arrow = Vector((jnp.full_like(start, 0.3), jnp.full_like(start, -0.1), jnp.zeros_like(start)))
    (moved,) = BOX.carry([passage(BOX, start, 0.01, arrow)], extent, 0.5)
    assert float(moved.min()) >= 0.0
    np.testing.assert_allclose(BOX.mean(moved, extent), BOX.mean(start, extent), rtol=1e-12)
    place = jnp.asarray(np.indices(SHAPE)[0].reshape(-1, 1), start.dtype)
    assert float(BOX.mean(moved * place, extent)[0, 0]) > float(BOX.mean(start * place, extent)[0, 0])


def test_what_crosses_the_margin_comes_from_the_host_and_stops_at_its_value() -> None:
    extent = lesion(BOX)
    for value in (0.0, 2.0, 5.0):
        start = jnp.full((BOX.points, 1), value)
        (moved,) = BOX.carry([passage(BOX, start, 1.0, exchange=0.4)], extent, 1.0)
        change = float(BOX.mean(moved - start, extent)[0, 0])
        assert np.sign(np.round(change, 12)) == np.sign(2.0 - value)


def test_how_much_gets_over_the_margin_does_not_hang_on_the_step() -> None:
    extent, start = lesion(BOX), jnp.zeros((BOX.points, 1))
    one = passage(BOX, start, 1e-3, exchange=0.4)._replace(rate=jnp.full_like(start, 50.0))
    entries = []
    for dt in (0.5, 0.005):
        (moved,) = BOX.carry([one], extent, dt)
        value = np.asarray(moved)[:, 0]
        entries.append(value / dt / (2.0 - value))
    assert entries[0].max() > 0.0
    np.testing.assert_allclose(entries[1], entries[0], rtol=1e-9)


def test_a_walled_box_is_a_point() -> None:
    box = Box((4, 4, 4), walled=True, tolerance=1e-12)
    extent = Extent(jnp.full((1, 1), 6.0), jnp.ones((64, 1)))
    full = lambda number: jnp.full((64, 1), number)
    (found,) = box.carry(
        [Passage(False, box.spread(100.0, 40.0, 9.0, None, extent), full(1.0), full(6.0), full(2.0), None)],
        extent,
        None,
    )
    np.testing.assert_allclose(found, 3.0, rtol=1e-11)
    grown, _, path = box.remap(extent, full(1.03), full(1.0)[None], jnp.asarray(False))
    np.testing.assert_allclose(grown.radius, 6.0 * 1.03 ** (1 / 3), rtol=1e-12)
    pressure = box.outward_integral(box.velocity(path), extent)
    np.testing.assert_allclose(pressure, 3.0 * (1.03 ** (1 / 3) - 1.0) * 36.0 / 15.0, rtol=1e-9)
