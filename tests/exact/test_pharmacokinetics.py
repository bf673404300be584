"""Trust: plasma concentrations are those of the published compartment models, to 1e-6 where the model is linear."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from alarmin.records import agent, agents, parameters
from alarmin.therapy import pharmacokinetics
from alarmin.therapy.pharmacokinetics import PharmacokineticsError, prepare, propagators, single_dose
from alarmin.therapy.regimen import parse
from alarmin.units import factor

LINEAR = ("atezolizumab", "bevacizumab", "carboplatin", "docetaxel", "nivolumab", "pembrolizumab")
CYTOTOXIC = ("carboplatin", "docetaxel", "paclitaxel")


def values(name, lanes=1, **changed):
    """Records of an agent and of the typical patient, with some of them changed to arrays in their own unit."""
    known = parameters() | agent(name).records()

    def value(record, unit):
        entry = known[record]
        given = changed.get(record.rpartition(".")[2].removeprefix("patient_"), entry.value)
        return np.broadcast_to(np.asarray(given, float), (lanes,)) * factor(entry.unit, unit)

    return value


def course(kinetics, doses):
    """Mean concentration in each step after the doses [mg] at the beginning of the steps, and the body at the end."""
    body, means = kinetics.start(1), []
    for dose in doses:
        body, mean = kinetics.step(body, jnp.full((1, 1), dose))
        means.append(float(mean[0, 0]))
    return np.array(means), body


def linear_body(name):
    return pharmacokinetics._linear_body(pharmacokinetics._Reader(agent(name), values(name)))


def ode_course(name, doses, dt):
    """Total concentration [mg/L], mean over each step, and amounts, by a fine integration of the textbook equations."""
    clearance, central, exchange, volumes = (np.squeeze(part, -1) for part in map(np.asarray, linear_body(name)))
    infusion = float(values(name)(f"{name}.pharmacokinetics.infusion_time", "day")[0])
    state, means = np.zeros(2 + len(volumes)), []
    for dose in doses:
        begin = state[-1]
        for span, rate in ((infusion, dose / infusion), (dt - infusion, 0.0)):

            def slope(_, y, rate=rate):
                c = y[0] / central
                out = exchange * (c - y[1:-1] / volumes)
                return np.concatenate([[rate - clearance * c - out.sum()], out, [c]])

            state = solve_ivp(slope, (0, span), state, method="LSODA", rtol=1e-11, atol=1e-13).y[:, -1]
        means.append((state[-1] - begin) / dt)
    return np.array(means), state[:-1]


@pytest.mark.parametrize("name", LINEAR)
@pytest.mark.parametrize("dt", [1.0, 0.5])
def test_linear_kinetics_follow_the_differential_equations(name, dt):
    doses = [100.0, 0.0, 0.0, 40.0, 0.0, 0.0]
    scale = factor("mg/L/(g/mol)", agent(name).unit) / agent(name).molar_mass.value
    scale *= values(name)(f"{name}.pharmacokinetics.fraction_unbound", "dimensionless")[0] if name in CYTOTOXIC else 1.0
    means, amounts = course(prepare(agent(name), values(name), dt, np.array([100.0]), "float64"), doses)
    expected, left = ode_course(name, doses, dt)
    np.testing.assert_allclose(means, scale * expected, rtol=1e-6)
    np.testing.assert_allclose(amounts[:, 0], left, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", LINEAR)
def test_everything_given_is_cleared_or_still_there(name):
    clearance, central, exchange, volumes = linear_body(name)

    def imbalance(assumed):
        keep, gain, mean_keep, mean_gain = propagators(clearance, central, exchange, volumes, np.array([0.02]), 1.0)
        body, cleared = np.zeros_like(gain), 0.0
        for dose in (100.0, *[0.0] * 60):
            cleared += assumed * (np.sum(mean_keep * body, axis=0) + mean_gain[0] * dose)
            body = np.sum(keep * body[None], axis=1) + gain * dose
        return abs(float((cleared + body.sum(axis=0))[0]) / 100.0 - 1.0)

    assert imbalance(clearance) < 1e-9
    assert imbalance(1.01 * clearance) > 1e-3


@pytest.mark.parametrize("name", ["atezolizumab", "docetaxel"])
def test_exposure_is_dose_over_clearance_whatever_the_volume(name):
    doses = [100.0, *[0.0] * 1500]
    known = agent(name).pharmacokinetics.parameters
    unbound = known["fraction_unbound"].value if "fraction_unbound" in known else 1.0
    expected = 100.0 / linear_body(name)[0] * factor("mg/L/(g/mol)", agent(name).unit) / agent(name).molar_mass.value
    peaks = []
    for larger in (1.0, 2.0):
        changed = {"central_volume": larger * known["central_volume"].value}
        means, _ = course(prepare(agent(name), values(name, **changed), 1.0, np.ones(1), "float64"), doses)
        np.testing.assert_allclose(means.sum(), unbound * expected, rtol=1e-6)
        infused = prepare(agent(name), values(name, **changed), 1.0 / 24.0, np.ones(1), "float64")
        peaks.append(float(infused.gain[0, 0]) / changed["central_volume"])
    assert peaks[1] < 0.97 * peaks[0]


@pytest.mark.parametrize(("surface_dose", "exposure"), [(75.0, 3.1), (100.0, 4.1)])
def test_docetaxel_exposure_and_peak(surface_dose, exposure):
    dose, known = 1.8 * surface_dose, agent("docetaxel").pharmacokinetics.parameters
    means, _ = course(prepare(agent("docetaxel"), values("docetaxel"), 1.0, np.ones(1), "float64"), [dose, *[0.0] * 40])
    total = means.sum() * 24.0 / known["fraction_unbound"].value * 0.8079
    assert total == pytest.approx(exposure, abs=0.05)
    hour = prepare(agent("docetaxel"), values("docetaxel"), 1.0 / 24.0, np.ones(1), "float64")
    _, body = course(hour, [dose])
    if surface_dose == 75.0:
        assert float(body[0, 0]) / 8.9 / 0.8079 == pytest.approx(2.7, abs=0.05)


@pytest.mark.parametrize(
    ("surface_dose", "peak", "exposure", "above"), [(175.0, 4.6, 15.7, 27.0), (200.0, 5.7, 19.5, 31.0)]
)
def test_paclitaxel_peak_exposure_and_time_above_threshold(surface_dose, peak, exposure, above):
    body = pharmacokinetics._saturable_body(
        pharmacokinetics._Reader(agent("paclitaxel"), values("paclitaxel")), np.array([853.9])
    )
    found = single_dose(body, np.array([1.8 * surface_dose]), np.array([3.0]), 1.0)
    micromolar = found.concentration[:, 0] / 0.8539
    assert micromolar.max() == pytest.approx(peak, abs=0.05)
    assert found.means.sum() * 24.0 / 0.8539 == pytest.approx(exposure, abs=0.08)
    assert np.trapezoid((micromolar > 0.05).astype(float), found.times) == pytest.approx(above, abs=0.5)


def test_saturable_kinetics_follow_the_differential_equations():
    body = pharmacokinetics._saturable_body(
        pharmacokinetics._Reader(agent("paclitaxel"), values("paclitaxel")), np.array([853.9])
    )
    v, most, half, up, up_half, back, q, outer = (float(part[0]) for part in body)

    def slope(_, y, rate):
        c = y[0] / v
        taken, spread = up * c / (up_half + c) - back * y[1], q * (c - y[2] / outer)
        return [rate - most * c / (half + c) - taken - spread, taken, spread, c]

    state = np.zeros(4)
    exact = []
    for span, rate in ((3.0, 120.0), (21.0, 0.0), (24.0, 0.0), (24.0, 0.0)):
        state = solve_ivp(slope, (0, span), state, args=(rate,), method="LSODA", rtol=1e-10, atol=1e-12).y[:, -1]
        exact.append(state[-1])
    exact = np.diff([0.0, *exact[1:]]) / 24.0
    found = single_dose(body, np.array([360.0]), np.array([3.0]), 1.0)
    np.testing.assert_allclose(found.means[:3, 0], exact, rtol=2e-3)
    doubled = single_dose(body, np.array([720.0]), np.array([3.0]), 1.0)
    assert doubled.means.sum() > 2.2 * found.means.sum()


def test_hardly_any_paclitaxel_is_left_after_a_week():
    """So that doses do not saturate one another, as the response to each by itself supposes."""
    kinetics = prepare(agent("paclitaxel"), values("paclitaxel"), 1.0, np.array([360.0]), "float64")
    means, _ = course(kinetics, [360.0, *[0.0] * 13])
    assert means[7:].sum() < 0.01 * means.sum()


def test_saturation_is_worked_out_for_the_dose_of_each_patient():
    value, drug = values("paclitaxel", lanes=2), agent("paclitaxel")
    kinetics = prepare(drug, value, 1.0, np.array([144.0, 360.0]), "float64")
    _, mean = kinetics.step(kinetics.start(2), jnp.array([[144.0, 360.0]]))
    alone = prepare(drug, values("paclitaxel"), 1.0, np.array([360.0]), "float64")
    _, single = alone.step(alone.start(1), jnp.array([[360.0]]))
    assert mean[0, 1] == single[0, 0]
    assert mean[0, 1] / mean[0, 0] > 360.0 / 144.0


@pytest.mark.parametrize("filtration", [60.0, 85.0, 114.67])
def test_calvert_dose_gives_its_target_exposure(filtration):
    dose = parse("carboplatin AUC6 q3w").doses(1, np.ones(1), np.ones(1), np.array([filtration]))["carboplatin"][0]
    value = values("carboplatin", creatinine_clearance=filtration)
    means, _ = course(prepare(agent("carboplatin"), value, 1.0, dose, "float64"), [float(dose[0]), *[0.0] * 20])
    assert means.sum() * 24.0 * 60.0 * 371.25e-6 == pytest.approx(6.0, rel=0.01)
    unadjusted = values("carboplatin", creatinine_clearance=1.5 * filtration)
    means, _ = course(prepare(agent("carboplatin"), unadjusted, 1.0, dose, "float64"), [float(dose[0]), *[0.0] * 20])
    assert means.sum() * 24.0 * 60.0 * 371.25e-6 < 5.0


def test_no_dose_is_based_on_more_filtration_than_the_cap():
    table = parse("carboplatin AUC6 q3w").doses(1, np.ones(2), np.ones(2), np.array([125.0, 180.0]))["carboplatin"]
    assert table[0, 0] == table[0, 1] == 6.0 * 150.0


@pytest.mark.parametrize(
    ("name", "dose", "interval", "concentration", "occupancy"),
    [
        ("pembrolizumab", 200.0, 21.0, 291.0, (0.99, 0.94, 0.78)),
        ("nivolumab", 240.0, 14.0, 511.0, (0.99, 0.93, 0.78)),
        ("atezolizumab", 1200.0, 21.0, 1970.0, (1.00, 1.00, 0.98)),
        ("bevacizumab", 1125.0, 21.0, 1745.0, (1.00, 0.99, 0.98)),
    ],
)
def test_average_concentration_and_occupancy(name, dose, interval, concentration, occupancy):
    """At the weight and albumin of the source; in plasma, and in tissue at a fifth and a twentieth of it."""
    drug = agent(name)
    known = drug.pharmacokinetics.parameters
    usual = {of: known[f"{of}_reference"].value for of in ("weight", "albumin") if f"{of}_reference" in known}
    kinetics = prepare(drug, values(name, **usual), 1.0, np.ones(1), "float64")
    means, _ = course(kinetics, [dose if day % interval == 0 else 0.0 for day in range(630)])
    average = means[-int(interval) :].mean()
    assert average == pytest.approx(concentration, rel=0.02)
    affinity = drug.actions[0].parameters["affinity"].to("nM")
    found = [share * average / (share * average + affinity) for share in (1.0, 0.2, 0.05)]
    np.testing.assert_allclose(found, occupancy, atol=0.011)


@pytest.mark.parametrize("name", CYTOTOXIC)
def test_reference_exposure_is_that_of_the_standard_dose(name):
    drug = agent(name)
    given = {"mg/m**2": 1.8 * drug.dosing.value, "mg*min/mL": drug.dosing.value * (85.0 + 25.0)}[drug.dosing.unit]
    kinetics = prepare(drug, values(name), 1.0, np.array([given]), "float64")
    means, _ = course(kinetics, [given, *[0.0] * 20])
    assert means.sum() == pytest.approx(drug.actions[0].parameters["reference_exposure"].to("uM*day"), rel=0.01)


def test_weight_and_albumin_change_clearance_as_powers():
    light, heavy = (
        pharmacokinetics._linear_body(
            pharmacokinetics._Reader(agent("pembrolizumab"), values("pembrolizumab", weight=w, albumin=39.6))
        )[0]
        for w in (60.0, 120.0)
    )
    assert heavy / light == pytest.approx(2.0**0.595)


def test_no_dose_is_no_concentration_to_the_bit():
    for name in agents():
        kinetics = prepare(agent(name), values(name), 1.0, np.zeros(1))
        body = kinetics.start(1)
        for _ in range(3):
            body, mean = kinetics.step(body, jnp.zeros((1, 1), "float32"))
            assert not np.any(mean)
            assert not np.any(body)


def test_lanes_know_nothing_of_one_another():
    for name in ("docetaxel", "paclitaxel"):
        wide = np.array([20.0, 44.1, 60.0]) if name == "docetaxel" else np.array([20.0, 33.8, 50.0])
        record = "clearance" if name == "docetaxel" else "elimination_most"
        dose = jnp.full((1, 3), 135.0)
        together = prepare(agent(name), values(name, lanes=3, **{record: wide}), 1.0, np.full(3, 135.0), "float64")
        alone = prepare(agent(name), values(name, **{record: wide[1:2]}), 1.0, np.array([135.0]), "float64")
        _, all_means = together.step(together.start(3), dose)
        _, mean = alone.step(alone.start(1), dose[:, :1])
        assert all_means[0, 1] == mean[0, 0]


def test_unused_and_missing_parameters_are_refused():
    drug = agent("docetaxel")
    kept = dict(drug.pharmacokinetics.parameters)
    change = lambda parameters: drug.model_copy(
        update={"pharmacokinetics": drug.pharmacokinetics.model_copy(update={"parameters": parameters})}
    )
    misspelled = change(kept | {"clearence": kept["clearance"]})
    with pytest.raises(PharmacokineticsError, match="'clearance'"):
        prepare(misspelled, values("docetaxel"), 1.0, np.ones(1))
    with pytest.raises(PharmacokineticsError, match=r"central_volume is missing"):
        prepare(change({k: v for k, v in kept.items() if k != "central_volume"}), values("docetaxel"), 1.0, np.ones(1))
    with pytest.raises(PharmacokineticsError, match="infusion"):
        prepare(drug, values("docetaxel", infusion_time=0.0), 0.5, np.ones(1))


@pytest.mark.parametrize("dt", [1.0, 0.5, 0.25])
def test_an_infusion_of_days_is_what_the_textbook_equations_say(dt):
    """Fluorouracil over 46 hours: mean concentration in each step while the bag lasts, and nothing of it later."""
    scale = factor("mg/L/(g/mol)", "uM") / agent("fluorouracil").molar_mass.value * 0.9
    kinetics = prepare(agent("fluorouracil"), values("fluorouracil"), dt, np.ones(1), "float64")
    means, _ = course(kinetics, [5040.0] + [0.0] * round(4.0 / dt - 1))
    clearance = float(np.squeeze(linear_body("fluorouracil")[0]))
    rates = (
        np.clip(np.diff(np.minimum(np.arange(0.0, 4.0 + dt / 2, dt), 46.0 / 24.0)), 0.0, None) * 5040.0 / (46.0 / 24.0)
    )
    assert means.sum() * dt / scale == pytest.approx(5040.0 / clearance, rel=1e-6)
    assert means[0] / scale == pytest.approx(rates[0] / dt / clearance, rel=0.05)
    assert means[-1] < 1e-6 * means[0]


@pytest.mark.parametrize("name", ["olaparib", "sunitinib", "ido_pdl1_vaccine"])
def test_absorbed_agents_follow_the_textbook_equations(name):
    dt, doses = 0.5, [100.0, 0.0, 100.0, 0.0, 0.0, 0.0]
    clearance, central, exchange, volumes = (
        np.asarray(part)[..., 0] if len(part) else np.zeros(0) for part in linear_body(name)
    )
    absorption = float(values(name)(f"{name}.pharmacokinetics.absorption", "1/day")[0])
    state, expected = np.zeros(3 + len(volumes)), []

    def slope(_, y):
        c = y[0] / central
        out = exchange * (c - y[1:-2] / volumes)
        return np.concatenate([[absorption * y[-2] - clearance * c - out.sum()], out, [-absorption * y[-2], c]])

    for dose in doses:
        state[-2] += dose
        begin = state[-1]
        state = solve_ivp(slope, (0, dt), state, method="LSODA", rtol=1e-11, atol=1e-13).y[:, -1]
        expected.append((state[-1] - begin) / dt)
    kinetics = prepare(agent(name), values(name), dt, np.ones(1), "float64")
    means, body = course(kinetics, doses)
    assert means / means[0] == pytest.approx(np.array(expected) / expected[0], rel=1e-7)
    assert np.squeeze(body) == pytest.approx(state[:-1], rel=1e-7)


def test_reference_exposures_are_those_of_the_kinetics():
    """What counts as one standard dose of damage is the unbound area under the curve of a standard dose."""
    size = {"mg": 1.0, "mg/m**2": 1.8}
    for name, drug in agents().items():
        for act in drug.actions:
            if "reference_exposure" not in act.parameters or drug.dosing.unit not in size:
                continue
            dose = drug.dosing.value * size[drug.dosing.unit]
            kinetics = prepare(drug, values(name), 0.5, np.full(1, dose), "float64")
            means, _ = course(kinetics, [dose] + [0.0] * 200)
            assert means.sum() * 0.5 == pytest.approx(act.parameters["reference_exposure"].to("uM*day"), rel=0.1), name
