"""Prodrugs that cells without oxygen turn into a poison."""

from typing import Any

import jax.numpy as jnp

from alarmin.mechanism import DamageMode, Now, parameter
from alarmin.numerics.response import class_exposure, class_mean, hill


class HypoxiaActivatedKill(DamageMode):
    """Exposure to the prodrug counts as damage where oxygen is too low to undo its activation; oxygen itself stays.

        dX/dt = c/AUC_ref - k_r X
        kill rate = k_max (f0 + (1 - f0) d/d_ref) < Y_q^h/(1 + Y_q^h) >,   Y_q = X/X50 [(1 - b) e_q a_q + b < e a >]
        a_q = K/(K + O2_q),   e_q = c_q/c

    a is the share of the prodrug that is activated, half at K; b is the share of the poison that spreads to
    neighbors. The means < > run over the distance classes, d is the rate at which cells divide. The resistant clone
    needs a multiple of X50. Blood lymphocytes are lost in proportion to exposure.

    Reads:    clones, the agent's concentration and damage, oxygen_by_class, vessel_distance, birth_rate, plasma
    Changes:  the agent's damage, clones, dying cells, alarm carriers; effects cytotoxic_pressure, lymphodepletion
    Source:   the agent's records of this mode, its penetration in tissue; record tumor_division_reference
    """

    activation_half: float = parameter(".activation_half", "mmHg")
    bystander: float = parameter(".bystander", "dimensionless")

    def activation(self, oxygen: Any) -> Any:
        """Share of the activation without oxygen that goes on at an oxygen tension [-]."""
        return 1.0 - hill(oxygen, self.activation_half)

    def effort(self, now: Now) -> tuple[Any, ...]:
        exposed = class_exposure(now.vessel_distance, self.penetration)
        activated = tuple(e * self.activation(p) for e, p in zip(exposed, now.oxygen_by_class, strict=True))
        spread = self.bystander * class_mean(lambda a: a, activated)
        relative = getattr(now, self.damage) / self.damage_half
        felt = (relative * ((1.0 - self.bystander) * a + spread) for a in activated)
        return tuple(jnp.where(x > 0.0, jnp.exp(self.steepness * jnp.log(jnp.maximum(x, 1e-20))), 0.0) for x in felt)

    def share_killed(self, now: Now, effort: tuple[Any, ...], hardness: Any) -> Any:
        return class_mean(lambda e: e / (hardness + e), effort)
