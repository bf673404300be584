"""Perfusion: how stress closes vessels, and what the open ones carry."""

from typing import Any

import jax.numpy as jnp

from alarmin.mechanism import Mechanism, Now, parameter, signal


class Perfusion(Mechanism):
    """Solid stress, not fluid pressure, closes vessels; immature ones stay open but hardly deliver.

        sigma = sigma_g + sigma_HA + k_C C
        sigma_HA = RT (sqrt(c_F^2 + 4 c_s^2) - 2 c_s) C/(C + C_h),   c_F = z g HA
        f_o = f_0 + (1 - f_0)/(1 + (sigma/s_c)^3),   s_c = sigma_c (b_i + b_m V_m/V)
        S_o = f_o V,   S_f = f_o (V_m + eta V_i),   Q = q t S_f,   P S = f_o P (p_m V_m + p_i V_i)

    Hyaluronan of fixed charge z, condensed g-fold, swells by Donnan osmosis against salt c_s where collagen C confines
    it. A perfusion scan sees the open surface S_o; oxygen, nutrients and cells take the functional surface S_f. t is
    the tone that agents leave.

    Reads:    growth_stress, collagen, hyaluronan, vessel_mature, vessel_immature, effects vasomotor_tone and
              vessel_fenestration
    Source:   records perfusion_*, flow_factor, vessel_permeability
    """

    charge: float = parameter(".hyaluronan_charge", "mM/(mg/mL)")
    condensation: float = parameter(".hyaluronan_condensation", "dimensionless")
    salt: float = parameter(".salt", "mM")
    osmotic: float = parameter(".osmotic_pressure", "kPa/mM")
    confinement_half: float = parameter(".confinement_half", "mg/mL")
    collagen_stress: float = parameter(".collagen_stress", "kPa/(mg/mL)")
    collapse: float = parameter(".collapse_stress", "kPa")
    collapse_immature: float = parameter(".collapse_immature", "dimensionless")
    collapse_pericytes: float = parameter(".collapse_pericytes", "dimensionless")
    patent: float = parameter(".patent_floor", "dimensionless")
    immature_share: float = parameter(".immature_function", "dimensionless")
    flow: float = parameter(".flow", "mm/day")
    flow_factor: float = parameter("flow_factor", "dimensionless")
    permeability: float = parameter("vessel_permeability", "mm/day")
    mature_leak: float = parameter(".permeability_mature", "dimensionless")
    immature_leak: float = parameter(".permeability_immature", "dimensionless")
    amino_acid: float = parameter(".permeability_amino_acid", "mm/day")

    @signal("kPa", off=0.0)
    def hyaluronan_pressure(self, now: Now) -> Any:
        """Swelling pressure of hyaluronan that collagen confines [kPa]."""
        fixed = self.charge * self.condensation * now.hyaluronan
        fixed, salt = fixed * fixed, 2.0 * self.salt
        donnan = fixed / (jnp.sqrt(fixed + salt * salt) + salt)
        return self.osmotic * donnan * now.collagen / (now.collagen + self.confinement_half)

    @signal("kPa", off=0.0)
    def solid_stress(self, now: Now) -> Any:
        """Stress that cells and vessels feel: of growth, of swelling hyaluronan, of dense collagen [kPa]."""
        return now.growth_stress + now.hyaluronan_pressure + self.collagen_stress * now.collagen

    @signal("dimensionless", off=1.0)
    def pericyte_coverage(self, now: Now) -> Any:
        """Share of vessel surface that pericytes cover [-]."""
        return now.vessel_mature / jnp.maximum(now.vessel_mature + now.vessel_immature, 1e-6)

    @signal("dimensionless", off=1.0, kept=True)
    def open_fraction(self, now: Now) -> Any:
        """Share of vessel surface that stress leaves open [-]."""
        withstood = self.collapse * (self.collapse_immature + self.collapse_pericytes * now.pericyte_coverage)
        x = now.solid_stress / withstood
        return self.patent + (1.0 - self.patent) / (1.0 + x * x * x)

    @signal("mm**2/mm**3", off=7.0)
    def open_surface(self, now: Now) -> Any:
        """Surface of open vessels, which exchange and perfusion scans see [mm2/mm3]."""
        return now.open_fraction * (now.vessel_mature + now.vessel_immature)

    @signal("mm**2/mm**3", off=7.0)
    def functional_surface(self, now: Now) -> Any:
        """Surface of vessels that deliver [mm2/mm3]."""
        return now.open_fraction * (now.vessel_mature + self.immature_share * now.vessel_immature)

    @signal("1/day", off=630.0)
    def blood_flow(self, now: Now) -> Any:
        """Nutritive blood flow [mL/mL/day]."""
        return self.flow * self.flow_factor * now.product("vasomotor_tone") * now.functional_surface

    @signal("1/day", off=630.0)
    def imaged_flow(self, now: Now) -> Any:
        """Blood flow that a perfusion scan sees, immature shunts included [mL/mL/day]."""
        return self.flow * self.flow_factor * now.product("vasomotor_tone") * now.open_surface

    @signal("1/day", off=0.36)
    def macromolecule_permeability(self, now: Now) -> Any:
        """Permeability to antibodies times surface; immature vessels leak, mature ones hardly [1/day]."""
        leak = self.immature_leak * now.product("vessel_fenestration") * now.vessel_immature
        return self.permeability * now.open_fraction * (self.mature_leak * now.vessel_mature + leak)

    @signal("1/day", off=60.0)
    def amino_acid_exchange(self, now: Now) -> Any:
        """Exchange of amino acids with blood, through vessel walls and flow in series [1/day]."""
        crossing = self.amino_acid * now.open_surface
        return crossing * now.blood_flow / jnp.maximum(crossing + now.blood_flow, 1e-6)
