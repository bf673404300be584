"""Inhibitors of hypoxia-inducible factors."""

from typing import Any

from alarmin.mechanism import Action, Now, effect, parameter
from alarmin.numerics.response import hill


class HifInhibition(Action):
    """The inhibitor takes from cells what they do in answer to hypoxia; it brings no oxygen.

        activity = 1 - m c/(c + EC50),   c in tissue

    Reads:    the agent's concentration in tissue
    Changes:  effect hif_activity
    Source:   the agent's records half and most
    """

    half: float = parameter(".half", "nM")
    most: float = parameter(".most", "dimensionless")

    @effect("dimensionless")
    def hif_activity(self, now: Now) -> Any:
        """Share of the activity of hypoxia-inducible factors that the agent leaves [-]."""
        return 1.0 - self.most * hill(getattr(now, self.agent), self.half)
