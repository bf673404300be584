"""Exact: MaxCombo, and combination tests of several arms and of a subgroup, agree with printed examples."""

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import multivariate_normal, norm

from alarmin.design.boundaries import efficacy, spending
from alarmin.design.enrichment import intersection
from alarmin.design.selection import dunnett_p
from alarmin.design.sequential import maximum_boundaries
from alarmin.trials import resampling
from made_up_bank import design_of

# The data set `ovarian` of R's package survival (26 patients): days, whether the patient died, and the arm.
# fmt: off
OVARIAN = np.array(
    [
        (59, 1, 1), (115, 1, 1), (156, 1, 1), (421, 0, 2), (431, 1, 1), (448, 0, 1), (464, 1, 2), (475, 1, 2),
        (477, 0, 1), (563, 1, 2), (638, 1, 1), (744, 0, 2), (769, 0, 2), (770, 0, 2), (803, 0, 1), (855, 0, 1),
        (1040, 0, 1), (1106, 0, 1), (1129, 0, 2), (1206, 0, 2), (1227, 0, 2), (268, 1, 1), (329, 1, 1), (353, 1, 2),
        (365, 1, 2), (377, 0, 2),
    ],
    float,
)
# fmt: on
# Z of FH(0,0), FH(0,1), FH(1,0), FH(1,1) and one-sided p of `maxcombo_fast(ovarian$futime, ovarian$fustat, ovarian$rx,
# control = 1, side = 1)`, example of print.maxcombo_fast in the reference of the R package FastSurvival; its vignette
# on agreement prints the first three with more digits, and equal to those of nph::logrank.maxtest.
WEIGHTS = ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0))
PRINTED_Z = [1.03089275, -0.01010314, 1.29801950, 0.0576]
PRINTED_P = 0.1512


def ovarian():
    """Scores and covariances of MaxCombo, and the Z of each weight, positive where the second arm does better."""
    time, event, first = OVARIAN[:, 0], OVARIAN[:, 1] == 1, OVARIAN[:, 2] == 2
    score, spread = resampling.log_ranks(time[None], event[None], first[None], WEIGHTS)
    return spread, (score / np.sqrt(np.einsum("rww->rw", spread)))[0]


def test_weighted_log_ranks_agree_with_the_printed_example():
    assert ovarian()[1] == pytest.approx(PRINTED_Z, abs=5e-5)
    assert ovarian()[1][:3] == pytest.approx(PRINTED_Z[:3], abs=1e-8)


# The data set `aml` of R's package survival (Miller, 1997), 23 patients: weeks, and whether the patient relapsed, with
# chemotherapy maintained or not. Z of FH(0,0) and FH(0,1), with the sign turned, and one-sided p of
# `maxcombo(rho = c(0, 0), gamma = c(0, 1))`: simtrial, articles/maxcombo.md, "Using survival data in another format".
MAINTAINED = [(9, 1), (13, 1), (13, 0), (18, 1), (23, 1), (28, 0), (31, 1), (34, 1), (45, 0), (48, 1), (161, 0)]
STOPPED = [(5, 1), (5, 1), (8, 1), (8, 1), (12, 1), (16, 0), (23, 1), (27, 1), (30, 1), (33, 1), (43, 1), (45, 1)]
AML_Z, AML_P = [1.842929, 1.621762], 0.0491509


def test_weighted_log_ranks_with_ties_agree_with_the_printed_example():
    """And so does MaxCombo of the two, in data with ties within and between the arms."""
    time, event = np.array([*MAINTAINED, *STOPPED], float).T
    first = np.arange(len(time)) < len(MAINTAINED)
    score, spread = resampling.log_ranks(time[None], event[None] == 1, first[None], WEIGHTS[:2])
    root = np.sqrt(np.diagonal(spread[0]))
    assert score[0] / root == pytest.approx(AML_Z, abs=1e-6)
    law = multivariate_normal(np.zeros(2), spread[0] / np.outer(root, root), abseps=1e-8)
    assert 1.0 - law.cdf(np.full(2, (score[0] / root).max())) == pytest.approx(AML_P, abs=1e-5)
    # The companion: broken ties give another Z.
    apart, _ = resampling.log_ranks(time[None] + 1e-3 * ~first, event[None] == 1, first[None], WEIGHTS[:2])
    assert abs(apart[0, 1] - score[0, 1]) > 1e-3


def test_maxcombo_agrees_with_the_printed_p():
    """At the level of the printed p the boundary is the largest Z: by the normal law, and by the draws of a design."""
    spread, z = ovarian()
    root = np.sqrt(np.diagonal(spread[0]))
    # The second and third weight add up to the first.
    law = multivariate_normal(np.zeros(4), spread[0] / np.outer(root, root), allow_singular=True)
    assert 1.0 - law.cdf(np.full(4, z.max())) == pytest.approx(PRINTED_P, abs=2e-4)
    design = design_of(alpha=PRINTED_P, test={"name": "maxcombo"})
    found = maximum_boundaries(spread, design, np.random.default_rng(1))
    assert found.upper[-1] == pytest.approx(z.max(), abs=8e-3)
    # The companion: a single test at this level has another boundary, so that the comparison can fail.
    assert abs(norm.isf(PRINTED_P) - z.max()) > 0.2


def repeated_p(stage_z, information, spend) -> float:
    """The least alpha at which the combination of the stages so far crosses its boundary at the last of them."""
    t, k = np.asarray(information), len(stage_z)
    weights = np.sqrt(np.diff(t, prepend=0.0))[:k]
    z = weights @ stage_z / np.sqrt(t[k - 1])

    def gap(alpha: float) -> float:
        return efficacy(t, alpha, np.diff(spend(alpha, t), prepend=0.0)).upper[k - 1] - z

    return float(brentq(gap, 1e-6, 0.4, xtol=1e-9))


KIM_DEMETS = lambda alpha, t: alpha * t**1.2
SEVERAL_ARMS = {
    # rpact, tests/testthat/test-f_analysis_multiarm_survival.R, results1 (Dunnett) and results2 (Simes): log-rank
    # statistics 2.2 and 1.99 of two arms in the first stage, 1.8 of the first alone in the second; inverse normal
    # combination at 0.4, 0.7 and 1 of the information, alpha t^1.2 spent. Repeated p of the first arm at both stages.
    "Dunnett": (lambda: norm.isf(dunnett_p(np.array([2.2]), 2)[0]), (0.077362906, 0.0096216473)),
    "Simes": (lambda: norm.isf(min(2.0 * norm.sf(2.2), norm.sf(1.99))), (0.069951918, 0.0087766935)),
}


@pytest.mark.parametrize(("first", "printed"), SEVERAL_ARMS.values(), ids=SEVERAL_ARMS.keys())
def test_several_arms_agree_with_the_printed_example(first, printed):
    for stages, wanted in zip(([first()], [first(), 1.8]), printed, strict=True):
        assert repeated_p(stages, (0.4, 0.7, 1.0), KIM_DEMETS) == pytest.approx(wanted, rel=2e-4)


def test_a_subgroup_agrees_with_the_printed_example():
    """rpact, tests/testthat/test-f_analysis_enrichment_survival.R, x1 (SpiessensDebois): log-rank statistics of the
    subgroup 1.66, 1.38, 1.22 with 37, 35, 22 events and of everyone 1.98, 1.57 with 66, 55; after the second stage the
    subgroup goes on alone. Alpha is spent as Pocock's type at 0.4, 0.7 and 1 of the information."""
    both = [
        float(intersection(np.array([f]), np.array([s]), np.array([share]))[0])
        for f, s, share in ((1.98, 1.66, 37 / 66), (1.57, 1.38, 35 / 55))
    ]
    spend = lambda alpha, t: spending("pocock", alpha, t)
    p = lambda stages: repeated_p(stages, (0.4, 0.7, 1.0), spend)
    for k, wanted in ((1, 0.074049848), (2, 0.03027247)):
        assert max(p(both[:k]), p([1.98, 1.57][:k])) == pytest.approx(wanted, rel=2e-4)
    alone = [1.66, 1.38, 1.22]
    for k, wanted in ((1, 0.09262834), (2, 0.035310721), (3, 0.016798032)):
        assert max(p(both[:2][:k] + alone[2:k]), p(alone[:k])) == pytest.approx(wanted, rel=2e-4)


def test_the_intersection_agrees_with_the_normal_law():
    """Of two nested groups, from next to nothing in common to nearly all."""
    for share in (0.01, 0.3, 0.97):
        law = multivariate_normal(np.zeros(2), [[1.0, share**0.5], [share**0.5, 1.0]], abseps=1e-8)
        z = float(intersection(np.array([1.1]), np.array([2.1]), np.array([share]))[0])
        assert norm.cdf(z) == pytest.approx(law.cdf([2.1, 2.1]), abs=1e-6)
