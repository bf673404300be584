"""Trust: what is given in a lesion acts there as its law says, by dose and place, and in no other lesion directly."""

from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest

from alarmin.enrollment import enroll
from alarmin.mechanism import CLONES, Loss, Release, Supply, Transfer
from alarmin.model import make
from alarmin.numerics.reaction import advance, time_integral
from alarmin.numerics.response import CLASS_WEIGHTS
from alarmin.numerics.sphere import Sphere
from alarmin.records import agent, agents, parameters
from alarmin.review.experiment import observe
from alarmin.simulation import Settings, simulate
from alarmin.therapy import action
from alarmin.therapy.pharmacokinetics import prepare

LOCAL = tuple(sorted(name for name, drug in agents().items() if drug.local))
CARRIED = (*LOCAL, "oxygen_carrier", "pegph20")
SMALL = Settings(grid=Sphere(12, 1.5), lanes=16)
ALPHA, RATIO = 0.3, 10.0


def acting(name, mode=None, **changed):
    known = parameters() | agent(name).records()

    def value(record, unit):
        entry = known[record].model_copy(update={"value": changed[record]}) if record in changed else known[record]
        return jnp.asarray(entry.to(unit))

    mode = mode or agent(name).actions[0].mode
    return make(action(mode), value, name)


def moment(name, dose=0.0, oxygen=20.0, **changed):
    """A lesion of one shell that is given a dose; `oxygen` in all distance classes, or in each."""
    known = {clone: 100.0 for clone in CLONES} | {"tumor": 300.0, "depth": 0.0, "lymph_drainage": 0.0}
    known |= {f"{name}_{part}": 0.0 for part in ("virions", "infected", "immunity", "recent", "fraction", "doomed")}
    known |= {name: 0.0, "blood_flow": 600.0}
    fields = {key: jnp.full((1, 1), changed.get(key, value)) for key, value in known.items()}
    by_class = oxygen if isinstance(oxygen, tuple) else (oxygen,) * len(CLASS_WEIGHTS)
    return SimpleNamespace(
        **fields,
        oxygen_by_class=tuple(jnp.full((1, 1), p) for p in by_class),
        plasma=lambda agent: jnp.full((1, 1), float(dose)),
        integral=lambda density: jnp.full((1, 1), density * changed.get("volume", 10.0)),
        over_lesions=lambda amount: amount,
    )


def rate(name, dose, acts=None, **changed):
    """Rate at which sensitive tumor cells die, or are doomed, on the day of a dose [1/day]."""
    acts, now = acts or acting(name), moment(name, dose, **changed)
    if name == "radiotherapy":
        return float(acts.hit_rate(now)[0, 0])
    flows = acts.flows(now)
    rates = [f.rate for f in flows if isinstance(f, Transfer) and f.source == "tumor_sensitive"]
    return sum(float(jnp.broadcast_to(value, (1, 1))[0, 0]) for value in rates)


def logs(oxygen, dose=8.0, fractions=3):
    """Surviving share of fractions in one oxygen tension, as its logarithm to the base 10."""
    return -fractions * rate("radiotherapy", dose, oxygen=oxygen) / np.log(10.0)


# What the law of each says.


@pytest.mark.parametrize("dose", [0.5, 2.0, 8.0])
def test_full_oxygen_gives_the_linear_quadratic_law(dose):
    """-ln S = a d + b d^2 to 1e-6 where oxygen is plenty, to rounding for the dose that is felt elsewhere."""
    assert rate("radiotherapy", dose, oxygen=1e9) == pytest.approx(ALPHA * dose + ALPHA / RATIO * dose**2, rel=1e-6)
    felt = dose * 2.0 / 3.0
    assert rate("radiotherapy", dose, oxygen=3.0) == pytest.approx(ALPHA * felt + ALPHA / RATIO * felt**2, rel=1e-13)


def test_oxygen_enhancement_is_one_two_and_nearly_three():
    """OER(0, 3, 40 mmHg) = 1, 2 exactly, 2.86."""
    acts = acting("radiotherapy")
    assert [float(acts.effectiveness(jnp.asarray(p))) for p in (0.0, 3.0)] == [1.0, 2.0]
    assert float(acts.effectiveness(jnp.asarray(40.0))) == pytest.approx(2.86, abs=0.005)


def test_large_fractions_kill_linearly():
    """Above 10 Gy survival continues along its tangent."""
    slope = [rate("radiotherapy", d + 1.0, oxygen=1e9) - rate("radiotherapy", d, oxygen=1e9) for d in (12.0, 20.0)]
    assert slope[0] == pytest.approx(slope[1]) == pytest.approx(ALPHA * (1.0 + 2.0 * 10.0 / RATIO), rel=1e-6)


@pytest.mark.parametrize(("oxygen", "expected"), [(0.0, -1.3), (0.5, -1.8), (2.5, -3.0), (5.0, -3.8), (16.0, -4.8)])
def test_three_fractions_of_8_gray_by_oxygen(oxygen, expected):
    assert logs(oxygen) == pytest.approx(expected, abs=0.06)


def test_hypoxic_lesion_loses_two_to_three_logs_less():
    assert 2.0 < logs(2.0) - logs(40.0) < 3.0
    alike = acting("radiotherapy", radiation_oxygen_enhancement=1.0)
    assert rate("radiotherapy", 8.0, alike, oxygen=2.0) == pytest.approx(rate("radiotherapy", 8.0, alike, oxygen=40.0))


def test_the_worst_class_decides_survival():
    """Survival is averaged over the classes, not dose: of 20 Gy hardly any but the cells without oxygen survive."""
    mixed = tuple(0.0 if q == 0 else 40.0 for q in range(5))
    alone, near = (np.exp(-rate("radiotherapy", 20.0, oxygen=p)) for p in (0.0, 40.0))
    share = CLASS_WEIGHTS[0]
    survived = np.exp(-rate("radiotherapy", 20.0, oxygen=mixed))
    assert survived == pytest.approx(share * alone + (1.0 - share) * near, rel=1e-9)
    assert share * alone > 0.9 * survived


def test_no_dose_is_too_large_for_a_number():
    for name in LOCAL:
        most = 20.0 * agent(name).dosing.value
        for flow in acting(name).flows(moment(name, most)):
            if isinstance(flow, Transfer | Release | Loss):
                assert np.isfinite(np.asarray(flow.rate)).all(), name


@pytest.mark.parametrize(("dose", "expected"), [(2.0, (0.08, 0.24, 0.29, 0.25)), (8.0, (0.30, 0.55, 0.58, 0.98))])
def test_alarm_of_a_fraction(dose, expected):
    death = acting("radiotherapy").death(jnp.asarray(dose))
    assert [float(v) for v in (death.calreticulin, death.atp, death.hmgb1, death.ifn)] == pytest.approx(
        expected, abs=0.006
    )


def test_interferon_is_lost_above_the_threshold_of_trex1():
    heard = [float(acting("radiotherapy").death(jnp.asarray(d)).ifn) for d in (2.0, 8.0, 20.0)]
    assert heard[1] > heard[0]
    assert heard[1] > 3.0 * heard[2]
    without = {"radiotherapy.radiation.trex1_dose": 1e6}
    assert float(acting("radiotherapy", **without).death(jnp.asarray(20.0)).ifn) > heard[1]


def test_radiation_spares_no_clone_and_hits_vessels_and_lymphocytes():
    flows = acting("radiotherapy").flows(moment("radiotherapy", 12.0))
    assert len({float(f.rate[0, 0]) for f in flows if isinstance(f, Transfer) and f.target == "dying_silent"}) == 1
    lost = {f.field: float(f.rate[0, 0]) for f in flows if isinstance(f, Loss) and "recent" not in f.field}
    assert lost["vessel_mature"] == lost["vessel_immature"] == pytest.approx(0.02 * 2.0)
    assert lost["cd8"] == lost["treg"] == pytest.approx(0.15 * 12.0)
    now = moment("radiotherapy", 8.0, radiotherapy_recent=8.0)
    assert 1.0 < float(acting("radiotherapy").mhc_expression(now)[0, 0]) < 1.5
    assert float(acting("radiotherapy").lymphodepletion(now)[0, 0]) == pytest.approx(0.83 * 0.02 * 8.0)


def test_light_kills_where_there_is_light_and_oxygen():
    half = [rate("porfimer_pdt", 135.0, depth=z, oxygen=40.0) for z in (0.0, 4.5, 10.0)]
    assert half[0] > 10.0
    assert half[1] == pytest.approx(np.log(2.0), rel=0.15)
    assert half[2] < 0.01
    assert rate("porfimer_pdt", 135.0, depth=3.0, oxygen=1.0) < 0.05 * rate("porfimer_pdt", 135.0, depth=3.0)


def test_heat_is_counted_in_minutes_at_43_degrees():
    acts = acting("photothermal_therapy")
    minutes = [float(acts.minutes(moment("photothermal_therapy", r))[0, 0]) for r in (0.0, 4.0, 6.0, 7.0, 500.0)]
    assert minutes[:4] == pytest.approx([0.0, 10.0 / 16.0, 10.0, 20.0])
    assert np.isfinite(minutes[4])
    shown = [float(acts.death(moment("photothermal_therapy", r)).calreticulin[0, 0]) for r in (4.0, 9.5, 25.0)]
    assert shown[1] == pytest.approx(0.25)
    assert shown[1] > shown[0] > shown[2]


def test_peptide_kills_no_more_than_the_volume_that_it_fills():
    assert np.exp(-rate("ltx_315", 1e3, volume=10.0)) == pytest.approx(1.0 - 0.1 * 0.95)
    assert np.exp(-rate("ltx_315", 4.0, volume=1.0)) == pytest.approx(1.0 - 0.95 * (1.0 - np.exp(-2.0)))


def test_virus_multiplies_and_immunity_ends_it():
    acts = acting("t_vec")
    by_field = lambda now, kind: {
        f.field: float(jnp.squeeze(f.gain if kind is Supply else f.rate))
        for f in acts.flows(now)
        if isinstance(f, kind)
    }
    spread = moment("t_vec", t_vec_virions=1.0, t_vec_infected=2.0)
    immune = moment("t_vec", t_vec_virions=1.0, t_vec_infected=2.0, t_vec_immunity=1.0)
    gains, less = by_field(spread, Supply), by_field(immune, Supply)
    assert gains["t_vec_virions"] == pytest.approx(50.0 * 0.8 * 2.0)
    assert gains["t_vec_infected"] == pytest.approx(0.002 * 298.0)
    assert less["t_vec_infected"] == pytest.approx(gains["t_vec_infected"] / 3.0)
    assert by_field(immune, Loss)["t_vec_infected"] > by_field(spread, Loss)["t_vec_infected"]
    assert gains["ifn_type1"] > 0.0
    assert 1.0 < float(acts.dendritic_recruitment(spread)[0, 0]) <= 3.0
    dosed = by_field(moment("t_vec", 4e8), Supply)
    assert dosed["t_vec_virions"] == pytest.approx(40.0)
    lysed = rate("t_vec", 0.0, t_vec_infected=3.0)
    assert lysed == pytest.approx(0.8 * 3.0 / 300.0)


# What holds for all of them.


@pytest.mark.parametrize("name", [name for name in LOCAL if name not in ("t_vec", "collagenase")])
def test_more_of_it_kills_more(name):
    usual = agent(name).dosing.value
    killed = [rate(name, share * usual) for share in (0.0, 0.25, 0.5, 1.0, 2.0)]
    assert killed[0] == 0.0
    assert all(more > less for less, more in pairwise(killed))


def test_enzymes_and_carriers_do_more_with_more():
    levels = (0.0, 0.01, 0.1, 1.0)
    for name, does in (("pegph20", "hyaluronidase"), ("collagenase", "collagenase")):
        effect = [float(getattr(acting(name), does)(moment(name, **{name: c}))[0, 0]) for c in levels]
        assert effect[0] == 0.0
        assert effect == sorted(set(effect))
    windows = [
        float(acting("pegph20").vessel_fenestration(moment("pegph20", pegph20=c))[0, 0]) for c in (0.0, 0.01, 1e6)
    ]
    assert windows == pytest.approx([1.0, 1.25, 1.5])
    carried = [float(acting("oxygen_carrier").oxygen_release(moment("x", c))[0, 0]) for c in (0.0, 1e4, 5e4)]
    assert carried[0] == 0.0 < carried[1] < carried[2]
    assert not acting("oxygen_carrier").oxygen_release(moment("x", 5e4, blood_flow=0.0)).any()


@pytest.mark.parametrize("steps", [1, 2, 3, 24])
def test_a_dose_in_the_lesion_is_the_same_dose_in_any_steps(steps):
    """The whole dose acts on its day and nothing after; what it spares is what one step spares, to rounding."""
    dt, dose = 1.0 / steps, 8.0
    kinetics = prepare(agent("radiotherapy"), lambda record, unit: np.ones(1), dt, np.full(1, dose), "float64")
    acts = acting("radiotherapy", **{"radiotherapy.radiation.death_rate": 0.0})
    body, given, doomed = kinetics.start(1), 0.0, jnp.zeros((1, 1))
    for step in range(2 * steps):
        body, level = kinetics.step(body, jnp.full((1, 1), dose if step == 0 else 0.0))
        given += float(level[0, 0]) * dt
        assert (float(level[0, 0]) == dose) == (step < steps)
        flows = acts.flows(moment("radiotherapy", float(level[0, 0])))
        (gain,) = (f.gain for f in flows if isinstance(f, Supply) and f.field == "radiotherapy_doomed")
        (loss,) = (f.rate for f in flows if isinstance(f, Loss) and f.field == "radiotherapy_doomed")
        doomed = advance(doomed, gain, loss, dt, time_integral(doomed, gain, loss, dt))
    assert given == pytest.approx(dose)
    assert float(300.0 - doomed[0, 0]) == pytest.approx(300.0 * np.exp(-rate("radiotherapy", dose)), rel=1e-9)


def test_doomed_cells_die_over_days(cohort, untreated):
    """A week after one fraction the lesion has lost most of what the fraction doomed, a day after it only a part."""
    treated = course(cohort, "radiotherapy 12 Gy daily x1", days=8)
    left = treated.lesions["tumor"] / treated.lesions["tumor"][0]
    assert (left[1] > 0.6).all() and (left[8] < 0.4).all()


# In the assembled lesion.


@pytest.fixture(scope="module")
def cohort():
    return enroll("nsclc", 6, seed=5, settings=SMALL)


def course(cohort, regimen, days=3, **more):
    return simulate(cohort, regimen, days=days, agents=CARRIED, profile_every=1, settings=SMALL, **more)


@pytest.fixture(scope="module")
def untreated(cohort):
    return course(cohort, "")


def test_a_lesion_that_is_not_treated_gets_nothing(cohort, untreated):
    """With blood held, what happens in lesion 1 changes no field of its siblings to the bit."""
    held = {"blood_cd8": 10.0, "lymphocytes": 1.0, "node_dc": 0.0}
    base = course(cohort, "", clamped=held)
    text = "radiotherapy 8 Gy daily x2 to lesion 1 + t-vec 4e8 PFU q2w to lesion 1 + ltx-315 4 mg qw to lesion 1"
    treated = course(cohort, text, clamped=held)
    others = cohort.lesion > 0
    assert others.sum() > 2
    for name in base.profiles:
        np.testing.assert_array_equal(base.profiles[name][..., others], treated.profiles[name][..., others], name)
    first = treated.lesions["tumor"][3, ~others] / base.lesions["tumor"][3, ~others]
    assert (first < 0.6).all()
    everywhere = course(cohort, text.replace(" to lesion 1", ""), clamped=held)
    assert (everywhere.lesions["tumor"][3] < 0.6 * base.lesions["tumor"][3]).all()


def test_an_experiment_treats_the_lesion_that_its_regimen_names(cohort):
    """What the review runs as an experiment reaches lesion 1 and no other, and all of them where none is named."""
    at = replace(SMALL, decision_days=2)
    for aim, aimed in ((" to lesion 1", cohort.lesion == 0), ("", cohort.lesion >= 0)):
        seen = observe(cohort, f"radiotherapy 8 Gy daily x2{aim}", CARRIED, ["radiotherapy_recent"], 3, at)
        felt = seen.quantities["radiotherapy_recent"].max(axis=(0, 1))
        assert seen.radius.shape == (2, cohort.lanes)
        np.testing.assert_array_equal(felt > 0.0, aimed)


def test_no_dose_changes_nothing_to_the_bit(cohort, untreated):
    zero = course(cohort, "radiotherapy 0 Gy daily x3 to lesion 1 + collagenase 0 mg q3w + pegph20 0 ug/kg qw")
    for name in untreated.lesions:
        np.testing.assert_array_equal(untreated.lesions[name], zero.lesions[name])


def test_the_killed_raise_the_alarm_once(cohort, untreated):
    """Every cell that is killed charges the carriers once, though most of them die within a step."""
    treated = course(cohort, "ltx-315 20 mg qw x1", days=1)
    total = lambda run, name, at: np.asarray(SMALL.grid.shares) @ run.profiles[name][at] * run.radius[at] ** 3
    lost = sum(total(untreated, clone, 1) - total(treated, clone, 1) for clone in CLONES)
    charged = total(treated, "alarm_killed", 1) - total(untreated, "alarm_killed", 1)
    # Carriers discharge by a half a day while they are charged.
    assert (charged < lost).all()
    assert (charged > 0.6 * lost).all()


@pytest.mark.parametrize(
    "text",
    [
        "radiotherapy 8 Gy daily x3",
        "porfimer_pdt 135 J/cm2 q4w x1",
        "photothermal_therapy 10 C q4w x1",
        "t-vec 4e8 PFU q2w x1",
        "ltx-315 4 mg qw x1 d1,2,3",
    ],
)
def test_what_kills_in_a_lesion_alarms_there(cohort, untreated, text):
    """Tumor cells fall and the alarm rises in lesion 1, less or not at all in lesions that are not treated."""
    treated = course(cohort, f"{text} to lesion 1", days=4)
    first = cohort.lesion == 0
    left = treated.lesions["tumor"][3] / untreated.lesions["tumor"][3]
    louder = treated.profiles["alarm"][3].mean(axis=0) / untreated.profiles["alarm"][3].mean(axis=0)
    assert left[first].max() < left[~first].min() + 1e-3
    assert (louder[first] > 1.0).all()
    assert np.median(louder[first]) > 1.2 > 1.05 > np.median(louder[~first])


def test_hyaluronidase_opens_vessels(cohort, untreated):
    """A standard dose takes most of hyaluronan, and vessels open; what then grows faster presses huge lesions again."""
    treated = course(cohort, "pegph20 3 ug/kg qw x1")
    ratio = lambda name: (treated.profiles[name][3] / untreated.profiles[name][3]).mean(axis=0)
    assert (ratio("hyaluronan") < 0.4).all()
    usual = cohort.untreated["radius"][0] < 30.0
    assert usual.sum() > 10
    assert (ratio("solid_stress")[usual] < 1.0).all()
    assert (ratio("open_fraction")[usual] > 1.0).all()
    assert ratio("oxygen").mean() > 1.02


def test_collagenase_takes_collagen_where_it_is_injected(cohort, untreated):
    treated = course(cohort, "collagenase 0.58 mg q3w x1 to lesion 1")
    ratio = (treated.profiles["collagen"][3] / untreated.profiles["collagen"][3]).mean(axis=0)
    first = cohort.lesion == 0
    small = first & (cohort.untreated["radius"][0] < 15.0)
    assert (ratio[first] < 0.99).all()
    assert (ratio[small] < 0.6).all()
    assert (np.abs(ratio[~first] - 1.0) < 0.01).all()


def test_oxygen_carriers_raise_oxygen(cohort, untreated):
    treated = course(cohort, "oxygen_carrier 1800 mg/kg q3w x1")
    change = (treated.profiles["oxygen"][1] - untreated.profiles["oxygen"][1]).mean(axis=0)
    assert (change > 0.0).all()
    assert change.max() < 15.0
