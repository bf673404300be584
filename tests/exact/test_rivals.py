"""Exact: the rivals' recipes on made-up curves, and against a worked meta-analysis."""

import numpy as np
import pytest

from alarmin.records import trial
from alarmin.scoring import rivals


def test_random_effects_of_equal_studies_is_their_mean():
    effects, variances = np.log([0.5, 0.5, 0.5]), np.full(3, 0.04)
    mean, spread = rivals.dersimonian_laird(effects, variances)
    assert mean == pytest.approx(np.log(0.5))
    assert spread == pytest.approx((0.04 / 3.0) ** 0.5)


def test_random_effects_of_scattered_studies_predicts_widely():
    """Worked by hand: w = 25 each, Q = 2 x 25 x 0.5^2 = 12.5, scale = 25, tau^2 = 11.5/25."""
    mean, spread = rivals.dersimonian_laird(np.array([-0.5, 0.5]), np.full(2, 0.04))
    assert mean == pytest.approx(0.0, abs=1e-12)
    assert spread == pytest.approx(((0.04 + 0.46) / 2.0 + 0.46) ** 0.5)


def test_times_by_rank_follow_an_exponential_curve():
    months = np.array([0.0, 3.0, 6.0])
    rank = np.array([0.1, 0.5, 0.99])
    assert rivals.time_at(rank, months, np.exp(-0.2 * months)) == pytest.approx(-np.log1p(-rank) / 0.2)


def test_modulators_without_activity_of_their_own_promise_nothing():
    design = trial("beyond")
    control = np.random.default_rng(0).exponential(6, 200)
    ratio = rivals.independent_action(design, design.contrasts[0], "pfs", control, np.ones(200, bool))
    assert ratio == 0.0  # bevacizumab alone was never a training arm


def test_an_active_partner_helps_and_a_replaced_one_is_left_blank():
    design = trial("impower150")
    control = np.random.default_rng(0).exponential(8.0, 500)
    seen = np.ones(500, bool)
    ratio = rivals.independent_action(design, design.contrasts[0], "pfs", control, seen)
    assert ratio is not None
    assert ratio < -0.1
    on_survival = rivals.independent_action(design, design.contrasts[0], "os", control, seen)
    assert on_survival == pytest.approx(rivals.assumed("survival_share") * ratio)
    swap = trial("oak")
    assert rivals.independent_action(swap, swap.contrasts[0], "pfs", control, seen) is None


def test_who_is_still_watched_has_not_progressed():
    """Censored times count as such: what the rival promises hardly moves when a control arm is watched half as long."""
    design, rng = trial("impower150"), np.random.default_rng(0)
    times, watched = rng.exponential(8.0, 4000), rng.uniform(2.0, 14.0, 4000)
    promised = lambda time, event: rivals.independent_action(design, design.contrasts[0], "pfs", time, event)
    known, end = promised(times, np.ones(4000, bool)), 14.0
    to_the_end = promised(np.minimum(times, end), times <= end)
    censored = promised(np.minimum(times, watched), times <= watched)
    assert censored == pytest.approx(to_the_end, abs=0.02)
    assert abs(promised(np.minimum(times, watched), np.ones(4000, bool)) - known) > 0.1
    assert promised(np.full(50, 6.0), np.zeros(50, bool)) == 0.0


def test_a_trial_is_no_part_of_its_own_average():
    design = trial("beyond")
    others, _ = rivals.class_average(design, design.contrasts[0], "os")
    e4599 = trial("e4599")
    assert others != rivals.class_average(e4599, e4599.contrasts[0], "os")[0]


def test_every_class_is_a_mode_of_action():
    from alarmin.records import agents

    modes = {action.mode for agent in agents().values() for action in agent.actions}
    assert rivals.class_of("atezolizumab") == rivals.class_of("pembrolizumab") == "checkpoint"
    assert {"cytotoxic", "pd1_blockade"} <= modes & rivals.CLASSES.keys()
