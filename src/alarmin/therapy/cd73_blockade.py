"""Antibodies against CD73."""

from typing import Any

from alarmin.mechanism import Action, Now, effect, parameter
from alarmin.numerics.response import hill


class Cd73Blockade(Action):
    """The antibody stops CD73, on cells and shed from them; what other enzymes make of adenosine goes on.

        activity = 1 - m c/(c + K_D),   c in tissue

    Reads:    the agent's concentration in tissue
    Changes:  effect cd73_activity
    Source:   the agent's records affinity and most
    """

    half: float = parameter(".affinity", "nM")
    most: float = parameter(".most", "dimensionless")

    @effect("dimensionless")
    def cd73_activity(self, now: Now) -> Any:
        """Share of the activity of CD73 that the agent leaves [-]."""
        return 1.0 - self.most * hill(getattr(now, self.agent), self.half)
