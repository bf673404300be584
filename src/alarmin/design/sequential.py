"""Fixed and group sequential trials: one test, one look or several, boundaries for efficacy and futility."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from alarmin.design import boundaries
from alarmin.design.boundaries import Boundaries
from alarmin.design.patients import Flags, Floats, People, Trials, draw
from alarmin.design.plan import Design
from alarmin.trials import resampling

PILOT = 400
"""Trials under the null from which the information of a test is learned, where events do not tell it."""

NORMALS = 1 << 19
"""Draws of correlated normals from which the boundaries of a maximum are read."""

TINY = 1e-12


@dataclass
class Runs:
    """What came out of many trials, `[replicate]`.

    Attributes:
        population: from which the patients came.
        success: whether the trial showed that an experimental arm is better.
        harm: whether it showed that it is worse (two-sided tests).
        stop: look at which it ended, from 0.
        futile: whether it ended for lack of effect before the last look.
        patients, events: enrolled, and events seen, when it ended.
        months: how long it took.
        z: statistic at each look, `[replicate, look]`, those after the end too.
        extra: further shares and means, by name.
    """

    population: NDArray[np.int64]
    success: Flags
    harm: Flags
    stop: NDArray[np.int64]
    futile: Flags
    patients: NDArray[np.int64]
    events: NDArray[np.int64]
    months: Floats
    z: Floats
    extra: dict[str, NDArray] = field(default_factory=dict)

    @classmethod
    def join(cls, parts: "list[Runs]") -> "Runs":
        """One of several."""
        rows = {name: np.concatenate([getattr(part, name) for part in parts]) for name in FIELDS}
        extra = {name: np.concatenate([part.extra[name] for part in parts]) for name in parts[0].extra}
        return cls(**rows, extra=extra)


FIELDS = ("population", "success", "harm", "stop", "futile", "patients", "events", "months", "z")


def cut_at(trials: Trials, design: Design, planned: NDArray[np.int64] | int, among: Flags | None = None) -> Floats:
    """When a look with so many events, or patients whose endpoint is known, is taken, `[replicate]` [month]."""
    if design.endpoint.by_events:
        at = trials.events_at(planned, among)
    else:
        at = trials.known_at(planned, design.endpoint.months or 0.0, among)
    return np.minimum(at, design.cut.months)


def looks_at(design: Design) -> list[int]:
    """Events, or patients whose endpoint is known, at each look."""
    return [max(1, round(fraction * design.planned)) for fraction in design.looks.fractions]


def scores(
    trials: Trials, design: Design, cut: Floats, *, arm: int = 1, among: Flags | None = None
) -> tuple[Floats, Floats]:
    """Scores of an experimental arm against the control, positive where it is better, and their covariances.

    Z = score / √information. Differences (response rates, restricted means, milestones) are put on that scale by
    score = difference / variance, information = 1 / variance, so that scores have independent increments. Rates and
    milestones have the variance of arms that are alike, weighted log-rank tests that of permutations
    (`resampling.log_ranks`). The variance of a restricted mean is that of Greenwood times d/(d - 1) with d deaths,
    which makes it unbiased without censoring (Kaplan and Meier 1958).

    Args:
        trials: many trials.
        design: endpoint and test.
        cut: `[replicate]` [month].
        arm: which experimental arm.
        among: who counts, `[replicate, patient]`; everyone without it.

    Returns:
        `[replicate, weight]` and `[replicate, weight, weight]`; a last weight is the plain log-rank's where futility
        looks at the hazard ratio.
    """
    here = (trials.arm == 0) | (trials.arm == arm)
    here = here if among is None else here & among
    first, endpoint = trials.arm == arm, design.endpoint
    if endpoint.name == "orr":
        known = here & (cut[:, None] - trials.entry >= (endpoint.months or 0.0) - TINY)
        return _difference(*_rates(trials.response <= (endpoint.months or 0.0), known, first))
    time, event = trials.seen_at(cut)
    until = endpoint.months or 0.0
    if endpoint.name == "milestone":
        return _difference(*resampling.milestone_differences(np.where(here, time, 0.0), event & here, first, until))
    if endpoint.name == "rmst":
        means, variances = [], []
        for side in (here & first, here & ~first):
            mean, variance = resampling.restricted_means(np.where(side, time, 0.0), event & side, until)
            deaths = (event & side & (time <= until)).sum(axis=1)
            means.append(mean)
            variances.append(variance * deaths / np.maximum(deaths - 1, 1))
        return _difference(means[0] - means[1], variances[0] + variances[1])
    weights = design.test.weights
    if design.looks.futility is not None and design.looks.futility.hazard_ratio is not None:
        weights = (*weights, (0.0, 0.0))
    score, spread = np.zeros((len(cut), len(weights))), np.zeros((len(cut), len(weights), len(weights)))
    for stratum in _strata(trials, design):
        mine = here if stratum is None else here & stratum
        u, v = resampling.log_ranks(
            np.where(mine, time, 0.0), event & mine, first, weights, permuted=design.test.name != "logrank"
        )
        score, spread = score + u, spread + v
    return score, spread


def _rates(response: Flags, known: Flags, first: Flags) -> tuple[Floats, Floats]:
    """Difference of response rates, and its variance with both rates equal, `[replicate]`."""
    n = [np.maximum((known & side).sum(axis=1), 1) for side in (first, ~first)]
    counts = [(known & side & response).sum(axis=1) for side in (first, ~first)]
    pooled = (counts[0] + counts[1]) / (n[0] + n[1])
    return counts[0] / n[0] - counts[1] / n[1], pooled * (1.0 - pooled) * (1.0 / n[0] + 1.0 / n[1])


def _difference(difference: Floats, variance: Floats) -> tuple[Floats, Floats]:
    known = variance > TINY
    information = np.where(known, 1.0 / np.maximum(variance, TINY), TINY)
    return np.where(known, difference * information, 0.0)[:, None], information[:, None, None]


def _strata(trials: Trials, design: Design) -> list[Flags | None]:
    if design.test.stratum is None:
        return [None]
    which = np.digitize(trials.people.readings[design.test.stratum], design.test.strata)[trials.person]
    return [which == stratum for stratum in range(len(design.test.strata) + 1)]


def statistic(design: Design, score: Floats, spread: Floats) -> Floats:
    """Z of the test, `[replicate]`: that of the one weight, or the largest of all."""
    count = len(design.test.weights)
    variance = np.maximum(np.einsum("rww->rw", spread)[:, :count], TINY)
    return (score[:, :count] / np.sqrt(variance)).max(axis=1)


def set_boundaries(design: Design, people: People, rng: np.random.Generator) -> Boundaries:
    """Boundaries of a design; alpha is spent at the planned shares, whatever information the test has there.

    Information is learned from trials under the null, except for the plain log-rank test and response rates, of which
    events and patients tell it.
    """
    looks, fractions, rule = design.looks, design.looks.fractions, design.looks.spending
    plain = design.endpoint.name == "orr" or (design.endpoint.by_events and design.test.weights == ((0.0, 0.0),))
    if len(fractions) == 1 and design.test.name != "maxcombo":
        plain = True
    if plain:
        found = boundaries.efficacy(fractions, design.alpha, rule, sides=design.sides)
    else:
        trials = draw(people, design, rng, PILOT, null=True)
        spread = np.stack([scores(trials, design, cut_at(trials, design, n))[1].mean(axis=0) for n in looks_at(design)])
        count = len(design.test.weights)
        if design.test.name == "maxcombo":
            return maximum_boundaries(spread[:, :count, :count], design, rng)
        information = np.maximum.accumulate(spread[:, 0, 0] / spread[-1, 0, 0] + 1e-6 * np.arange(len(spread)))
        found = boundaries.efficacy(
            fractions, design.alpha, rule, sides=design.sides, information=information / information[-1]
        )
    if looks.futility is not None and looks.futility.spending is not None:
        found = boundaries.with_futility(
            found, 1.0 - design.power, looks.futility.spending, binding=looks.futility.binding
        )
    return found


def maximum_boundaries(spread: Floats, design: Design, rng: np.random.Generator) -> Boundaries:
    """Boundaries for the largest of several statistics, from draws of all of them at all looks.

        Cov(U_a(j), U_b(k)) = V_ab(min(j, k))

    Args:
        spread: covariance of the scores at each look, `[look, weight, weight]`.
        design: its looks.
        rng: where chance comes from.
    """
    fractions, rule = np.asarray(design.looks.fractions), design.looks.spending
    k, w = len(spread), spread.shape[1]
    steps = np.diff(spread, axis=0, prepend=np.zeros((1, w, w)))
    score, past, upper, spent = np.zeros((NORMALS, w)), np.ones(NORMALS, bool), np.empty(k), np.zeros(k)
    if isinstance(rule, str):
        # A classical shape has no spending function; that of the same name comes close.
        spent = boundaries.spending(rule.removeprefix("classical_"), design.alpha, fractions)
    else:
        spent = np.cumsum(rule)
    spent[-1] = design.alpha
    for look in range(k):
        values, vectors = np.linalg.eigh(steps[look])
        score = score + rng.standard_normal((NORMALS, w)) @ (vectors * np.sqrt(np.maximum(values, 0.0))).T
        z = (score / np.sqrt(np.einsum("ww->w", spread[look]))).max(axis=1)
        share = (spent[look] - (spent[look - 1] if look else 0.0)) * NORMALS / max(past.sum(), 1)
        upper[look] = np.quantile(z[past], 1.0 - share)
        past &= z < upper[look]
    t = spread[:, 0, 0] / spread[-1, 0, 0]
    return Boundaries(t, upper, np.full(k, -np.inf), spent)


def simulate(
    design: Design, people: People, bounds: Boundaries, rng: np.random.Generator, count: int, *, null: bool
) -> Runs:
    """`count` trials of a fixed or group sequential design."""
    trials = draw(people, design, rng, count, null=null)
    cuts = np.stack([cut_at(trials, design, n) for n in looks_at(design)], axis=1)
    z, weak = np.empty(cuts.shape), np.zeros(cuts.shape, bool)
    limit = design.looks.futility.hazard_ratio if design.looks.futility is not None else None
    for look in range(cuts.shape[1]):
        score, spread = scores(trials, design, cuts[:, look])
        z[:, look] = statistic(design, score, spread)
        if limit is not None and look < cuts.shape[1] - 1:
            # The first step of Cox's model from no effect, which is close to its end for the ratios that occur.
            weak[:, look] = -score[:, -1] / np.maximum(spread[:, -1, -1], TINY) > np.log(limit)
    return decide(trials, bounds, cuts, z, weak, two_sided=design.sides == 2)


def decide(
    trials: Trials, bounds: Boundaries, cuts: Floats, z: Floats, weak: Flags, *, two_sided: bool = False
) -> Runs:
    """Where each trial ends, and how: `weak` marks looks at which it stops for futility besides the boundary."""
    above, below = z >= bounds.upper, z <= bounds.lower
    ends = above | below | weak
    ends[:, -1] = True
    stop, rows = ends.argmax(axis=1), np.arange(len(z))
    success = above[rows, stop]
    worse = below[rows, stop] & ~success
    months = cuts[rows, stop]
    return Runs(
        population=trials.population,
        success=success,
        harm=worse & two_sided,
        stop=stop,
        futile=~success & (stop < z.shape[1] - 1) & (not two_sided),
        patients=trials.enrolled_at(months),
        events=trials.seen_at(months)[1].sum(axis=1),
        months=months,
        z=z,
        extra={} if two_sided else {"success_without_futility": np.asarray(above.any(axis=1))},
    )
