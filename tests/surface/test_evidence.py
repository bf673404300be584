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
