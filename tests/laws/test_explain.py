"""Trust: explanations add up, start from the plain run, and lift what they say in the lanes that they say."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest

from alarmin.enrollment import enroll
from alarmin.explain import explain
from alarmin.explain.switches import Games, games, lifts
from alarmin.model import Lift, Moment
from alarmin.numerics.sphere import Sphere
from alarmin.patients import records_of
from alarmin.records import RecordError, tumors
from alarmin.records.loader import check
from alarmin.simulation import Settings, model_of, simulate, state_of

SMALL = Settings(grid=Sphere(12, 1.5), lanes=64)
REGIMEN = "atezolizumab 1200 mg q3w"
DAYS = 42


@pytest.fixture(scope="module")
def cohort():
    return enroll("nsclc", 2, seed=5, settings=SMALL)


@pytest.fixture(scope="module")
def found(cohort):
    return explain(cohort, REGIMEN, days=DAYS, settings=SMALL)


def test_shapley_values_add_up_to_the_whole_effect(found):
    """Efficiency: nothing is lost or invented, in both games and every patient."""
    for played in (found.barriers, found.steps):
        whole = played.values[-1] - played.values[0]
        assert np.abs(whole).max() > 0.01
        assert np.abs(played.shapley.sum(axis=0) - whole).max() < 1e-5


def test_with_nothing_lifted_the_run_is_the_plain_one(found, cohort):
    """The first coalition of both games is the course of the patient as he is, treated and not."""
    plain, alone = (simulate(cohort, given, days=DAYS, settings=SMALL) for given in (REGIMEN, ""))
    cells = lambda course, day: cohort.sum_lesions(course.lesions["tumor"])[day]
    assert found.start == pytest.approx(cells(plain, 0), rel=1e-6)
    assert found.treated == pytest.approx(cells(plain, DAYS), rel=2e-4)
    assert found.untreated == pytest.approx(cells(alone, DAYS), rel=2e-4)
    assert found.steps.values[0] == pytest.approx(found.barriers.values[0], abs=0.0)


def test_a_patient_is_explained_alike_in_any_company(found, cohort):
    """Lanes know nothing of one another: alone, the second patient gets the same values to the bit."""
    alone = explain(cohort[[1]], REGIMEN, days=DAYS, settings=SMALL)
    assert np.array_equal(alone.barriers.values[:, 0], found.barriers.values[:, 1])


def test_a_lift_everywhere_is_a_clamp_and_nowhere_is_none(cohort):
    """The switch between one's own and the lifted value goes all the way to either side, patient by patient."""
    everywhere = np.ones(cohort.lanes, bool)
    first = cohort.patient == 0
    run = lambda clamped: simulate(cohort, REGIMEN, days=DAYS, clamped=clamped, settings=SMALL).lesions["tumor"][-1]
    free = run({"hypoxia": Lift(np.zeros(cohort.lanes, bool), 0.0)})
    clamped = run({"hypoxia": 0.0})
    mixed = run({"hypoxia": Lift(first, 0.0)})
    assert free == pytest.approx(run({}), rel=2e-4)
    assert run({"hypoxia": Lift(everywhere, 0.0)}) == pytest.approx(clamped, rel=2e-4)
    assert mixed == pytest.approx(np.where(first, clamped, free), rel=2e-4)
    assert np.abs(np.log(clamped / free)).max() > 2e-3, "the quantity acts, so that the comparisons above can fail"


def test_what_is_seen_is_what_the_table_says(cohort):
    """Numbers, records, shares of plasma and what follows from other quantities: in lifted lanes, and only there."""
    settings = replace(SMALL, lanes=cohort.lanes, precision="float64")
    first = np.arange(2) == 0
    thrown = {name: first for game in (games().barriers, games().steps) for name in game.names}
    model = model_of(cohort, settings, ["atezolizumab"], clamped=lifts(cohort, ["atezolizumab"], thrown))
    own = model_of(cohort, settings, ["atezolizumab"])
    plasma = {"atezolizumab": jnp.full((1, cohort.lanes), 1000.0)}
    now, before = (Moment(m, state_of(cohort, own, settings), plasma) for m in (model, own))
    value = lambda record, unit: cohort.lesion_value(record, unit)[0]
    want = 1.0 / (1.0 + (value("oxygen_host", "mmHg") / value("hypoxia_oxygen_half", "mmHg")) ** 2)
    glucose = value("glucose_host", "mM")
    expected = {
        "treg": 0.0,
        "solid_stress": value("solid_stress_host", "kPa"),
        "functional_surface": value("entry_strip_surface", "mm**2/mm**3"),
        "lactate": value("lactate_host", "mM"),
        "oxygen_want": want,
        "suppression_glucose": glucose / (glucose + value("suppression_glucose_half", "mM")),
        "atezolizumab": 1000.0 * value("atezolizumab.tissue.partition", "dimensionless"),
        "alarm": 1.0,
    }
    lifted = cohort.patient == 0
    for name, wanted in expected.items():
        seen, mine = (np.broadcast_to(getattr(at, name), (12, cohort.lanes)) for at in (now, before))
        assert seen[:, lifted] == pytest.approx(np.full((12, lifted.sum()), wanted), rel=1e-9), name
        if name not in ("oxygen_want", "suppression_glucose", "alarm", "solid_stress", "functional_surface"):
            assert np.array_equal(seen[:, ~lifted], mine[:, ~lifted]), name
    whole = value("leukocyte_traffic", "dimensionless") * np.asarray(before.functional_surface)
    assert np.asarray(now.entry_surface)[:, lifted] == pytest.approx(whole[:, lifted], rel=1e-9), "every gate is open"


@pytest.mark.parametrize("tumor", tumors())
def test_every_record_of_the_table_exists(tumor):
    """In every tumor type, with a unit that fits."""
    known = records_of(tumor)
    for game in (games().barriers, games().steps):
        for switch in game.switch:
            for seen in switch.seen:
                sources = [seen.record, *(source for source in seen.at.values() if isinstance(source, str))]
                assert all(source in known for source in sources if source), switch.name


WRONG = {
    "no such quantity": ({"quantity": "moonlight", "value": 1.0}, "moonlight"),
    "two ways": ({"quantity": "alarm", "value": 1.0, "record": "oxygen_host"}, "one of"),
    "no way": ({"quantity": "alarm"}, "one of"),
    "plasma of no agent": ({"quantity": "alarm", "plasma": "AGENT.tissue.partition"}, "AGENT"),
    "set twice": ({"quantity": "treg", "value": 1.0}, "twice"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_table_is_refused(case):
    """The refusal names what is wrong."""
    seen, said = WRONG[case]
    table = games().model_dump()
    table["steps"]["switch"][0]["seen"] = [seen | {"why": "a test"}]
    with pytest.raises(RecordError, match=said):
        check(Games, table, "table")


def test_a_lowered_barrier_lies_between_that_of_the_tumor_and_healthy_tissue(virtual_cohort):
    """At 1 nothing is lifted, at 0 all of it, and between them in proportion; wrong names are refused."""
    from alarmin.explain import ExplainError, lowered

    cohort = virtual_cohort(2)
    seen = lambda share: lowered(cohort, (), {"metabolites": share})["lactate"].seen("lactate", 12.0, None)
    healthy = cohort.lesion_value("lactate_host", "mM")
    np.testing.assert_allclose(seen(1.0), 12.0)
    np.testing.assert_allclose(seen(0.0), healthy)
    np.testing.assert_allclose(seen(0.25), healthy + 0.25 * (12.0 - healthy))
    for name, share in (("metabolite", 0.5), ("metabolites", 1.5)):
        with pytest.raises(ExplainError, match=name):
            lowered(cohort, (), {name: share})
