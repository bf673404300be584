"""Exact: gradients through the whole run agree with finite differences, in double precision."""

from dataclasses import replace

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from alarmin.enrollment import enroll
from alarmin.explain import ExplainError
from alarmin.explain.gradients import elasticities, log_burden, prepared
from alarmin.numerics.sphere import Sphere
from alarmin.simulation import Settings
from alarmin.therapy.regimen import parse

SMALL = Settings(grid=Sphere(12, 1.5), lanes=32)
DOUBLE = replace(SMALL, precision="float64")
REGIMEN = "atezolizumab 1200 mg q3w"


@pytest.fixture(scope="module")
def cohort():
    return enroll("nsclc", 2, seed=5, settings=SMALL)


@pytest.mark.slow
def test_gradients_agree_with_finite_differences(cohort):
    """Of the six strongest records and of six others, one of them the agent's."""
    days, patient = 21, cohort[[0]]
    found = elasticities(patient, REGIMEN, days=days, settings=DOUBLE)
    start = prepared(patient, parse(REGIMEN), days, replace(DOUBLE, lanes=5))
    assert set(found) == set(start.records)
    ranked = list(found)
    run = eqx.filter_jit(log_burden)
    for record in [*ranked[:6], *ranked[40:200:40], "atezolizumab.tissue.partition", "vessel_sprouting"]:
        one, step = np.zeros(len(start.records)), 1e-4
        one[start.records.index(record)] = step
        difference = (float(run(start, jnp.asarray(one))) - float(run(start, jnp.asarray(-one)))) / (2.0 * step)
        assert found[record] == pytest.approx(difference, rel=1e-4, abs=1e-9), record
    assert abs(found[ranked[0]] / found[ranked[40]]) > 10.0, "records differ, so that the comparison can fail"


def test_one_patient_at_a_time(cohort):
    """Gradients are those of one patient; a cohort is refused."""
    with pytest.raises(ExplainError, match="2 patients"):
        elasticities(cohort, REGIMEN)
