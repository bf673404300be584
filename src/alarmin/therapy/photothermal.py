"""Heat in a lesion, from light that particles take up."""

from typing import Any

import jax.numpy as jnp

from alarmin.mechanism import CLONES, LEUKOCYTES, Action, DeathMode, Flow, Now, loss, parameter


class PhotothermalKill(Action):
    """Heated tissue dies by its equivalent minutes at 43 degrees; in a window of temperature the death is heard.

        r = min(dT e^(-z/l), r_b),   M = t R^(r_43 - r),   R = R_+ above r_43, R_- below
        kill rate = ln 2 M/M_50 over the day of the heat, nothing without heat
        calreticulin = c/(1 + ((r - r_c)/w)^4)

    dT is the rise at the margin, where the light comes from, z the depth, r_43 the rise to 43 degrees Celsius and r_b
    that to boiling. Below the window few cells die, above it heat fixes what would call. Vessels and immune cells die
    of heat like tumor cells.

    Reads:    dose, depth, clones
    Changes:  clones, dying cells, alarm carriers, vessels, immune cells
    Source:   the agent's records of this mode
    """

    duration: float = parameter(".duration", "minute")
    half: float = parameter(".minutes_half", "minute")
    above: float = parameter(".minutes_ratio", "dimensionless")
    below: float = parameter(".minutes_ratio_below", "dimensionless")
    penetration: float = parameter(".heat_penetration", "mm")
    hinge: float = parameter(".rise_43", "delta_degC")
    boiling: float = parameter(".rise_most", "delta_degC")
    calreticulin: float = parameter(".calreticulin", "dimensionless")
    best: float = parameter(".calreticulin_rise", "delta_degC")
    width: float = parameter(".calreticulin_width", "delta_degC")
    atp: float = parameter(".atp", "dimensionless")
    hmgb1: float = parameter(".hmgb1", "dimensionless")
    ifn: float = parameter(".ifn", "dimensionless")
    inhibitor: float = parameter(".inhibitor", "dimensionless")

    def rise(self, now: Now) -> Any:
        """Rise of temperature while the light is on [degree C]."""
        return jnp.minimum(now.plasma(self.agent) * jnp.exp(-now.depth / self.penetration), self.boiling)

    def minutes(self, now: Now) -> Any:
        """Equivalent minutes at 43 degrees Celsius [minute]."""
        beyond = self.rise(now) - self.hinge
        ratio = jnp.where(beyond > 0.0, self.above, self.below)
        return jnp.where(now.plasma(self.agent) > 0.0, self.duration * jnp.exp(-jnp.log(ratio) * beyond), 0.0)

    def death(self, now: Now) -> DeathMode:
        """How the cells die at the temperature of each place."""
        beside = (self.rise(now) - self.best) / self.width
        shown = self.calreticulin / (1.0 + beside**4)
        return DeathMode(calreticulin=shown, atp=self.atp, hmgb1=self.hmgb1, ifn=self.ifn, inhibitor=self.inhibitor)

    def flows(self, now: Now) -> list[Flow]:
        rate = 0.6931471805599453 * self.minutes(now) / self.half
        return [
            *self.death(now).deaths({clone: rate for clone in CLONES}),
            *(loss(field, rate) for field in ("vessel_mature", "vessel_immature", *LEUKOCYTES)),
        ]
