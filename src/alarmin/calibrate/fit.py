"""Fits a population to what a plan declares, by an ensemble smoother; the result is a data file.

The ensemble smoother with multiple data assimilation (Emerick and Reynolds 2013, doi 10.1016/j.cageo.2012.03.011)
moves an ensemble of populations from the prior towards the data in a few tempered steps. It needs no derivatives and
bears the noise of finite cohorts; every member meets the same patients, as far as its numbers allow.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alarmin import published, records
from alarmin.calibrate.plan import Plan
from alarmin.enrollment import enroll
from alarmin.errors import AlarminError
from alarmin.patients import Cohort, CohortError, records_of
from alarmin.readouts.follow_up import until_progression
from alarmin.readouts.survival import death_hazard
from alarmin.records import Population, Record
from alarmin.simulation import Settings, simulate
from alarmin.trials.analysis import LANDMARKS, describe
from alarmin.trials.endpoints import MONTH, Outcomes, outcomes

PERCENTILES = (10, 25, 50, 75, 90)
"""Percentiles of lesion changes that evidence holds."""


class FitError(AlarminError):
    """A fit that cannot be made."""


@dataclass(frozen=True)
class Data:
    """What a plan looks at, as one vector: names, transformed values, and their covariance.

    Shares (survival at a landmark, response) are on the complementary log-log and logit scales, times on the log scale,
    so that errors are symmetric; changes of lesions are as they are.
    """

    names: tuple[str, ...]
    values: NDArray[np.float64]
    covariance: NDArray[np.float64]


@dataclass(frozen=True)
class Fit:
    """A fitted population, and how the fit went.

    `prior` and `posterior` hold the predicted data of each member, `[data, member]`; `theta` the posterior numbers.
    """

    plan: Plan
    data: Data
    prior: NDArray[np.float64]
    posterior: NDArray[np.float64]
    theta: NDArray[np.float64]
    population: Population


def transform(endpoint: str, value: float) -> float:
    """An endpoint on the scale on which it is compared."""
    if endpoint.startswith("median"):
        return float(np.log(max(value, 0.1)))
    if endpoint.startswith("lesion"):
        return value
    share = float(np.clip(value, 0.005, 0.995))
    if endpoint.startswith(("os_at", "pfs_at")):
        return float(np.log(-np.log(share)))
    return float(np.log(share / (1.0 - share)))


def spread(endpoint: str, value: float, error: float) -> float:
    """Standard error on the scale of `transform`, of a value with the standard error `error`."""
    if endpoint.startswith("median"):
        return error / max(value, 0.1)
    if endpoint.startswith("lesion"):
        return error
    share = float(np.clip(value, 0.005, 0.995))
    slope = -1.0 / (share * np.log(share)) if endpoint.startswith(("os_at", "pfs_at")) else 1.0 / (share * (1 - share))
    return abs(slope) * error


def data_of(plan: Plan) -> Data:
    """The published values that a plan looks at; raises `FitError` for one that is not there or only for scoring.

    Landmarks of one arm share their patients: their errors correlate as the square root of the ratio of cumulative
    hazards. All survival of one trial shares what sets that trial apart.
    """
    names, values, errors, arms, hazards = [], [], [], [], []
    for target in plan.targets:
        study = published.study(target.trial)
        if study.role != "training":
            raise FitError(f"{target.trial!r} is for scoring, not for training", remedy="drop it from the plan")
        for endpoint in target.endpoints:
            value, error = _reported(study, target.arm, endpoint)
            names.append(f"{target.trial}.{target.arm}.{endpoint}")
            values.append(transform(endpoint, value))
            errors.append(max(spread(endpoint, value, error), plan.least_error))
            arms.append((target.trial, target.arm, endpoint.split("_")[0], "_at_" in endpoint))
            # A higher hazard raises the complementary log-log of survival and shortens medians.
            sign = 1.0 if "_at_" in endpoint else -1.0 if endpoint in ("median_os", "median_pfs") else 0.0
            hazards.append((target.trial, sign))
    error, value = np.asarray(errors), np.asarray(values)
    spent = np.exp(value)
    nearness = np.sqrt(np.minimum.outer(spent, spent) / np.maximum.outer(spent, spent))
    one_curve = np.asarray([[a == b and a[3] for b in arms] for a in arms])
    covariance = np.outer(error, error) * np.where(one_curve, 0.9 * nearness, 0.0)
    np.fill_diagonal(covariance, error**2)
    shared = np.asarray([[a[1] * b[1] * (a[0] == b[0]) for b in hazards] for a in hazards])
    return Data(tuple(names), value, covariance + plan.between_trials**2 * shared)


def _reported(study: published.Study, arm: str, endpoint: str) -> tuple[float, float]:
    """A published value and its standard error; shares without an interval have the error of their sample."""
    reported = study.arm(arm)
    if reported is not None and endpoint.startswith("lesion_"):
        week, percent = (int(part) for part in endpoint.split("_")[1:])
        for change in reported.lesions:
            if change.week == week and percent in PERCENTILES:
                rank = PERCENTILES.index(percent)
                return change.quantiles[rank], quantile_error(change.quantiles, rank, change.n)
    match = [item for item in (reported.reported() if reported else ()) if item.endpoint == endpoint]
    if reported is None or not match:
        raise FitError(f"study {study.name!r} reports no {endpoint!r} of arm {arm!r}", remedy="correct the plan")
    unit = "month" if endpoint.startswith("median") else "dimensionless"
    value, (low, high) = match[0].to(unit), match[0].interval(unit)
    if low is not None and high is not None:
        return value, (high - low) / (2.0 * published.Z)
    n = match[0].n or reported.patients
    if n is None:
        raise FitError(f"study {study.name!r} gives neither interval nor number of patients of arm {arm!r}")
    return value, value / n**0.5 if unit == "month" else (value * (1.0 - value) / n) ** 0.5


def predict(
    plan: Plan, changes: dict[str, Record], patients: int, seed: int, settings: Settings
) -> NDArray[np.float64]:
    """The data that a population with these records would give, in the order of `data_of`."""
    cohort = enroll(plan.tumor, patients, seed, population="prior", changes=changes, settings=settings)
    found: dict[tuple[str, str], dict[str, float]] = {}
    for target in plan.targets:
        if target.simulated not in found:
            found[target.simulated] = _arm(plan, *target.simulated, cohort, settings)
    return np.asarray([transform(e, found[target.simulated][e]) for target in plan.targets for e in target.endpoints])


def quantile_error(quantiles: Sequence[float], rank: int, n: int) -> float:
    """Standard error of a sample quantile, its density taken from the neighbors."""
    low, high = max(rank - 1, 0), min(rank + 1, len(quantiles) - 1)
    slope = (quantiles[high] - quantiles[low]) / ((PERCENTILES[high] - PERCENTILES[low]) / 100.0)
    share = PERCENTILES[rank] / 100.0
    return float(slope * (share * (1.0 - share) / n) ** 0.5)


def _arm(plan: Plan, trial: str, name: str, cohort: Cohort, settings: Settings) -> dict[str, float]:
    """Endpoints of one arm over the whole cohort; overall survival as its expectation, free of the noise of draws."""
    design = records.trial(trial)
    design = design.model_copy(update={"months": plan.months, "accrual_months": 0.0})
    arm = next(a for a in design.arms if a.name == name)
    stop = until_progression(design.scans, arm.weeks_beyond_progression) if design.treatment_until_progression else None
    course = simulate(cohort, arm.regimen, months=plan.months, treat_on=stop, settings=settings)
    found = outcomes(course, design, arm)
    numbers = {name: np.nan if value is None else value for name, value in describe(design, found).items()}
    rate = death_hazard(
        cohort,
        course.days,
        course.lesions["diameter"],
        arm.line or design.line,
        found.scans.new_lesion_day,
        found.scans.progression_day,
        arm.later_immunotherapy,
    )
    survival = np.exp(-np.cumsum(rate, axis=0)).mean(axis=1)
    for month in LANDMARKS:
        numbers[f"os_at_{month}"] = float(np.interp(month * MONTH, course.days, survival))
    below = np.flatnonzero(survival < 0.5)
    numbers["median_os"] = float(course.days[below[0]] / MONTH) if len(below) else plan.months
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


def fit(
    plan: Plan,
    *,
    members: int = 40,
    steps: int = 4,
    patients: int = 50,
    seed: int = 0,
    settings: Settings = Settings(),
    progress: Callable[[int, int], None] | None = None,
) -> Fit:
    """Fits the population of a plan.

    Args:
        plan: what may change, and the data.
        members: populations in the ensemble.
        steps: tempered steps from prior to posterior.
        patients: patients in each member.
        seed: seed of ensemble and patients.
        settings: how to compute; workers are members at the same time.
        progress: is told how many member runs of how many are done.

    Raises `FitError` where hardly any member of the prior gives a cohort.
    """
    import iterative_ensemble_smoother as ies

    data = data_of(plan)
    base = records.population(plan.tumor, "borrowed") if plan.borrow else None
    prior_records = records_of(plan.tumor, base.records if base else None)
    rng = np.random.Generator(np.random.Philox(key=seed))
    theta: Any = rng.standard_normal((len(plan.changes), members))
    smoother = ies.ESMDA(data.covariance, data.values, alpha=steps, seed=rng)
    done = 0

    def member(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        nonlocal done
        try:
            found = predict(
                plan,
                (base.records if base else {}) | changes_of(plan, prior_records, numbers),
                patients,
                seed,
                replace(settings, workers=1, steps_per_day=plan.steps_per_day),
            )
        except CohortError:
            found = np.full(len(data.values), np.nan)
        done += 1
        if progress is not None:
            progress(done, members * (steps + 1))
        return found

    def ensemble() -> NDArray[np.float64]:
        with ThreadPoolExecutor(settings.workers) as pool:
            return np.stack(list(pool.map(member, theta.T)), axis=1)

    prior = None
    for _ in range(steps):
        found = ensemble()
        theta, found = _replace_failed(theta, found, rng)
        prior = found if prior is None else prior
        smoother.prepare_assimilation(Y=found)
        theta = smoother.assimilate_batch(X=theta)
    theta, posterior = _replace_failed(theta, ensemble(), rng)
    assert prior is not None
    population = _population(plan, data, prior_records, theta, posterior, patients, base)
    return Fit(plan, data, prior, posterior, theta, population)


def changes_of(plan: Plan, known: dict[str, Record], theta: Sequence[float] | NDArray[np.float64]) -> dict[str, Record]:
    """The records that a plan changes, changed by the numbers `theta`."""
    changed: dict[str, Record] = {}
    for change, number in zip(plan.changes, theta, strict=True):
        changed[change.record] = change.apply(changed.get(change.record, known[change.record]), float(number))
    return changed


def _replace_failed(
    theta: Any, found: Any, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Members that gave no cohort, or an endpoint that was not reached, take the place of others at random."""
    whole: Any = np.isfinite(found).all(axis=0)
    if whole.sum() < max(4, 0.3 * len(whole)):
        raise FitError(
            f"only {int(whole.sum())} of {len(whole)} populations can be simulated to the end",
            remedy="narrow the changes of the plan, or drop endpoints that are not reached",
        )
    chosen = np.where(whole, np.arange(len(whole)), rng.choice(np.flatnonzero(whole), len(whole)))
    return theta[:, chosen], found[:, chosen]


def _ensemble(plan: Plan, known: dict[str, Record], theta: NDArray[np.float64]) -> dict[str, tuple[float, ...]]:
    """The fitted numbers of every member of the posterior."""
    members = [changes_of(plan, known, numbers) for numbers in theta.T]
    rounded = lambda number: float(f"{number:.5g}")
    return {c.name: tuple(rounded(c.number(member[c.record])) for member in members) for c in plan.changes}


def _population(
    plan: Plan,
    data: Data,
    known: dict[str, Record],
    theta: NDArray[np.float64],
    posterior: NDArray[np.float64],
    patients: int,
    base: Population | None,
) -> Population:
    """The posterior mean as records, with a report of what the data taught, beside what was borrowed."""
    own = {change.name for change in plan.changes}
    lent = {name: values for name, values in (base.ensemble if base else {}).items() if name not in own}
    members = min([theta.shape[1], *map(len, lent.values())])
    mean, size = theta.mean(axis=1), theta.std(axis=1, ddof=1)
    learned = [f"{c.name}: {m:+.2f} ± {s:.2f} prior SD" for c, m, s in zip(plan.changes, mean, size, strict=True)]
    misses = (posterior.mean(axis=1) - data.values) / np.sqrt(np.diag(data.covariance))
    weight = np.linalg.inv(data.covariance)
    gap = posterior.mean(axis=1) - data.values
    return Population(
        name=plan.name,
        tumor=plan.tumor,
        method=f"ensemble smoother with multiple data assimilation, {theta.shape[1]} members; records at their mean",
        command=f"alarmin calibrate {plan.name} --members {theta.shape[1]} --patients {patients}",
        training=(*(base.training if base else ()), *data.names),
        borrowed_from=base.borrowed_from if base else None,
        records=(base.records if base else {}) | changes_of(plan, known, mean),
        ensemble={name: v[:members] for name, v in (lent | _ensemble(plan, known, theta)).items()},
        report={
            "learned": learned,
            "contraction": [round(float(1.0 - s), 3) for s in size],
            "misses_in_standard_errors": [round(float(m), 2) for m in misses],
            "chi_square": round(float(gap @ weight @ gap), 2),
            "data": float(len(data.values)),
        },
    )
