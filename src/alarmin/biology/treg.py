"""Regulatory T cells: recruited by M2 macrophages, expanded where effectors are, depleted by some antibodies."""

import jax.numpy as jnp

from alarmin.mechanism import Flow, Mechanism, Now, loss, parameter, supply
from alarmin.numerics.response import hill


class Treg(Mechanism):
    """Recruitment, division on the interleukin 2 of effectors, death, and depletion.

        supply(treg, r S_f t (c + (1 - c) h(m2)))
        supply(treg, p h(cd8 + cd8_exhausted) (1 - treg/n_m)+ treg);   loss(treg, d + depletion)

    Reads:    functional_surface, m2, cd8, cd8_exhausted, treg, effect treg_depletion
    Changes:  treg
    Source:   records treg_*, leukocyte_traffic
    """

    traffic: float = parameter("leukocyte_traffic", "dimensionless")
    recruitment: float = parameter(".recruitment", "Mcell/mL/day/(mm**2/mm**3)")
    tumor_call: float = parameter(".tumor_call", "dimensionless")
    m2_half: float = parameter(".m2_half", "Mcell/mL")
    proliferation: float = parameter(".proliferation", "1/day")
    cd8_half: float = parameter(".cd8_half", "Mcell/mL")
    most: float = parameter(".most", "Mcell/mL")
    death: float = parameter(".death", "1/day")

    def flows(self, now: Now) -> list[Flow]:
        called = self.tumor_call + (1.0 - self.tumor_call) * hill(now.m2, self.m2_half)
        room = jnp.maximum(1.0 - now.treg / self.most, 0.0)
        birth = self.proliferation * hill(now.cd8 + now.cd8_exhausted, self.cd8_half) * room
        return [
            supply("treg", self.recruitment * self.traffic * now.functional_surface * called),
            supply("treg", birth * now.treg),
            loss("treg", self.death + now.total("treg_depletion")),
        ]
