"""What becomes of one patient for whom the numbers are others: one lane for each set of values."""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from alarmin.enrollment import enroll, plausible
from alarmin.mechanism import CLONES
from alarmin.patients import Cohort
from alarmin.patients.variation import varies
from alarmin.records import Record
from alarmin.sensitivity.belief import SensitivityError, moved
from alarmin.simulation import Course, Settings, simulate
from alarmin.therapy.regimen import Regimen

OUTCOMES = {
    "change": "Log change of tumor burden",
    "benefit": "Log tumor burden over untreated",
    "cd8": "Log CD8 density at baseline",
    "hypoxia": "Hypoxic fraction at baseline",
}
"""Outcomes by name: two of treatment, and two of the untreated state in which it finds the tumor.

Burden is the number of living tumor cells; the hypoxic fraction is the mean activity of hypoxia-inducible factors in
them.
"""

ENROLLED = 64
"""Patients of whom the most typical one is taken."""

ONE_CELL = 1e-6
"""Least amount that is told from none [Mcell]."""


def typical(tumor: str, seed: int, settings: Settings = Settings()) -> dict[str, Record]:
    """The records of a typical patient: of those enrolled with one lesion, the one closest to the median of all.

    Everything that varies between patients has this patient's value, and no spread; `low` and `high` move along. The
    median of every record at once would be nobody: most such lesions do not grow.

    Args:
        tumor: tumor type.
        seed: of the patients.
        settings: how to compute.
    """
    cohort = enroll(tumor, ENROLLED, seed, settings=settings)
    alone = np.flatnonzero(np.bincount(cohort.patient) == 1)
    if not len(alone):
        raise SensitivityError(f"no patient with {tumor!r} has a single lesion", remedy="choose another seed")
    varying = [id for id, record in cohort.records.items() if varies(record)]
    own = {id: np.asarray(cohort.drawn(id))[cohort.first_lane] for id in varying}
    biology = [id for id in varying if "." not in id and not id.startswith("patient_") and own[id].std() > 0.0]
    ranks = np.stack([np.argsort(np.argsort(own[id])) for id in biology]) / (ENROLLED - 1) - 0.5
    row = alone[np.square(ranks[:, alone]).sum(axis=0).argmin()]
    return {**cohort.records, **{id: moved(cohort.records[id], float(own[id][row])) for id in varying}}


def outcomes(
    tumor: str,
    records: Mapping[str, Record],
    values: Mapping[str, NDArray[np.float64]],
    regimen: Regimen,
    days: int,
    settings: Settings = Settings(),
    progress: Callable[[str, int, int], None] | None = None,
) -> dict[str, NDArray[np.float64]]:
    """The outcomes by name for each set of values, `[sample]`.

    They are not a number where untreated disease would not grow at a speed that has been seen: such candidates are
    never enrolled, and what treatment does to them tells nothing.

    Args:
        tumor: tumor type.
        records: of the patient.
        values: by record id, what is otherwise, in the unit of the record, `[sample]`.
        regimen: what is given.
        days: day of the outcomes of treatment.
        settings: how to compute.
        progress: is told what is done, how many of how many.
    """
    tell = lambda what: None if progress is None else partial(progress, what)
    samples = np.arange(len(next(iter(values.values()))))
    cohort = Cohort(tumor, 0, samples, samples, np.zeros(len(samples), np.int64), values, records)
    found = {name: np.full(len(samples), np.nan) for name in OUTCOMES}
    patients = plausible(cohort, settings, tell("settle"))
    if patients is None:
        return found
    run = lambda given, what: simulate(
        patients, given, days=days, agents=regimen.agents, profile_every=days, settings=settings, progress=tell(what)
    )
    treated, untreated = run(regimen, "treat"), run("", "leave untreated")
    change, rows = _log_change(treated), patients.ids
    found["change"][rows] = change
    found["benefit"][rows] = change - _log_change(untreated)
    found["cd8"][rows] = np.log(np.maximum(treated.lesions["cd8"][0], ONE_CELL))
    found["hypoxia"][rows] = _hypoxic_fraction(treated, settings)
    return found


def _log_change(course: Course) -> NDArray[np.float64]:
    burden = np.log(np.maximum(course.lesions["tumor"], ONE_CELL))
    return burden[-1] - burden[0]


def _hypoxic_fraction(course: Course, settings: Settings) -> NDArray[np.float64]:
    living = settings.ball.shares[:, None] * sum(course.profiles[name][0] for name in CLONES)
    return (living * course.profiles["hypoxia"][0]).sum(axis=0) / np.maximum(living.sum(axis=0), np.finfo(float).tiny)
