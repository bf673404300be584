"""Light on a lesion that holds a photosensitizer."""

from typing import Any

import jax.numpy as jnp

from alarmin.mechanism import CLONES, LEUKOCYTES, Action, DeathMode, Flow, Now, loss, parameter
from alarmin.numerics.response import class_mean, hill


class PhotodynamicKill(Action, DeathMode):
    """Light makes singlet oxygen of the oxygen that is there; tissue dies where the reacted amount passes a threshold.

        R = y F e^(-z/l) p/(p + K),   kill rate = ln 2 < (R/R_50)^n >  over the day of the light

    F is the fluence at the margin, from all around, z the depth. The mean < > over the distance classes is that of the
    dose of each class, n makes the threshold steep. Vessels stop in the same volume, and immune cells die with it.

    Reads:    dose, depth, oxygen_by_class, clones
    Changes:  clones, dying cells, alarm carriers, vessels, immune cells
    Source:   the agent's records of this mode
    """

    reacted: float = parameter(".singlet_oxygen", "mM/(J/cm**2)")
    threshold: float = parameter(".threshold", "mM")
    steepness: float = parameter(".steepness", "dimensionless")
    penetration: float = parameter(".light_penetration", "mm")
    oxygen_half: float = parameter(".oxygen_half", "mmHg")

    def kill_rate(self, now: Now) -> Any:
        """Rate at which the tissue dies, over the day of the light [1/day]."""
        light = now.plasma(self.agent) * jnp.exp(-now.depth / self.penetration)
        full = self.reacted * light / self.threshold

        def doses(oxygen: Any) -> Any:
            relative = full * hill(oxygen, self.oxygen_half)
            return jnp.where(relative > 0.0, jnp.exp(self.steepness * jnp.log(jnp.maximum(relative, 1e-20))), 0.0)

        return 0.6931471805599453 * class_mean(doses, now.oxygen_by_class)

    def flows(self, now: Now) -> list[Flow]:
        rate = self.kill_rate(now)
        return [
            *self.deaths({clone: rate for clone in CLONES}),
            *(loss(field, rate) for field in ("vessel_mature", "vessel_immature", *LEUKOCYTES)),
        ]
