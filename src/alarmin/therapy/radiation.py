"""Ionizing radiation on a lesion."""

from typing import Any

import jax.numpy as jnp

from alarmin.mechanism import CLONES, LYMPHOCYTES, Action, DeathMode, Flow, Now, effect, loss, parameter, supply
from alarmin.numerics.response import CLASS_WEIGHTS, class_mean, hill
from alarmin.state import Field

RENEWAL = 50.0
"""Rate at which a fraction replaces the memory of the one before, so fast that nothing else follows it [1/day]."""


class Radiation(Action):
    """A fraction kills as the linear-quadratic law has it, less where oxygen is missing, linearly above a dose.

        dZ/dt = h (T - Z) - k Z,   clones lose k Z/T,   h = -ln < e^-E > over the day of the fraction
        E = s (a D + b x (2 D - x)),   x = min(D, D_L),   D = d OER(p)/m,   OER(p) = (m p + K)/(p + K),   b = a/(a/b)

    so that the share of cells that a day's fraction d spares is < e^-E >, whatever the number of steps. Doomed cells Z
    take up their room until they die in an attempt to divide, days later. The mean < > runs over the distance classes;
    s is the sensitivity of the patient. The alarm depends on the size of the last fraction,

        calreticulin, ATP, HMGB1   w_0 + w_1 d^2/(d^2 + D_h^2);   IFN-I   w d^2/(d^2 + D_I^2)/(1 + (d/D_T)^6)

    since large fractions induce the nuclease TREX1, which removes the DNA that cells take for a virus. Vessels are lost
    at the share 1 - e^-v(d - d_v) above d_v, lymphocytes in the field 1 - e^-l d, and of the blood what passes through
    the field. Cells that survive show more MHC for weeks, X/(X + X_h) with dX/dt = d - X/t. Clones that withstand
    drugs do not withstand radiation.

    Reads:    dose, oxygen_by_class, tumor
    Changes:  doomed cells, clones, dying cells, alarm carriers, vessels, lymphocytes, the recent dose and the last
              fraction; effects mhc_expression and lymphodepletion
    Source:   the agent's records of this mode, records radiation_*
    """

    alpha: float = parameter("radiation_alpha", "1/Gy")
    ratio: float = parameter("radiation_alpha_beta", "Gy")
    enhancement: float = parameter("radiation_oxygen_enhancement", "dimensionless")
    oxygen_half: float = parameter("radiation_oxygen_half", "mmHg")
    linear: float = parameter("radiation_linear_dose", "Gy")
    sensitivity: float = parameter(".sensitivity", "dimensionless")
    delay: float = parameter(".death_rate", "1/day")
    calreticulin: float = parameter(".calreticulin_least", "dimensionless")
    calreticulin_gain: float = parameter(".calreticulin_gain", "dimensionless")
    atp: float = parameter(".atp_least", "dimensionless")
    atp_gain: float = parameter(".atp_gain", "dimensionless")
    hmgb1: float = parameter(".hmgb1_least", "dimensionless")
    hmgb1_gain: float = parameter(".hmgb1_gain", "dimensionless")
    alarm_dose: float = parameter(".alarm_dose_half", "Gy")
    ifn: float = parameter(".ifn_most", "dimensionless")
    ifn_dose: float = parameter(".ifn_dose_half", "Gy")
    trex1_dose: float = parameter(".trex1_dose", "Gy")
    vessel_loss: float = parameter(".vessel_loss", "1/Gy")
    vessel_dose: float = parameter(".vessel_dose", "Gy")
    lymphocyte_loss: float = parameter(".lymphocyte_loss", "1/Gy")
    blood_loss: float = parameter(".blood_lymphocyte_loss", "1/Gy")
    blood_share: float = parameter(".blood_share", "dimensionless")
    mhc: float = parameter(".mhc_gain", "dimensionless")
    mhc_dose: float = parameter(".mhc_dose_half", "Gy")
    memory: float = parameter(".memory", "day")

    @property
    def recent(self) -> str:
        """Name of the field of the recent dose."""
        return f"{self.agent}_recent"

    @property
    def fraction(self) -> str:
        """Name of the field of the last fraction."""
        return f"{self.agent}_fraction"

    @property
    def doomed(self) -> str:
        """Name of the field of doomed cells."""
        return f"{self.agent}_doomed"

    def fields(self) -> tuple[Field, ...]:
        return (
            Field(self.recent, "property", "Gy", f"dose of {self.agent} that cells still respond to"),
            Field(self.fraction, "property", "Gy", f"last fraction of {self.agent}"),
            Field(self.doomed, "carrier", "Mcell/mL", f"living tumor cells that {self.agent} has doomed"),
        )

    def effectiveness(self, oxygen: Any) -> Any:
        """Oxygen enhancement ratio, from 1 without oxygen up to the most [-]."""
        return (self.enhancement * oxygen + self.oxygen_half) / (oxygen + self.oxygen_half)

    def hit_rate(self, now: Now) -> Any:
        """Rate at which cells are doomed over the day of the fraction [1/day]."""
        dose = now.plasma(self.agent)

        def hits(oxygen: Any) -> Any:
            felt = dose * self.effectiveness(oxygen) / self.enhancement
            bent = jnp.minimum(felt, self.linear)
            return self.sensitivity * self.alpha * (felt + bent * (2.0 * felt - bent) / self.ratio)

        by_class = tuple(hits(oxygen) for oxygen in now.oxygen_by_class)
        # Relative to the class that is hit least, so that no survival is too small for a number.
        least = by_class[0]
        for value in by_class[1:]:
            least = jnp.minimum(least, value)
        spared = class_mean(lambda value: jnp.exp(least - value), by_class) / sum(CLASS_WEIGHTS)
        return jnp.where(dose > 0.0, jnp.maximum(least - jnp.log(spared), 0.0), 0.0)

    def death(self, dose: Any) -> DeathMode:
        """How the cells die that a fraction of `dose` [Gy] has doomed."""
        rise = hill(dose, self.alarm_dose, 2)
        return DeathMode(
            calreticulin=self.calreticulin + self.calreticulin_gain * rise,
            atp=self.atp + self.atp_gain * rise,
            hmgb1=self.hmgb1 + self.hmgb1_gain * rise,
            ifn=self.ifn * hill(dose, self.ifn_dose, 2) / (1.0 + (dose / self.trex1_dose) ** 6),
            inhibitor=0.0,
        )

    @effect("dimensionless")
    def mhc_expression(self, now: Now) -> Any:
        """MHC relative to cells that were not irradiated [-]."""
        return 1.0 + self.mhc * hill(getattr(now, self.recent), self.mhc_dose)

    @effect("1/day")
    def lymphodepletion(self, now: Now) -> Any:
        """Loss rate of blood lymphocytes in all fields of the patient [1/day]."""
        return self.blood_loss * self.blood_share * now.over_lesions(now.plasma(self.agent))

    def flows(self, now: Now) -> list[Flow]:
        dose, hits = now.plasma(self.agent), self.hit_rate(now)
        doomed = jnp.minimum(getattr(now, self.doomed) / jnp.maximum(now.tumor, 1e-6), 1.0)
        dying = self.death(getattr(now, self.fraction))
        vessels = self.vessel_loss * jnp.maximum(dose - self.vessel_dose, 0.0)
        return [
            supply(self.recent, dose),
            loss(self.recent, 1.0 / self.memory),
            supply(self.fraction, RENEWAL * dose),
            loss(self.fraction, jnp.where(dose > 0.0, RENEWAL, 0.0)),
            supply(self.doomed, hits * now.tumor),
            loss(self.doomed, hits + self.delay),
            *dying.deaths({clone: self.delay * doomed for clone in CLONES}),
            loss("vessel_mature", vessels),
            loss("vessel_immature", vessels),
            *(loss(cell, self.lymphocyte_loss * dose) for cell in LYMPHOCYTES),
        ]
