"""CCL22: suppressive macrophages and tumor cells call regulatory T cells."""

from typing import Any

from alarmin.mechanism import Flow, Mechanism, Now, diffuse, loss, parameter, signal, supply
from alarmin.numerics.response import hill


class Ccl22(Mechanism):
    """Suppressive macrophages are the main source, each tumor cell a small one.

        supply  q (M2 + s n);   loss  k
        call of regulatory T cells   c_0 + (1 - c_0) h(CCL22)

    Reads:    m2, tumor, ccl22
    Changes:  ccl22
    Source:   records ccl22_*
    """

    secretion: float = parameter(".secretion_m2", "nM/day/(Mcell/mL)")
    share_tumor: float = parameter(".share_tumor", "dimensionless")
    loss_rate: float = parameter(".loss", "1/day")
    diffusivity: float = parameter(".diffusivity", "mm**2/day")
    host: float = parameter(".host", "nM")
    half: float = parameter(".half", "nM")
    rest: float = parameter(".rest", "dimensionless")

    @signal("dimensionless", off=1.0)
    def treg_call(self, now: Now) -> Any:
        """Regulatory T cells that enter, relative to the most [-]."""
        return self.rest + (1.0 - self.rest) * hill(now.ccl22, self.half)

    def flows(self, now: Now) -> list[Flow]:
        return [
            supply("ccl22", self.secretion * (now.m2 + self.share_tumor * now.tumor)),
            loss("ccl22", self.loss_rate),
            diffuse("ccl22", self.diffusivity, host=self.host, host_loss=self.loss_rate),
        ]
