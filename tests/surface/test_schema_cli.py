"""Trust: the printed schemas are those by which files are read."""

import json
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

import alarmin.records
from alarmin.cli.main import app

DATA = Path(alarmin.records.__file__).parent / "data"
EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize("kind", ["trial", "agent", "tumor", "population", "design"])
def test_a_schema_is_json_and_refuses_unknown_keys(kind):
    found = CliRunner().invoke(app, ["schema", kind])
    schema = json.loads(found.stdout)
    assert schema["additionalProperties"] is False
    assert "name" in schema["properties"] or "trial" in schema["properties"]


@pytest.mark.parametrize(
    ("kind", "folder"),
    [("trial", "trials"), ("agent", "agents"), ("tumor", "tumors"), ("population", "fits"), ("design", "designs")],
)
def test_files_that_are_read_fit_their_schema(kind, folder):
    """So an editor marks no line of them; and an unknown key does not fit."""
    jsonschema = pytest.importorskip("jsonschema")
    place = EXAMPLES / folder if kind == "design" else DATA / folder
    files = sorted(place.glob("*.toml"))
    if not files:
        pytest.skip("examples are not installed with the package")
    check = jsonschema.Draft202012Validator(json.loads(CliRunner().invoke(app, ["schema", kind]).stdout))
    for path in files:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        assert not [error.message for error in check.iter_errors(content)], path.name
    assert "colour" in next(check.iter_errors(content | {"colour": 1})).message


def test_an_unknown_kind_is_refused():
    found = CliRunner().invoke(app, ["schema", "tumour"])
    assert found.exit_code == 2 and "tumor" in found.stderr
