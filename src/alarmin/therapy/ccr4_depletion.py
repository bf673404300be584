"""Antibodies that kill cells with CCR4."""

from typing import Any

from alarmin.mechanism import Action, Flow, Now, effect, loss, parameter
from alarmin.numerics.response import hill


class Ccr4Depletion(Action):
    """The antibody marks cells with CCR4 for killing: regulatory T cells first, but helper and memory T cells too.

        added loss   k_T o of Treg,  k_4 o of helper cells,  k_m o_p of memory cells in blood,   o = c/(c + K_D)

    c is the concentration in tissue; o_p is the same of plasma.

    Reads:    the agent's concentration in tissue, plasma
    Changes:  effect treg_depletion, cd4, memory
    Source:   the agent's records of this mode
    """

    affinity: float = parameter(".affinity", "nM")
    treg: float = parameter(".treg_depletion", "1/day")
    helper: float = parameter(".cd4_depletion", "1/day")
    memory: float = parameter(".memory_depletion", "1/day")

    @effect("1/day")
    def treg_depletion(self, now: Now) -> Any:
        """Loss rate of regulatory T cells that the agent adds [1/day]."""
        return self.treg * hill(getattr(now, self.agent), self.affinity)

    def flows(self, now: Now) -> list[Flow]:
        return [
            loss("cd4", self.helper * hill(getattr(now, self.agent), self.affinity)),
            loss("memory", self.memory * hill(now.plasma(self.agent), self.affinity)),
        ]
