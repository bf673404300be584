"""Recover: scores of banks whose truth is known; blind: what was published changes scores and no prediction."""

import numpy as np
import pandas as pd
import pytest

from alarmin.published import study
from alarmin.records import trial
from alarmin.scoring.forecast import Scoreboard, forecast, interval_score
from alarmin.scoring.page import page
from alarmin.trials.bank import Bank


def bank_of(months, response, members=4, patients=200, training=("oak.docetaxel.orr",)):
    """A bank of IMpower150 with exponential times: median survival [month] and response rate by arm."""
    rng = np.random.default_rng(1)
    design, parts = trial("impower150"), []
    for member in range(members):
        for arm in design.arms:
            os = rng.exponential(months[arm.name] / np.log(2.0), patients)
            parts.append(
                pd.DataFrame(
                    {
                        "member": member,
                        "arm": arm.name,
                        "patient": np.arange(patients),
                        "orr": rng.random(patients) < response[arm.name],
                        "cr": False,
                        "dcr": True,
                        "pfs": os / 2.3,
                        "pfs_event": True,
                        "os": os,
                        "os_event": True,
                    }
                )
            )
    return Bank(design, 0, "made up", training, pd.concat(parts))


GOOD = bank_of({"ABCP": 19.5, "ACP": 19.0, "BCP": 14.7}, {"ABCP": 0.6, "ACP": 0.45, "BCP": 0.48})
BAD = bank_of({"ABCP": 5.0, "ACP": 5.0, "BCP": 40.0}, {"ABCP": 0.05, "ACP": 0.05, "BCP": 0.9})


def test_the_truth_scores_well_and_its_opposite_badly():
    good, verdict = forecast(GOOD, 300)
    bad, wrong = forecast(BAD, 300)
    by_name = {(row.of, row.endpoint): row for row in good}
    assert by_name["BCP", "median_os"].inside_95
    assert by_name["ABCP v BCP", "hr_os"].predicted == pytest.approx(14.7 / 19.5, rel=0.1)
    assert np.mean([row.interval_score for row in good]) < np.mean([row.interval_score for row in bad])
    assert verdict["predicted"] > 0.5 > wrong["predicted"]
    assert Scoreboard(tuple(bad), {"impower150": wrong}).sums()["coverage_95"] < 0.4


def test_what_was_used_in_fitting_is_said():
    assert all(row.held_out for row in forecast(GOOD, 50)[0])
    used = bank_of(
        {"ABCP": 19.5, "ACP": 19.0, "BCP": 14.7},
        {"ABCP": 0.6, "ACP": 0.5, "BCP": 0.5},
        training=("impower150.BCP.orr",),
    )
    assert not any(row.held_out for row in forecast(used, 50)[0])


def test_a_changed_publication_changes_no_prediction():
    known = study("impower150")
    arms = tuple(
        arm.model_copy(
            update={"endpoints": tuple(e.model_copy(update={"value": e.value * 0.5}) for e in arm.endpoints)}
        )
        for arm in known.arms
    )
    contrasts = tuple(c.model_copy(update={"hr": c.hr * 2.0}) for c in known.contrasts)
    leaked = known.model_copy(update={"arms": arms, "contrasts": contrasts})
    before, after = forecast(GOOD, 100)[0], forecast(GOOD, 100, against=leaked)[0]
    for first, second in zip(before, after, strict=True):
        assert (first.predicted, first.low, first.high) == (second.predicted, second.low, second.high)
    assert [row.published for row in before] != [row.published for row in after]


def test_rivals_stand_beside_hazard_ratios_alone():
    rows, _ = forecast(GOOD, 50)
    assert all(bool(row.rivals) == row.endpoint.startswith("hr_") for row in rows)


def test_interval_score_rewards_narrow_and_right():
    assert interval_score(1.0, 0.5, 1.5) < interval_score(1.0, 0.0, 2.0) < interval_score(1.0, 1.5, 1.6)
    assert interval_score(0.0, 1.0, 2.0) == pytest.approx(1.0 + 40.0)


def test_the_page_holds_every_row_and_sum_of_the_scores():
    rows, verdict = forecast(GOOD, 100)
    found = Scoreboard(tuple(rows), {"impower150": verdict})
    lines = page(found, "alarmin score impower150").splitlines()
    endpoints = [line for line in lines if line.startswith("| impower150 |") and line.count("|") == 10]
    assert len(endpoints) == len(rows)
    assert [line.split("|")[6].strip() == "yes" for line in endpoints] == [row.inside_95 for row in rows]
    total = next(line for line in lines if line.startswith("| values within"))
    assert f"| {sum(row.inside_95 for row in rows)} of {len(rows)} |" in total
    ratio = next(row for row in rows if row.endpoint == "hr_os")
    shown = next(line for line in endpoints if "Hazard ratio of death" in line and f"| {ratio.of} |" in line)
    assert f"{ratio.rivals['independent drug action']:.2f}" in shown
    assert any(line.startswith("| impower150 |") and line.endswith("| met | right |") for line in lines)


def test_a_trial_without_control_has_the_verdict_of_its_null_response():
    design = trial("arry382_pembrolizumab")
    table = GOOD.table.loc[GOOD.table["arm"] != "BCP"]
    names = {"ABCP": design.arms[0].name, "ACP": design.arms[1].name}
    for share, success in ((0.6, True), (0.02, False)):
        rng = np.random.default_rng(2)
        made = table.assign(arm=table["arm"].map(names), orr=rng.random(len(table)) < share)
        _, verdict = forecast(Bank(design, 0, "made up", (), made), 200)
        assert (verdict["predicted"] > 0.95) == success
        assert verdict["published"] is False
