"""Trust: agents act as drugs of their kind: not without a dose, more with more, unevenly where they reach badly."""

from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest

from alarmin.errors import AlarminError
from alarmin.mechanism import Action, Diffuse, Release, Supply, Transfer
from alarmin.model import make, needs
from alarmin.numerics.response import CLASS_QUANTILES, CLASS_WEIGHTS, class_exposure
from alarmin.records import agent, agents, parameters
from alarmin.therapy import action

CYTOTOXIC = ("carboplatin", "docetaxel", "paclitaxel")


def value_of(name, **changed):
    """Hands out the records of an agent, with some changed in their own unit."""
    known = parameters() | agent(name).records()

    def value(record, unit):
        entry = known[record].model_copy(update={"value": changed[record]}) if record in changed else known[record]
        return jnp.asarray(entry.to(unit))

    return value


def acting(name, mode, **changed):
    return make(action(mode), value_of(name, **changed), name)


def distances(density):
    return tuple(jnp.full((1, 1), np.sqrt(y / (np.pi * density))) for y in CLASS_QUANTILES)


def moment(name, concentration=0.0, damage=0.0, plasma=0.0, **changed):
    """A well perfused lesion of one shell."""
    known = {
        name: concentration,
        f"{name}_damage": damage,
        "tumor_sensitive": 100.0,
        "tumor_escaped": 1.0,
        "tumor_resistant": 1.0,
        "birth_rate": 0.0125,
        "open_surface": 5.0,
        "blood_flow": 600.0,
        "macromolecule_permeability": 0.8,
        "molecular_pore": 20.0,
        "lymph_drainage": 0.0,
        "tumor": 102.0,
        "depth": 2.0,
        "entry_surface": 3.0,
        "ifn_gamma_response": 0.3,
    }
    for part in ("virions", "infected", "immunity", "recent", "fraction", "doomed", "carried", "response"):
        known[f"{name}_{part}"] = 0.0
    fields = {key: jnp.full((1, 1), changed.get(key, value)) for key, value in known.items()}
    fields["oxygen_by_class"] = tuple(jnp.full((1, 1), changed.get("oxygen", 20.0)) for _ in CLASS_WEIGHTS)
    fields["vessel_distance"] = distances(changed.get("density", 100.0))
    return SimpleNamespace(
        **fields,
        plasma=lambda agent: jnp.full((1, 1), plasma),
        integral=lambda density: density * jnp.full((1, 1), 10.0),
        over_lesions=lambda amount: amount,
        once=lambda name, work: work(),
    )


def killed(name, clone="tumor_sensitive", action_changes=None, **moment_of):
    """Rate at which the cells of a clone die [1/day]."""
    flows = acting(name, "cytotoxic", **(action_changes or {})).flows(moment(name, **moment_of))
    return sum(float(jnp.squeeze(f.rate)) for f in flows if isinstance(f, Transfer) and f.source == clone)


def steady(name, **changed):
    """Concentration in tissue over that in plasma, with nothing crossing between shells."""
    flows = {type(f).__name__: f for f in acting(name, "tissue").flows(moment(name, plasma=1.0, **changed))}
    return float(jnp.squeeze(flows["Supply"].gain) / jnp.squeeze(flows["Loss"].rate))


@pytest.mark.parametrize("name", sorted(agents()))
def test_every_action_of_an_agent_uses_exactly_its_records(name):
    drug = agent(name)
    modes = [*((mode, "tissue", drug.tissue) for mode in drug.transport)]
    modes += [(act.mode, act.mode, act.parameters) for act in drug.actions]
    for mode, part, records in modes:
        wanted = {record for record, _ in needs(action(mode), name).values()}
        own = {f"{name}.{part}.{record}" for record in records}
        assert own == {record for record in wanted if record.startswith(f"{name}.{part}.")}


@pytest.mark.parametrize("name", sorted(agents()))
def test_without_a_dose_an_agent_does_nothing_to_the_bit(name):
    now = moment(name)
    for mode in (*agent(name).transport, *(act.mode for act in agent(name).actions)):
        acts = acting(name, mode)
        for flow in acts.flows(now):
            if isinstance(flow, Supply):
                assert not np.any(flow.gain)
            if isinstance(flow, Transfer | Release):
                assert not np.any(flow.rate)
        for effect, none in (
            ("pd1_free", 1),
            ("vasomotor_tone", 1),
            ("vegf_neutralization", 0),
            ("lymphodepletion", 0),
            ("mhc_expression", 1),
            ("dendritic_recruitment", 1),
            ("hyaluronidase", 0),
            ("collagenase", 0),
            ("oxygen_release", 0),
            ("ctla4_free", 1),
            ("treg_depletion", 0),
            ("cd73_activity", 1),
            ("cd38_activity", 1),
            ("a2a_signaling", 1),
            ("lactate_production", 1),
            ("ido_activity", 1),
            ("hif_activity", 1),
            ("csf1_signaling", 1),
            ("vegf_receptor_free", 1),
            ("cytotoxic_pressure", 0),
        ):
            if hasattr(acts, effect):
                assert float(jnp.squeeze(getattr(acts, effect)(now))) == none


@pytest.mark.parametrize(
    ("name", "plasma", "left"),
    [("pembrolizumab", 291.0, 0.0), ("nivolumab", 511.0, 0.0), ("atezolizumab", 1970.0, 0.1)],
)
def test_checkpoint_antibodies_take_the_signal_they_can(name, plasma, left):
    acts = acting(name, agent(name).actions[0].mode)
    free = [float(acts.pd1_free(moment(name, concentration=share * plasma))[0, 0]) for share in (0.0, 0.01, 0.05, 1.0)]
    assert free == sorted(free, reverse=True)
    assert free[0] == 1.0
    assert left < free[-1] < left + 0.02


def test_dose_of_a_checkpoint_antibody_hardly_matters():
    """A quarter or four times the concentration in tissue moves the free receptor by a few points at most."""
    acts = acting("pembrolizumab", "pd1_blockade")
    free = [float(acts.pd1_free(moment("pembrolizumab", concentration=c))[0, 0]) for c in (13.0, 52.0, 208.0)]
    assert free[1] - free[2] < 0.06
    assert (
        acting("pembrolizumab", "pd1_blockade", **{"pembrolizumab.pd1_blockade.affinity": 400.0}).pd1_free(
            moment("pembrolizumab", concentration=52.0)
        )
        > free[1] + 0.5
    )


@pytest.mark.parametrize(("concentration", "neutralized"), [(300.0, 0.96), (30.0, 0.72), (10.0, 0.46)])
def test_bevacizumab_neutralizes_vegf_and_narrows_vessels(concentration, neutralized):
    acts, now = acting("bevacizumab", "vegf_neutralization"), moment("bevacizumab", concentration=concentration)
    added = float(acts.vegf_neutralization(now)[0, 0])
    assert added / (added + parameters()["vegf_loss"].to("1/day")) == pytest.approx(neutralized, abs=0.01)
    assert float(acts.vasomotor_tone(now)[0, 0]) == pytest.approx(1.0 - 0.1 * neutralized, abs=0.001)


def test_exposure_of_the_classes_has_mean_one_and_falls_with_distance():
    for length in (0.03, 0.15, 0.5):
        shares = [float(share[0, 0]) for share in class_exposure(distances(100.0), length)]
        assert np.dot(CLASS_WEIGHTS, shares) == pytest.approx(1.0)
        assert shares == sorted(shares)


def test_antibodies_are_more_even_than_platinum_and_platinum_more_than_taxanes():
    def spread(name):
        shares = class_exposure(distances(100.0), agent(name).tissue["penetration"].to("mm"))
        return float(shares[-1][0, 0] / shares[0][0, 0])

    assert spread("atezolizumab") < 1.6 < spread("carboplatin") < 4.0 < 10.0 < spread("docetaxel")


def test_tissue_levels():
    assert 0.1 < steady("bevacizumab") < 0.3
    for name in CYTOTOXIC:
        assert 0.3 < steady(name) < 0.9
        assert steady(name, blood_flow=200.0) < steady(name) < steady(name, open_surface=10.0)
    assert steady("bevacizumab", macromolecule_permeability=0.2) < 0.5 * steady("bevacizumab")
    assert steady("bevacizumab", open_surface=10.0) == steady("bevacizumab")
    assert steady("docetaxel", macromolecule_permeability=0.2) == steady("docetaxel")


def test_one_standard_dose_with_perfect_access_leaves_damage_one():
    for name in CYTOTOXIC:
        reference = agent(name).actions[0].parameters["reference_exposure"].to("uM*day")
        (gain,) = [
            float(f.gain[0, 0])
            for f in acting(name, "cytotoxic").flows(moment(name, concentration=reference))
            if isinstance(f, Supply) and f.field == f"{name}_damage"
        ]
        assert gain == pytest.approx(1.0)


@pytest.mark.parametrize("name", CYTOTOXIC)
def test_killing_by_damage_clone_and_access(name):
    rates = [killed(name, damage=x) for x in (0.0, 0.3, 1.0, 3.0, 100.0)]
    most = agent(name).actions[0].parameters["kill_rate"].value
    assert rates == sorted(rates)
    assert rates[0] == 0.0
    assert rates[-1] < most
    assert killed(name, "tumor_escaped", damage=1.0) == killed(name, damage=1.0)
    assert killed(name, "tumor_resistant", damage=1.0) < 0.02 * killed(name, damage=1.0)
    assert killed(name, damage=1.0, density=20.0) < killed(name, damage=1.0)
    assert (
        killed(name, damage=1.0, birth_rate=0.0) < killed(name, damage=1.0) < killed(name, damage=1.0, birth_rate=0.025)
    )
    unlike = {f"{name}.cytotoxic.resistance": 1.0}
    assert killed(name, "tumor_resistant", unlike, damage=1.0) == killed(name, damage=1.0)


@pytest.mark.parametrize(("oxygen", "share"), [(0.0, 1.0), (0.2, 0.5), (2.0, 0.09), (10.0, 0.019)])
def test_evofosfamide_is_activated_without_oxygen(oxygen, share):
    assert float(acting("evofosfamide", "hypoxia_activation").activation(oxygen)) == pytest.approx(share, abs=0.002)


def test_evofosfamide_kills_where_oxygen_is_missing():
    def killed(oxygen):
        flows = acting("evofosfamide", "hypoxia_activation").flows(moment("evofosfamide", damage=1.0, oxygen=oxygen))
        moves = [f for f in flows if isinstance(f, Transfer) and f.source == "tumor_sensitive"]
        return sum(float(jnp.squeeze(f.rate)) for f in moves)

    assert killed(0.0) > 1.8 * killed(0.2) > 20.0 * killed(10.0) > 0.0


def test_particles_reach_tissue_through_large_pores_and_release_their_drug_there():
    def flows(**changed):
        found = acting("crlx101", "nanocarrier").flows(moment("crlx101", plasma=0.01, **changed))
        gains = {f.field: float(jnp.squeeze(f.gain)) for f in found if isinstance(f, Supply)}
        (spread,) = (float(jnp.squeeze(f.diffusivity)) for f in found if isinstance(f, Diffuse))
        return gains, spread

    gains, spread = flows()
    assert gains["crlx101_carried"] > 0.0 == gains["crlx101"]
    assert flows(macromolecule_permeability=0.1)[0]["crlx101_carried"] < 0.2 * gains["crlx101_carried"]
    assert flows(molecular_pore=5.0)[1] < 0.2 * spread
    assert flows(crlx101_carried=1.0)[0]["crlx101"] == pytest.approx(0.03 * 24.0)


def test_platinum_needs_oxygen_and_taxanes_do_not():
    assert killed("carboplatin", damage=1.0, oxygen=0.5) < 0.3 * killed("carboplatin", damage=1.0)
    assert killed("docetaxel", damage=1.0, oxygen=0.0) == killed("docetaxel", damage=1.0)


def test_taxanes_raise_more_alarm_than_platinum():
    def immunogenic(name):
        flows = acting(name, "cytotoxic").flows(moment(name, damage=1.0))
        rate = {
            f.target: float(f.rate[0, 0]) for f in flows if isinstance(f, Transfer) and f.source == "tumor_sensitive"
        }
        return rate["dying_immunogenic"] / sum(rate.values())

    assert immunogenic("docetaxel") == pytest.approx(0.20)
    assert immunogenic("carboplatin") == pytest.approx(0.05)


def test_lymphocytes_are_lost_by_exposure_whatever_the_step():
    acts = acting("docetaxel", "cytotoxic")
    reference = agent("docetaxel").actions[0].parameters["reference_exposure"].to("uM*day")
    for dt in (1.0, 0.25):
        rate = float(acts.lymphodepletion(moment("docetaxel", plasma=reference / dt))[0, 0])
        assert rate * dt == pytest.approx(0.15)


def test_pressure_lies_between_none_and_all():
    acts = acting("paclitaxel", "cytotoxic")
    pressure = [float(acts.cytotoxic_pressure(moment("paclitaxel", damage=x))[0, 0]) for x in (0.0, 1.0, 1e4)]
    assert pressure[0] == 0.0
    assert 0.2 < pressure[1] < 0.6
    assert 0.99 < pressure[2] <= 1.0


def test_unknown_mode_of_action_is_refused():
    with pytest.raises(AlarminError, match="unknown mode of action 'pd1_blokade'; did you mean 'pd1_blockade'"):
        action("pd1_blokade")
    with pytest.raises(AlarminError, match="unknown mode of action 'regimen'"):
        action("regimen")
    assert issubclass(action("cytotoxic"), Action)
