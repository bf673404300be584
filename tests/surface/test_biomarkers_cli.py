"""Surface: `alarmin biomarkers` shows, writes and draws what predicts, and refuses wrong input before it computes."""

import json

import pandas as pd
import pytest
from typer.testing import CliRunner

from alarmin import results
from alarmin.cli.main import app
from alarmin.records import population
from alarmin.trials.bank import READINGS, Bank
from made_up_bank import bank_of

HAZARDS = {"ABCP": 0.05, "BCP": 0.05}


def call(*arguments: str):
    return CliRunner(env={"COLUMNS": "140", "TERMINAL_WIDTH": "140"}).invoke(app, ["biomarkers", *arguments])


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Banks are made up: those with high pdl1 gain, and the others do not."""

    def kept(trial, folder, *, members, patients, seed, progress):
        bank = bank_of(HAZARDS, members=members, patients=patients, subgroup={"ABCP": 0.02, "BCP": 0.05})
        return Bank(trial, seed, bank.population, (), bank.table)

    monkeypatch.setattr("alarmin.scoring.keeping.kept_bank", kept)
    monkeypatch.setattr("alarmin.cli.biomarkers.keep_programs", lambda: None)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_screen_shows_prediction_prognosis_and_cut_offs(place):
    result = call("impower150", "--patients", "160", "--populations", "2")
    assert result.exit_code == 0, result.output
    for part in (
        "ABCP v BCP",
        "160 patients in both arms",
        "Own gain",
        "Prognosis",
        "odd patients",
        "pdl1",
        "decisions",
    ):
        assert part in result.stdout


def test_folder_holds_tables_picture_and_provenance(place):
    result = call("impower150", "--patients", "160", "--populations", "2", "--out", "runs/one", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert json.loads((place / "runs/one/biomarkers.json").read_text()) == found
    stored = results.read("runs/one")
    assert stored.provenance.subject == {"trial": "impower150", "contrast": "ABCP v BCP"}
    fit = population("nsclc")
    assert stored.provenance.members == f"nsclc: members 0 to 1 of the {fit.members} of nsclc"
    assert {id: stored.provenance.parameters[id].value for id in fit.records} == {
        id: record.value for id, record in fit.records.items()
    }
    assert len(stored.tables["interactions"]) == 3 * len(READINGS) == len(found["interactions"])
    assert set(stored.tables["cutoffs"]["reading"]) <= {row["reading"] for row in found["interactions"]}
    for kind in ("svg", "png"):
        assert (place / f"runs/one/forest.{kind}").stat().st_size > 5000
    again = call("impower150", "--patients", "160", "--populations", "2", "--json")
    assert json.loads(again.stdout) == found


def test_readings_are_chosen_by_name(place):
    result = call("impower150", "--patients", "64", "--populations", "2", "--reading", "pdl1", "--json")
    assert {row["reading"] for row in json.loads(result.stdout)["interactions"]} == {"pdl1"}


REFUSED = {
    "no such trial": (("impower15",), "impower150"),
    "a trial without a contrast": (("radvax",), "compares no arms"),
    "a reading that is not measured": (("oak", "--reading", "tmb"), "'tmb' is nothing that the trial measures"),
    "mutations, which the model lacks": (("oak", "--reading", "TMB"), "the model has antigens but no mutations"),
    "an enzyme that the model lacks": (("oak", "--reading", "ldh"), "no lactate dehydrogenase"),
    "what comes after the choice": (("oak", "--reading", "on-treatment biopsy"), "after the choice of it"),
    "an early change": (("oak", "--reading", "early change"), "known under treatment alone"),
    "no such contrast": (("oak", "--experimental", "docetaxel"), "no contrast of the arm 'docetaxel'"),
    "too few patients": (("oak", "--patients", "8"), "--patients 8"),
    "fewer patients than populations": (("oak", "--patients", "20", "--populations", "40"), "--patients 20"),
    "no populations": (("oak", "--populations", "0"), "--populations 0"),
    "negative seed": (("oak", "--seed", "-1"), "--seed -1"),
    "over a file": (("oak", "--out", "kept"), "'kept' exists already"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_wrong_input_is_refused_before_anything_is_computed(name, tmp_path, monkeypatch):
    def compute(*arguments, **options):
        raise AssertionError("computed before the input was refused")

    monkeypatch.setattr("alarmin.scoring.keeping.kept_bank", compute)
    monkeypatch.setattr("alarmin.cli.biomarkers.keep_programs", lambda: None)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kept").write_text("precious")
    arguments, said = REFUSED[name]
    result = call(*arguments)
    assert result.exit_code == 2 and said in " ".join(result.stderr.replace("│", " ").split())
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


@pytest.mark.slow
def test_a_tiny_trial_from_beginning_to_end(tmp_path, monkeypatch):
    """Sixteen simulated patients in both arms, everything real."""
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda *names: str(tmp_path / "cache"))
    result = call("keynote021g", "--patients", "16", "--populations", "1", "--out", str(tmp_path / "run"))
    assert result.exit_code == 0, result.output
    table = pd.read_parquet(tmp_path / "run" / "interactions.parquet")
    assert {"pfs", "os", "orr"} == set(table["endpoint"])
