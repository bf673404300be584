"""Trust: adverse events come as often as records say, follow exposure, and change doses by the rules alone."""

from dataclasses import replace

import numpy as np
import pytest

from alarmin.patients import Cohort
from alarmin.readouts.dose_changes import Watch, adverse_events, manage
from alarmin.readouts.toxicity import Hazard, risks
from alarmin.records import agent, parameters
from alarmin.records.schema import Event, Record
from alarmin.therapy.regimen import parse

COURSE = 189
"""Nine cycles of three weeks: eight with doses, to which records refer, and one more in which events still come."""

DOSED = 168
DOUBLET = "docetaxel 75 mg/m2 q3w + carboplatin AUC6 q3w"


@pytest.fixture
def cohort(virtual_cohort):
    """Patients with the records of the agents, all with typical clearance, and further records by id."""

    def make(patients: int, *agents: str, spread: bool = False, **changes: Record) -> Cohort:
        made = virtual_cohort(patients)
        known = {id: record for name in agents for id, record in agent(name).records().items()}
        if not spread:
            known = {id: record.model_copy(update={"between_patients": None}) for id, record in known.items()}
        return replace(made, records={**made.records, **known, **changes})

    return make


def ratio(value: float) -> Record:
    known = parameters()["toxicity_pegph20_with_irinotecan_any"]
    return known.model_copy(update={"value": value, "low": None, "high": None})


def planned(cohort: Cohort, regimen: str, days: int = COURSE) -> dict[str, np.ndarray]:
    units = {"patient_weight": "kg", "patient_body_surface": "m**2", "patient_creatinine_clearance": "mL/min"}
    return parse(regimen).doses(days, *(cohort.patient_value(record, unit) for record, unit in units.items()))


def treated(cohort: Cohort, regimen: str, span: int = 21, days: int = COURSE) -> dict[str, np.ndarray]:
    """The doses in the end, where events are looked for every `span` days."""
    doses, change = planned(cohort, regimen, days), manage(parse(regimen))(cohort)
    for start in range(0, days, span):
        change(start, min(start + span, days), doses)
    return doses


def share_with(cohort: Cohort, regimen: str, event: str, factor: float = 1.0) -> float:
    doses = {name: factor * given for name, given in planned(cohort, regimen).items()}
    doses = {name: np.where(np.arange(COURSE)[:, None] < DOSED, given, 0.0) for name, given in doses.items()}
    found = adverse_events(cohort, parse(regimen), doses)
    return len({item.patient for item in found if item.event == event}) / len(cohort)


@pytest.mark.parametrize("event", ["neutropenia", "thrombocytopenia"])
def test_a_full_course_brings_an_event_to_the_share_of_patients_that_its_record_says(cohort, event):
    expected = agent("gemcitabine").toxicity[event].value
    found = share_with(cohort(2000, "gemcitabine"), "gemcitabine 800 mg/m2 q3w", event)
    hazard = -np.log1p(-expected) * (800.0 / agent("gemcitabine").dosing.value) ** 1.5
    share = -np.expm1(-hazard)
    assert abs(found - share) < 3.5 * (share * (1 - share) / 2000) ** 0.5


def test_events_together_are_not_more_than_all_that_are_related_to_treatment(cohort):
    """Docetaxel: counts of the laboratory alone would be more than what trials report as events."""
    records = agent("docetaxel").toxicity
    hazards = {risk.event: risk.hazard[0] for risk in risks(cohort(1, "docetaxel"), parse("docetaxel 75 mg/m2 q3w"))}
    assert 1 - (1 - records["neutropenia"].value) * (1 - records["febrile_neutropenia"].value) > 0.5
    assert -np.expm1(-sum(hazards.values())) == pytest.approx(records["treatment_related"].value)


def test_events_that_are_not_severe_happen_to_nobody(cohort):
    """Of what is reported of any grade, a thromboembolism counts, since it needs treatment."""
    brought = lambda name, text: {risk.event for risk in risks(cohort(4, name), parse(text))}
    assert "edema" in agent("collagenase").toxicity
    assert "edema" not in brought("collagenase", "collagenase 0.58 mg q3w x1")
    assert "thromboembolism" in brought("pegph20", "pegph20 0.003 mg/kg qw")


def test_an_event_of_any_grade_says_whether_it_is_severe():
    content = agent("collagenase").toxicity["edema"].model_dump()
    assert Event.model_validate(content).severe is False
    del content["severe"]
    with pytest.raises(ValueError, match="whether they are `severe`"):
        Event.model_validate(content)


def test_an_immune_related_event_comes_as_often_and_does_not_ask_for_the_dose(cohort):
    many = cohort(2000, "atezolizumab")
    expected = agent("atezolizumab").toxicity["treatment_related"].value
    one = [share_with(many, "atezolizumab 1200 mg q3w", "treatment_related", factor) for factor in (0.25, 1.0, 4.0)]
    assert one[0] == one[1] == one[2]
    assert abs(one[1] - expected) < 0.03


def test_less_is_less_toxic_and_nothing_is_not(cohort):
    """The companion: shares follow the dose, as the power of exposure says, and no event comes without a dose."""
    many = cohort(1000, "docetaxel")
    shares = [share_with(many, "docetaxel 75 mg/m2 q3w", "neutropenia", factor) for factor in (0.0, 0.5, 1.0, 4 / 3)]
    assert shares[0] == 0.0
    hazards = -np.log1p(-np.array(shares[1:]))
    assert hazards[1] / hazards[0] == pytest.approx(2.0**1.5, rel=0.12)
    assert hazards[2] / hazards[1] == pytest.approx((4 / 3) ** 1.5, rel=0.12)


def test_patients_who_clear_slowly_suffer_more(cohort):
    many = cohort(1500, "docetaxel", spread=True)
    clearance = many.patient_value("docetaxel.pharmacokinetics.clearance", "L/hour")
    plan = parse("docetaxel 75 mg/m2 q3w")
    events = np.bincount([e.patient for e in adverse_events(many, plan, planned(many, str(plan)))], minlength=1500)
    slow, fast = clearance < np.quantile(clearance, 0.3), clearance > np.quantile(clearance, 0.7)
    assert events[slow].mean() > 1.5 * events[fast].mean()


def test_what_happens_to_a_patient_depends_on_nobody_else(cohort):
    everyone = cohort(60, "docetaxel", "carboplatin", spread=True)
    some = everyone[[40, 7, 3]]
    one, other = treated(everyone, DOUBLET), treated(some, DOUBLET)
    for name in one:
        np.testing.assert_array_equal(one[name][:, [40, 7, 3]], other[name])


@pytest.mark.parametrize("span", [1, 7, 50, COURSE])
def test_it_does_not_matter_how_often_one_looks(cohort, span):
    everyone = cohort(40, "docetaxel", "carboplatin", spread=True)
    often, usual = treated(everyone, DOUBLET, span), treated(everyone, DOUBLET)
    for name in usual:
        np.testing.assert_array_equal(often[name], usual[name])


def test_the_doses_in_the_end_tell_what_happened(cohort):
    """Events that are read off the final doses are those that changed them."""
    everyone, plan = cohort(60, "docetaxel", "carboplatin", spread=True), parse(DOUBLET)
    doses, watch = planned(everyone, DOUBLET), Watch(everyone, plan)
    for start in range(0, COURSE, 21):
        watch.look(start, start + 21, doses)
    when = lambda events: sorted((e.patient, e.day, e.event, e.agent, e.grade) for e in events)
    assert when(watch.log) == when(adverse_events(everyone, plan, doses))
    assert {event.grade for event in watch.log} >= {3, 4}
    assert any(event.action == "DOSE REDUCED" for event in watch.log)


@pytest.mark.parametrize("regimen", [DOUBLET, "atezolizumab 1200 mg q3w"])
def test_the_doses_in_the_end_tell_what_was_done(cohort, regimen):
    """An agent that an event ended was withdrawn, though its doses in the end show none that could be left out."""
    plan = parse(regimen)
    everyone = cohort(150, *plan.agents, spread=True)
    doses, watch = planned(everyone, regimen), Watch(everyone, plan)
    watch.look(0, COURSE, doses)
    done = lambda events: sorted((e.patient, e.day, e.event, e.action) for e in events)
    assert done(watch.log) == done(adverse_events(everyone, plan, doses))
    if regimen != DOUBLET:
        assert any(event.action == "DRUG WITHDRAWN" for event in watch.log)
    ended = adverse_events(everyone, plan, doses, np.zeros(150))
    assert not any(event.action == "DRUG WITHDRAWN" for event in ended)


def answered(cohort: Cohort, regimen: str, event: str, day: int, times: int = 1, grade: int = 3):
    """Doses of the first patient, and what was done, after an event on `day`, and again every 42 days."""
    watch = Watch(cohort, parse(regimen))
    doses = planned(cohort, regimen, 400)
    risk = next(risk for risk in watch.risks if risk.event == event)
    actions = [watch._answer(risk, 0, day + 42 * k, grade, doses) for k in range(times)]
    return {name: given[:, 0] for name, given in doses.items()}, actions


def test_a_fever_delays_every_agent_of_the_marrow_and_reduces_the_one_that_brought_it(cohort):
    one = cohort(1, "docetaxel", "carboplatin")
    before = {name: given[:, 0] for name, given in planned(one, DOUBLET, 400).items()}
    doses, actions = answered(one, DOUBLET, "febrile_neutropenia", 15)
    assert actions == ["DOSE REDUCED"]
    for name in doses:
        assert list(np.flatnonzero(doses[name])[:3]) == [0, 30, 51]  # day 15, fourteen days without a dose
    assert doses["docetaxel"][30] == pytest.approx(0.75 * before["docetaxel"][0])
    assert doses["carboplatin"][30] == before["carboplatin"][0]


def test_steps_of_dose(cohort):
    one = cohort(1, "docetaxel")
    first = planned(one, "docetaxel 75 mg/m2 q3w", 400)["docetaxel"][0, 0]
    for times, left in ((1, 0.75), (2, 0.5), (3, 0.0)):
        doses, actions = answered(one, "docetaxel 75 mg/m2 q3w", "febrile_neutropenia", 15, times)
        assert doses["docetaxel"][200:].max() == pytest.approx(left * first)
        assert (actions[-1] == "DRUG WITHDRAWN") == (times == 3)
    doses, actions = answered(one, "docetaxel 75 mg/m2 q3w", "neutropenia", 8)
    assert actions == ["DRUG INTERRUPTED"]
    assert list(np.flatnonzero(doses["docetaxel"])[:2]) == [0, 21]  # over before the next dose is due


def test_checkpoint_antibodies_wait_and_end_but_are_not_reduced(cohort):
    one, regimen = cohort(1, "atezolizumab"), "atezolizumab 1200 mg q3w"
    doses, actions = answered(one, regimen, "treatment_related", 50)
    assert actions == ["DRUG INTERRUPTED"]
    assert list(np.flatnonzero(doses["atezolizumab"])[:5]) == [0, 21, 42, 93, 114]
    assert set(doses["atezolizumab"]) == {0.0, 1200.0}
    for times, grade in ((2, 3), (1, 4)):
        doses, actions = answered(one, regimen, "treatment_related", 50, times, grade)
        assert actions[-1] == "DRUG WITHDRAWN"
        assert not doses["atezolizumab"][51 + 42 * times :].any()


def test_a_fatal_event_ends_everything(cohort):
    doses, _ = answered(cohort(1, "docetaxel", "carboplatin"), DOUBLET, "febrile_neutropenia", 15, grade=5)
    assert not any(given[16:].any() for given in doses.values())


def test_an_odds_ratio_multiplies_what_the_others_bring_and_takes_the_place_of_the_agents_own(cohort):
    plain = cohort(3, "docetaxel", "carboplatin")
    raised = cohort(3, "docetaxel", "carboplatin", toxicity_docetaxel_with_carboplatin_any=ratio(2.7))
    odds = lambda found: np.expm1(sum(risk.hazard for risk in found))
    without = [risk for risk in risks(plain, parse(DOUBLET)) if risk.agent == "carboplatin"]
    found = risks(raised, parse(DOUBLET))
    assert {risk.agent for risk in found} == {"carboplatin"}
    np.testing.assert_allclose(odds(found), 2.7 * odds(without))


def test_more_toxicity_is_less_treatment(cohort):
    """Harm by loss of exposure is possible: where odds of events are higher, less of the partner is given."""
    given = {}
    for value in (1.0, 8.0):
        many = cohort(200, "docetaxel", "carboplatin", toxicity_docetaxel_with_carboplatin_any=ratio(value))
        given[value] = treated(many, DOUBLET)["carboplatin"].sum() / planned(many, DOUBLET)["carboplatin"].sum()
    assert given[8.0] < given[1.0] - 0.01
    assert given[1.0] < 1.0


def test_ctla4_antibodies_bring_more_with_dose_and_much_more_beside_pd1(cohort):
    typical = cohort(1, "ipilimumab", "nivolumab")
    share = lambda text: 1.0 - np.exp(-sum(risk.hazard[0] for risk in risks(typical, parse(text))))
    low, high = share("ipilimumab 1 mg/kg q3w x4"), share("ipilimumab 3 mg/kg q3w x4")
    both = share("ipilimumab 3 mg/kg q3w x4 + nivolumab 3 mg/kg q2w")
    assert low < high < both
    assert high == pytest.approx(1.0 / (1.0 + np.exp(1.44 - 0.0015 * 109.0)), rel=1e-6)
    assert 0.4 < both < 0.6


def test_hazards_are_the_same_wherever_one_begins_to_look(cohort):
    everyone, plan = cohort(5, "docetaxel", "atezolizumab"), parse("docetaxel 75 mg/m2 q3w + atezolizumab 1200 mg q3w")
    doses = planned(everyone, str(plan))
    for risk in risks(everyone, plan):
        hazard = Hazard(risk, everyone, plan)
        np.testing.assert_array_equal(hazard.daily(0, COURSE, doses)[60:80], hazard.daily(60, 80, doses))
