"""Trust: `alarmin sensitivity` ranks what matters first, writes what it is asked to, and refuses what it cannot do."""

import io
import json

import pandas as pd
import pytest
from rich.console import Console
from typer.testing import CliRunner

from alarmin.cli.main import app

REGIMEN = "docetaxel 75 mg/m2 q3w"


def call(*arguments: str):
    return CliRunner(env={"COLUMNS": "120", "TERMINAL_WIDTH": "120"}).invoke(app, ["sensitivity", *arguments])


@pytest.fixture
def small(monkeypatch):
    """A typical patient out of few."""
    monkeypatch.setattr("alarmin.cli.sensitivity.keep_programs", lambda: None)
    monkeypatch.setattr("alarmin.sensitivity.outcomes.ENROLLED", 8)


CHOSEN = ("oxygen_uptake_tumor", "docetaxel.cytotoxic.kill_rate", "blood_lymphocyte_renewal")


def test_what_decides_comes_first(small, tmp_path):
    """The kill rate decides the benefit of a drug, and the use of oxygen hypoxia; lymphocytes that renew, neither."""
    place = tmp_path / "found"
    only = [part for id in CHOSEN for part in ("--only", id)]
    result = call("nsclc", REGIMEN, "--samples", "48", "--days", "42", *only, "--out", str(place), "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    first = {row["outcome"]: row for row in found["rows"] if row["rank"] == 1}
    assert first["benefit"]["record"] == "docetaxel.cytotoxic.kill_rate" and first["benefit"]["direction"] == -1
    assert first["hypoxia"]["record"] == "oxygen_uptake_tumor" and first["hypoxia"]["direction"] == 1
    assert all(row["low"] <= row["index"] <= row["high"] for row in found["rows"])
    names = {path.name for path in place.iterdir()}
    assert names == {"provenance.json", "sensitivity.parquet", "sensitivity.json", "tornado.svg", "tornado.png"}
    assert [row["rank"] for row in found["overall"]] == [1, 2, 3]
    assert {row["record"] for row in found["overall"]} == set(CHOSEN)
    table = pd.read_parquet(place / "sensitivity.parquet")
    keys = {"outcome", "rank", "record", "title", "grade", "status", "unit", "from", "to", "index", "low", "high"}
    assert set(table) == keys | {"direction"}
    assert json.loads((place / "sensitivity.json").read_text())["plausible"] == found["plausible"]


REFUSED = {
    "no such tumor": (("nsclk", REGIMEN), "nsclc"),
    "no such agent": (("nsclc", "docetaxol 75 mg/m2 q3w"), "docetaxel"),
    "no samples": (("nsclc", REGIMEN, "--samples", "0"), "--samples 0"),
    "too few samples": (("nsclc", REGIMEN, "--samples", "60"), "60 samples for"),
    "too few samples for a walk": (("nsclc", REGIMEN, "--samples", "60", "--method", "morris"), "morris needs"),
    "no such method": (("nsclc", REGIMEN, "--method", "sobel"), "sobol"),
    "no days": (("nsclc", REGIMEN, "--days", "0"), "--days 0"),
    "nothing shown": (("nsclc", REGIMEN, "--top", "0"), "--top 0"),
    "negative seed": (("nsclc", REGIMEN, "--seed", "-1"), "--seed -1"),
    "nothing varies": (("nsclc", REGIMEN, "--only", "oxigen_*"), "oxigen_*"),
    "over a file": (("nsclc", REGIMEN, "--out", "kept"), "'kept' exists already"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_wrong_input_is_refused_before_anything_is_computed(name, tmp_path, monkeypatch):
    """The refusal names what is wrong; nothing runs, and nothing is written."""

    def compute(*arguments, **options):
        raise AssertionError("computed before the input was refused")

    monkeypatch.setattr("alarmin.sensitivity.analysis.typical", compute)
    monkeypatch.setattr("alarmin.cli.sensitivity.keep_programs", lambda: None)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kept").write_text("precious")
    arguments, said = REFUSED[name]
    result = call(*arguments)
    assert result.exit_code == 2 and said in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_the_table_says_how_many_samples_were_patients(monkeypatch):
    """A table for each outcome, with the interval and the way it goes."""
    from alarmin.cli.sensitivity import show
    from alarmin.sensitivity import OUTCOMES, Sensitivity

    row = {"rank": 1, "record": "x_y", "title": "What it is", "grade": "animal", "status": "read", "unit": "mm"}
    row |= {"from": 1.0, "to": 2.0, "index": -0.5, "low": -0.6, "high": -0.4, "direction": -1.0}
    table = pd.DataFrame([{"outcome": outcome, **row} for outcome in OUTCOMES])
    console = Console(width=120, file=io.StringIO())
    monkeypatch.setattr("alarmin.cli.sensitivity.console", console)
    show(Sensitivity("nsclc", "", 84, "prcc", 100, 41, "nsclc", {}, table), 5, None)
    shown = console.file.getvalue()
    assert "41 of them plausible" in shown and "-0.50 (-0.60–-0.40)" in shown and "↓" in shown
    assert all(name in shown for name in OUTCOMES.values())
