"""Interleukin 10: the suppressive cytokine of macrophages, MDSC, Treg and fibroblasts."""

from alarmin.mechanism import Flow, Mechanism, Now, diffuse, loss, parameter, supply


class Il10(Mechanism):
    """Suppressive macrophages are the main source.

        supply  q (M2 + s_S MDSC + s_T Treg + s_F F);   loss  k

    Reads:    m2, mdsc, treg, caf
    Changes:  il10
    Source:   records il10_*
    """

    secretion: float = parameter(".secretion_m2", "nM/day/(Mcell/mL)")
    share_mdsc: float = parameter(".share_mdsc", "dimensionless")
    share_treg: float = parameter(".share_treg", "dimensionless")
    share_caf: float = parameter(".share_caf", "dimensionless")
    uptake: float = parameter(".loss", "1/day")
    diffusivity: float = parameter(".diffusivity", "mm**2/day")
    host: float = parameter(".host", "nM")
    host_loss: float = parameter(".host_loss", "1/day")

    def flows(self, now: Now) -> list[Flow]:
        cells = now.m2 + self.share_mdsc * now.mdsc + self.share_treg * now.treg + self.share_caf * now.caf
        return [
            supply("il10", self.secretion * cells),
            loss("il10", self.uptake),
            diffuse("il10", self.diffusivity, host=self.host, host_loss=self.host_loss),
        ]
