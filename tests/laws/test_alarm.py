"""Laws: the alarm says how many cells die and how. It is silent without death, and never deaf to more of it."""

from itertools import pairwise

import jax.numpy as jnp
import pytest

from alarmin.biology.alarm import Alarm
from well_mixed import Here, build

BREAKDOWN, CLEARANCE = 300.0, 1.0
"""Breakdown of ATP and clearance of dying cells [1/day]; common to all inducers that are compared."""

ANTHRACYCLINE = (0.5, 1.0, 1.0, 1.0, 0.0)
INDUCERS = {
    "anthracycline": ANTHRACYCLINE,
    "oxaliplatin": (0.40, 0.8, 0.9, 0.5, 0.0),
    "taxane": (0.20, 0.5, 0.4, 0.3, 0.0),
    "cisplatin": (0.05, 0.4, 0.8, 0.2, 0.0),
    "gemcitabine": (0.25, 0.6, 0.6, 0.1, 0.8),
    "spontaneous": (0.02, 0.05, 0.1, 0.0, 0.0),
}
"""Calreticulin, ATP, HMGB1, type-I interferon and inhibitor per killed cell."""

DECADES = (0.01, 0.1, 1.0, 10.0, 100.0)
"""Killed cells [Mcell/mL/day]."""


def alarm(killed: float, profile: tuple[float, ...], dtype=jnp.float64, **changes: float) -> float:
    """The alarm while cells are killed at a constant rate, after the carriers have settled."""
    (mechanism,) = build(Alarm, dtype=dtype, **changes)
    calreticulin, atp, hmgb1, ifn, inhibitor = (float(part) * killed for part in profile)
    values = {
        "dying_immunogenic": calreticulin / CLEARANCE,
        "atp_breakdown": BREAKDOWN,
        "alarm_atp": atp / float(mechanism.atp_discharge),
        "alarm_hmgb1": hmgb1 / float(mechanism.hmgb1_discharge),
        "alarm_ifn": ifn / float(mechanism.ifn_discharge),
        "alarm_inhibitor": inhibitor / float(mechanism.memory),
        "alarm_killed": killed / float(mechanism.memory),
        "hmgb1": 0.0,
        "ifn_type1": 0.0,
    }
    gains, rates = Here((mechanism,), values, dtype=dtype).gains_and_rates()
    values |= {name: gains[name] / rates[name] for name in ("hmgb1", "ifn_type1")}
    return float(Here((mechanism,), values, dtype=dtype).alarm[0, 0])


def published_gate(killed: float) -> float:
    """The gate of the QSP family: 1.34e-14 mol per cell, loss 2/day, half effect 1 nM, resting level 1 nM."""
    concentration = killed * 1e6 * 1.34e-14 / 2.0 * 1e12  # nM
    return (concentration + 1.0) / (concentration + 2.0)


def assert_every_decade_counts(gate) -> None:
    found = [gate(killed) for killed in DECADES]
    for lower, higher in pairwise(found):
        assert higher / lower >= 1.8, found


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_no_death_no_alarm_exactly(dtype):
    assert alarm(0.0, ANTHRACYCLINE, dtype) == 0.0


def test_every_decade_of_death_raises_the_alarm():
    assert_every_decade_counts(lambda killed: alarm(killed, ANTHRACYCLINE))


def test_saturating_amounts_are_found():
    """A thousand times the half effects' worth of calreticulin, ATP, HMGB1 and interferon tells nothing apart."""
    deaf = {"alarm_calreticulin_half": 1e-4, "alarm_atp_half": 1e-5, "alarm_hmgb1_half": 1e-4, "alarm_ifn_half": 1e-6}
    with pytest.raises(AssertionError):
        assert_every_decade_counts(lambda killed: alarm(killed, ANTHRACYCLINE, **deaf))


def test_published_gate_is_flat_over_the_same_decades():
    """It is half-way up at 149 killed cells/mL/day, a ten-thousandth of what a growing tumor loses by itself."""
    assert published_gate(149e-6) == pytest.approx(2.0 / 3.0, abs=2e-3)
    assert published_gate(100.0) / published_gate(0.01) < 1.02
    with pytest.raises(AssertionError):
        assert_every_decade_counts(published_gate)


def test_known_values():
    found = [alarm(killed, ANTHRACYCLINE) for killed in DECADES]
    assert found == pytest.approx([0.0016, 0.0149, 0.108, 0.464, 0.859], rel=0.05)


@pytest.mark.parametrize("killed", [0.1, 1.0, 10.0])
def test_inducers_stand_in_order_at_equal_kill(killed):
    found = [alarm(killed, profile) for profile in INDUCERS.values()]
    assert all(stronger > weaker for stronger, weaker in pairwise(found)), found


def test_order_depends_on_the_profiles():
    swapped = INDUCERS | {"oxaliplatin": INDUCERS["cisplatin"], "cisplatin": INDUCERS["oxaliplatin"]}
    found = [alarm(1.0, profile) for profile in swapped.values()]
    assert found != sorted(found, reverse=True)


def test_inhibitor_hides_a_good_inducer():
    """Gemcitabine is weak for its inhibitor alone: without it, it would stand above a taxane."""
    profile = INDUCERS["gemcitabine"]
    freed = (*profile[:4], 0.0)
    assert alarm(1.0, profile) < alarm(1.0, INDUCERS["taxane"]) < alarm(1.0, freed)
    assert alarm(1.0, profile) == pytest.approx(0.2 * alarm(1.0, freed))


@pytest.mark.parametrize("missing", range(4))
def test_no_other_signal_makes_up_for_a_missing_one(missing):
    """Where all four are loud, losing one loses far more than its weight, which is what a sum would lose."""
    profile = tuple(0.0 if part == missing else value for part, value in enumerate(ANTHRACYCLINE))
    (mechanism,) = build(Alarm)
    names = ("calreticulin_weight", "atp_weight", "hmgb1_weight", "ifn_weight")
    weight = float(getattr(mechanism, names[missing]))
    assert alarm(1000.0, profile) < (1.0 - 1.5 * weight) * alarm(1000.0, ANTHRACYCLINE)


def test_alarm_stays_between_silence_and_one():
    assert 0.99 < alarm(1e6, (1.0, 1.0, 1.0, 1.0, 0.0)) <= 1.0
    assert alarm(1e6, (1.0, 1.0, 1.0, 1.0, 1.0)) == pytest.approx(0.0, abs=1e-12)
