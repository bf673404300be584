"""Dendritic cells: called in, matured by the alarm, and gone to the node with what they ate."""

from typing import Any

import jax.numpy as jnp

from alarmin.mechanism import Flow, Mechanism, Now, loss, parameter, signal, supply, transfer
from alarmin.numerics.response import hill, suppress


class DendriticCells(Mechanism):
    """Precursors come through perfused vessels, mature on alarm unless held back, and carry antigen to the node.

        supply(dc_immature, r_d S_f t (1/2 + 1/2 h(nk + cd8) + r_A H_ATP + r_I H_IFN))
        transfer(dc_immature -> dc_mature, k_m (m_0 + A) C)
        loss(dc_immature, d_i);   loss(dc_mature, k_g + d_m)
        arrival at the node   f_x l k_g dc_mature h(a),   a = (calreticulin + s (silent + necrotic)) T_a/T

    C is what interleukin 10, VEGF, TGF-beta and adenosine leave of maturation, T_a/T the share of tumor cells that
    have antigen, f_x the share of dendritic cells that cross-present, l the function of the lymphatics, t the traffic
    of all leukocytes of the patient. Without antigen, mature cells arrive empty and do not count.

    Reads:    functional_surface, nk, cd8, alarm and its signals, il10, vegf, tgf_beta, adenosine, clones, dying cells,
              effects dendritic_recruitment, vegf_receptor_free
    Changes:  dc_immature, dc_mature
    Source:   records dendritic_*, leukocyte_traffic
    """

    traffic: float = parameter("leukocyte_traffic", "dimensionless")
    recruitment: float = parameter(".recruitment", "Mcell/mL/day/(mm**2/mm**3)")
    lymphocyte_half: float = parameter(".lymphocyte_half", "Mcell/mL")
    atp_call: float = parameter(".atp_call", "dimensionless")
    ifn_call: float = parameter(".ifn_call", "dimensionless")
    maturation: float = parameter(".maturation", "1/day")
    maturation_rest: float = parameter(".maturation_rest", "dimensionless")
    migration: float = parameter(".migration", "1/day")
    immature_death: float = parameter(".immature_death", "1/day")
    mature_death: float = parameter(".mature_death", "1/day")
    cross_presenting: float = parameter(".cross_presenting", "dimensionless")
    lymphatics: float = parameter(".lymphatics", "dimensionless")
    silent_antigen: float = parameter(".silent_antigen", "dimensionless")
    antigen_half: float = parameter(".antigen_half", "Mcell/mL")
    il10_half: float = parameter(".il10_half", "nM")
    il10_most: float = parameter(".il10_most", "dimensionless")
    vegf_half: float = parameter(".vegf_half", "nM")
    vegf_most: float = parameter(".vegf_most", "dimensionless")
    tgf_beta_half: float = parameter(".tgf_beta_half", "nM")
    tgf_beta_most: float = parameter(".tgf_beta_most", "dimensionless")
    adenosine_half: float = parameter(".adenosine_half", "uM")
    adenosine_most: float = parameter(".adenosine_most", "dimensionless")

    @signal("dimensionless", off=1.0)
    def maturation_capacity(self, now: Now) -> Any:
        """What suppressors leave of the maturation of dendritic cells [-]."""
        return (
            suppress(now.il10, self.il10_half, self.il10_most)
            * suppress(now.vegf * now.product("vegf_receptor_free"), self.vegf_half, self.vegf_most)
            * suppress(now.tgf_beta, self.tgf_beta_half, self.tgf_beta_most)
            * suppress(now.adenosine, self.adenosine_half, self.adenosine_most)
        )

    @signal("Mcell/mL", off=0.0)
    def antigen_load(self, now: Now) -> Any:
        """Dead tumor cells with antigen that dendritic cells can eat, calreticulin-positive equivalents [Mcell/mL]."""
        bearing = (now.tumor_sensitive + now.tumor_resistant) / jnp.maximum(now.tumor, 1e-6)
        return bearing * (now.dying_immunogenic + self.silent_antigen * (now.dying_silent + now.necrotic))

    @signal("Mcell/mL/day", off=0.0)
    def dc_arrival(self, now: Now) -> Any:
        """Antigen-bearing, cross-presenting dendritic cells that leave for the node [Mcell/mL/day]."""
        leaving = self.cross_presenting * self.lymphatics * self.migration * now.dc_mature
        return leaving * hill(now.antigen_load, self.antigen_half)

    def flows(self, now: Now) -> list[Flow]:
        call = 0.5 + 0.5 * hill(now.nk + now.cd8, self.lymphocyte_half)
        call = call + self.atp_call * now.atp_signal + self.ifn_call * now.ifn_signal
        entry = self.recruitment * self.traffic * now.functional_surface * now.product("dendritic_recruitment")
        matured = self.maturation * (self.maturation_rest + now.alarm) * now.maturation_capacity
        return [
            supply("dc_immature", entry * call),
            transfer("dc_immature", "dc_mature", matured),
            loss("dc_immature", self.immature_death),
            loss("dc_mature", self.migration + self.mature_death),
        ]
