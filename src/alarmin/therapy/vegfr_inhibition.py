"""Kinase inhibitors of the VEGF receptor."""

from typing import Any

from alarmin.mechanism import Action, Now, effect, parameter
from alarmin.numerics.response import hill


class VegfrInhibition(Action):
    """The inhibitor stops signalling through the VEGF receptor; VEGF itself stays.

        signal = K_i/(c + K_i),   c in tissue

    Reads:    the agent's concentration in tissue
    Changes:  effect vegf_receptor_free
    Source:   the agent's record affinity
    """

    half: float = parameter(".affinity", "nM")

    @effect("dimensionless")
    def vegf_receptor_free(self, now: Now) -> Any:
        """Share of signalling by VEGF that the agent leaves [-]."""
        return 1.0 - hill(getattr(now, self.agent), self.half)
