"""Chemotherapy that regulatory T cells bear worse than others."""

from typing import Any

from alarmin.mechanism import Action, Now, effect, parameter
from alarmin.numerics.response import hill


class TregToxicity(Action):
    """Low doses kill regulatory T cells, which repair less than other lymphocytes.

        added loss of Treg = k c/(c + K),   c in tissue

    Reads:    the agent's concentration in tissue
    Changes:  effect treg_depletion
    Source:   the agent's records fastest and half
    """

    fastest: float = parameter(".fastest", "1/day")
    half: float = parameter(".half", "uM")

    @effect("1/day")
    def treg_depletion(self, now: Now) -> Any:
        """Loss rate of regulatory T cells that the agent adds [1/day]."""
        return self.fastest * hill(getattr(now, self.agent), self.half)
