"""Vessels sprout, mature, come apart and are lost, as VEGF says."""

import jax.numpy as jnp

from alarmin.mechanism import Flow, Mechanism, Now, loss, parameter, supply, transfer
from alarmin.numerics.response import hill


class Vessels(Mechanism):
    """VEGF makes sprouts; without excess VEGF they mature; with excess, mature vessels come apart.

        sprouting      supply(V_i, g [s_0 + (1 - s_0) s] max(0, 1 - V/V_max) V),   s = a v/(v + K_V)
        maturation     transfer(V_i -> V_m, k_m/(1 + (a v/K_M)^2))
        destabilizing  transfer(V_m -> V_i, k_d s^2)
        loss           loss(V_j, mu_j + k_j u + k_c (1 - f_o) + e k_n<A>),   u = K_p^2/(K_p^2 + (a v)^2),  j = i, m

    v is free VEGF, a the share of its receptors that agents leave, u the withdrawal of VEGF, f_o the share of vessels
    that stress leaves open, k_n<A> the rate of necrosis. Since K_p < K_M < K_V, less VEGF first matures sprouts and
    then starves them: a window, and pruning after it.

    Reads:    vessel_mature, vessel_immature, vegf, open_fraction, starvation, effect vegf_receptor_free
    Changes:  vessel_mature, vessel_immature
    Source:   records vessel_*
    """

    sprouting: float = parameter("vessel_sprouting", "1/day")
    sprouting_rest: float = parameter("vessel_sprouting_rest", "dimensionless")
    capacity: float = parameter("vessel_capacity", "mm**2/mm**3")
    sprouting_half: float = parameter("vessel_sprouting_vegf_half", "nM")
    maturation: float = parameter("vessel_maturation", "1/day")
    maturation_half: float = parameter("vessel_maturation_vegf_half", "nM")
    destabilization: float = parameter("vessel_destabilization", "1/day")
    withdrawal_half: float = parameter("vessel_withdrawal_vegf_half", "nM")
    immature_loss: float = parameter("vessel_immature_loss", "1/day")
    immature_withdrawal: float = parameter("vessel_immature_withdrawal", "1/day")
    mature_loss: float = parameter("vessel_mature_loss", "1/day")
    mature_withdrawal: float = parameter("vessel_mature_withdrawal", "1/day")
    collapse_loss: float = parameter("vessel_collapse_loss", "1/day")
    necrosis_share: float = parameter("vessel_necrosis_share", "dimensionless")

    def flows(self, now: Now) -> list[Flow]:
        free = now.product("vegf_receptor_free")
        felt = free * now.vegf
        signalled = free * hill(now.vegf, self.sprouting_half)
        withdrawn = 1.0 / (1.0 + (felt / self.withdrawal_half) ** 2)
        surface = now.vessel_mature + now.vessel_immature
        room = jnp.maximum(1.0 - surface / self.capacity, 0.0)
        sprouts = self.sprouting * (self.sprouting_rest + (1.0 - self.sprouting_rest) * signalled) * room * surface
        lost = self.collapse_loss * (1.0 - now.open_fraction) + self.necrosis_share * now.starvation
        return [
            supply("vessel_immature", sprouts),
            transfer("vessel_immature", "vessel_mature", self.maturation / (1.0 + (felt / self.maturation_half) ** 2)),
            transfer("vessel_mature", "vessel_immature", self.destabilization * signalled * signalled),
            loss("vessel_immature", self.immature_loss + self.immature_withdrawal * withdrawn + lost),
            loss("vessel_mature", self.mature_loss + self.mature_withdrawal * withdrawn + lost),
        ]
