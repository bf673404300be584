"""VEGF: made by tumor cells and stroma, more of it without oxygen."""

from alarmin.mechanism import Flow, Mechanism, Now, diffuse, loss, parameter, supply


class Vegf(Mechanism):
    """Tumor cells secrete VEGF under hypoxia, stroma adds to it; it is bound and taken up within the hour.

        supply  q [i n (1 + h H_v) + (s_M M2 + s_S MDSC + s_T Treg + s_F F)(1 + H)]
        loss    k + what antibodies bind

    i is the factor of the tumor type; diffusion is slowed by the matrix.

    Reads:    tumor, m2, mdsc, treg, caf, hypoxia, hypoxia_vegf, small_protein_hindrance, effect vegf_neutralization
    Changes:  vegf
    Source:   records vegf_*
    """

    secretion: float = parameter(".secretion", "nM/day/(Mcell/mL)")
    factor: float = parameter(".type_factor", "dimensionless")
    hypoxia_gain: float = parameter(".hypoxia_gain", "dimensionless")
    share_m2: float = parameter(".share_m2", "dimensionless")
    share_mdsc: float = parameter(".share_mdsc", "dimensionless")
    share_treg: float = parameter(".share_treg", "dimensionless")
    share_caf: float = parameter(".share_caf", "dimensionless")
    uptake: float = parameter(".loss", "1/day")
    diffusivity: float = parameter(".diffusivity", "mm**2/day")
    host: float = parameter(".host", "nM")
    host_loss: float = parameter(".host_loss", "1/day")

    def flows(self, now: Now) -> list[Flow]:
        tumor = self.factor * now.tumor * (1.0 + self.hypoxia_gain * now.hypoxia_vegf)
        stroma = self.share_m2 * now.m2 + self.share_mdsc * now.mdsc + self.share_treg * now.treg
        stroma = (stroma + self.share_caf * now.caf) * (1.0 + now.hypoxia)
        diffusivity = self.diffusivity * now.small_protein_hindrance
        return [
            supply("vegf", self.secretion * (tumor + stroma)),
            loss("vegf", self.uptake + now.total("vegf_neutralization")),
            diffuse("vegf", diffusivity, host=self.host, host_loss=self.host_loss),
        ]
