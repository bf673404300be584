"""Trust: a wrong input is refused on one screen that names it, with status 2; nothing is computed or written."""

import json
import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from alarmin.cli.face import interval
from alarmin.cli.main import app
from alarmin.version import NOTICE, VERSION

REGIMEN = "docetaxel 75 mg/m2 q3w"


def call(*arguments: str):
    """Output, errors and status of the command, 100 columns wide."""
    return CliRunner(env={"COLUMNS": "100", "TERMINAL_WIDTH": "100"}).invoke(app, list(arguments))


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a precious file, in which every command runs; nothing can be computed there."""

    def compute(*arguments, **options):
        raise AssertionError("computed before the input was refused")

    monkeypatch.setattr("alarmin.enrollment.enroll_counted", compute)
    monkeypatch.setattr("alarmin.trials.run", compute)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kept").write_text("precious")
    (tmp_path / "broken.toml").write_text("name = ")
    (tmp_path / "empty.toml").write_text('nane = "x"\n')
    return tmp_path


REFUSED = {
    "no such command": (("trail",), "trail"),
    "no such option": (("trial", "impower150", "--patient", "3"), "--patient"),
    "no such trial": (("trial", "impower15"), "impower150"),
    "no such trial file": (("trial", "nothing.toml"), "nothing.toml"),
    "broken trial file": (("trial", "broken.toml"), "broken.toml"),
    "unknown key in trial file": (("trial", "empty.toml"), "nane"),
    "zero patients": (("trial", "impower150", "--patients", "0"), "--patients 0"),
    "negative patients": (("trial", "impower150", "--patients", "-5"), "--patients -5"),
    "patients in words": (("trial", "impower150", "--patients", "many"), "--patients"),
    "half a patient": (("trial", "impower150", "--patients", "2.5"), "--patients"),
    "negative seed": (("trial", "impower150", "--seed", "-1"), "--seed -1"),
    "large seed": (("trial", "impower150", "--seed", "2147483648"), "from 0 to 2147483647"),
    "trial over a file": (("trial", "impower150", "--out", "kept"), "'kept' exists already"),
    "trial under a file": (("trial", "impower150", "--out", "kept/run"), "kept"),
    "trial where nothing can be written": (("trial", "impower150", "--out", "/proc/alarmin/run"), "/proc/alarmin"),
    "no such tumor": (("simulate", "nsclk", REGIMEN), "nsclk"),
    "no such agent": (("simulate", "nsclc", "docetaxol 75 mg/m2 q3w"), "docetaxel"),
    "no such unit": (("simulate", "nsclc", "docetaxel 75 parsec q3w"), "parsec"),
    "negative dose": (("simulate", "nsclc", "docetaxel -75 mg/m2 q3w"), "-75"),
    "no days": (("simulate", "nsclc", REGIMEN, "--days", "0"), "--days 0"),
    "no patient": (("simulate", "nsclc", REGIMEN, "--patient", "0"), "--patient 0"),
    "a patient far out": (("simulate", "nsclc", REGIMEN, "--patient", "9" * 9), "--patient 999999999"),
    "course over a file": (("simulate", "nsclc", REGIMEN, "--out", "kept"), "'kept' exists already"),
    "picture over a file": (("simulate", "nsclc", REGIMEN, "--picture", "kept"), "'kept' exists already"),
    "picture of no kind": (("simulate", "nsclc", REGIMEN, "--picture", "lesion.doc"), ".doc"),
    "two files in one place": (("simulate", "nsclc", REGIMEN, "--out", "a.svg", "--picture", "a.svg"), "into a.svg"),
    "a file within a store": (("simulate", "nsclc", REGIMEN, "--out", "a", "--picture", "a/b.png"), "a/b.png would be"),
    "a store within a folder": (("simulate", "nsclc", REGIMEN, "--out", "a/b", "--picture", "a"), "a/b would be"),
    "a barrier twice": (
        ("simulate", "nsclc", REGIMEN, "--barrier", "matrix=0.5", "--barrier", "matrix=0"),
        "--barrier 'matrix=0', and matrix before",
    ),
    "a cohort for centuries": (
        ("cohort", "nsclc", REGIMEN, "--out", "run", "--months", "1200"),
        "from 0.1 to below 1200",
    ),
    "no such mechanism": (("model", "oxigen"), "oxygen"),
    "no such evidence": (("evidence", "oxygen_difusivity"), "oxygen_diffusivity"),
    "no such tumor to calibrate": (("calibrate", "nsclk"), "nsclk"),
}


@pytest.mark.parametrize(("arguments", "named"), REFUSED.values(), ids=REFUSED.keys())
def test_wrong_input_is_refused(place, arguments, named):
    before = sorted(os.listdir(place))
    result = call(*arguments)
    assert result.exit_code == 2, result.output
    assert named in " ".join(result.stderr.replace("│", " ").split())
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) <= 24
    assert sorted(os.listdir(place)) == before
    assert (place / "kept").read_text() == "precious"


def test_right_input_would_be_computed(place):
    """The companion of the refusals: without a fault, the computation is reached."""
    result = call("trial", "impower150", "--patients", "10", "--out", "run")
    assert "computed before" in str(result.exception)
    assert not (place / "run").exists()


def test_a_stopped_command_says_what_is_kept(monkeypatch, tmp_path):
    """No result is written, and a command that keeps what it computes says that it goes on."""

    def stop(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("alarmin.trials.run", stop)
    monkeypatch.setattr("alarmin.scoring.keeping.kept_bank", stop)
    one = call("trial", "impower150", "--patients", "10", "--out", str(tmp_path / "run"))
    kept = call("score", "impower150", "--out", str(tmp_path / "run"))
    assert one.exit_code == kept.exit_code == 130
    assert "no result was written" in one.stderr and "goes on" not in one.stderr
    assert "the same command goes on" in " ".join(kept.stderr.split())
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["trial", "simulate", "model", "evidence", "bench", "calibrate"])
def test_help_teaches(command):
    result = call(command, "--help")
    assert result.exit_code == 0
    assert f"Example:  alarmin {command}" in " ".join(result.stdout.split()).replace("Example: ", "Example:  ")


def test_version_and_notice():
    assert call("--version").stdout.strip() == f"alarmin {VERSION}"
    assert NOTICE in call("--help").stdout


def test_help_is_fast():
    """The packages that take long to load are loaded by the commands that need them."""
    heavy = {"jax", "pandas", "matplotlib", "xarray", "scipy", "lifelines", "pint"}
    script = f"import sys, alarmin.cli.main; print(sorted({heavy!r} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert found.strip() == "[]"


def test_json_is_all_that_is_printed():
    for arguments in (("model", "--json"), ("evidence", "--json"), ("evidence", "oxygen_diffusivity", "--json")):
        result = call(*arguments)
        assert result.exit_code == 0, result.output
        assert json.loads(result.stdout)
        assert result.stderr == ""


def test_model_prints_equations():
    shown = call("model", "oxygen").stdout
    for part in ("div(D grad O)", "Reads:", "Changes:", "As computed:", "delivery * arterial", "oxygen_diffusivity"):
        assert part in shown


def test_record_shows_value_source_and_conflict():
    shown = call("evidence", "oxygen_diffusivity").stdout
    for part in ("1.75e-05 cm**2/s", "grade: animal", "Grote", "disagrees: 2.8e-05"):
        assert part in shown


@pytest.mark.parametrize("months", ["0", "-3", "nan", "inf"])
def test_a_data_cut_that_is_no_length_is_refused(months):
    result = call("trial", "impower150", "--months", months)
    assert result.exit_code == 2
    assert "--months" in result.output


@pytest.mark.parametrize(
    ("of", "name", "shown"),
    [
        ({"median_os": 6.9, "median_os_low": 2.6, "median_os_high": None}, "median_os", "6.9 (2.6–not reached)"),
        ({"orr": 0.2, "orr_low": 0.1, "orr_high": 0.3}, "orr", "0.2 (0.1–0.3)"),
        ({"n": 8.0}, "n", "8.0"),
    ],
)
def test_a_bound_that_is_missing_is_said(of, name, shown):
    assert interval(of, name) == shown
