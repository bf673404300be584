"""Order: finer steps and shells hardly change what a trial sees. Takes minutes; runs in `make verify`."""

import pytest

from alarmin import records
from alarmin.enrollment import enroll
from alarmin.numerics.sphere import Sphere
from alarmin.readouts.follow_up import until_progression
from alarmin.simulation import Settings, simulate
from alarmin.trials.analysis import describe
from alarmin.trials.endpoints import outcomes

PATIENTS, MONTHS = 200, 18
VARIANTS = {
    "as run": Settings(),
    "step halved": Settings(steps_per_day=2),
    "shells doubled": Settings(grid=Sphere(shells=96)),
}


def endpoints(settings: Settings) -> dict[str, float]:
    """Response rate and median progression-free survival of ABCP, the same patients in every variant."""
    design = records.trial("impower150").model_copy(update={"months": MONTHS, "accrual_months": 0.0})
    arm = next(arm for arm in design.arms if arm.name == "ABCP")
    cohort = enroll(design.tumor, PATIENTS, seed=2, settings=settings)
    stop = until_progression(design.scans, arm.weeks_beyond_progression)
    course = simulate(cohort, arm.regimen, months=MONTHS, treat_on=stop, settings=settings)
    found = describe(design, outcomes(course, design, arm))
    return {"orr": found["orr"] or 0.0, "median_pfs": found["median_pfs"] or 0.0}


@pytest.mark.slow
def test_step_and_shells_hardly_matter() -> None:
    found = {name: endpoints(settings) for name, settings in VARIANTS.items()}
    for name, values in found.items():
        print(f"{name:16s} ORR {100 * values['orr']:5.1f} %   median PFS {values['median_pfs']:5.2f} months")
    reference = found["as run"]
    for name, values in found.items():
        assert abs(values["orr"] - reference["orr"]) < 0.02, name
        assert abs(values["median_pfs"] / reference["median_pfs"] - 1.0) < 0.05, name
