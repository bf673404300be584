"""Runs a trial: enrolls, randomizes, treats every patient in his own arm, and analyzes."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
from numpy.typing import NDArray

from alarmin.enrollment import enroll
from alarmin.patients import Cohort
from alarmin.readouts.biopsy import meets
from alarmin.readouts.dose_changes import manage
from alarmin.readouts.follow_up import until_progression
from alarmin.records import Record, Trial
from alarmin.records.schema import Arm
from alarmin.simulation import Course, Crew, Manage, Settings, simulate
from alarmin.therapy.regimen import parse
from alarmin.trials.analysis import TrialResult, analyze
from alarmin.trials.endpoints import outcomes
from alarmin.trials.randomization import TrialError, randomize, sizes


def run(
    trial: Trial,
    patients: int | None = None,
    seed: int = 0,
    *,
    population: str | None = None,
    months: float | None = None,
    toxicity: bool = False,
    cohort: Cohort | None = None,
    settings: Settings = Settings(),
    progress: Callable[[str, int, int], None] | None = None,
) -> TrialResult:
    """A trial, from enrollment to its conclusions.

    Args:
        trial: what is planned.
        patients: how many in all; as published without it.
        seed: the same seed gives the same trial.
        population: name of a fitted population; by default that of the tumor type.
        months: data cut, in months from the first patient; that of the trial without it.
        toxicity: whether adverse events happen and change doses; off, since the population was fitted without.
        cohort: patients to randomize, instead of enrolling new ones.
        settings: how to compute.
        progress: is told what is done ("enroll" or the name of an arm), how much of it, and of how much.
    """
    if months is not None:
        trial = trial.model_copy(update={"months": months, "accrual_months": min(trial.accrual_months, months)})
    tell = lambda what: None if progress is None else partial(progress, what)
    counts = sizes([arm.patients for arm in trial.arms], patients if cohort is None else len(cohort))
    wanted = {arm.name: count for arm, count in zip(trial.arms, counts, strict=True)}
    groups = by_tumor(trial)
    if cohort is not None and len(groups) > 1:
        raise TrialError(
            f"one cohort for arms with {', '.join(groups)}", remedy="leave the cohort out, and patients are enrolled"
        )
    cohorts: dict[str, Cohort] = {}
    for tumor, arms in groups.items():
        n = [wanted[arm.name] for arm in arms]
        everyone = cohort or enroll_for(
            trial, sum(n), seed, tumor=tumor, population=population, settings=settings, progress=tell("enroll")
        )
        assigned = randomize(everyone, n)
        cohorts |= {arm.name: everyone[np.flatnonzero(assigned == i)] for i, arm in enumerate(arms)}
    begin = time.perf_counter()
    courses = treat_arms(trial, cohorts, settings, progress, toxicity, drop_failed=True)
    wall_s = time.perf_counter() - begin
    compile_s = max(course.timing.compile_s for course in courses.values())
    found = [outcomes(courses[arm.name], trial, arm, toxicity=toxicity) for arm in trial.arms]
    spent = {
        "compile_s": compile_s,
        "simulate_s": wall_s - compile_s,
        "lane_steps": float(sum(course.timing.lane_steps for course in courses.values())),
    }
    spent["lane_steps_per_s"] = spent["lane_steps"] / max(spent["simulate_s"], 1e-9)
    return analyze(trial, found, seed, courses, spent)


def by_tumor(trial: Trial) -> dict[str, list[Arm]]:
    """The arms of a trial by tumor type, in their order; only patients with one disease are randomized together."""
    groups: dict[str, list[Arm]] = {}
    for arm in trial.arms:
        groups.setdefault(arm.tumor or trial.tumor, []).append(arm)
    return groups


def enroll_for(
    trial: Trial,
    n: int,
    seed: int,
    *,
    tumor: str | None = None,
    population: str | None = None,
    changes: Mapping[str, Record] | None = None,
    settings: Settings = Settings(),
    progress: Callable[[int, int], None] | None = None,
) -> Cohort:
    """Patients whom the trial would take, with the tumor type `tumor`, or that of the trial."""
    return enroll(
        tumor or trial.tumor,
        n,
        seed,
        population=population,
        changes=changes,
        keep=meets(trial.criteria, settings),
        settings=settings,
        progress=progress,
    )


def treat_arms(
    trial: Trial,
    cohorts: Mapping[str, Cohort],
    settings: Settings = Settings(),
    progress: Callable[[str, int, int], None] | None = None,
    toxicity: bool = False,
    drop_failed: bool = False,
) -> dict[str, Course]:
    """The course of the patients of each arm in `cohorts`.

    All arms carry the agents of all, and so share one program and its workers. Patients whose state stops being a
    number are refused, or with `drop_failed` left out and named in the course.
    """
    treated = [arm for arm in trial.arms if arm.name in cohorts]
    agents = sorted({agent for arm in trial.arms for agent in parse(arm.regimen).agents})

    def treat(arm: Arm) -> Course:
        stop = until_progression(trial.scans, arm.weeks_beyond_progression, trial.untargeted_lesions)
        return simulate(
            cohorts[arm.name],
            arm.regimen,
            months=trial.months,
            treat_on=stop if trial.treatment_until_progression else None,
            manage=manage(parse(arm.regimen)) if toxicity else None,
            agents=agents,
            drop_failed=drop_failed,
            settings=settings,
            crew=crew,
            progress=None if progress is None else partial(progress, arm.name),
        )

    with Crew(settings.workers) as crew, ThreadPoolExecutor(len(treated)) as arms:
        return {arm.name: course for arm, course in zip(treated, arms.map(treat, treated), strict=True)}


def example(result: TrialResult, days: int = 168, settings: Settings = Settings(lanes=8)) -> Course:
    """The course of one patient of the first arm again, with weekly profiles across each lesion, for pictures.

    The patient is the one whose disease has changed by the median of the arm's shrinking diseases on day `days`. He is
    given what he was given in the trial, where doses may have been changed and treatment may have ended.
    """
    arm = result.trial.arms[0]
    course = result.courses[arm.name]
    days = min(days, int(course.days[-1]))
    burden = course.cohort.sum_lesions(course.lesions["diameter"][[0, days]])
    change = burden[1] / burden[0]
    typical = np.median(change[change < 1.0]) if (change < 1.0).any() else np.median(change)
    chosen = int(np.abs(change - typical).argmin())
    agents = sorted({agent for other in result.trial.arms for agent in parse(other.regimen).agents})
    return simulate(
        course.cohort[[chosen]],
        arm.regimen,
        days=days,
        manage=_again(course, chosen),
        agents=agents,
        profile_every=7,
        settings=settings,
    )


def _again(course: Course, row: int) -> Manage:
    """Gives the doses that the patient in a row of a course was given."""

    def change(start: int, stop: int, doses: dict[str, NDArray[np.float64]]) -> None:
        for name, amount in doses.items():
            amount[start:stop] = course.doses[name][start:stop, [row]]

    return lambda _: change
