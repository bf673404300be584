"""Trust: the numbers on which outcomes hang most were derived twice, the second time blind, and the pairs agree."""

import re
from pathlib import Path

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


SOURCED = [name for name in PAIRS if IN_FORCE[name].grade in ("human", "animal")]
BELIEVED = [name for name in PAIRS if name not in SOURCED]

RELATIVE = {
    "cxcl10_inducibility",
    "entry_factor",
    "glucose_glycolysis",
    "leukocyte_traffic",
    "paclitaxel.cytotoxic.damage_half",
    "tumor_growth_factor",
    "vegf_type_factor",
}
"""Relative to the median patient, to lung cancer, to one standard dose, or to another record: nothing outside the model
knows them."""


def ratios(names):
    """Second value over the one in force."""
    again = {name: records.rederivations()[name] for name in names}
    return np.array([r.value * factor(r.unit, IN_FORCE[name].unit) / IN_FORCE[name].value for name, r in again.items()])


def test_at_least_forty_with_a_source_are_derived_twice_and_most_agree_closely():
    assert len(SOURCED) >= 40
    assert np.mean(np.abs(np.log(ratios(SOURCED))) < np.log(1.1)) > 0.65


def test_those_without_a_source_agree_in_their_order_of_magnitude():
    """They were assumed or fitted: two people who derive them from the literature are further apart."""
    assert len(BELIEVED) >= 40
    apart = np.abs(np.log(ratios(BELIEVED)))
    assert np.mean(apart < np.log(2.0)) > 0.4
    assert np.mean(apart < np.log(3.0)) > 0.6


def test_the_numbers_on_which_outcomes_hang_most_are_derived_twice():
    """The forty of the page on sensitivity, but for those that are relative by what they are."""
    page = (Path(__file__).parents[2] / "docs" / "sensitivity.md").read_text(encoding="utf-8")
    forty = re.findall(r"^\| \d+ \| `([^`]+)`", page, flags=re.MULTILINE)
    assert len(forty) == 40
    assert set(forty) - RELATIVE <= set(PAIRS)
