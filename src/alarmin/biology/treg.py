"""Regulatory T cells: recruited by CCL22, expanded where effectors are, depleted by some antibodies."""

import jax.numpy as jnp

from alarmin.mechanism import Flow, Mechanism, Now, loss, parameter, supply
from alarmin.numerics.response import hill


class Treg(Mechanism):
    """Recruitment, division on the interleukin 2 of effectors, death, and depletion.

        supply(treg, r S_f t c)
        supply(treg, p h(cd8 + cd8_exhausted) (1 - treg/n_m)+ treg);   loss(treg, d + depletion)

    c is the call of CCL22.

    Reads:    functional_surface, treg_call, cd8, cd8_exhausted, treg, effect treg_depletion
    Changes:  treg
    Source:   records treg_*, leukocyte_traffic
    """

    traffic: float = parameter("leukocyte_traffic", "dimensionless")
    recruitment: float = parameter(".recruitment", "Mcell/mL/day/(mm**2/mm**3)")
    proliferation: float = parameter(".proliferation", "1/day")
    cd8_half: float = parameter(".cd8_half", "Mcell/mL")
    most: float = parameter(".most", "Mcell/mL")
    death: float = parameter(".death", "1/day")

    def flows(self, now: Now) -> list[Flow]:
        room = jnp.maximum(1.0 - now.treg / self.most, 0.0)
        birth = self.proliferation * hill(now.cd8 + now.cd8_exhausted, self.cd8_half) * room
        return [
            supply("treg", self.recruitment * self.traffic * now.functional_surface * now.treg_call),
            supply("treg", birth * now.treg),
            loss("treg", self.death + now.total("treg_depletion")),
        ]
