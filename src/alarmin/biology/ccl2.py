"""CCL2: hypoxic tumors call monocytes and their suppressive kin."""

from typing import Any

from alarmin.mechanism import Flow, Mechanism, Now, diffuse, loss, parameter, signal, supply
from alarmin.numerics.response import hill


class Ccl2(Mechanism):
    """Tumor cells, fibroblasts and macrophages secrete CCL2, more of it in hypoxia.

        supply  q (n + s_F F + s_M M2)(1 + g H);   loss  k
        call of monocytes   c h(CCL2)

    Reads:    tumor, caf, m2, hypoxia, ccl2
    Changes:  ccl2
    Source:   records ccl2_*
    """

    secretion: float = parameter(".secretion", "nM/day/(Mcell/mL)")
    share_caf: float = parameter(".share_caf", "dimensionless")
    share_m2: float = parameter(".share_m2", "dimensionless")
    hypoxia_gain: float = parameter(".hypoxia_gain", "dimensionless")
    loss_rate: float = parameter(".loss", "1/day")
    diffusivity: float = parameter(".diffusivity", "mm**2/day")
    host: float = parameter(".host", "nM")
    half: float = parameter(".half", "nM")
    most: float = parameter(".most", "dimensionless")

    @signal("dimensionless", off=1.0)
    def monocyte_call(self, now: Now) -> Any:
        """Monocytes that follow CCL2 into tissue, relative to a moderately hypoxic tumor [-]."""
        return self.most * hill(now.ccl2, self.half)

    def flows(self, now: Now) -> list[Flow]:
        cells = now.tumor + self.share_caf * now.caf + self.share_m2 * now.m2
        return [
            supply("ccl2", self.secretion * cells * (1.0 + self.hypoxia_gain * now.hypoxia)),
            loss("ccl2", self.loss_rate),
            diffuse("ccl2", self.diffusivity, host=self.host, host_loss=self.loss_rate),
        ]
