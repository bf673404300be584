"""Surface: `alarmin optimize` finds known fronts, survives kill -9, tells and draws, and refuses wrong input."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import toy_regimens
from alarmin.cli import optimize as cli
from alarmin.cli.main import app
from alarmin.decide import OptimizeError, ask
from alarmin.decide import optimize as module
from alarmin.decide.optimize import undominated
from alarmin.decide.schedules import PULSES, Choice, dosings, regimen_of, standard, standard_of_care
from alarmin.decide.study import choices_of, parameters_of
from alarmin.plots import front, render
from alarmin.records import agents
from alarmin.therapy.regimen import parse


def call(*arguments: str):
    return CliRunner(env={"COLUMNS": "120", "TERMINAL_WIDTH": "120"}).invoke(app, ["optimize", *arguments])


@pytest.fixture
def toys(monkeypatch):
    """Runs studies of toy regimens, and leaves nothing behind."""
    monkeypatch.setattr(module, "enroll", module.enroll)
    monkeypatch.setattr(module, "Half", module.Half)
    return toy_regimens.study


def test_the_front_is_what_nothing_beats():
    """A point that is beaten in both leaves; equal points stay together."""
    effect, toxicity = np.array([1.0, 2.0, 2.0, 0.5, 1.0]), np.array([0.1, 0.3, 0.4, 0.2, 0.1])
    assert undominated(effect, toxicity).tolist() == [True, True, False, False, True]


@pytest.mark.parametrize("name", ["docetaxel", "gemcitabine", "olaparib", "pegph20", "nab_paclitaxel"])
def test_no_dosing_is_denser_than_the_standard_and_weeks_stay_whole(name):
    def density(choice):
        phase = choice.treatment.phases[-1]
        return phase.amount * len(phase.days) / phase.interval

    usual = Choice(name)
    for dosing in dosings(name):
        for cycles in PULSES:
            given = Choice(name, dosing, 0, cycles)
            assert density(given) <= density(usual) * (1.0 + 1e-9) or len(given.treatment.phases) == 1
            for phase, before in zip(given.treatment.phases, usual.treatment.phases, strict=False):
                assert phase.interval % 7 == 0 or before.interval % 7
                assert max(phase.days) <= phase.interval


def test_shares_of_a_dose_can_be_weighed():
    """Three digits, never more than the share; the usual dose stays as it is."""
    third = Choice("pembrolizumab", "1/3 of 1/3").treatment.phases[0]
    assert (third.amount, third.interval) == (66.6, 7)
    assert Choice("pembrolizumab").treatment.phases[0].amount == 200.0
    assert Choice("docetaxel", "1/3 of 1/3").treatment.phases[0].amount == 25.0


def test_pulses_stop_after_so_many_cycles_whatever_the_phases():
    """Of PEGPH20 the twice-weekly cycle comes first; what is given daily is counted in weeks; courses stay courses."""
    pulse = lambda name, cycles, dosing="1 of 1": str(Choice(name, dosing, 0, cycles).treatment)
    assert pulse("pegph20", 1) == "pegph20 0.003 mg/kg q4w x1 d1,4,8,11,15,18"
    assert pulse("pegph20", 2) == "pegph20 0.003 mg/kg q4w x1 d1,4,8,11,15,18 then 0.003 mg/kg q4w x1 d1,8,15"
    assert pulse("isatuximab", 2) == "isatuximab 10 mg/kg q1w x2"
    assert pulse("olaparib", 2) == "olaparib 600 mg q1d x14"
    assert pulse("radiotherapy", 2) == "radiotherapy 8 Gy q1d x2 to lesion 1"
    assert pulse("cyclophosphamide", 4, "60 mg/m2 q1d") == "cyclophosphamide 60 mg/m2 q1d x28"
    for name in ("pegph20", "olaparib"):
        assert pulse(name, 0) == str(standard(name))


def test_further_schedules_and_a_backbone_are_part_of_the_question():
    """A schedule is chosen beside the usual ones, or stands for them; the backbone is in every regimen."""
    asked = ask(
        "nsclc",
        ["cisplatin", "cyclophosphamide"],
        backbone="pembrolizumab 200 mg q3w",
        schedules=["Cytoxan 30 mg/m2 bid", "cisplatin 75 mg/m2 q3w x4"],
    )
    assert asked.dosings("cyclophosphamide")[0] == "1 of 1"
    assert asked.dosings("cyclophosphamide")[-1] == "60 mg/m2 q1d"
    assert asked.dosings("cisplatin") == ("75 mg/m2 q3w x4",)
    assert asked.usual("cisplatin") == Choice("cisplatin", "75 mg/m2 q3w x4")
    plan = asked.regimen((Choice("cisplatin", "75 mg/m2 q3w x4", 21), Choice("cyclophosphamide", "60 mg/m2 q1d")))
    assert str(plan) == (
        "cisplatin 75 mg/m2 q3w x4 from day 22 + cyclophosphamide 60 mg/m2 q1d + pembrolizumab 200 mg q3w"
    )
    assert parse(str(plan)) == plan


def test_a_study_with_a_backbone_gives_it_in_every_regimen(toys):
    found = toys(None, 12, backbone="ipilimumab 3 mg/kg q3w x4", schedules=["docetaxel 20 mg/m2 q1w"])
    assert found.tried["regimen"].str.contains("ipilimumab 3 mg/kg q3w x4", regex=False).all()
    assert found.tried["regimen"].str.count("ipilimumab").eq(1).all()


def test_regimens_read_back_as_they_are_written():
    choices = (Choice("atezolizumab"), Choice("docetaxel", "1/3 of 1/3", 7, 4))
    plan = regimen_of(choices)
    assert parse(str(plan)) == plan
    assert str(plan) == "atezolizumab 1200 mg q3w + docetaxel 25 mg/m2 q1w x4 from day 8"
    assert choices_of(parameters_of(choices, 3)) == choices
    assert str(standard("docetaxel")) == "docetaxel 75 mg/m2 q3w"
    assert str(standard("epacadostat")) == "epacadostat 200 mg q1d"
    # A trial gives less of it beside another agent; its label says 400 mg twice a day.
    assert str(standard("sorafenib")) == "sorafenib 800 mg q1d"
    for name in (name for name, drug in agents().items() if drug.usual is not None):
        assert standard(name).agent == name
    assert str(standard_of_care("nsclc")) == "docetaxel 75 mg/m2 q3w"


def test_a_study_survives_kill_9(tmp_path, toys):
    """Killed on the way, it keeps every trial that had ended, and goes on as if it had not been stopped."""
    kept = tmp_path / "study.db"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.Popen([sys.executable, toy_regimens.__file__, str(kept)], env=environment)

    def ended():
        try:
            with sqlite3.connect(f"file:{kept}?mode=ro", uri=True) as database:
                return database.execute("select count(*) from trials where state = 'COMPLETE'").fetchone()[0]
        except sqlite3.OperationalError:
            return 0

    try:
        limit = time.monotonic() + 120.0
        while ended() < 18 and time.monotonic() < limit and run.poll() is None:
            time.sleep(0.01)
        assert run.poll() is None
    finally:
        os.kill(run.pid, signal.SIGKILL)
    assert run.wait() == -signal.SIGKILL
    before = ended()
    assert before >= 18
    resumed = toys(kept, before + 6)
    assert len(resumed.tried) == before + 6
    never_stopped = toys(None, before + 6)
    pd.testing.assert_frame_equal(resumed.tried, never_stopped.tried)
    pd.testing.assert_frame_equal(resumed.table, never_stopped.table)
    assert ended() == before + 6
    pd.testing.assert_frame_equal(toys(kept, 5).tried, resumed.tried)


def test_a_study_with_other_settings_is_refused(tmp_path, toys):
    kept = tmp_path / "study.db"
    toys(kept, 4)
    with pytest.raises(OptimizeError, match="another question: days was 84") as refused:
        toys(kept, 4, days=42)
    assert "new file" in refused.value.remedy
    (tmp_path / "letter.txt").write_text("no database")
    with pytest.raises(OptimizeError, match="cannot be read as a study"):
        toys(tmp_path / "letter.txt", 4)


def test_what_no_agent_moves_is_refused(monkeypatch, toys):
    nothing = lambda self, plan, usual: (np.zeros(len(self.member)), np.zeros(len(self.member)))
    monkeypatch.setattr(toy_regimens.Toy, "try_out", nothing)
    with pytest.raises(OptimizeError, match="none of atezolizumab, bevacizumab, docetaxel moves") as refused:
        toys(None, 4)
    assert "other agents" in refused.value.remedy


def test_the_report_has_the_best_beside_usual_care_and_sees_others_than_those_who_chose(toys):
    found = toys(None, 30)
    table = found.table
    best, usual = (table.loc[table["kind"] == kind].iloc[0] for kind in ("best", "standard"))
    assert best["toxicity_found"] <= usual["toxicity_found"]
    allowed = found.tried.loc[found.tried["toxicity"] <= usual["toxicity_found"] + 1e-9]
    assert best["effect_found"] == pytest.approx(allowed["effect"].max())
    assert best["gain"] == pytest.approx(best["effect"] - usual["effect"])
    assert not table["regimen"].duplicated().any()
    for name in ("effect", "toxicity", "gain"):
        assert (table[f"{name}_low"] <= table[name] + 1e-9).all()
        assert (table[name] <= table[f"{name}_high"] + 1e-9).all()


def test_tables_json_and_pictures(tmp_path, monkeypatch, toys):
    found = toys(None, 30)
    readings = {name: np.random.default_rng(i).random(4) for i, name in enumerate(("pdl1", "cd8"))}
    monkeypatch.setattr(toy_regimens.Toy, "readings", readings)
    tables = cli._tables(found)
    assert set(tables["who"]["reading"]) == {"pdl1", "cd8"}
    whole = json.loads(json.dumps(cli.plain(cli.content(found, tables))))
    assert whole["found_in"] == whole["reported_in"] == 4
    assert len(whole["regimens"]) == len(found.table)
    picture = front(found.table, tried=found.tried, effect="effect", title="toy")
    assert render(picture, "svg") == render(front(found.table, tried=found.tried, effect="effect", title="toy"), "svg")
    cli.show(found, tables, {}, None)


REFUSED = {
    "unknown agent": (("nsclc", "--agents", "docetaxol"), "docetaxel"),
    "no agents": (("nsclc", "--agents", ","), "no agents"),
    "fewer than one agent": (("nsclc", "--agents", "docetaxel", "--most", "0"), "at most 0 agents"),
    "no such objective": (("nsclc", "--agents", "docetaxel", "--objective", "cure"), "cure"),
    "no such method": (("nsclc", "--agents", "docetaxel", "--method", "grid"), "nsga2"),
    "no such tumor": (("nsclk", "--agents", "docetaxel"), "nsclc"),
    "no trials": (("nsclc", "--agents", "docetaxel", "--trials", "0"), "--trials 0"),
    "no interval": (("nsclc", "--agents", "cisplatin"), '--schedule "cisplatin 75 mg/m2 q3w"'),
    "a schedule of another agent": (
        ("nsclc", "--agents", "docetaxel", "--schedule", "cisplatin 9 mg q3w"),
        "cisplatin",
    ),
    "a schedule of two": (
        ("nsclc", "--agents", "docetaxel", "--schedule", "docetaxel 20 mg/m2 qw + cisplatin 75 mg/m2 q3w"),
        "is not one agent",
    ),
    "a schedule that begins later": (
        ("nsclc", "--agents", "docetaxel", "--schedule", "docetaxel 20 mg/m2 qw from day 8"),
        "the search chooses the day",
    ),
    "an agent in the backbone": (
        ("nsclc", "--agents", "docetaxel", "--backbone", "docetaxel 75 mg/m2 q3w"),
        "in the backbone",
    ),
    "no halves": (("nsclc", "--agents", "docetaxel", "--patients", "4"), "do not make two halves"),
    "no usual care": (("sclc", "--agents", "docetaxel"), "--standard"),
    "usual care that is none": (("nsclc", "--agents", "docetaxel", "--standard", "tea 3 mg q3w"), "tea"),
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
