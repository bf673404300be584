"""Laws of the assembled lesion: balance, positivity, no drug no effect, independence of company and order."""

import re
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from alarmin.enrollment import enroll
from alarmin.model import Model
from alarmin.numerics.sphere import Sphere
from alarmin.patients import Cohort, draw
from alarmin.simulation import Settings, model_of, simulate, state_of
from alarmin.state import FIELDS, MATERIAL

SMALL = Settings(grid=Sphere(16, 1.5), lanes=32)
DOUBLE = Settings(grid=Sphere(16, 1.5), lanes=32, precision="float64")
ABCP = "atezolizumab 1200 mg q3w + bevacizumab 15 mg/kg q3w + carboplatin AUC6 q3w x4 + paclitaxel 200 mg/m2 q3w x4"


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return enroll("nsclc", 10, seed=5, settings=SMALL)


def test_every_balance_closes(cohort: Cohort) -> None:
    """Content changes by what reactions made and what crossed the margin, in every step, to 1e-9 (float64)."""
    agents = ("bevacizumab", "carboplatin")
    part = cohort[:10]
    model = model_of(part, DOUBLE, agents)
    state = state_of(part, model, DOUBLE)
    plasma = {name: jnp.full((1, 32), 5.0) for name in agents}
    step = jax.jit(lambda s: model.audited_step(s, plasma, 1.0, jnp.asarray(False)))
    for _ in range(30):
        state, budget = step(state)
        for name in budget.before:
            before, after = np.asarray(budget.before[name]), np.asarray(budget.after[name])
            gap = after - before - np.asarray(budget.made[name]) - np.asarray(budget.crossed[name])
            assert np.abs(gap).max() <= 1e-9 * max(np.abs(before).max(), np.abs(after).max(), 1e-6), name


def test_the_balance_test_can_fail(cohort: Cohort) -> None:
    part = cohort[:10]
    model = model_of(part, DOUBLE)
    state = state_of(part, model, DOUBLE)
    _, budget = model.audited_step(state, {}, 1.0, jnp.asarray(False))
    before, after = np.asarray(budget.before["caf"]), np.asarray(budget.after["caf"])
    gap = after - before - 1.0001 * np.asarray(budget.made["caf"]) - np.asarray(budget.crossed["caf"])
    assert np.abs(gap).max() > 1e-9 * before.max()


def test_no_field_is_ever_negative_whoever_the_patient() -> None:
    """Candidates straight from the priors, before anybody implausible is turned away."""
    candidates = draw("nsclc", np.arange(8), 3)
    model = model_of(candidates, SMALL, ("paclitaxel",))
    rng = np.random.default_rng(0)
    shape = {name: (1 if field.kind == "body" else 16, 32) for name, field in FIELDS.items()}
    start = {name: (10.0 ** rng.uniform(-6, 3, size)).astype(np.float32) for name, size in shape.items()}
    start |= {"radius": np.full((1, 32), 8.0, np.float32), "velocity": np.zeros((16, 32), np.float32)}
    state = state_of(replace(candidates, untreated=start), model, SMALL)
    plasma = {"paclitaxel": jnp.full((1, 32), 2.0, jnp.float32)}
    step = jax.jit(lambda s: model.step(s, plasma, 1.0, jnp.asarray(False)))
    for _ in range(40):
        state = step(state)
        for name, field in state.fields.items():
            values = np.asarray(field)
            assert np.isfinite(values).all(), name
            assert (values >= 0).all(), (name, values.min())


def test_no_drug_is_the_untreated_course_to_the_bit(cohort: Cohort) -> None:
    nothing = simulate(cohort, "", days=63, settings=SMALL)
    zero = simulate(cohort, "atezolizumab 0 mg q3w + paclitaxel 0 mg/m2 q3w", days=63, settings=SMALL)
    for name in nothing.lesions:
        np.testing.assert_array_equal(nothing.lesions[name], zero.lesions[name])


def test_a_drug_changes_the_course(cohort: Cohort) -> None:
    nothing = simulate(cohort, "", days=63, settings=SMALL)
    treated = simulate(cohort, ABCP, days=63, settings=SMALL)
    assert (treated.lesions["tumor"][-1] < nothing.lesions["tumor"][-1]).mean() > 0.8


def test_arms_without_a_dose_agree_to_the_bit_in_one_program(cohort: Cohort) -> None:
    """An arm that carries an agent along without giving it does not depend on which agent that is planned for."""
    control = simulate(cohort, "", days=42, agents=("carboplatin",), settings=SMALL)
    zero = simulate(cohort, "carboplatin AUC0 q3w", days=42, agents=("carboplatin",), settings=SMALL)
    for name in control.lesions:
        np.testing.assert_array_equal(control.lesions[name], zero.lesions[name])


@pytest.mark.parametrize("pieces", [2, 7])
def test_chunks_do_not_matter(cohort: Cohort, pieces: int) -> None:
    whole = simulate(cohort, ABCP, days=42, settings=SMALL)
    rows = np.array_split(np.arange(len(cohort)), pieces)
    parts = [simulate(cohort[some], ABCP, days=42, settings=SMALL) for some in rows]
    for name in whole.lesions:
        joined = np.concatenate([part.lesions[name] for part in parts], axis=-1)
        np.testing.assert_array_equal(whole.lesions[name], joined, err_msg=name)


def test_order_does_not_matter(cohort: Cohort) -> None:
    order = np.random.default_rng(1).permutation(len(cohort))
    straight = simulate(cohort, ABCP, days=42, settings=SMALL)
    mixed = simulate(cohort[order], ABCP, days=42, settings=SMALL)
    lanes = np.concatenate([np.flatnonzero(cohort.patient == row) for row in order])
    for name in straight.lesions:
        np.testing.assert_array_equal(straight.lesions[name][:, lanes], mixed.lesions[name], err_msg=name)


def test_a_patient_is_the_same_in_every_cohort() -> None:
    few, many = enroll("nsclc", 3, seed=5, settings=SMALL), enroll("nsclc", 6, seed=5, settings=SMALL)
    np.testing.assert_array_equal(few.ids, many.ids[:3])
    for name, values in few.values.items():
        np.testing.assert_array_equal(values, many[:3].values[name], err_msg=name)


def test_lesions_of_a_patient_share_the_body(cohort: Cohort) -> None:
    course = simulate(cohort, ABCP, days=42, settings=SMALL)
    blood = course.lesions["blood_cd8"]
    for lane, (row, lesion) in enumerate(zip(cohort.patient, cohort.lesion, strict=True)):
        if lesion > 0:
            np.testing.assert_array_equal(blood[:, lane], blood[:, cohort.first_lane[row]])


def test_material_fields_are_all_audited(cohort: Cohort) -> None:
    model = model_of(cohort[:2], DOUBLE)
    _, budget = model.audited_step(state_of(cohort[:2], model, DOUBLE), {}, 1.0, jnp.asarray(False))
    assert set(budget.before) == {name for name, field in model.fields.items() if field.kind in MATERIAL}


def test_what_is_kept_is_worked_out_once() -> None:
    """The compiler repeats a difference in each of two sums that read it, and again where it is divided by a number."""
    full = jnp.ones((48, 128))

    def differences(kept: Callable[[Any, Any], Any]) -> int:
        def work(a: Any, b: Any, one: Any) -> Any:
            def step(pair: Any, _: Any) -> Any:
                a, b = pair
                both = kept(one, a - b)
                return (both * a + b * both, both + b + both * both), None

            return jax.lax.scan(step, (a, b), None, length=3)[0]

        program = jax.jit(work).lower(full, full, full).compile().as_text()
        return len(re.findall(r" subtract\(", program))

    by_model = lambda one, value: Model.kept(cast(Model, SimpleNamespace(one=one)), value)
    assert differences(by_model) == 1
    assert differences(lambda one, value: value) > 1
    assert differences(lambda one, value: value / one[0, 0]) > 1
