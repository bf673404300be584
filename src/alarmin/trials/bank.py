"""The bank of outcomes: what every patient goes through in every arm, from which replicate trials are drawn.

Patients stand in the bank under each arm's treatment, in several populations that agree with what is known. A
replicate picks a population, then patients for each arm, and is analyzed as a trial is. So its endpoints vary for
chance, for what the fit leaves open, for the cohort, and between trials.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from alarmin.errors import nearest
from alarmin.patients.possible import possible_populations
from alarmin.readouts.biopsy import Biopsy
from alarmin.readouts.recist import Response
from alarmin.records import Population, Trial, parameters
from alarmin.simulation import COARSE, MONTH, Settings
from alarmin.trials import resampling
from alarmin.trials.analysis import LANDMARKS
from alarmin.trials.endpoints import Outcomes, outcomes
from alarmin.trials.randomization import TrialError
from alarmin.trials.run import by_tumor, enroll_for, treat_arms

if TYPE_CHECKING:
    import pandas as pd

RECIST = ("orr", "cr", "dcr")
SURVIVAL = ("pfs", "os")
READINGS = ("hyaluronan", "pdl1", "cd8", "teff", "oxygen", "perfusion", "lesions", "diameter", "nlr", "ecog")
"""What is known of a patient before treatment (`alarmin.readouts.biopsy.Biopsy`): what a biomarker can be."""

ABSENT = {
    "tmb": "the model has antigens but no mutations, so that there is no burden of them to count",
    "ldh": "the model has no lactate dehydrogenase; how much tumor there is stands in diameter and lesions",
    "early_change": "how the tumor changes early is known under treatment alone, and differs between the arms",
    "on_treatment_biopsy": "a biopsy under treatment comes after the choice of it, and differs between the arms",
}
"""What is asked of trials, and is no reading here, with the reason."""

TIMES = ("pfs", "ipfs", "os")
COLUMNS = (
    *("patient", *RECIST, "response"),
    *(f"{time}{end}" for time in TIMES for end in ("", "_event")),
    *(*READINGS, "member", "arm"),
)


@dataclass(frozen=True)
class Bank:
    """Outcomes of patients in every arm of a trial.

    Attributes:
        trial: what is planned.
        seed: seed of patients and populations.
        population: name of the population, or names where tumor types differ; `training`, what they were fitted to.
        table: one row a population, arm and patient, with the columns `COLUMNS`: responses, times [month] with whether
            they ended in the event (`response` is that of the first response, infinite without one), and the
            readings before treatment.
        failed: who was left out of all arms, and why.
    """

    trial: Trial
    seed: int
    population: str
    training: tuple[str, ...]
    table: "pd.DataFrame"
    failed: tuple[str, ...] = ()


def fill(
    trial: Trial,
    *,
    members: int = 8,
    patients: int = 54,
    seed: int = 0,
    population: str | None = None,
    settings: Settings = COARSE,
    progress: Callable[[str, int, int], None] | None = None,
) -> Bank:
    """Simulates `patients` of each of `members` possible populations under every arm of a trial.

    Who becomes no number in one arm is left out of all of them, since every arm holds the same patients; `failed` of
    the bank names them. Raises `TrialError` where nobody of a population is left.
    """
    import pandas as pd

    fits, parts, failed, groups = [], [], [], by_tumor(trial)
    for group, (tumor, arms) in enumerate(groups.items()):
        fit, possible = possible_populations(tumor, members, seed, population)
        fits.append(fit)
        for number, changes in enumerate(possible):
            cohort = enroll_for(
                trial, patients, seed + number, tumor=tumor, population="prior", changes=changes, settings=settings
            )
            courses = treat_arms(trial, {arm.name: cohort for arm in arms}, settings, drop_failed=True)
            lost = {failure.patient: failure for course in courses.values() for failure in course.failed}
            failed += [f"{tumor}, population {number}: {failure}" for failure in lost.values()]
            stays = ~np.isin(cohort.ids, list(lost))
            if not stays.any():
                raise TrialError(
                    f"nobody of population {number} of {tumor!r} goes through all arms of {trial.name!r}",
                    remedy="run its arms one by one with `alarmin simulate`, and report what fails",
                )
            biopsy = Biopsy(cohort, settings)
            readings = {name: np.asarray(getattr(biopsy, name))[stays] for name in READINGS}
            for arm in arms:
                rows = _rows(outcomes(courses[arm.name], trial, arm))
                rows = rows.loc[~rows["patient"].isin(list(lost))]
                parts.append(rows.assign(**readings, member=number, arm=arm.name))
            if progress is not None:
                progress("bank", group * members + number + 1, len(groups) * members)
    return Bank(trial, seed, *fitted(fits), pd.concat(parts), tuple(failed))


def fitted(fits: Iterable[Population | None]) -> tuple[str, tuple[str, ...]]:
    """Names of the populations of several tumor types, and what they were fitted to, each once."""
    known = list(fits)
    names = dict.fromkeys("prior" if fit is None else fit.name for fit in known)
    training = dict.fromkeys(item for fit in known if fit is not None for item in fit.training)
    return ", ".join(names), tuple(training)


def not_measured(name: str) -> str:
    """A sentence part that says why a name is none of `READINGS`."""
    why = ABSENT.get(name.strip().lower().replace(" ", "_").replace("-", "_")) or nearest(name, READINGS)
    return f"{name!r} is nothing that the trial measures before treatment; {why}"


def _rows(found: Outcomes) -> "pd.DataFrame":
    import pandas as pd

    return pd.DataFrame(
        {
            "patient": found.cohort.ids,
            "orr": found.responds,
            "cr": found.best.response == Response.CR,
            "dcr": found.controlled,
            "response": np.where(found.responds, found.best.response_day, np.inf) / MONTH,
            "pfs": found.pfs / MONTH,
            "pfs_event": found.pfs_event,
            "ipfs": found.ipfs / MONTH,
            "ipfs_event": found.ipfs_event,
            "os": found.os / MONTH,
            "os_event": found.os_event,
        }
    )


def replicate(
    bank: Bank, count: int = 1000, *, sizes: dict[str, int] | None = None, seed: int = 0, apart: bool = True
) -> "tuple[pd.DataFrame, pd.DataFrame]":
    """Draws `count` trials of the planned size from a bank.

    Trials differ in whom they take and in who reads their scans. The odds of response are those of the bank times a
    factor that all arms of a trial share, whose logarithm has the standard deviation `between_trials_response`. The
    survival of those with and of those without response is that of the bank to the power exp(u + v): u is shared by
    all arms, v is of one arm, with the standard deviations `between_trials` and `between_arms`, records as the first.

    Args:
        bank: from `fill`.
        count: how many trials.
        sizes: patients in each arm; as planned without it.
        seed: seed of the drawing.
        apart: whether trials differ by these, and not by chance and population alone.

    Returns:
        One row a replicate and arm: orr, cr, dcr, median_pfs, median_os, `os_at_12` and so on, with `success` where
        the trial names a null response; and one row a replicate and contrast: hr_pfs, hr_os, difference_orr, and
        `success`, whether that contrast met the trial's rule.
        Medians that are not reached are infinite.
    """
    import pandas as pd

    trial, wanted = bank.trial, {arm.name: arm.patients for arm in bank.trial.arms} | (sizes or {})
    members = bank.table["member"].nunique()
    rng = np.random.Generator(np.random.Philox(key=[seed, bank.seed]))
    chosen = rng.integers(members, size=count)
    effect = lambda name: apart * parameters()[name].value * rng.standard_normal(count)
    response, hazard = effect("between_trials_response"), effect("between_trials")
    drawn = {
        name: _draw(bank, name, chosen, response, hazard + effect("between_arms"), wanted[name], rng) for name in wanted
    }
    numbered = lambda found, **names: pd.DataFrame(found).assign(**names, replicate=range(count))
    arms = pd.concat([numbered(_endpoints(trial, sample), arm=name) for name, sample in drawn.items()])
    contrasts = [
        numbered(
            _contrast(trial, drawn[pair.experimental], drawn[pair.control]),
            experimental=pair.experimental,
            control=pair.control,
        )
        for pair in trial.contrasts
    ]
    return arms, pd.concat(contrasts) if contrasts else pd.DataFrame()


def quantiles(table: "pd.DataFrame") -> dict[str, dict[str, float | None]]:
    """Median and central 95 % of each endpoint over replicates; None where it is not reached."""
    found = {}
    for name in table.columns.drop(["arm", "replicate", "experimental", "control", "success"], errors="ignore"):
        values = table[name].to_numpy(float)
        if np.isnan(values).all():
            continue
        low, middle, high = np.nanquantile(values, (0.025, 0.5, 0.975), method="nearest")
        finite = lambda value: float(value) if np.isfinite(value) else None
        found[name] = {"median": finite(middle), "low": finite(low), "high": finite(high)}
    return found


Sample = dict[str, NDArray]
"""Outcomes of the patients of one arm in many replicates, `[replicate, patient]`."""


def _draw(
    bank: Bank,
    arm: str,
    chosen: NDArray[np.int64],
    response: NDArray[np.float64],
    hazard: NDArray[np.float64],
    n: int,
    rng: np.random.Generator,
) -> Sample:
    """`n` patients of the chosen population in one arm for each replicate.

    The odds of response are those of the bank times exp(response); among those with response, and among those without,
    the share that does worse than a patient is 1 - (1 - rank)^exp(-hazard) and not their rank.
    """
    # Members in their order, in each those without response before those with, in both by how they do.
    rows = bank.table.loc[bank.table["arm"] == arm]
    course = rows.groupby("member")[list(SURVIVAL)].rank().sum(axis=1).rename("course")
    rows = rows.assign(course=course).sort_values(["member", "orr", "course"], kind="stable")
    columns = [*RECIST, *(name for time in SURVIVAL for name in (time, f"{time}_event"))]
    size = np.bincount(rows["member"].to_numpy())
    with_response = np.bincount(rows["member"].to_numpy(), weights=rows["orr"].to_numpy()).astype(np.int64)
    start, without = (np.cumsum(size) - size)[chosen], (size - with_response)[chosen]
    odds = with_response[chosen] * np.exp(response)
    share = (without / (without + odds))[:, None]
    u = rng.random((len(chosen), n))
    silent = u < share
    with np.errstate(divide="ignore", invalid="ignore"):
        rank = np.where(silent, u / share, (u - share) / (1.0 - share))
    rank = 1.0 - (1.0 - rank) ** np.exp(-hazard)[:, None]
    first = np.where(silent, 0, without[:, None])
    count = np.where(silent, without[:, None], with_response[chosen][:, None])
    at = start[:, None] + first + np.minimum((rank * count).astype(np.int64), count - 1)
    return {name: rows[name].to_numpy()[at] for name in columns}


def _endpoints(trial: Trial, sample: Sample) -> dict[str, NDArray[np.float64]]:
    found: dict[str, NDArray] = {}
    if "orr" in trial.endpoints:
        found = {name: sample[name].mean(axis=1) for name in RECIST}
    if trial.null_response is not None:
        found["success"] = resampling.exceeds(sample["orr"], trial.null_response, trial.alpha)
    for name in SURVIVAL:
        if name in trial.endpoints:
            curve = resampling.curves(sample[name], sample[f"{name}_event"])
            found[f"median_{name}"] = curve.quantile(0.5)
            for month in LANDMARKS:
                found[f"{name}_at_{month}"] = curve.at(float(month))
    return found


def _contrast(trial: Trial, experimental: Sample, control: Sample) -> dict[str, NDArray]:
    found: dict[str, NDArray] = {}
    wins = []
    for name in SURVIVAL:
        if name in trial.endpoints:
            both = [np.concatenate([experimental[key], control[key]], axis=1) for key in (name, f"{name}_event")]
            first = np.arange(both[0].shape[1]) < experimental[name].shape[1]
            found[f"hr_{name}"], p = resampling.hazard_ratios(both[0], both[1], first)
            if name in trial.primary:
                wins.append((found[f"hr_{name}"] < 1.0) & (p < trial.alpha))
    if "orr" in trial.endpoints:
        found["difference_orr"] = experimental["orr"].mean(axis=1) - control["orr"].mean(axis=1)
        if "orr" in trial.primary:
            p = resampling.proportions_differ(experimental["orr"], control["orr"])
            wins.append((found["difference_orr"] > 0.0) & (p < trial.alpha))
    met = np.stack(wins) if wins else np.zeros((1, len(experimental["orr"])), bool)
    found["success"] = np.asarray(met.any(axis=0) if trial.success == "any" else met.all(axis=0))
    return found
