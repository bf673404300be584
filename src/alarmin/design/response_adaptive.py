"""Response-adaptive randomization: patients are given the arm that responds more, more often, block by block.

The chance of the experimental arm follows the posterior probability that it is better (see
`alarmin.design.plan.ResponseAdaptive`), from responses that are known when a block begins. As allocation follows
responses, counts of the two arms are no fair comparison any more; the test therefore rests on the randomization itself:

    Z = Σ_i (a_i - π_b) (y_i - ȳ_b) / √(π_b (1 - π_b)) / √(Σ_i (y_i - ȳ_b)²)

over patients i whose response y is known, a = 1 in the experimental arm, π_b the chance of it in the block b of the
patient and ȳ_b the responses there. Without an effect the responses are what they are whoever gets what, so that each
block adds nothing on average, whatever came before, with a variance that the responses alone tell; Z has mean 0 and
variance 1 for every rule of allocation, and a trend in time cancels within the blocks.
"""

import numpy as np
from scipy.special import ndtr

from alarmin.design.boundaries import Boundaries
from alarmin.design.patients import Flags, Floats, People, draw
from alarmin.design.plan import Design
from alarmin.design.sequential import TINY, Runs, cut_at, decide


def simulate(
    design: Design, people: People, bounds: Boundaries, rng: np.random.Generator, count: int, *, null: bool
) -> Runs:
    """`count` trials with response-adaptive randomization."""
    rule, n, months = design.response_adaptive, design.patients, design.endpoint.months or 0.0
    assert rule is not None
    trials = draw(people, design, rng, count, null=null)
    luck = rng.random((count, n))
    chance = np.full((count, n), 0.5)
    edges = [0, *range(rule.burn_in, n, rule.block)]
    for begin in edges[1:]:
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
        block = slice(begin, min(begin + rule.block, n))
        chance[:, block] = np.clip(odds, rule.least, 1.0 - rule.least)[:, None]
        trials.arm[:, block] = luck[:, block] < chance[:, block]
        trials.refresh()
    cut = cut_at(trials, design, n)
    known = cut[:, None] - trials.entry >= months - TINY
    z = randomization_test(trials.response <= months, known, trials.arm == 1, chance, edges)[:, None]
    runs = decide(trials, bounds, cut[:, None], z, np.zeros(z.shape, bool))
    runs.extra |= {
        "on_experimental": (trials.arm == 1).mean(axis=1),
        "responders": (trials.response <= months).sum(axis=1).astype(float),
    }
    return runs


def randomization_test(response: Flags, known: Flags, first: Flags, chance: Floats, edges: list[int]) -> Floats:
    """Z of the module's docstring, `[replicate]`; 0 where all responses are alike.

    Args:
        response, known, first: whether there is one, it is known, and it is of the experimental arm,
            `[replicate, patient]`.
        chance: π of each patient, `[replicate, patient]`.
        edges: first patient of each block.
    """
    seen = known.astype(float)
    count = np.add.reduceat(seen, edges, axis=1)
    mean = np.add.reduceat(seen * response, edges, axis=1) / np.maximum(count, 1.0)
    width = np.diff(edges, append=response.shape[1])
    surplus = seen * (response - np.repeat(mean, width, axis=1))
    score = ((first - chance) * surplus / np.sqrt(chance * (1.0 - chance))).sum(axis=1)
    return score / np.sqrt(np.maximum((surplus**2).sum(axis=1), TINY))


def better(a: Floats, b: Floats, c: Floats, d: Floats) -> Floats:
    """P(x > y) for x ~ Beta(a, b) and y ~ Beta(c, d), from normals with their means and variances, `[replicate]`."""
    mean = lambda p, q: p / (p + q)
    variance = lambda p, q: p * q / ((p + q) ** 2 * (p + q + 1.0))
    return ndtr((mean(a, b) - mean(c, d)) / np.sqrt(variance(a, b) + variance(c, d)))
