"""Necrosis: tumor cells that get neither oxygen nor glucose die and leak."""

from typing import Any

from alarmin.mechanism import CLONES, DeathMode, Flow, Now, parameter, signal
from alarmin.numerics.response import class_mean


class Necrosis(DeathMode):
    """Cells without oxygen die, several times faster if glucose is missing too.

        transfer(n_i -> necrotic, k_n <A>),   A = [1/(1 + (p/p_n)^3)] [w_0 + (1 - w_0)/(1 + (G/G_n)^2)]

    The mean < > runs over the distance classes.

    Reads:    oxygen_by_class, glucose_by_class, clones
    Changes:  clones, necrotic, dying_immunogenic, alarm carriers
    Source:   records necrosis_*
    """

    fastest: float = parameter(".rate", "1/day")
    oxygen_half: float = parameter(".oxygen_half", "mmHg")
    glucose_half: float = parameter(".glucose_half", "mM")
    fed_share: float = parameter(".fed_share", "dimensionless")

    @signal("1/day", off=0.0, kept=True)
    def starvation(self, now: Now) -> Any:
        """Rate at which tumor cells die for want of oxygen and glucose [1/day]."""
        per_oxygen, per_glucose = 1.0 / self.oxygen_half, 1.0 / self.glucose_half

        def starved(p: Any, glucose: Any) -> Any:
            x, y = p * per_oxygen, glucose * per_glucose
            y = y * y
            return (1.0 + self.fed_share * y) / ((1.0 + x * x * x) * (1.0 + y))

        return self.fastest * class_mean(starved, now.oxygen_by_class, now.glucose_by_class)

    def flows(self, now: Now) -> list[Flow]:
        return self.deaths({clone: now.starvation for clone in CLONES}, rest="necrotic")
