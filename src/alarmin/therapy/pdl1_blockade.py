"""Antibodies against PD-L1."""

from typing import Any

from alarmin.mechanism import Action, Now, effect, parameter
from alarmin.numerics.response import suppress


class Pdl1Blockade(Action):
    """The antibody occupies PD-L1; PD-L2 goes on signalling through PD-1.

        free share = 1 - (1 - s) c/(c + K_D),   c in tissue, s the share of the signal that PD-L2 carries

    Reads:    the agent's concentration in tissue
    Changes:  effect pd1_free
    Source:   the agent's records affinity, other_ligand
    """

    affinity: float = parameter(".affinity", "nM")
    other_ligand: float = parameter(".other_ligand", "dimensionless")

    @effect("dimensionless")
    def pd1_free(self, now: Now) -> Any:
        """Share of PD-1 signalling that the agent leaves [-]."""
        return suppress(getattr(now, self.agent), self.affinity, 1.0 - self.other_ligand)
