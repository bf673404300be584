"""Trust: every agent acts through tissue in the direction in which drugs of its kind act, and more with more."""

import numpy as np
import pytest

from alarmin.enrollment import enroll
from alarmin.numerics.sphere import Sphere
from alarmin.records import agents
from alarmin.simulation import Settings, simulate

SMALL = Settings(grid=Sphere(12, 1.5), lanes=16)
DAYS = 21

# What falls (-) or rises (+) under each mode of action, and the fewest percent by which a standard dose moves it.
READOUTS = {
    "a2a_antagonism": ("cd8", 1, 0.5),
    "ccr4_depletion": ("treg", -1, 10.0),
    "cd38_blockade": ("adenosine", -1, 5.0),
    "cd73_blockade": ("adenosine", -1, 20.0),
    "collagenase": ("collagen", -1, 10.0),
    "csf1r_blockade": ("m2", -1, 5.0),
    "ctla4_blockade": ("treg", -1, 1.0),
    "cytotoxic": ("tumor", -1, 0.5),
    "hif_inhibition": ("vegf", -1, 5.0),
    "hyaluronidase": ("hyaluronan", -1, 5.0),
    "hypoxia_activation": ("dying_silent", 1, 0.1),
    "ido_inhibition": ("kynurenine", -1, 5.0),
    "lytic_peptide": ("tumor", -1, 10.0),
    "mct_inhibition": ("lactate", -1, 5.0),
    "oncolytic_virus": ("tumor", -1, 1.0),
    "oxygen_carrier": ("oxygen", 1, 1.0),
    "pd1_blockade": ("cd8", 1, 0.5),
    "pdl1_blockade": ("cd8", 1, 0.5),
    "photodynamic": ("tumor", -1, 5.0),
    "photothermal": ("tumor", -1, 1.0),
    "radiation": ("tumor", -1, 10.0),
    "vaccination": ("m2", -1, 0.5),
    "vegf_neutralization": ("vegf", -1, 20.0),
    "vegfr_inhibition": ("vessel_immature", -1, 1.0),
}
WITHIN_A_DAY = {"oxygen_carrier"}
DAILY = {"by mouth"}


def groups():
    """Agents in fours, so that few programs are compiled and each stays small."""
    names = sorted(agents())
    return [tuple(names[at : at + 6]) for at in range(0, len(names), 6)]


@pytest.fixture(scope="module")
def cohort():
    return enroll("nsclc", 6, seed=5, settings=SMALL)


def regimen(name, factor):
    drug = agents()[name]
    unit = drug.dosing.unit.replace("**", "").replace("delta_degC", "C")
    amount = f"AUC{drug.dosing.value * factor:g}" if unit == "mg*min/mL" else f"{drug.dosing.value * factor:g} {unit}"
    return f"{name} {amount} {'daily' if drug.route in DAILY else 'q1w'}"


def readout(cohort, name, factor, together):
    mode = next(act.mode for act in agents()[name].actions if act.mode in READOUTS)
    field, _, _ = READOUTS[mode]
    days = 1 if mode in WITHIN_A_DAY else DAYS
    # Lymphocytes of blood are held, so that what an agent does in tissue is seen by itself.
    course = simulate(
        cohort,
        regimen(name, factor),
        days=days,
        agents=together,
        clamped={"lymphocytes": 1.0, "blood_cd8": 10.0},
        profile_every=days,
        settings=SMALL,
    )
    if field in course.lesions:
        return course.lesions[field][-1]
    return np.average(course.profiles[field][-1], axis=0, weights=np.asarray(SMALL.grid.shares))


@pytest.mark.parametrize("together", groups(), ids=lambda names: "-".join((names[0], names[-1])))
def test_more_of_an_agent_does_more_of_what_it_does(cohort, together):
    """None, a tenth, one and ten standard doses: the readout moves in order, and by the least percentage at one."""
    for name in together:
        mode = next(act.mode for act in agents()[name].actions if act.mode in READOUTS)
        _, sign, least = READOUTS[mode]
        none, little, usual, much = (readout(cohort, name, factor, together) for factor in (0.0, 0.1, 1.0, 10.0))
        moved = [sign * (np.mean(value / none) - 1.0) * 100.0 for value in (little, usual, much)]
        assert 0.0 <= moved[0] < moved[1] < moved[2] * (1.0 + 1e-3), (name, moved)
        assert moved[1] > least, (name, moved)


def test_every_mode_of_action_has_a_readout():
    modes = {act.mode for drug in agents().values() for act in drug.actions}
    assert modes - {"nanocarrier", "treg_toxicity"} == READOUTS.keys()
