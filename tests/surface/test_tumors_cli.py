"""Trust: `alarmin tumors` shows, prints and writes the same for a type, and refuses what it cannot do."""

import io
import json

import pandas as pd
import pytest
from rich.console import Console
from typer.testing import CliRunner

from alarmin.cli.main import app


def call(*arguments: str):
    return CliRunner(env={"COLUMNS": "160", "TERMINAL_WIDTH": "160"}).invoke(app, ["tumors", *arguments])


def test_four_patients_of_a_type(tmp_path, monkeypatch):
    """Shares add up to one, tables, JSON and picture are written, and provenance names the command."""
    monkeypatch.setattr("alarmin.cli.tumors.keep_programs", lambda: None)
    place = tmp_path / "found"
    result = call("melanoma", "--patients", "4", "--seed", "3", "--out", str(place), "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    rows = {row["quantity"]: row for row in found["rows"]}
    assert sum(rows[name]["model"] for name in ("inflamed", "excluded", "desert")) == pytest.approx(1.0)
    assert rows["excluded"]["published"] == 0.63 and rows["excluded"]["status"] == "read"
    assert rows["mutations"]["model"] is None and rows["mutations"]["published"] > 0
    assert all(row["low"] <= row["model"] <= row["high"] for row in found["rows"] if row["model"] is not None)
    assert all(0 <= row["model"] <= 1 for name, row in rows.items() if name.startswith("share_") or name == "hypoxic")
    assert {path.name for path in place.iterdir()} == {
        "provenance.json", "tumors.parquet", "patients.parquet", "tumors.json", "tumors.md", "phenotypes.svg",
        "phenotypes.png",
    }  # fmt: skip
    assert json.loads((place / "tumors.json").read_text()) == found
    patients = pd.read_parquet(place / "patients.parquet")
    assert len(patients) == 4 and set(patients["phenotype"]) <= {"inflamed", "excluded", "desert"}
    assert patients["doubling_time"].between(15, 1500).all()
    assert "| melanoma |" in (place / "tumors.md").read_text()


REFUSED = {
    "no such type": (("nsclk",), "nsclc"),
    "nobody": (("nsclc", "--patients", "0"), "--patients 0"),
    "negative seed": (("nsclc", "--seed", "-1"), "--seed -1"),
    "over a file": (("nsclc", "--out", "kept"), "'kept' exists already"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_wrong_input_is_refused_before_anything_is_computed(name, tmp_path, monkeypatch):
    """The refusal names what is wrong; nothing runs, and nothing is written."""

    def compute(*arguments, **options):
        raise AssertionError("computed before the input was refused")

    monkeypatch.setattr("alarmin.enrollment.enroll", compute)
    monkeypatch.setattr("alarmin.cli.tumors.keep_programs", lambda: None)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kept").write_text("precious")
    arguments, said = REFUSED[name]
    result = call(*arguments)
    assert result.exit_code == 2 and said in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_what_is_missing_is_a_dash(monkeypatch):
    """Numbers are shown in the unit of the heading, and what nobody measured as a dash."""
    from alarmin.cli.tumors import markdown, show
    from alarmin.readouts.phenotype import PHENOTYPES, QUANTITIES
    from alarmin.scoring import beside

    patients = pd.DataFrame({name: [0.25, 0.5, 0.75] for name in QUANTITIES} | {"phenotype": list(PHENOTYPES)})
    seen = ["untreated.melanoma.oxygen"]
    table = pd.concat([beside(patients, "melanoma", seen), beside(patients, "sclc", seen)], ignore_index=True)
    console = Console(width=200, file=io.StringIO())
    monkeypatch.setattr("alarmin.cli.tumors.console", console)
    show(table, 3, None)
    shown = console.file.getvalue()
    assert "erdag2012" in shown and "63" in shown and "–" in shown
    lines = markdown(table).splitlines()
    assert "| melanoma | 33 / 8 | 33 / 63 | 33 / 29 |" in lines and "| sclc | 33 | 33 | 33 |" in lines
    assert "fitted" in shown and "/ 11.6* |" in markdown(table)
