"""Takes a cohort through a regimen."""

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial

import numpy as np
from numpy.typing import NDArray

from alarmin.patients import Cohort
from alarmin.patients.dosing import dosing
from alarmin.simulation.chunks import Counter, Crew, Task, run_chunk, split
from alarmin.simulation.course import Course, Timing, failures, refusal, without
from alarmin.simulation.settings import LONGEST, MONTH, Clamped, Manage, Settings, SimulationError, TreatOn, Watch
from alarmin.therapy.regimen import Regimen, parse


def simulate(
    cohort: Cohort,
    regimen: str | Regimen = "",
    *,
    months: float | None = None,
    days: int | None = None,
    treat_on: TreatOn | None = None,
    manage: Manage | None = None,
    given: NDArray[np.bool_] | None = None,
    agents: Sequence[str] = (),
    off: Sequence[str] = (),
    clamped: Clamped | None = None,
    profile_every: int | None = None,
    watch: Watch | None = None,
    drop_failed: bool = False,
    settings: Settings = Settings(),
    crew: Crew | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Course:
    """What happens to each patient of a cohort under a regimen.

    Args:
        cohort: patients in their untreated state (from `alarmin.enrollment.enroll`).
        regimen: in the regimen language; empty for no treatment.
        months: how long; or `days`.
        treat_on: decides every `settings.decision_days` whose treatment goes on, whether profiles are kept or not;
            without it, it goes on as planned.
        manage: changes doses as it goes, for instance after adverse events; without it, they are given as planned.
        given: whom the regimen is given, `[patient]`; everybody without it.
        agents: further agents to carry along without giving them, so that arms share one program.
        off: mechanisms to switch off, by name.
        clamped: quantities that all mechanisms see at a fixed value, or as a `Lift` says, by name.
        profile_every: days between profiles across each lesion, from day 0 on; there is one of the last day too. None
            are kept without it.
        watch: is handed each profile as it comes, so that none is kept.
        drop_failed: leave out patients whose state stops being a number, and name them in `Course.failed`, instead of
            refusing.
        settings: how to compute.
        crew: workers to share with runs of the same program at the same time; without it, the run has its own.
        progress: is told how many days of how many are done.

    Raises:
        SimulationError: where the cohort has no untreated state, an option cannot be meant, or the state of patients
            stops being a number (of all patients, where the others are to go on); it names them with their parameters.
        RegimenError: where the regimen cannot be read.
    """
    if cohort.untreated is None:
        raise SimulationError(
            "these patients have not been brought to their untreated state",
            remedy="make the cohort with alarmin.cohort(tumor, n, seed)",
        )
    plan = parse(regimen) if isinstance(regimen, str) else regimen
    if (months is None) == (days is None):
        raise SimulationError("give the length of the run as either months or days", remedy="for instance months=30")
    asked = float(days if days is not None else np.round((months or 0.0) * MONTH))
    if not (0.0 < asked < np.inf and asked.is_integer()):
        raise SimulationError(f"a run of {asked:g} days", remedy="give a positive number of months, or of whole days")
    if asked > LONGEST * MONTH:
        raise SimulationError(f"a run of {asked:g} days", remedy=f"give at most {LONGEST} months")
    length = int(asked)
    if profile_every is not None and profile_every < 1:
        raise SimulationError(f"profiles every {profile_every} days", remedy="give profile_every as 1 or more")
    if watch is not None and profile_every is None:
        raise SimulationError("a watch without profiles", remedy="say how often it looks with profile_every")

    used = tuple(sorted({*plan.agents, *agents}))
    doses = dosing(cohort, plan, length, used, settings.steps_per_day, settings.precision, given)
    chunks = list(split(cohort, settings.lanes))
    task = Task(
        agents=used,
        dosing=doses,
        length=length,
        every=profile_every,
        treat_on=treat_on,
        manage=manage,
        off=off,
        clamped=clamped or {},
        patient=cohort.patient,
        watch=watch,
        settings=settings,
        counter=Counter(progress, len(chunks) * length),
    )
    begin = time.perf_counter()
    with Crew(settings.workers) if crew is None else nullcontext(crew) as workers:
        first_compiled = workers.compile_s
        run = lambda rows: workers.led(
            partial(
                run_chunk, task, cohort[rows], rows, {name: given[:, rows] for name, given in doses.planned.items()}
            )
        )
        pieces = list(workers.pool.map(run, chunks))
        compile_s = workers.compile_s - first_compiled
    timing = Timing(
        compile_s=compile_s,
        simulate_s=max(time.perf_counter() - begin - compile_s, 1e-9),
        lane_steps=cohort.lanes * length * settings.steps_per_day,
    )

    join = lambda name: {
        key: np.concatenate([getattr(piece, name)[key] for piece in pieces], axis=-1)
        for key in getattr(pieces[0], name)
    }
    lesions = join("lesions")
    failed = failures(cohort, lesions)
    if failed and not (drop_failed and len(failed) < len(cohort)):
        raise refusal(cohort, failed)
    course = Course(
        cohort=cohort,
        regimen=str(plan),
        days=np.arange(length + 1, dtype=np.float64),
        lesions=lesions,
        doses=join("doses"),
        profile_days=pieces[0].profile_days,
        profiles=join("profiles"),
        radius=np.concatenate([piece.radius for piece in pieces], axis=-1),
        shells=settings.grid.centers,
        timing=timing,
        failed=failed,
    )
    return without(course, [failure.patient for failure in failed]) if failed else course
