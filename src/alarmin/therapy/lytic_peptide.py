"""Peptides that take membranes apart where they are injected."""

from typing import Any

import jax.numpy as jnp

from alarmin.mechanism import CLONES, LEUKOCYTES, Action, DeathMode, Flow, Now, loss, parameter


class LyticPeptideKill(Action, DeathMode):
    """The peptide lyses a share of the cells in the volume that the injection fills, within the day; the rest lives.

        kill rate = -ln(1 - r f),   r = V_f/V,   f = f_max (1 - e^(-dose/(c V_f))),   V_f = min(V_i, V)

    V_i is the volume that an injection fills, V that of the lesion, V_f what is filled of it. Immune cells withstand
    it better. The peptide is gone within the hour, and what reaches the blood does nothing.

    Reads:    dose, volume of the lesion, clones
    Changes:  clones, dying cells, alarm carriers, immune cells
    Source:   the agent's records of this mode
    """

    volume: float = parameter(".volume", "mL")
    concentration: float = parameter(".concentration", "mg/mL")
    most: float = parameter(".most", "dimensionless")
    immune_share: float = parameter(".immune_share", "dimensionless")

    def kill_rate(self, now: Now) -> Any:
        """Rate at which tumor cells are lysed, over the day of the injection [1/day]."""
        filled = jnp.minimum(self.volume, now.integral(1.0))
        killed = -self.most * jnp.expm1(-now.plasma(self.agent) / (self.concentration * filled))
        return -jnp.log1p(-killed * filled / now.integral(1.0))

    def flows(self, now: Now) -> list[Flow]:
        rate = self.kill_rate(now)
        return [
            *self.deaths({clone: rate for clone in CLONES}),
            *(loss(cell, self.immune_share * rate) for cell in LEUKOCYTES),
        ]
