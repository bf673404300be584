"""CSF-1: what macrophages live on, and what they use up."""

from typing import Any

from alarmin.mechanism import Flow, Mechanism, Now, diffuse, loss, parameter, signal, supply
from alarmin.numerics.response import hill


class Csf1(Mechanism):
    """Tumor cells and fibroblasts secrete CSF-1; macrophages take it up by the receptor through which they feel it.

        supply  q (n + s_F F);   loss  k + u c (M1 + M2)
        signal  c h(CSF-1)

    c is the share of the receptor that agents leave: where it is blocked, CSF-1 piles up, as it does in blood.

    Reads:    tumor, caf, m1, m2, csf1, effect csf1_signaling
    Changes:  csf1
    Source:   records csf1_*
    """

    secretion: float = parameter(".secretion", "nM/day/(Mcell/mL)")
    share_caf: float = parameter(".share_caf", "dimensionless")
    loss_rate: float = parameter(".loss", "1/day")
    uptake: float = parameter(".uptake", "1/day/(Mcell/mL)")
    diffusivity: float = parameter(".diffusivity", "mm**2/day")
    host: float = parameter(".host", "nM")
    half: float = parameter(".half", "nM")

    @signal("dimensionless", off=1.0)
    def csf1_response(self, now: Now) -> Any:
        """Share of its full effect that CSF-1 has on macrophages [-]."""
        return now.product("csf1_signaling") * hill(now.csf1, self.half)

    def flows(self, now: Now) -> list[Flow]:
        taken = self.uptake * now.product("csf1_signaling") * (now.m1 + now.m2)
        return [
            supply("csf1", self.secretion * (now.tumor + self.share_caf * now.caf)),
            loss("csf1", self.loss_rate + taken),
            diffuse("csf1", self.diffusivity, host=self.host, host_loss=self.loss_rate),
        ]
