"""The one table of what exists in a lesion and its patient, with units; and the state that holds it.

Kinds: `cell`, `vessel`, `matrix` and `carrier` are slow, sit in the tissue and move with it; `property` is slow and
stays with its shell; `molecule` is fast and always in balance with the slow ones; `body` is one number per patient.
"""

from typing import Any, Literal, NamedTuple

import equinox as eqx
from jaxtyping import Array, Float

Kind = Literal["cell", "vessel", "matrix", "carrier", "property", "molecule", "body"]
MATERIAL: tuple[Kind, ...] = ("cell", "vessel", "matrix", "carrier")

CELLS, UM, NM, MM = "Mcell/mL", "uM", "nM", "mM"


class Field(NamedTuple):
    name: str
    kind: Kind
    unit: str
    meaning: str


FIELDS: dict[str, Field] = {
    field.name: field
    for field in (
        Field("tumor_sensitive", "cell", CELLS, "tumor cells that show antigen and respond to drugs"),
        Field("tumor_escaped", "cell", CELLS, "tumor cells that have lost antigen presentation"),
        Field("tumor_resistant", "cell", CELLS, "tumor cells that withstand cytotoxic drugs"),
        Field("dying_immunogenic", "cell", CELLS, "dying tumor cells with calreticulin on their surface"),
        Field("dying_silent", "cell", CELLS, "dying tumor cells without calreticulin"),
        Field("necrotic", "cell", CELLS, "necrotic tumor cells"),
        Field("cd8", "cell", CELLS, "tumor-specific CD8 effector T cells"),
        Field("cd8_exhausted", "cell", CELLS, "exhausted tumor-specific CD8 T cells"),
        Field("cd8_bystander", "cell", CELLS, "CD8 T cells that do not know the tumor"),
        Field("cd4", "cell", CELLS, "CD4 helper T cells"),
        Field("treg", "cell", CELLS, "regulatory T cells"),
        Field("nk", "cell", CELLS, "natural killer cells"),
        Field("dc_immature", "cell", CELLS, "immature dendritic cells"),
        Field("dc_mature", "cell", CELLS, "mature dendritic cells"),
        Field("m1", "cell", CELLS, "inflammatory macrophages"),
        Field("m2", "cell", CELLS, "suppressive macrophages"),
        Field("mdsc", "cell", CELLS, "myeloid-derived suppressor cells"),
        Field("caf", "cell", CELLS, "cancer-associated fibroblasts"),
        Field("vessel_mature", "vessel", "mm**2/mm**3", "surface of vessels covered by pericytes"),
        Field("vessel_immature", "vessel", "mm**2/mm**3", "surface of vessels without pericytes"),
        Field("collagen", "matrix", "mg/mL", "fibrillar collagen"),
        Field("hyaluronan", "matrix", "mg/mL", "hyaluronan"),
        Field("alarm_atp", "carrier", CELLS, "killed cells that still hold their ATP, anthracycline equivalents"),
        Field("alarm_hmgb1", "carrier", CELLS, "killed cells that still hold their HMGB1, anthracycline equivalents"),
        Field("alarm_ifn", "carrier", CELLS, "killed cells that still induce type-I interferon, equivalents"),
        Field("alarm_inhibitor", "carrier", CELLS, "recently killed cells that release an inhibitor of the alarm"),
        Field("alarm_killed", "carrier", CELLS, "recently killed cells of every mode"),
        Field("growth_stress", "property", "kPa", "solid stress that growth against friction has built up"),
        Field("oxygen", "molecule", "mmHg", "oxygen tension"),
        Field("glucose", "molecule", MM, "glucose"),
        Field("lactate", "molecule", MM, "lactate"),
        Field("atp", "molecule", UM, "extracellular ATP"),
        Field("adenosine", "molecule", UM, "adenosine"),
        Field("tryptophan", "molecule", UM, "tryptophan"),
        Field("kynurenine", "molecule", UM, "kynurenine"),
        Field("arginine", "molecule", UM, "arginine"),
        Field("vegf", "molecule", NM, "free VEGF"),
        Field("tgf_beta", "molecule", NM, "active TGF-beta"),
        Field("il10", "molecule", NM, "interleukin 10"),
        Field("ifn_gamma", "molecule", NM, "interferon gamma"),
        Field("ifn_type1", "molecule", NM, "type-I interferon"),
        Field("cxcl10", "molecule", NM, "chemokines CXCL9 and CXCL10"),
        Field("ccl2", "molecule", NM, "chemokine CCL2"),
        Field("ccl22", "molecule", NM, "chemokine CCL22"),
        Field("csf1", "molecule", NM, "colony-stimulating factor 1"),
        Field("cxcl12", "molecule", NM, "chemokine CXCL12"),
        Field("hmgb1", "molecule", NM, "extracellular HMGB1"),
        Field("node_dc", "body", "Mcell", "antigen-bearing dendritic cells in the tumor-draining node"),
        Field("precursors", "body", "Mcell", "naive tumor-specific CD8 T cells"),
        Field("primed_early", "body", "Mcell", "primed CD8 T cells, first half of their stay in the node"),
        Field("primed_late", "body", "Mcell", "primed CD8 T cells, second half of their stay in the node"),
        Field("blood_cd8", "body", "Mcell", "tumor-specific CD8 effector T cells in blood"),
        Field("memory", "body", "Mcell", "tumor-specific CD8 memory T cells"),
        Field("lymphocytes", "body", "dimensionless", "blood lymphocytes relative to normal"),
    )
}
"""Every field of the biology by name. Agents add their own: concentration in tissue, and damage where they do any."""


class State(eqx.Module):
    """A moment of all lanes: one lesion of one patient each.

    `fields` holds `[shell, lane]` for tissue and `[1, lane]` for the body (equal in the lanes of one patient).
    `velocity` is the outward speed of tissue at the shell centers [mm/day].
    """

    day: Float[Array, ""]
    radius: Float[Array, "1 lane"]
    velocity: Float[Array, "shell lane"]
    fields: dict[str, Any]
