"""Which readings before treatment predict benefit: who gains from a treatment, as against who does well anyway.

Every patient of a bank goes through both arms, so that his own gain is known; a trial sees him in one arm only. Both
are told. Patients with odd numbers choose a cut-off, and those with even numbers say what it is worth.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control

from alarmin.decide import cutoff, interaction
from alarmin.decide.interaction import Flags, Floats, Slope
from alarmin.errors import AlarminError, nearest
from alarmin.records import Trial
from alarmin.trials.bank import READINGS, SURVIVAL, Bank, not_measured

TITLES = {
    "hyaluronan": "Hyaluronan, stained share of matrix",
    "pdl1": "PD-L1, stained share of tumor cells",
    "cd8": "CD8 T cells [Mcell/mL]",
    "teff": "Effector T-cell signature, log",
    "oxygen": "Oxygen tension [mmHg]",
    "perfusion": "Blood flow, perfusion scan [mL/mL/day]",
    "lesions": "Target lesions",
    "diameter": "Diameter of first lesion [mm]",
    "nlr": "Neutrophils to lymphocytes",
    "ecog": "ECOG status of 1 or more",
}
ENDPOINTS = ("pfs", "os", "orr")
POWER = 0.9
LEAST = 8
"""Patients below which halves are too small to choose or to report anything."""


class BiomarkerError(AlarminError):
    """A trial, or a reading, with which benefit cannot be predicted."""


@dataclass(frozen=True)
class Biomarkers:
    """Readings and benefit in one contrast of a trial.

    Attributes:
        trial: with the two arms, and their contrast alone.
        population: of the bank; `patients` in it.
        endpoint: that for which cut-offs are chosen, "pfs" or "os"; `until`, the months it is followed, by endpoint.
        seed: of patients, randomization and resampling.
        interactions: a row for each reading and endpoint. `prognosis` is the hazard ratio (odds ratio of no response)
            per SD of the reading in the control arm. `own` is the change of a patient's own gain per SD ([month], or
            share of responses), `standardized` the same in SD of gains, `p` and `q` (false discovery rate over the
            readings) that it is 0. `seen` is the ratio of hazard ratios (odds ratios of no response) per SD in one
            randomized trial of the patients of the bank, with `seen_p`. Intervals end in `_low` and `_high`.
        cutoffs: a row for each reading, as `alarmin.decide.cutoff.report` has it.
    """

    trial: Trial
    population: str
    patients: int
    endpoint: str
    until: dict[str, float]
    seed: int
    interactions: pd.DataFrame
    cutoffs: pd.DataFrame


def contrast_of(trial: Trial, experimental: str | None = None) -> Trial:
    """The trial with the two arms of one contrast: the first, or that of the arm `experimental`.

    Raises `BiomarkerError` where the trial compares no arms, or not this one.
    """
    if not trial.contrasts:
        raise BiomarkerError(
            f"{trial.name} compares no arms, so that benefit from treatment cannot be told from prognosis",
            remedy="choose a trial with a contrast, such as halo202 or oak",
        )
    pairs = {pair.experimental: pair for pair in reversed(trial.contrasts)}
    if experimental is not None and experimental not in pairs:
        raise BiomarkerError(
            f"{trial.name} has no contrast of the arm {experimental!r}; {nearest(experimental, pairs)}",
            remedy="name the experimental arm of a contrast of the trial",
        )
    pair = trial.contrasts[0] if experimental is None else pairs[experimental]
    arms = tuple(arm for arm in trial.arms if arm.name in (pair.experimental, pair.control))
    if len({arm.tumor or trial.tumor for arm in arms}) > 1:
        raise BiomarkerError(
            f"the arms {pair.experimental} and {pair.control} of {trial.name} treat different tumor types",
            remedy="choose a contrast of arms that take the same patients",
        )
    return trial.model_copy(update={"arms": arms, "contrasts": (pair,)})


def measured(readings: Sequence[str]) -> tuple[str, ...]:
    """The readings by name, or all of them; raises `BiomarkerError` where one is not read before treatment."""
    for name in readings:
        if name not in READINGS:
            raise BiomarkerError(
                not_measured(name),
                remedy="choose a reading of the biopsy, scans or blood before treatment, or the performance status",
            )
    return tuple(dict.fromkeys(readings)) or READINGS


def biomarkers(
    bank: Bank, *, readings: Sequence[str] = (), endpoint: str | None = None, power: float = POWER, seed: int = 0
) -> Biomarkers:
    """How benefit depends on each reading before treatment.

    Args:
        bank: outcomes of the same patients in both arms of a trial with one contrast (`contrast_of`).
        readings: by name; all without it. One that is the same in all patients is left out.
        endpoint: "pfs" or "os", for cut-offs; the first of the trial's primary ones without it.
        power: of the trial whose size is told.
        seed: of randomization and resampling.

    Raises `BiomarkerError` where a reading is not measured, nothing varies, or patients are too few.
    """
    names, (pair,) = measured(readings), bank.trial.contrasts
    first, control = (
        bank.table.loc[bank.table["arm"] == arm].sort_values(["member", "patient"], kind="stable")
        for arm in (pair.experimental, pair.control)
    )
    odd = first["patient"].to_numpy() % 2 == 1
    if min(odd.sum(), (~odd).sum()) < LEAST // 2:
        raise BiomarkerError(f"{len(odd)} patients do not make two halves", remedy="give more --patients, at least 16")
    varying = {name: first[name].to_numpy(float) for name in names if np.ptp(first[name].to_numpy(float)) > 0.0}
    if not varying:
        raise BiomarkerError(
            f"{', '.join(names)}: the same in all {len(odd)} patients of {bank.trial.name}",
            remedy="choose another reading, or give more --patients",
        )
    survival = {name: _both(first, control, name) for name in SURVIVAL}
    halves = [both.of(half) for both in survival.values() for half in (odd, ~odd)]
    until = {
        name: float(min(half.time.max(axis=1).min() for half in halves[2 * i : 2 * i + 2]))
        for i, name in enumerate(SURVIVAL)
    }
    wanted = endpoint or next((name for name in bank.trial.primary if name in SURVIVAL), "pfs")

    randomized = np.random.default_rng([seed, 1]).permutation(len(odd)) % 2 == 0
    responds = (first["orr"].to_numpy(bool), control["orr"].to_numpy(bool))
    own = {name: gains(both, until[name]) for name, both in survival.items()}
    own["orr"] = responds[0].astype(float) - responds[1]
    rows = [
        {"reading": name, "title": TITLES[name], "endpoint": code}
        | _interaction(interaction.normal_scores(reading), own[code], randomized, survival.get(code), responds)
        for code in ENDPOINTS
        for name, reading in varying.items()
    ]
    table = pd.DataFrame(rows)
    for _, part in table.groupby("endpoint"):
        known = part["p"].dropna()
        table.loc[known.index, "q"] = false_discovery_control(known) if len(known) else known

    both, cuts = survival[wanted], []
    told = {side: gains(both.of(half), until[wanted]) for side, half in (("odd", odd), ("even", ~odd))}
    for name, reading in varying.items():
        cut = cutoff.choose(reading[odd], told["odd"])
        if cut is not None:
            even = cutoff.report(cut, reading[~odd], told["even"], both.of(~odd), bank.trial.alpha, power, seed)
            limits = {"reading": name, "title": TITLES[name], "side": "high" if cut.high else "low", "cut": cut.limit}
            cuts.append(limits | even)
    return Biomarkers(bank.trial, bank.population, len(odd), wanted, until, seed, table, pd.DataFrame(cuts))


def gains(both: cutoff.Both, until: float) -> Floats:
    """Each patient's time in the experimental arm less that in the control, up to `until`, `[patient]` [month]."""
    mine, other = (interaction.restricted_times(both.time[arm], both.event[arm], until) for arm in (0, 1))
    return mine - other


def _both(first: pd.DataFrame, control: pd.DataFrame, name: str) -> cutoff.Both:
    of = lambda column, kind: np.stack([arm[column].to_numpy(kind) for arm in (first, control)])
    return cutoff.Both(of(name, float), of(f"{name}_event", bool))


def _interaction(
    z: Floats, gain: Floats, randomized: Flags, both: cutoff.Both | None, responds: tuple[Flags, Flags]
) -> dict[str, float]:
    """One reading `z` and one endpoint: a survival time, or response where `both` is None."""
    ones, given = np.ones_like(z), randomized.astype(np.float64)
    alone: Floats = np.stack([ones, z], axis=1)
    crossed: Floats = np.stack([ones, given, z, given * z], axis=1)
    if both is None:
        prognosis = interaction.logistic(~responds[1], alone, 1)
        seen = interaction.logistic(~np.where(randomized, *responds), crossed, 3)
    else:
        prognosis = interaction.cox(both.time[1], both.event[1], alone[:, 1:], 0)
        time, event = (np.where(randomized, *values) for values in both)
        seen = interaction.cox(time, event, crossed[:, 1:], 2)
    own, spread = interaction.slope(gain, alone, 1), float(gain.std())
    scale = 1.0 / spread if spread > 0.0 else np.nan
    shared = Slope(own.value * scale, own.low * scale, own.high * scale, own.p)
    return {
        **_named("prognosis", prognosis.exp()),
        **_named("own", own),
        **_named("standardized", shared),
        "p": own.p,
        **_named("seen", seen.exp()),
        "seen_p": seen.p,
    }


def _named(name: str, found: Slope) -> dict[str, float]:
    return {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}
