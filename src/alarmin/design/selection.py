"""Several arms, several stages: experimental arms share a control, and the losers are dropped at the first look.

All arms are tested by closed testing: arm i is rejected where every intersection of hypotheses that holds i is. A stage
tests an intersection by Dunnett's test over the arms in it that are still there,

    p = 1 - ∫ Φ(√2 z - x)^m φ(x) dx,   z the largest statistic of m arms, as large as the control,

and an intersection whose arms were all dropped is not rejected. Stages are combined by the inverse normal method with
the planned weights, so that alpha holds whatever rule drops the arms.
"""

from itertools import combinations

import numpy as np
from scipy.special import ndtr, ndtri

from alarmin.design.boundaries import Boundaries
from alarmin.design.patients import Flags, Floats, People, Trials, draw
from alarmin.design.plan import Design
from alarmin.design.sequential import TINY, Runs, cut_at, scores

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(64)


def simulate(
    design: Design, people: People, bounds: Boundaries, rng: np.random.Generator, count: int, *, null: bool
) -> Runs:
    """`count` trials that drop arms at the first of two looks; places of dropped arms stay empty."""
    rule = design.selection
    assert rule is not None
    trials = draw(people, design, rng, count, null=null)
    arms, t = len(design.experimental), bounds.information[0]
    arrival = trials.entry.copy()
    first = _cut(trials, design, np.ones((count, arms), bool), design.looks.fractions[0])
    before = [scores(trials, design, first, arm=1 + arm) for arm in range(arms)]
    z1 = np.stack([_z(score[:, 0], spread[:, 0, 0]) for score, spread in before], axis=1)
    order = np.argsort(np.argsort(-z1, axis=1), axis=1)
    kept = (order < rule.keep) & (z1 >= rule.least)

    # Those who would have been given a dropped arm do not enter; the next candidates come in their time.
    stays = np.concatenate([np.ones((count, 1), bool), kept], axis=1)
    enters = np.take_along_axis(stays, trials.arm, 1) | (arrival <= first[:, None])
    rank = np.cumsum(enters, axis=1) - 1
    trials.entry = np.where(enters, np.take_along_axis(arrival, np.maximum(rank, 0), 1), np.inf)
    last = np.maximum(_cut(trials, design, kept, 1.0), first)
    z2 = np.zeros_like(z1)
    for arm, (score, spread) in enumerate(before):
        now, known = scores(trials, design, last, arm=1 + arm)
        z2[:, arm] = _z(now[:, 0] - score[:, 0], known[:, 0, 0] - spread[:, 0, 0])

    rejected = [np.ones((count, arms), bool), np.ones((count, arms), bool)]
    for size in range(1, arms + 1):
        for some in combinations(range(arms), size):
            chosen = np.isin(np.arange(arms), some)
            one = _dunnett(z1, np.broadcast_to(chosen, z1.shape))
            two = _dunnett(z2, chosen & kept)
            both = np.sqrt(t) * one + np.sqrt(1.0 - t) * two
            for stage, z in enumerate((one, both)):
                rejected[stage][:, chosen] &= (z >= bounds.upper[stage])[:, None]
    rejected[1] &= kept
    early = np.asarray(rejected[0].any(axis=1))
    stopped = early | ~np.asarray(kept.any(axis=1))
    shown = np.where(stopped[:, None], rejected[0], rejected[1])
    months = np.where(stopped, first, last)
    best = np.argmax(np.where(kept, z1, -np.inf), axis=1)
    rows = np.arange(count)
    return Runs(
        population=trials.population,
        success=np.asarray(shown.any(axis=1)),
        harm=np.zeros(count, bool),
        stop=np.where(stopped, 0, 1),
        futile=stopped & ~early,
        patients=trials.enrolled_at(months),
        events=trials.seen_at(months)[1].sum(axis=1),
        months=months,
        z=np.stack([z1[rows, best], np.sqrt(t) * z1[rows, best] + np.sqrt(1.0 - t) * z2[rows, best]], axis=1),
        extra={f"kept_{name}": kept[:, arm] for arm, name in enumerate(design.experimental)}
        | {f"shown_{name}": shown[:, arm] for arm, name in enumerate(design.experimental)},
    )


def _cut(trials: Trials, design: Design, kept: Flags, fraction: float) -> Floats:
    """When control and an experimental arm, of those kept, have their share of events or patients on average.

    `design.cut.events` counts the events of the control and one experimental arm.
    """
    arms = kept.shape[1]
    going = np.concatenate([np.ones((len(kept), 1), bool), kept], axis=1)
    among = np.take_along_axis(going, trials.arm, 1)
    groups = 1 + np.maximum(kept.sum(axis=1), 1)
    planned = design.planned if design.endpoint.by_events else design.planned * 2 / (1 + arms)
    count = np.maximum(np.floor(fraction * planned / 2.0 * groups), 1).astype(int)
    if not design.endpoint.by_events:
        among = among & np.isfinite(trials.entry)
        count = np.minimum(count, among.sum(axis=1))
    return cut_at(trials, design, count, among)


def _z(score: Floats, information: Floats) -> Floats:
    return np.where(information > TINY, score / np.sqrt(np.maximum(information, TINY)), 0.0)


def _dunnett(z: Floats, chosen: Flags) -> Floats:
    """Z of Dunnett's test over the chosen arms, `[replicate]`; minus infinite where there are none."""
    m = chosen.sum(axis=1)
    largest = np.where(chosen, z, -np.inf).max(axis=1)
    found = np.full(len(z), -np.inf)
    for size in np.unique(m[m > 0]):
        at = largest[m == size]
        found[m == size] = at if size == 1 else -ndtri(np.clip(dunnett_p(at, int(size)), 1e-16, 1.0 - 1e-16))
    return found


def dunnett_p(z: Floats, arms: int) -> Floats:
    """p of the largest of `arms` statistics that share a control of their size (one-sided), `[replicate]`."""
    inside = ndtr(np.sqrt(2.0) * np.asarray(z)[:, None] + NODES)
    return 1.0 - inside**arms @ (WEIGHTS / np.sqrt(2.0 * np.pi))
