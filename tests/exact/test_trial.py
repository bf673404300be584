"""Trust: a trial treats whom it should with what it should, and refuses what it cannot run."""

from types import SimpleNamespace

import numpy as np
import pytest

import alarmin.trials.run  # noqa: F401  (the module, which the function of the same name hides)
from alarmin.records import sources, trial, trials
from alarmin.records.schema import Trial
from alarmin.simulation import MONTH
from alarmin.therapy.regimen import parse
from alarmin.trials import TrialError, run
from alarmin.trials.randomization import sizes


@pytest.fixture
def fake(monkeypatch, virtual_cohort):
    """A simulation without biology: tumors shrink under more agents, and every call is written down."""
    import sys

    module, calls = sys.modules["alarmin.trials.run"], []

    def simulate(cohort, regimen, *, months, treat_on, manage, agents, drop_failed, settings, crew, progress):
        days = np.arange(round(months * MONTH) + 1, dtype=float)
        growth = 0.004 - 0.001 * len(parse(regimen).agents)
        diameter = np.broadcast_to(25.0 * np.exp(growth * days)[:, None], (len(days), cohort.lanes))
        treated = None if treat_on is None else treat_on(days[:85], diameter[:85], cohort)
        calls.append((regimen, tuple(agents), cohort.ids, months, treated))
        timing = SimpleNamespace(compile_s=1.0, simulate_s=2.0, lane_steps=1000)
        lesions = {"diameter": diameter}
        return SimpleNamespace(cohort=cohort, days=days, lesions=lesions, doses={}, timing=timing, failed=())

    def enroll(tumor, n, seed, **_):
        return virtual_cohort(n, 2, seed=seed)

    monkeypatch.setattr(module, "simulate", simulate)
    monkeypatch.setattr(module, "enroll", enroll)
    return calls


def test_every_patient_is_treated_in_one_arm_and_all_arms_carry_all_agents(fake):
    result = run(trial("impower150"), 60, seed=3)
    everyone = np.concatenate([ids for _, _, ids, _, _ in fake])
    assert sorted(everyone) == list(range(60))
    assert {agents for _, agents, _, _, _ in fake} == {("atezolizumab", "bevacizumab", "carboplatin", "paclitaxel")}
    assert sorted(len(parse(regimen).agents) for regimen, *_ in fake) == [3, 3, 4]
    assert result.patients == 60
    assert list(result.arms) == ["ABCP", "ACP", "BCP"]
    assert [(c["experimental"], c["control"]) for c in result.contrasts[::3]] == [
        ("ABCP", "BCP"),
        ("ACP", "BCP"),
        ("ABCP", "ACP"),
    ]
    assert result.timing["lane_steps"] == 3000.0


def test_the_same_seed_gives_the_same_trial_and_another_seed_another(fake):
    plan = trial("oak")
    first, again, other = ({**run(plan, 40, seed=seed).to_json(), "timing": None} for seed in (1, 1, 2))
    assert first == again
    assert first["arms"] != other["arms"]


def test_treatment_stops_for_those_who_progressed(fake):
    run(trial("oak"), 40)
    atezolizumab, docetaxel = (treated for *_, treated in sorted(fake, key=lambda call: call[0]))
    assert docetaxel.any()
    assert not docetaxel.all()
    assert atezolizumab.all()  # which goes on for twelve weeks beyond progression
    untended = trial("oak").model_copy(update={"treatment_until_progression": False})
    run(untended, 40)
    assert fake[-1][-1] is None


def test_an_earlier_cut_shortens_the_trial(fake):
    result = run(trial("oak"), 40, months=6.0)
    assert {months for *_, months, _ in fake} == {6.0}
    assert result.tables["adtte"]["AVAL"].max() <= 6.0 * MONTH
    assert result.arms["docetaxel"]["os_at_12"] is None


@pytest.mark.parametrize("name", trials())
def test_regimens_of_trial_files_can_be_read(name):
    for arm in trial(name).arms:
        plan = parse(arm.regimen)
        assert parse(str(plan)) == plan
        assert plan.agents
    assert trial(name).source in sources()


def test_sizes():
    assert sizes([359, 349, 337], None) == [359, 349, 337]
    assert sizes([359, 349, 337], 30) == [10, 10, 10]
    assert sizes([200, 100], 10) == [7, 3]
    with pytest.raises(TrialError, match="2 patients for 3 arms"):
        sizes([1, 1, 1], 2)
    for patients in (7.5, float("nan"), "7"):
        with pytest.raises(TrialError, match="whole number"):
            sizes([200, 100], patients)  # type: ignore[arg-type]


@pytest.mark.parametrize("published", [[1, 1, 1], [7, 1, 1], [400, 400, 10]])
def test_a_refusal_says_how_many_patients_are_enough(published):
    with pytest.raises(TrialError) as refused:
        sizes(published, 2)
    enough = int("".join(filter(str.isdigit, refused.value.remedy)))
    assert min(sizes(published, enough)) >= 1


def plan(**changes):
    content = trial("oak").model_dump() | changes
    return Trial.model_validate(content)


def test_a_trial_file_is_refused_where_it_contradicts_itself():
    with pytest.raises(ValueError, match="success"):
        plan(success="maybe")
    with pytest.raises(ValueError, match="contrast names the arm 'pemetrexed'"):
        plan(contrasts=[{"experimental": "pemetrexed", "control": "docetaxel"}])
