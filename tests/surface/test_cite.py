"""Surface: `alarmin cite` names the software as CITATION.cff does, and the sources of what a run has used, with why."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from alarmin import records, results
from alarmin.cli.main import GROUPS, app
from alarmin.patients.drawing import records_of
from alarmin.results.citation import citations
from alarmin.version import AUTHORS, LICENSE, TITLE, VERSION

CITATION = Path(__file__).parents[2] / "CITATION.cff"


def call(*arguments: str):
    return CliRunner(env={"COLUMNS": "100", "TERMINAL_WIDTH": "100"}).invoke(app, list(arguments))


def made(**subject: str) -> results.Provenance:
    return results.provenance(
        command="alarmin", subject=subject, seed=0, patients=3, records=records_of("nsclc"), population="nsclc"
    )


@pytest.fixture
def run(tmp_path):
    return results.write(tmp_path / "run", made(tumor="nsclc", regimen="docetaxel 75 mg/m2 q3w"))


@pytest.mark.skipif(not CITATION.exists(), reason="CITATION.cff is not installed with the package")
def test_software_is_named_as_in_the_citation_file():
    text = CITATION.read_text(encoding="utf-8")
    for said in (f'title: "{TITLE}"', f"version: {VERSION}", f"license: {LICENSE}", f'name: "{AUTHORS}"'):
        assert said in text


def test_without_a_run_it_is_the_software_alone():
    result = call("cite")
    assert result.exit_code == 0
    assert TITLE in " ".join(result.stdout.split())
    assert call("cite", "--bibtex").stdout.startswith("@software{alarmin,")


def test_only_agents_that_were_given_are_cited():
    reasons = {reason.why: reason for reason in citations(made(tumor="nsclc", regimen="docetaxel 75 mg/m2 q3w"))}
    assert "koolen2010" in reasons["agent Docetaxel"].sources
    assert not [why for why in reasons if why.startswith("agent ") and why != "agent Docetaxel"]
    cited = {key for reason in reasons.values() for key in reason.sources}
    assert "stroh2017" not in cited, "that is a source of atezolizumab alone"
    assert not cited & {"assumption", "fitted"}


def test_a_trial_is_cited_with_its_arms_its_tumor_and_its_training():
    reasons = {reason.why: reason for reason in citations(made(trial="impower150"))}
    assert records.trial("impower150").source in reasons["design of the trial impower150"].sources
    for agent in ("Atezolizumab", "Bevacizumab", "Carboplatin", "Paclitaxel"):
        assert f"agent {agent}" in reasons
    assert "thorsson2018" in reasons[f"tumor type {records.tumor('nsclc').title}"].sources
    trained = reasons["trials to which the population nsclc was fitted"]
    assert records.trial("oak").source in trained.sources


def test_every_source_of_a_record_in_use_is_cited_once_for_each_reason():
    provenance = made(tumor="nsclc", regimen="")
    found = citations(provenance)
    shared = next(reason for reason in found if reason.why.startswith("biology"))
    own = ("assumption", "fitted")
    agents = tuple(f"{name}." for name in records.agents())
    used = {p.source for id, p in provenance.parameters.items() if not id.startswith(agents)} - set(own)
    typed = next(reason for reason in found if reason.why.startswith("tumor type"))
    assert used <= shared.sources.keys() | typed.sources.keys()


def test_run_is_cited_on_screen_as_json_and_as_bibtex(run):
    screen = call("cite", str(run))
    assert screen.exit_code == 0, screen.output
    assert "Agent Docetaxel" in screen.stdout and "records in force are assumed or fitted" in screen.stdout
    content = json.loads(call("cite", str(run), "--json").stdout)
    assert content["run"]["subject"]["tumor"] == "nsclc"
    whys = [reason["why"] for reason in content["reasons"]]
    assert "agent Docetaxel" in whys
    entries = call("cite", str(run), "--bibtex").stdout
    assert entries.count("@misc{") == len({s["key"] for reason in content["reasons"] for s in reason["sources"]})
    assert "@misc{koolen2010," in entries and entries.count("{") == entries.count("}")


def test_no_run_is_refused(tmp_path):
    result = call("cite", str(tmp_path))
    assert result.exit_code == 2
    assert "provenance.json" in result.stderr


def test_help_shows_every_command_in_a_group():
    result = call("--help")
    for title, commands in GROUPS.items():
        assert title in result.stdout
        for command in commands:
            assert f" {command.__name__} " in result.stdout
    assert "alarmin simulate nsclc" in result.stdout
    assert "--install-completion" in result.stdout
