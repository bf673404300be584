"""Fibroblasts: called and kept by TGF-beta, and gone when the tumor is."""

from typing import Any

import jax.numpy as jnp

from alarmin.mechanism import Flow, Mechanism, Now, loss, parameter, signal, supply
from alarmin.numerics.response import hill


class Fibroblasts(Mechanism):
    """Fibroblasts divide under TGF-beta up to a density that the tumor type allows.

        supply  c F_max + 2 p h F max(0, 1 - F/F_max),   h = TGF-beta/(TGF-beta + K)
        loss    d + x (d_x - d) + e k_n<A>,   x = 1 - [1 - 1/(1 + (t/t_x)^4)] / (1 + (y/y_x)^4)

    k_n<A> is the rate of necrosis, t the share of the tissue that tumor cells fill, y >= 0 by how much more of them are
    cleared than born. Where few are left, or they go faster than they come, fibroblasts and collagen are resorbed:
    macrophages that take up the dead break down the matrix around them, and no new tumor cells call for more. Without
    that, a lesion would shrink only when nearly all tumor cells are gone.

    Reads:    caf, tgf_beta, starvation, net_loss, tumor_share
    Changes:  caf
    Source:   records caf_*; Ramachandran et al. 2012, of livers
    """

    capacity: float = parameter("caf_capacity", "Mcell/mL")
    influx: float = parameter("caf_influx", "1/day")
    division: float = parameter("caf_division", "1/day")
    tgf_beta_half: float = parameter("caf_tgf_beta_half", "nM")
    death: float = parameter("caf_death", "1/day")
    resorption: float = parameter("caf_resorption", "1/day")
    resorption_half: float = parameter("caf_resorption_tumor_share", "dimensionless")
    resorption_net_loss: float = parameter("caf_resorption_net_loss", "1/day")
    necrosis_share: float = parameter("caf_necrosis_share", "dimensionless")

    @signal("dimensionless", off=0.0)
    def fibroblast_activation(self, now: Now) -> Any:
        """Share of the full effect that TGF-beta has on fibroblasts [-]."""
        return hill(now.tgf_beta, self.tgf_beta_half)

    @signal("dimensionless", off=0.0)
    def scar_resorption(self, now: Now) -> Any:
        """How far stroma is being resorbed, in a scar or where tumor cells get fewer, 0 to 1 [-]."""
        x = now.tumor_share / self.resorption_half
        y = jnp.maximum(now.net_loss, 0.0) / self.resorption_net_loss
        x, y = x * x, y * y
        return 1.0 - x * x / ((1.0 + x * x) * (1.0 + y * y))

    def flows(self, now: Now) -> list[Flow]:
        room = jnp.maximum(1.0 - now.caf / self.capacity, 0.0)
        lost = self.death + now.scar_resorption * (self.resorption - self.death)
        divided = 2.0 * self.division * now.fibroblast_activation * now.caf * room
        return [
            supply("caf", self.influx * self.capacity + divided),
            loss("caf", lost + self.necrosis_share * now.starvation),
        ]
