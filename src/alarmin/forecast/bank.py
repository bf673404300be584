"""The bank of virtual lesions: how lesions of possible patients go under a regimen, kept between runs.

Patients come in equal numbers from possible populations that agree with what is known (members of a fit's posterior).
Whom a course belongs to does not depend on the regimen, so that banks under two regimens hold the same patients.
"""

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from alarmin.enrollment import enroll
from alarmin.patients import Cohort, CohortError, draw
from alarmin.patients.drawing import records_of
from alarmin.patients.possible import possible_populations
from alarmin.patients.variation import varies
from alarmin.readouts.scan import longest_diameter
from alarmin.records import Record
from alarmin.results.kept import kept
from alarmin.results.provenance import OUTER, code_fingerprint, fingerprint
from alarmin.simulation import COARSE, Settings, simulate
from alarmin.therapy.regimen import Regimen
from alarmin.version import VERSION

MEMBERS, PATIENTS, DAYS, EVERY = 8, 58, 1134, 7
"""Populations, patients in each (who fill one chunk of lanes), length of the courses, and days between readings."""

SPARE = 3
"""Populations to choose from for each: of some of an ill-known type nobody falls ill as patients do."""

LAYOUT = 1
"""Counts up when this file changes what a bank holds: `code_fingerprint` passes over it."""

Report = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Bank:
    """Courses of virtual lesions under one regimen.

    Attributes:
        tumor: tumor type.
        regimen: what is given, in the regimen language.
        population: name of the fitted population, and `training`, what it was fitted to.
        days: `[time]` [day].
        diameter: longest diameter without reading error, `[time, lesion]` [mm].
        patient: row of the patient to whom each lesion belongs, `[lesion]`.
        parameters: what varies between patients or lesions, by record, `[lesion]`, in the unit of the record.
    """

    tumor: str
    regimen: str
    population: str
    training: tuple[str, ...]
    days: NDArray[np.float64]
    diameter: NDArray[np.float64]
    patient: NDArray[np.int64]
    parameters: dict[str, NDArray[np.float64]]


def kept_bank(
    tumor: str,
    regimen: Regimen,
    folder: Path,
    *,
    agents: tuple[str, ...] = (),
    members: int = MEMBERS,
    patients: int = PATIENTS,
    days: int = DAYS,
    seed: int = 0,
    settings: Settings = COARSE,
    progress: Report | None = None,
) -> Bank:
    """The bank of a tumor type under a regimen from `folder`, simulated and put there where it is not.

    A bank is found again only if regimen, records, populations, the code that simulates, sizes, seed and settings are
    the same.

    Args:
        tumor: tumor type.
        regimen: what is given.
        folder: where banks are kept.
        agents: further agents that the compiled program carries along, so that several regimens share one.
        members: possible populations.
        patients: patients of each.
        days: length of the courses.
        seed: of patients and populations.
        settings: how to compute.
        progress: is told what is being done, and how much of how much.
    """
    fit, possible = possible_populations(tumor, SPARE * members, seed)
    name, training = (fit.name, fit.training) if fit else ("prior", ())
    known = [
        *(
            VERSION,
            code_fingerprint((*OUTER, "trials")),
            str(LAYOUT),
            tumor,
            fingerprint(records_of(tumor)),
            *map(fingerprint, possible),
        ),
        f"{members} {patients} {seed} {settings.grid} {settings.steps_per_day}",
        f"{settings.precision} {settings.decision_days}",
    ]
    people = folder / f"{tumor}-patients-{_digest(*known)}.npz"
    path = folder / f"{tumor}-lesions-{_digest(*known, str(regimen), f'{days} {EVERY}')}.npz"

    def make() -> bytes:
        cohorts = _cohorts(tumor, possible, members, patients, people, seed, settings, progress)
        return _written(_courses(cohorts, regimen, agents, days, settings, progress))

    def read(file: BinaryIO) -> Bank:
        with np.load(file) as held:
            values = {key.removeprefix("value "): held[key] for key in held.files if key.startswith("value ")}
            diameter = held["diameter"].astype(np.float64)
            return Bank(tumor, str(regimen), name, training, held["days"], diameter, held["patient"], values)

    return kept(path, make, read)


def _cohorts(
    tumor: str,
    possible: list[dict[str, Record]],
    members: int,
    patients: int,
    path: Path,
    seed: int,
    settings: Settings,
    progress: Report | None,
) -> list[Cohort]:
    """Patients of the first populations that have any, in their untreated state, from `path` where they are kept."""

    def make() -> bytes:
        arrays: dict[str, NDArray] = {}
        found = 0
        for number, changes in enumerate(possible):
            try:
                cohort = enroll(tumor, patients, seed + number, population="prior", changes=changes, settings=settings)
            except CohortError:
                continue
            arrays[f"{number} ids"] = cohort.ids
            arrays |= {f"{number} {name}": field for name, field in (cohort.untreated or {}).items()}
            found += 1
            if progress is not None:
                progress("patients", found, members)
            if found == members:
                break
        if not found:
            raise CohortError(
                f"none of {len(possible)} possible populations of {tumor!r} has patients", remedy="name another"
            )
        return _written(arrays)

    def read(file: BinaryIO) -> list[Cohort]:
        cohorts: list[Cohort] = []
        with np.load(file) as held:
            for number, changes in enumerate(possible):
                begin = f"{number} "
                state = {key.removeprefix(begin): held[key] for key in held.files if key.startswith(begin)}
                if state:
                    drawn = draw(tumor, state.pop("ids"), seed + number, changes)
                    cohorts.append(replace(drawn, untreated=state))
        return cohorts

    return kept(path, make, read)


def _courses(
    cohorts: list[Cohort],
    regimen: Regimen,
    agents: tuple[str, ...],
    days: int,
    settings: Settings,
    progress: Report | None,
) -> dict[str, NDArray]:
    """What a bank holds, as arrays by name."""
    parts, patient, first = [], [], 0
    for number, cohort in enumerate(cohorts):
        course = simulate(cohort, regimen, days=days, agents=agents, settings=settings)
        parts.append(longest_diameter(cohort, course.lesions["diameter"])[::EVERY].astype(np.float32))
        patient.append(cohort.patient + first)
        first += len(cohort)
        if progress is not None:
            progress("courses", number + 1, len(cohorts))
    names = [name for name, record in cohorts[0].records.items() if varies(record) and _of_use(name, regimen)]
    values = {f"value {name}": np.concatenate([_values(cohort, name) for cohort in cohorts]) for name in sorted(names)}
    return {
        "days": np.arange(0.0, days + 1.0, EVERY),
        "diameter": np.concatenate(parts, axis=1),
        "patient": np.concatenate(patient),
        **values,
    }


def _of_use(name: str, regimen: Regimen) -> bool:
    """Whether a record says how a lesion goes: biology, or how an agent that is given acts."""
    agent, _, rest = name.partition(".")
    return agent in regimen.agents and not rest.startswith("toxicity") if rest else not name.startswith(("scan_",))


def _values(cohort: Cohort, name: str) -> NDArray[np.float64]:
    drawn = cohort.drawn(name)
    return np.full(cohort.lanes, cohort.records[name].value) if drawn is None else drawn


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _written(arrays: dict[str, Any]) -> bytes:
    written = io.BytesIO()
    np.savez_compressed(written, **arrays)
    return written.getvalue()
