"""Enzymes that break down collagen where they are injected."""

from typing import Any

from alarmin.mechanism import Action, Now, effect, parameter
from alarmin.numerics.response import hill


class Collagenase(Action):
    """The enzyme breaks down collagen at a rate that saturates, for as long as it stays.

        added loss of collagen = k c/(c + K)

    Reads:    the agent's concentration in tissue
    Changes:  effect collagenase
    Source:   the agent's records of this mode
    """

    fastest: float = parameter(".fastest", "1/day")
    half: float = parameter(".concentration_half", "mg/mL")

    @effect("1/day")
    def collagenase(self, now: Now) -> Any:
        """Loss rate of collagen that the agent adds [1/day]."""
        return self.fastest * hill(getattr(now, self.agent), self.half)
