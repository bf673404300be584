"""Trust: the printed schemas are those by which files are read."""

import json

import pytest
from typer.testing import CliRunner

from alarmin.cli.main import app


@pytest.mark.parametrize("kind", ["trial", "agent", "tumor", "population", "design"])
def test_a_schema_is_json_and_refuses_unknown_keys(kind):
    found = CliRunner().invoke(app, ["schema", kind])
    schema = json.loads(found.stdout)
    assert schema["additionalProperties"] is False
    assert "name" in schema["properties"] or "trial" in schema["properties"]


def test_an_unknown_kind_is_refused():
    found = CliRunner().invoke(app, ["schema", "tumour"])
    assert found.exit_code == 2 and "tumor" in found.stderr
