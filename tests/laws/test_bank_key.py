"""Laws: banks are made anew when code that simulates changes, and not when other code does."""

import tomllib
from pathlib import Path

from alarmin.results.provenance import OUTER, code_fingerprint

PROJECT = Path(__file__).parents[2] / "pyproject.toml"


def test_all_rooms_that_count_for_nothing_are_above_those_that_simulate():
    contracts = tomllib.loads(PROJECT.read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    above = layers[: layers.index("enrollment | geometry")]
    assert {*OUTER, "trials"} == {room for layer in above for room in layer.split(" | ")} | {"published"}


def test_rooms_count_unless_they_are_left_out():
    assert len({code_fingerprint(), code_fingerprint(OUTER), code_fingerprint((*OUTER, "biology"))}) == 3
