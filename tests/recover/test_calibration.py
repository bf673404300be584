"""Recover: emulators find a smooth law in noisy runs, draws the posterior that theory knows; kept runs come back."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from alarmin import records
from alarmin.calibrate import emulator, posterior
from alarmin.calibrate.fit import fit
from alarmin.calibrate.left_out import left_out
from alarmin.calibrate.plan import Target, plan
from alarmin.calibrate.prediction import _arm, _endpoints, changes_of
from alarmin.calibrate.runs import Runs
from alarmin.calibrate.targets import Data, FitError, data_of
from alarmin.patients import records_of

NOISE = 0.3
SLOPES = np.array([[1.0, 0.5, 0.0], [0.0, -1.0, 0.2], [0.3, 0.0, 0.0], [0.2, 0.2, 0.05]])
"""Four data of three numbers, of which the last is hardly seen."""


def law(theta, bend=0.0):
    """The mean of the data at `theta`, `[run, datum]`."""
    return theta @ SLOPES.T + bend * np.sin(theta[:, :1])


def runs(count, bend=0.0, noise=NOISE, seed=1):
    rng = np.random.default_rng(seed)
    theta = rng.standard_normal((count, 3))
    return theta, law(theta, bend) + noise * rng.standard_normal((count, 4))


@pytest.mark.parametrize("bend", [0.0, 0.8])
def test_an_emulator_finds_the_law_beneath_the_noise(bend):
    learned = emulator.learn(*runs(150, bend))
    fresh = 0.8 * np.random.default_rng(2).standard_normal((300, 3))
    error = learned.mean(fresh) - law(fresh, bend)
    # Far below the scatter of one run, and as large as it says.
    assert np.sqrt(np.mean(error**2)) < 0.4 * NOISE
    standardized = error / np.sqrt(learned.variance(fresh))
    assert 0.5 < np.sqrt(np.mean(standardized**2)) < 1.6
    assert learned.noise == pytest.approx(NOISE, rel=0.25)


def test_noise_alone_explains_nothing():
    theta, _ = runs(150)
    learned = emulator.learn(theta, np.random.default_rng(3).standard_normal((150, 4)))
    assert learned.explained.max() < 0.15


def test_draws_are_those_of_the_posterior_in_closed_form():
    learned = emulator.learn(*runs(300, noise=0.05))
    covariance = np.diag([0.2, 0.3, 0.5, 0.4]) ** 2
    data = Data(tuple("abcd"), np.array([1.0, -0.5, 0.4, 0.1]), covariance, 0.0 * covariance)
    found = posterior.sample(learned, data, 4000, seed=4, steps=3000)
    precision = np.eye(3) + SLOPES.T @ np.linalg.solve(covariance, SLOPES)
    mean = np.linalg.solve(precision, SLOPES.T @ np.linalg.solve(covariance, data.values))
    spread = np.linalg.inv(precision)
    assert found.theta.mean(axis=0) == pytest.approx(mean, abs=0.06)
    assert np.cov(found.theta.T) == pytest.approx(spread, abs=0.08)
    # What the data do not speak of stays at the prior, and they speak of two directions.
    assert found.theta[:, 2].std() > 0.6
    information = np.sort(np.linalg.eigvalsh(precision - np.eye(3)))[::-1]
    assert found.directions == pytest.approx(information, rel=0.1, abs=0.2)


def test_without_data_the_prior_stays():
    learned = emulator.learn(*runs(100))
    data = Data(tuple("abcd"), np.zeros(4), np.eye(4), 1e6 * np.eye(4))
    found = posterior.sample(learned, data, 3000, seed=5, steps=2000)
    assert found.theta.mean(axis=0) == pytest.approx(np.zeros(3), abs=0.1)
    assert found.theta.std(axis=0) == pytest.approx(np.ones(3), abs=0.1)


def test_leaving_trials_out_tells_how_trials_differ():
    """Trials whose hazards were drawn with known spreads; the law is known, and chance in them is small."""
    trials, arms, kinds = 24, ("a", "b"), ("os_at_12", "median_pfs", "orr")
    names = tuple(f"trial{t}.{arm}.{kind}" for t in range(trials) for arm in arms for kind in kinds)
    rng = np.random.default_rng(6)
    theta = rng.standard_normal((40, 2))
    slopes = rng.standard_normal((len(arms) * len(kinds), 2))
    learned = emulator.learn(theta, theta @ slopes.T + 0.01 * rng.standard_normal((40, len(slopes))))
    learned = learned.only(np.tile(np.arange(len(slopes)), trials))
    sign = np.asarray([{"os_at_12": 1.0, "median_pfs": -1.0, "orr": 0.0}[name.split(".")[2]] for name in names])
    of_trial = np.repeat(0.5 * rng.standard_normal(trials), len(arms) * len(kinds))
    of_arm = np.repeat(0.2 * rng.standard_normal(trials * len(arms)), len(kinds))
    response = np.repeat(0.4 * rng.standard_normal(trials), len(arms) * len(kinds)) * (sign == 0.0)
    mean = np.tile(slopes @ [0.3, -0.2], trials)
    values = mean + sign * (of_trial + of_arm) + response + 0.05 * rng.standard_normal(len(names))
    data = Data(names, values, 0.05**2 * np.eye(len(names)), 0.24**2 * np.eye(len(names)))
    found = left_out(learned, data)
    assert found.between_trials == pytest.approx(of_trial.std(), rel=0.25)
    assert found.between_arms == pytest.approx(of_arm.std(), rel=0.25)
    assert found.between_trials_response == pytest.approx(0.4, rel=0.3)
    # What 24 trials leave open of the law, 0.5/24^(1/2), is not told apart from what each datum misses by.
    assert found.each < 0.12


def test_runs_are_kept_and_go_on(tmp_path):
    kept = Runs.of("one", tmp_path)
    kept.add(0, np.array([0.1]), np.array([1.0, 2.0]))
    kept.add(3, np.array([0.2]), np.array([np.nan, 2.0]))
    again = Runs.of("one", tmp_path)
    assert sorted(again.found) == [0, 3]
    assert again.found[0][1].tolist() == [1.0, 2.0]
    assert np.isnan(again.found[3][1][0])


def test_runs_of_something_else_are_refused(tmp_path):
    Runs.of("one", tmp_path).add(0, np.array([0.1]), np.array([1.0]))
    with pytest.raises(FitError, match="another plan, code, size or seed"):
        Runs.of("other", tmp_path)
    assert json.loads((tmp_path / "0000.json").read_text())["key"] == "one"


def test_a_plan_that_changes_no_record_is_refused():
    known = plan("sarcoma")
    wrong = known.changes[0].model_copy(update={"record": "caf_resorbtion"})
    with pytest.raises(FitError, match=r"'caf_resorbtion', which is no record; did you mean 'caf_resorption'"):
        fit(known.model_copy(update={"changes": (wrong,)}), runs=40)


@pytest.mark.parametrize("name", ["nsclc", "pdac", "sarcoma", "melanoma"])
def test_every_datum_of_a_plan_was_read(name):
    assert data_of(plan(name)).names


def test_a_value_that_nobody_read_is_no_datum():
    known = plan("nsclc")
    wrong = Target(trial="ca184-104", arm="chemotherapy", endpoints=("median_pfs",))
    with pytest.raises(FitError, match=r"'median_pfs' of arm .* in study 'ca184-104' is unverified"):
        data_of(known.model_copy(update={"targets": (wrong,)}))


def test_an_arm_that_a_trial_does_not_have_is_refused():
    with pytest.raises(FitError, match=r"no arm 'placbo' in trial 'beyond'; did you mean 'placebo'"):
        _arm(records.trial("beyond"), "placbo")


def assert_alone(data, name, value, error):
    """A datum on the log scale, with the error that the plan gives, independent of all else."""
    at = data.names.index(name)
    assert data.values[at] == pytest.approx(np.log(value))
    assert data.covariance[at, at] == pytest.approx(error**2)
    assert np.count_nonzero(data.covariance[at]) == 1


def test_a_fit_looks_at_untreated_tumors_too():
    """Medians, none of which is unverified."""
    known = plan("melanoma")
    data = data_of(known)
    assert_alone(data, "untreated.melanoma.oxygen", 11.6, known.untreated["oxygen"])
    share = data.values[data.names.index("untreated.melanoma.share_cd8")]
    assert np.exp(share) == pytest.approx(records.tumor("melanoma").composition.median["cd8"])
    with pytest.raises(FitError, match="no 'doubling_time' of untreated 'melanoma' was read at its source"):
        data_of(known.model_copy(update={"untreated": {"doubling_time": 0.2}}))
    with pytest.raises(FitError, match="looks at 'oxigen' of untreated tumors; did you mean 'oxygen'"):
        data_of(known.model_copy(update={"untreated": {"oxigen": 0.2}}))


def test_a_fit_looks_at_vessels_under_treatment_too():
    """Ratios, none of which nobody read."""
    known = plan("nsclc")
    assert_alone(data_of(known), "treated.nsclc.imaged_flow", 0.67, known.treated["imaged_flow"])
    assert records.population("nsclc").trials.count("treated") == 0
    with pytest.raises(FitError, match="looks at 'vessel_matur' under treatment; did you mean 'vessel_mature'"):
        data_of(known.model_copy(update={"treated": {"vessel_matur": 0.2}}))


def test_one_simulation_stands_for_trials_of_the_same_treatment_in_both_arms():
    """Its own hazard ratio is published of each, and both are compared with that of the one that is simulated."""
    both = [t for t in plan("nsclc").targets if "hr_pfs" in t.endpoints and t.trial in ("beyond", "e4599")]
    assert [target.trial for target in both] == ["beyond", "e4599"]
    assert {target.simulated for target in both} == {("beyond", "bevacizumab")}
    assert {target.simulated_control for target in both} == {("beyond", "placebo")}
    data = data_of(plan("nsclc"))
    ratios = [data.values[data.names.index(f"{t.trial}.bevacizumab.hr_pfs")] for t in both]
    assert np.exp(ratios) == pytest.approx([0.40, 0.66])


def test_a_course_that_stands_for_another_is_followed_as_in_that_trial(virtual_cohort):
    """BEYOND was in China, E4599 was not: one course, two hazards of death."""
    cohort = virtual_cohort(60, 2, hazard_east_asia=-0.5, mortality=0.0)
    days = np.arange(0.0, 580.0)
    course = SimpleNamespace(cohort=cohort, days=days, lesions={"diameter": np.full((580, cohort.lanes), 30.0)})
    known = plan("nsclc")
    both = [
        target.model_copy(update={"control": None, "endpoints": ("os_at_12",)})
        for target in known.targets
        if target.trial in ("beyond", "e4599") and target.arm == "bevacizumab"
    ]
    there, here = _endpoints(known.model_copy(update={"targets": tuple(both)}), {("beyond", "bevacizumab"): course})
    # Nearly the effect itself, since those with the highest hazard die first.
    assert -0.5 < there - here < -0.4


def test_a_record_that_is_changed_twice_names_what_it_was_before_both():
    """Of docetaxel the kill rate and its spread between patients are fitted."""
    known = plan("nsclc")
    before = records_of("nsclc", {})
    after = changes_of(known, before, np.ones(len(known.changes)))["docetaxel.cytotoxic.kill_rate"]
    prior = before["docetaxel.cytotoxic.kill_rate"]
    assert after.value > prior.value and after.between_patients.cv > prior.between_patients.cv
    assert after.note == f"prior: {prior.value:g} {prior.unit}, {prior.source}"


def test_a_fit_of_failures_is_refused():
    done = Runs("one", found={n: (np.zeros(1), np.full(1, 1.0 if n == 0 else np.nan)) for n in range(20)})
    with pytest.raises(FitError, match="only 1 of 20"):
        done.whole(20)
