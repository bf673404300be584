"""Survival statistics: Kaplan-Meier, log-rank, Cox, restricted mean. Times in any unit, events as booleans."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import beta

from alarmin.trials import resampling

Z = float(ndtri(0.975))
"""Half of the central 95 % of a standard normal law."""


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % confidence interval; not a number or infinite where it is not reached."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class HazardRatio:
    """A hazard ratio of Cox's model (Efron's ties), its 95 % Wald interval, and the two-sided log-rank p."""

    hr: float
    low: float
    high: float
    p: float


@contextmanager
def _quiet() -> Iterator[None]:
    """Lifelines warns about its own use of pandas and numpy, and about arms in which nobody has an event."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def kaplan_meier(time: NDArray[np.float64], event: NDArray[np.bool_]) -> Any:
    """The Kaplan-Meier estimate with log-log intervals, as a fitted lifelines object."""
    with _quiet():
        # Lifelines takes seconds to load, and most uses of Alarmin need no statistics.
        from lifelines import KaplanMeierFitter

        return KaplanMeierFitter().fit(np.asarray(time, float), np.asarray(event, bool))


def median(time: NDArray[np.float64], event: NDArray[np.bool_]) -> Estimate:
    """Kaplan-Meier median; infinite where it is not reached, as is its upper limit.

    Where survival falls to nothing its variance is not known, so that no limit is read there: the lower one is not a
    number where it would be.
    """
    curve = kaplan_meier(time, event)
    survival = curve.survival_function_.to_numpy()[:, 0]
    low, high = np.where(survival > 0.0, curve.confidence_interval_.to_numpy().T, np.nan)
    crossing = lambda values: _first_at_most(curve.timeline, values, 0.5)
    value, least = crossing(survival), crossing(low)
    return Estimate(value, least if least <= value else np.nan, crossing(high))


def survival_at(time: NDArray[np.float64], event: NDArray[np.bool_], at: float) -> Estimate:
    """Kaplan-Meier survival at time `at`; not a number beyond the last time under observation."""
    if at > np.max(time):
        return Estimate(np.nan, np.nan, np.nan)
    curve = kaplan_meier(time, event)
    row = int(np.searchsorted(curve.timeline, at, side="right")) - 1
    low, high = curve.confidence_interval_.iloc[row].to_numpy()
    return Estimate(float(curve.survival_function_.iloc[row, 0]), float(low), float(high))


def restricted_mean(time: NDArray[np.float64], event: NDArray[np.bool_], until: float) -> Estimate:
    """Mean time up to `until`: the area under the Kaplan-Meier curve.

    variance = sum over event times of A² d / (n (n - d)),   A area to the right of the event, n at risk, d events
    """
    time, event = np.asarray(time, float), np.asarray(event, bool)
    at = np.unique(time[event & (time < until)])
    risk = np.sum(time[:, None] >= at, axis=0)
    events = np.sum((time[:, None] == at) & event[:, None], axis=0)
    steps = np.concatenate([[1.0], np.cumprod(1.0 - events / risk)])
    widths = np.diff(np.concatenate([[0.0], at, [until]]))
    areas = steps * widths
    right = np.cumsum(areas[::-1])[::-1][1:]
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(risk > events, right**2 * events / (risk * (risk - events)), 0.0)
    spread = Z * float(np.sqrt(terms.sum()))
    mean = float(areas.sum())
    return Estimate(mean, mean - spread, mean + spread)


def log_rank(
    time: NDArray[np.float64], event: NDArray[np.bool_], experimental: NDArray[np.bool_]
) -> tuple[float, float]:
    """Log-rank z (negative where the experimental arm does better) and two-sided p.

    U = sum(d1 - d n1/n),    V = sum(d (n1/n) (1 - n1/n) (n - d)/(n - 1)),    z = U / sqrt(V)
    """
    from scipy.special import ndtr

    time, event, first = np.asarray(time, float), np.asarray(event, bool), np.asarray(experimental, bool)
    at = np.unique(time[event])
    risk = np.sum(time[:, None] >= at, axis=0)
    risk_first = np.sum((time[:, None] >= at) & first[:, None], axis=0)
    dying = (time[:, None] == at) & event[:, None]
    deaths, deaths_first = dying.sum(axis=0), (dying & first[:, None]).sum(axis=0)
    share = risk_first / risk
    surplus = float(np.sum(deaths_first - deaths * share))
    variance = float(np.sum(deaths * share * (1.0 - share) * (risk - deaths) / np.maximum(risk - 1, 1)))
    if variance == 0.0:
        return 0.0, 1.0
    z = surplus / variance**0.5
    return z, float(2.0 * ndtr(-abs(z)))


def cox(time: NDArray[np.float64], event: NDArray[np.bool_], experimental: NDArray[np.bool_]) -> HazardRatio:
    """Hazard ratio of the experimental arm; not a number where an arm has no event."""
    p = log_rank(time, event, experimental)[1]
    if not event[experimental].any() or not event[~experimental].any():
        return HazardRatio(np.nan, np.nan, np.nan, p)
    effect, error = (float(found[0]) for found in resampling.cox(time[None], event[None], experimental[None]))
    return HazardRatio(float(np.exp(effect)), float(np.exp(effect - Z * error)), float(np.exp(effect + Z * error)), p)


def cox_effects(
    time: NDArray[np.float64], event: NDArray[np.bool_], terms: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Log hazard ratios and standard errors of `terms` `[patient, term]` in one Cox model (Efron's ties).

    None where the partial likelihood has no maximum, as where a term tells who has an event.
    """
    import pandas as pd

    names = [f"term {number}" for number in range(terms.shape[1])]
    table = pd.DataFrame(terms, columns=pd.Index(names)).assign(time=time, event=event)
    with _quiet():
        from lifelines import CoxPHFitter
        from lifelines.exceptions import ConvergenceError

        try:
            fit = CoxPHFitter().fit(table, "time", "event")
        except (ConvergenceError, ZeroDivisionError, np.linalg.LinAlgError):
            return None
    effects, errors = fit.params_.loc[names].to_numpy(), fit.standard_errors_.loc[names].to_numpy()
    fine = np.isfinite(effects).all() and np.isfinite(errors).all() and errors.max() < 10.0
    return (effects, errors) if fine else None


def proportion(count: int, of: int) -> Estimate:
    """A proportion with the exact (Clopper-Pearson) interval."""
    if of == 0:
        return Estimate(np.nan, np.nan, np.nan)
    low = 0.0 if count == 0 else float(beta.ppf(0.025, count, of - count + 1))
    high = 1.0 if count == of else float(beta.ppf(0.975, count + 1, of - count))
    return Estimate(count / of, low, high)


def difference(count: int, of: int, other_count: int, other_of: int) -> Estimate:
    """The first of two proportions less the other, with Newcombe's interval, which is no point where all are alike.

    d - sqrt((p1 - l1)² + (u2 - p2)²) to d + sqrt((u1 - p1)² + (p2 - l2)²),   l, u the limits of Wilson
    """
    from scipy.stats import binomtest

    p1, p2 = count / of, other_count / other_of
    one, two = (binomtest(k, n).proportion_ci(method="wilson") for k, n in ((count, of), (other_count, other_of)))
    below, above = np.hypot(p1 - one.low, two.high - p2), np.hypot(one.high - p1, p2 - two.low)
    return Estimate(p1 - p2, float(p1 - p2 - below), float(p1 - p2 + above))


def _first_at_most(times: NDArray[np.float64], values: NDArray[np.float64], level: float) -> float:
    # A survival of one half comes out a few bits above it, for example with 3 deaths of 6.
    below = np.flatnonzero(values <= level + 1e-12)
    return float(times[below[0]]) if len(below) else float("inf")
