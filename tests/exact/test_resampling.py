"""Exact: statistics of many trials at once agree with those of one at a time, and draws with their bank."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest, fisher_exact

from alarmin.records import parameters, trial
from alarmin.trials import resampling, statistics
from alarmin.trials.bank import Bank, replicate


@pytest.fixture
def many():
    """Times in ten trials of 60 patients, with ties as scans make them, and events."""
    rng = np.random.default_rng(3)
    time = np.round(rng.exponential(8.0, (10, 60)), 1) + 0.1
    return time, rng.random((10, 60)) < 0.7


def test_curves_agree_with_kaplan_meier(many):
    found = resampling.curves(*many)
    for row, (time, event) in enumerate(zip(*many, strict=True)):
        assert found.quantile(0.5)[row] == pytest.approx(statistics.median(time, event).value)
        assert found.at(6.0)[row] == pytest.approx(statistics.survival_at(time, event, 6.0).value)
    assert np.isnan(found.at(1e3)).all()


def test_a_median_that_is_not_reached_is_infinite():
    assert np.isinf(resampling.curves(np.ones((1, 4)), np.zeros((1, 4), bool)).quantile(0.5)).all()


def test_hazard_ratios_agree_with_cox_without_ties(many):
    rng = np.random.default_rng(4)
    time = many[0] + rng.random(many[0].shape) * 1e-6
    first = np.arange(60) < 25
    ratio, p = resampling.hazard_ratios(time, many[1], first)
    for row in range(10):
        one = statistics.cox(time[row], many[1][row], first)
        assert ratio[row] == pytest.approx(one.hr, rel=1e-3)
        assert p[row] == pytest.approx(one.p, abs=0.01)


def test_cox_agrees_with_lifelines_with_ties(many):
    """Effects and standard errors to 1e-6, with arms of unlike size in every trial."""
    from lifelines import CoxPHFitter

    first = np.random.default_rng(4).random(many[0].shape) < 0.4
    effect, error = resampling.cox(*many, first)
    for row in range(10):
        table = pd.DataFrame({"time": many[0][row], "event": many[1][row], "first": first[row].astype(float)})
        one = CoxPHFitter().fit(table, "time", "event", fit_options={"precision": 1e-16, "r_precision": 0.0})
        assert effect[row] == pytest.approx(one.params_["first"], rel=1e-6)
        assert error[row] == pytest.approx(one.standard_errors_["first"], rel=1e-6)


def test_replicates_scatter_around_the_bank():
    plan = trial("oak")
    rng = np.random.default_rng(5)
    rows = [
        {"member": m, "arm": arm.name, "patient": i, "orr": rng.random() < share, "cr": False, "dcr": True}
        | {"pfs": rng.exponential(4.0), "pfs_event": True, "os": rng.exponential(scale), "os_event": True}
        for m in range(2)
        for arm, share, scale in zip(plan.arms, (0.2, 0.1), (20.0, 10.0), strict=True)
        for i in range(300)
    ]
    bank = Bank(plan, 0, "made up", (), pd.DataFrame(rows))
    arms, contrasts = replicate(bank, 200, seed=1)
    same, _ = replicate(bank, 200, seed=1)
    pd.testing.assert_frame_equal(arms, same)
    medians = arms.groupby("arm")["median_os"].median()
    assert medians["atezolizumab"] == pytest.approx(20.0 * np.log(2.0), rel=0.2)
    assert contrasts["hr_os"].median() == pytest.approx(0.5, rel=0.15)
    assert contrasts["success"].mean() > 0.95
    alike = lambda sizes: replicate(bank, 200, sizes=sizes, seed=1, apart=False)[0]
    few, many = alike({"atezolizumab": 20, "docetaxel": 20}), alike(None)
    assert few["median_os"].std() > 2.0 * many.groupby("arm")["median_os"].std().max()


def test_trials_differ_in_response_by_as_much_as_the_record_says():
    """The logit of response, chance apart, scatters by the record, alike in both arms, around that of the bank."""
    plan = trial("oak")
    rows = [
        {"member": m, "arm": arm.name, "patient": i, "orr": i < share * 200, "cr": False, "dcr": True}
        | {"pfs": 5.0 + i, "pfs_event": True, "os": 6.0 + i, "os_event": True}
        for m in range(2)
        for arm, share in zip(plan.arms, (0.4, 0.2), strict=True)
        for i in range(200)
    ]
    bank = Bank(plan, 0, "made up", (), pd.DataFrame(rows))
    arms, _ = replicate(bank, 600, sizes={arm.name: 4000 for arm in plan.arms}, seed=2)
    logit = {name: np.log(rate / (1.0 - rate)) for name, rate in arms.groupby("arm")["orr"]}
    spread = parameters()["between_trials_response"].value
    for arm, share in zip(plan.arms, (0.4, 0.2), strict=True):
        found = logit[arm.name].to_numpy()
        assert found.mean() == pytest.approx(np.log(share / (1.0 - share)), abs=4.0 * spread / 600**0.5)
        assert found.std() == pytest.approx(spread, rel=0.15)
    assert np.corrcoef(*(logit[arm.name].to_numpy() for arm in plan.arms))[0, 1] > 0.9


def test_trials_differ_in_survival_by_as_much_as_the_records_say():
    """The log cumulative hazard, chance apart, scatters by both records in an arm, and by one of them between arms."""
    plan, times = trial("oak"), -10.0 * np.log1p(-(np.arange(1000) + 0.5) / 1000)
    rows = [
        {"member": m, "arm": arm.name, "patient": i, "orr": i % 5 == 0, "cr": False, "dcr": True}
        | {"pfs": 0.5 * times[i], "pfs_event": True, "os": times[i], "os_event": True}
        for m in range(2)
        for arm in plan.arms
        for i in range(1000)
    ]
    bank = Bank(plan, 0, "made up", (), pd.DataFrame(rows))
    arms, contrasts = replicate(bank, 400, sizes={arm.name: 4000 for arm in plan.arms}, seed=3)
    trials, single = parameters()["between_trials"].value, parameters()["between_arms"].value
    for endpoint, hazard in (("os_at_12", 1.2), ("pfs_at_6", 1.2)):
        hazards = arms.assign(found=np.log(-np.log(arms[endpoint]))).pivot(
            index="replicate", columns="arm", values="found"
        )
        first, second = hazards.to_numpy().T
        assert first.mean() == pytest.approx(np.log(hazard), abs=4.0 * np.hypot(trials, single) / 20.0)
        assert first.std() == pytest.approx(np.hypot(trials, single), rel=0.15)
        assert (first - second).std() == pytest.approx(2**0.5 * single, rel=0.25)
    assert np.log(contrasts["hr_os"]).std() == pytest.approx(2**0.5 * single, rel=0.25)


def test_a_response_above_the_null_is_told_by_the_exact_test():
    """As scipy's binomial test does it, and by no more than its level under the null."""
    rng = np.random.default_rng(9)
    responses = rng.random((4000, 40)) < 0.1
    found = resampling.exceeds(responses, 0.1, 0.05)
    for count in (3, 8, 9, 12):
        one = resampling.exceeds(np.arange(40)[None] < count, 0.1, 0.05)[0]
        assert one == (binomtest(count, 40, 0.1, alternative="greater").pvalue < 0.025)
    assert 0.002 < found.mean() <= 0.025 + 3.0 * (0.025 / 4000) ** 0.5


def test_responses_of_replicates_are_compared_as_those_of_one_trial():
    """14 of 36 against 6 of 36 differ by the pooled standard error (p = 0.035), and not by Fisher (p = 0.064)."""
    first, other = (np.arange(36)[None] < np.array([[count], [count]]) for count in (14, 6))
    p = resampling.proportions_differ(first, other)
    assert p == pytest.approx(fisher_exact([[14, 22], [6, 30]]).pvalue)
    assert (p > 0.05).all()
    rng = np.random.default_rng(9)
    level = (resampling.proportions_differ(rng.random((4000, 36)) < 0.3, rng.random((4000, 36)) < 0.3) < 0.05).mean()
    assert 0.01 < level <= 0.05


def test_log_ranks_agree_with_the_log_rank_test_with_ties(many):
    first = np.random.default_rng(6).random(many[0].shape) < 0.5
    score, spread = resampling.log_ranks(*many, first)
    for row in range(10):
        z, _ = statistics.log_rank(many[0][row], many[1][row], first[row])
        assert score[row, 0] / spread[row, 0, 0] ** 0.5 == pytest.approx(-z)


@pytest.mark.parametrize(("rho", "gamma"), [(0.0, 1.0), (1.0, 0.0), (1.0, 1.0)])
def test_weighted_log_ranks_agree_with_lifelines(many, rho, gamma):
    from lifelines.statistics import logrank_test

    rng = np.random.default_rng(7)
    time, event = many[0] + rng.random(many[0].shape) * 1e-3, many[1]
    first = rng.random(time.shape) < 0.5
    score, spread = resampling.log_ranks(time, event, first, ((0.0, 0.0), (rho, gamma)))
    for row in range(10):
        a, b = first[row], ~first[row]
        one = logrank_test(
            time[row][a], time[row][b], event[row][a], event[row][b], weightings="fleming-harrington", p=rho, q=gamma
        )
        assert score[row, 1] ** 2 / spread[row, 1, 1] == pytest.approx(one.test_statistic)


def test_who_is_not_there_changes_nothing(many):
    time, event = many
    first = np.random.default_rng(8).random(time.shape) < 0.5
    absent = [np.concatenate([array, np.zeros((10, 7), array.dtype)], axis=1) for array in (time, event, first)]
    for alone, beside in zip(resampling.log_ranks(time, event, first), resampling.log_ranks(*absent), strict=True):
        np.testing.assert_allclose(alone, beside)
    for estimate in (resampling.restricted_means, resampling.milestones):
        np.testing.assert_allclose(estimate(time, event, 6.0), estimate(absent[0], absent[1], 6.0))
    differ = resampling.milestone_differences
    np.testing.assert_allclose(differ(time, event, first, 6.0), differ(*absent, 6.0))


def test_restricted_means_and_milestones_agree_with_those_of_one_trial(many):
    mean, spread = resampling.restricted_means(*many, 10.0)
    alive = resampling.milestones(*many, 6.0)
    first = np.random.default_rng(9).random(many[0].shape) < 0.4
    difference, variance = resampling.milestone_differences(*many, first, 6.0)
    for row, (time, event) in enumerate(zip(*many, strict=True)):
        one = statistics.restricted_mean(time, event, 10.0)
        assert mean[row] == pytest.approx(one.value, rel=1e-6)
        assert statistics.Z * spread[row] ** 0.5 == pytest.approx(one.high - one.value, rel=1e-6)
        assert alive[row] == pytest.approx(statistics.survival_at(time, event, 6.0).value)
        arms = [(time[side], event[side]) for side in (first[row], ~first[row])]
        one, other = (statistics.survival_at(*arm, 6.0).value for arm in arms)
        assert difference[row] == pytest.approx(one - other)
        # Deaths at one time are taken one after the other.
        hazard = 0.0
        order = np.lexsort((first[row], ~event, time))
        for place, who in enumerate(order):
            if event[who] and time[who] <= 6.0:
                left = order[place:]
                n, n1 = len(left), first[row][left].sum()
                hazard += sum(1.0 / arm for arm in (n1, n - n1) if arm) / max(n - 1, 1)
        assert variance[row] == pytest.approx(alive[row] ** 2 * hazard)


def test_a_milestone_near_the_cut_is_found_no_more_often_than_is_allowed():
    """150 patients an arm who enter over a year, alive at 23.5 months, read at 24; each arm's own variance: 4.1 %."""
    draw = np.random.default_rng(1)
    entry, lives = draw.uniform(0.0, 12.0, (20_000, 300)), draw.exponential(12.0 / np.log(2.0), (20_000, 300))
    time, event = np.minimum(lives, 24.0 - entry), lives <= 24.0 - entry
    first = np.broadcast_to(np.arange(300) < 150, time.shape)
    difference, variance = resampling.milestone_differences(time, event, first, 23.5)
    level = (difference / np.sqrt(variance) > 1.96).mean()
    assert abs(level - 0.025) < 2.6 * np.sqrt(0.025 * 0.975 / 20_000)


@pytest.mark.slow
def test_many_trials_are_a_hundred_times_as_fast_as_lifelines():
    """Kaplan-Meier, log-rank and Cox of 600 patients with ties, in a batch, and the same to 1e-6."""
    from benchmarks.survival import measure

    found = measure(600, 500, compared=10, repeats=3)
    assert found["ratio"] > 100.0
    assert found["largest_relative_difference"] < 1e-6


def test_variances_of_permutations_are_those_over_all_ways_to_divide_the_patients():
    """With ties, unlike arms, and patients who are not there yet: scores of 20,000 divisions scatter as told, and the
    other variance is the same on average, but follows the score."""
    rng, weights = np.random.default_rng(9), ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0))
    time, event = np.ceil(rng.exponential(5.0, 60)), rng.random(60) < 0.7
    time[:5], event[:5] = 0.0, False
    first = np.stack([np.r_[np.zeros(5, bool), rng.permutation(55) < 20] for _ in range(20_000)])
    many = [np.broadcast_to(values, first.shape) for values in (time, event)]
    score, spread = resampling.log_ranks(*many, first, weights, permuted=True)
    others, usual = resampling.log_ranks(*many, first, weights)
    np.testing.assert_allclose(score, others)
    assert np.ptp(spread, axis=0).max() < 1e-9
    scale = np.sqrt(np.einsum("ww,vv->wv", spread[0], spread[0]))
    assert np.abs(np.cov(score.T) - spread[0]).max() < 0.03 * scale.max()
    assert np.abs(usual.mean(axis=0) - spread[0]).max() < 0.01 * scale.max()
    assert np.corrcoef(score[:, 1] ** 2, usual[:, 1, 1])[0, 1] < -0.1
