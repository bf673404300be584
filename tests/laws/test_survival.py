"""Trust: deaths and progression obey the laws that hold whatever the biology says."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import kstest

from alarmin.readouts.burden import event_day, growth_rate
from alarmin.readouts.new_lesions import hazard as new_lesion_hazard
from alarmin.readouts.new_lesions import mean_growth
from alarmin.readouts.survival import death_day, hazard
from alarmin.records import trial
from alarmin.simulation import MONTH
from alarmin.trials import statistics
from alarmin.trials.analysis import analyze
from alarmin.trials.endpoints import outcomes
from alarmin.trials.randomization import randomize

DAYS = np.arange(0.0, 900.0)
NEVER = np.inf


def course(cohort, growth, size=30.0):
    """Lesions that grow by `growth` a day from the diameter `size` [mm]."""
    rates = np.broadcast_to(growth, cohort.lanes)
    return size * np.exp(np.minimum(rates * DAYS[:, None], 3.0))


def rates(cohort, growth, line="second", new=NEVER, size=30.0):
    return hazard(cohort, DAYS, course(cohort, growth, size), line, np.full(len(cohort), new))


def trial_outcomes(virtual_cohort, n=300, seed=1, effect=0.0, name="oak"):
    """A trial of which the experimental arm grows more slowly by `effect` a day."""
    plan = trial(name)
    cohort = virtual_cohort(n, 2, seed=seed)
    arm = randomize(cohort, [n // 2, n - n // 2])
    speed = np.random.default_rng(seed).normal(0.0015, 0.002, n)
    found = []
    for i, design in enumerate(plan.arms):
        part = cohort[np.flatnonzero(arm == i)]
        slowed = speed[part.ids] - (effect if i == 0 else 0.0)
        lesions = {"diameter": course(part, slowed[part.patient])}
        found.append(outcomes(SimpleNamespace(cohort=part, days=DAYS, lesions=lesions), plan, design))
    return plan, found


def test_faster_growth_more_burden_and_new_lesions_raise_the_hazard(virtual_cohort):
    cohort = virtual_cohort(50, 2)
    base = rates(cohort, 0.001)
    assert np.all(rates(cohort, 0.002) > base)
    assert np.all(rates(cohort, 0.001, size=40.0) > base)
    assert np.all(rates(cohort, 0.001, new=10.0)[10:] > base[10:])
    assert np.array_equal(rates(cohort, 0.001, new=10.0)[:10], base[:10])


def test_second_line_is_worse_than_first(virtual_cohort):
    cohort = virtual_cohort(20)
    assert np.all(rates(cohort, 0.001, "second") > rates(cohort, 0.001, "first"))


@pytest.mark.parametrize(("record", "value", "better"), [("patient_albumin", 45.0, True), ("patient_nlr", 12.0, False)])
def test_blood_counts_in_the_right_direction(virtual_cohort, record, value, better):
    usual, other = (rates(virtual_cohort(5, vary=False, **change), 0.001) for change in ({}, {record: value}))
    assert np.all(other < usual) if better else np.all(other > usual)


def test_a_performance_status_of_one_is_worse(virtual_cohort):
    all_well, all_ill = (rates(virtual_cohort(5, vary=False, patient_ecog_one=share), 0.001) for share in (0.0, 1.0))
    # The effect counts from the average, so that the share changes no mean.
    assert np.allclose(all_well, all_ill)
    mixed = rates(virtual_cohort(200, vary=False, patient_ecog_one=0.5), 0.001)[0]
    assert len(np.unique(mixed.round(12))) == 2
    assert mixed.max() / mixed.min() == pytest.approx(np.exp(0.5), rel=0.05)


def test_without_disease_only_age_kills(virtual_cohort):
    cohort = virtual_cohort(1, vary=False, hazard_log_baseline_second_line=-60.0, patient_age=60.0)
    yearly = rates(cohort, 0.0)[:, 0] * 365.25
    assert yearly[0] == pytest.approx(0.01, rel=1e-6)
    older = virtual_cohort(1, vary=False, hazard_log_baseline_second_line=-60.0, patient_age=68.5)
    assert rates(older, 0.0)[0, 0] * 365.25 == pytest.approx(0.02, rel=1e-6)


def test_deaths_follow_a_constant_hazard(virtual_cohort):
    days = np.arange(0.0, 2000.0)
    luck = virtual_cohort(3000).uniform("death")
    found = event_day(days, np.full((2000, 3000), 0.004), luck)
    dead = np.isfinite(found)
    assert dead.mean() == pytest.approx(1 - np.exp(-0.004 * 1999), abs=0.01)
    assert kstest(1 - np.exp(-0.004 * found[dead]), "uniform").pvalue > 0.01
    np.testing.assert_allclose(found[dead], -np.log(luck[dead]) / 0.004)


def test_a_longer_course_moves_no_death(virtual_cohort):
    cohort = virtual_cohort(200, 2)
    new = np.full(200, NEVER)
    whole, short = (
        death_day(cohort, DAYS[:k], course(cohort, 0.002)[:k], "second", new, new) for k in (len(DAYS), 300)
    )
    assert np.array_equal(np.where(whole < 299, whole, NEVER), np.where(short < 299, short, NEVER))


def test_later_immunotherapy_helps_only_after_progression(virtual_cohort):
    cohort = virtual_cohort(400, 2)
    new, progression = np.full(400, NEVER), np.full(400, 100.0)
    without, given = (
        death_day(cohort, DAYS, course(cohort, 0.001), "second", new, progression, share) for share in (0.0, 1.0)
    )
    early = without <= 100.0
    assert np.array_equal(without[early], given[early])
    assert np.all(given[~early] >= without[~early])
    assert np.mean(given[~early] > without[~early]) > 0.5


def test_enrollment_in_east_asia_multiplies_the_hazard_of_those_enrolled_there(virtual_cohort):
    cohort = virtual_cohort(400, 2, vary=False, hazard_east_asia=-0.5, mortality=0.0)
    never = np.full(400, NEVER)
    at = lambda share: hazard(cohort, DAYS, course(cohort, 0.001), "first", never, share)[0]
    assert at(1.0) == pytest.approx(np.exp(-0.5) * at(0.0))
    lower = at(0.3) < at(0.0)
    assert np.mean(lower) == pytest.approx(0.3, abs=0.08)
    assert at(0.3)[lower] == pytest.approx(at(1.0)[lower])
    assert np.array_equal(at(0.3)[~lower], at(0.0)[~lower])


def test_a_trial_hands_on_where_it_enrolls(virtual_cohort):
    plan, cohort = trial("beyond"), virtual_cohort(300, 2, hazard_east_asia=-1.0)
    lesions = SimpleNamespace(cohort=cohort, days=DAYS, lesions={"diameter": course(cohort, 0.001)})
    here, there = (
        outcomes(lesions, plan.model_copy(update={"east_asia": share}), plan.arms[0]) for share in (0.0, 1.0)
    )
    assert np.all(there.os >= here.os) and np.mean(there.os > here.os) > 0.5


def test_growth_is_seen_over_a_cycle(virtual_cohort):
    cohort = virtual_cohort(3, vary=False)
    burden = np.exp(np.array([-0.01, 0.0, 0.01]) * DAYS[:, None])
    assert np.allclose(growth_rate(cohort, DAYS, burden), [-0.01, 0.0, 0.01])
    saw = np.exp(0.05 * np.abs((DAYS % 21) - 10.5))[:, None]
    assert np.abs(growth_rate(cohort, DAYS, saw)[42:]).max() < 1e-9


def test_shrinking_disease_is_as_deadly_as_steady_disease_of_its_size(virtual_cohort):
    cohort = virtual_cohort(1, vary=False)
    shrinking, steady = rates(cohort, -0.002), rates(cohort, 0.0)
    size = np.exp(-0.002 * DAYS[:, None])
    disease = lambda rate: (
        rate[60:300] - rates(virtual_cohort(1, vary=False, hazard_log_baseline_second_line=-60.0), 0.0)[60:300]
    )
    exponent = cohort.records["hazard_burden"].value
    assert np.allclose(disease(shrinking), disease(steady) * size[60:300] ** exponent, rtol=1e-6)


def test_new_lesions_follow_growth_and_burden(virtual_cohort):
    cohort = virtual_cohort(3, vary=False)
    slow, fast = (new_lesion_hazard(cohort, DAYS, course(cohort, g)) for g in (0.001, 0.004))
    assert np.all(fast[1:] > slow[1:])
    assert np.all(np.diff(fast[22:400], axis=0) > 0)


def test_treatment_that_shrinks_disease_holds_back_new_lesions(virtual_cohort):
    cohort = virtual_cohort(3, vary=False)
    steady, shrinking = (new_lesion_hazard(cohort, DAYS, course(cohort, g)) for g in (0.0, -0.005))
    assert np.all(shrinking > 0)
    assert np.all(shrinking[30:300] < 0.1 * steady[30:300])


@pytest.mark.parametrize("growth", [-0.005, 0.0, 0.0026, 0.008])
def test_metastases_pass_the_visible_size_as_often_as_the_law_says(growth):
    rng, days, spread = np.random.default_rng(4), 200.0, 0.0026
    rates = rng.normal(growth, spread, 1_000_000)
    # One to a unit of log size, far enough down that none from below the range could pass in time.
    depth = days * (abs(growth) + 6.0 * spread)
    passed = rng.uniform(-depth, 0.0, rates.size) + rates * days > 0.0
    seen = passed.mean() * depth / days
    error = depth / days * np.sqrt(passed.mean() / rates.size)
    assert seen == pytest.approx(float(mean_growth(np.asarray(growth), spread)), abs=4.0 * error)


def test_progression_free_survival_never_exceeds_survival(virtual_cohort):
    for arm in trial_outcomes(virtual_cohort)[1]:
        assert np.all(arm.pfs <= arm.os + 1e-9)
        assert np.all(arm.os <= trial("oak").months * MONTH)
        assert np.all(arm.pfs_event[arm.os_event & (arm.os <= arm.pfs)])
        assert np.all(arm.best.response_day[arm.responds] < arm.best.progression_day[arm.responds])


def test_rarer_scans_find_progression_later_and_change_no_survival(virtual_cohort):
    plan, _ = trial_outcomes(virtual_cohort, 10)
    cohort = virtual_cohort(200, 2, new_lesion_rate=0.0)
    growth = np.linspace(0.001, 0.008, cohort.lanes)
    made = SimpleNamespace(cohort=cohort, days=DAYS, lesions={"diameter": course(cohort, growth)})
    rare = plan.model_copy(update={"scans": (plan.scans[0].model_copy(update={"every": 84, "until": None}),)})
    often, seldom = (outcomes(made, p, p.arms[0]) for p in (plan, rare))
    assert np.array_equal(often.os, seldom.os)
    later = np.mean(seldom.pfs) - np.mean(often.pfs)
    assert 5.0 < later <= 42.0


def p_of_small_trials(virtual_cohort, effect, trials=60, n=60):
    """Log-rank p of many trials; the patients of one large arm are randomized, the first half grows more slowly."""
    cohort = virtual_cohort(trials * n, 1)
    first = randomize(cohort, [trials * n // 2] * 2) == 0
    growth = np.random.default_rng(2).normal(0.0015, 0.002, len(cohort)) - effect * first
    made = SimpleNamespace(cohort=cohort, days=DAYS, lesions={"diameter": course(cohort, growth)})
    found = outcomes(made, trial("oak"), trial("oak").arms[1])
    rows = np.arange(len(cohort)).reshape(trials, n)
    return [statistics.log_rank(found.os[k], found.os_event[k], first[k])[1] for k in rows]


def test_arms_that_do_not_differ_give_uniform_p(virtual_cohort):
    assert kstest(p_of_small_trials(virtual_cohort, 0.0), "uniform").pvalue > 0.01


def test_arms_that_differ_do_not(virtual_cohort):
    assert kstest(p_of_small_trials(virtual_cohort, 0.002), "uniform").pvalue < 0.01


def test_a_trial_concludes(virtual_cohort):
    plan, found = trial_outcomes(virtual_cohort, 300, effect=0.003)
    result = analyze(plan, found, 1, {}, {})
    assert result.patients == 300
    assert result.success
    assert {c["endpoint"] for c in result.contrasts} == {"pfs", "os", "orr"}
    assert result.arms["atezolizumab"]["os_at_18"] > result.arms["docetaxel"]["os_at_18"]
    assert len(result.tables["adsl"]) == 300
    assert set(result.tables["adtte"]["PARAMCD"]) == {"PFS", "OS", "DOR"}
    assert (result.tables["adtte"]["AVAL"] >= 1).all()
    worse = analyze(plan, trial_outcomes(virtual_cohort, 300, effect=-0.003)[1], 1, {}, {})
    assert not worse.success


@pytest.mark.parametrize("effect", [0.003, 0.001, 0.0, -0.003])
def test_success_asks_for_any_or_all_primary_endpoints(virtual_cohort, effect):
    plan, found = trial_outcomes(virtual_cohort, 200, effect=effect)
    wins = {}
    for rule in ("any", "all"):
        asked = plan.model_copy(update={"primary": ("os", "pfs"), "success": rule})
        result = analyze(asked, found, 1, {}, {})
        first = [c for c in result.contrasts if c["endpoint"] in ("os", "pfs")]
        wins[rule] = [c["p"] < 0.05 and c["hr"] < 1 for c in first], result.success
    assert wins["any"][1] == any(wins["any"][0])
    assert wins["all"][1] == all(wins["all"][0])
    assert wins["any"][1] or effect < 0.003
    assert not wins["any"][1] or effect > 0.0


def test_arms_are_filled_exactly_and_evenly(virtual_cohort):
    cohort = virtual_cohort(1045)
    arm = randomize(cohort, [359, 349, 337])
    assert list(np.bincount(arm)) == [359, 349, 337]
    for start in range(0, 1045, 60):
        assert np.ptp(np.bincount(arm[start : start + 60], minlength=3)) <= 12
    assert len({tuple(arm[i : i + 12]) for i in range(0, 240, 12)}) > 15
    assert np.array_equal(randomize(cohort, [359, 349, 337]), arm)
