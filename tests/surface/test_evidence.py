"""Trust: whoever asks where a number or an outcome comes from is told, in full, or refused with the nearest name."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from alarmin.cli.evidence import every_record, users
from alarmin.cli.main import app
from alarmin.published import audit, studies

CONFLICTS = Path(__file__).parents[2] / "docs" / "conflicts.md"


def call(*arguments):
    return CliRunner().invoke(app, list(arguments))


@pytest.mark.parametrize("name", studies())
def test_a_study_is_shown_with_every_value(name):
    result = call("evidence", name)
    assert result.exit_code == 0, result.output
    shown = " ".join(result.stdout.split())
    for arm in studies()[name].arms:
        for item in (*arm.endpoints, *arm.events):
            assert f"{item.value:g} {item.unit}" in shown
    for contrast in studies()[name].contrasts:
        assert f"{contrast.measure} {contrast.hr:g}" in shown
    assert json.loads(call("evidence", name, "--json").stdout)["name"] == name


def test_what_the_review_says_stands_beside_the_primary_source():
    shown = call("evidence", "masterkey265").stdout
    for part in ("Q16", "48.6%", "primary source: confirmed", "A17", "A36", "T-VEC"):
        assert part in shown


def test_the_audit_prints_both_places():
    shown = " ".join(call("evidence", "audit").stdout.split())
    assert "36 contradictions" in shown
    for item in audit():
        assert item.audit in shown
        assert " ".join("; ".join(item.places).split()) in shown
        assert " ".join("; ".join(item.against).split()) in shown
    assert len(json.loads(call("evidence", "audit", "--json").stdout)) == 36


def test_a_parameter_says_what_uses_it():
    shown = call("evidence", "parameter", "oxygen_diffusivity").stdout
    for part in ("1.75e-05 cm**2/s", "grade: animal", "status: read", "Grote", "disagrees: 2.8e-05", "used by: oxygen"):
        assert part in shown
    assert json.loads(call("evidence", "parameter", "oxygen_diffusivity", "--json").stdout)["used_by"] == ["oxygen"]


def test_users_of_records_of_agents_and_tumors_are_found():
    known = every_record()
    taken = {id: users(id) for id in known if id.startswith(("bevacizumab.", "nsclc."))}
    assert any("of bevacizumab" in user for found in taken.values() for user in found)
    assert users("nsclc.tumor_doubling_time") == users("tumor_doubling_time")
    assert users("no_such_record") == []


@pytest.mark.parametrize(
    ("name", "owner"), [("atezolizumab", "atezolizumab"), ("Tecentriq", "atezolizumab"), ("nsclc", "nsclc")]
)
def test_an_agent_or_a_tumor_type_is_shown_with_all_its_records(name, owner):
    """By its name or a synonym: each record with value and grade, and none of another one."""
    of_it = {id: record for id, record in every_record().items() if id.partition(".")[0] == owner}
    shown = "".join(call("evidence", name).stdout.split())
    assert of_it and all(id in shown and f"{record.value:g}" in shown for id, record in of_it.items())
    assert "nsclc_squamous." not in shown
    assert json.loads(call("evidence", name, "--json").stdout)["records"].keys() == of_it.keys()


@pytest.mark.parametrize("what", ["agents", "trials", "tumors"])
def test_every_name_is_listed(what):
    """What commands take, all of it, in print and as JSON."""
    from alarmin import records

    named = getattr(records, what)()
    rows = json.loads(call("list", what, "--json").stdout)
    assert [(row["name"], row["title"]) for row in rows] == [(one.name, one.title) for one in named.values()]
    shown = call("list", what).stdout
    assert all(name in shown for name in named)


def test_the_list_of_trials_says_what_is_scored_and_what_a_fit_has_seen():
    from alarmin.published import studies

    use = {row["name"]: row["use"] for row in json.loads(call("list", "trials", "--json").stdout)}
    assert use["oak"] == "in a fit" and use["impower150"] == "scored"
    assert all((studies()[name].role == "scoring") == (said == "scored") for name, said in use.items())


@pytest.mark.parametrize(
    "arguments", [("trial", "zzz"), ("simulate", "zzz", "none"), ("simulate", "nsclc", "zzz 1 mg")]
)
def test_a_name_that_is_like_no_other_leads_to_the_list(arguments):
    result = call(*arguments)
    assert result.exit_code == 2
    assert "alarmin list" in " ".join(result.output.replace("│", " ").split())


def test_there_is_no_list_of_anything_else():
    assert "agents, trials, tumors" in call("list", "drugs").output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("halo3001",), "halo301"),
        (("parameter", "oxygen_difusivity"), "oxygen_diffusivity"),
        (("parameter",), "no record is named"),
        (("audit", "halo301"), "'parameter' alone"),
    ],
)
def test_what_is_unknown_is_refused_with_the_nearest(arguments, said):
    result = call("evidence", *arguments)
    assert result.exit_code == 2
    assert said in " ".join(result.output.replace("│", " ").split())


def test_the_page_of_conflicts_says_what_the_records_say():
    rows = re.findall(r"^\|[^|]*\|([^|]*)\|([^|]*)\| `(\w+)` \|$", CONFLICTS.read_text(), flags=re.MULTILINE)
    assert len(rows) >= 4
    for taken, others, id in rows:
        record = every_record()[id]
        assert record.value in {float(number) for number in re.findall(r"\d+(?:\.\d+)?(?:e-?\d+)?", taken)}
        printed = {float(number) for number in re.findall(r"\d+(?:\.\d+)?(?:e-?\d+)?", others)}
        assert {other.value for other in record.conflicts} <= printed, id
