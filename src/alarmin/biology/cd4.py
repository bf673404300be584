"""CD4 helper T cells enter as CD8 cells do; TGF-beta turns some into regulatory cells."""

from alarmin.mechanism import Flow, Mechanism, Now, loss, parameter, supply, transfer
from alarmin.numerics.response import hill


class Cd4(Mechanism):
    """Entry through the same gates as CD8 T cells, death, and loss of help to TGF-beta.

        supply(cd4, r E);   loss(cd4, d + (1 - s) c h(TGF-beta));   transfer(cd4 -> treg, s c h(TGF-beta))

    Of the helpers that TGF-beta takes, only the share s lives on as regulatory cells.

    Reads:    entry_surface, tgf_beta
    Changes:  cd4, treg
    Source:   records cd4_*
    """

    recruitment: float = parameter(".recruitment", "Mcell/mL/day/(mm**2/mm**3)")
    death: float = parameter(".death", "1/day")
    conversion: float = parameter(".conversion", "1/day")
    conversion_half: float = parameter(".conversion_half", "nM")
    regulatory_share: float = parameter(".regulatory_share", "dimensionless")

    def flows(self, now: Now) -> list[Flow]:
        converted = self.conversion * hill(now.tgf_beta, self.conversion_half)
        return [
            supply("cd4", self.recruitment * now.entry_surface),
            loss("cd4", self.death + (1.0 - self.regulatory_share) * converted),
            transfer("cd4", "treg", self.regulatory_share * converted),
        ]
