"""Recover: forecasts of lesions whose truth is known cover it; scans speak of what made them and of nothing else."""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from alarmin.forecast import contest, predictive
from alarmin.forecast.belief import belief
from alarmin.forecast.condition import condition, series
from alarmin.forecast.lesions import read
from alarmin.forecast.patient import forecast

PUBLISHED = Path(__file__).parents[3] / "shared" / "data" / "lesions_laleh2022.csv"
DAYS = np.arange(0.0, 420.0, 42.0)


def rows_of(days, *lesions, status="measured"):
    parts = [pd.DataFrame({"lesion": str(k), "day": days, "diameter": d}) for k, d in enumerate(lesions)]
    return pd.concat(parts).assign(patient="7", status=status)


def read_text(rows):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lesions.csv"
        path.write_text("study,arm,patient,day,diameter_mm\n" + rows)
        return read(path, as_published=True)


def readings(bank, learned, count, rng):
    """Lesions drawn from the bank, with the walk and the errors that are believed."""
    days = np.tile(DAYS, (count, 1))
    root = np.linalg.cholesky(learned.covariance(days[0]) + learned.scan_error**2 * np.eye(len(DAYS)))
    made = []
    for virtual in rng.integers(bank.diameter.shape[1], size=count):
        level = learned.level(np.interp(DAYS, bank.days, bank.diameter[:, virtual]))
        made.append((DAYS, learned.diameter(level + root @ rng.standard_normal(len(DAYS))), np.zeros(len(DAYS), bool)))
    return made


def test_intervals_cover_lesions_of_the_bank(made_up_lesions):
    bank = made_up_lesions()
    # All of the mechanism is believed, and errors are normal: what made the readings.
    learned = belief("checkpoint").model_copy(
        update={"shrinkage": 1.0, "growth": 1.0, "tails": 200.0, "sharpness": 1.0}
    )
    table = series(readings(bank, learned, 300, np.random.default_rng(2)))
    beside = condition(table, bank, learned)
    rows = np.arange(300)
    for at in (4, 9):
        mean, spread = beside.ahead(rows, np.full(300, 4), np.full(300, at))
        found = predictive.quantiles(
            learned, mean, spread, beside.weights(rows, np.full(300, 4)), table.diameter[:, 3], np.zeros(300)
        )
        assert 0.90 < predictive.inside(found, table.diameter[:, at]).mean() < 0.99
        assert 0.40 < predictive.inside(found, table.diameter[:, at], 0.5).mean() < 0.62


def test_scans_speak_of_what_made_them_alone(made_up_lesions):
    bank = made_up_lesions()
    fast = int(np.argmax(bank.parameters["tumor_doubling_time"] * -1.0))
    days = DAYS[:6]
    found = forecast(rows_of(days, np.interp(days, bank.days, bank.diameter[:, fast])), bank)
    told = found.speaks.set_index("record")
    assert told.loc["tumor_doubling_time", "moved"] < -0.5 and told.loc["tumor_doubling_time", "speaks"]
    assert not told.loc["purines_release", "speaks"]
    assert found.progression > 0.8 and found.response < 0.05


def test_more_scans_narrow_the_forecast_and_lesions_speak_together(made_up_lesions):
    bank = made_up_lesions()
    truth = np.interp(DAYS, bank.days, bank.diameter[:, 5])
    few, many = (forecast(rows_of(DAYS[:n], truth[:n]), bank) for n in (1, 6))
    assert many.alike < few.alike
    both = forecast(rows_of(DAYS[:4], truth[:4], truth[:4]), bank)
    total = both.lesions.loc[both.lesions["lesion"] == "sum"]
    assert (total["low"] <= total["median"]).all() and (total["median"] <= total["high"]).all()
    again = forecast(rows_of(DAYS[:4], truth[:4], truth[:4]), bank)
    pd.testing.assert_frame_equal(both.lesions, again.lesions)


def test_a_lesion_that_shrinks_away_responds(made_up_lesions):
    found = forecast(rows_of(DAYS[:4], np.array([40.0, 25.0, 15.0, 8.0])), made_up_lesions())
    assert found.response > 0.95


def test_readings_of_a_patient_follow_the_law_that_contests_score(made_up_lesions):
    """One lesion: its quantiles are those of the law of a reading, the atom at the last reading among them."""
    bank, size = made_up_lesions(), np.array([40.0, 36.0, 36.0, 36.0])
    found = forecast(rows_of(DAYS[:4], size), bank, scans=2).lesions.iloc[0]
    learned = belief("checkpoint")
    table = series([(DAYS[:4], size, np.zeros(4, bool))], [DAYS[3:4] + 42.0])
    one, beside = np.array([0]), condition(table, bank, learned)
    seen = np.array([4])
    repeat = learned.repeats(*contest.habits(table, one, seen, seen))
    law = predictive.quantiles(
        learned, *beside.ahead(one, seen, seen), beside.weights(one, seen), np.array([36.0]), repeat
    )
    assert found["median"] == predictive.at(law, 0.5)[0] == 36.0
    for name, level in (("lower", 0.25), ("high", 0.975)):
        assert found[name] == pytest.approx(predictive.at(law, level)[0], abs=0.3)


def test_who_teaches_and_who_is_scored_never_changes():
    halves = [contest.half_of("Study_4_Arm_1", str(k)) for k in range(400)]
    assert halves[:6] == [contest.half_of("Study_4_Arm_1", str(k)) for k in range(6)]
    assert 150 < halves.count("fitting") < 250


def test_a_rehearsal_scores_every_teacher_once_and_nobody_else():
    rows = "".join(f"S,Study_4_Arm_1,{k},{42 * t},{30 + t}\n" for k in range(60) for t in range(3))
    known = contest.groups(read_text(rows))
    turns = contest.rounds(known)
    halves = [turn[0].people["half"].to_numpy() for turn in turns]
    teaches = known[0].people["half"].to_numpy() == "fitting"
    scored = sum((half == "scoring").astype(int) for half in halves)
    assert (scored == teaches).all() and len(turns) == contest.FOLDS
    assert all((half[~teaches] == "neither").all() for half in halves)


@pytest.mark.skipif(not PUBLISHED.exists(), reason="the published series is not part of the package")
def test_the_protocols_give_the_published_errors_of_the_last_reading():
    """Mean absolute error of the last reading over all patients, as worked out beforehand: 4.04, 5.59 and 4.23 mm.

    There, the first of two readings on a day stood for both.
    """
    lesions = read(PUBLISHED, as_published=True)
    evaluable = lesions.table[lesions.table["status"] != "not evaluable"]
    known = contest.groups(type(lesions)(evaluable.drop_duplicates(["study", "arm", "patient", "day"]), lesions.notes))
    for protocol, patients, error in (("A", 646, 4.04), ("B", 1065, 5.59), ("C", 823, 4.23)):
        means = []
        for group in known:
            rows, seen, at = contest.cases(group.scans, protocol).T
            miss = np.abs(group.scans.diameter[rows, at] - group.scans.diameter[rows, seen - 1])
            means += list(pd.Series(miss).groupby(rows).mean())
        assert len(means) == patients and np.mean(means) == pytest.approx(error, abs=0.005)


@pytest.mark.skipif(not PUBLISHED.exists(), reason="the published series is not part of the package")
def test_a_small_contest_from_beginning_to_end(made_up_lesions):
    lesions = read(PUBLISHED, as_published=True)
    label = lesions.table["patient"].astype(int)
    few = type(lesions)(lesions.table.loc[label % 25 == 0], lesions.notes)
    found = contest.run(few, lambda tumor, regimen: made_up_lesions())
    table = found.table()
    assert set(table["rival"]) >= {contest.LOCF, contest.OURS, contest.ABLATED, "Gompertz", "general Bertalanffy"}
    assert (table["crps"] <= table["mae"] + 1e-6).loc[table["rival"] == contest.OURS].all()
    assert found.fitting + found.scoring == label[label % 25 == 0].groupby(lesions.table["arm"]).nunique().sum()
