"""Natural killer cells kill tumor cells, above all those that show no antigen."""

from alarmin.mechanism import DeathMode, Flow, Now, parameter


class NKKilling(DeathMode):
    """Killing in proportion to natural killer cells, held back by MHC on the target and by suppressors.

        k = kappa nk s_TGF s_lactate s_adenosine s_hypoxia/(K_T + T)     per tumor cell without MHC and day
        and a share of it where the target shows MHC

    Reads:    clones, nk, suppression_tgf_beta, suppression_lactate, suppression_adenosine, suppression_hypoxia
    Changes:  clones, dying_immunogenic, dying_silent, alarm carriers
    Source:   records nk_killing_*, killing_contact_half, suppression_killing_*
    """

    kills: float = parameter(".per_cell", "1/day")
    restrained: float = parameter(".mhc_share", "dimensionless")
    contact_half: float = parameter("killing_contact_half", "Mcell/mL")
    tgf_beta: float = parameter("suppression_killing_tgf_beta", "dimensionless")
    lactate: float = parameter("suppression_killing_lactate", "dimensionless")
    adenosine: float = parameter("suppression_killing_adenosine", "dimensionless")
    hypoxia: float = parameter("suppression_killing_hypoxia", "dimensionless")

    def flows(self, now: Now) -> list[Flow]:
        kept = (
            (1.0 - self.tgf_beta * (1.0 - now.suppression_tgf_beta))
            * (1.0 - self.lactate * (1.0 - now.suppression_lactate))
            * (1.0 - self.adenosine * (1.0 - now.suppression_adenosine))
            * (1.0 - self.hypoxia * (1.0 - now.suppression_hypoxia))
        )
        rate = self.kills * now.nk * kept / (self.contact_half + now.tumor)
        held = self.restrained * rate
        return self.deaths({"tumor_sensitive": held, "tumor_escaped": rate, "tumor_resistant": held})
