"""The cheapest rivals of a prediction: independent drug action, and the average of a class.

They use what training studies reported and nothing of the study that is predicted.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from alarmin import records
from alarmin.numerics import random
from alarmin.published import Study, studies
from alarmin.published.schema import Z
from alarmin.records import Trial
from alarmin.records.schema import Contrast
from alarmin.therapy.regimen import parse
from alarmin.trials import resampling

DRAWS = 4000

CLASSES = {
    "pd1_blockade": "checkpoint",
    "pdl1_blockade": "checkpoint",
    "ctla4_blockade": "checkpoint",
    "vegf_neutralization": "vessels",
    "vegfr_inhibition": "vessels",
    "hyaluronidase": "matrix",
    "hypoxia_activation": "hypoxia",
    "oncolytic_virus": "virus",
    "cytotoxic": "cytotoxic",
    "radiation": "radiation",
}
"""Class of an agent by its first mode of action that stands here; other agents are classes of their own."""


def assumed(name: str) -> float:
    """What the rivals assume: the record `rival_NAME`."""
    return records.parameters()[f"rival_{name}"].to("dimensionless")


def class_of(agent: str) -> str:
    """The class to which an agent belongs when trials are averaged."""
    modes = [action.mode for action in records.agent(agent).actions]
    return next((CLASSES[mode] for mode in modes if mode in CLASSES), modes[0])


def added(trial: Trial, contrast: Contrast) -> frozenset[str]:
    """Agents of the experimental arm that the control arm lacks."""
    arms = {arm.name: set(parse(arm.regimen).agents) for arm in trial.arms}
    return frozenset(arms[contrast.experimental] - arms[contrast.control])


def replaced(trial: Trial, contrast: Contrast) -> frozenset[str]:
    """Agents of the control arm that the experimental arm lacks."""
    arms = {arm.name: set(parse(arm.regimen).agents) for arm in trial.arms}
    return frozenset(arms[contrast.control] - arms[contrast.experimental])


def _kind(trial: Trial, contrast: Contrast) -> tuple[frozenset[str], frozenset[str]]:
    return frozenset(map(class_of, added(trial, contrast))), frozenset(map(class_of, replaced(trial, contrast)))


def class_average(trial: Trial, contrast: Contrast, endpoint: str) -> tuple[float, float]:
    """Mean log hazard ratio of training trials that made the same change of classes, and its standard deviation.

    Inverse-variance mean with the between-trial variance of DerSimonian and Laird; 0 where there is no such trial.
    """
    wanted = _kind(trial, contrast)
    effects, variances = [], []
    for study in _training(trial.name):
        if study.name not in records.trials():
            continue
        design = records.trial(study.name)
        for pair in design.contrasts:
            for seen in study.contrasts:
                alike = (seen.experimental, seen.control, seen.endpoint) == (pair.experimental, pair.control, endpoint)
                if seen.compare and alike and seen.low and seen.high and _kind(design, pair) == wanted:
                    effects.append(np.log(seen.hr))
                    variances.append((np.log(seen.high / seen.low) / (2.0 * Z)) ** 2)
    if not effects:
        return 0.0, assumed("no_class_sd")
    return dersimonian_laird(np.asarray(effects), np.asarray(variances))


def dersimonian_laird(effects: NDArray[np.float64], variances: NDArray[np.float64]) -> tuple[float, float]:
    """Random-effects mean, and the standard deviation with which it predicts a new trial's true effect."""
    weights = 1.0 / variances
    fixed = float(np.sum(weights * effects) / weights.sum())
    heterogeneity = float(np.sum(weights * (effects - fixed) ** 2)) - (len(effects) - 1)
    scale = float(weights.sum() - np.sum(weights**2) / weights.sum())
    between = max(heterogeneity / scale, 0.0) if scale > 0 else assumed("no_class_sd") ** 2
    weights = 1.0 / (variances + between)
    return float(np.sum(weights * effects) / weights.sum()), float(np.sqrt(1.0 / weights.sum() + between))


def independent_action(
    trial: Trial, contrast: Contrast, endpoint: str, control_pfs: NDArray[np.float64], control_event: NDArray[np.bool_]
) -> float | None:
    """Log hazard ratio if each patient did as well as on the better of the two treatments, with no interaction.

    T = max(T_A, T_B): A is the control arm as predicted, B the added agents alone as a training study reported them in
    the same tumor type. Without such a study, B does nothing. Survival: a share of the log ratio of progression. None
    where the control arm's agents are replaced and not added to.

    Args:
        trial: what is planned.
        contrast: which arms.
        endpoint: "pfs" or "os".
        control_pfs: progression-free survival of the control arm, any number of patients [month].
        control_event: whether each of these times ended in progression or death, and not under observation.

    Source: Palmer and Sorger 2017, Cell 171:1678; Palmer et al. 2022, PMC9068233.
    """
    if replaced(trial, contrast):
        return None
    alone = _alone(trial, added(trial, contrast))
    if alone is None or not len(control_pfs):
        return 0.0
    months, survival = alone
    z = random.normal(0, "independent action", np.arange(DRAWS), (2,))
    rank_a = ndtr(z[:, 0])
    alike = assumed("rank_correlation")
    rank_b = ndtr(alike * z[:, 0] + np.sqrt(1.0 - alike**2) * z[:, 1])
    a = _drawn(rank_a, control_pfs, control_event)
    b = time_at(rank_b, months, survival)
    both, end = np.concatenate([np.maximum(a, b), a])[None], float(control_pfs.max())
    # Nobody is known beyond the end of the control arm: both arms are censored there.
    ratio, _ = resampling.hazard_ratios(np.minimum(both, end), both <= end, np.arange(2 * DRAWS) < DRAWS)
    return float(np.log(ratio[0])) * (assumed("survival_share") if endpoint == "os" else 1.0)


def _drawn(rank: NDArray[np.float64], time: NDArray[np.float64], event: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Time of an event by its rank, from the Kaplan-Meier curve; infinite where the curve does not come down to it."""
    curve = resampling.curves(time[None], event[None])
    # Survival falls, so that its negative is sorted.
    at = np.searchsorted(-curve.survival[0], rank - 1.0)
    return np.append(curve.time[0], np.inf)[at]


def time_at(
    rank: NDArray[np.float64], months: NDArray[np.float64], survival: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Time of an event by its rank: log survival linear between the points, exponential beyond the last."""
    hazard = -np.log(np.clip(survival, 1e-6, 1.0))
    wanted = -np.log1p(-np.clip(rank, 0.0, 1.0 - 1e-9))
    slope = (hazard[-1] - hazard[-2]) / (months[-1] - months[-2]) if len(months) > 1 else hazard[-1] / months[-1]
    beyond = months[-1] + (wanted - hazard[-1]) / max(slope, 1e-6)
    return np.where(wanted > hazard[-1], beyond, np.interp(wanted, hazard, months))


def _alone(trial: Trial, agents: frozenset[str]) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Progression-free survival of these agents alone, or of their class, in a training study of the tumor type."""
    classes = frozenset(map(class_of, agents))
    for study in _training(trial.name):
        if study.name not in records.trials() or study.tumor != trial.tumor:
            continue
        for arm in records.trial(study.name).arms:
            reported = study.arm(arm.name)
            if reported is None or frozenset(map(class_of, parse(arm.regimen).agents)) != classes:
                continue
            for curve in reported.curves:
                if curve.endpoint == "pfs":
                    return np.array([0.0, *curve.months]), np.array([1.0, *curve.survival])
            for item in reported.reported():
                if item.endpoint == "median_pfs":
                    return np.array([0.0, item.to("month")]), np.array([1.0, 0.5])
    return None


def _training(name: str) -> Sequence[Study]:
    """Training studies that share no patients with the study `name`."""
    held_out = studies().get(name)
    related = {name, *(held_out.shares_patients_with if held_out else ())}
    return [s for s in studies().values() if s.role == "training" and s.name not in related]
