"""What a population would give for the data of a plan: its arms simulated, and their endpoints."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from alarmin import records
from alarmin.calibrate.plan import Plan
from alarmin.calibrate.targets import PERCENTILES, FitError, seen_under, transform
from alarmin.enrollment import enroll
from alarmin.errors import nearest
from alarmin.patients import Cohort
from alarmin.readouts.follow_up import until_progression
from alarmin.readouts.phenotype import untreated_tumors
from alarmin.readouts.survival import death_hazard
from alarmin.readouts.vessels import vessels_under
from alarmin.records import Record, Trial
from alarmin.records.schema import Arm
from alarmin.simulation import MONTH, Course, Settings, simulate
from alarmin.trials import resampling
from alarmin.trials.analysis import LANDMARKS, describe
from alarmin.trials.endpoints import Outcomes, outcomes


def changes_of(
    plan: Plan, known: Mapping[str, Record], theta: Sequence[float] | NDArray[np.float64]
) -> dict[str, Record]:
    """The records that a plan changes, changed by the numbers `theta`."""
    changed: dict[str, Record] = {}
    for change, number in zip(plan.changes, theta, strict=True):
        prior = known[change.record]
        changed[change.record] = change.apply(changed.get(change.record, prior), float(number), prior)
    return changed


def predict(
    plan: Plan, changes: Mapping[str, Record], patients: int, seed: int, settings: Settings
) -> NDArray[np.float64]:
    """The data that a population with these records would give, in the order of `targets.data_of`.

    Raises `CohortError` where hardly any candidate is plausible.
    """
    cohort = enroll(plan.tumor, patients, seed, population="prior", changes=changes, settings=settings)
    arms = {target.simulated for target in plan.targets}
    arms |= {target.simulated_control for target in plan.targets if target.simulated_control is not None}
    values = _endpoints(plan, {arm: _treated(plan, *arm, cohort, settings) for arm in sorted(arms)})
    if plan.untreated:
        before = untreated_tumors(cohort, settings)
        values += [transform(quantity, float(before[quantity].median())) for quantity in plan.untreated]
    for quantity in plan.treated:
        seen = seen_under(plan, quantity)
        under = vessels_under(cohort, seen.regimen, seen.day, settings)
        values.append(transform(quantity, float(under[quantity].median())))
    return np.asarray(values)


def _endpoints(plan: Plan, courses: Mapping[tuple[str, str], Course]) -> list[float]:
    """Endpoints of all targets of a plan, transformed, from the courses of the arms that are simulated.

    An arm that stands for another lends its course; scans and survival are those of the trial itself.
    """
    values = []
    for target in plan.targets:
        found, hazard = _followed(plan, target.trial, target.arm, courses[target.simulated])
        numbers = _numbers(plan, target.trial, target.arm, found, hazard)
        if target.control is not None and target.simulated_control is not None:
            control, _ = _followed(plan, target.trial, target.control, courses[target.simulated_control])
            numbers |= {f"hr_{name}": _ratio(found, control, name) for name in ("pfs", "os")}
        values += [transform(endpoint, numbers[endpoint]) for endpoint in target.endpoints]
    return values


def _arm(design: Trial, name: str) -> Arm:
    """The arm of a trial that a plan names; raises `FitError` that lists those there are."""
    arms = {arm.name: arm for arm in design.arms}
    if name not in arms:
        raise FitError(f"no arm {name!r} in trial {design.name!r}; {nearest(name, arms)}", remedy="correct the plan")
    return arms[name]


def _treated(plan: Plan, trial: str, name: str, cohort: Cohort, settings: Settings) -> Course:
    """The course of the whole cohort in one arm."""
    design = records.trial(trial)
    arm = _arm(design, name)
    stop = until_progression(design.scans, arm.weeks_beyond_progression, design.untargeted_lesions)
    return simulate(
        cohort,
        arm.regimen,
        months=plan.months,
        treat_on=stop if design.treatment_until_progression else None,
        settings=settings,
    )


def _followed(
    plan: Plan, trial: str, name: str, course: Course
) -> tuple[Outcomes, tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Outcomes of a course in one arm; and days `[time]` with the hazard of death, `[time, patient]`."""
    design = records.trial(trial).model_copy(update={"months": plan.months, "accrual_months": 0.0})
    arm = _arm(design, name)
    found = outcomes(course, design, arm)
    rate = death_hazard(
        course.cohort,
        course.days,
        course.lesions["diameter"],
        arm.line or design.line,
        found.scans.new_lesion_day,
        found.scans.progression_day,
        arm.later_immunotherapy,
        design.east_asia,
    )
    return found, (course.days, rate)


def _numbers(
    plan: Plan, trial: str, name: str, found: Outcomes, hazard: tuple[NDArray[np.float64], NDArray[np.float64]]
) -> dict[str, float]:
    """Endpoints of one arm; overall survival as its expectation, free of the noise of draws.

    A median that is not reached is where it would be if the mean hazard of the run went on.
    """
    design = records.trial(trial)
    arm = _arm(design, name)
    numbers = {name: np.nan if value is None else value for name, value in describe(design, found).items()}
    days, rate = hazard
    survival = np.exp(-np.cumsum(rate, axis=0)).mean(axis=1)
    for month in LANDMARKS:
        numbers[f"os_at_{month}"] = float(np.interp(month * MONTH, days, survival))
    below = np.flatnonzero(survival < 0.5)
    beyond = plan.months * np.log(0.5) / np.log(survival[-1])
    numbers["median_os"] = float(days[below[0]] / MONTH if len(below) else beyond)
    if np.isnan(numbers.get("median_pfs", 0.0)):
        once = found.pfs.sum() / max(found.pfs_event.sum(), 1) / MONTH
        numbers["median_pfs"] = max(plan.months, float(np.log(2.0) * once))
    return numbers | _lesions(found, beyond=arm.weeks_beyond_progression > 0)


def _lesions(found: Outcomes, beyond: bool) -> dict[str, float]:
    """Percentiles of the change of the first lesion at weeks 6 and 12, among patients still scanned at week 12."""
    days = found.scans.days
    scanned = (days <= found.os) & (beyond | (days <= found.scans.progression_day))
    lesion = found.scans.readings[:, found.cohort.first_lane]
    numbers = {}
    for week in (6, 12):
        at = np.abs(np.nanmedian(days, axis=1) - 7 * week).argmin()
        last = np.abs(np.nanmedian(days, axis=1) - 84).argmin()
        change = (lesion[at] / lesion[0] - 1.0)[scanned[last] & np.isfinite(lesion[at])]
        for percent in PERCENTILES:
            numbers[f"lesion_{week}_{percent}"] = float(np.percentile(change, percent)) if len(change) else np.nan
    return numbers


def _ratio(experimental: Outcomes, control: Outcomes, endpoint: str) -> float:
    """Hazard ratio of two arms of the same patients, to progression or death as drawn."""
    both = lambda name: np.concatenate([getattr(experimental, name), getattr(control, name)])[None]
    first = np.arange(2 * len(control.cohort)) < len(experimental.cohort)
    return float(resampling.hazard_ratios(both(endpoint), both(f"{endpoint}_event"), first)[0][0])
