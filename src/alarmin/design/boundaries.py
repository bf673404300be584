"""Boundaries of group sequential tests, by the recursive integration of Armitage, McPherson and Rowe.

Statistics Z_1, …, Z_K are normal with variance 1, means θ √t_k and correlations √(t_j / t_k), where t_k is the share of
the information that look k has. A trial goes on while lower_k < Z_k < upper_k, and the density of those that go on is

    g_k(z) = ∫ g_{k-1}(u) φ((z √t_k - u √t_{k-1} - θ Δ) / √Δ) √(t_k / Δ) du,   Δ = t_k - t_{k-1}

Large Z speaks for the experimental arm.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from alarmin.design.plan import DesignError

Spending = Literal["obrien_fleming", "pocock", "classical_obrien_fleming", "classical_pocock"]
Vector = NDArray[np.float64]

NODES, WEIGHTS = np.polynomial.legendre.leggauss(200)
REACH = 8.5
"""Standard deviations beyond which nothing is integrated."""

EXPONENT = {"classical_obrien_fleming": 0.0, "classical_pocock": 0.5}
"""Δ of Wang and Tsiatis: a classical boundary is c t^(Δ - 1/2)."""


@dataclass(frozen=True)
class Boundaries:
    """What Z is compared with at each look, `[look]`.

    Attributes:
        information: share of the information at each look [-].
        upper: at or above which the trial stops for efficacy.
        lower: at or below which it stops for futility, or for harm where the test is two-sided; -∞ where it does not.
        spent: one-sided alpha that has been spent up to each look [-].
        drift: θ at which the trial has its power, where beta is spent; else None.
    """

    information: Vector
    upper: Vector
    lower: Vector
    spent: Vector
    drift: float | None = None


def crossing(information: Vector, lower: Vector, upper: Vector, drift: float = 0.0) -> tuple[Vector, Vector]:
    """Probabilities that the trial stops at each look below `lower` and above `upper`, `[look]` each."""
    walk = _Walk(drift)
    below, above = [], []
    for t, low, high in zip(information, lower, upper, strict=True):
        walk.step(t)
        below.append(1.0 - walk.above(low))
        above.append(walk.above(high))
        below[-1] -= walk.stopped
        walk.keep(low, high)
    return np.array(below), np.array(above)


def spending(name: str, alpha: float, t: Vector) -> Vector:
    """One-sided alpha spent up to the information t (Lan and DeMets).

    obrien_fleming  2 (1 - Φ(Φ⁻¹(1 - α/2) / √t))
    pocock          α ln(1 + (e - 1) t)
    """
    if name == "obrien_fleming":
        return np.asarray(2.0 * ndtr(-ndtri(1.0 - alpha / 2.0) / np.sqrt(t)))
    return np.asarray(alpha * np.log1p((np.e - 1.0) * np.minimum(t, 1.0)))


def efficacy(
    fractions: Sequence[float],
    alpha: float,
    rule: Spending | Sequence[float] = "obrien_fleming",
    *,
    sides: int = 1,
    information: Sequence[float] | None = None,
) -> Boundaries:
    """Boundaries that spend `alpha`, and stop for efficacy alone; on both sides of zero where `sides` is 2.

    Args:
        fractions: planned share of the information at each look, increasing to 1.
        alpha: level of all looks together; each side has half of it where there are two.
        rule: a spending function, a classical shape, or alpha at each look.
        sides: 1 or 2.
        information: share of the information that the looks have in truth; that planned, by default.
    """
    planned = np.asarray(fractions, float)
    t = planned if information is None else np.asarray(information, float)
    level = alpha / sides
    if isinstance(rule, str) and rule in EXPONENT:
        return _classical(t, level, EXPONENT[rule], sides)
    spent = spending(rule, level, planned) if isinstance(rule, str) else np.cumsum(rule) / sides
    spent[-1] = level
    walk, upper = _Walk(0.0), np.empty(len(t))
    for k, share in enumerate(np.diff(spent, prepend=0.0)):
        walk.step(t[k])
        upper[k] = walk.quantile(share)
        walk.keep(-upper[k] if sides == 2 else -np.inf, upper[k])
    lower = -upper if sides == 2 else np.full(len(t), -np.inf)
    return Boundaries(t, upper, lower, spent)


def wang_tsiatis(t: Sequence[float], level: float, exponent: float, sides: int = 1) -> Vector:
    """The boundary c t^(Δ - 1/2) that is crossed upward with probability `level`; Δ is `exponent`."""
    shape = np.asarray(t, float) ** (exponent - 0.5)
    low = lambda c: -c * shape if sides == 2 else np.full(len(shape), -np.inf)
    c: Any = brentq(lambda c: crossing(np.asarray(t, float), low(c), c * shape)[1].sum() - level, 0.0, 8.0, xtol=1e-9)
    return c * shape


def _classical(t: Vector, level: float, exponent: float, sides: int) -> Boundaries:
    upper = wang_tsiatis(list(t), level, exponent, sides)
    lower = -upper if sides == 2 else np.full(len(t), -np.inf)
    return Boundaries(t, upper, lower, np.cumsum(crossing(t, lower, upper)[1]))


def with_futility(found: Boundaries, beta: float, rule: str | Sequence[float], *, binding: bool = False) -> Boundaries:
    """One-sided boundaries with a lower one that spends `beta` under the drift for which the last ones meet.

    Args:
        found: boundaries for efficacy; kept as they are unless the lower one is `binding`.
        beta: 1 - power.
        rule: a spending function, or beta at each look.
        binding: whether the trial must stop at the lower boundary; then the upper one is lowered, which uses alpha up.

    Raises `DesignError` where no drift makes the last boundaries meet.
    """
    t = found.information
    wanted = spending(rule, beta, t) if isinstance(rule, str) else np.cumsum(rule)
    wanted[-1] = beta
    alphas, betas = np.diff(found.spent, prepend=0.0), np.diff(wanted, prepend=0.0)

    def both(drift: float) -> tuple[Vector, Vector]:
        null, walk = _Walk(0.0), _Walk(drift)
        upper, lower = found.upper.copy(), np.empty(len(t))
        for k in range(len(t)):
            null.step(t[k])
            walk.step(t[k])
            if binding:
                upper[k] = null.quantile(alphas[k])
            lower[k] = walk.lower_quantile(betas[k])
            if lower[k] >= upper[k] and k < len(t) - 1:
                # So large an effect leaves nothing between the boundaries before the last look.
                return np.append(lower[:-1], REACH), np.append(upper[:-1], 0.0)
            null.keep(lower[k] if binding else -np.inf, upper[k])
            walk.keep(lower[k], upper[k])
        return lower, upper

    def gap(drift: float) -> float:
        lower, upper = both(drift)
        return lower[-1] - upper[-1]

    try:
        root: Any = brentq(gap, 0.0, 8.0, xtol=1e-8)
        drift = float(root)
    except ValueError:
        raise DesignError(
            f"no effect gives power {1.0 - beta:g} with these boundaries", remedy="ask for less power, or fewer looks"
        ) from None
    lower, upper = both(drift)
    lower[-1] = upper[-1]
    return Boundaries(t, upper, lower, np.cumsum(crossing(t, lower if binding else found.lower, upper)[1]), drift)


class _Walk:
    """The density of trials that have not stopped, from look to look."""

    def __init__(self, drift: float) -> None:
        self.drift, self.t, self.stopped = drift, 0.0, 0.0
        self.z, self.mass = np.zeros(1), np.ones(1)

    def step(self, t: float) -> None:
        """Goes to the information t."""
        self.before, self.t = self.t, t
        width = np.sqrt(t - self.before)
        self.shift = (self.z * np.sqrt(self.before) + self.drift * width**2) / width
        self.scale = np.sqrt(t) / width
        self.stopped = 1.0 - float(self.mass.sum())

    def above(self, z: float) -> float:
        """Probability of having come this far, and of lying above z."""
        return float(self.mass @ ndtr(self.shift - z * self.scale))

    def quantile(self, share: float) -> float:
        """The z above which `share` of all trials lies; infinite where it is nothing."""
        return _solve(lambda z: self.above(z) - share) if share > 0 else np.inf

    def lower_quantile(self, share: float) -> float:
        """The z below which `share` of all trials lies; minus infinite where it is nothing."""
        below = lambda z: float(self.mass @ ndtr(z * self.scale - self.shift))
        return _solve(lambda z: below(z) - share) if share > 0 else -np.inf

    def keep(self, lower: float, upper: float) -> None:
        """Keeps the trials between two bounds."""
        center = self.drift * np.sqrt(self.t)
        low, high = max(lower, center - REACH), min(upper, center + REACH)
        if high <= low:
            self.z, self.mass = np.zeros(1), np.zeros(1)
            return
        z = low + (high - low) * (NODES + 1.0) / 2.0
        gauss = np.exp(-0.5 * (z[:, None] * self.scale - self.shift) ** 2) / np.sqrt(2.0 * np.pi) * self.scale
        self.z, self.mass = z, (gauss @ self.mass) * WEIGHTS * (high - low) / 2.0


def _solve(gap: Callable[[float], float]) -> float:
    """Where a monotone function of z is zero; at the end of what can be told apart where it is nowhere."""
    if gap(-REACH) * gap(REACH) > 0:
        return -REACH if abs(gap(-REACH)) < abs(gap(REACH)) else REACH
    root: Any = brentq(gap, -REACH, REACH, xtol=1e-10)
    return float(root)
