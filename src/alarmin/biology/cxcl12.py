"""CXCL12: the coat of fibroblasts that keeps T cells out."""

from typing import Any

from alarmin.mechanism import Flow, Mechanism, Now, diffuse, loss, parameter, signal, supply
from alarmin.numerics.response import suppress


class Cxcl12(Mechanism):
    """Fibroblasts secrete CXCL12, more of it in hypoxia, and T cells stay where it is, outside the nests.

        supply  q F (1 + g H);   loss  k
        exclusion   1 - m h(CXCL12)

    Reads:    caf, hypoxia, cxcl12
    Changes:  cxcl12
    Source:   records cxcl12_*
    """

    secretion: float = parameter(".secretion_caf", "nM/day/(Mcell/mL)")
    hypoxia_gain: float = parameter(".hypoxia_gain", "dimensionless")
    loss_rate: float = parameter(".loss", "1/day")
    diffusivity: float = parameter(".diffusivity", "mm**2/day")
    half: float = parameter(".half", "nM")
    most: float = parameter(".most", "dimensionless")

    @signal("dimensionless", off=1.0)
    def cxcl12_freedom(self, now: Now) -> Any:
        """What CXCL12 leaves of the way of T cells into the nests [-]."""
        return suppress(now.cxcl12, self.half, self.most)

    def flows(self, now: Now) -> list[Flow]:
        return [
            supply("cxcl12", self.secretion * now.caf * (1.0 + self.hypoxia_gain * now.hypoxia)),
            loss("cxcl12", self.loss_rate),
            diffuse("cxcl12", self.diffusivity, host_loss=self.loss_rate),
        ]
