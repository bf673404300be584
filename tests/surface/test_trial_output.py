"""Trust: a trial's report on screen, as JSON and on disk says what was computed, whatever was computed.

The lesions are made up here, so that nothing depends on the model.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from alarmin import records, results
from alarmin.cli.main import app
from alarmin.records import Trial
from alarmin.scoring.score import estimate
from alarmin.simulation import Course, Timing
from alarmin.trials import TrialResult, analyze, outcomes


@pytest.fixture
def made_up(virtual_cohort, monkeypatch):
    """Trials in which lesions follow a curve, drawn from the seed."""

    def run(trial: Trial, patients: int | None = None, seed: int = 0, **options) -> TrialResult:
        count = patients or 24
        days = np.arange(round(trial.months * 365.25 / 12) + 1, dtype=float)
        courses = {}
        for number, arm in enumerate(trial.arms):
            cohort = virtual_cohort(count, 2, seed=seed)[number :: len(trial.arms)]
            draw = np.random.default_rng([seed, number])
            shrink, grow = draw.uniform(0.0, 0.02, cohort.lanes), draw.uniform(0.0002, 0.004, cohort.lanes)
            relative = np.exp(-shrink * days[:, None]) + np.exp(grow * days[:, None]) - 1.0
            courses[arm.name] = Course(
                cohort=cohort,
                regimen=arm.regimen,
                days=days,
                lesions={"diameter": 30.0 * np.minimum(relative, 6.0)},
                doses={},
                profile_days=np.zeros(0),
                profiles={},
                radius=np.zeros((0, cohort.lanes)),
                shells=np.zeros(0),
                timing=Timing(),
            )
        found = [outcomes(courses[arm.name], trial, arm) for arm in trial.arms]
        timing = {"compile_s": 1.0, "simulate_s": 2.0, "lane_steps": 10, "lane_steps_per_s": 5000.0}
        return analyze(trial, found, seed, courses, timing)

    monkeypatch.setattr("alarmin.trials.run", run)


def call(*arguments: str):
    return CliRunner(env={"COLUMNS": "140", "TERMINAL_WIDTH": "140"}).invoke(app, list(arguments))


def test_screen_shows_predicted_beside_published(made_up):
    result = call("trial", "impower150", "--patients", "60", "--seed", "3")
    assert result.exit_code == 0, result.output
    for part in ("NCT02366143", "60 virtual patients", "seed 3", "ABCP", "Published", "Primary endpoint", "decisions"):
        assert part in result.stdout


def test_json_is_whole_and_alone(made_up):
    result = call("trial", "impower150", "--patients", "60", "--json")
    content = json.loads(result.stdout)
    assert content["trial"] == "impower150"
    assert content["patients"] == 60
    assert content["published"]["arms"]
    assert result.stderr == ""


def test_folder_holds_tables_figures_and_provenance(made_up, tmp_path):
    folder = tmp_path / "runs" / "first"
    result = call("trial", "impower150", "--patients", "60", "--seed", "3", "--out", str(folder))
    assert result.exit_code == 0, result.output
    stored = results.read(folder)
    assert len(stored.tables["adsl"]) == 60
    assert set(stored.tables) == {"adsl", "adtte", "adrs", "adae", "score"}
    assert set(stored.courses) == {"ABCP", "ACP", "BCP"}
    assert stored.provenance.seed == 3
    assert stored.provenance.subject == {"trial": "impower150"}
    assert json.loads((folder / "result.json").read_text())["seed"] == 3
    pictures = {path.name for path in (folder / "figures").iterdir()}
    assert {"overall-survival.svg", "progression-free-survival.png", "best-response.png", "published.svg"} <= pictures
    assert {"spider.svg", "swimmer-abcp.svg", "swimmer-bcp.png", "hazard-ratios.svg"} <= pictures


def test_unpublished_trial_shows_predictions(made_up, tmp_path):
    file = tmp_path / "mine.toml"
    text = (Path(results.__file__).parents[1] / "records/data/trials/impower150.toml").read_text()
    file.write_text(text.replace('name = "impower150"', 'name = "mine"'))
    result = call("trial", str(file), "--patients", "60")
    assert result.exit_code == 0, result.output
    assert "Median overall survival" in result.stdout


def test_brackets_in_names_are_shown_as_they_are(made_up, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    content = records.trial("oak").model_dump(mode="json")
    content |= {"name": "mine", "title": "A title [red] and [/bold] more", "contrasts": [], "primary": []}
    content["arms"] = [arm | {"name": f"{arm['name']} [b]"} for arm in content["arms"]]
    known = records.trial("oak")
    monkeypatch.setattr("alarmin.records.trial", lambda name: type(known).model_validate(content))
    result = call("trial", "mine.toml", "--patients", "24", "--out", "run[a]")
    assert result.exit_code == 0, result.exception
    for part in ("A title [red] and [/bold] more", "docetaxel [b] 12", "Written to run[a]"):
        assert part in result.stdout, result.stdout
    assert result.stdout.count("docetaxel [b]") == 2, "in the first lines and above its column"


@pytest.mark.parametrize(
    ("values", "missing", "shown"),
    [
        ((0.456, 0.4, 0.5), "–", "46 (40 to 50)"),
        ((6.93, 2.61, None), "not reached", "6.9 (2.6 to not reached)"),
        ((None, None, None), "not reached", "not reached"),
        ((6.93, 2.61, None), "–", "6.9"),
    ],
)
def test_what_is_not_reached_is_said_on_screen_as_in_the_browser(values, missing, shown):
    assert estimate("orr" if values[0] == 0.456 else "median_os", *values, missing) == shown
