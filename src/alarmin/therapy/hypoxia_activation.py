"""Prodrugs that cells without oxygen turn into a poison."""

from typing import Any

import jax.numpy as jnp

from alarmin.mechanism import Action, DeathMode, Flow, Now, effect, loss, parameter, supply
from alarmin.numerics.response import class_exposure, class_mean, hill
from alarmin.state import Field


class HypoxiaActivatedKill(Action, DeathMode):
    """Exposure to the prodrug counts as damage where oxygen is too low to undo its activation; oxygen itself stays.

        dX/dt = c/AUC_ref - k_r X
        kill rate = k_max (f0 + (1 - f0) p) < Y_q^h/(1 + Y_q^h) >,   Y_q = X/X50 [(1 - b) e_q a_q + b < e a >]
        a_q = K/(K + O2_q),   e_q = c_q/c

    a is the share of the prodrug that is activated, half at K; b is the share of the poison that spreads to
    neighbors. The means < > run over the distance classes, p is the share of cells that divide. The resistant clone
    needs a multiple of X50. Blood lymphocytes are lost in proportion to exposure.

    Reads:    clones, the agent's concentration and damage, oxygen_by_class, vessel_distance, division_share, plasma
    Changes:  the agent's damage, clones, dying cells, alarm carriers; effects cytotoxic_pressure, lymphodepletion
    Source:   the agent's records of this mode, its penetration in tissue
    """

    reference_exposure: float = parameter(".reference_exposure", "uM*day")
    activation_half: float = parameter(".activation_half", "mmHg")
    bystander: float = parameter(".bystander", "dimensionless")
    repair: float = parameter(".repair", "1/day")
    kill_rate: float = parameter(".kill_rate", "1/day")
    damage_half: float = parameter(".damage_half", "dimensionless")
    steepness: float = parameter(".steepness", "dimensionless")
    resting_share: float = parameter(".resting_share", "dimensionless")
    resistance: float = parameter(".resistance", "dimensionless")
    lymphocyte_loss: float = parameter(".lymphocyte_loss", "dimensionless")
    penetration: float = parameter("agent.tissue.penetration", "mm")

    @property
    def damage(self) -> str:
        """Name of the field of damage."""
        return f"{self.agent}_damage"

    def fields(self) -> tuple[Field, ...]:
        return (Field(self.damage, "property", "dimensionless", f"exposure to {self.agent} that cells remember"),)

    def activation(self, oxygen: Any) -> Any:
        """Share of the activation without oxygen that goes on at an oxygen tension [-]."""
        return 1.0 - hill(oxygen, self.activation_half)

    def effort(self, now: Now) -> tuple[Any, ...]:
        """Y^h in the five distance classes [-]; the share of the maximal rate is e/(1 + e)."""
        exposed = class_exposure(now.vessel_distance, self.penetration)
        activated = tuple(e * self.activation(p) for e, p in zip(exposed, now.oxygen_by_class, strict=True))
        spread = self.bystander * class_mean(lambda a: a, activated)
        relative = getattr(now, self.damage) / self.damage_half
        felt = (relative * ((1.0 - self.bystander) * a + spread) for a in activated)
        return tuple(jnp.where(x > 0.0, jnp.exp(self.steepness * jnp.log(jnp.maximum(x, 1e-20))), 0.0) for x in felt)

    @effect("dimensionless")
    def cytotoxic_pressure(self, now: Now) -> Any:
        """Share of its maximal effect on sensitive cells that the agent has now, 0 to 1 [-]."""
        return class_mean(lambda e: e / (1.0 + e), self.effort(now))

    @effect("1/day")
    def lymphodepletion(self, now: Now) -> Any:
        """Loss rate of blood lymphocytes; over one standard dose it adds up to `lymphocyte_loss` [1/day]."""
        return self.lymphocyte_loss * now.plasma(self.agent) / self.reference_exposure

    def flows(self, now: Now) -> list[Flow]:
        effort, hardness = self.effort(now), self.resistance**self.steepness
        cycling = self.kill_rate * (self.resting_share + (1.0 - self.resting_share) * now.division_share)
        killed = lambda hardness: cycling * class_mean(lambda e: e / (hardness + e), effort)
        sensitive = killed(1.0)
        rates = {"tumor_sensitive": sensitive, "tumor_escaped": sensitive, "tumor_resistant": killed(hardness)}
        return [
            supply(self.damage, getattr(now, self.agent) / self.reference_exposure),
            loss(self.damage, self.repair),
            *self.deaths(rates),
        ]
