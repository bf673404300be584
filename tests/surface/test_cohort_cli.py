"""Surface: `alarmin cohort` and `alarmin resume` tell what came out, and refuse wrong input before they compute."""

import json
import shutil
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

from alarmin import cohorts
from alarmin.cli.cohort import _tell
from alarmin.cli.main import app
from alarmin.errors import AlarminError
from cohort_runs import PLAN

REGIMEN = "atezolizumab 1200 mg q3w"


def call(*arguments: str):
    return CliRunner(env={"COLUMNS": "120", "TERMINAL_WIDTH": "120"}).invoke(app, list(arguments))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A complete run of a few patients, to be resumed."""
    target = tmp_path_factory.mktemp("cohort") / "run"
    cohorts.start(PLAN.model_copy(update={"patients": 8}), target, workers=partial(cohorts.local, 1))
    return target


def test_a_complete_run_is_told_as_text_and_as_json(whole, monkeypatch):
    monkeypatch.setattr("alarmin.cli.cohort.keep_programs", lambda: None)
    told = call("resume", str(whole))
    assert told.exit_code == 0, told.output
    assert "8 virtual patients" in told.stdout and "Response rate" in told.stdout
    found = json.loads(call("resume", str(whole), "--json").stdout)
    assert found["patients"] == 8 and found["complete"] and found["failed"] == {}
    assert 0 <= found["orr"]["low"] <= found["orr"]["value"] <= found["orr"]["high"] <= 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("nslc", REGIMEN), "unknown tumor"),
        (("nsclc", "atezolizumap 1200 mg q3w"), "atezolizumap"),
        (("nsclc", REGIMEN, "--patients", "0"), "--patients 0"),
        (("nsclc", REGIMEN, "--months", "0"), "--months 0"),
        (("nsclc", REGIMEN, "--months", "0.001"), "--months 0.001"),
        (("nsclc", REGIMEN, "--line", "third"), "--line third"),
        (("nsclc", REGIMEN, "--population", "nobody"), "nobody"),
        (("nsclc", REGIMEN, "--processes", "2", "--scheduler", "tcp://a:1"), "both given"),
        (("nsclc", REGIMEN, "--scheduler", "nobody"), "no Dask scheduler answers at 'nobody'"),
    ],
)
def test_wrong_input_is_refused_and_nothing_is_written(tmp_path, monkeypatch, arguments, sentence):
    monkeypatch.setattr("alarmin.cli.cohort.keep_programs", lambda: None)
    said = call("cohort", *arguments, "--out", str(tmp_path / "run"))
    assert said.exit_code == 2 and sentence in said.output
    assert not (tmp_path / "run").exists()


def test_a_folder_that_exists_is_refused_with_the_way_to_go_on(whole, monkeypatch):
    monkeypatch.setattr("alarmin.cli.cohort.keep_programs", lambda: None)
    said = call("cohort", "nsclc", REGIMEN, "--out", str(whole))
    assert said.exit_code == 2 and "alarmin resume" in said.output


def test_a_folder_without_a_run_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("alarmin.cli.cohort.keep_programs", lambda: None)
    said = call("resume", str(tmp_path))
    assert said.exit_code == 2 and "holds no cohort run" in said.output


def test_a_folder_with_a_space_is_gone_on_with_by_the_command_that_is_told(whole, tmp_path, monkeypatch):
    monkeypatch.setattr("alarmin.cli.cohort.keep_programs", lambda: None)
    monkeypatch.chdir(tmp_path)
    shutil.copytree(whole, tmp_path / "my run")
    said = call("cohort", "nsclc", REGIMEN, "--out", "my run")
    assert said.exit_code == 2 and "alarmin resume 'my run'" in said.output


def test_medians_that_are_not_reached_are_said_in_words(capsys):
    missing = {"value": None, "low": None, "high": None}
    about = {"tumor": "nsclc", "regimen": "", "patients": 3, "lesions": 5, "months": 1, "seed": 0, "failed": {}}
    _tell(about | {"median_pfs": missing, "median_os": {**missing, "low": 7.0}}, Path("run"), json=False)
    told = capsys.readouterr().out
    assert "(–––)" not in told and "– (7.0–not reached)" in told


@pytest.mark.parametrize("wrong", [{"tumor": "nslc"}, {"regimen": "docetaxol 75 mg/m2 q3w"}, {"population": "nobody"}])
def test_a_plan_that_names_what_there_is_not_leaves_no_folder(wrong, tmp_path):
    with pytest.raises(AlarminError, match=next(iter(wrong.values()))):
        cohorts.start(PLAN.model_copy(update=wrong), tmp_path / "run", workers=partial(cohorts.local, 1))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("wrong", [{"patients": 0}, {"seed": -1}, {"months": float("nan")}, {"scan_every": 0}])
def test_a_plan_of_no_number_is_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        cohorts.Plan.model_validate(PLAN.model_dump() | wrong)
