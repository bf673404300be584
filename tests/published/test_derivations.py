"""Trust: values that were worked out come out again from their arithmetic, and what no tissue can hold is refused."""

import pytest

from alarmin import records
from alarmin.records.schema import Record
from alarmin.units import registry

DERIVED = {
    id: record
    for id, record in {
        **records.parameters(),
        **{f"{t.name}:{id}": record for t in records.tumors().values() for id, record in t.parameters.items()},
        **{id: record for agent in records.agents().values() for id, record in agent.records().items()},
    }.items()
    if record.derivation
}


@pytest.mark.parametrize("name", sorted(DERIVED))
def test_a_derivation_gives_its_value(name):
    record = DERIVED[name]
    found = registry.parse_expression(record.derivation).to(record.unit).magnitude
    assert record.value == pytest.approx(found, rel=0.03)


def test_many_values_carry_their_arithmetic():
    assert len(DERIVED) > 30


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (60.0, "mol/L", "water itself"),
        (2.0, "g/mL", "dry protein"),
        (3e4, "Mcell/mL", "smallest cells"),
        (0.1, "mL/Mcell", "50 pL"),
        (2e-4, "cm**2/s", "diffuses faster"),
        (1e11, "1/cell", "1e10 molecules"),
        (1.0, "nmol/cell", "2.6 pL"),
        (800.0, "mmHg", "air weighs"),
    ],
)
def test_what_cannot_be_is_refused(value, unit, said):
    with pytest.raises(ValueError, match=said):
        Record(
            title="x", value=value, unit=unit, source="assumption", grade="assumed", status="provisional", note="none"
        )
