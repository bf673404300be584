"""Response-adaptive randomization: patients are given the arm that responds more, more often, block by block.

The chance of the experimental arm follows the posterior probability that it is better (see
`alarmin.design.plan.ResponseAdaptive`), from responses that are known when a block begins. The final test compares
response rates as usual; as allocation follows them, its level holds in large trials only, and is what the simulation
shows.
"""

import numpy as np
from scipy.special import ndtr

from alarmin.design.boundaries import Boundaries
from alarmin.design.patients import Floats, People, draw
from alarmin.design.plan import Design
from alarmin.design.sequential import Runs, cut_at, decide, scores, statistic


def simulate(
    design: Design, people: People, bounds: Boundaries, rng: np.random.Generator, count: int, *, null: bool
) -> Runs:
    """`count` trials with response-adaptive randomization."""
    rule, n, months = design.response_adaptive, design.patients, design.endpoint.months or 0.0
    assert rule is not None
    trials = draw(people, design, rng, count, null=null)
    luck = rng.random((count, n))
    for begin in range(rule.burn_in, n, rule.block):
        now = trials.entry[:, begin]
        known = (now[:, None] - trials.entry[:, :begin]) >= months
        responds = trials.response[:, :begin] <= months
        counts = [
            ((known & (trials.arm[:, :begin] == arm) & (responds == hit)).sum(axis=1) + 1.0)
            for arm in (1, 0)
            for hit in (True, False)
        ]
        p = better(*counts)
        power = begin / (2.0 * n)
        odds = (p**power) / (p**power + (1.0 - p) ** power)
        chance = np.clip(odds, rule.least, 1.0 - rule.least)
        block = slice(begin, min(begin + rule.block, n))
        trials.arm[:, block] = luck[:, block] < chance[:, None]
        trials.refresh()
    cut = cut_at(trials, design, n)
    score, spread = scores(trials, design, cut)
    z = statistic(design, score, spread)[:, None]
    runs = decide(trials, bounds, cut[:, None], z, np.zeros(z.shape, bool))
    runs.extra |= {
        "on_experimental": (trials.arm == 1).mean(axis=1),
        "responders": (trials.response <= months).sum(axis=1).astype(float),
    }
    return runs


def better(a: Floats, b: Floats, c: Floats, d: Floats) -> Floats:
    """P(x > y) for x ~ Beta(a, b) and y ~ Beta(c, d), from normals with their means and variances, `[replicate]`."""
    mean = lambda p, q: p / (p + q)
    variance = lambda p, q: p * q / ((p + q) ** 2 * (p + q + 1.0))
    return ndtr((mean(a, b) - mean(c, d)) / np.sqrt(variance(a, b) + variance(c, d)))
