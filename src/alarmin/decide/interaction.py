"""How benefit changes with a reading: from both potential outcomes of each patient, and as a trial sees it."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtr, ndtri
from scipy.stats import rankdata

from alarmin.trials import resampling, statistics
from alarmin.trials.statistics import Z

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


class Slope(NamedTuple):
    """An effect with its 95 % interval and two-sided p."""

    value: float
    low: float
    high: float
    p: float

    def exp(self) -> "Slope":
        """From the log scale to a ratio."""
        return Slope(float(np.exp(self.value)), float(np.exp(self.low)), float(np.exp(self.high)), self.p)


UNKNOWN = Slope(np.nan, np.nan, np.nan, np.nan)


def normal_scores(reading: Floats) -> Floats:
    """A reading on a common scale, `[patient]`: z = Φ⁻¹((rank - 1/2)/n), ties at their mean rank, then mean 0, SD 1."""
    z = ndtri((rankdata(reading) - 0.5) / len(reading))
    return (z - z.mean()) / z.std()


def restricted_times(time: Floats, event: Flags, until: float) -> Floats:
    """Time of each patient up to `until`, `[patient]`, as pseudo-observations of the restricted mean.

        T_i = n μ - (n - 1) μ_(-i),   μ the area under the Kaplan-Meier curve up to `until`

    It is min(T_i, until) itself where nobody is censored before, and else right on average.
    """
    n = len(time)
    others = ~np.eye(n, dtype=bool)
    without = lambda values: np.broadcast_to(values, (n, n))[others].reshape(n, n - 1)
    whole = resampling.restricted_means(time[None], event[None], until)[0]
    return n * whole - (n - 1) * resampling.restricted_means(without(time), without(event), until)[0]


def slope(y: Floats, terms: Floats, at: int) -> Slope:
    """Least-squares coefficient of column `at` of `terms` `[patient, term]`, with a sandwich standard error (HC1)."""
    n, k = terms.shape
    if n <= k or np.linalg.matrix_rank(terms) < k:
        return UNKNOWN
    bread = np.linalg.inv(terms.T @ terms)
    found = bread @ terms.T @ y
    scores = terms * (y - terms @ found)[:, None]
    return _wald(found[at], (bread @ scores.T @ scores @ bread)[at, at] * n / (n - k))


def logistic(y: Flags, terms: Floats, at: int, steps: int = 30) -> Slope:
    """Log odds ratio of column `at` of `terms` `[patient, term]`; unknown where the terms tell all outcomes apart."""
    found = np.zeros(terms.shape[1])
    for _ in range(steps):
        p = expit(terms @ found)
        information = terms.T @ (terms * (p * (1.0 - p))[:, None])
        if np.linalg.cond(information) > 1e10 or np.abs(found).max() > 15.0:
            return UNKNOWN
        move = np.linalg.solve(information, terms.T @ (y - p))
        found = found + move
        if np.abs(move).max() < 1e-9:
            return _wald(found[at], np.linalg.inv(information)[at, at])
    return UNKNOWN


def cox(time: Floats, event: Flags, terms: Floats, at: int) -> Slope:
    """Log hazard ratio of column `at` of `terms` `[patient, term]` in Cox's model; unknown where it has no maximum."""
    found = statistics.cox_effects(time, event, terms)
    return UNKNOWN if found is None else _wald(found[0][at], found[1][at] ** 2)


def _wald(value: float, variance: float) -> Slope:
    error = float(np.sqrt(max(variance, 0.0)))
    if error == 0.0 or not np.isfinite(error):
        return UNKNOWN
    p = float(2.0 * ndtr(-abs(value) / error))
    return Slope(float(value), float(value - Z * error), float(value + Z * error), p)
