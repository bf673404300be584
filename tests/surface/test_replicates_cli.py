"""Surface: replicate trials have the size that is asked for, and folders of tables are written whole or not at all."""

import json

import pytest
from typer.testing import CliRunner

from alarmin import results
from alarmin.cli.main import app
from alarmin.records import population
from made_up_bank import bank_of

BANK = bank_of({"ABCP": 0.035, "ACP": 0.045, "BCP": 0.05}, {"ABCP": 0.45, "BCP": 0.3}, patients=100)
COMMANDS = {
    "replicates": ("trial", "impower150", "--replicates", "20"),
    "score": ("score", "impower150", "--members", "8", "--replicates", "20"),
}


@pytest.fixture
def call(tmp_path, monkeypatch):
    """Runs commands where banks are made up."""
    monkeypatch.setattr("alarmin.scoring.keeping.kept_bank", lambda *arguments, **options: BANK)
    monkeypatch.setattr("alarmin.cli.trial.keep_programs", lambda: None)
    monkeypatch.setattr("alarmin.cli.score.keep_programs", lambda: None)
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner(env={"COLUMNS": "140"}).invoke(app, list(arguments))


def test_replicates_have_the_size_that_is_asked_for(call):
    wide, narrow = (
        json.loads(call(*COMMANDS["replicates"], "--patients", str(patients), "--json").stdout)
        for patients in (30, 3000)
    )
    assert sum(wide["sizes"].values()) == 30
    assert sum(narrow["sizes"].values()) == 3000
    span = lambda found: found["arms"]["BCP"]["orr"]["high"] - found["arms"]["BCP"]["orr"]["low"]
    assert span(wide) > 1.5 * span(narrow)
    planned = json.loads(call(*COMMANDS["replicates"], "--json").stdout)
    assert sum(planned["sizes"].values()) == sum(arm.patients for arm in BANK.trial.arms)


@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS.keys())
def test_a_folder_says_where_it_comes_from(call, arguments):
    result = call(*arguments, "--out", "run")
    assert result.exit_code == 0, result.output
    made = results.read("run").provenance
    assert made.population == "nsclc"
    assert made.members == f"nsclc: members 0 to 7 of the {population('nsclc').members} of nsclc"
    assert {id: made.parameters[id].value for id in population("nsclc").records} == {
        id: record.value for id, record in population("nsclc").records.items()
    }


@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS.keys())
def test_a_command_that_is_killed_while_it_writes_leaves_nothing(call, arguments, tmp_path, monkeypatch):
    real, written = results.store._to_disk, []

    def killed(path):
        written.append(path)
        if len(written) == 3:
            raise KeyboardInterrupt
        real(path)

    monkeypatch.setattr(results.store, "_to_disk", killed)
    assert call(*arguments, "--out", "run").exit_code == 130
    assert written
    assert list(tmp_path.iterdir()) == []


def test_a_page_of_scores_names_the_command_that_gives_it_again(call, tmp_path):
    told = "alarmin score impower150 --members 8 --patients 54 --replicates 20 --seed 3"
    assert call(*COMMANDS["score"], "--seed", "3", "--out", "run").exit_code == 0
    assert told in (tmp_path / "run" / "scores.md").read_text()
    assert results.read("run").provenance.command == told


def test_pages_of_the_model_are_written_whole_or_not_at_all(call, tmp_path, monkeypatch):
    def killed(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("alarmin.cli.model.contents", killed)
    assert call("model", "oxygen", "--pages", "pages").exit_code == 130
    assert list(tmp_path.iterdir()) == []
