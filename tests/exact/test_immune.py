"""Exact: each immune mechanism alone, against limits, signs and closed forms; companions break it on purpose."""

import jax.numpy as jnp
import numpy as np
import pytest

from alarmin.biology.alarm import Alarm
from alarmin.biology.ccl2 import Ccl2
from alarmin.biology.ccl22 import Ccl22
from alarmin.biology.cd4 import Cd4
from alarmin.biology.cd8 import Cd8
from alarmin.biology.checkpoint import Checkpoint
from alarmin.biology.crowding import LEUKOCYTES, Crowding
from alarmin.biology.csf1 import Csf1
from alarmin.biology.cxcl10 import Cxcl10
from alarmin.biology.cxcl12 import Cxcl12
from alarmin.biology.dendritic import DendriticCells
from alarmin.biology.editing import Editing
from alarmin.biology.entry import Entry
from alarmin.biology.ifn_gamma import InterferonGamma
from alarmin.biology.killing import CTLKilling
from alarmin.biology.mdsc import Mdsc
from alarmin.biology.myeloid import Macrophages
from alarmin.biology.nk import NaturalKiller
from alarmin.biology.nk_killing import NKKilling
from alarmin.biology.node import Node
from alarmin.biology.suppression import Suppression
from alarmin.biology.treg import Treg
from alarmin.mechanism import Diffuse, Drift, Supply
from alarmin.numerics.reaction import advance, time_integral
from alarmin.patients import records_of
from alarmin.state import FIELDS
from alarmin.units import registry
from well_mixed import Here, build

ALL = (
    Alarm, Ccl2, Ccl22, Cd4, Cd8, Checkpoint, Crowding, Csf1, CTLKilling, Cxcl10, Cxcl12, DendriticCells, Editing,
    Entry, InterferonGamma, Macrophages, Mdsc, NaturalKiller, NKKilling, Node, Suppression, Treg,
)  # fmt: skip

TISSUE = {
    **{name: 1.0 for name in FIELDS},
    "oxygen_by_class": (5.0, 10.0, 20.0, 30.0, 45.0),
    "functional_surface": 7.0,
    "hypoxia": 0.3,
    "t_cell_pore_gate": 0.8,
    "leukocytes": 80.0,
    "packing": 0.62,
    "tumor": 150.0,
    "atp_breakdown": 300.0,
    "tumor_sensitive": 149.0,
    "tumor_escaped": 1.0,
    "tumor_resistant": 0.0,
    "glucose": 3.0,
    "arginine": 50.0,
    "tgf_beta": 0.07,
    "il10": 0.016,
    "vegf": 0.14,
    "cxcl10": 0.02,
    "ifn_gamma": 0.001,
    "node_dc": 1.0,
}

PEACE = {
    "pd1_inhibition": 0.0, "treg": 0.0, "tgf_beta": 0.0, "adenosine": 0.0, "lactate": 0.0, "mdsc": 0.0,
    "kynurenine": 0.0, "arginine": 1e9, "glucose": 1e9, "oxygen_by_class": (1e6,) * 5,
}  # fmt: skip
"""No suppressor at all."""

SUPPRESSORS = {
    "pd1": ("pd1_inhibition", 1.0),
    "treg": ("treg", 1e12),
    "tgf_beta": ("tgf_beta", 1e12),
    "adenosine": ("adenosine", 1e12),
    "lactate": ("lactate", 1e12),
    "mdsc": ("mdsc", 1e12),
    "hypoxia": ("oxygen_by_class", (0.0,) * 5),
    "kynurenine": ("kynurenine", 1e12),
    "arginine": ("arginine", 0.0),
    "glucose": ("glucose", 0.0),
}
"""What each suppressor reads, and its value at full strength."""

STEPS = {
    step: [name for name in SUPPRESSORS if f"suppression_{step}_{name}" in records_of("nsclc")]
    for step in ("killing", "proliferation")
}


def value(record: str, unit: str = "dimensionless") -> float:
    return records_of("nsclc")[record].to(unit)


def capacity(step: str, changed: dict, **changes: float) -> float:
    mechanisms = build(Suppression, **changes)
    return float(getattr(Here(mechanisms, PEACE | changed), f"{step}_capacity")[0, 0])


# --- amounts -------------------------------------------------------------------------------------------------------


def test_amounts_per_killed_cell():
    copies = 1e6 * registry("1/cell") * registry("1 Mcell/mL") / registry("avogadro_constant")
    assert copies.to("nM").magnitude == pytest.approx(1.66, abs=0.005)
    assert value("alarm_hmgb1_amount", "nM/(Mcell/mL)") == pytest.approx(copies.to("nM").magnitude, rel=2e-3)
    cell = np.pi / 6.0 * registry("17 um") ** 3 / registry("cell")
    atp = (0.2 * registry("3 mM") * cell * registry("1 Mcell/mL")).to("uM").magnitude
    assert value("alarm_atp_amount", "uM/(Mcell/mL)") == pytest.approx(atp, rel=0.05)


def test_amount_in_a_wrong_unit_is_found():
    assert value("alarm_hmgb1_amount", "uM/(Mcell/mL)") != pytest.approx(1.66, rel=2e-3)


# --- suppression ---------------------------------------------------------------------------------------------------


def assert_leaves_its_part(step: str, name: str, **changes: float) -> None:
    field, full = SUPPRESSORS[name]
    most = value(f"suppression_{step}_{name}")
    assert 0.0 < most < 1.0
    assert capacity(step, {field: full}, **changes) == pytest.approx(1.0 - most, rel=1e-6)


@pytest.mark.parametrize(("step", "name"), [(step, name) for step, names in STEPS.items() for name in names])
def test_each_suppressor_alone_leaves_its_part(step, name):
    assert capacity(step, {}) == pytest.approx(1.0, rel=1e-6)
    assert_leaves_its_part(step, name)
    with pytest.raises(AssertionError):
        assert_leaves_its_part(step, name, **{f"suppression_{step}_{name}": 1.0})


@pytest.mark.parametrize("step", STEPS)
def test_suppressors_multiply_down_to_the_floor(step):
    everything = dict(SUPPRESSORS.values())
    product = np.prod([1.0 - value(f"suppression_{step}_{name}") for name in STEPS[step]])
    floor = value("suppression_floor")
    assert capacity(step, everything) == pytest.approx(max(product, floor), rel=1e-6)
    assert capacity(step, everything, suppression_floor=0.5) == 0.5
    strongest = 1.0 - max(value(f"suppression_{step}_{name}") for name in STEPS[step])
    assert capacity(step, everything) < 0.5 * strongest, "suppressors must not exclude one another"


@pytest.mark.parametrize("step", STEPS)
def test_removing_a_suppressor_never_lowers_a_step(step):
    amid = {field: full if isinstance(full, tuple) else 1.0 for field, full in SUPPRESSORS.values()}
    amid |= {"pd1_inhibition": 0.5, "oxygen_by_class": (2.0, 5.0, 10.0, 15.0, 30.0)}
    base = capacity(step, amid)
    for name, (field, _) in SUPPRESSORS.items():
        freed = capacity(step, amid | {field: PEACE[field]})
        assert freed > base if name in STEPS[step] else freed == base


def test_a2a_antagonist_acts_on_adenosine_alone():
    mechanisms = build(Suppression)
    hindered = PEACE | {"adenosine": 3.0, "lactate": 10.0}
    blocked = Here(mechanisms, hindered, {"a2a_signaling": 0.0})
    assert float(blocked.suppression_adenosine[0, 0]) == 1.0
    assert float(blocked.suppression_lactate[0, 0]) == float(Here(mechanisms, hindered).suppression_lactate[0, 0])
    assert float(Here(mechanisms, hindered).suppression_adenosine[0, 0]) < 1.0


# --- PD-1 ----------------------------------------------------------------------------------------------------------


def inhibition(free: float = 1.0, **changes: float) -> float:
    mechanisms = build(Checkpoint, InterferonGamma, **changes)
    tissue = {"hypoxia": 0.3, "ifn_gamma": 0.002}
    return float(Here(mechanisms, tissue, {"pd1_free": free}).pd1_inhibition[0, 0])


def test_pd1_blockade_frees_t_cells():
    found = [inhibition(free) for free in (1.0, 0.5, 0.1, 0.0)]
    assert found == sorted(found, reverse=True) and found[-1] == 0.0 and found[0] > 0.3
    assert inhibition(checkpoint_pdl1=0.0) == 0.0 == inhibition(0.0, checkpoint_pdl1=0.0)
    assert inhibition(checkpoint_pdl1=1e6) == pytest.approx(1.0)
    assert 1.0 - value("suppression_killing_pd1") > 0.0


def test_wrong_sign_of_blockade_is_found():
    """Occupancy in place of what is free would turn the order round."""
    found = [inhibition(1.0 - free) for free in (1.0, 0.5, 0.1, 0.0)]
    assert found != sorted(found, reverse=True)


# --- killing -------------------------------------------------------------------------------------------------------


def kill_rate(cd8: float, exhausted: float, tumor: float, **changes: float) -> float:
    mechanisms = build(CTLKilling, **changes)
    values = {
        "cd8": cd8, "cd8_exhausted": exhausted, "tumor": tumor, "hypoxia": 0.0, "ifn_gamma_response": 1.0,
        "killing_capacity": 1.0,
    }  # fmt: skip
    return float(Here(mechanisms, values).ctl_kill_rate[0, 0])


def assert_within_limits(cd8: float, exhausted: float, tumor: float, **changes: float) -> None:
    rate = kill_rate(cd8, exhausted, tumor, **changes)
    assert rate * tumor <= value("killing_per_cell", "1/day") * (cd8 + value("killing_exhausted_share") * exhausted)
    most = value("killing_fastest", "1/day")
    assert rate <= most * (1.0 + value("killing_exhausted_share") * exhausted / max(cd8, 1e-9))


@pytest.mark.parametrize("cd8", [1e-6, 0.1, 1.0, 10.0, 100.0, 1e4])
@pytest.mark.parametrize("tumor", [1e-6, 1.0, 100.0, 1e4])
def test_killing_keeps_to_its_limits(cd8, tumor):
    assert_within_limits(cd8, 0.0, tumor)
    assert_within_limits(cd8, 30.0, tumor)


def test_killing_beyond_its_limits_is_found():
    with pytest.raises(AssertionError):
        assert_within_limits(100.0, 0.0, 100.0, killing_per_cell=400.0, killing_fastest=1e3)


def test_killing_reaches_its_limits():
    mhc = value("killing_mhc")
    assert kill_rate(1e9, 0.0, 1.0) == pytest.approx(mhc * value("killing_fastest", "1/day"), rel=1e-4)
    assert kill_rate(1e3, 0.0, 1e9) * 1e9 == pytest.approx(1e3 * mhc * value("killing_per_cell", "1/day"), rel=1e-2)
    alone, among = kill_rate(0.01, 0.0, 100.0), kill_rate(1.0, 0.0, 100.0)
    assert among / alone == pytest.approx(100.0 * 0.5 / (0.01 / 1.01), rel=0.02), "few cells kill less each"


def test_each_clone_dies_at_its_rate():
    tissue = TISSUE | {"tumor_sensitive": 100.0, "tumor_escaped": 30.0, "tumor_resistant": 20.0}
    for kind, order in ((CTLKilling, (1.0, value("killing_escaped_share"), 1.0)), (NKKilling, None)):
        here = Here(build(kind, Suppression), tissue | {"pd1_inhibition": 0.3, "ifn_gamma_response": 0.2})
        rates = here.gains_and_rates()[1]
        sensitive, escaped, resistant = (rates[f"tumor_{clone}"] for clone in ("sensitive", "escaped", "resistant"))
        assert sensitive == resistant > 0.0
        ratio = order[1] if order else 1.0 / value("nk_killing_mhc_share")
        assert escaped / sensitive == pytest.approx(ratio)


# --- dendritic cells and node --------------------------------------------------------------------------------------


def arrival(**tissue: float) -> float:
    here = Here(build(DendriticCells), TISSUE | {"dc_mature": 0.5, "alarm": 0.5, "atp_signal": 0.0} | tissue)
    return float(here.dc_arrival[0, 0])


def test_without_antigen_nobody_arrives():
    dying = {"dying_immunogenic": 1.0, "dying_silent": 1.0, "necrotic": 1.0}
    assert arrival(**dying) > 0.0
    assert arrival(dying_immunogenic=0.0, dying_silent=0.0, necrotic=0.0) == 0.0
    assert arrival(**dying, tumor_sensitive=0.0, tumor_escaped=150.0) == 0.0
    assert arrival(**dying, tumor_sensitive=0.0, tumor_escaped=0.0, tumor=0.0) == 0.0


def test_alarm_matures_and_suppressors_hold_back():
    def matured(**tissue: float) -> float:
        here = Here(build(DendriticCells), TISSUE | {"alarm": 0.5, "atp_signal": 0.0, "ifn_signal": 0.0} | tissue)
        return here.gains_and_rates()[0]["dc_mature"]

    assert matured(alarm=1.0) > matured() > matured(alarm=0.0) > 0.0
    for suppressor in ("il10", "vegf", "tgf_beta", "adenosine"):
        held = matured(**{suppressor: 1e9})
        kept = 1.0 - value(f"dendritic_{suppressor}_most")
        assert held / matured(**{suppressor: 0.0}) == pytest.approx(kept, rel=1e-6)


def node(values: dict, effects: dict | None = None, **changes: float) -> Here:
    body = {"node_dc": 0.0, "precursors": 4.6, "primed_early": 0.0, "primed_late": 0.0, "blood_cd8": 0.0}
    body |= {"memory": 0.0, "lymphocytes": 1.0, "cd4": 8.0, "dc_arrival": 0.0, "t_cell_entry": 0.0}
    return Here(build(Node, **changes), body | values, effects)


def test_ctla4_blockade_adds_divisions():
    gain = float(node({}, {"ctla4_free": 0.1}).priming_divisions[0, 0] - node({}).priming_divisions[0, 0])
    assert 2.0**gain == pytest.approx(2.0 ** (4.5 * (1.0 / 1.1 - 0.5)), rel=1e-6)
    assert 2.0**gain == pytest.approx(3.6, abs=0.05)


def test_precursors_rest_at_clones_times_clone_size():
    gains, rates = node({}).gains_and_rates()
    rest = value("node_clones") * value("node_clone_size", "Mcell")
    assert gains["precursors"] / rates["precursors"] == pytest.approx(rest)


def test_pd1_blockade_doubles_recall():
    early = lambda free: node({"node_dc": 4.0, "memory": 10.0, "precursors": 0.0}, {"pd1_free": free})
    free, blocked = (early(share).gains_and_rates()[0]["primed_early"] for share in (1.0, 0.0))
    assert blocked / free == pytest.approx(1.0 + value("node_recall_pd1"))


def test_lymphodepletion_takes_blood_and_precursors_and_half_of_memory():
    kept, lost = (node({}, {"lymphodepletion": l}).gains_and_rates()[1] for l in (0.0, 0.1))
    for field, part in (("blood_cd8", 0.1), ("precursors", 0.1), ("lymphocytes", 0.1), ("memory", 0.05)):
        assert lost[field] - kept[field] == pytest.approx(part)


def test_effectors_peak_nine_to_ten_days_after_a_pulse_of_dendritic_cells():
    assert 9.0 <= peak_day() <= 10.5
    assert not 9.0 <= peak_day(node_stage=4.5) <= 10.5, "a node that is left at once must be found"


def peak_day(**changes: float) -> float:
    body = {"node_dc": 1.0, "precursors": 4.6, "primed_early": 0.0, "primed_late": 0.0, "blood_cd8": 0.0}
    body |= {"memory": 0.0, "lymphocytes": 1.0}
    course, dt = [], 0.1
    for _ in range(200):
        gains, rates = node(body, **changes).gains_and_rates()
        for name in body:
            given = *(jnp.full((1,), x) for x in (body[name], gains[name], rates[name])), dt
            body[name] = float(advance(*given, time_integral(*given))[0])
        course.append(body["blood_cd8"])
    return dt * (1 + int(np.argmax(course)))


# --- entry ---------------------------------------------------------------------------------------------------------


def entry(**tissue: float) -> Here:
    return Here(build(Entry, Cxcl12), TISSUE | {"blood_cd8": 5.0, "lymphocytes": 1.0} | tissue, volume=20.0, slope=0.01)


def test_what_blood_loses_the_tumor_gains():
    here = entry()
    gained = here.gains_and_rates()[0]["cd8"] * here.volume
    lost = float(here.t_cell_entry[0, 0]) * here.volume / value("blood_volume", "mL") * 5.0
    assert gained == pytest.approx(lost, rel=1e-9)


@pytest.mark.parametrize(
    ("name", "low", "high", "sign"),
    [
        ("functional_surface", 1.0, 9.0, 1),
        ("cxcl10", 0.001, 1.0, 1),
        ("cxcl12", 0.0, 10.0, -1),
        ("vegf", 0.0, 1.0, -1),
        ("tgf_beta", 0.0, 1.0, -1),
        ("t_cell_pore_gate", 0.1, 1.0, 1),
    ],
)
def test_gates_of_entry(name, low, high, sign):
    change = entry(**{name: high}).t_cell_entry - entry(**{name: low}).t_cell_entry
    assert sign * float(change[0, 0]) > 0.0


def test_closed_matrix_leaves_the_floor_of_entry():
    shut, open_ = (float(entry(t_cell_pore_gate=gate).t_cell_entry[0, 0]) for gate in (0.0, 1.0))
    assert shut / open_ == pytest.approx(value("entry_nest_floor"))


def test_t_cells_drift_up_the_chemokine_and_cross_the_margin():
    here = entry()
    drifts = {flow.field: float(flow.velocity[0, 0]) for flow in here.flows() if isinstance(flow, Drift)}
    assert set(drifts) == {"cd8", "cd8_bystander"}
    assert all(0.0 < v < value("entry_speed", "mm/day") for v in drifts.values())
    margins = [flow for flow in here.flows() if isinstance(flow, Diffuse) and flow.field in drifts]
    assert all(float(flow.host[0, 0]) > 0.0 and float(flow.exchange[0, 0]) > 0.0 for flow in margins)


# --- the others ----------------------------------------------------------------------------------------------------


def test_interferon_gamma_in_balance():
    mechanisms = build(InterferonGamma, Suppression, Cd8)
    tissue = TISSUE | PEACE | {"cd8": 5.0, "cd8_exhausted": 0.0, "nk": 0.0, "ifn_signal": 0.0, "costimulation": 0.5}
    gains, rates = Here(mechanisms, tissue).gains_and_rates()
    seen = value("killing_mhc") * 149.0 / (150.0 + value("killing_contact_half", "Mcell/mL"))
    expected = value("ifn_gamma_secretion", "nM/day/(Mcell/mL)") * 5.0 * seen
    assert gains["ifn_gamma"] == pytest.approx(expected, rel=1e-6)
    assert rates["ifn_gamma"] == pytest.approx(7.68)


def test_chemokine_rests_without_interferon():
    gains, rates = Here(build(Cxcl10), {"ifn_gamma_response": 0.0, "ifn_signal": 0.0}).gains_and_rates()
    assert gains["cxcl10"] / rates["cxcl10"] == pytest.approx(value("cxcl10_rest", "nM"))
    called = Here(build(Cxcl10), {"ifn_gamma_response": 0.5, "ifn_signal": 0.0}).gains_and_rates()[0]
    assert called["cxcl10"] > 5.0 * gains["cxcl10"]


def test_csf1_blockade_takes_macrophages_and_brings_suppressor_cells():
    mechanisms, tissue = build(Macrophages, Mdsc, Ccl2, Csf1), TISSUE | {"ifn_gamma_response": 0.2, "csf1": 1e6}
    free, blocked = (Here(mechanisms, tissue, {"csf1_signaling": share}).gains_and_rates() for share in (1.0, 0.0))
    assert blocked[0]["m2"] < free[0]["m2"] and blocked[1]["m2"] > free[1]["m2"]
    assert blocked[0]["mdsc"] == pytest.approx((1.0 + value("mdsc_csf1_rebound")) * free[0]["mdsc"])


@pytest.mark.parametrize(
    ("kind", "field", "called", "cause"),
    [
        (Ccl2, "ccl2", "monocyte_call", {"hypoxia": 1.0}),
        (Ccl2, "ccl2", "monocyte_call", {"m2": 100.0}),
        (Ccl22, "ccl22", "treg_call", {"m2": 100.0}),
        (Csf1, "csf1", "csf1_response", {"caf": 100.0}),
        (Cxcl12, "cxcl12", "cxcl12_freedom", {"caf": 100.0}),
    ],
)
def test_what_calls_cells(kind, field, called, cause):
    """Each chemokine rises with its cause, and its call with it, CXCL12's falls."""
    level = []
    for tissue in (TISSUE, TISSUE | cause):
        gains, rates = Here(build(kind), tissue).gains_and_rates()
        level.append(gains[field] / rates[field])
    assert level[1] > 1.2 * level[0] > 0.0
    heard = [float(getattr(Here(build(kind), TISSUE | {field: value}), called)[0, 0]) for value in level]
    assert heard[1] < heard[0] if kind is Cxcl12 else heard[1] > heard[0]


def test_macrophages_use_up_what_they_live_on():
    balance = lambda **tissue: [part["csf1"] for part in Here(build(Csf1), TISSUE | tissue).gains_and_rates()]
    (gain, few), (same, many) = balance(m1=1.0, m2=1.0), balance(m1=10.0, m2=50.0)
    assert same == gain and many > 3.0 * few


def test_depletion_of_regulatory_cells():
    kept, lost = (
        Here(build(Treg, Ccl22), TISSUE, {"treg_depletion": d}).gains_and_rates()[1]["treg"] for d in (0.0, 0.1)
    )
    assert lost - kept == pytest.approx(0.1)


def test_resistance_needs_pressure():
    none, some = (Here(build(Editing), TISSUE, {"cytotoxic_pressure": p}).gains_and_rates()[0] for p in (0.0, 3.0))
    assert none["tumor_resistant"] == 0.0 < none["tumor_escaped"]
    assert some["tumor_resistant"] == pytest.approx(value("editing_resistance", "1/day") * 149.0)


def test_crowding_spares_ordinary_infiltrates_and_ends_impossible_ones():
    lost = lambda density: Here(build(Crowding), {"leukocytes": density, "packing": 0.62}).gains_and_rates()[1]
    assert lost(87.0).keys() == set(LEUKOCYTES)
    assert lost(87.0)["m2"] < 0.15 * value("myeloid_death", "1/day")
    assert lost(300.0)["m2"] > 10.0 * value("myeloid_death", "1/day")


def test_exhaustion_goes_both_ways():
    mechanisms = build(Cd8, Suppression)
    base = TISSUE | PEACE | {"costimulation": 0.5, "ifn_signal": 0.0, "cd8": 5.0, "cd8_exhausted": 5.0}
    free, held = (Here(mechanisms, base | {"pd1_inhibition": p}).gains_and_rates() for p in (0.0, 1.0))
    assert held[0]["cd8_exhausted"] > free[0]["cd8_exhausted"] > 0.0, "antigen alone exhausts, PD-1 more"
    assert held[1]["cd8_exhausted"] < free[1]["cd8_exhausted"], "PD-1 keeps cells exhausted"
    crowded = Here(mechanisms, base | {"cd8": 70.0, "pd1_inhibition": 0.0}).flows()
    births = [flow for flow in crowded if isinstance(flow, Supply) and flow.field == "cd8"]
    assert float(births[0].gain[0, 0]) == 0.0


@pytest.mark.parametrize("scale", [0.0, 1e-6, 1.0, 1e3])
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_nothing_is_negative_or_undefined_anywhere(scale, dtype):
    tissue = {name: scale for name in FIELDS} | {
        "oxygen_by_class": (scale,) * 5, "functional_surface": scale, "hypoxia": min(scale, 1.0),
        "t_cell_pore_gate": min(scale, 1.0), "leukocytes": 11.0 * scale, "packing": 0.62, "tumor": 3.0 * scale,
        "atp_breakdown": 200.0,
    }  # fmt: skip
    here = Here(build(*ALL, dtype=dtype), tissue, {"pd1_free": 0.5, "lymphodepletion": 0.1}, dtype=dtype)
    for flow in here.flows():
        for part in flow:
            if isinstance(part, str) or part is None:
                continue
            number = np.asarray(part)
            assert np.isfinite(number).all(), flow
            assert isinstance(flow, Drift) or (number >= 0.0).all(), flow
            assert number.dtype in (np.dtype(dtype), np.dtype(float)), flow
