"""Survival statistics of many small trials at once: arrays `[replicate, patient]` in, one number a replicate out.

From `log_ranks` on, patients with time 0 are not there: they are at risk at no event.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr
from scipy.stats import binom, fisher_exact

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

    Bounded to 1/50 to 50, where an arm without events would send it away.
    """
    effect, _, z = _newton(*_risk_sets(time, event, np.broadcast_to(first, time.shape), efron=False), sweeps)
    return np.exp(effect), 2.0 * ndtr(-np.abs(z))


def cox(time: Times, event: Events, first: Events, sweeps: int = 8) -> tuple[NDArray, NDArray]:
    """Log hazard ratio of the patients marked in `first` and its standard error, `[replicate]` each (Efron's ties).

    Of d deaths at one time, with n1, n2 at risk and d1, d2 dying in the two arms, the l-th is one among
    n1 - d1 l/d and n2 - d2 l/d, l from 0. Bounded to ln 1/50 to ln 50, where an arm without events would send it away.

    Args:
        time, event, first: `[replicate, patient]`.
        sweeps: steps of Newton's method.
    """
    return _newton(*_risk_sets(time, event, first, efron=True), sweeps)[:2]


def _risk_sets(time: Times, event: Events, first: Events, *, efron: bool) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """By time: who is in the first arm, who has an event, and how many are at risk at it in either arm."""
    order = np.argsort(time, axis=1, kind="stable")
    time, event = np.take_along_axis(time, order, 1), np.take_along_axis(event, order, 1)
    group = np.take_along_axis(first, order, 1).astype(np.float64)
    left = lambda values: np.cumsum(values[:, ::-1], axis=1)[:, ::-1]
    # All who share a time are at risk at it.
    fresh = np.concatenate([np.ones((len(time), 1), bool), np.diff(time, axis=1) > 0], axis=1)
    begin = np.maximum.accumulate(np.where(fresh, np.arange(time.shape[1]), 0), axis=1)
    risk_first = np.take_along_axis(left(group), begin, 1)
    risk_other = np.take_along_axis(left(1.0 - group), begin, 1)
    if efron and not fresh.all():
        last = np.concatenate([fresh[:, 1:], np.ones((len(time), 1), bool)], axis=1)
        end = np.minimum.accumulate(np.where(last, np.arange(time.shape[1]), time.shape[1])[:, ::-1], axis=1)[:, ::-1]
        before = lambda counts: np.concatenate([np.zeros((len(time), 1)), np.cumsum(counts, axis=1)], axis=1)
        died, died_first = before(event), before(event * group)
        start = np.take_along_axis(died, begin, 1)
        deaths = np.take_along_axis(died, end + 1, 1) - start
        deaths_first = np.take_along_axis(died_first, end + 1, 1) - np.take_along_axis(died_first, begin, 1)
        gone = (died[:, :-1] - start) / np.maximum(deaths, 1.0)
        risk_first = risk_first - gone * deaths_first
        risk_other = risk_other - gone * (deaths - deaths_first)
    return group, event, risk_first, risk_other


def _newton(
    group: NDArray, event: NDArray, risk_first: NDArray, risk_other: NDArray, sweeps: int
) -> tuple[NDArray, NDArray, NDArray]:
    """Effect, its standard error, and z of the score test, by Newton's method on the partial likelihood."""

    def slope(effect: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        weighted = risk_first * np.exp(effect)[:, None]
        share = weighted / (weighted + risk_other)
        return ((group - share) * event).sum(axis=1), (share * (1.0 - share) * event).sum(axis=1)

    effect = np.zeros(len(group))
    score, information = slope(effect)
    z = score / np.sqrt(np.maximum(information, 1e-12))
    for _ in range(sweeps):
        effect = np.clip(effect + np.clip(score / np.maximum(information, 1e-9), -1.0, 1.0), -np.log(50), np.log(50))
        score, information = slope(effect)
    return effect, 1.0 / np.sqrt(np.maximum(information, 1e-12)), z


def proportions_differ(first: Events, other: Events) -> NDArray[np.float64]:
    """Two-sided p of Fisher's exact test that two proportions are equal, `[replicate]`."""
    n, m = first.shape[1], other.shape[1]
    pairs, at = np.unique(np.stack([first.sum(axis=1), other.sum(axis=1)], axis=1), axis=0, return_inverse=True)
    p = [fisher_exact([[a, n - a], [b, m - b]]).pvalue for a, b in pairs]  # type: ignore[attr-defined]
    return np.array(p)[at.ravel()]


def exceeds(event: Events, null: float, alpha: float) -> Events:
    """Whether more have the event than a share `null` would have, `[replicate]`: exact, to one side at `alpha`/2."""
    count, n = event.sum(axis=1), event.shape[1]
    return binom.sf(count - 1, n, null) < 0.5 * alpha


TICKS = 2.0**24
"""Parts of a unit of time that are told apart where times are sorted as integers, many times as fast as otherwise."""


class Sorted(NamedTuple):
    """Patients by time, events before censorings, `[replicate, patient]`; `first` is what was passed as such."""

    time: NDArray[np.int64]
    event: Events
    first: Events

    @property
    def at_risk(self) -> NDArray[np.int64]:
        """How many are left, those who go first at equal times apart, `[patient]`."""
        return np.arange(self.time.shape[1], 0, -1)

    @property
    def first_at_risk(self) -> NDArray[np.float64]:
        """How many of those are left who were passed as `first`, `[replicate, patient]`."""
        return np.cumsum(self.first[:, ::-1], axis=1, dtype=np.float64)[:, ::-1]


def by_time(time: Times, event: Events, first: Events | None = None) -> Sorted:
    """Sorts by time, with both marks packed into the integer that is sorted."""
    key = np.rint(time * TICKS).astype(np.int64) << 2
    key |= (~event).astype(np.int64) << 1
    if first is not None:
        key |= first
    key.sort(axis=1)
    return Sorted(key >> 2, (key & 2) == 0, (key & 1) == 1)


def log_ranks(
    time: Times,
    event: Events,
    first: Events,
    weights: Sequence[tuple[float, float]] = ((0.0, 0.0),),
    *,
    permuted: bool = False,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weighted log-rank scores, positive where those marked in `first` `[replicate, patient]` do better.

        U = Σ w (d n1/n - d1),   V_ab = Σ w_a w_b d (n1/n) (1 - n1/n) (n - d)/(n - 1),   w = S^ρ (1 - S)^γ

    over times of events, S the pooled Kaplan-Meier curve just before (Fleming and Harrington). U is also the sum over
    those in `first` of scores c of all patients, and over all ways to mark as many of them (`permuted`)

        c = Σ_(until then) w d/n - w [event],   V_ab = N1 (N - N1) / (N (N - 1)) Σ c_a c_b

    over the N patients with a time above 0 (Leton and Zuluaga 2001; Brown 1984). Both have the same mean. The first
    falls where U is far from 0 and one arm has few left, so that U/√V has heavy tails where weights are late; the
    second depends on nothing that U depends on, and asks for equal follow-up in both arms.

    Args:
        time, event, first: `[replicate, patient]`.
        weights: ρ and γ of each weight.
        permuted: whether V is that of permutations.

    Returns:
        U `[replicate, weight]` and V `[replicate, weight, weight]`.
    """
    found = by_time(time, event, first)
    n, died, mine = found.time.shape[1], found.event, found.first.astype(np.float64)
    begins = np.empty(found.time.shape, bool)
    begins[:, 0] = True
    np.not_equal(found.time[:, 1:], found.time[:, :-1], out=begins[:, 1:])
    # What holds at the first of those who share a time holds for all of them; as counts only fall, it is the least.
    since = lambda values: np.minimum.accumulate(np.where(begins, values, np.inf), axis=1)
    risk = since(found.at_risk.astype(np.float64))
    share = since(found.first_at_risk) / risk
    so_far = np.cumsum(died, axis=1, dtype=np.float64)
    ends = np.concatenate([begins[:, 1:], np.ones((len(begins), 1), bool)], axis=1)
    # And what holds at the last of them, of sums that only rise.
    until = lambda values: np.minimum.accumulate(np.where(ends, values, np.inf)[:, ::-1], axis=1)[:, ::-1]
    deaths = until(so_far) + since(died - so_far)
    surplus = (share - mine) * died
    spread = share * (1.0 - share) * np.maximum(risk - deaths, 0.0) / np.maximum(risk - 1.0, 1.0) * died
    if tuple(weights) == ((0.0, 0.0),) and not permuted:
        return surplus.sum(axis=1)[:, None], spread.sum(axis=1)[:, None, None]
    before = np.ones((len(died), n))
    np.cumprod((1.0 - died / found.at_risk)[:, :-1], axis=1, out=before[:, 1:])
    alive = since(before)
    w = [alive**rho * (1.0 - alive) ** gamma for rho, gamma in weights]
    score = np.stack([(one * surplus).sum(axis=1) for one in w], axis=1)
    if permuted:
        there = found.time > 0
        total, first_total = there.sum(axis=1), (there & found.first).sum(axis=1)
        ways = first_total * (total - first_total) / np.maximum(total * (total - 1.0), 1.0)
        c = np.stack([until(np.cumsum(one * died / risk, axis=1)) - one * died for one in w])
        return score, ways[:, None, None] * np.einsum("arp,brp->rab", c, c)
    both = np.array([[(one * other * spread).sum(axis=1) for other in w] for one in w])
    return score, np.moveaxis(both, -1, 0)


def restricted_means(time: Times, event: Events, until: float) -> tuple[NDArray, NDArray]:
    """Mean time up to `until` and its variance, `[replicate]` each; as `statistics.restricted_mean` has it."""
    found = by_time(time, event)
    at = np.minimum(found.time / TICKS, until)
    survival = np.cumprod(1.0 - found.event / found.at_risk, axis=1)
    steps = np.diff(at, axis=1, prepend=0.0)
    steps[:, 1:] *= survival[:, :-1]
    area = np.cumsum(steps, axis=1)
    mean = area[:, -1] + survival[:, -1] * (until - at[:, -1])
    return mean, (_greenwood(found, until) * (mean[:, None] - area) ** 2).sum(axis=1)


def milestones(time: Times, event: Events, at: float) -> NDArray[np.float64]:
    """Survival at a time (Kaplan and Meier), `[replicate]`."""
    found = by_time(time, event)
    return np.prod(1.0 - (found.event & (found.time <= round(at * TICKS))) / found.at_risk, axis=1)


def milestone_differences(time: Times, event: Events, first: Events, at: float) -> tuple[NDArray, NDArray]:
    """Difference of survival at a time, of those in `first` less the others, and its variance, `[replicate]` each.

        V = S^2 Σ d/(n (n - d)) n (1/n1 + 1/n0)

    with S, deaths d and numbers at risk n of both together, as where both survive alike: an arm with few left would
    believe what happened to them, and find a difference too often (Greenwood's variance of each arm).
    """
    found = by_time(time, event, first)
    n, mine = found.at_risk.astype(np.float64), found.first_at_risk
    died = found.event & (found.time <= round(at * TICKS))
    arms = ((found.first, mine), (~found.first, n - mine))
    one, other = (np.prod(1.0 - (died & arm) / np.maximum(left, 1.0), axis=1) for arm, left in arms)
    pooled = np.prod(1.0 - died / n, axis=1)
    weight = sum(np.where(left > 0, n / np.maximum(left, 1.0), 0.0) for _, left in arms)
    return one - other, pooled**2 * (_greenwood(found, at) * weight).sum(axis=1)


def _greenwood(found: Sorted, until: float) -> NDArray[np.float64]:
    """1/(n (n - 1)) of each event up to `until`; events at one time, one after the other, sum to d/(n (n - d))."""
    n = found.at_risk.astype(np.float64)
    last = np.where(n > 1, 1.0 / (n * np.maximum(n - 1.0, 1.0)), 0.0)
    return np.where(found.event & (found.time <= round(until * TICKS)), last, 0.0)
