"""Sample-size re-estimation: a trial with a promising, not yet convincing interim result grows.

At the look before the last, with z at share t of the information and the final boundary c, the power that is left if
the effect goes on as seen and the final information is I (1 as planned) is

    CP(I) = Φ(z √(I - t) / √t - (c - z √t) / √(1 - t))

A trial with CP(1) between `promising` and its goal grows until CP reaches the goal, or to `most`. The final test
weighs the increments of its statistic as planned, √t z_1 + √(1 - t) z_2, so that alpha holds however large it became
(Cui, Hung and Wang; Mehta and Pocock).
"""

import numpy as np
from scipy.special import ndtr, ndtri

from alarmin.design.boundaries import Boundaries
from alarmin.design.patients import Floats, People, Trials, draw
from alarmin.design.plan import Design
from alarmin.design.sequential import TINY, Runs, cut_at, decide, looks_at, scores, statistic


def simulate(
    design: Design, people: People, bounds: Boundaries, rng: np.random.Generator, count: int, *, null: bool
) -> Runs:
    """`count` trials that are re-estimated at the look before the last."""
    rule = design.reestimation
    assert rule is not None
    trials = draw(people, design, rng, count, null=null, candidates=int(np.ceil(design.patients * rule.most)))
    planned, t = looks_at(design), bounds.information
    cuts, z = np.empty((count, len(t))), np.empty((count, len(t)))
    weak = np.zeros(z.shape, bool)
    limit = design.looks.futility.hazard_ratio if design.looks.futility is not None else None
    for look, at in enumerate(planned[:-1]):
        cuts[:, look] = cut_at(trials, design, at)
        score, spread = scores(trials, design, cuts[:, look])
        z[:, look] = statistic(design, score, spread)
        if limit is not None:
            weak[:, look] = -score[:, -1] / np.maximum(spread[:, -1, -1], TINY) > np.log(limit)
    before = score[:, 0], spread[:, 0, 0]
    size = new_size(z[:, -2], t[-2], bounds.upper[-1], rule.promising, design.power, rule.most)
    enroll_more(trials, design, cuts[:, -2], np.round(size * design.patients).astype(int), rng)
    cuts[:, -1] = cut_at(trials, design, np.round(size * planned[-1]).astype(int))
    after, spread = scores(trials, design, cuts[:, -1])
    gained = spread[:, 0, 0] - before[1]
    increment = np.where(gained > TINY, (after[:, 0] - before[0]) / np.sqrt(np.maximum(gained, TINY)), 0.0)
    z[:, -1] = np.sqrt(t[-2]) * z[:, -2] + np.sqrt(1.0 - t[-2]) * increment
    runs = decide(trials, bounds, cuts, z, weak)
    reached = runs.stop == len(t) - 1
    runs.extra |= {"grew": (size > 1.0) & reached, "size": np.where(reached, size, 1.0)}
    return runs


def conditional_power(z: Floats, t: float, c: float, final: Floats | float = 1.0) -> Floats:
    """CP of the module's docstring, `[replicate]`, with `final` the information at the end, relative to the plan."""
    return ndtr(z * np.sqrt(np.asarray(final) - t) / np.sqrt(t) - (c - z * np.sqrt(t)) / np.sqrt(1.0 - t))


def new_size(z: Floats, t: float, c: float, promising: float, goal: float, most: float) -> Floats:
    """Information at the end, relative to the plan, `[replicate]`."""
    now = conditional_power(z, t, c)
    needed = (ndtri(goal) + (c - z * np.sqrt(t)) / np.sqrt(1.0 - t)) / np.maximum(z / np.sqrt(t), TINY)
    size = np.clip(t + np.maximum(needed, 0.0) ** 2, 1.0, most)
    return np.where((now >= promising) & (now < goal), size, 1.0)


def enroll_more(trials: Trials, design: Design, when: Floats, wanted: np.ndarray, rng: np.random.Generator) -> None:
    """Lets more candidates enter, up to `wanted` `[replicate]`: after the last one planned, and not before `when`."""
    n, more = design.patients, trials.entry.shape[1] - design.patients
    begin = np.maximum(when, trials.entry[:, n - 1])
    later = begin[:, None] + np.cumsum(rng.exponential(1.0 / design.accrual.per_month, (len(when), more)), axis=1)
    trials.entry[:, n:] = np.where(n + np.arange(more) < wanted[:, None], later, np.inf)
