"""Trust: what was published is stored whole: read strictly, said once, and consistent."""

import pytest
from pydantic import ValidationError

from alarmin.published import studies, study
from alarmin.published.loader import PublishedError
from alarmin.published.schema import Study
from alarmin.records import trials
from alarmin.units import UnitError

MINIMAL = {
    "name": "x",
    "title": "x",
    "role": "training",
    "tumor": "nsclc",
    "line": "first",
    "arms": [
        {
            "name": "a",
            "patients": 10,
            "endpoints": [
                {"endpoint": "orr", "value": 20, "unit": "percent", "source": "s", "where": "w", "status": "read"}
            ],
        }
    ],
    "sources": {"s": {"title": "s"}},
}


@pytest.mark.parametrize("name", studies())
def test_medians_lie_where_the_curve_passes_one_half(name):
    for arm in study(name).arms:
        known = {item.endpoint: item for item in arm.reported()}
        for kind in ("pfs", "os"):
            if f"median_{kind}" not in known:
                continue
            median = known[f"median_{kind}"].to("month")
            for month in (3, 6, 12, 18, 24):
                point = known.get(f"{kind}_at_{month}")
                if point is None:
                    continue
                share = point.to("dimensionless")
                if month <= median - 1:
                    assert share > 0.47, (arm.name, kind, month)
                if month >= median + 1:
                    assert share < 0.53, (arm.name, kind, month)


@pytest.mark.parametrize("name", studies())
def test_intervals_hold_their_values(name):
    for arm in study(name).arms:
        for item in arm.reported():
            if item.low is not None:
                assert item.low <= item.value <= item.high
    for contrast in study(name).contrasts:
        if contrast.low is not None:
            assert contrast.low <= contrast.hr <= contrast.high


@pytest.mark.parametrize("name", sorted(studies().keys() & trials().keys()))
def test_arms_are_those_of_the_trial_file(name):
    found, plan = study(name), trials()[name]
    assert [arm.name for arm in found.arms] == [arm.name for arm in plan.arms]
    assert [arm.patients for arm in found.arms] == [arm.patients for arm in plan.arms]
    assert found.line == plan.line


def test_every_trial_file_has_a_publication():
    assert trials().keys() <= studies().keys()


def test_what_is_scored_is_not_for_training():
    assert study("impower150").role == "scoring"
    assert {name for name, found in studies().items() if found.role == "scoring"} == {"impower150"}


def test_the_errors_of_the_review_are_kept_apart_from_the_sources():
    found = study("impower150")
    assert {item.audit for item in found.discrepancies} == {"A01", "A02"}
    rates = [item for arm in found.arms for item in arm.endpoints if item.endpoint == "pfs_at_6"]
    assert rates
    assert not any(item.compare for item in rates)
    assert "pfs_at_6" not in {item.endpoint for arm in found.arms for item in arm.reported()}
    agents = {arm.name: set(arm.title.split(", ")) for arm in found.arms}
    assert agents["ABCP"] - agents["BCP"] == {"atezolizumab"}
    assert agents["ABCP"] - agents["ACP"] == {"bevacizumab"}


def test_an_unknown_study_is_refused_by_name():
    with pytest.raises(PublishedError, match="impower150"):
        study("impower15")


def changed(**changes):
    entry = dict(MINIMAL["arms"][0]["endpoints"][0], **changes)
    return MINIMAL | {"arms": [MINIMAL["arms"][0] | {"endpoints": [entry]}]}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (changed(value="many"), "valid number"),
        (changed(unit="furlong"), "cannot be converted"),
        (changed(unit="percents of all"), "not understood"),
        (changed(endpoint="overall"), "Input should be"),
        (changed(source="nobody"), "nobody"),
        (changed(quality=1), "Extra inputs"),
        (
            MINIMAL | {"arms": [MINIMAL["arms"][0] | {"endpoints": MINIMAL["arms"][0]["endpoints"] * 2}]},
            "several values",
        ),
    ],
)
def test_a_broken_file_is_refused(content, said):
    Study.model_validate(MINIMAL)
    with pytest.raises((ValidationError, UnitError), match=said):
        Study.model_validate(content)
