"""Order: finer steps and shells hardly change what a trial sees. Takes minutes; runs in `make verify`."""

from functools import reduce

import numpy as np
import pytest

from alarmin import records
from alarmin.enrollment import enroll
from alarmin.numerics.sphere import Sphere
from alarmin.patients import Cohort
from alarmin.readouts.follow_up import until_progression
from alarmin.simulation import Settings, simulate
from alarmin.trials.analysis import describe
from alarmin.trials.endpoints import outcomes

PATIENTS, MONTHS = 400, 18
VARIANTS = {
    "as run": Settings(),
    "step halved": Settings(steps_per_day=2 * Settings().steps_per_day),
    "shells doubled": Settings(grid=Sphere(shells=96)),
}


def endpoints(cohort: Cohort, settings: Settings) -> dict[str, float]:
    """Response rate and median progression-free survival of ABCP."""
    design = records.trial("impower150").model_copy(update={"months": MONTHS, "accrual_months": 0.0})
    arm = next(arm for arm in design.arms if arm.name == "ABCP")
    stop = until_progression(design.scans, arm.weeks_beyond_progression)
    course = simulate(cohort, arm.regimen, months=MONTHS, treat_on=stop, settings=settings)
    found = describe(design, outcomes(course, design, arm))
    return {"orr": found["orr"] or 0.0, "median_pfs": found["median_pfs"] or 0.0}


@pytest.mark.slow
def test_step_and_shells_hardly_matter() -> None:
    """The same patients in every variant: those whom all of them enroll."""
    cohorts = {name: enroll("nsclc", PATIENTS, seed=2, settings=settings) for name, settings in VARIANTS.items()}
    shared = reduce(np.intersect1d, [cohort.ids for cohort in cohorts.values()])
    found = {}
    for name, cohort in cohorts.items():
        found[name] = endpoints(cohort[np.flatnonzero(np.isin(cohort.ids, shared))], VARIANTS[name])
        orr, pfs = found[name]["orr"], found[name]["median_pfs"]
        print(f"{name:16s} {len(shared)} patients   ORR {100 * orr:5.1f} %   median PFS {pfs:5.2f} months")
    reference = found["as run"]
    for name, values in found.items():
        assert abs(values["orr"] - reference["orr"]) < 0.02, name
        assert abs(values["median_pfs"] / reference["median_pfs"] - 1.0) < 0.05, name


@pytest.mark.slow
def test_each_lesion_converges_as_shells_get_thinner() -> None:
    """Radii of the same lesions under the first arm of IMpower150 for twelve weeks."""
    arm = next(arm for arm in records.trial("impower150").arms if arm.name == "ABCP")
    cohorts, radii = {}, {}
    for shells in (48, 96, 192):
        settings = Settings(grid=Sphere(shells=shells))
        cohorts[shells] = enroll("nsclc", 48, seed=2, settings=settings)
        radii[shells] = simulate(cohorts[shells], arm.regimen, days=84, profile_every=21, settings=settings).radius
    shared = reduce(np.intersect1d, [cohort.ids for cohort in cohorts.values()])
    radius = {n: radii[n][:, np.isin(cohort.ids[cohort.patient], shared)] for n, cohort in cohorts.items()}
    for coarse, fine in ((48, 96), (96, 192)):
        gap = np.log(radius[fine][[1, 4]] / radius[coarse][[1, 4]])
        for day, part in zip((21, 84), gap, strict=True):
            found = f"mean {part.mean():+.4f}   median {np.median(np.abs(part)):.4f}   largest {np.abs(part).max():.3f}"
            print(f"{coarse} to {fine} shells, day {day}: {part.size} lesions, log radius moves by {found}")
            assert np.median(np.abs(part)) < 0.002, (coarse, fine, day)
            # In 192 shells a step may let too little through a face of the outermost (docs/refinement.md).
            assert fine > 96 or abs(part.mean()) < 0.005, (coarse, fine, day)
