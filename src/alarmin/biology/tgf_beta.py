"""TGF-beta: the small active share of what fibroblasts, Treg, myeloid and tumor cells secrete."""

from alarmin.mechanism import Flow, Mechanism, Now, diffuse, loss, parameter, supply


class TgfBeta(Mechanism):
    """Fibroblasts are the main source of active TGF-beta.

        supply  q [F (1 + h H) + s_T Treg + s_M M2 + s_S MDSC + s_n n];   loss  k (1 + b)

    q is what a fibroblast secretes times the share that is active; b is what antibodies bind, relative to the loss.

    Reads:    caf, treg, m2, mdsc, tumor, hypoxia, small_protein_hindrance, effect tgf_beta_neutralization
    Changes:  tgf_beta
    Source:   records tgf_beta_*
    """

    secretion: float = parameter(".secretion_caf", "nM/day/(Mcell/mL)")
    active: float = parameter(".active_share", "dimensionless")
    hypoxia_gain: float = parameter(".hypoxia_gain", "dimensionless")
    share_treg: float = parameter(".share_treg", "dimensionless")
    share_m2: float = parameter(".share_m2", "dimensionless")
    share_mdsc: float = parameter(".share_mdsc", "dimensionless")
    share_tumor: float = parameter(".share_tumor", "dimensionless")
    uptake: float = parameter(".loss", "1/day")
    diffusivity: float = parameter(".diffusivity", "mm**2/day")
    host: float = parameter(".host", "nM")
    host_loss: float = parameter(".host_loss", "1/day")

    def flows(self, now: Now) -> list[Flow]:
        cells = now.caf * (1.0 + self.hypoxia_gain * now.hypoxia) + self.share_treg * now.treg
        cells = cells + self.share_m2 * now.m2 + self.share_mdsc * now.mdsc + self.share_tumor * now.tumor
        diffusivity = self.diffusivity * now.small_protein_hindrance
        return [
            supply("tgf_beta", self.secretion * self.active * cells),
            loss("tgf_beta", self.uptake * (1.0 + now.total("tgf_beta_neutralization"))),
            diffuse("tgf_beta", diffusivity, host=self.host, host_loss=self.host_loss),
        ]
