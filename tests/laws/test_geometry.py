"""Laws: geometry is a choice and biology is not. A volume that is alike everywhere is the well-mixed lesion; budgets
close and nothing is negative in a ball of voxels, with every mechanism and no change to any."""

from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from alarmin.enrollment import first_state
from alarmin.geometry import GeometryError, VesselMap, ball_in, boxed, lesion_radius, read_map
from alarmin.model import Model
from alarmin.numerics.box import Box
from alarmin.numerics.well_mixed import WellMixed
from alarmin.patients import draw
from alarmin.programs import jitted
from alarmin.simulation import Settings, model_of
from alarmin.state import State

ALONE = {"lanes": 1, "workers": 1, "precision": "float64"}


def one_patient():
    """The first candidate with a single lesion."""
    candidates = draw("nsclc", np.arange(40), seed=5)
    single = np.flatnonzero(np.bincount(candidates.patient) == 1)[0]
    return candidates[[single]]


def steps(settings: Settings, count: int, tissue: np.ndarray | None = None):
    """The last state after a few steps from the first state, and the budget of the last step."""
    cohort = one_patient()
    model = model_of(cohort, settings)
    state = first_state(cohort, settings, model)
    if tissue is not None:
        share = jnp.asarray(tissue.reshape(-1, 1))
        state = State(state.day, state.radius, state.velocity, {**state.fields, "tissue": share})
    step = eqx.filter_jit(lambda state: model.audited_step(state, {}, 0.5, jnp.asarray(False)))
    budget = None
    for _ in range(count):
        state, budget = step(state)
    return state, budget


@pytest.mark.slow
def test_a_uniform_volume_is_the_well_mixed_lesion() -> None:
    point, _ = steps(Settings(grid=WellMixed(), **ALONE), 6)
    box = Box((3, 3, 3), walled=True, tolerance=1e-13)
    volume, _ = steps(Settings(grid=box, **ALONE), 6, np.ones(box.shape))
    np.testing.assert_allclose(volume.radius, point.radius, rtol=1e-6)
    for name, value in point.fields.items():
        whole = jnp.broadcast_to(value, volume.fields[name].shape)
        np.testing.assert_allclose(volume.fields[name], whole, rtol=1e-6, atol=1e-12, err_msg=name)


def test_a_step_of_a_box_needs_less_room_than_three_states() -> None:
    """What the compiler sets aside beside the state, as it does in any size."""
    box = Box((16, 16, 16))
    cohort, settings = one_patient(), Settings(grid=box, lanes=1, workers=1)
    model = model_of(cohort, settings)
    state = first_state(cohort, settings, model)
    tissue = jnp.ones((box.points, 1), state.radius.dtype)
    state = State(state.day, state.radius, state.velocity, {**state.fields, "tissue": tissue})

    @jitted
    def run(model: Model, state: State) -> State:
        advance = lambda state, _: (model.step(state, {}, 0.5, jnp.asarray(False)), None)
        return jax.lax.scan(advance, state, None, length=4)[0]

    room = run.lower(model, state).compile().compiled.memory_analysis().temp_size_in_bytes
    size = sum(value.nbytes for value in jax.tree.leaves(state.fields))
    assert size + room < 3.0 * size, (size, room)


@pytest.mark.slow
def test_budgets_close_and_nothing_is_negative_in_a_ball_of_voxels() -> None:
    box = Box((12, 12, 12))
    state, budget = steps(Settings(grid=box, **ALONE), 4, ball_in(box.shape, 1.0, 8.0))
    for name, value in state.fields.items():
        assert np.isfinite(np.asarray(value)).all() and float(jnp.min(value)) >= 0.0, name
    for name, after in budget.after.items():
        found = after - budget.before[name] - budget.made[name] - budget.crossed[name]
        assert float(jnp.abs(found).max()) <= 1e-9 * float(after.max()) + 1e-12, name


def test_vessel_maps_belong_to_a_patient_and_have_mean_one() -> None:
    cohort = one_patient()
    law = VesselMap(0.5, 0.4)
    found = law.sample(cohort, 0, (24, 24, 24), 0.2)
    assert found.min() > 0.0 and abs(found.mean() - 1.0) < 0.1 and abs(np.log(found).std() - 0.5) < 0.1
    np.testing.assert_array_equal(found, law.sample(cohort, 0, (24, 24, 24), 0.2))
    near = np.corrcoef(found[1:].ravel(), found[:-1].ravel())[0, 1]
    far = np.corrcoef(found[12:].ravel(), found[:-12].ravel())[0, 1]
    assert near > 0.8 > 0.3 > abs(far)


def test_a_ball_has_its_volume_and_needs_room() -> None:
    tissue = ball_in((20, 20, 20), 0.5, 7.0)
    np.testing.assert_allclose(lesion_radius(tissue, 0.5), 3.5, rtol=2e-3)
    with pytest.raises(GeometryError, match="in a box of 10"):
        ball_in((20, 20, 20), 0.5, 9.5)


def test_maps_are_read_and_refused(tmp_path) -> None:
    import zarr

    draw_map = np.random.default_rng(1).random((6, 5, 4))
    np.save(tmp_path / "map.npy", draw_map)
    values, spacing = read_map(tmp_path / "map.npy")
    np.testing.assert_allclose(values, draw_map / draw_map.max())
    assert spacing is None
    array = zarr.create_array(tmp_path / "map.zarr", shape=(6, 5), dtype="float64", attributes={"spacing": 0.2})
    array[:] = draw_map[:, :, 0]
    assert read_map(tmp_path / "map.zarr")[1] == 0.2
    (tmp_path / "bad.npy").write_bytes(b"no map")
    for name in ("bad.npy", "none.npy"):
        with pytest.raises(GeometryError):
            read_map(tmp_path / name)
    enrolled = replace(one_patient(), untreated={"oxygen": np.ones((48, 1))})
    with pytest.raises(GeometryError, match="for a box of"):
        boxed(enrolled, Box((8, 8, 8)), draw_map)
