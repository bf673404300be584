"""Surface: `alarmin bench --peers` prints what was measured, and refuses where there is no one to compare with."""

import json
import sys

import pytest
from typer.testing import CliRunner

from alarmin.cli.main import app
from alarmin.exports import peers
from alarmin.numerics.sphere import Sphere
from alarmin.simulation import Settings

MEASURED = {
    "regimen": peers.REGIMEN,
    "days": peers.DAYS,
    "rtol": peers.RTOL,
    "roadrunner": "2.8.0",
    "shells": 48,
    "lanes": 510,
    "workers": 2,
    "cores": 2,
    "roadrunner_s": 20.0,
    "alarmin_lane_s": 0.2,
    "alarmin_alone_s": 5.0,
    "ratio": 0.01,
    "ratio_alone": 0.25,
}


def call(*arguments: str):
    return CliRunner(env={"COLUMNS": "140", "TERMINAL_WIDTH": "140"}).invoke(app, ["bench", "--peers", *arguments])


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """A measurement without a run."""
    monkeypatch.setattr(peers, "against_roadrunner", lambda: MEASURED)


def test_times_and_ratios_are_printed(measured: None) -> None:
    result = call()
    assert result.exit_code == 0, result.output
    for said in (
        "paclitaxel 80 mg/m2 qw, 730 days",
        "libRoadRunner 2.8.0",
        "20.000 s",
        "0.200 s",
        "5.000 s",
        "0.01",
        "0.25",
    ):
        assert said in result.stdout, said


def test_json_is_what_was_measured(measured: None) -> None:
    assert json.loads(call("--json").stdout) == MEASURED


def test_without_the_other_simulator_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is computed, and with the way to install it."""
    monkeypatch.setitem(sys.modules, "roadrunner", None)
    monkeypatch.setattr(peers, "enroll", lambda *_, **__: pytest.fail("it computed"))
    result = call()
    assert result.exit_code == 2
    assert "libRoadRunner is not installed" in result.stderr and "pip install libroadrunner" in result.stderr


@pytest.mark.slow
def test_a_small_measurement() -> None:
    """A week in lesions of four shells: the ratios are those of the times, and the keys those that are promised."""
    pytest.importorskip("roadrunner", reason="needs libRoadRunner")
    small = Settings(grid=Sphere(4), lanes=8, workers=1)
    found = peers.against_roadrunner(regimen="atezolizumab 1200 mg q3w", days=7, settings=small, repeats=1)
    assert set(found) == set(MEASURED)
    assert found["shells"] == 4 and found["days"] == 7 and 0 < found["lanes"] <= 8
    assert min(found["roadrunner_s"], found["alarmin_lane_s"], found["alarmin_alone_s"]) > 0.0
    assert found["ratio"] == pytest.approx(found["alarmin_lane_s"] / found["roadrunner_s"])
    assert found["ratio_alone"] == pytest.approx(found["alarmin_alone_s"] / found["roadrunner_s"])
