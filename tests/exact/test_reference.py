"""Exact: the whole well-mixed lesion is what a second program, written from the equations alone, says it is.

The reference (`reference/`) takes the same numbers and shares no code. Every field is compared on each of 60 days.
"""

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from alarmin.enrollment import enroll
from alarmin.model import actions, biology, needs
from alarmin.numerics.sphere import Sphere
from alarmin.patients import Cohort
from alarmin.records import agent
from alarmin.simulation import Settings, simulate
from alarmin.state import FIELDS
from alarmin.therapy.regimen import parse
from reference import lesion, therapy
from reference.balance import Numbers

ONE_SHELL = Settings(grid=Sphere(1), lanes=8, workers=1, precision="float64")
DAYS = 60
TOLERANCE = 1e-6
FLOOR = 1e-6
"""A field that is less than this part of its largest value in the course is compared with that part."""

CHEMOTHERAPY = (
    "atezolizumab 1200 mg q3w + bevacizumab 15 mg/kg q3w + carboplatin AUC6 q3w x4 + paclitaxel 200 mg/m2 q3w x4"
)
AGENTS = parse(CHEMOTHERAPY).agents
REGIMENS = {
    "": lambda p, days: {},
    "atezolizumab 1200 mg q3w": therapy.atezolizumab,
    CHEMOTHERAPY: therapy.atezolizumab_bevacizumab_chemotherapy,
}
"""In the language of the product, and as the reference gives them."""
PATIENT = {
    "patient_weight": "kg",
    "patient_albumin": "g/L",
    "patient_body_surface": "m**2",
    "patient_creatinine_clearance": "mL/min",
}
PLASMA = {
    "clearance": "L/day",
    "intercompartmental_clearance": "L/day",
    "central_volume": "L",
    "peripheral_volume": "L",
    "infusion_time": "day",
    "weight_reference": "kg",
    "albumin_reference": "g/L",
    "nonrenal_clearance": "mL/min",
    "filtration_cap": "mL/min",
    "elimination_most": "umol/day",
    "elimination_half": "umol/L",
    "uptake_most": "umol/day",
    "uptake_half": "umol/L",
    "uptake_return": "1/day",
}
"""Units of the pharmacokinetic records in the reference; what is not named is a plain number."""
BY_GRADIENTS_ALONE = {"entry_speed", "entry_gradient_half"}
"""Records without effect where a lesion has no gradients."""


@cache
def patient() -> Cohort:
    """The first patient with one lesion, untreated."""
    cohort = enroll("nsclc", 6, seed=5, settings=ONE_SHELL)
    return cohort[int(np.flatnonzero(np.bincount(cohort.patient) == 1)[0])]


def units(agents: tuple[str, ...]) -> dict[str, str]:
    """Every record of the biology and of the agents, with the unit in which the reference takes it."""
    kinds = [*((kind, None) for kind in biology()), *actions(agents)]
    found = dict(PATIENT) if agents else {}
    for kind, name in kinds:
        found |= dict(needs(kind, name).values())
    for name in agents:
        found[f"{name}.molar_mass"] = "g/mol"
        known = agent(name).pharmacokinetics.parameters
        found |= {f"{name}.pharmacokinetics.{record}": PLASMA.get(record, "dimensionless") for record in known}
    return found


def numbers(agents: tuple[str, ...]) -> dict[str, float]:
    return {record: float(patient().lesion_value(record, unit)[0]) for record, unit in units(agents).items()}


@cache
def product(regimen: str) -> dict[str, NDArray[np.float64]]:
    """Every field on each day, as the product has it."""
    course = simulate(patient(), regimen, days=DAYS, profile_every=1, settings=ONE_SHELL)
    fields = {name: values[:, 0, 0] for name, values in course.profiles.items()}
    return fields | {"radius": course.radius[:, 0]}


def reference(regimen: str, **changed: float) -> tuple[dict[str, NDArray[np.float64]], set[str]]:
    """The same by the reference, and the records that it read."""
    p = Numbers(numbers(parse(regimen).agents) | changed)
    start = {name: float(values[0, 0]) for name, values in (patient().untreated or {}).items()}
    states = lesion.run(start, p, REGIMENS[regimen](p, DAYS), DAYS)
    return {name: np.array([state[name] for state in states]) for name in states[0]}, p.read


def largest_gap(ours: dict[str, NDArray[np.float64]], theirs: dict[str, NDArray[np.float64]]) -> dict[str, float]:
    """Largest difference of each field on any day, relative to its value there."""
    size = lambda value: np.maximum(np.abs(value), max(FLOOR * np.abs(value).max(), 1e-300))
    return {
        name: float(np.max(np.abs(ours[name] - value) / size(value)))
        for name, value in theirs.items()
        if name != "velocity"
    }


@pytest.mark.parametrize("regimen", REGIMENS)
def test_two_programs_agree(regimen: str) -> None:
    theirs, _ = reference(regimen)
    ours = product(regimen)
    assert theirs.keys() - {"velocity"} <= ours.keys()
    assert {*FIELDS, "radius"} <= theirs.keys()
    gaps = largest_gap(ours, theirs)
    assert max(gaps.values()) < TOLERANCE, {name: gap for name, gap in gaps.items() if gap >= TOLERANCE}


def test_the_reference_reads_every_number_of_the_product() -> None:
    """A mechanism or a parameter that is added to the product is missed here."""
    _, read = reference(CHEMOTHERAPY)
    assert units(AGENTS).keys() - read == BY_GRADIENTS_ALONE


def test_every_number_matters() -> None:
    """One number of the reference off by 1 % is noticed, whichever it is, but for those that cannot matter."""
    values, regimen = numbers(AGENTS), CHEMOTHERAPY
    right, _ = reference(regimen)
    unnoticed = set()
    for record, value in values.items():
        wrong, _ = reference(regimen, **{record: 1.01 * value})
        if max(largest_gap(wrong, right).values()) < TOLERANCE:
            unnoticed.add(record)
    assert unnoticed == BY_GRADIENTS_ALONE | WITHOUT_EFFECT
