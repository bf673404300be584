"""Surface: `alarmin explain` shows, writes and draws what was found, and refuses wrong input before it computes."""

import json
import sys

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from alarmin.cli.main import app
from alarmin.explain import Explanation, Played, interactions, shapley
from alarmin.explain.switches import games
from alarmin.plots import barrier_profiles

REGIMEN = "atezolizumab 1200 mg q3w"


def call(*arguments: str):
    return CliRunner(env={"COLUMNS": "120", "TERMINAL_WIDTH": "120"}).invoke(app, ["explain", *arguments])


@pytest.fixture
def answers(monkeypatch, virtual_cohort):
    """Explanations of patients without biology, whose values are drawn."""

    def explain(cohort, regimen, *, days, progress):
        n = len(cohort)
        draw = np.random.default_rng(n)
        played = lambda game: Played(
            game, v := draw.normal(size=(2 ** len(game.switch), n)), shapley(v), interactions(v)
        )
        cells = draw.uniform(1.0, 9.0, (3, n))
        return Explanation(
            cohort, str(regimen), days, *cells, played(games().barriers), played(games().steps), 1000, 1.0
        )

    monkeypatch.setattr("alarmin.cli.explain.keep_programs", lambda: None)
    monkeypatch.setattr("alarmin.results.cohorts.kept_cohort", lambda tumor, n, seed, folder, **_: virtual_cohort(n))
    import alarmin.trials

    module = sys.modules[alarmin.trials.run.__module__]
    monkeypatch.setattr(module, "enroll_for", lambda trial, n, seed, **_: virtual_cohort(n))
    monkeypatch.setattr("alarmin.explain.explain", explain)
    return explain


def test_the_table_names_every_barrier_and_step(answers):
    """Every switch has a row, and the strongest interaction is told."""
    result = call("nsclc", REGIMEN, "--patients", "5")
    assert result.exit_code == 0, result.output
    for game in (games().barriers, games().steps):
        for switch in game.switch:
            assert switch.title in result.stdout
    assert result.stdout.count("Strongest interaction") == 2


@pytest.mark.parametrize("patients", ["1", "20"])
def test_json_adds_up(answers, patients):
    """The Shapley values of each patient are the whole effect, in JSON too."""
    whole = json.loads(call("nsclc", REGIMEN, "--patients", patients, "--json").stdout)
    assert whole["patients"] == int(patients)
    for game in ("barriers", "steps"):
        assert len(whole[game]["each"]) == int(patients)
        for one in whole[game]["each"]:
            assert sum(one["shapley"].values()) == pytest.approx(one["all"] - one["none"], abs=1e-5)


def test_an_arm_of_a_trial_can_be_named(answers):
    """The regimen is that of the arm."""
    from alarmin.records import trial

    arm = trial("oak").arms[0]
    whole = json.loads(call("oak", arm.name, "--patients", "2", "--json").stdout)
    assert "atezolizumab" in whole["regimen"] or "docetaxel" in whole["regimen"]


def test_tables_and_pictures_are_written(answers, tmp_path):
    """Tables, four pictures in both kinds, and provenance."""
    folder = tmp_path / "run"
    result = call("nsclc", REGIMEN, "--patients", "14", "--out", str(folder))
    assert result.exit_code == 0, result.output
    assert {path.stem for path in folder.glob("*.parquet")} == {"patients", "shapley", "coalitions", "pairs"}
    assert len(list((folder / "figures").iterdir())) == 8
    assert (folder / "provenance.json").exists()
    table = pd.read_parquet(folder / "shapley.parquet")
    assert len(table) == 14 * 11
    assert len(pd.read_parquet(folder / "coalitions.parquet")) == 14 * (64 + 32)


def test_too_many_profiles_are_refused():
    """Nobody could read them."""
    with pytest.raises(ValueError, match="13"):
        barrier_profiles(np.zeros((6, 13)), ["x"] * 6, ["y"] * 13)


REFUSED = {
    "no such tumor": (("nsclk", REGIMEN), "nsclk"),
    "no such agent": (("nsclc", "atezolizumap 1200 mg q3w"), "atezolizumab"),
    "nothing given": (("nsclc", "none"), "no treatment"),
    "no patients": (("nsclc", REGIMEN, "--patients", "0"), "--patients 0"),
    "no days": (("nsclc", REGIMEN, "--days", "0"), "--days 0"),
    "negative seed": (("nsclc", REGIMEN, "--seed", "-1"), "--seed -1"),
    "no such trial file": (("nothing.toml", REGIMEN), "nothing.toml"),
    "no regimen": (("nsclc",), "regimen"),
    "over a file": (("nsclc", REGIMEN, "--out", "/dev/null"), "exists already"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_wrong_input_is_refused(case, monkeypatch):
    """The refusal names what is wrong, with status 2, before anything is computed."""

    def compute(*arguments, **options):
        raise AssertionError("computed before the input was refused")

    monkeypatch.setattr("alarmin.enrollment.enroll_counted", compute)
    arguments, said = REFUSED[case]
    result = call(*arguments)
    assert result.exit_code == 2, result.output
    assert said in result.stderr
