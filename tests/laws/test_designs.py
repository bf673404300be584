"""Laws: designs keep their alpha, gain power with the effect, and find whom a treatment helps; banks are made up."""

import numpy as np
import pytest
from scipy.stats import beta

from alarmin.design import DesignError, operating_characteristics
from alarmin.design.reestimation import conditional_power, new_size
from alarmin.design.sequential import Runs
from made_up_bank import RESPONSE, bank_of, design_of

TWO = {"fractions": [0.5, 1.0]}
EQUAL = {"ABCP": 0.05, "ACP": 0.05, "BCP": 0.05}
GOOD = {"ABCP": 0.035, "ACP": 0.05, "BCP": 0.05}
RATES = {"ABCP": 0.45, "ACP": 0.3, "BCP": 0.3}
ENRICHED = {"biomarker": "pdl1", "least": 0.5, "everyone": 0.8, "subgroup": 0.8, "worthwhile": 0.85}

DESIGNS = {
    "fixed": {},
    "three looks with futility": {
        "looks": {"fractions": [0.4, 0.7, 1.0], "spending": "pocock", "futility": {"spending": "obrien_fleming"}}
    },
    "binding futility": {"looks": {"fractions": [0.5, 1.0], "futility": {"spending": "pocock", "binding": True}}},
    "futility by hazard ratio": {"looks": {"fractions": [0.5, 1.0], "futility": {"hazard_ratio": 1.0}}},
    "two-sided": {"alpha": 0.05, "sides": 2, "looks": TWO},
    "late effects": {"looks": TWO, "test": {"name": "fleming_harrington", "gamma": 1.0}},
    "maxcombo": {"looks": TWO, "test": {"name": "maxcombo"}},
    "strata": {"looks": TWO, "test": {"name": "logrank", "stratum": "ecog", "strata": [0.3, 0.6]}},
    "restricted mean": {"looks": TWO, "endpoint": {"name": "rmst", "months": 18.0}, "cut": {"months": 60.0}},
    "milestone": {"looks": TWO, "endpoint": {"name": "milestone", "months": 12.0}, "cut": {"months": 60.0}},
    "response": RESPONSE | {"looks": TWO},
    "re-estimation": {"looks": TWO, "reestimation": {"promising": 0.3, "most": 1.5}},
    "enrichment": {"looks": TWO, "enrichment": ENRICHED | {"subgroup_events": 160}},
    "enrichment by response": RESPONSE | {"looks": TWO, "enrichment": ENRICHED | {"worthwhile": 0.1}},
    "several arms": {
        "looks": TWO,
        "experimental": ["ABCP", "ACP"],
        "patients": 600,
        "cut": {"events": 250, "months": 80.0},
        "selection": {"keep": 1},
    },
    "adaptive randomization": RESPONSE | {"response_adaptive": {}},
}


@pytest.mark.parametrize("changes", DESIGNS.values(), ids=DESIGNS.keys())
def test_alpha_is_kept_and_an_effect_is_found(changes):
    """The level lies in the 99.9 % interval of the simulation, or below where futility or a choice is conservative."""
    design = design_of(**changes)
    found = operating_characteristics(design, bank_of(GOOD, RATES), 2000, seed=11, curve=False)
    error = found.scenarios["null"]["rejected"]["value"]
    spread = 3.29 * np.sqrt(design.alpha * (1.0 - design.alpha) / 2000)
    assert error < design.alpha + spread
    cautious = design.looks.futility is not None or design.kind in ("enrichment", "selection")
    assert error > (0.25 if cautious else 1.0) * design.alpha - spread
    assert found.scenarios["alternative"]["success"]["value"] > 0.5


@pytest.mark.slow
@pytest.mark.parametrize("changes", DESIGNS.values(), ids=DESIGNS.keys())
def test_alpha_is_kept_in_a_hundred_thousand_trials(changes):
    """The level lies within the 99.9 % interval of the simulation (one of 16 designs misses it once in 60 seeds), or
    below where futility stops trials that may yet succeed, or intersections are tested with care."""
    from alarmin.design import sequential
    from alarmin.design.characteristics import simulate
    from alarmin.design.patients import People

    count, design = 100_000, design_of(**changes)
    people = People.of(bank_of(GOOD, RATES), design)
    bounds = sequential.set_boundaries(design, people, np.random.default_rng(9))
    runs = simulate(design, people, bounds, count, 1, null=True)
    hits = int((runs.success | runs.harm).sum())
    low, high = beta.ppf((0.0005, 0.9995), (hits, hits + 1), (count - hits + 1, count - hits))
    assert low < design.alpha
    assert high > design.alpha or design.looks.futility is not None or design.kind == "enrichment"


def test_a_test_that_ignores_its_looks_breaks_alpha():
    """The companion: five looks at 1.96 reject as often as the tables say, and far more often than allowed."""
    from alarmin.design.boundaries import Boundaries
    from alarmin.design.characteristics import simulate
    from alarmin.design.patients import People

    design = design_of(looks={"fractions": [0.2, 0.4, 0.6, 0.8, 1.0]})
    naive = Boundaries(np.arange(1, 6) / 5, np.full(5, 1.96), np.full(5, -np.inf), np.zeros(5))
    run = simulate(design, People.of(bank_of(EQUAL), design), naive, 2000, 3, null=True)
    assert 0.05 < run.success.mean() < 0.095


def test_group_sequential_trials_save_patients_and_months():
    fixed = operating_characteristics(design_of(), bank_of(GOOD), 1000, seed=2, curve=False)
    looks = design_of(looks={"fractions": [0.5, 0.75, 1.0], "futility": {"spending": "obrien_fleming"}})
    staged = operating_characteristics(looks, bank_of(GOOD), 1000, seed=2, curve=False)
    for name in ("null", "alternative"):
        assert staged.scenarios[name]["months"]["value"] < 0.9 * fixed.scenarios[name]["months"]["value"]
    assert fixed.scenarios["alternative"]["events"]["value"] == pytest.approx(250)


def test_statistics_agree_with_theory_where_hazards_are_proportional():
    """A hazard ratio r gives Z at d events the mean -log(r) √d / 2 (Schoenfeld), less as arms unbalance.

    r is that of the patients in the bank, who are a sample of 0.7 themselves.
    """
    design, bank = design_of(looks={"fractions": [0.4, 0.7, 1.0]}), bank_of(GOOD, patients=8000)
    found = operating_characteristics(design, bank, 3000, seed=9, curve=False)
    lives = bank.table.groupby("arm")["os"].mean()
    log_ratio = np.log(lives["BCP"] / lives["ABCP"])
    assert log_ratio == pytest.approx(np.log(0.7), abs=0.03)
    z, theory = found.runs["alternative"].z, -log_ratio * np.sqrt([100.0, 175.0, 250.0]) / 2.0
    assert z.mean(axis=0) == pytest.approx(theory, abs=0.08)
    assert z.std(axis=0) == pytest.approx(1.0, abs=0.06)


def test_a_look_sees_what_one_trial_alone_would_see():
    from alarmin.design import sequential
    from alarmin.design.patients import People, draw
    from alarmin.trials import statistics

    design = design_of(accrual={"per_month": 25.0, "drop_out_per_month": 0.02})
    trials = draw(People.of(bank_of(GOOD), design), design, np.random.default_rng(1), 5, null=False)
    cut = sequential.cut_at(trials, design, 125)
    z = sequential.statistic(design, *sequential.scores(trials, design, cut))
    for row in range(5):
        follow = cut[row] - trials.entry[row]
        here = follow > 0
        time = np.minimum(trials.time[row], follow)[here]
        event = (trials.event[row] & (trials.time[row] <= follow + 1e-9))[here]
        assert event.sum() == 125
        assert z[row] == pytest.approx(-statistics.log_rank(time, event, trials.arm[row][here] == 1)[0], rel=1e-6)


@pytest.mark.parametrize("name", ["several arms", "restricted mean", "milestone", "response"])
def test_who_does_not_count_changes_no_score(name):
    """Outcomes of those outside a subgroup may be anything, whatever the endpoint."""
    from alarmin.design import sequential
    from alarmin.design.patients import People, draw

    design, chance = design_of(**DESIGNS[name]), np.random.default_rng(6)
    trials = draw(People.of(bank_of(GOOD, RATES), design), design, chance, 20, null=False)
    cut, among = sequential.cut_at(trials, design, 125), chance.random(trials.arm.shape) < 0.5
    before = sequential.scores(trials, design, cut, among=among)
    trials.time = np.where(among, trials.time, 2.0)
    trials.event, trials.response = trials.event | ~among, np.where(among, trials.response, 0.0)
    for one, other in zip(before, sequential.scores(trials, design, cut, among=among), strict=True):
        np.testing.assert_allclose(one, other)


def test_results_depend_on_the_seed_alone(monkeypatch):
    first = operating_characteristics(design_of(), bank_of(GOOD), 600, seed=4, curve=False)
    monkeypatch.setattr("alarmin.design.characteristics.WORKERS", 1)
    again = operating_characteristics(design_of(), bank_of(GOOD), 600, seed=4, curve=False)
    other = operating_characteristics(design_of(), bank_of(GOOD), 600, seed=5, curve=False)
    assert first.to_json() == again.to_json()
    assert first.to_json() != other.to_json()


def test_enrichment_finds_the_group_that_is_helped():
    """Half of the patients have a hazard ratio of 0.5, the others none or the same."""
    design = design_of(looks=TWO, enrichment=ENRICHED | {"everyone": 1.5, "subgroup": 1.0, "subgroup_events": 160})
    helped = bank_of(EQUAL, subgroup={"ABCP": 0.025, "ACP": 0.05, "BCP": 0.05})
    found = operating_characteristics(design, helped, 1000, seed=6, curve=False).scenarios["alternative"]
    assert found["right_group"] == {"nobody": 0.0, "subgroup": 1.0, "everyone": 0.0}
    assert found["picked_right"]["value"] == pytest.approx(found["chose_subgroup"]["value"])
    assert found["shown_in_subgroup"]["value"] > 0.8
    everywhere = bank_of({"ABCP": 0.03, "ACP": 0.05, "BCP": 0.05})
    found = operating_characteristics(design, everywhere, 1000, seed=6, curve=False).scenarios["alternative"]
    assert found["right_group"]["everyone"] == 1.0
    assert found["picked_right"]["value"] > 0.8


def test_selection_keeps_the_better_arm_and_saves_patients():
    design = design_of(**DESIGNS["several arms"])
    found = operating_characteristics(design, bank_of(GOOD), 1000, seed=7, curve=False).scenarios["alternative"]
    assert found["kept_ABCP"]["value"] > 0.9
    assert found["shown_ACP"]["value"] < 0.02
    assert found["patients"]["value"] < 600


def test_adaptive_randomization_favors_the_better_arm_and_nobody_under_the_null():
    found = operating_characteristics(
        design_of(**DESIGNS["adaptive randomization"]), bank_of(GOOD, RATES), 1000, seed=8
    )
    shares = [found.scenarios[name]["on_experimental"]["value"] for name in ("null", "alternative")]
    assert shares[0] == pytest.approx(0.5, abs=0.01)
    assert shares[1] > 0.55
    assert [point[0] for point in found.power] == [200, 300, 400, 500, 600]
    assert found.power[0][1] < found.power[-1][1]


def test_promising_trials_grow_until_conditional_power_is_reached():
    z, t, c = np.array([-0.5, 1.2, 1.5, 1.8, 2.6]), 0.5, 1.97
    size = new_size(z, t, c, 0.3, 0.9, 3.0)
    now, then = conditional_power(z, t, c), conditional_power(z, t, c, size)
    assert (size[(now < 0.3) | (now >= 0.9)] == 1.0).all()
    grew = (size > 1.0) & (size < 3.0)
    assert grew.any()
    assert then[grew] == pytest.approx(0.9)


def test_a_subgroup_without_patients_is_refused():
    for least, said in ((2.0, "too small.*0 lie within"), (-1.0, "too large.*0 lie outside")):
        design = design_of(looks=TWO, enrichment=ENRICHED | {"least": least, "subgroup_events": 100})
        with pytest.raises(DesignError, match=said) as refused:
            operating_characteristics(design, bank_of(GOOD), 100)
        assert "quartiles" in refused.value.remedy


def test_joined_runs_keep_every_trial():
    found = operating_characteristics(design_of(), bank_of(GOOD), 600, seed=1, curve=False).runs["null"]
    assert isinstance(found, Runs)
    assert len(found.months) == 600
    assert np.isfinite(found.z).all()


@pytest.mark.slow
def test_banks_hold_responses_and_readings_of_the_same_patients_in_every_arm():
    from alarmin.design.patients import People
    from alarmin.numerics.sphere import Sphere
    from alarmin.records import trial
    from alarmin.simulation import Settings
    from alarmin.trials.bank import COLUMNS, READINGS, fill

    small = Settings(grid=Sphere(16, 1.5), lanes=32)
    plan = trial("poplar").model_copy(update={"months": 4.0, "accrual_months": 0.0})
    bank = fill(plan, members=2, patients=4, settings=small)
    assert tuple(bank.table.columns) == COLUMNS
    design = design_of(
        trial="poplar", experimental=["atezolizumab"], control="docetaxel", cut={"events": 50, "months": 4.0}
    )
    people = People.of(bank, design)
    assert people.time.shape == (2, 8)
    for name in READINGS:
        assert np.isfinite(people.readings[name]).all()
    table = bank.table
    assert (np.isfinite(table["response"]) == table["orr"]).all()
    assert (table["response"][table["orr"]] <= 4.0).all()
