"""Survival statistics of many small trials at once: arrays `[replicate, patient]` in, one number a replicate out."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Times = NDArray[np.float64]
Events = NDArray[np.bool_]


class Curves(NamedTuple):
    """Kaplan-Meier curves: sorted times and survival just after each, `[replicate, patient]`."""

    time: Times
    survival: NDArray[np.float64]

    def quantile(self, level: float) -> NDArray[np.float64]:
        """First time at which survival is at most `level`, `[replicate]`; infinite where it is not reached."""
        below = self.survival <= level + 1e-12
        first = below.argmax(axis=1)
        return np.where(below.any(axis=1), self.time[np.arange(len(first)), first], np.inf)

    def at(self, time: float) -> NDArray[np.float64]:
        """Survival at a time, `[replicate]`; not a number beyond the last time under observation."""
        known = np.concatenate([np.ones((len(self.time), 1)), self.survival], axis=1)
        row = (self.time <= time).sum(axis=1)
        return np.where(self.time[:, -1] >= time, known[np.arange(len(row)), row], np.nan)


def curves(time: Times, event: Events) -> Curves:
    """The Kaplan-Meier estimate of each replicate; events come before censorings at the same time."""
    order = np.lexsort((~event, time), axis=1)
    time, event = np.take_along_axis(time, order, 1), np.take_along_axis(event, order, 1)
    at_risk = np.arange(time.shape[1], 0, -1)
    # Deaths at one time, taken one after the other, multiply to the same factor as all at once.
    return Curves(time, np.cumprod(1.0 - event / at_risk, axis=1))


def hazard_ratios(time: Times, event: Events, first: Events, sweeps: int = 8) -> tuple[NDArray, NDArray]:
    """Hazard ratio of the patients marked in `first` `[patient]` (Cox, Breslow's ties), and its log-rank p.

    Newton's method on the partial likelihood of one binary covariate; bounded to 1/50 to 50, where an arm without
    events would send it away.
    """
    order = np.argsort(time, axis=1, kind="stable")
    time, event = np.take_along_axis(time, order, 1), np.take_along_axis(event, order, 1)
    group = first[order].astype(np.float64)
    left = lambda values: np.cumsum(values[:, ::-1], axis=1)[:, ::-1]
    # All who share a time are at risk at it.
    fresh = np.concatenate([np.ones((len(time), 1), bool), np.diff(time, axis=1) > 0], axis=1)
    begin = np.maximum.accumulate(np.where(fresh, np.arange(time.shape[1]), 0), axis=1)
    risk_first = np.take_along_axis(left(group), begin, 1)
    risk_other = np.take_along_axis(left(1.0 - group), begin, 1)

    def slope(effect: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        weighted = risk_first * np.exp(effect)[:, None]
        share = weighted / (weighted + risk_other)
        return ((group - share) * event).sum(axis=1), (share * (1.0 - share) * event).sum(axis=1)

    effect = np.zeros(len(time))
    score, information = slope(effect)
    z = score / np.sqrt(np.maximum(information, 1e-12))
    for _ in range(sweeps):
        effect = np.clip(effect + np.clip(score / np.maximum(information, 1e-9), -1.0, 1.0), -np.log(50), np.log(50))
        score, information = slope(effect)
    return np.exp(effect), 2.0 * ndtr(-np.abs(z))


def proportions_differ(first: Events, other: Events) -> NDArray[np.float64]:
    """Two-sided p that two proportions are equal, from their pooled standard error, `[replicate]`."""
    n, m = first.shape[1], other.shape[1]
    pooled = (first.sum(axis=1) + other.sum(axis=1)) / (n + m)
    error = np.sqrt(np.maximum(pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m), 1e-12))
    return 2.0 * ndtr(-np.abs(first.mean(axis=1) - other.mean(axis=1)) / error)
