"""Surface: what is believed is learned by a command, into a new folder, never over the files of the package."""

import numpy as np
import pytest
from typer.testing import CliRunner

from alarmin.cli.main import app
from alarmin.forecast.belief import DATA, Belief
from alarmin.forecast.contest import ABLATED, LOCF, OURS, UNTOLD
from alarmin.records.loader import check
from alarmin.records.loader import read as toml

NAMES = ["checkpoint.toml", "checkpoint_without_mechanism.toml", "cytotoxic.toml", "cytotoxic_without_mechanism.toml"]


@pytest.fixture
def contest(tmp_path, monkeypatch, made_up_lesions):
    """Runs the command on lesions of two arms, without biology and with a short search."""
    monkeypatch.setattr("alarmin.forecast.bank.kept_bank", lambda *a, **k: made_up_lesions(20))
    monkeypatch.setattr("alarmin.cli.contest.keep_programs", lambda: None)
    monkeypatch.setattr("alarmin.forecast.learning.EVALUATIONS", 12)
    monkeypatch.setattr("alarmin.forecast.learning.SHRINKAGE", (0.0, 0.3))
    monkeypatch.setattr("alarmin.forecast.learning.GROWTH", (0.15,))
    monkeypatch.chdir(tmp_path)
    rng, rows = np.random.default_rng(1), []
    for arm in ("Study_1_Arm_1", "Study_2_Arm_1"):
        for patient in range(24):
            size = 30.0 * np.exp(np.cumsum(0.1 * rng.standard_normal(7)))
            rows += [f"Study,{arm},{patient},{42 * k},{size[k]:.0f}\n" for k in range(7)]
    (tmp_path / "lesions.csv").write_text("study,arm,patient,day,diameter_mm\n" + "".join(rows))
    return lambda *arguments: CliRunner().invoke(app, ["contest", "lesions.csv", *arguments], env={"COLUMNS": "200"})


def test_belief_files_are_learned_into_a_new_folder(contest, tmp_path):
    before = {name: (DATA / name).read_text() for name in NAMES}
    result = contest("--learn", "beliefs")
    assert result.exit_code == 0, result.output
    made = tmp_path / "beliefs"
    assert sorted(path.name for path in made.iterdir()) == NAMES
    for name in NAMES:
        text = (made / name).read_text()
        assert text.startswith("# Learned from the fitting half of lesions.csv by: alarmin contest lesions.csv --learn")
        believed = check(Belief, toml(made / name), name)
        assert ("CRPS" in believed.learned) == ("without" not in name)
    assert before == {name: (DATA / name).read_text() for name in NAMES}
    again = contest("--learn", "beliefs")
    assert again.exit_code == 2 and "exists already" in again.stderr


def test_learning_and_the_contest_are_not_done_at_once(contest):
    for other in (("--out", "run"), ("--rehearse",), ("--no-laws",)):
        result = contest("--learn", "beliefs", *other)
        assert result.exit_code == 2
        assert "--learn" in result.stderr and other[0] in result.stderr


def test_a_rehearsal_writes_its_tables(contest, tmp_path):
    result = contest("--no-laws", "--rehearse", "--out", "run")
    assert result.exit_code == 0, result.output
    made = tmp_path / "run"
    names = {f"{name}.csv" for name in ("all", "study", "arm", "pattern", "kind")} | {"contest.json", "contest.md"}
    assert {path.name for path in made.iterdir()} == names | {"nine.svg", "nine.png", "provenance.json"}
    assert "nsclc: 8 of members 0 to 23" in (made / "provenance.json").read_text()
    told = (made / "contest.md").read_text()
    assert "`alarmin contest lesions.csv --no-laws --rehearse`" in told
    assert all(f"| {rival} |" in told for rival in (LOCF, OURS, ABLATED, UNTOLD))
    refused = contest("--rehearse", "--learn", "beliefs")
    assert refused.exit_code == 2 and "--rehearse" in refused.stderr
