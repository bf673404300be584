"""Antibodies and small molecules against CSF-1R."""

from typing import Any

from alarmin.mechanism import Action, Now, effect, parameter
from alarmin.numerics.response import hill


class Csf1rBlockade(Action):
    """The agent occupies CSF-1R; macrophages lose what they live on, and suppressor cells are called instead.

        signal = K_D/(c + K_D),   c in tissue

    Reads:    the agent's concentration in tissue
    Changes:  effect csf1_signaling
    Source:   the agent's record affinity
    """

    half: float = parameter(".affinity", "nM")

    @effect("dimensionless")
    def csf1_signaling(self, now: Now) -> Any:
        """Share of signalling through CSF-1R that the agent leaves [-]."""
        return 1.0 - hill(getattr(now, self.agent), self.half)
