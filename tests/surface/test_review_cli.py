"""Trust: `alarmin review` shows every verdict, in words and as JSON, and refuses a section that is none."""

import json

import pytest
from typer.testing import CliRunner

from alarmin.cli.main import app
from alarmin.review import statements
from alarmin.review.ledger import Entry


def call(*arguments: str):
    return CliRunner(env={"COLUMNS": "120", "TERMINAL_WIDTH": "120"}).invoke(app, ["review", *arguments])


@pytest.fixture
def found(monkeypatch):
    """A ledger of three statements of section 3.1, without a run."""
    first, second, third, *_ = (entry for entry in statements() if entry.section == "3.1")
    entries = (
        Entry(first, "reproduced", -0.2, -0.3, -0.1),
        Entry(second, "no effect", 0.0, -0.1, 0.1, "vessels have enough to spare"),
        Entry(third, "not modelled", reason="agent moonlight unknown"),
    )
    monkeypatch.setattr("alarmin.cli.review.keep_programs", lambda: None)
    import sys

    monkeypatch.setattr(sys.modules["alarmin.review.ledger"], "ledger", lambda *_, **__: entries)
    return entries


def test_json_has_a_row_for_each_statement(found):
    """The keys are those promised, and what has no effect has none in JSON."""
    result = call("--section", "3.1", "--json")
    rows = json.loads(result.stdout)
    assert [row["verdict"] for row in rows] == [entry.verdict for entry in found]
    keys = {"id", "section", "subject", "predicate", "object", "kind", "verdict", "effect", "low", "high", "reason"}
    assert all(set(row) == keys for row in rows)
    assert rows[2]["effect"] is None


def test_the_table_counts_and_the_rest_is_explained(found):
    """Counts by section; then what is not reproduced, each with its reason."""
    result = call("--section", "3.1")
    assert result.exit_code == 0
    assert "3.1" in result.stdout and "vessels have enough to spare" in result.stdout
    assert found[0].statement.id not in result.stdout and found[1].statement.id in result.stdout


@pytest.mark.parametrize("arguments", [("--section", "9.9"), ("--patients", "0")])
def test_wrong_input_is_refused(arguments):
    """The refusal names what is wrong, and lists the sections."""
    result = call(*arguments)
    assert result.exit_code == 2
    assert arguments[1] in result.stderr
    if "--section" in arguments:
        assert "3.2" in result.stderr and "abstract" in result.stderr


def test_verdicts_are_drawn(found, tmp_path):
    """The picture is written in both kinds."""
    assert call("--section", "3.1", "--plot", str(tmp_path / "ledger")).exit_code == 0
    assert {path.suffix for path in tmp_path.iterdir()} == {".svg", ".png"}


@pytest.mark.parametrize("there", ["ledger.svg", "ledger.png", "ledger"])
def test_a_picture_that_cannot_be_written_is_refused_before_the_run(there, tmp_path, monkeypatch):
    """What is there stays as it was, and no run is lost: neither file is written where one of them exists."""
    import sys

    def compute(*_, **__):
        raise AssertionError("computed before the place was refused")

    monkeypatch.setattr(sys.modules["alarmin.review.ledger"], "ledger", compute)
    (tmp_path / there).write_text("mine")
    plot = tmp_path / ("ledger/below" if there == "ledger" else "ledger")
    result = call("--section", "3.1", "--plot", str(plot))
    # A long path is broken at the edge of its frame.
    assert result.exit_code == 2 and there in "".join(result.stderr.replace("│", "").split())
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(there, "mine")]


def test_verdicts_are_kept_where_the_picture_fails(found, tmp_path, monkeypatch):
    """The table is written first, so that a picture that fails loses nothing of a long run."""

    def fail(*_):
        raise RuntimeError("no picture")

    monkeypatch.setattr("alarmin.plots.ledger.verdicts", fail)
    call("--section", "3.1", "--plot", str(tmp_path / "ledger"), "--out", str(tmp_path / "ledger.csv"))
    assert [path.name for path in tmp_path.iterdir()] == ["ledger.csv"]
