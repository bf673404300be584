"""Trust: the numbers on which outcomes hang most were derived twice, the second time blind, and the pairs agree."""

import numpy as np
import pytest

from alarmin import records
from alarmin.patients import records_of
from alarmin.units import factor

IN_FORCE = records_of("nsclc")
PAIRS = sorted(records.rederivations())


@pytest.mark.parametrize("name", PAIRS)
def test_a_pair_agrees_or_the_conflict_is_on_record(name):
    """The value in force lies within what the second derivation allows, or the second value stands as a conflict."""
    record, again = IN_FORCE[name], records.rederivations()[name]
    scale = factor(again.unit, record.unit)
    conflicting = [conflict.value * factor(conflict.unit, record.unit) for conflict in record.conflicts]
    assert again.low <= again.value <= again.high
    assert again.low * scale <= record.value <= again.high * scale or any(
        np.isclose(value, again.value * scale) for value in conflicting
    )
    assert again.doi or again.pmid or again.url
    assert again.where and again.method


def test_at_least_forty_are_derived_twice_and_most_agree_closely():
    ratio = [
        records.rederivations()[name].value
        * factor(records.rederivations()[name].unit, IN_FORCE[name].unit)
        / IN_FORCE[name].value
        for name in PAIRS
    ]
    assert len(PAIRS) >= 40
    assert np.mean(np.abs(np.log(ratio)) < np.log(1.1)) > 0.65
