"""Interferon gamma: made by T cells that see antigen, felt by all around."""

from typing import Any

import jax.numpy as jnp

from alarmin.mechanism import Flow, Mechanism, Now, diffuse, loss, parameter, signal, supply
from alarmin.numerics.response import hill


class InterferonGamma(Mechanism):
    """Secretion by active CD8 T cells and, a little, by natural killer cells; loss; spread.

        supply(ifn_gamma, q (cd8 + e cd8_exhausted) a max(s, s_0) + q_n nk);   loss(ifn_gamma, k)

    a is the share of time with antigen in sight, s what PD-1, adenosine, lactate and TGF-beta leave of secretion.

    Reads:    cd8, cd8_exhausted, nk, antigen_contact, pd1_inhibition, suppression_*
    Changes:  ifn_gamma
    Source:   records ifn_gamma_*, suppression_killing_*
    """

    secretion: float = parameter(".secretion", "nM/day/(Mcell/mL)")
    secretion_nk: float = parameter(".secretion_nk", "nM/day/(Mcell/mL)")
    exhausted: float = parameter(".exhausted_share", "dimensionless")
    floor: float = parameter(".floor", "dimensionless")
    half: float = parameter(".half", "nM")
    loss_rate: float = parameter(".loss", "1/day")
    diffusivity: float = parameter(".diffusivity", "mm**2/day")
    host_loss: float = parameter(".host_loss", "1/day")
    pd1: float = parameter("suppression_killing_pd1", "dimensionless")
    adenosine: float = parameter("suppression_killing_adenosine", "dimensionless")
    lactate: float = parameter("suppression_killing_lactate", "dimensionless")
    tgf_beta: float = parameter("suppression_killing_tgf_beta", "dimensionless")

    @signal("dimensionless", off=0.0)
    def ifn_gamma_response(self, now: Now) -> Any:
        """Share of its full effect on cells that interferon gamma has [-]."""
        return hill(now.ifn_gamma, self.half)

    @signal("Mcell/mL", off=0.0)
    def t_cell_activity(self, now: Now) -> Any:
        """CD8 T cells that secrete, in cells that nothing holds back [Mcell/mL]."""
        kept = (
            (1.0 - self.pd1 * now.pd1_inhibition)
            * (1.0 - self.adenosine * (1.0 - now.suppression_adenosine))
            * (1.0 - self.lactate * (1.0 - now.suppression_lactate))
            * (1.0 - self.tgf_beta * (1.0 - now.suppression_tgf_beta))
        )
        cells = now.cd8 + self.exhausted * now.cd8_exhausted
        return cells * now.antigen_contact * jnp.maximum(kept, self.floor)

    def flows(self, now: Now) -> list[Flow]:
        made = self.secretion * now.t_cell_activity + self.secretion_nk * now.nk
        return [
            supply("ifn_gamma", made),
            loss("ifn_gamma", self.loss_rate),
            diffuse("ifn_gamma", self.diffusivity, host_loss=self.host_loss),
        ]
