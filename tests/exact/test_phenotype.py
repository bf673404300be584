"""Exact: immune phenotypes follow from synthetic profiles by the rule alone, at its limits too."""

import numpy as np
import pytest

from alarmin.errors import AlarminError
from alarmin.numerics.sphere import Sphere
from alarmin.patients import draw
from alarmin.published import untreated
from alarmin.published.schema import Untreated
from alarmin.readouts.phenotype import _weighted_median, core_and_margin, phenotype, untreated_tumors
from alarmin.records import parameters
from alarmin.scoring import beside

FACES = Sphere().faces
NO_STRIP = np.zeros(1)


@pytest.mark.parametrize(
    ("core", "margin", "name"),
    [
        (3.0, 0.0, "inflamed"),
        (3.0, 50.0, "inflamed"),
        (2.999, 10.0, "excluded"),
        (0.0, 10.0, "excluded"),
        (2.999, 9.999, "desert"),
        (0.0, 0.0, "desert"),
    ],
)
def test_the_limits_belong_to_the_more_infiltrated(core, margin, name):
    assert phenotype([core], [margin]).tolist() == [name]


def test_the_records_hold_the_limits_of_the_rule():
    """The rule and the records do not drift apart."""
    known = parameters()
    limits = [known[f"phenotype_{name}"].value for name in ("inflamed", "excluded", "core_depth", "core_share")]
    assert [*limits, known["phenotype_margin_depth"].value] == [3.0, 10.0, 1.0, 0.8, 0.5]


@pytest.mark.parametrize("radius", [2.0, 5.0, 12.0, 40.0])
def test_a_uniform_profile_is_the_same_in_core_and_margin(radius):
    core, margin = core_and_margin(np.full((48, 1), 7.0), FACES, [radius], NO_STRIP)
    assert core == pytest.approx(7.0) and margin == pytest.approx(7.0)


def test_core_and_margin_are_exact_where_a_limit_cuts_a_shell():
    """Two shells, 1 inside and 11 outside half of the radius: means follow from the cubes of the limits."""
    faces, profile, radius = np.array([0.0, 0.5, 1.0]), np.array([[1.0], [11.0]]), np.array([10.0])
    core, margin = core_and_margin(profile, faces, radius, NO_STRIP)
    assert core == pytest.approx((0.125 * 1.0 + (0.9**3 - 0.125) * 11.0) / 0.9**3)
    assert margin == pytest.approx(11.0)
    # A lesion of 2 mm: the core ends at 80 % of the radius, and not at the half where 1 mm of depth begins.
    core, _ = core_and_margin(profile, faces, np.array([2.0]), NO_STRIP)
    assert core == pytest.approx((0.125 * 1.0 + (0.8**3 - 0.125) * 11.0) / 0.8**3)


def test_rims_and_strips_make_excluded_tumors():
    """T cells in the outer half millimeter, or only in the strip outside: excluded; in neither: desert."""
    radius = np.full(3, 15.0)
    depth = (1.0 - Sphere().centers)[:, None] * radius
    profile = np.where(depth < 0.6, np.array([20.0, 1.0, 1.0]), 1.0)
    core, margin = core_and_margin(profile, FACES, radius, np.array([0.0, 30.0, 0.0]))
    assert phenotype(core, margin).tolist() == ["excluded", "excluded", "desert"]
    core, margin = core_and_margin(profile + 2.5, FACES, radius, np.zeros(3))
    assert phenotype(core, margin).tolist() == ["inflamed"] * 3


def test_a_weighted_median_has_half_of_the_weight_below():
    values = np.array([[1.0, 9.0], [5.0, 5.0], [9.0, 1.0]])
    assert _weighted_median(values, np.array([0.2, 0.2, 0.6])).tolist() == [9.0, 1.0]


def test_who_was_not_brought_to_the_untreated_state_is_refused():
    with pytest.raises(AlarminError, match="untreated"):
        untreated_tumors(draw("nsclc", np.arange(2), 0))


def test_published_shares_are_shares_and_said_once():
    """Phenotypes of a type add up to one at most; a second value that is compared is refused."""
    found = untreated()
    for tumor in {item.tumor for item in found.findings}:
        shares = [
            item.value
            for item in found.findings
            if item.tumor == tumor and item.compare and item.unit == "dimensionless"
        ]
        assert sum(shares) <= 1.0 + 1e-9
    content = found.model_dump()
    content["findings"] = [*content["findings"], content["findings"][0]]
    with pytest.raises(ValueError, match="compare = false"):
        Untreated.model_validate(content)


def test_quantiles_and_published_values_stand_side_by_side():
    """Shares with their interval, and medians."""
    import pandas as pd

    from alarmin.readouts.phenotype import QUANTITIES

    patients = pd.DataFrame({name: np.arange(1.0, 12.0) for name in QUANTITIES})
    patients["phenotype"] = ["inflamed"] * 5 + ["desert"] * 6
    rows = beside(patients, "nsclc").set_index("quantity")
    assert rows.loc["inflamed", "model"] == pytest.approx(5 / 11) and rows.loc["excluded", "model"] == 0.0
    assert rows.loc["inflamed", "low"] < 5 / 11 < rows.loc["inflamed", "high"]
    assert rows.loc["oxygen", "model"] == 6.0 and rows.loc["oxygen", "published"] == 16.0
    assert rows.loc["oxygen", "low"] == 2.0 and rows.loc["oxygen", "high"] == 10.0
    assert np.isnan(rows.loc["mutations", "model"]) and rows.loc["mutations", "published"] > 0
    assert not rows["fitted"].any()


def test_what_a_fit_has_seen_is_marked():
    """And so is nothing that another type was fitted to."""
    import pandas as pd

    from alarmin.readouts.phenotype import QUANTITIES

    patients = pd.DataFrame({name: [1.0, 2.0] for name in QUANTITIES} | {"phenotype": "desert"})
    training = ("oak.docetaxel.orr", "untreated.nsclc.oxygen", "untreated.pdac.share_cd8")
    rows = beside(patients, "nsclc", training)
    assert rows.loc[rows["fitted"], "quantity"].tolist() == ["oxygen"]
