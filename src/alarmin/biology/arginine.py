"""Arginine: delivered by blood, destroyed by arginase of myeloid cells."""

from alarmin.mechanism import Flow, Mechanism, Now, diffuse, loss, parameter, supply


class Arginine(Mechanism):
    """Suppressive macrophages and MDSC deplete arginine.

        supply k A_b;   loss k + a (s_M M2 + s_S MDSC)

    Reads:    amino_acid_exchange, m2, mdsc
    Changes:  arginine
    Source:   records arginine_*, amino_acid_*
    """

    blood: float = parameter(".blood", "uM")
    arginase: float = parameter(".arginase", "1/day/(Mcell/mL)")
    share_m2: float = parameter(".share_m2", "dimensionless")
    share_mdsc: float = parameter(".share_mdsc", "dimensionless")
    diffusivity: float = parameter("amino_acid_diffusivity", "mm**2/day")
    host_loss: float = parameter("amino_acid_host_loss", "1/day")

    def flows(self, now: Now) -> list[Flow]:
        exchange = now.amino_acid_exchange
        destroyed = self.arginase * (self.share_m2 * now.m2 + self.share_mdsc * now.mdsc)
        return [
            supply("arginine", exchange * self.blood),
            loss("arginine", exchange + destroyed),
            diffuse("arginine", self.diffusivity, host=self.blood, host_loss=self.host_loss),
        ]
