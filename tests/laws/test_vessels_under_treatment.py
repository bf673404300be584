"""Law: what is seen of vessels under treatment is a ratio to before, follows VEGF, and says where it is from."""

import numpy as np
import pytest
from pydantic import ValidationError

from alarmin.enrollment import enroll
from alarmin.numerics.sphere import Sphere
from alarmin.published import Treated, treated
from alarmin.readouts.vessels import VESSEL_READINGS, vessels_under
from alarmin.records import agents
from alarmin.simulation import Settings, simulate
from alarmin.therapy.regimen import parse

SMALL = Settings(grid=Sphere(16, 1.5), lanes=32)
BEVACIZUMAB, DAY = "bevacizumab 15 mg/kg q3w", 14


def test_young_vessels_and_flow_fall_without_vegf_in_everybody():
    cohort = enroll("nsclc", 8, 3, settings=SMALL)
    with_vegf, without = (vessels_under(cohort, regimen, DAY, SMALL) for regimen in ("", BEVACIZUMAB))
    assert list(without.columns) == ["patient", *VESSEL_READINGS]
    assert without["patient"].tolist() == cohort.ids.tolist()
    assert (without[[*VESSEL_READINGS]] > 0.0).all(axis=None)
    assert (without["vessel_immature"] < with_vegf["vessel_immature"]).all()
    assert without["imaged_flow"].median() < with_vegf["imaged_flow"].median()


def test_the_ratio_is_of_means_over_the_ball():
    cohort = enroll("nsclc", 4, 3, settings=SMALL)
    found = vessels_under(cohort, BEVACIZUMAB, DAY, SMALL)["vessel_mature"]
    course = simulate(cohort, BEVACIZUMAB, days=DAY, profile_every=DAY, settings=SMALL)
    walls = SMALL.ball.faces
    before, after = course.profiles["vessel_mature"][[0, -1]][:, :, cohort.first_lane].astype(np.float64)
    volumes = np.diff(walls**3)[:, None]
    assert found.to_numpy() == pytest.approx((volumes * after).sum(axis=0) / (volumes * before).sum(axis=0), rel=1e-5)


def test_every_finding_has_a_source_a_place_and_a_regimen_that_can_be_given():
    found = treated()
    assert {item.quantity for item in found.findings} <= set(VESSEL_READINGS)
    for item in found.findings:
        assert item.source in found.sources and item.where
        assert set(parse(item.regimen).agents) <= agents().keys()


def test_a_finding_without_its_source_or_said_twice_is_refused():
    content = treated().model_dump()
    with pytest.raises(ValidationError, match="several values of 'vessel_mature': keep one"):
        Treated.model_validate(content | {"findings": [*content["findings"], content["findings"][0]]})
    lost = {name: source for name, source in content["sources"].items() if name != "katayama2021"}
    with pytest.raises(ValidationError, match="imaged_flow: source 'katayama2021' is not among"):
        Treated.model_validate(content | {"sources": lost})
