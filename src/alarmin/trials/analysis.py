"""What a trial concludes: endpoints by arm, contrasts between arms, and whether it succeeded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from alarmin.readouts.recist import Response
from alarmin.readouts.toxicity import reported_by
from alarmin.records import Trial
from alarmin.simulation import MONTH, Course
from alarmin.therapy.regimen import parse
from alarmin.trials import resampling, statistics
from alarmin.trials.endpoints import Outcomes, adae, adrs, adsl, adtte
from alarmin.trials.statistics import Estimate

if TYPE_CHECKING:
    import pandas as pd

LANDMARKS = (3, 6, 12, 18, 24)
"""Months at which survival is reported."""


TABLES = {"adsl": adsl, "adtte": adtte, "adrs": adrs, "adae": adae}


@dataclass(frozen=True)
class TrialResult:
    """What came out of a trial.

    Attributes:
        trial: what was planned.
        seed: seed of patients and trial.
        patients: number of patients.
        arms: endpoints by arm: n, then orr, dcr and cr [share], medians [month] of pfs, os and dor, and survival at
            landmarks [share] as `os_at_12`, and `grade3`, who had an adverse event of grade 3 or more [share]; each
            a number, with `NAME_low` and `NAME_high` its 95 % interval, and None where it was not reached or observed.
        contrasts: experimental, control, endpoint; hazard ratio and its interval for pfs and os, the difference of
            shares for orr, with a two-sided p.
        success: whether the trial met its primary endpoints, or exceeded its null response; not, where it has neither.
        tables: ADSL, ADTTE, ADRS and ADAE as data frames.
        courses: course of each arm, by name.
        timing: compile_s, simulate_s, lane_steps, lane_steps_per_s.
    """

    trial: Trial
    seed: int
    patients: int
    arms: Mapping[str, Mapping[str, float | None]]
    contrasts: Sequence[Mapping[str, Any]]
    success: bool
    tables: "Mapping[str, pd.DataFrame]"
    courses: "Mapping[str, Course]" = field(repr=False)
    timing: Mapping[str, float]

    @property
    def failed(self) -> list[str]:
        """Who was left out of his arm since his state stopped being a number, and what was wrong."""
        return [f"{arm}: {failure}" for arm, course in self.courses.items() for failure in course.failed]

    @property
    def safety_seen(self) -> list[str]:
        """Records of adverse events that were read in the publication of this trial; none where none happen.

        Its adverse events, and through them doses, are then no prediction.
        """
        if not any("grade3" in found for found in self.arms.values()):
            return []
        plans = {arm.name: parse(arm.regimen) for arm in self.trial.arms}
        seen = [reported_by(self.trial.source, course.cohort, plans[arm]) for arm, course in self.courses.items()]
        return sorted({name for names in seen for name in names})

    def to_json(self) -> dict[str, Any]:
        """The result without tables and courses, as plain data."""
        return {
            "trial": self.trial.name,
            "seed": self.seed,
            "patients": self.patients,
            "arms": {name: dict(arm) for name, arm in self.arms.items()},
            "contrasts": [dict(contrast) for contrast in self.contrasts],
            "success": self.success,
            "failed": self.failed,
            "safety_seen": self.safety_seen,
            "timing": dict(self.timing),
        }


def analyze(
    trial: Trial, found: Sequence[Outcomes], seed: int, courses: "Mapping[str, Course]", timing: Mapping[str, float]
) -> TrialResult:
    """Tables, endpoints by arm, and contrasts from the outcomes of all arms."""
    by_name = {arm.arm: arm for arm in found}
    contrasts = [
        contrast
        for pair in trial.contrasts
        for contrast in compare(trial, by_name[pair.experimental], by_name[pair.control])
    ]
    first = {c["endpoint"]: c for c in contrasts[: sum(e != "dor" for e in trial.endpoints)]}
    wins = [_favors(first[name]) and (first[name]["p"] or 0.0) < trial.alpha for name in trial.primary]
    if trial.null_response is not None:
        wins = [bool(resampling.exceeds(found[0].responds[None], trial.null_response, trial.alpha)[0])]
    return TrialResult(
        trial=trial,
        seed=seed,
        patients=sum(len(arm.cohort) for arm in found),
        arms={arm.arm: describe(trial, arm) for arm in found},
        contrasts=contrasts,
        success=any(wins) if trial.success == "any" else bool(wins) and all(wins),
        tables={name: table(trial, list(found)) for name, table in TABLES.items()},
        courses=courses,
        timing=timing,
    )


def describe(trial: Trial, arm: Outcomes) -> dict[str, float | None]:
    """Endpoints of one arm by name, with `_low` and `_high`."""
    n = len(arm.cohort)
    estimates: dict[str, Estimate] = {}
    if "orr" in trial.endpoints:
        estimates["orr"] = statistics.proportion(int(arm.responds.sum()), n)
        estimates["cr"] = statistics.proportion(int((arm.best.response == Response.CR).sum()), n)
        estimates["dcr"] = statistics.proportion(int(arm.controlled.sum()), n)
    if "dor" in trial.endpoints and arm.responds.any():
        lasts = np.maximum(arm.pfs - arm.best.response_day, 1.0)[arm.responds] / MONTH
        estimates["median_dor"] = statistics.median(lasts, arm.pfs_event[arm.responds])
    for name, time, event in (("pfs", arm.pfs, arm.pfs_event), ("os", arm.os, arm.os_event)):
        if name in trial.endpoints:
            estimates[f"median_{name}"] = statistics.median(time / MONTH, event)
            for month in LANDMARKS:
                estimates[f"{name}_at_{month}"] = statistics.survival_at(time / MONTH, event, month)
    if arm.events is not None:
        estimates["grade3"] = statistics.proportion(int(arm.toxic.sum()), n)
    described: dict[str, float | None] = {"n": n}
    for name, estimate in estimates.items():
        described[name] = _finite(estimate.value)
        described[f"{name}_low"], described[f"{name}_high"] = _finite(estimate.low), _finite(estimate.high)
    return described


def compare(trial: Trial, experimental: Outcomes, control: Outcomes) -> list[dict[str, Any]]:
    """Contrasts of two arms, one for each endpoint of the trial."""
    first = np.repeat([True, False], [len(experimental.cohort), len(control.cohort)])
    both = lambda name: np.concatenate([getattr(experimental, name), getattr(control, name)])
    contrasts: list[dict[str, Any]] = []
    for endpoint in trial.endpoints:
        named = {"experimental": experimental.arm, "control": control.arm, "endpoint": endpoint}
        if endpoint in ("pfs", "os"):
            ratio = statistics.cox(both(endpoint), both(f"{endpoint}_event"), first)
            numbers = {"hr": ratio.hr, "low": ratio.low, "high": ratio.high, "p": ratio.p}
            contrasts.append(named | {key: _finite(value) for key, value in numbers.items()})
        elif endpoint == "orr":
            one, other = ((int(arm.responds.sum()), len(arm.cohort)) for arm in (experimental, control))
            found = statistics.difference(*one, *other)
            p = float(resampling.proportions_differ(experimental.responds[None], control.responds[None])[0])
            numbers = {"difference": found.value, "low": found.low, "high": found.high, "p": p}
            contrasts.append(named | numbers)
    return contrasts


def _favors(contrast: Mapping[str, Any]) -> bool:
    if contrast["endpoint"] == "orr":
        return contrast["difference"] > 0.0
    return contrast["hr"] is not None and contrast["hr"] < 1.0


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
