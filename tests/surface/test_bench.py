"""Surface: the bench measures what it says, on sizes small enough for a test, and refuses two things at once."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from typer.testing import CliRunner

from alarmin.bench import bench_diffusion, bench_reaction, bench_volume, triad
from alarmin.bench.arithmetic import operations
from alarmin.bench.reaction import explicit_step
from alarmin.cli.main import app
from alarmin.geometry import GeometryError


def test_diffusion_and_memory_are_measured_in_both_precisions():
    found = bench_diffusion(sizes=((8, 3),), repeats=1)["diffusion"]
    assert [row["precision"] for row in found] == ["float32", "float64"]
    assert all(row["voxels"] == 512 and row["voxel_field_steps_per_s"] > 0 for row in found)
    assert triad(values=100_000, repeats=1) > 0


def test_reactions_are_measured_with_the_time_to_start():
    found = bench_reaction(shapes=((8, 8),), fields=3, repeats=1)["reaction"]
    assert all(row["voxel_field_steps_per_s"] > 0 and row["compile_s"] > 0 for row in found)


@pytest.mark.parametrize("diameter", [0.0, -3.0, np.inf, np.nan])
def test_a_lesion_without_a_size_is_refused(diameter):
    with pytest.raises(GeometryError, match=f"a lesion of {diameter:g} mm"):
        bench_volume(diameter=diameter)


def test_an_explicit_step_loses_nothing_and_is_the_sum_of_its_neighbors():
    start = np.random.default_rng(1).random((3, 5, 6))
    found = explicit_step(jnp.asarray(start), 0.1, 0.01)
    np.testing.assert_allclose(jnp.sum(found), start.sum(), rtol=1e-14)
    turned = start / (1.0 + start)
    wide = np.pad(start[1], 1, mode="edge")
    spread = wide[:-2, 1:-1] + wide[2:, 1:-1] + wide[1:-1, :-2] + wide[1:-1, 2:] - 4.0 * start[1]
    np.testing.assert_allclose(found[1], start[1] + 0.1 * spread + 0.01 * (turned[0] - turned[1]), rtol=1e-13)


def test_two_things_at_once_are_refused():
    result = CliRunner().invoke(app, ["bench", "--diffusion", "--volume"], env={"COLUMNS": "200"})
    assert result.exit_code == 2 and "measure one thing at a time" in result.output


def test_operations_are_counted_as_often_as_they_are_done():
    values = jnp.ones(1000)
    tenfold = lambda x: jnp.sum(jnp.exp(jax.lax.fori_loop(0, 10, lambda _, a: a * 2.0 + 1.0, x)))
    assert operations(tenfold, values) == (22_000.0, 22_000.0)
    assert operations(lambda a: a @ a, jnp.ones((8, 8)))[0] == 2 * 8**3
    until = lambda x: jax.lax.while_loop(lambda a: a[0] < 100.0, lambda a: a * 2.0, x)
    assert operations(until, values) == (7_000.0, 1_000.0)
    taken = lambda x: jax.lax.cond(x[0] > 0.0, lambda: x + 1.0, lambda: x * x * x + x)
    assert operations(taken, values)[0] == 1_000.0
    assert operations(taken, -values)[0] == 3_000.0
    assert operations(jax.jit(lambda x: x.astype(int) + 1), values)[0] == 0.0


@pytest.mark.slow
def test_a_volume_and_its_phases_are_measured_beside_their_floors():
    found = bench_volume(side=8, repeats=1)
    assert found["arithmetic_floor_s"] > 0.0 and found["times_floor_once"] > found["times_floor"] > 0.0
    assert set(found["phases"]) == {"mechanisms", "transport", "reaction", "growth"}
    assert all(part["s"] > 0.0 and 0.0 < part["of_peak"] < 1.0 for part in found["phases"].values())
