"""Inhibitors of IDO."""

from typing import Any

from alarmin.mechanism import Action, Now, effect, parameter
from alarmin.numerics.response import hill


class IdoInhibition(Action):
    """The inhibitor stops IDO1; the share 1 - m of kynurenine that TDO makes goes on.

        activity = 1 - m c/(c + IC50),   c in tissue

    Reads:    the agent's concentration in tissue
    Changes:  effect ido_activity
    Source:   the agent's records half and most
    """

    half: float = parameter(".half", "nM")
    most: float = parameter(".most", "dimensionless")

    @effect("dimensionless")
    def ido_activity(self, now: Now) -> Any:
        """Share of the breakdown of tryptophan that the agent leaves [-]."""
        return 1.0 - self.most * hill(getattr(now, self.agent), self.half)
