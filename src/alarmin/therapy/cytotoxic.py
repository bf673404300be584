"""Chemotherapy that damages tumor cells, which then die over days."""

from typing import Any

import jax.numpy as jnp

from alarmin.mechanism import Action, DeathMode, Flow, Now, effect, loss, parameter, supply
from alarmin.numerics.response import class_log_exposure, class_mean
from alarmin.state import Field


class CytotoxicKill(Action, DeathMode):
    """Exposure writes damage, which is repaired; damaged cells die, faster if they divide and have oxygen.

        dX/dt = c/AUC_ref - k_r X
        kill rate = k_max (f0 + (1 - f0) p) < O2_q/(O2_q + K) X_q^h/(X_q^h + X50^h) >,   X_q = X c_q/c

    AUC_ref is the unbound exposure in plasma to one standard dose, so that the dose makes X = 1 where tissue is as
    exposed as plasma. The mean < > runs over the distance classes: cells far from a vessel get little of the agent
    and little oxygen at once. p is the share of cells that divide. The resistant clone needs a multiple of X50.
    Blood lymphocytes are lost in proportion to exposure.

    Reads:    clones, the agent's concentration and damage, oxygen_by_class, vessel_distance, division_share, plasma
    Changes:  the agent's damage, clones, dying cells, alarm carriers; effects cytotoxic_pressure, lymphodepletion
    Source:   the agent's records of this mode, its penetration in tissue
    """

    reference_exposure: float = parameter(".reference_exposure", "uM*day")
    repair: float = parameter(".repair", "1/day")
    kill_rate: float = parameter(".kill_rate", "1/day")
    damage_half: float = parameter(".damage_half", "dimensionless")
    steepness: float = parameter(".steepness", "dimensionless")
    resting_share: float = parameter(".resting_share", "dimensionless")
    oxygen_half: float = parameter(".oxygen_half", "mmHg")
    resistance: float = parameter(".resistance", "dimensionless")
    lymphocyte_loss: float = parameter(".lymphocyte_loss", "dimensionless")
    penetration: float = parameter("agent.tissue.penetration", "mm")

    @property
    def damage(self) -> str:
        """Name of the field of damage."""
        return f"{self.agent}_damage"

    def fields(self) -> tuple[Field, ...]:
        return (Field(self.damage, "property", "dimensionless", f"damage that {self.agent} has left in cells"),)

    def effort(self, now: Now) -> tuple[Any, ...]:
        """(X/X50)^h in the five distance classes [-]; the share of the maximal rate is e/(1 + e)."""
        relative = getattr(now, self.damage) * (1.0 / self.damage_half)
        # The power as exp and log is several times faster; without damage it is exactly zero, so that nobody dies.
        log = jnp.log(jnp.maximum(relative, 1e-20))
        exposed = class_log_exposure(now.vessel_distance, self.penetration)
        return tuple(jnp.where(relative > 0.0, jnp.exp(self.steepness * (log + share)), 0.0) for share in exposed)

    @effect("dimensionless")
    def cytotoxic_pressure(self, now: Now) -> Any:
        """Share of its maximal effect on sensitive cells that the agent has now, 0 to 1 [-]."""
        return class_mean(lambda e: e / (1.0 + e), self.effort(now))

    @effect("1/day")
    def lymphodepletion(self, now: Now) -> Any:
        """Loss rate of blood lymphocytes; over one standard dose it adds up to `lymphocyte_loss` [1/day]."""
        return self.lymphocyte_loss * now.plasma(self.agent) / self.reference_exposure

    def flows(self, now: Now) -> list[Flow]:
        oxygen = tuple(jnp.maximum(p, 1e-6) for p in now.oxygen_by_class)
        effort, hardness = self.effort(now), self.resistance**self.steepness
        cycling = self.kill_rate * (self.resting_share + (1.0 - self.resting_share) * now.division_share)

        def killed(hardness: Any) -> Any:
            return cycling * class_mean(lambda p, e: p * e / ((p + self.oxygen_half) * (hardness + e)), oxygen, effort)

        sensitive, resistant = killed(1.0), killed(hardness)
        rates = {"tumor_sensitive": sensitive, "tumor_escaped": sensitive, "tumor_resistant": resistant}
        return [
            supply(self.damage, getattr(now, self.agent) / self.reference_exposure),
            loss(self.damage, self.repair),
            *self.deaths(rates),
        ]
