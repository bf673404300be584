"""Antagonists of the adenosine receptor A2A."""

from typing import Any

from alarmin.mechanism import Action, Now, effect, parameter
from alarmin.numerics.response import hill


class A2aAntagonism(Action):
    """The antagonist competes with adenosine for A2A on T cells; A2B on dendritic cells still hears it.

        adenosine that T cells feel = K_i/(c + K_i) of what is there,   c in tissue

    Reads:    the agent's concentration in tissue
    Changes:  effect a2a_signaling
    Source:   the agent's record affinity
    """

    half: float = parameter(".affinity", "nM")

    @effect("dimensionless")
    def a2a_signaling(self, now: Now) -> Any:
        """Share of adenosine that T cells feel under the agent [-]."""
        return 1.0 - hill(getattr(now, self.agent), self.half)
