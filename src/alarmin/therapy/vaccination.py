"""Vaccines against cells that show IDO and PD-L1."""

from typing import Any

from alarmin.mechanism import CLONES, Action, DeathMode, Flow, Now, loss, parameter, supply
from alarmin.numerics.response import hill
from alarmin.state import Field


class Vaccination(Action, DeathMode):
    """Peptides prime T cells against cells that show IDO and PD-L1: suppressive ones, and tumor cells too.

        dv/dt = a c/(c + K) (1 - v) - d v
        added loss   k_s v g of M2, MDSC and Treg;   tumor cells die at k_t v g h(IFN-gamma),   g = E/(E + E_0)

    v is the response in blood relative to the most that vaccination reaches, c the peptide in plasma, E the surface
    that lets T cells through: what keeps other T cells out keeps these out too. Tumor cells show the antigens where
    interferon calls for them.

    Reads:    plasma, the response, entry_surface, ifn_gamma_response, clones
    Changes:  the response, m2, mdsc, treg, clones, dying cells, alarm carriers
    Source:   the agent's records of this mode
    """

    priming: float = parameter(".priming", "1/day")
    half: float = parameter(".half", "nM")
    decay: float = parameter(".decay", "1/day")
    suppressors: float = parameter(".suppressor_killing", "1/day")
    tumor: float = parameter(".tumor_killing", "1/day")
    entry_half: float = parameter(".entry_half", "mm**2/mm**3")

    @property
    def response(self) -> str:
        """Name of the field of the response in blood."""
        return f"{self.agent}_response"

    def fields(self) -> tuple[Field, ...]:
        return (Field(self.response, "body", "dimensionless", f"T cells in blood that {self.agent} has primed"),)

    def flows(self, now: Now) -> list[Flow]:
        primed = self.priming * hill(now.plasma(self.agent), self.half)
        reaching: Any = getattr(now, self.response) * hill(now.entry_surface, self.entry_half)
        rate = self.tumor * reaching * now.ifn_gamma_response
        return [
            supply(self.response, primed),
            loss(self.response, primed + self.decay),
            *(loss(cell, self.suppressors * reaching) for cell in ("m2", "mdsc", "treg")),
            *self.deaths({clone: rate for clone in CLONES}),
        ]
