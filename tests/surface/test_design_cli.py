"""Trust: a design is computed as its file says, shown, written whole, and refused where it makes no sense."""

import json

import pytest
import tomli_w
from typer.testing import CliRunner

from alarmin import results
from alarmin.cli.main import app
from alarmin.records import population
from made_up_bank import PLAN, RESPONSE, bank_of

BANK = bank_of({"ABCP": 0.035, "ACP": 0.045, "BCP": 0.05}, {"ABCP": 0.45, "BCP": 0.3}, patients=100)
LOOKS = {"fractions": [0.5, 1.0], "futility": {"spending": "obrien_fleming"}}
ENRICHED = {"biomarker": "pdl1", "least": 0.5, "subgroup_events": 150, "worthwhile": 0.8}
TWO = {"fractions": [0.5, 1.0]}


def call(*arguments: str):
    return CliRunner(env={"COLUMNS": "140", "TERMINAL_WIDTH": "140"}).invoke(app, list(arguments))


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder in which designs are written as files; banks are made up."""

    def write(**changes) -> str:
        plan = {key: value for key, value in (PLAN | changes).items() if value is not None}
        (tmp_path / "plan.toml").write_text(tomli_w.dumps(plan))
        return "plan.toml"

    monkeypatch.setattr("alarmin.scoring.keeping.kept_bank", lambda *arguments, **options: BANK)
    monkeypatch.chdir(tmp_path)
    return write


def test_screen_shows_what_the_design_does(place):
    result = call("design", place(looks=LOOKS), "--replicates", "200", "--seed", "3")
    assert result.exit_code == 0, result.output
    for part in ("ABCP v BCP", "2.9626", "Type I error", "power", "Months", "goal is 90 %", "decisions"):
        assert part in result.stdout


def test_folder_holds_trials_figures_and_provenance(place, tmp_path):
    result = call("design", place(looks=LOOKS), "--replicates", "200", "--out", "runs/one")
    assert result.exit_code == 0, result.output
    stored = results.read("runs/one")
    assert stored.provenance.subject == {"design": "plan", "trial": "impower150"}
    fit = population("nsclc")
    assert stored.provenance.population == fit.name
    assert stored.provenance.members == f"nsclc: members 0 to 7 of the {fit.members} of nsclc"
    for name, record in fit.records.items():
        assert stored.provenance.parameters[name].value == record.value
    assert len(stored.tables["runs"]) == 400
    for name in ("boundaries", "duration", "power"):
        for kind in ("svg", "png"):
            assert (tmp_path / "runs/one/figures" / f"{name}.{kind}").stat().st_size > 5000
    kept = json.loads((tmp_path / "runs/one/result.json").read_text())
    assert kept["boundaries"]["efficacy"] == pytest.approx([2.9626, 1.9686], abs=1e-3)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"looks": TWO, "enrichment": ENRICHED},
        {"looks": TWO, "reestimation": {}},
        {"looks": TWO, "experimental": ["ABCP", "ACP"], "selection": {}},
        RESPONSE | {"response_adaptive": {}},
        {"alpha": 0.05, "sides": 2, "looks": TWO},
        {"endpoint": {"name": "ipfs"}, "looks": TWO},
    ],
)
def test_every_kind_of_design_has_a_screen_and_json(place, changes):
    path = place(**changes)
    shown = call("design", path, "--replicates", "100")
    assert shown.exit_code == 0, shown.output
    result = call("design", path, "--replicates", "100", "--json")
    found = json.loads(result.stdout)
    assert found["replicates"] == 100
    assert 0.0 <= found["scenarios"]["null"]["rejected"]["value"] <= 0.2
    again = json.loads(call("design", path, "--replicates", "100", "--json").stdout)
    assert again == found


REFUSED = {
    "unknown key": ({"patiens": 300}, "patiens"),
    "no such trial": ({"trial": "impower15"}, "impower150"),
    "no such arm": ({"control": "BPC"}, "BCP"),
    "one arm twice": ({"experimental": ["BCP"]}, "not different"),
    "alphas that do not sum": ({"looks": TWO | {"spending": [0.01, 0.02]}}, "sums to 0.03, and alpha is 0.025"),
    "a list of too few alphas": ({"looks": TWO | {"spending": [0.025]}}, "one for each of the 2 looks"),
    "looks that do not increase": ({"looks": {"fractions": [0.7, 0.5, 1.0]}}, "increasing"),
    "looks that do not end": ({"looks": {"fractions": [0.5, 0.9]}}, "the last is 1.0"),
    "a biomarker that is not measured": (
        {"looks": TWO, "enrichment": ENRICHED | {"biomarker": "tmb"}},
        "'tmb' is nothing that the trial measures",
    ),
    "a subgroup without limit": (
        {"looks": TWO, "enrichment": {"biomarker": "pdl1", "worthwhile": 0.8}},
        "a subgroup has a limit",
    ),
    "an empty subgroup": ({"looks": TWO, "enrichment": ENRICHED | {"least": 1.5}}, "is too small"),
    "accrual that does not agree": ({"accrual": {"per_month": 25.0, "months": 10.0}}, "take 16.0"),
    "a cut before the last patient": ({"cut": {"events": 250, "months": 10.0}}, "comes before the last"),
    "no events": ({"cut": {"months": 60.0}}, "cut.events is missing"),
    "more events than patients": ({"cut": {"events": 500, "months": 60.0}}, "500 of 400"),
    "two-sided futility": ({"sides": 2, "looks": LOOKS}, "alpha/2"),
    "two adaptations": ({"looks": TWO, "enrichment": ENRICHED, "reestimation": {}}, "one thing in one design"),
    "two arms and no choice": (
        {"experimental": ["ABCP", "ACP"], "cut": {"events": 200, "months": 60.0}},
        "[selection]",
    ),
    "enrichment with one look": ({"enrichment": ENRICHED}, "two looks"),
    "a response without a time": ({"endpoint": {"name": "orr"}, "cut": {"months": 60.0}}, "needs `months`"),
    "a test that does not fit": (RESPONSE | {"test": {"name": "maxcombo"}}, "leave the test out"),
    "weights of another test": ({"test": {"name": "logrank", "rho": 1.0}}, "fleming_harrington"),
    "an end before anybody was followed": (
        {"endpoint": {"name": "milestone", "months": 30.0}, "cut": {"months": 30.0}},
        "nobody is followed so long",
    ),
    "a time of another endpoint": ({"endpoint": {"name": "os", "of": "pfs"}}, "says nothing about os"),
    "events that do not count": (RESPONSE | {"looks": TWO, "enrichment": ENRICHED}, "orr counts patients"),
    "nothing that is promising": ({"looks": TWO, "reestimation": {"promising": 0.9}}, "no result is promising"),
    "odds that stay even": (RESPONSE | {"response_adaptive": {"burn_in": 400}}, "nothing adapts"),
    "no such spending": ({"looks": TWO | {"spending": "obrien"}}, "obrien"),
}


@pytest.mark.parametrize(("changes", "named"), REFUSED.values(), ids=REFUSED.keys())
def test_a_design_that_makes_no_sense_is_refused(place, changes, named):
    result = call("design", place(**changes), "--replicates", "100", "--out", "runs/one")
    assert result.exit_code == 2, result.output
    said = " ".join(result.stderr.replace("│", " ").split())
    assert named in said
    assert "→" in said
    assert result.stdout == ""


def test_an_endpoint_that_the_trial_has_not_is_refused(place, tmp_path):
    from alarmin import records

    other = records.trial("impower150").model_copy(update={"endpoints": ("orr",), "primary": ("orr",)})
    (tmp_path / "other.toml").write_text(tomli_w.dumps(other.model_dump(mode="json", exclude_none=True)))
    result = call("design", place(trial="other.toml"))
    assert result.exit_code == 2
    assert "the endpoints of 'impower150' are orr" in " ".join(result.stderr.replace("│", " ").split())


def test_no_such_file_is_refused(place):
    result = call("design", "nothing.toml")
    assert result.exit_code == 2
    assert "nothing.toml" in result.stderr


def test_examples_are_designs_that_load():
    from pathlib import Path

    from alarmin.design import load

    folder = Path(__file__).parents[2] / "examples" / "designs"
    if not folder.exists():
        pytest.skip("examples are not installed with the package")
    assert {load(path)[0].kind for path in folder.glob("*.toml")} >= {"sequential", "enrichment", "selection"}
