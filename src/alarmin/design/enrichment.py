"""Adaptive enrichment: a trial that may go on with a subgroup alone, by a reading of the baseline biopsy.

Two hypotheses are tested, of everyone (F) and of the subgroup (S), by closed testing: one is rejected where it and the
intersection of both are. Each is tested by the inverse normal combination of the two stages,

    Z = √t Φ⁻¹(1 - p_1) + √(1 - t) Φ⁻¹(1 - p_2),

where p of the intersection belongs to the larger of both statistics, whose correlation is the root of the share of the
information that comes from the subgroup (Spiessens and Debois),

    p = 1 - P(Z_F < z, Z_S < z),   z = max(z_F, z_S),   Cor(Z_F, Z_S) = √(I_S / I_F),

and to the one that is tested where the other was given up. The second stage is the increment of a score after the first
look, whoever it comes from. So alpha holds however the subgroup is chosen, and also where a trial that was to go on
with nobody goes on with everyone (`success_without_futility`). After the choice of the subgroup only its patients
enter, so that accrual slows down.
"""

from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from alarmin.design.boundaries import Boundaries
from alarmin.design.patients import Flags, Floats, People, Trials, draw
from alarmin.design.plan import Design
from alarmin.design.sequential import TINY, Runs, cut_at, looks_at, scores
from alarmin.trials import resampling, statistics

NODES, WEIGHTS = np.polynomial.legendre.leggauss(100)
REACH = 8.0
"""Standard deviations beyond which nothing is integrated."""

CANDIDATES = 4.0
"""Most candidates that are looked at, relative to the patients of the plan."""

GROUPS = ("nobody", "subgroup", "everyone")


def simulate(
    design: Design, people: People, bounds: Boundaries, rng: np.random.Generator, count: int, *, null: bool
) -> Runs:
    """`count` trials that choose whom they go on with at the first of two looks."""
    rule = design.enrichment
    assert rule is not None
    inside = people.within(rule.biomarker, rule.least, rule.most)
    share = float(inside.mean())
    candidates = int(design.patients * min(CANDIDATES, 1.2 / share))
    trials = draw(people, design, rng, count, null=null, candidates=candidates)
    arrival = _arrivals(trials, design, rng)
    member = inside[trials.person]

    first = cut_at(trials, design, looks_at(design)[0])
    stage = {name: scores(trials, design, first, among=among) for name, among in (("F", None), ("S", member))}
    z1 = {name: _z(score[:, 0], spread[:, 0, 0]) for name, (score, spread) in stage.items()}
    everyone, alone = z1["F"] >= rule.everyone, z1["S"] >= rule.subgroup
    only, nobody = alone & ~everyone, ~(everyone | alone)

    # From the choice on, candidates outside the subgroup are turned away, and others take their places.
    taken = ~(only[:, None] & ~member & (arrival > first[:, None]))
    entered = taken & (np.cumsum(taken, axis=1) <= design.patients)
    trials.entry = np.where(entered, arrival, np.inf)
    last = np.where(only, _subgroup_cut(trials, design, member), cut_at(trials, design, design.planned))
    last = np.maximum(np.minimum(last, design.cut.months), first)
    z2, gained = {}, {}
    for name, among in (("F", None), ("S", member)):
        score, spread = scores(trials, design, last, among=among)
        before, known = stage[name]
        gained[name] = spread[:, 0, 0] - known[:, 0, 0]
        z2[name] = _z(score[:, 0] - before[:, 0], gained[name])

    t = bounds.information[0]
    go = {"F": everyone, "S": alone}
    both = everyone & alone
    known = {name: spread[:, 0, 0] for name, (_, spread) in stage.items()}
    start = intersection(z1["F"], z1["S"], known["S"] / np.maximum(known["F"], TINY))
    second = intersection(z2["F"], z2["S"], gained["S"] / np.maximum(gained["F"], TINY))
    second = np.where(both | nobody, second, np.where(everyone, z2["F"], z2["S"]))
    ends = {"F": (z1["F"], z2["F"]), "S": (z1["S"], z2["S"]), "FS": (start, second)}
    combined = {name: np.sqrt(t) * a + np.sqrt(1.0 - t) * b for name, (a, b) in ends.items()}
    early = {name: (ends["FS"][0] >= bounds.upper[0]) & (z1[name] >= bounds.upper[0]) for name in go}
    shown = {name: (combined["FS"] >= bounds.upper[1]) & (combined[name] >= bounds.upper[1]) for name in go}
    late = {name: shown[name] & go[name] for name in go}
    stopped = early["F"] | early["S"] | nobody
    reject = {name: np.where(stopped, early[name], late[name]) for name in go}
    months = np.where(stopped, first, last)
    success = reject["F"] | reject["S"]
    choice = np.where(everyone, 2, np.where(alone, 1, 0))
    return Runs(
        population=trials.population,
        success=success,
        harm=np.zeros(count, bool),
        stop=np.where(stopped, 0, 1),
        futile=stopped & ~success,
        patients=trials.enrolled_at(months),
        events=trials.seen_at(months)[1].sum(axis=1),
        months=months,
        z=np.stack([z1["F"], np.where(only, combined["S"], combined["F"])], axis=1),
        extra={
            # A trial that was to stop, and goes on with everyone all the same, tests both.
            "success_without_futility": success | (nobody & (shown["F"] | shown["S"])),
            "shown_in_everyone": reject["F"],
            "shown_in_subgroup": reject["S"],
            **{f"chose_{name}": choice == code for code, name in enumerate(GROUPS)},
        },
    )


def _arrivals(trials: Trials, design: Design, rng: np.random.Generator) -> Floats:
    """When candidates come, those beyond the plan too; `trials.entry` has those who enter if nothing is adapted."""
    arrival, n = trials.entry.copy(), design.patients
    gaps = rng.exponential(1.0 / design.accrual.per_month, (len(arrival), arrival.shape[1] - n))
    arrival[:, n:] = arrival[:, n - 1 : n] + np.cumsum(gaps, axis=1)
    return arrival


def _subgroup_cut(trials: Trials, design: Design, member: Flags) -> Floats:
    """When the last look is taken at the subgroup alone."""
    assert design.enrichment is not None
    if design.endpoint.by_events:
        return cut_at(trials, design, design.enrichment.subgroup_events or 1, member)
    enrolled = np.isfinite(trials.entry) & member
    return cut_at(trials, design, np.maximum(enrolled.sum(axis=1), 1), enrolled)


def _z(score: Floats, information: Floats) -> Floats:
    return np.where(information > TINY, score / np.sqrt(np.maximum(information, TINY)), 0.0)


def intersection(everyone: Floats, subgroup: Floats, share: Floats) -> Floats:
    """Z of the intersection of both hypotheses, `[replicate]`.

        P(Z_F < z, Z_S < z) = ∫ φ(x) Φ((z - ρ x) / √(1 - ρ²)) dx  over x < z

    Args:
        everyone, subgroup: Z of each, `[replicate]`.
        share: information of the subgroup relative to that of everyone, ρ², `[replicate]`.
    """
    square = np.clip(share, 0.0, 1.0 - 1e-9)[:, None]
    z = np.clip(np.maximum(everyone, subgroup), -REACH, REACH)[:, None]
    half = (z + REACH) / 2.0
    x = half * (NODES + 1.0) - REACH
    inside = np.exp(-0.5 * x**2) / np.sqrt(2.0 * np.pi) * ndtr((z - np.sqrt(square) * x) / np.sqrt(1.0 - square))
    below = half[:, 0] * (inside @ WEIGHTS)
    return ndtri(np.clip(below, 1e-15, 1.0 - 1e-15))


def right_group(people: People, design: Design) -> Flags:
    """Whom the treatment is worth it for, of `GROUPS`, in each population of the bank, `[population, group]`.

    Everyone, where the effect in those outside the subgroup is worthwhile; else the subgroup, where it is in it.
    """
    rule = design.enrichment
    assert rule is not None
    inside = people.within(rule.biomarker, rule.least, rule.most)
    worth = np.array(
        [
            [_worthwhile(people, design, rows[inside[rows] == side]) for side in (True, False)]
            for rows in (np.arange(s, s + n) for s, n in zip(people.start, people.size, strict=True))
        ]
    )
    in_subgroup, outside = worth.T
    return np.stack([~in_subgroup & ~outside, in_subgroup & ~outside, outside], axis=1)


def _worthwhile(people: People, design: Design, rows: np.ndarray) -> bool:
    """Whether the effect in some patients of the bank is at least what the design calls worthwhile."""
    rule, endpoint = design.enrichment, design.endpoint
    assert rule is not None
    if endpoint.name == "orr":
        rate = [(people.response[arm, rows] <= (endpoint.months or 0.0)).mean() for arm in (1, 0)]
        return rate[0] - rate[1] > rule.worthwhile
    if endpoint.by_events:
        both = np.concatenate([people.time[1, rows], people.time[0, rows]])[None]
        event = np.concatenate([people.event[1, rows], people.event[0, rows]])[None]
        ratio, _ = resampling.hazard_ratios(both, event, np.arange(2 * len(rows)) < len(rows))
        return float(ratio[0]) < rule.worthwhile
    of = [(people.time[[arm]][:, rows], people.event[[arm]][:, rows], endpoint.months or 0.0) for arm in (1, 0)]
    if endpoint.name == "rmst":
        value = [resampling.restricted_means(*one)[0] for one in of]
    else:
        value = [resampling.milestones(*one) for one in of]
    return float(value[0][0] - value[1][0]) > rule.worthwhile


def picked_right(runs: Runs, right: Flags) -> dict[str, Any]:
    """How often trials went on with the right group, and which one is right how often."""
    choice = np.stack([runs.extra[f"chose_{name}"] for name in GROUPS], axis=1)
    truth = right[runs.population]
    hits = np.asarray((choice & truth).any(axis=1))
    found = statistics.proportion(int(hits.sum()), len(hits))
    return {
        "picked_right": {"value": found.value, "low": found.low, "high": found.high},
        "right_group": {name: float(truth[:, code].mean()) for code, name in enumerate(GROUPS)},
    }
