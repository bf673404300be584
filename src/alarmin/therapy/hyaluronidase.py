"""Enzymes that break down hyaluronan."""

from typing import Any

from alarmin.mechanism import Action, Now, effect, parameter
from alarmin.numerics.response import hill


class Hyaluronidase(Action):
    """The enzyme breaks down hyaluronan at a rate that saturates; cells lay it down again when the enzyme is gone.

        added loss of hyaluronan = k h,   leak of immature vessels times 1 + (f - 1) h,   h = c/(c + K)

    With hyaluronan goes its swelling pressure, so that vessels open, and part of the mesh. While the enzyme is there,
    the endothelium has windows too.

    Reads:    the agent's concentration in tissue
    Changes:  effects hyaluronidase, vessel_fenestration
    Source:   the agent's records of this mode
    """

    fastest: float = parameter(".fastest", "1/day")
    half: float = parameter(".concentration_half", "nM")
    fenestration: float = parameter(".fenestration", "dimensionless")

    @effect("1/day")
    def hyaluronidase(self, now: Now) -> Any:
        """Loss rate of hyaluronan that the agent adds [1/day]."""
        return self.fastest * hill(getattr(now, self.agent), self.half)

    @effect("dimensionless")
    def vessel_fenestration(self, now: Now) -> Any:
        """How much more immature vessels leak, relative to that without the agent [-]."""
        return 1.0 + (self.fenestration - 1.0) * hill(getattr(now, self.agent), self.half)
