"""Tumor-specific CD8 T cells in the tumor: division, exhaustion and death."""

from typing import Any

import jax.numpy as jnp

from alarmin.mechanism import Flow, Mechanism, Now, loss, parameter, signal, supply, transfer
from alarmin.numerics.response import hill


class Cd8(Mechanism):
    """Effectors that meet antigen divide and exhaust; blocked PD-1 brings exhausted cells back.

        a = mhc T_a/(T + K_T)
        supply(cd8, r a S help cost (1 + i H_IFN) (1 - n/n_m)+ cd8),   n = cd8 + cd8_exhausted
        help = 1/2 + 1/2 h(cd4),   cost = c_0 + c_1 costimulation
        transfer(cd8 -> cd8_exhausted, k_x a (b + (1 - b) P));   transfer(cd8_exhausted -> cd8, k_r (1 - P))
        loss(cd8, d (1 + y hypoxia + y' (1 - s_lactate)) (2 - s_Treg) (1 + (n/n_m)^2))
        loss(cd8_exhausted, d_x (1 + (n/n_m)^2))

    S is what suppressors leave of proliferation, P the inhibition through PD-1, s what one suppressor leaves. Tumor
    cells without antigen take part in the meeting (T) and not in its result (T_a).

    Reads:    clones, cd8, cd8_exhausted, cd4, proliferation_capacity, pd1_inhibition, costimulation, ifn_signal,
              t_cell_hypoxia, suppression_lactate, suppression_treg
    Changes:  cd8, cd8_exhausted
    Source:   records cd8_*, killing_mhc, killing_contact_half, suppression_proliferation_*
    """

    mhc: float = parameter("killing_mhc", "dimensionless")
    contact_half: float = parameter("killing_contact_half", "Mcell/mL")
    proliferation: float = parameter(".proliferation", "1/day")
    most: float = parameter(".most", "Mcell/mL")
    help_half: float = parameter(".help_half", "Mcell/mL")
    costimulation_floor: float = parameter(".costimulation_floor", "dimensionless")
    costimulation_gain: float = parameter(".costimulation_gain", "dimensionless")
    interferon_gain: float = parameter(".interferon_gain", "dimensionless")
    exhaustion: float = parameter(".exhaustion", "1/day")
    exhaustion_floor: float = parameter(".exhaustion_floor", "dimensionless")
    revival: float = parameter(".revival", "1/day")
    death: float = parameter(".death", "1/day")
    death_hypoxia: float = parameter(".death_hypoxia", "dimensionless")
    death_lactate: float = parameter(".death_lactate", "dimensionless")
    exhausted_death: float = parameter(".exhausted_death", "1/day")
    lactate_most: float = parameter("suppression_proliferation_lactate", "dimensionless")
    treg_most: float = parameter("suppression_proliferation_treg", "dimensionless")

    @signal("dimensionless", off=0.0)
    def antigen_contact(self, now: Now) -> Any:
        """Share of time that a CD8 T cell sees its antigen [-]."""
        bearing = now.tumor_sensitive + now.tumor_resistant
        return self.mhc * bearing / (now.tumor + self.contact_half)

    def flows(self, now: Now) -> list[Flow]:
        crowd = (now.cd8 + now.cd8_exhausted) / self.most
        crowded = 1.0 + crowd**2
        aided = (0.5 + 0.5 * hill(now.cd4, self.help_half)) * (1.0 + self.interferon_gain * now.ifn_signal)
        aided = aided * (self.costimulation_floor + self.costimulation_gain * now.costimulation)
        birth = self.proliferation * now.antigen_contact * now.proliferation_capacity * aided
        acid = self.lactate_most * (1.0 - now.suppression_lactate)
        regulated = 1.0 + self.treg_most * (1.0 - now.suppression_treg)
        death = self.death * (1.0 + self.death_hypoxia * now.t_cell_hypoxia + self.death_lactate * acid) * regulated
        inhibited = self.exhaustion_floor + (1.0 - self.exhaustion_floor) * now.pd1_inhibition
        return [
            supply("cd8", birth * jnp.maximum(1.0 - crowd, 0.0) * now.cd8),
            transfer("cd8", "cd8_exhausted", self.exhaustion * now.antigen_contact * inhibited),
            transfer("cd8_exhausted", "cd8", self.revival * (1.0 - now.pd1_inhibition)),
            loss("cd8", death * crowded),
            loss("cd8_exhausted", self.exhausted_death * crowded),
        ]
