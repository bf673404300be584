"""Exact: a patient exported as SBML and run in libRoadRunner does what Alarmin's own well-mixed course does.

Alarmin's steps are first order. Its courses at several step lengths h are extrapolated to steps of no length: what a
step does wrong has the powers h, h^2 and h^3.
"""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from alarmin.enrollment import enroll
from alarmin.exports import ExportError, network, sbml
from alarmin.exports import relaxation as relaxed
from alarmin.model import Moment
from alarmin.numerics.sphere import Sphere
from alarmin.patients import Cohort
from alarmin.simulation import Settings, model_of, simulate, state_of
from alarmin.state import FIELDS, MATERIAL

pytest.importorskip("libsbml", reason="needs the extra [sbml]")

CHEMOTHERAPY = (
    "atezolizumab 1200 mg q3w + bevacizumab 15 mg/kg q3w + carboplatin AUC6 q3w x4 + paclitaxel 200 mg/m2 q3w x4"
)
REGIMENS = ("", "atezolizumab 1200 mg q3w", CHEMOTHERAPY)
LEVELS = (240, 480, 960, 1920)
"""Steps a day; all infusions last whole numbers of them."""
POWERS = (1.0, 2.0, 3.0)
"""Of the step length, in what is extrapolated away."""
TOLERANCE = 1e-4
FLOOR = 1e-6
"""A field that is less than this part of its largest value in the course is compared with that part."""


def settings(steps_per_day: int = 2, **other: int) -> Settings:
    return Settings(
        grid=Sphere(1), lanes=8, workers=1, precision="float64", steps_per_day=steps_per_day, **other
    )  # fmt: skip


@cache
def patient() -> Cohort:
    """The first patient with one lesion, untreated."""
    cohort = enroll("nsclc", 6, seed=5, settings=settings())
    return cohort[int(np.flatnonzero(np.bincount(cohort.patient) == 1)[0])]


def test_flows_and_balances_are_those_of_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the first moment, with every agent of a combination in force, and nothing yet given."""
    monkeypatch.setattr(relaxed, "LONGEST", 10**9)
    agents = ("atezolizumab", "bevacizumab", "carboplatin", "paclitaxel")
    found = network(patient(), CHEMOTHERAPY, days=1)
    values = relaxed.initial_values(found)
    model = model_of(patient(), settings(), agents)
    state = state_of(patient(), model, settings())
    plasma = {name: np.zeros((1, 8)) for name in agents}
    sums = model.sums(state, Moment(model, state, plasma))
    balance, _ = model.transport(state, sums, None)
    moment = 1e-6
    _, crossed = model.transport(state, sums, moment)
    one = lambda value: float(np.ravel(value)[0])
    assert set(crossed) == {"cd8", "cd8_bystander"}
    for name, amount in crossed.items():
        assert values[f"{name}__margin"] == pytest.approx(one(amount) / moment, rel=1e-5), name
    for name, field in model.fields.items():
        if field.kind == "molecule":
            assert values[f"{name}__balance"] == pytest.approx(one(balance[name]), rel=1e-9, abs=1e-12), name
        elif field.kind in (*MATERIAL, "body"):
            size = values["lesion"] if field.kind in MATERIAL else 1.0
            flows = {id: flow for id, flow in found.reactions.items() if not id.endswith("__margin")}
            ours = sum(values[id] * ((flow.target == name) - (flow.source == name)) for id, flow in flows.items())
            passing = (*sums.moves.items(), *sums.released.items())
            moved = [share * state.fields[source] for (source, to), share in passing if to == name]
            theirs = one(sums.gain[name]) - one(sums.rate[name]) * one(state.fields[name]) + sum(map(one, moved))
            assert ours / size == pytest.approx(theirs, rel=1e-7, abs=1e-12), name


def at_no_length(levels: tuple[int, ...], powers: tuple[float, ...]) -> NDArray[np.float64]:
    """Weights of courses by steps a day that leave the course at steps of no length, without these powers of h."""
    h = max(levels) / np.array(levels)
    equations = np.stack([h**power for power in (0.0, *powers)])
    return np.linalg.solve(equations, np.eye(len(levels))[0])


class Runner:
    """The exported patient in libRoadRunner."""

    def __init__(self, regimen: str, days: int) -> None:
        roadrunner = pytest.importorskip("roadrunner", reason="needs libRoadRunner")
        self.model = roadrunner.RoadRunner(sbml(patient(), regimen, days=days))
        self.model.integrator.relative_tolerance = 1e-9
        self.model.integrator.absolute_tolerance = 1e-12

    def __call__(self, days: int, every: int) -> dict[str, NDArray[np.float64]]:
        self.model.resetToOrigin()
        ids = {name: f"[{name}]" if field.kind in MATERIAL else name for name, field in FIELDS.items()}
        found = self.model.simulate(0, days, days // every + 1, ["time", "radius", *ids.values()])
        return dict(zip(["radius", *ids], np.array(found)[:, 1:].T, strict=True))


def course(regimen: str, days: int, every: int, steps_per_day: int) -> dict[str, NDArray[np.float64]]:
    """Every field as Alarmin has it."""
    # What is still to come of a dose moves along in each step, in every lane.
    at = replace(settings(steps_per_day), lanes=1)
    found = simulate(patient(), regimen, days=days, profile_every=every, settings=at)
    return {name: found.profiles[name][:, 0, 0] for name in FIELDS if name in found.profiles} | {
        "radius": found.radius[:, 0]
    }


def test_the_simulator_reads_what_is_meant() -> None:
    """Every rule and every flow has the same value at the first moment in libRoadRunner as in the network."""
    found = network(patient(), days=1)
    values, model = relaxed.initial_values(found), Runner("", 1).model
    for id in (*found.rules, *found.reactions):
        assert model[id] == pytest.approx(values[id], rel=1e-9, abs=1e-12), id


@pytest.mark.slow
def test_a_week_under_atezolizumab() -> None:
    """The size of the lesion at 128 steps a day, as it is."""
    theirs, ours = Runner(REGIMENS[1], 6)(6, 6), course(REGIMENS[1], 6, 6, 128)
    np.testing.assert_allclose(theirs["radius"], ours["radius"], rtol=TOLERANCE)


Course = dict[str, NDArray[np.float64]]
"""Every field on some days."""
Courses = dict[int, Course]
"""By steps a day."""


def gaps(ours: Courses, theirs: Course, levels: tuple[int, ...], powers: tuple[float, ...]) -> dict[str, float]:
    """The largest difference of each field on any day, from courses at these steps without these powers of h."""
    weights, found = at_no_length(levels, powers), {}
    for name, value in ours[max(levels)].items():
        terms = zip(weights, levels, strict=True)
        gap = sum(weight * (ours[level][name] - theirs[name]) for weight, level in terms)
        size = np.maximum(np.abs(value[1:]), max(FLOOR * np.abs(value).max(), 1e-300))
        found[name] = float(np.max(np.abs(gap[1:]) / size))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("regimen", REGIMENS)
def test_half_a_year(regimen: str) -> None:
    """Every tissue field and the radius, in three regimens, over 180 days; and step by step, to be seen."""
    theirs = Runner(regimen, 180)(180, 20)
    ours = {level: course(regimen, 180, 20, level) for level in LEVELS}
    print(regimen or "no drug")
    for levels, powers in (*(((level,), ()) for level in LEVELS), (LEVELS[-2:], (1.0,)), (LEVELS, POWERS)):
        found = gaps(ours, theirs, levels, powers)
        worst = max(found, key=lambda name: found[name])
        print(f"{levels} without {powers}: {found[worst]:.1e} in {worst}, radius {found['radius']:.1e}")
    assert found[worst] < TOLERANCE, {name: gap for name, gap in found.items() if gap >= TOLERANCE}


def test_more_than_one_patient_is_refused() -> None:
    with pytest.raises(ExportError, match="2 patients"):
        network(enroll("nsclc", 2, seed=5, settings=settings()))
