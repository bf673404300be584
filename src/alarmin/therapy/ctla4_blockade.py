"""Antibodies against CTLA-4."""

from typing import Any

from alarmin.mechanism import Action, Now, effect, parameter
from alarmin.numerics.response import hill


class Ctla4Blockade(Action):
    """The antibody leaves CD28 its ligands when T cells are primed, and marks regulatory T cells for killing.

        free share = 1 - c/(c + K_D),   added loss of Treg = k c/(c + K_D),   c in tissue

    Reads:    the agent's concentration in tissue
    Changes:  effects ctla4_free, treg_depletion
    Source:   the agent's records affinity and depletion
    """

    affinity: float = parameter(".affinity", "nM")
    depletion: float = parameter(".depletion", "1/day")

    def occupied(self, now: Now) -> Any:
        """Share of CTLA-4 that the agent occupies [-]."""
        return hill(getattr(now, self.agent), self.affinity)

    @effect("dimensionless")
    def ctla4_free(self, now: Now) -> Any:
        """Share of CTLA-4 signalling that the agent leaves [-]."""
        return 1.0 - self.occupied(now)

    @effect("1/day")
    def treg_depletion(self, now: Now) -> Any:
        """Loss rate of regulatory T cells that the agent adds [1/day]."""
        return self.depletion * self.occupied(now)
