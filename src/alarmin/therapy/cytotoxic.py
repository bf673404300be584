"""Chemotherapy that damages tumor cells, which then die over days."""

from typing import Any

import jax.numpy as jnp

from alarmin.mechanism import DamageMode, Now, parameter
from alarmin.numerics.response import class_log_exposure, class_mean


class CytotoxicKill(DamageMode):
    """Exposure writes damage, which is repaired; damaged cells die, faster if they divide and have oxygen.

        dX/dt = c/AUC_ref - k_r X
        kill rate = k_max (f0 + (1 - f0) d/d_ref) < O2_q/(O2_q + K) X_q^h/(X_q^h + X50^h) >,   X_q = X c_q/c

    AUC_ref is the unbound exposure in plasma to one standard dose, so that the dose makes X = 1 where tissue is as
    exposed as plasma. The mean < > runs over the distance classes: cells far from a vessel get little of the agent
    and little oxygen at once. d is the rate at which cells divide: of two lesions, the one that grows faster shrinks
    faster (Norton and Simon). The resistant clone needs a multiple of X50. Blood lymphocytes are lost in proportion to
    exposure.

    Reads:    clones, the agent's concentration and damage, oxygen_by_class, vessel_distance, birth_rate, plasma
    Changes:  the agent's damage, clones, dying cells, alarm carriers; effects cytotoxic_pressure, lymphodepletion
    Source:   the agent's records of this mode, its penetration in tissue; record tumor_division_reference
    """

    oxygen_half: float = parameter(".oxygen_half", "mmHg")

    def effort(self, now: Now) -> tuple[Any, ...]:
        relative = getattr(now, self.damage) * (1.0 / self.damage_half)
        # The power as exp and log is several times faster; without damage it is exactly zero, so that nobody dies.
        log = jnp.log(jnp.maximum(relative, 1e-20))
        exposed = class_log_exposure(now.vessel_distance, self.penetration)
        return tuple(jnp.where(relative > 0.0, jnp.exp(self.steepness * (log + share)), 0.0) for share in exposed)

    def share_killed(self, now: Now, effort: tuple[Any, ...], hardness: Any) -> Any:
        oxygen = tuple(jnp.maximum(p, 1e-6) for p in now.oxygen_by_class)
        return class_mean(lambda p, e: p * e / ((p + self.oxygen_half) * (hardness + e)), oxygen, effort)
