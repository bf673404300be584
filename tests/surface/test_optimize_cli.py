"""Surface: `alarmin optimize` finds known fronts, goes on where it was stopped, and refuses wrong input at once."""

import numpy as np
import pytest
from typer.testing import CliRunner

from alarmin.cli.main import app
from alarmin.decide.optimize import undominated
from alarmin.decide.schedules import Choice, dosings, regimen_of, standard
from alarmin.therapy.regimen import parse


def call(*arguments: str):
    return CliRunner(env={"COLUMNS": "120", "TERMINAL_WIDTH": "120"}).invoke(app, ["optimize", *arguments])


def test_the_front_is_what_nothing_beats():
    """A point that is beaten in both leaves; equal points stay together."""
    effect, toxicity = np.array([1.0, 2.0, 2.0, 0.5, 1.0]), np.array([0.1, 0.3, 0.4, 0.2, 0.1])
    assert undominated(effect, toxicity).tolist() == [True, True, False, False, True]


@pytest.mark.parametrize("name", ["docetaxel", "gemcitabine", "olaparib", "pegph20"])
def test_no_dosing_is_denser_than_the_standard(name):
    def density(choice):
        phase = choice.treatment.phases[-1]
        return phase.amount * len(phase.days) / phase.interval

    usual = density(Choice(name))
    assert all(density(Choice(name, *pair)) <= usual * (1.0 + 1e-9) for pair in dosings(name))


def test_regimens_read_back_as_they_are_written():
    plan = regimen_of([Choice("docetaxel", 0.5, 0.5, 7), Choice("atezolizumab")])
    assert parse(str(plan)) == plan
    assert str(standard("docetaxel")) == "docetaxel 75 mg/m2 q3w"
    assert str(standard("epacadostat")) == "epacadostat 200 mg q1d"


REFUSED = {
    "unknown agent": (("nsclc", "--agents", "docetaxol"), "docetaxel"),
    "no agents": (("nsclc", "--agents", ","), "no agents"),
    "fewer than one agent": (("nsclc", "--agents", "docetaxel", "--most", "0"), "at most 0 agents"),
    "no such objective": (("nsclc", "--agents", "docetaxel", "--objective", "cure"), "cure"),
    "no such method": (("nsclc", "--agents", "docetaxel", "--method", "grid"), "nsga2"),
    "no such tumor": (("nsclk", "--agents", "docetaxel"), "nsclc"),
    "no trials": (("nsclc", "--agents", "docetaxel", "--trials", "0"), "--trials 0"),
    "no interval": (("nsclc", "--agents", "cisplatin"), "nothing says how often"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_wrong_input_is_refused_before_anything_is_computed(name, tmp_path, monkeypatch):
    def compute(*arguments, **options):
        raise AssertionError("computed before the input was refused")

    monkeypatch.setattr("alarmin.decide.optimize.enroll", compute)
    monkeypatch.setattr("alarmin.cli.optimize.keep_programs", lambda: None)
    monkeypatch.chdir(tmp_path)
    arguments, said = REFUSED[name]
    result = call(*arguments)
    assert result.exit_code == 2 and said in " ".join(result.stderr.replace("│", " ").split())
    assert not list(tmp_path.iterdir())
