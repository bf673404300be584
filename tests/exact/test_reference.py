"""Exact: the whole well-mixed lesion is what a second program, written from the equations alone, says it is.

The reference (`reference/`) takes the same numbers and shares no code. Every field is compared on each of 60 days.
"""

from collections.abc import Mapping
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

Fields = dict[str, NDArray[np.float64]]
"""Every field by name, `[day]`."""

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
GRADIENTS = {"entry_speed", "entry_gradient_half"}
"""Records that act on gradients alone; a well-mixed lesion has none."""
IDLE = {
    # caps and floors that are not reached
    "carboplatin.pharmacokinetics.filtration_cap",
    "hindrance_t_cell_pore_most",
    "ifn_gamma_floor",
    "killing_fastest",
    "lactate_least_share",
    "suppression_floor",
    # read by agents that are not given
    "lactate_ph_fall",
    "lactate_ph_least",
    "lactate_ph_rest",
    # antibodies are not used up in tissue, and diffuse nowhere; they cross vessels as antibodies do
    *(f"{name}.tissue.{record}" for name in ("atezolizumab", "bevacizumab") for record in ("radius", "penetration")),
    "vessel_permeability",
    # CD8 T cells hardly kill cells without antigen
    "killing_escaped_share",
}
"""Records without a part in the course with all drugs."""


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


@cache
def numbers(agents: tuple[str, ...]) -> dict[str, float]:
    return {record: float(patient().lesion_value(record, unit)[0]) for record, unit in units(agents).items()}


@cache
def product(regimen: str) -> Fields:
    """Every field on each day, as the product has it."""
    course = simulate(patient(), regimen, days=DAYS, profile_every=1, settings=ONE_SHELL)
    fields = {name: values[:, 0, 0] for name, values in course.profiles.items()}
    return fields | {"radius": course.radius[:, 0]}


def reference(regimen: str, changed: Mapping[str, float] | None = None) -> tuple[Fields, set[str]]:
    """The same by the reference, and the records that it read; some numbers may be changed."""
    p = Numbers(numbers(parse(regimen).agents) | dict(changed or {}))
    start = {name: float(values[0, 0]) for name, values in (patient().untreated or {}).items()}
    states = lesion.run(start, p, REGIMENS[regimen](p, DAYS), DAYS)
    return {name: np.array([state[name] for state in states]) for name in states[0]}, p.read


def largest_gap(ours: Fields, theirs: Fields) -> dict[str, float]:
    """Largest difference of each field on any day, relative to its value there."""
    size = lambda value: np.maximum(np.abs(value), max(FLOOR * np.abs(value).max(), 1e-300))
    return {
        name: float(np.max(np.abs(ours[name] - value) / size(value)))
        for name, value in theirs.items()
        if name != "velocity"
    }


@pytest.mark.parametrize("regimen", REGIMENS)
def test_two_programs_agree(regimen: str) -> None:
    ours, (theirs, _) = product(regimen), reference(regimen)
    assert {*FIELDS, *parse(regimen).agents, "radius"} <= theirs.keys()
    gaps = largest_gap(ours, theirs)
    worst = max(gaps, key=lambda name: gaps[name])
    print(f"{regimen or 'no drug'}: {gaps[worst]:.1e} in {worst}")
    assert gaps[worst] < TOLERANCE, {name: gap for name, gap in gaps.items() if gap >= TOLERANCE}


@pytest.mark.parametrize(
    "record",
    [
        "oxygen_uptake_half",
        "perfusion_collapse_stress",
        "alarm_floor",
        "ccl22_half",
        "node_stage",
        "lymph_reach",
        "bevacizumab.vegf_neutralization.affinity",
        "paclitaxel.pharmacokinetics.uptake_half",
    ],
)
def test_they_part_where_one_number_differs(record: str) -> None:
    """A thousandth is enough."""
    wrong, _ = reference(CHEMOTHERAPY, {record: 1.001 * numbers(AGENTS)[record]})
    assert max(largest_gap(product(CHEMOTHERAPY), wrong).values()) > TOLERANCE


def test_the_reference_reads_every_number_of_the_product() -> None:
    """What is added to the product is missed here, until the reference has it too."""
    _, read = reference(CHEMOTHERAPY)
    assert units(AGENTS).keys() - read == GRADIENTS


@pytest.mark.slow
def test_every_number_matters() -> None:
    """A number of the reference that is off by a tenth shows, but for those that have no part in the course."""
    right, _ = reference(CHEMOTHERAPY)
    idle = set()
    for record, value in numbers(AGENTS).items():
        wrong, _ = reference(CHEMOTHERAPY, {record: 1.1 * value if value else 0.01})
        if max(largest_gap(wrong, right).values()) < TOLERANCE:
            idle.add(record)
    print(f"{len(numbers(AGENTS)) - len(idle)} of {len(numbers(AGENTS))} numbers show")
    assert idle <= GRADIENTS | IDLE
