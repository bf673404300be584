"""Trust: every trial is a file and nothing else: it names what exists, holds no outcome, and runs."""

import ast
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import alarmin
from alarmin.enrollment import enroll
from alarmin.numerics.sphere import Sphere
from alarmin.records import RecordError, agent, agents, sources, trial, trials, tumors
from alarmin.records.loader import DATA
from alarmin.records.schema import Trial
from alarmin.simulation import MONTH, Settings, simulate
from alarmin.therapy.regimen import parse
from alarmin.trials import example, run
from alarmin.trials.run import by_tumor

SMALL = Settings(grid=Sphere(16, 1.5), lanes=32)
CODE = Path(alarmin.__file__).parent
OUTCOMES = ("hazard ratio", "median survival", "response rate of", "met its", "missed", "p =", "improved")


@pytest.mark.parametrize("name", trials())
def test_a_trial_names_what_exists(name):
    design = trial(name)
    assert design.source in sources()
    assert {arm.tumor or design.tumor for arm in design.arms} <= tumors().keys()
    for arm in design.arms:
        plan = parse(arm.regimen)
        assert plan.agents
        assert set(plan.agents) <= agents().keys()
        assert parse(str(plan)) == plan
        first = min(given.min() for given in (t.phases[0].given_on(t.start, 400) for t in plan.treatments))
        assert first == 0, "no arm waits without treatment"


@pytest.mark.parametrize("name", trials())
def test_a_trial_file_says_what_is_planned_and_not_what_came_out(name):
    design = trial(name)
    assert design.accrual_months <= design.months
    assert design.scans[-1].until is None
    assert [visit.until for visit in design.scans[:-1]] == sorted(v.until or 0 for v in design.scans[:-1])
    assert set(design.primary) <= set(design.endpoints)
    assert bool(design.contrasts) == bool(design.primary), "arms are compared for an endpoint, and none without arms"
    text = " ".join([design.title, design.selection, design.note, design.where, *(arm.title for arm in design.arms)])
    assert not [word for word in OUTCOMES if word in text.lower()]


IMPOSSIBLE = {
    "no arm": ({"arms": []}, "arms is empty"),
    "an arm that is no folder": ({"arms": [{"name": "A/B", "regimen": "", "patients": 9}]}, "arm name 'A/B' cannot"),
    "an arm that leads elsewhere": ({"arms": [{"name": "..", "regimen": "", "patients": 9}]}, "arm name '..' cannot"),
    "an arm without a name": ({"arms": [{"name": " ", "regimen": "", "patients": 9}]}, "arm name ' ' cannot"),
    "an arm against itself": ({"contrasts": [{"experimental": "ABCP", "control": "ABCP"}]}, "'ABCP' with itself"),
    "no scan": ({"scans": []}, "scans is empty"),
    "scans that end": ({"scans": [{"every": 42, "until": 84}]}, "scans ends on day 84"),
    "scans that never change": ({"scans": [{"every": 42}, {"every": 63}]}, r"\[None, None\]"),
    "scans that go back": ({"scans": [{"every": 42, "until": 84}] * 2 + [{"every": 63}]}, r"\[84, 84, None\]"),
    "accrual after the cut": ({"months": 12.0, "accrual_months": 13.0}, "accrual_months 13"),
    "a primary endpoint nobody looks at": ({"primary": ["os"], "endpoints": ["pfs"]}, r"primary names \['os'\]"),
}


@pytest.mark.parametrize(("changes", "named"), IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
def test_an_impossible_trial_is_refused_by_what_makes_it_so(changes, named):
    content = trial("impower150").model_dump()
    assert Trial.model_validate(content) == trial("impower150")
    with pytest.raises(ValueError, match=named):
        Trial.model_validate(content | changes)


def named_in(code: str, names: set[str]) -> list[str]:
    """Names of trials that stand in code as words of their own, between quotes."""
    found = (node.value for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Constant))
    return [value for value in found if isinstance(value, str) and value.lower() in names]


def test_no_trial_is_named_in_the_code():
    known = set(trials())
    assert named_in("def run(name):\n    return 2 if name == 'OAK' else 1", known) == ["OAK"]
    for path in CODE.rglob("*.py"):
        assert named_in(path.read_text(encoding="utf-8"), known) == [], path


def several(**changes) -> Trial:
    """A trial of two diseases that are not compared."""
    content = trial("durvalumab_pdac").model_dump() | {"months": 2.0, "accrual_months": 0.5} | changes
    first = trial("durvalumab_pdac").arms[0].model_dump() | {"patients": 6}
    other = first | {"name": "LUNG", "tumor": "nsclc", "line": "first"}
    return Trial.model_validate(content | {"arms": [first, other]})


def test_diseases_are_enrolled_and_treated_apart():
    result = run(several(), 12, seed=1, settings=SMALL)
    assert {name: course.cohort.tumor for name, course in result.courses.items()} == {"D": "pdac", "LUNG": "nsclc"}
    assert result.tables["adsl"]["USUBJID"].is_unique
    assert result.success is False
    assert result.contrasts == []
    assert list(by_tumor(several())) == ["pdac", "nsclc"]


def test_a_trial_with_a_selection_and_toxicity_runs():
    design = trial("keynote024")
    result = run(design, 16, seed=2, months=3.0, toxicity=True, settings=SMALL)
    events = result.tables["adae"]
    assert {arm["n"] for arm in result.arms.values()} == {8}
    assert set(events["ARM"]) <= set(result.arms)
    assert all(1 <= day <= 3.0 * MONTH + 1 for day in events["ASTDY"])
    for name, arm in result.arms.items():
        sick = events.loc[events["ARM"] == name, "USUBJID"].nunique()
        assert arm["grade3"] == pytest.approx(sick / 8)
    assert set(events["AETOXGR"]) <= {3, 4, 5}
    given = result.courses["C"].doses["carboplatin"]
    weeks = np.flatnonzero(given.any(axis=1))
    assert weeks[0] == 0
    without = run(design, 16, seed=2, months=3.0, settings=SMALL)
    np.testing.assert_array_equal(without.courses["C"].cohort.ids, result.courses["C"].cohort.ids)
    assert without.tables["adae"].empty
    assert "grade3" not in without.arms["C"]
    # What a trial's own publication said of its safety is no prediction of it, and is named.
    assert result.safety_seen == without.safety_seen == []
    own = design.model_copy(update={"source": agent("carboplatin").toxicity["thrombocytopenia"].source})
    assert "carboplatin.toxicity.thrombocytopenia" in replace(result, trial=own).safety_seen
    assert replace(without, trial=own).safety_seen == []


def test_the_patient_in_the_picture_gets_what_he_got_in_the_trial():
    """Treatment of everybody ended after three weeks, of half of them at half the dose: so it is drawn, to the bit."""
    design = several(months=2.0)
    cohort = enroll("pdac", 6, seed=1, settings=SMALL)

    def halve(patients):
        def change(start, stop, doses):
            for amount in doses.values():
                amount[start:stop, ::2] *= 0.5

        return change

    ended = lambda days, diameter, patients: np.zeros(len(patients), bool)
    regimen = design.arms[0].regimen
    course = simulate(cohort, regimen, months=2.0, treat_on=ended, manage=halve, settings=SMALL)
    result: Any = SimpleNamespace(trial=design, courses={"D": course})
    shown = example(result, settings=SMALL)
    row = course.cohort.ids.tolist().index(shown.cohort.ids[0])
    assert shown.doses
    for name, amount in shown.doses.items():
        np.testing.assert_array_equal(amount, course.doses[name][:, [row]])
        assert amount.any() and not amount[21:].any()
    for name, values in shown.lesions.items():
        np.testing.assert_array_equal(values, course.lesions[name][:, course.cohort.patient == row], name)


def test_what_contradicts_itself_is_refused():
    with pytest.raises(ValueError, match="no contrast says"):
        several(primary=["os"])
    with pytest.raises(ValueError, match="reading"):
        several(criteria=[{"reading": "horoscope", "least": 1.0}])
    with pytest.raises(ValueError, match='add a criterion on "lesions" of at least 2'):
        several(untargeted_lesions=[1])
    several(untargeted_lesions=[1], criteria=[{"reading": "lesions", "least": 2}])


def test_a_trial_file_that_contradicts_itself_is_refused_in_one_line(tmp_path):
    """The file, what does not go together, and nothing of the rest of the file."""
    path = tmp_path / "late.toml"
    known = Path(str(DATA / "trials" / "halo301.toml")).read_text()
    path.write_text(known.replace("accrual_months = 33.4", "accrual_months = 99.0"))
    with pytest.raises(RecordError) as refused:
        trial(str(path))
    assert str(refused.value).splitlines()[0] == "late.toml: accrual_months 99 goes on after the data cut, at 38"
