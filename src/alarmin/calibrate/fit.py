"""Fits a population to what a plan declares: runs, an emulator of them, and draws of what they leave open.

Calibrate, emulate, sample (Cleary et al. 2021, doi 10.1016/j.jcp.2020.109716): populations are simulated where the
data may be met, a smooth emulator learns the data as a function of the numbers, free of the noise of finite cohorts,
and the posterior is drawn by it. Runs come in rounds: from the prior first, then where the emulator so far sees the
posterior, tempered at first.
"""

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alarmin import records
from alarmin.calibrate import emulator, posterior, prediction
from alarmin.calibrate.left_out import left_out
from alarmin.calibrate.plan import Plan
from alarmin.calibrate.prediction import changes_of, predict
from alarmin.calibrate.runs import Runs
from alarmin.calibrate.targets import Data, FitError, data_of
from alarmin.errors import nearest
from alarmin.patients import CohortError, records_of
from alarmin.records import Population, Record
from alarmin.results.provenance import OUTER, code_fingerprint, fingerprint
from alarmin.simulation import Settings, SimulationError

TEMPERATURES = (4.0, 1.0, 1.0)
"""Of the posterior from which each round after the first is drawn."""

LIKELIHOOD = ("between_trials", "between_trials_response", "between_trials_lesion", "least_error")
"""What of a plan says how far data may be missed, on which no run depends."""

FEWEST_TRIALS = 4
"""In a training set from which trials are left out in turn: fewer say nothing of how trials differ."""


@dataclass(frozen=True)
class Fit:
    """A fitted population, and how the fit went.

    `values` holds the data that the runs of the last round gave, `[run, datum]`.
    """

    plan: Plan
    data: Data
    emulator: emulator.Emulator
    posterior: posterior.Posterior
    values: NDArray[np.float64]
    population: Population


def fit(
    plan: Plan,
    *,
    runs: int = 280,
    members: int = 48,
    patients: int = 54,
    seed: int = 0,
    folder: Path | None = None,
    settings: Settings = Settings(),
    progress: Callable[[int, int], None] | None = None,
) -> Fit:
    """Fits the population of a plan.

    Args:
        plan: what may change, and the data.
        runs: populations that are simulated, two fifths of them from the prior.
        members: draws of the posterior that are kept.
        patients: patients in each run, others in each.
        seed: seed of numbers and patients.
        folder: where runs are kept as they come; those that are there already are not done again.
        settings: how to compute; workers are runs at the same time.
        progress: is told how many runs of how many are done.

    Raises `FitError` where the plan changes what is no record, most runs give no cohort, or `folder` holds runs of
    something else.
    """
    data = data_of(plan)
    base = records.population(plan.tumor, "borrowed") if plan.borrow else None
    lent = base.records if base else {}
    known = records_of(plan.tumor, lent or None)
    for change in plan.changes:
        if change.record not in known:
            why = f"plan {plan.name!r} changes {change.record!r}, which is no record; {nearest(change.record, known)}"
            raise FitError(why, remedy="correct the plan")
    settings = replace(settings, workers=1, steps_per_day=plan.steps_per_day)
    simulated = plan.model_dump_json(exclude=set(LIKELIHOOD))
    parts = [simulated, _code(), fingerprint(known), f"{patients} {seed} {settings.grid}"]
    done = Runs.of(hashlib.sha256("\n".join(parts).encode()).hexdigest(), folder)

    def run(number: int, theta: NDArray[np.float64]) -> None:
        if number not in done.found:
            try:
                changes = {**lent, **changes_of(plan, known, theta)}
                values = predict(plan, changes, patients, seed + number, settings)
            except (CohortError, SimulationError) as error:
                # What cannot be started is a fault of the plan, and not of this population.
                if isinstance(error, SimulationError) and not error.failed:
                    raise
                values = np.full(len(data.values), np.nan)
            done.add(number, theta, values)
        if progress is not None:
            progress(len(done.found), runs)

    sizes = _rounds(runs)
    rng = np.random.Generator(np.random.Philox(key=seed))
    theta = rng.standard_normal((sizes[0], len(plan.changes)))
    for part, temperature in enumerate((*TEMPERATURES, 1.0)):
        first, last = sum(sizes[:part]), sum(sizes[: part + 1])
        with ThreadPoolExecutor(Settings().workers) as pool:
            list(pool.map(run, range(first, last), theta))
        learned = emulator.learn(*done.whole(last))
        draws = sizes[part + 1] if last < runs else max(members, 2)
        found = posterior.sample(learned, data, draws, seed + part, temperature)
        theta = found.theta
    values = np.stack([done.found[number][1] for number in range(first, runs)])
    options = f"--runs {runs} --patients {patients}"
    population = _population(plan, data, known, found, learned, values, base, options)
    return Fit(plan, data, learned, found, values, population)


def _code() -> str:
    """Fingerprint of the code on which runs depend; how the posterior is drawn from them may change."""
    return code_fingerprint(OUTER) + hashlib.sha256(Path(prediction.__file__).read_bytes()).hexdigest()


def _rounds(runs: int) -> list[int]:
    """How many runs each round has."""
    later = int(0.2 * runs)
    return [runs - len(TEMPERATURES) * later, *[later] * len(TEMPERATURES)]


def _ensemble(plan: Plan, known: dict[str, Record], theta: NDArray[np.float64]) -> dict[str, tuple[float, ...]]:
    """The fitted numbers of every draw of the posterior."""
    members = [changes_of(plan, known, numbers) for numbers in theta]
    rounded = lambda number: float(f"{number:.5g}")
    return {c.name: tuple(rounded(c.number(member[c.record])) for member in members) for c in plan.changes}


def _population(
    plan: Plan,
    data: Data,
    known: dict[str, Record],
    found: posterior.Posterior,
    learned: emulator.Emulator,
    last: NDArray[np.float64],
    base: Population | None,
    options: str,
) -> Population:
    """The posterior mean as records, with a report of what the data taught, beside what was borrowed."""
    own = {change.name for change in plan.changes}
    lent = {name: values for name, values in (base.ensemble if base else {}).items() if name not in own}
    members = min([len(found.theta), *map(len, lent.values())])
    mean, size = found.theta.mean(axis=0), found.theta.std(axis=0, ddof=1)
    error = np.sqrt(np.diag(data.covariance))
    gap = learned.mean(found.theta).mean(axis=0) - data.values
    runs = np.nanmean(last, axis=0) - data.values
    rounded = lambda values, digits: [round(float(value), digits) for value in values]
    return Population(
        name=plan.name,
        tumor=plan.tumor,
        method="calibrate, emulate, sample; records at the mean of the posterior",
        command=f"alarmin calibrate {plan.name} {options}",
        training=(*(base.training if base else ()), *data.names),
        borrowed_from=base.borrowed_from if base else None,
        records={**(base.records if base else {}), **changes_of(plan, known, mean)},
        ensemble={name: v[:members] for name, v in (lent | _ensemble(plan, known, found.theta)).items()},
        report={
            "learned": [
                f"{c.name}: {m:+.2f} ± {s:.2f} prior SD" for c, m, s in zip(plan.changes, mean, size, strict=True)
            ],
            "contraction": rounded(1.0 - size, 3),
            "directions": rounded(found.directions, 2),
            "directions_learned": float((found.directions > 1.0).sum()),
            "effective_draws": round(found.effective, 1),
            "data_names": list(data.names),
            "misses_in_standard_errors": rounded(gap / error, 2),
            "misses_of_last_runs": rounded(runs / error, 2),
            "explained_by_emulator": rounded(learned.explained, 2),
            "noise_of_a_run_in_standard_errors": rounded(learned.noise / error, 2),
            "chi_square": round(float(gap @ np.linalg.solve(data.covariance, gap)), 2),
            "data": float(len(data.values)),
            **_unseen(learned, data),
        },
    )


def _unseen(learned: emulator.Emulator, data: Data) -> dict[str, float | list[float]]:
    """What the report says of trials that are left out in turn, where there are enough of them."""
    trials = lambda ending: len({name.partition(".")[0] for name in data.names if name.endswith(ending)})
    if min(trials(""), trials(".orr")) < FEWEST_TRIALS:
        return {}
    found = left_out(learned, data)
    return {
        "left_out_misses_in_standard_errors": [round(float(m), 2) for m in found.misses / found.errors],
        "left_out_between_trials": round(found.between_trials, 3),
        "left_out_between_arms": round(found.between_arms, 3),
        "left_out_between_trials_response": round(found.between_trials_response, 3),
        "left_out_each": round(found.each, 3),
    }
