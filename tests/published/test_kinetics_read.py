"""Trust: how many agents have kinetics that nobody read in a source is what the README says."""

import re
from pathlib import Path

from alarmin import records

README = Path(__file__).parents[2] / "README.md"
GIVEN = frozenset({"fraction_unbound", "infusion_time"})


def unread(drug, left_out: frozenset[str] = frozenset()):
    parameters = drug.pharmacokinetics.parameters
    return any(record.status != "read" for name, record in parameters.items() if name not in left_out)


def test_the_readme_counts_the_agents_whose_kinetics_were_not_read():
    blood = [drug for drug in records.agents().values() if not drug.local]
    volumes = sum(unread(drug, GIVEN) for drug in blood)
    counted = [len(blood), volumes, sum(unread(drug) for drug in blood) - volumes]
    sentence = r"of the (\d+) that are given through the blood, (\d+) have .*?; (\d+) more"
    said = re.search(sentence, README.read_text(encoding="utf-8"), re.DOTALL)
    assert said, "the README counts agents whose kinetics were not read"
    assert [int(number) for number in said.groups()] == counted
