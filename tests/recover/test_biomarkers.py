"""Trust: what changes the effect is found and told from what changes the course, and a cut-off is honest."""

import numpy as np
import pandas as pd
import pytest

from alarmin.decide import BiomarkerError, biomarkers, contrast_of, cutoff, interaction
from alarmin.records import trial
from alarmin.trials.bank import READINGS, Bank

PER_SD = 0.5
"""True change of the log hazard ratio of death per SD of pdl1, and of the log hazard in both arms per SD of cd8."""


def made_up(n=600, predicts=PER_SD, prognostic=PER_SD, seed=3, censored=False) -> Bank:
    """OAK with exponential times: pdl1 predicts, cd8 is prognostic, and the rest is noise."""
    rng = np.random.default_rng(seed)
    # Noise that came later has a stream of its own, so that it leaves the others as they were.
    later, more = ("oxygen", "perfusion", "nlr"), np.random.default_rng([seed, 1])
    drawn = {name: rng.standard_normal(n) for name in READINGS if name not in later}
    readings = {name: drawn[name] if name in drawn else more.standard_normal(n) for name in READINGS}
    parts = []
    for arm, treated in (("atezolizumab", 1.0), ("docetaxel", 0.0)):
        effect = prognostic * readings["cd8"] - treated * (0.2 + predicts * readings["pdl1"])
        os = rng.exponential(10.0, n) * np.exp(-effect)
        leave = rng.exponential(30.0, n) if censored else np.full(n, np.inf)
        responds = rng.random(n) < 1.0 / (1.0 + np.exp(1.0 - treated * predicts * readings["pdl1"]))
        times = {"os": np.minimum(os, leave), "os_event": os <= leave, "pfs": np.minimum(os, leave) / 2.0}
        columns = {"member": 0, "arm": arm, "patient": np.arange(n), "orr": responds, "pfs_event": os <= leave}
        parts.append(pd.DataFrame(columns | times | readings))
    return Bank(contrast_of(trial("oak")), 0, "made up", (), pd.concat(parts))


@pytest.fixture(scope="module")
def found():
    return biomarkers(made_up())


def of(found, endpoint, reading):
    rows = found.interactions.set_index(["endpoint", "reading"])
    return rows.loc[(endpoint, reading)]


@pytest.mark.parametrize("endpoint", ["pfs", "os", "orr"])
def test_what_predicts_is_told_from_what_is_prognostic(found, endpoint):
    """The reading that changes the effect is found, and only that; the trial sees the ratio that was put in."""
    predictive = of(found, endpoint, "pdl1")
    assert predictive["q"] < 0.001 and predictive["own"] > 0.0
    assert predictive["seen"] < 1.0 and predictive["seen_p"] < 0.05
    others = [of(found, endpoint, name) for name in READINGS if name != "pdl1"]
    assert all(other["q"] > 0.01 for other in others)
    if endpoint != "orr":
        prognostic = of(found, endpoint, "cd8")
        assert prognostic["prognosis_low"] < np.exp(PER_SD) < prognostic["prognosis_high"]
        assert prognostic["prognosis_low"] > 1.2


@pytest.mark.parametrize("predicts", [0.0, PER_SD])
def test_a_trial_sees_the_ratio_that_was_put_in(predicts):
    """Where nothing else drives the hazard; hazard ratios shrink where another cause is left out."""
    row = of(biomarkers(made_up(predicts=predicts, prognostic=0.0), readings=("pdl1",)), "os", "pdl1")
    assert row["seen_low"] < np.exp(-predicts) < row["seen_high"]
    assert predicts == 0.0 or row["seen_high"] < 0.8


def test_own_gains_tell_more_than_one_trial(found):
    assert of(found, "os", "pdl1")["p"] < of(found, "os", "pdl1")["seen_p"]


def test_a_cut_off_keeps_its_worth_in_those_who_did_not_choose_it(found):
    """Even patients: the selected gain more, and a trial among them needs fewer events."""
    row = found.cutoffs.set_index("reading").loc["pdl1"]
    assert row["side"] == "high" and row["difference_low"] > 0.0
    assert row["hr_selected"] < row["hr_all"] < row["hr_rest"]
    assert row["events_selected"] < row["events_all"]
    assert row["patients_all"] == 300


def test_a_cut_off_of_noise_is_worth_nothing_in_others():
    """In those who chose it the best of many cut-offs of noise looks good; in the others its interval holds 0."""
    row = biomarkers(made_up(predicts=0.0)).cutoffs
    covered = (row["difference_low"] <= 0.0) & (row["difference_high"] >= 0.0)
    assert covered.mean() >= 6 / 7


def test_even_patients_choose_nothing():
    """Whatever happens to even patients, the cut-offs stay where they are."""
    bank = made_up()
    table = bank.table.copy()
    even = table["patient"].to_numpy() % 2 == 0
    table.loc[even, "os"] = np.random.default_rng(0).permutation(table.loc[even, "os"].to_numpy())
    shuffled = Bank(bank.trial, 0, "made up", (), table)
    columns = ["reading", "side", "cut"]
    assert biomarkers(shuffled).cutoffs[columns].equals(biomarkers(bank).cutoffs[columns])


def test_censoring_leaves_the_slope_where_it_is():
    """Gains from pseudo-observations do not lean to one side where many are censored."""
    whole, part = biomarkers(made_up()), biomarkers(made_up(censored=True))
    a, b = of(whole, "os", "pdl1"), of(part, "os", "pdl1")
    assert b["own_low"] < a["own_high"] and b["own"] > 0.0 and b["q"] < 0.01


def test_without_censoring_a_pseudo_observation_is_the_time_itself():
    time = np.array([1.0, 2.5, 4.0, 8.0])
    found = interaction.restricted_times(time, np.ones(4, bool), 6.0)
    assert found == pytest.approx([1.0, 2.5, 4.0, 6.0], abs=1e-5)


def test_events_follow_schoenfeld():
    """Hazard ratio 0.7, two-sided 5 %, power 90 %: 331 events; none are enough without benefit."""
    assert cutoff.events_needed(0.7, 0.05, 0.9) == 331
    assert cutoff.events_needed(1.0) == np.inf and np.isnan(cutoff.events_needed(np.nan))


def test_normal_scores_know_ranks_alone():
    reading = np.array([3.0, 1.0, 2.0, 2.0])
    scores = interaction.normal_scores(reading)
    assert scores == pytest.approx(interaction.normal_scores(np.exp(reading)))
    assert scores.mean() == pytest.approx(0.0) and scores.std() == pytest.approx(1.0) and scores[2] == scores[3]


def test_regressions_say_where_they_cannot_tell():
    """Outcomes that a reading tells apart have no finite odds ratio, and it is not made up."""
    z = np.linspace(-1.0, 1.0, 20)
    terms = np.stack([np.ones(20), z], axis=1)
    assert np.isnan(interaction.logistic(z > 0.0, terms, 1).value)
    assert np.isnan(interaction.slope(z, np.stack([z, z], axis=1), 1).value)
    assert np.isnan(interaction.cox(np.ones(20), np.zeros(20, bool), terms[:, 1:], 0).value)


def test_least_squares_and_logistic_agree_with_closed_forms():
    """A binary term: the difference of means, and the log odds ratio of a 2x2 table with Woolf's standard error."""
    x = np.repeat([0.0, 1.0], 20)
    y = np.r_[np.arange(20) < 5, np.arange(20) < 12]
    terms = np.stack([np.ones(40), x], axis=1)
    assert interaction.slope(y.astype(float), terms, 1).value == pytest.approx(0.35)
    ratio = interaction.logistic(y, terms, 1)
    assert ratio.value == pytest.approx(np.log((12 / 8) / (5 / 15)))
    error = np.sqrt(1 / 12 + 1 / 8 + 1 / 5 + 1 / 15)
    assert (ratio.high - ratio.low) / 2 == pytest.approx(1.959964 * error, rel=1e-5)


def test_what_cannot_be_told_is_refused():
    bank = made_up(40)
    with pytest.raises(BiomarkerError, match="'tmb' is nothing"):
        biomarkers(bank, readings=("tmb",))
    same = Bank(bank.trial, 0, "made up", (), bank.table.assign(ecog=1.0))
    with pytest.raises(BiomarkerError, match="ecog: the same in all 40"):
        biomarkers(same, readings=("ecog",))
    few = Bank(bank.trial, 0, "made up", (), bank.table.loc[bank.table["patient"] < 6])
    with pytest.raises(BiomarkerError, match="two halves"):
        biomarkers(few)
    with pytest.raises(BiomarkerError, match="compares no arms"):
        contrast_of(trial("radvax"))
    with pytest.raises(BiomarkerError, match="no contrast of the arm 'BCP'"):
        contrast_of(trial("impower150"), "BCP")
    assert contrast_of(trial("impower150"), "ACP").contrasts[0].experimental == "ACP"
