"""Recover: scores of banks whose truth is known; blind: what was published changes scores and no prediction."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from alarmin.cli.main import app
from alarmin.published import study
from alarmin.records import trial
from alarmin.scoring import replicates
from alarmin.scoring.forecast import Scoreboard, fitted_to, forecast, interval_score
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


def test_a_median_that_is_not_reached_is_said_and_no_number():
    """Ten years stand in for it where it is scored, and nowhere else; a picture and JSON can hold it."""
    late = bank_of({"ABCP": 400.0, "ACP": 400.0, "BCP": 14.7}, {"ABCP": 0.6, "ACP": 0.45, "BCP": 0.48})
    table = late.table.assign(os_event=late.table["os"] < 30.0, os=late.table["os"].clip(upper=30.0))
    rows, verdict = forecast(Bank(late.trial, 0, "made up", (), table), 100)
    row = next(row for row in rows if (row.of, row.endpoint) == ("ABCP", "median_os"))
    assert np.isinf(row.predicted) and np.isinf(row.high) and row.interval_score > 0
    assert np.isfinite(row.interval_score)
    found = Scoreboard(tuple(rows), {"impower150": verdict})
    shown = next(line for line in page(found, "x").splitlines() if "| ABCP | Median overall" in line)
    assert "not reached" in shown and "120" not in shown
    assert "scored as 120 months" in page(found, "x")
    assert "not reached" in next(line for line in printed(found) if "ABCP" in line and "Median overall" in line)
    drawn = {(one.of, one.endpoint): one for one in replicates(Bank(late.trial, 0, "made up", (), table), 100).compared}
    assert drawn["ABCP", "median_os"].low is None and not drawn["ABCP", "median_os"].inside
    told = next(one for one in found.to_json()["rows"] if (one["of"], one["endpoint"]) == ("ABCP", "median_os"))
    assert told["predicted"] is None and json.dumps(found.to_json(), allow_nan=False)


def printed(found):
    """The lines that `alarmin score` prints of its rows."""
    from rich.console import Console

    from alarmin.cli.score import _rows

    console = Console(width=200)
    with console.capture() as shown:
        console.print(_rows(found))
    return shown.get().splitlines()


def test_a_rival_without_any_value_has_a_dash():
    rows, verdict = forecast(GOOD, 50)
    none = {"independent drug action": None}
    silent = [
        replace(row, rivals=row.rivals | none, rival_scores=row.rival_scores | none) if row.rivals else row
        for row in rows
    ]
    lines = page(Scoreboard(tuple(silent), {"impower150": verdict}), "x").splitlines()
    for said in ("mean absolute error of log hazard ratios", "mean interval score of log hazard ratios"):
        assert next(line for line in lines if said in line).split("|")[3].strip() == "–"


def test_trials_of_which_nothing_was_read_are_written_without_table_and_picture():
    from alarmin.cli.score import _files, _show

    nothing = Scoreboard((), {})
    files = _files(nothing, "alarmin score n1135")
    assert set(files) == {"score.json", "scores.md", "score.csv"}
    assert "Nothing that these trials published can be compared" in files["scores.md"]
    assert "| trial |" not in files["scores.md"]
    assert files["score.csv"].startswith("study,of,endpoint,published,predicted")
    _show(nothing)


def test_a_trial_that_a_fit_has_seen_is_not_scored():
    """By its own name, and by the names of studies that share its patients; others are."""
    result = CliRunner().invoke(app, ["score", "oak", "--members", "1", "--patients", "2"])
    assert result.exit_code == 2
    assert "the fit of nsclc has seen it" in " ".join(result.output.replace("│", " ").split())
    assert "impower150" in result.output
    assert fitted_to(trial("mpact")) == ("pdac",)
    assert fitted_to(trial("impower150")) == ()
