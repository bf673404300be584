"""Antibodies against PD-1."""

from typing import Any

from alarmin.mechanism import Action, Now, effect, parameter
from alarmin.numerics.response import hill


class Pd1Blockade(Action):
    """The antibody occupies PD-1 on T cells; what is left free still receives both ligands.

        free share = 1 - c/(c + K_D),   c in tissue

    Reads:    the agent's concentration in tissue
    Changes:  effect pd1_free
    Source:   the agent's record affinity
    """

    affinity: float = parameter(".affinity", "nM")

    @effect("dimensionless")
    def pd1_free(self, now: Now) -> Any:
        """Share of PD-1 signalling that the agent leaves [-]."""
        return 1.0 - hill(getattr(now, self.agent), self.affinity)
