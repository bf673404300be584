"""Trust: a regimen means what it says, reads back as it was written, and a slip in it is refused with its reason."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alarmin.records import agent, agents
from alarmin.therapy.regimen import BASES, Phase, Regimen, RegimenError, Treatment, parse

ABCP = "atezolizumab 1200 mg q3w + bevacizumab 15 mg/kg q3w + carboplatin AUC6 q3w x4 + paclitaxel 200 mg/m2 q3w x4"
WEIGHT, SURFACE, FILTRATION = np.array([75.0, 50.0]), np.array([1.8, 1.5]), np.array([85.0, 140.0])


def doses(text, days=200):
    return parse(text).doses(days, WEIGHT, SURFACE, FILTRATION)


def days_of(text, days=200):
    (table,) = doses(text, days).values()
    return np.flatnonzero(table[:, 0]).tolist()


def test_amounts_follow_their_basis():
    table = doses(ABCP)
    assert list(table) == ["atezolizumab", "bevacizumab", "carboplatin", "paclitaxel"]
    np.testing.assert_array_equal(table["atezolizumab"][0], [1200.0, 1200.0])
    np.testing.assert_array_equal(table["bevacizumab"][0], 15.0 * WEIGHT)
    np.testing.assert_array_equal(table["paclitaxel"][0], 200.0 * SURFACE)
    np.testing.assert_array_equal(table["carboplatin"][0], [6.0 * 110.0, 6.0 * 150.0])
    assert np.count_nonzero(table["paclitaxel"][:, 0]) == 4
    assert np.count_nonzero(table["atezolizumab"][:, 0]) == 10


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("docetaxel 75 mg/m2 q3w x3", [0, 21, 42]),
        ("docetaxel 75 mg/m2 q21d x3", [0, 21, 42]),
        ("docetaxel 75 mg/m2 q4w x2 d1,8,15", [0, 7, 14, 28, 35, 42]),
        ("docetaxel 75 mg/m2 q4w d15,1 x1", [0, 14]),
        ("docetaxel 35 mg/m2 qw x2 from day 8", [7, 14]),
        ("docetaxel 35 mg/m2 from week 4 weekly x2", [21, 28]),
        ("pembrolizumab 200 mg q3w x2 then 400 mg q6w x2", [0, 21, 42, 84]),
        ("pembrolizumab 200 mg q3w x1 then 0 mg q3w x2 then 400 mg q6w x1", [0, 63]),
        ("pembrolizumab 0 mg q3w x2 from day 2 then 400 mg q6w x2", [43, 85]),
        ("nivolumab 240 mg daily x3", [0, 1, 2]),
        ("nivolumab 240 mg q2w from week 20", [133, 147, 161, 175, 189]),
        ("nivolumab 240 mg q2w from week 40", []),
    ],
)
def test_days_of_treatment(text, expected):
    assert days_of(text) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Tecentriq 1.2 g q3w", "atezolizumab 1200 mg q3w"),
        ("carboplatin AUC 6 q3w", "carboplatin 6 AUC q3w"),
        ("bevacizumab 15000 µg/kg q3w", "bevacizumab 15 mg/kg q3w"),
        ("docetaxel 75 mg/m² q3w", "docetaxel 75mg/m2 q21d"),
        ("Docetaxel 75 mg / m^2 Q3W X4", "docetaxel 75 mg/m2 q3w x4"),
        ("carboplatin AUC6 q3w + atezolizumab 1200 mg q3w", "atezolizumab 1200 mg q3w + carboplatin AUC6 q3w"),
        ("atezolizumab 1200 mg q3w + docetaxel 0 mg/m2 q3w", "atezolizumab 1200 mg q3w"),
    ],
)
def test_same_regimen_in_other_words(one, other):
    assert parse(one) == parse(other)


@pytest.mark.parametrize(
    "text", ["", "  ", "none", "Observation", "docetaxel 0 mg/m2 q3w", "carboplatin AUC0 q3w + nivolumab 0 mg q2w x4"]
)
def test_nothing_is_given(text):
    regimen = parse(text)
    assert regimen == Regimen()
    assert regimen.agents == ()
    assert str(regimen) == ""
    assert regimen.doses(10, WEIGHT, SURFACE, FILTRATION) == {}


@pytest.mark.parametrize(
    ("text", "says", "remedy"),
    [
        ("docetaxol 75 mg/m2 q3w", "unknown agent 'docetaxol'; did you mean 'docetaxel'", "add a file"),
        ("75 mg/m2 q3w", "the agent is missing", "docetaxel"),
        ("docetaxel", "the dose is missing", "75 mg/m2"),
        ("docetaxel q3w", "the dose is missing", "75 mg/m2"),
        ("docetaxel 75 q3w", "75 has no unit; known: mg, mg/kg, mg/m2, AUC", "75 mg/m2"),
        ("docetaxel 75 mg/m3 q3w", "unknown unit 'mg/m3'", "75 mg/m2"),
        ("docetaxel 75 mol q3w", "unknown unit 'mol'", "75 mg/m2"),
        ("docetaxel -75 mg/m2 q3w", "-75 mg/m2 is negative", "0 or more"),
        ("docetaxel 75 mg/m2", "the interval is missing", "q3w"),
        ("docetaxel 75 mg/m2 x4", "the interval is missing", "q3w"),
        ("docetaxel 75 mg/m2 q0w", "an interval of 0 days", "one day or more"),
        ("docetaxel 75 mg/m2 q3w x0", "x0 means no cycles", "leave the agent out"),
        ("docetaxel 75 mg/m2 q3w d1,22", "day 22 lies outside the cycle of 21 days", "from 1 to 21"),
        ("docetaxel 75 mg/m2 q3w d0", "day 0 lies outside", "from 1 to 21"),
        ("docetaxel 75 mg/m2 q3w q4w", "'q4w' is a second interval after 'q3w'", "each once"),
        ("docetaxel 75 mg/m2 every 3 weeks", "'every' is not understood; known: q3w", "these words"),
        ("docetaxel 75 mg/m2 q3w from day 0", "the start 'from day 0' is not understood", "day 1 of week 1"),
        ("docetaxel 75 mg/m2 q3w from", "the start 'from' is not understood", "day 1 of week 1"),
        ("docetaxel 75 mg/m2 q3w x4 then 60 mg/m2 q3w from day 90", "'from' is not understood", "these words"),
        ("docetaxel 75 mg/m2 q3w then 60 mg/m2 q3w", "has no end", "x4"),
        ("nivolumab 240 mg q2w + nivolumab 480 mg q4w", "'nivolumab' is named twice", "then"),
        ("nivolumab 240 mg q2w + ", "in '': the dose is missing", "75 mg/m2"),
        (
            "docetaxel 75 mg q3w",
            "is 75 mg for a typical patient, and the standard dose 75 mg/m2 is 135 mg",
            "mg/m2",
        ),
        ("paclitaxel 200 mg q3w", "the standard dose 200 mg/m2 is 360 mg", "mg/m2"),
        ("bevacizumab 15 mg q3w", "the standard dose 15 mg/kg is 1125 mg", "mg/kg"),
        ("pembrolizumab 200 mg/kg q3w", "the standard dose 200 mg is 200 mg", "in mg"),
        ("carboplatin 6 mg q3w", "the standard dose AUC6 is 660 mg", "in AUC"),
        ("docetaxel AUC6 q3w", "docetaxel is not dosed by AUC", "75 mg/m2"),
        ("docetaxel 75 g/m2 q3w", "1000 times the standard dose 75 mg/m2", "look at the unit"),
        ("docetaxel 75 mg/m2 q3w to lesion 1", "docetaxel is given by way of the blood", "leave 'to lesion 1' out"),
        ("radiotherapy 8 Gy daily x3 to lesion", "'to lesion' is not understood", "to lesion 1"),
        ("radiotherapy 8 Gy daily x3 to lesion 0", "'to lesion 0' is not understood", "to lesion 1"),
        ("radiotherapy 8 Gy daily x3 to lesions 1,6", "N from 1 to 5", "to lesion 1"),
        ("radiotherapy 8 Gy daily x3 to liver", "'to' is not understood", "to lesion 1"),
        ("radiotherapy 8 mg daily x3", "radiotherapy is not dosed in mg", "8 Gy"),
        ("ltx-315 4 Gy qw", "ltx_315 is not dosed in Gy", "4 mg"),
        ("docetaxel 75 Gy q3w", "docetaxel is not dosed in Gy", "75 mg/m2"),
        ("radiotherapy 1.5 Gy bid", "two doses a day of radiotherapy are not one of twice the size", "daily"),
        ("radiotherapy 8 Gy daily x3 then 2 Gy daily x3 to lesion 1", "'to' is not understood", "these words"),
    ],
)
def test_slip_is_refused_with_its_reason(text, says, remedy):
    with pytest.raises(RegimenError) as refusal:
        parse(text)
    assert says in refusal.value.message
    assert remedy in refusal.value.remedy


@pytest.mark.parametrize(
    "text",
    [
        "docetaxel 135 mg q3w",
        "atezolizumab 15 mg/kg q3w",
        "pembrolizumab 2 mg/kg q3w",
        "pembrolizumab 10 mg/kg q2w",
        "bevacizumab 1100 mg q3w",
        "bevacizumab 5 mg/kg q2w",
        "carboplatin 350 mg/m2 q4w",
        "carboplatin AUC2 qw",
        "paclitaxel 80 mg/m2 qw",
        "nivolumab 60 mg q2w",
        "nivolumab 960 mg q2w",
    ],
)
def test_usual_and_explored_doses_are_accepted(text):
    assert str(parse(text)) == text.replace("qw", "q1w")


@pytest.mark.parametrize("name", sorted(agents()))
def test_standard_dose_of_every_agent_can_be_written(name):
    drug = agent(name)
    basis = {unit: basis for basis, unit in BASES.items()}[drug.dosing.unit]
    dose = f"AUC{drug.dosing.value:g}" if basis == "AUC" else f"{drug.dosing.value:g} {basis}"
    for called in (name, *drug.synonyms):
        assert parse(f"{called} {dose} q3w").agents == (name,)


@st.composite
def treatments(draw, name):
    drug = agent(name)
    basis = {unit: basis for basis, unit in BASES.items()}[drug.dosing.unit]
    count = draw(st.integers(1, 3))
    phases = []
    for index in range(count):
        interval = draw(st.integers(1, 60))
        days = draw(st.lists(st.integers(1, interval), min_size=1, max_size=4, unique=True))
        cycles = draw(st.integers(1, 20)) if index < count - 1 else draw(st.none() | st.integers(1, 20))
        amount = drug.dosing.value * draw(st.floats(1e-3, 19.9))
        phases.append(Phase(amount, basis, interval, cycles, tuple(sorted(days))))
    numbers = st.lists(st.integers(0, 4), min_size=1, max_size=3, unique=True).map(lambda found: tuple(sorted(found)))
    lesions = draw(st.none() | numbers) if drug.local else None
    return Treatment(name, tuple(phases), draw(st.integers(0, 100)), lesions)


@st.composite
def regimens(draw):
    names = draw(st.lists(st.sampled_from(sorted(agents())), unique=True, max_size=4))
    return Regimen(tuple(draw(treatments(name)) for name in sorted(names)))


@given(regimens())
def test_a_written_regimen_reads_back_equal(regimen):
    assert parse(str(regimen)) == regimen


@given(regimens())
def test_doses_are_those_of_each_agent_by_itself(regimen):
    together = regimen.doses(90, WEIGHT, SURFACE, FILTRATION)
    assert tuple(together) == regimen.agents
    for treatment in regimen.treatments:
        alone = Regimen((treatment,)).doses(90, WEIGHT, SURFACE, FILTRATION)
        np.testing.assert_array_equal(together[treatment.agent], alone[treatment.agent])


@pytest.mark.parametrize(
    ("text", "lesions", "days"),
    [
        ("radiotherapy 8 Gy daily x3 to lesion 1", (0,), [0, 1, 2]),
        ("radiotherapy 8 Gy daily x3 from day 8 to lesions 2, 1", (0, 1), [7, 8, 9]),
        ("radiotherapy 8 Gy daily x1 to lesion 3 from week 2 then 2 Gy daily x2", (2,), [7, 8, 9]),
        ("t-vec 4e8 PFU q2w x2 to lesion 1", (0,), [0, 14]),
        ("ltx-315 4 mg qw x2 d1,2,3 to lesion 1", (0,), [0, 1, 2, 7, 8, 9]),
        ("pdt 135 J/cm2 q4w x1", None, [0]),
        ("ptt 10 C q4w x1 to lesion 2", (1,), [0]),
    ],
)
def test_what_is_given_in_lesions_is_given_in_those_named(text, lesions, days):
    (treatment,) = parse(text).treatments
    assert treatment.lesions == lesions
    assert days_of(text) == days
    assert parse(str(parse(text))) == parse(text)


def test_doses_without_a_mass_do_not_depend_on_the_patient():
    np.testing.assert_array_equal(doses("t-vec 4e8 PFU q2w")["t_vec"][0], [4e8, 4e8])
    np.testing.assert_array_equal(doses("pegph20 3 ug/kg qw")["pegph20"][0], 0.003 * WEIGHT)


def test_named_lesions_are_reached_as_far_as_a_patient_has_them():
    """Three patients with three, one and two lesions."""
    patient, lesion = np.array([0, 0, 0, 1, 2, 2]), np.array([0, 1, 2, 0, 0, 1])
    aims = lambda text: parse(text).aims(patient, lesion)
    assert aims("radiotherapy 8 Gy daily x3 + docetaxel 75 mg/m2 q3w") == {}
    first = aims("radiotherapy 8 Gy daily x3 to lesion 1")["radiotherapy"]
    np.testing.assert_array_equal(first, [True, False, False, True, True, False])
    later = aims("radiotherapy 8 Gy daily x3 to lesions 2,3")["radiotherapy"]
    np.testing.assert_array_equal(later, [False, True, True, True, False, True])


def test_twice_a_day_is_the_daily_total():
    assert parse("docetaxel 5 mg/m2 bid x14") == parse("docetaxel 10 mg/m2 daily x14")


def test_round_trip_can_fail():
    regimen = parse("docetaxel 75 mg/m2 q3w x4")
    assert parse(str(regimen).replace("x4", "x5")) != regimen
