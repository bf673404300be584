"""Antibodies against CD38."""

from typing import Any

from alarmin.mechanism import Action, Now, effect, parameter
from alarmin.numerics.response import hill


class Cd38Blockade(Action):
    """The antibody stops CD38, which makes adenosine beside CD73.

        activity = 1 - m c/(c + K_D),   c in tissue

    Reads:    the agent's concentration in tissue
    Changes:  effect cd38_activity
    Source:   the agent's records affinity and most
    """

    half: float = parameter(".affinity", "nM")
    most: float = parameter(".most", "dimensionless")

    @effect("dimensionless")
    def cd38_activity(self, now: Now) -> Any:
        """Share of the activity of CD38 that the agent leaves [-]."""
        return 1.0 - self.most * hill(getattr(now, self.agent), self.half)
