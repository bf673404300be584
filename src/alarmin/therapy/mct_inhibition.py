"""Inhibitors of monocarboxylate transporters."""

from typing import Any

from alarmin.mechanism import Action, Now, effect, parameter
from alarmin.numerics.response import hill


class MctInhibition(Action):
    """Cells let lactate out through transporters; what cannot leave is not made.

        activity = 1 - m c/(c + K_i),   c in tissue

    Reads:    the agent's concentration in tissue
    Changes:  effect lactate_production
    Source:   the agent's records affinity and most
    """

    half: float = parameter(".affinity", "nM")
    most: float = parameter(".most", "dimensionless")

    @effect("dimensionless")
    def lactate_production(self, now: Now) -> Any:
        """Share of the release of lactate by cells that the agent leaves [-]."""
        return 1.0 - self.most * hill(getattr(now, self.agent), self.half)
