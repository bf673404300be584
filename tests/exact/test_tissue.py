"""Trust: single mechanisms of the tissue agree with formulas worked out beside them, and every influence has its sign.

A fake moment holds one shell of one lesion, so that nothing here rests on the grid, the solver or the assembly.
"""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from alarmin.biology.arginine import Arginine
from alarmin.biology.fibroblasts import Fibroblasts
from alarmin.biology.glucose import Glucose
from alarmin.biology.hindrance import Hindrance
from alarmin.biology.hypoxia import Hypoxia
from alarmin.biology.il10 import Il10
from alarmin.biology.lactate import Lactate
from alarmin.biology.lymph import Lymph
from alarmin.biology.matrix import Matrix
from alarmin.biology.necrosis import Necrosis
from alarmin.biology.oxygen import Oxygen
from alarmin.biology.perfusion import Perfusion
from alarmin.biology.purines import Purines
from alarmin.biology.solid_stress import GrowthStress
from alarmin.biology.tgf_beta import TgfBeta
from alarmin.biology.tryptophan import Tryptophan
from alarmin.biology.tumor import TumorGrowth
from alarmin.biology.vegf import Vegf
from alarmin.biology.vessels import Vessels
from alarmin.biology.volume import Volume
from alarmin.mechanism import Loss, Supply, Transfer, marked
from alarmin.model import biology, make, needs
from alarmin.numerics.response import CLASS_WEIGHTS
from alarmin.patients import records_of
from alarmin.records import tumors
from alarmin.state import FIELDS
from alarmin.units import UnitError

RECORDS = records_of("nsclc")
TISSUE = (
    Arginine, Fibroblasts, Glucose, GrowthStress, Hindrance, Hypoxia, Il10, Lactate, Lymph, Matrix, Necrosis, Oxygen,
    Perfusion, Purines, TgfBeta, Tryptophan, TumorGrowth, Vegf, Vessels, Volume,
)  # fmt: skip
MOLECULES = (
    "oxygen", "glucose", "lactate", "atp", "adenosine", "tryptophan", "kynurenine", "arginine", "vegf", "tgf_beta",
    "il10",
)  # fmt: skip


def record(name, unit):
    return RECORDS[name].to(unit)


def mechanism(kind):
    return make(kind, lambda name, unit: jnp.asarray(record(name, unit)))


def beginning():
    """Every field at the start of settling, as usual tissue has it.

    How many cells withstand drugs is told beside the sensitive ones; in usual tissue both share the room of these.
    """
    start = {name: RECORDS[f"start_{name}"].value for name in FIELDS}
    room = start["tumor_sensitive"] / (start["tumor_sensitive"] + start["tumor_resistant"])
    return start | {name: room * start[name] for name in ("tumor_sensitive", "tumor_resistant")}


class Fake:
    """One shell: every field at its beginning unless given; signals as the tissue defines them."""

    mechanisms = {kind: mechanism(kind) for kind in TISSUE}
    providers = {name: made for kind, made in mechanisms.items() for name in marked(kind, "signal")}

    def __init__(self, effects=None, **given):
        full = lambda value: jnp.full((1, 1), value)
        start = {name: full(value) for name, value in beginning().items()}
        extra = {"ifn_gamma_response": full(1 / 3), "depth": full(5.0), "velocity": full(0.0), "radius": full(12.0)}
        self.known = start | extra | {name: self.shaped(value) for name, value in given.items()}
        self.effects = effects or {}

    @staticmethod
    def shaped(value):
        if isinstance(value, tuple):
            return tuple(jnp.full((1, 1), item) for item in value)
        return jnp.asarray(value) if jnp.ndim(value) else jnp.full((1, 1), value)

    def __getattr__(self, name):
        if name not in self.known:
            self.known[name] = getattr(self.providers[name], name)(self)
        return self.known[name]

    def total(self, effect):
        return self.effects.get(effect, 0.0)

    def product(self, effect):
        return self.effects.get(effect, 1.0)

    def outward_integral(self, value):
        return value * self.depth

    def number(self, name):
        return float(jnp.asarray(getattr(self, name)).reshape(()))


def flow_sums(now, fields):
    """Supply and rate of loss of fields by all of the tissue's mechanisms, transfers included."""
    gain, lost = dict.fromkeys(fields, 0.0), dict.fromkeys(fields, 0.0)
    for made in now.mechanisms.values():
        for flow in made.flows(now):
            match flow:
                case Supply(name, value) if name in gain:
                    gain[name] = gain[name] + value
                case Loss(name, value) if name in lost:
                    lost[name] = lost[name] + value
                case Transfer(source, target, value):
                    if source in lost:
                        lost[source] = lost[source] + value
                    if target in gain:
                        gain[target] = gain[target] + value * getattr(now, source)
    return gain, lost


def rates(now, field):
    """Supply and rate of loss of one field, as numbers."""
    return tuple(float(jnp.asarray(part[field]).reshape(())) for part in flow_sums(now, [field]))


EFFECTS = {
    "cd39_activity": 1.0, "cd73_activity": 1.0, "ido_activity": 1.0, "lactate_production": 1.0, "lactate_efflux": 1.0,
    "vegf_neutralization": 0.0, "tgf_beta_neutralization": 0.0, "vegf_receptor_free": 1.0,
}  # fmt: skip


@jax.jit
def _balance(values, moving, effects, signals):
    def sweep(_, values):
        gain, lost = flow_sums(Fake(effects, **values, **signals), MOLECULES)
        return values | {n: jnp.where(moving[n], 0.5 * (values[n] + gain[n] / lost[n]), values[n]) for n in MOLECULES}

    return jax.lax.fori_loop(0, 60, sweep, values)


def balanced(effects=None, only=MOLECULES, **given):
    """The moment at which molecules are in balance, without diffusion; what is given stays."""
    fields = [name for name, field in FIELDS.items() if field.kind != "body"]
    effects = EFFECTS | (effects or {})
    start = beginning()
    values = {name: jnp.full((1, 1), given.get(name, start[name])) for name in fields}
    moving = {name: jnp.asarray(name in only and name not in given) for name in MOLECULES}
    signals = {name: jnp.full((1, 1), value) for name, value in given.items() if name not in values}
    values = _balance(values, moving, effects, {"ifn_gamma_response": jnp.full((1, 1), 1 / 3)} | signals)
    return Fake(effects, **values, **signals)


@pytest.fixture(scope="module")
def usual():
    return balanced()


# Records


def test_every_parameter_has_a_record_whose_unit_converts():
    missing = []
    for tumor in tumors():
        known = records_of(tumor)
        for kind in biology():
            for name, unit in needs(kind).values():
                if name not in known:
                    missing.append(f"{tumor}: {kind.__name__}: {name} [{unit}]")
                else:
                    known[name].to(unit)
    assert not missing


def test_a_unit_that_does_not_convert_is_noticed():
    with pytest.raises(UnitError):
        record("vegf_loss", "nM")


def test_every_field_has_a_start():
    for name, field in FIELDS.items():
        assert RECORDS[f"start_{name}"].to(field.unit) >= 0.0


def test_usual_tissue_fills_its_volume():
    assert Fake().number("occupied") == pytest.approx(Fake().number("packing"), rel=0.1)


def test_volume_of_vessels_is_half_a_radius_per_surface():
    length, radius = 50.0, record("vessel_radius", "mm")
    surface, volume = 2 * np.pi * radius * length, np.pi * radius**2 * length
    without = Fake(vessel_mature=0.0, vessel_immature=0.0).number("occupied")
    assert Fake(vessel_mature=surface, vessel_immature=0.0).number("occupied") - without == pytest.approx(
        volume, rel=1e-3
    )


# Stress and perfusion


@pytest.mark.parametrize("hyaluronan", [0.01, 0.3, 1.0, 2.5, 10.0])
def test_swelling_pressure_is_that_of_donnan(hyaluronan):
    charge = 2.5 * 10.0 * hyaluronan
    donnan = 8.314e-3 * 310.0 * (np.sqrt(charge**2 + 4 * 150.0**2) - 300.0)
    now = Fake(hyaluronan=hyaluronan, collagen=8.0)
    assert now.number("hyaluronan_pressure") == pytest.approx(donnan * 8.0 / 13.0, rel=1e-3)


def test_swelling_is_negligible_at_mean_content_without_condensation():
    # The same law without the local condensation; it shows on what compression by hyaluronan rests.
    condensed = record("perfusion_hyaluronan_condensation", "dimensionless")
    now = Fake(hyaluronan=1.0 / condensed, collagen=1e6)
    assert now.number("hyaluronan_pressure") < 0.06
    assert Fake(hyaluronan=1.0, collagen=1e6).number("hyaluronan_pressure") > 2.0


def test_swelling_quarters_when_hyaluronan_halves():
    whole, half = Fake(hyaluronan=0.4), Fake(hyaluronan=0.2)
    assert whole.number("hyaluronan_pressure") / half.number("hyaluronan_pressure") == pytest.approx(4.0, rel=0.01)


@pytest.mark.parametrize(("name", "low", "high"), [("collagen", 5.0, 20.0), ("hyaluronan", 0.3, 2.0),
                                                   ("growth_stress", 1.0, 5.0)])  # fmt: skip
def test_stress_closes_vessels(name, low, high):
    for quantity in ("open_fraction", "functional_surface", "blood_flow", "macromolecule_permeability"):
        assert Fake(**{name: high}).number(quantity) < Fake(**{name: low}).number(quantity)


def test_vessels_never_close_altogether_and_are_open_without_stress():
    assert Fake(growth_stress=1e3).number("open_fraction") == pytest.approx(
        record("perfusion_patent_floor", "dimensionless"), rel=1e-3
    )
    assert Fake(growth_stress=0.0, collagen=0.0, hyaluronan=0.0).number("open_fraction") == pytest.approx(1.0)


def test_pericytes_let_vessels_deliver_and_hold_back_antibodies():
    covered = Fake(vessel_mature=6.0, vessel_immature=1.0)
    bare = Fake(vessel_mature=1.0, vessel_immature=6.0)
    assert covered.number("functional_surface") > 2.0 * bare.number("functional_surface")
    assert covered.number("macromolecule_permeability") < 0.5 * bare.number("macromolecule_permeability")


def test_a_scan_sees_shunts_that_do_not_deliver():
    now = Fake(vessel_mature=1.0, vessel_immature=6.0)
    assert now.number("imaged_flow") > 2.0 * now.number("blood_flow")


def test_vasoconstriction_acts_on_flow_at_once_and_on_nothing_else():
    before, after = Fake(), Fake({"vasomotor_tone": 0.9})
    assert after.number("blood_flow") == pytest.approx(0.9 * before.number("blood_flow"), rel=1e-6)
    assert after.number("functional_surface") == before.number("functional_surface")


def test_growth_presses_on_the_center_and_collagen_makes_it_worse():
    target = lambda **given: rates(Fake(**given), "growth_stress")[0] * record("solid_stress_relaxation", "day")
    assert target(velocity=0.0) == pytest.approx(record("solid_stress_host", "kPa"))
    assert target(velocity=0.03) > target(velocity=0.01) > target(velocity=0.0)
    assert target(velocity=0.03, collagen=20.0) > target(velocity=0.03, collagen=5.0)
    assert target(velocity=-1.0) == 0.0


# Oxygen, its classes, necrosis


def test_oxygen_follows_krogh_where_flow_does_not_limit():
    now = balanced(only=["oxygen"], functional_surface=6.0, blood_flow=1e9)
    n, radius = 6.0 / (2 * np.pi * 0.008), 0.008
    krogh = 0.6 * 2 * np.pi * n * 151.2 / max(np.log(1 / (radius * np.sqrt(np.pi * n))) - 0.75, 0.3)
    expected = record("oxygen_supply_pressure", "mmHg") - now.number("oxygen_use") / krogh
    assert now.number("oxygen") == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("surface", [0.0, 0.3, 3.0, 30.0])
def test_classes_have_the_mean_of_their_shell(surface):
    now = Fake(functional_surface=surface)
    assert sum(CLASS_WEIGHTS) == pytest.approx(1.0)
    for classes, mean in ((now.oxygen_by_class, now.oxygen), (now.glucose_by_class, now.glucose)):
        assert sum(w * float(q[0, 0]) for w, q in zip(CLASS_WEIGHTS, classes, strict=True)) == pytest.approx(
            float(mean[0, 0]), rel=1e-5
        )
        assert all(float(far[0, 0]) <= float(near[0, 0]) for far, near in pairwise(classes))


def test_classes_fade_out_where_there_are_no_vessels():
    spread = lambda now: float(now.oxygen_by_class[-1][0, 0] / now.oxygen_by_class[0][0, 0])
    assert spread(Fake(functional_surface=0.0)) == pytest.approx(1.0, abs=0.1)
    assert spread(Fake(functional_surface=3.0)) > 1.5


def test_necrosis_needs_want_of_oxygen_and_is_slower_with_glucose():
    rate = lambda p, glucose: Fake(oxygen_by_class=(p,) * 5, glucose_by_class=(glucose,) * 5).number("starvation")
    fastest = record("necrosis_rate", "1/day")
    assert rate(0.0, 0.0) == pytest.approx(fastest)
    assert rate(0.0, 100.0) == pytest.approx(0.25 * fastest, rel=1e-3)
    assert rate(0.3, 0.5) == pytest.approx(fastest * 0.5 * (0.25 + 0.75 * 0.5), rel=1e-5)
    assert rate(5.0, 0.0) < 1e-3 * fastest


def test_necrosis_loses_no_cell():
    now = Fake(oxygen_by_class=(0.1,) * 5, glucose_by_class=(0.1,) * 5)
    made = now.mechanisms[Necrosis]
    moved = [flow for flow in made.flows(now) if isinstance(flow, Transfer) and flow.source == "tumor_sensitive"]
    assert sum(float(flow.rate[0, 0]) for flow in moved) == pytest.approx(now.number("starvation"), rel=1e-6)
    assert {flow.target for flow in moved} == {"necrotic", "dying_immunogenic"}


def test_loss_of_vhl_and_inhibitors_act_on_hypoxia():
    now = Fake({"hif_activity": 0.3}, oxygen_by_class=(6.0,) * 5)
    assert now.number("hypoxia") == pytest.approx(0.3 * 0.8, rel=1e-5)
    assert now.number("hypoxia_vegf") == pytest.approx(0.3 * 0.8, rel=1e-5)


# Metabolites and cytokines in balance


def test_usual_tissue_has_published_levels(usual):
    for name, low, high in (
        ("oxygen", 15, 45), ("glucose", 1, 5), ("lactate", 3, 15), ("atp", 3, 30), ("adenosine", 0.5, 10),
        ("kynurenine", 2, 12), ("tryptophan", 40, 60), ("arginine", 20, 80), ("vegf", 0.05, 0.5),
        ("tgf_beta", 0.01, 0.2), ("il10", 0.005, 0.05), ("ph", 6.6, 7.3),
    ):  # fmt: skip
        assert low < usual.number(name) < high, name


SIGNS = [
    ({"blood_flow": 200.0}, {"blood_flow": 2000.0}, {"oxygen": 1, "glucose": 1, "lactate": -1}),
    ({"hypoxia": 0.1, "hypoxia_vegf": 0.1}, {"hypoxia": 0.8, "hypoxia_vegf": 0.8},
     {"vegf": 1, "lactate": 1, "adenosine": 1, "glucose": -1, "tgf_beta": 1}),
    ({"caf": 10.0}, {"caf": 60.0}, {"tgf_beta": 1, "oxygen": -1}),
    ({"m2": 5.0}, {"m2": 30.0}, {"il10": 1, "arginine": -1, "kynurenine": 1, "vegf": 1}),
    ({"mdsc": 1.0}, {"mdsc": 10.0}, {"arginine": -1}),
    ({"treg": 1.0}, {"treg": 10.0}, {"adenosine": 1, "atp": -1}),
    ({"ifn_gamma_response": 0.0}, {"ifn_gamma_response": 0.8}, {"kynurenine": 1, "tryptophan": -1}),
    ({"tumor_sensitive": 50.0}, {"tumor_sensitive": 200.0}, {"oxygen": -1, "glucose": -1, "lactate": 1, "vegf": 1}),
]  # fmt: skip


@pytest.mark.parametrize(("less", "more", "signs"), SIGNS)
def test_influences_on_molecules_have_their_sign(less, more, signs):
    low, high = balanced(**less), balanced(**more)
    for name, sign in signs.items():
        assert sign * (high.number(name) - low.number(name)) > 1e-4 * low.number(name), name


def test_without_cd73_adenosine_falls_and_atp_stays(usual):
    now = balanced({"cd73_activity": 0.0})
    assert now.number("adenosine") < 0.4 * usual.number("adenosine")
    assert now.number("atp") == pytest.approx(usual.number("atp"), rel=1e-3)


def test_without_cd39_adenosine_falls_and_atp_rises(usual):
    now = balanced({"cd39_activity": 0.0})
    assert now.number("adenosine") < 0.6 * usual.number("adenosine"), "CD38 still makes some from NAD"
    assert now.number("atp") > 1.5 * usual.number("atp")
    assert balanced({"cd39_activity": 0.0, "cd38_activity": 0.0}).number("adenosine") < 0.05 * usual.number("adenosine")


def test_without_ido_tryptophan_and_kynurenine_are_those_of_blood(usual):
    now = balanced({"ido_activity": 0.0})
    assert now.number("tryptophan") == pytest.approx(60.0, rel=1e-3)
    assert 1.5 < now.number("kynurenine") <= 2.0 < 0.7 * usual.number("kynurenine")


def test_without_myeloid_cells_arginine_is_that_of_blood():
    assert balanced(m2=0.0, mdsc=0.0).number("arginine") == pytest.approx(80.0, rel=1e-3)


def test_agents_on_lactate_and_cytokines(usual):
    assert balanced({"lactate_production": 0.5}).number("lactate") < usual.number("lactate")
    assert balanced({"lactate_efflux": 0.5}).number("lactate") > usual.number("lactate")
    assert balanced({"tgf_beta_neutralization": 1.0}).number("tgf_beta") == pytest.approx(
        0.5 * usual.number("tgf_beta"), rel=0.05
    )
    assert balanced({"vegf_neutralization": 166.0}).number("vegf") < 0.15 * usual.number("vegf")


# Vessels


@jax.jit
def _settle_vessels(vegf, free):
    def day(_, surfaces):
        given = {"starvation": 0.0, "open_fraction": 1.0, "vegf": vegf}
        now = Fake({"vegf_receptor_free": free}, vessel_mature=surfaces[0], vessel_immature=surfaces[1], **given)
        names = ("vessel_mature", "vessel_immature")
        gain, lost = flow_sums(now, names)
        return tuple(s + gain[name] - lost[name] * s for name, s in zip(names, surfaces, strict=True))

    return jax.lax.fori_loop(0, 730, day, (jnp.full((1, 1), 5.0), jnp.full((1, 1), 2.0)))


def settled_vessels(vegf, free=1.0):
    """Mature and immature surface after two years at fixed VEGF, without growth, stress or necrosis."""
    return tuple(float(surface[0, 0]) for surface in _settle_vessels(jnp.full((1, 1), vegf), free))


def test_vegf_strips_pericytes():
    covered = lambda surfaces: surfaces[0] / sum(surfaces)
    low, middle, high = (covered(settled_vessels(v)) for v in (0.03, 0.15, 0.6))
    assert low > middle > high


def test_receptor_blockade_matures_and_prunes():
    before, after = settled_vessels(0.3), settled_vessels(0.3, free=0.05)
    assert after[0] / sum(after) > before[0] / sum(before)
    assert sum(after) < sum(before)


def test_less_vegf_first_matures_and_then_starves():
    half = [record(f"vessel_{step}_vegf_half", "nM") for step in ("withdrawal", "maturation", "sprouting")]
    assert half == sorted(half)


def test_mature_vessels_outlive_vegf_for_months_and_sprouts_do_not():
    now = Fake(vegf=0.003, starvation=0.0, open_fraction=1.0)
    made = [flow for flow in now.mechanisms[Vessels].flows(now) if isinstance(flow, Loss)]
    life = {flow.field: 1.0 / float(flow.rate[0, 0]) for flow in made}
    assert life["vessel_mature"] > 100.0
    assert life["vessel_immature"] < 7.0


# Matrix


def test_the_matrix_narrows_its_pores():
    for name, low, high in (("collagen", 5.0, 25.0), ("hyaluronan", 0.1, 2.5)):
        for quantity in ("molecular_pore", "small_protein_hindrance", "t_cell_pore_gate"):
            assert Fake(**{name: high}).number(quantity) < Fake(**{name: low}).number(quantity)
    assert Fake(collagen=20.0, hyaluronan=0.0).number("t_cell_pore") == pytest.approx(3.5)
    assert Fake(collagen=0.0, hyaluronan=0.0).number("t_cell_pore") == pytest.approx(12.0)


@pytest.mark.parametrize(
    ("radius", "measured"), [(5.5, 1e-7), (10.0, 5e-8), (20.0, 2e-8), (30.0, 5e-9), (50.0, 1e-9), (90.0, 1e-10)]
)
def test_large_molecules_are_slowed_as_measured(radius, measured):
    pore = Fake(collagen=20.0, hyaluronan=0.0).number("molecular_pore")
    open_mesh = record("transport_open_share", "dimensionless") * record("transport_water_diffusivity", "nm*cm**2/s")
    assert 1 / 3 < open_mesh / radius * np.exp(-radius / pore) / measured < 3


def test_collagen_comes_from_fibroblasts_and_goes_with_enzymes():
    assert rates(Fake(caf=60.0), "collagen")[0] > rates(Fake(caf=20.0), "collagen")[0]
    assert rates(Fake({"collagenase": 0.5}), "collagen")[1] == pytest.approx(rates(Fake(), "collagen")[1] + 0.5)
    assert rates(Fake({"hyaluronidase": 2.5}), "hyaluronan")[1] == pytest.approx(2.7)


def test_scars_are_resorbed_and_tumors_are_not():
    tumor = Fake(dying_silent=0.0, dying_immunogenic=0.0)
    scar = Fake(tumor_sensitive=0.0, tumor_escaped=0.0, tumor_resistant=0.0)
    assert Fake().number("scar_resorption") < 0.02
    assert tumor.number("scar_resorption") < 1e-3 < scar.number("scar_resorption") == pytest.approx(1.0)
    assert rates(scar, "caf")[1] == pytest.approx(0.1, rel=1e-3)
    assert rates(scar, "collagen")[1] == pytest.approx(0.03, rel=1e-3)
    assert rates(tumor, "collagen")[1] == pytest.approx(0.007, rel=0.02)


def test_stroma_goes_where_tumor_cells_get_fewer():
    """Half of the resorption where more cells are cleared than born by the rate of the record; none where they grow."""
    half, cleared = RECORDS["caf_resorption_net_loss"].value, RECORDS["clearance_dying"].value
    living, birth = Fake().number("tumor"), Fake().number("birth_rate")
    # (c D - b n)/(n + D) = half, solved for the dying D.
    dying = Fake(dying_silent=living * (half + birth) / (cleared - half), dying_immunogenic=0.0)
    assert dying.number("net_loss") == pytest.approx(half, rel=1e-5)
    assert dying.number("scar_resorption") == pytest.approx(0.5, abs=1e-3)
    assert rates(dying, "caf")[1] == pytest.approx(0.5 * (0.02 + 0.1), rel=1e-2)
    as_many = Fake(dying_silent=living * birth / cleared, dying_immunogenic=0.0)
    assert as_many.number("net_loss") == pytest.approx(0.0, abs=1e-6)
    assert as_many.number("scar_resorption") < 1e-3


def test_lymph_drains_the_margin_only():
    assert Fake(depth=0.0).number("lymph_drainage") == pytest.approx(2.16)
    assert Fake(depth=10.0).number("lymph_drainage") < 1e-3
