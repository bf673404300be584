"""The rivals: growth laws fitted to the scans of one lesion, laws with a population prior, and the last reading.

u = ln(V/V0) with V ~ d³, so that d = d0 exp(u/3); d0 is the first reading. Each law is an equation for u':

| law | u' |
|---|---|
| exponential | a |
| logistic | a (1 - e^u / K) |
| Gompertz | b - a u |
| general Gompertz | e^(-m u) (b - a u) |
| Bertalanffy | a e^(-u/3) - b |
| general Bertalanffy | a e^(-m u) - b |

and Stein's biexponential is d = d0 (e^(g t) + e^(-s t) - 1). Laws and their limits are those that Ghaffari Laleh et al.
2022 (doi 10.1371/journal.pcbi.1009822) compared on lesions under immunotherapy and chemotherapy.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

Array = NDArray[Any]
FASTEST = 0.1
"""Fastest rate that a law may have [1/day]."""
MOST = 250.0
"""Largest diameter that is forecast [mm]."""
CEILING = 60.0
"""Where u is held, so that no law overflows."""


def growth(rate: Array | float, days: Array) -> Array:
    """(1 - e^(-r t)) / r, which is t where r is 0."""
    exponent = np.clip(np.asarray(rate, float) * days, -CEILING, CEILING)
    safe = np.where(np.abs(exponent) < 1e-9, 1.0, exponent)
    return days * np.where(np.abs(exponent) < 1e-9, 1.0 - 0.5 * exponent, -np.expm1(-safe) / safe)


def exponential(days: Array, a: Array) -> Array:
    """u = a t."""
    return a * days


def logistic(days: Array, a: Array, capacity: Array) -> Array:
    """u = -ln(1/K + (1 - 1/K) e^(-a t)), `capacity` is ln K."""
    return -np.log(np.maximum(np.exp(-capacity) + (1.0 - np.exp(-capacity)) * np.exp(-a * days), 1e-26))


def gompertz(days: Array, a: Array, b: Array) -> Array:
    """u = (b / a) (1 - e^(-a t))."""
    return b * growth(a, days)


def general_gompertz(days: Array, a: Array, b: Array, m: Array, steps: int = 32) -> Array:
    """u of u' = e^(-m u) (b - a u), by Runge and Kutta's fourth-order rule in equal steps."""
    slope = lambda u: np.clip(np.exp(np.clip(-m * u, -30.0, 30.0)) * (b - a * u), -1.0, 1.0)
    ends = np.linspace(0.0, max(float(days.max()), 1.0), steps + 1)
    h = ends[1]
    u = np.zeros(np.broadcast_shapes(np.shape(a), (1,)))
    path = [u]
    for _ in range(steps):
        one = slope(u)
        two = slope(u + 0.5 * h * one)
        three = slope(u + 0.5 * h * two)
        u = u + h / 6.0 * (one + 2.0 * two + 2.0 * three + slope(u + h * three))
        path.append(u)
    before = np.minimum((days / h).astype(np.int64), steps - 1)
    table, share = np.concatenate(path, axis=-1), days / h - before
    return table[..., before] * (1.0 - share) + table[..., before + 1] * share


def bertalanffy(days: Array, a: Array, b: Array) -> Array:
    """General law with m = 1/3: surface feeds, volume spends."""
    return general_bertalanffy(days, a, b, np.asarray(1.0 / 3.0))


def general_bertalanffy(days: Array, a: Array, b: Array, m: Array) -> Array:
    """e^(m u) = e^(-m b t) + a m (1 - e^(-m b t)) / (m b)."""
    power = np.exp(np.clip(-m * b * days, -CEILING, CEILING)) + a * m * growth(m * b, days)
    return np.log(np.maximum(power, 1e-9)) / m


@dataclass(frozen=True)
class Law:
    """A growth law: u of days and parameters, and the limits of these."""

    name: str
    level: Callable[..., Array]
    low: tuple[float, ...]
    high: tuple[float, ...]

    def diameter(self, days: Array, first: float, parameters: Array) -> Array:
        """Diameter [mm], `[..., time]`, at days since the first reading `first` [mm], of parameters `[..., number]`."""
        level = self.level(days, *(parameters[..., k, None] for k in range(len(self.low))))
        return np.minimum(first * np.exp(np.clip(level, -CEILING, CEILING) / 3.0), MOST)

    def fit(self, days: Array, diameter: Array) -> Array:
        """Least squares on diameters: the best of a grid of starts, then SciPy's bounded trust region."""
        low, high = np.asarray(self.low), np.asarray(self.high)
        width = 1e-6 * (high - low) * np.eye(len(low))
        error = lambda p: self.diameter(days, diameter[0], p) - diameter
        # Steps inward from an upper limit; all columns in one call.
        toward = lambda p: np.where(p + width.diagonal() > high, -1.0, 1.0)
        slope: Any = lambda p: ((error(p + width * toward(p)) - error(p)) / (width.diagonal() * toward(p))[:, None]).T
        starts = np.array(list(product(*map(_grid, self.low, self.high))))
        best = starts[np.argmin((error(starts) ** 2).sum(axis=1))]
        options = {"x_scale": high - low, "max_nfev": 60, "ftol": 1e-7, "xtol": 1e-7}
        return least_squares(error, best, jac=slope, bounds=(low, high), **options).x


def _grid(low: float, high: float) -> Array:
    """Starts between limits, dense about 0 where these have either sign."""
    if low < 0.0 < high:
        return np.array([-0.3, -0.08, -0.02, 0.003, 0.02, 0.08, 0.3]) * high
    return low + (high - low) * (np.array([0.02, 0.1, 0.4, 0.8]))


LAWS = (
    Law("exponential", exponential, (-FASTEST,), (FASTEST,)),
    Law("logistic", logistic, (-FASTEST, 0.01), (FASTEST, 12.0)),
    Law("Gompertz", gompertz, (0.0, -FASTEST), (FASTEST, FASTEST)),
    Law("general Gompertz", general_gompertz, (0.0, -FASTEST, -0.5), (FASTEST, FASTEST, 0.5)),
    Law("Bertalanffy", bertalanffy, (0.0, -FASTEST), (FASTEST, FASTEST)),
    Law("general Bertalanffy", general_bertalanffy, (0.0, -FASTEST, 0.001), (FASTEST, FASTEST, 1.0)),
)


def stein(days: Array, parameters: Array) -> Array:
    """ln(d/d0) of the biexponential, `[..., time]`; parameters ln g and ln s [ln 1/day] and an offset."""
    g, s, offset = (parameters[..., k, None] for k in range(3))
    grown = np.exp(np.minimum(np.exp(g) * days, 20.0))
    return np.log(np.maximum(grown + np.exp(-np.exp(s) * days) - 1.0, 1e-3)) + offset


def population_gompertz(days: Array, parameters: Array) -> Array:
    """ln(d/d0) of Gompertz's law, `[..., time]`; parameters 100 b, ln a, and an offset."""
    b, a, offset = (parameters[..., k, None] for k in range(3))
    return b / 300.0 * growth(np.exp(a), days) + offset


@dataclass(frozen=True)
class Mixed:
    """A law whose parameters have a normal law between patients, learned from a fitting half (empirical Bayes).

    Attributes:
        curve: ln(d/d0) of days `[patient, time]` and parameters `[patient, parameter]`.
        mean, covariance: of the parameters between patients.
        error: standard deviation of ln(d + 10 mm) of a reading.
    """

    curve: Callable[[Array, Array], Array]
    mean: Array
    covariance: Array
    error: float

    @classmethod
    def learn(
        cls,
        curve: Callable[[Array, Array], Array],
        start: Array,
        days: Array,
        diameter: Array,
        count: NDArray[np.int64],
    ) -> "Mixed":
        """Fitted to lesions `[patient, time]` by expectation and maximization on Laplace's approximation."""
        found = cls(curve, np.asarray(start, float), np.diag([1.0, 1.0, 0.05**2]), 0.08)
        for _ in range(25):
            best, precision = found._mode(days, diameter, count)
            spread = np.linalg.inv(precision)
            mean = best.mean(axis=0)
            mean[2] = 0.0
            covariance = np.cov(best.T) + spread.mean(axis=0)
            known = np.arange(days.shape[1]) < count[:, None]
            misses = found._misses(best, days, diameter)[known]
            # A robust scale: lesions leap more often than a normal law allows.
            error = float(
                np.median(np.abs(misses)) / 0.6745 * np.sqrt(count.sum() / max(count.sum() - 2 * len(count), 1))
            )
            found = cls(curve, mean, covariance + 1e-6 * np.eye(3), max(error, 0.02))
        return found

    def forecast(self, days: Array, diameter: Array, count: NDArray[np.int64]) -> Array:
        """Diameters `[patient, time]` [mm] at all `days`, from the first `count` readings of each."""
        best, _ = self._mode(days, diameter, count)
        return np.minimum(diameter[:, :1] * np.exp(np.clip(self.curve(days, best), -9.0, 9.0)), MOST)

    def _misses(self, parameters: Array, days: Array, diameter: Array) -> Array:
        sizes = np.minimum(diameter[:, :1] * np.exp(np.clip(self.curve(days, parameters), -9.0, 9.0)), MOST)
        return np.log(diameter + 10.0) - np.log(sizes + 10.0)

    def _mode(self, days: Array, diameter: Array, count: NDArray[np.int64]) -> tuple[Array, Array]:
        """Posterior mode and its precision, by damped Gauss-Newton steps for all patients at once."""
        known = (np.arange(days.shape[1]) < count[:, None]) / self.error
        weight = np.linalg.inv(self.covariance)
        best = np.tile(self.mean, (len(days), 1))

        def loss(p: Array) -> Array:
            prior = np.einsum("ni,ij,nj->n", p - self.mean, weight, p - self.mean)
            return ((known * self._misses(p, days, diameter)) ** 2).sum(axis=1) + prior

        damping, now = np.full(len(days), 1e-2), loss(best)
        precision = np.tile(weight, (len(days), 1, 1))
        for _ in range(30):
            miss = known * self._misses(best, days, diameter)
            slope = (
                np.stack([known * (self._misses(best + 1e-4 * e, days, diameter)) - miss for e in np.eye(3)], axis=-1)
                / 1e-4
            )
            precision = np.einsum("nti,ntj->nij", slope, slope) + weight
            gradient = np.einsum("nti,nt->ni", slope, miss) + (best - self.mean) @ weight
            damped = precision + damping[:, None, None] * np.einsum("nij,ij->nij", precision, np.eye(3))
            step = np.linalg.solve(damped, gradient[..., None])[..., 0]
            tried = best - np.clip(step, -2.0, 2.0)
            then = loss(tried)
            better = then < now
            best, now = np.where(better[:, None], tried, best), np.where(better, then, now)
            damping = np.clip(np.where(better, 0.3 * damping, 5.0 * damping), 1e-6, 1e6)
        return best, precision
