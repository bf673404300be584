"""Natural killer cells come with chemokine and leave."""

from alarmin.mechanism import Flow, Mechanism, Now, loss, parameter, supply
from alarmin.numerics.response import hill


class NaturalKiller(Mechanism):
    """Recruitment through perfused vessels, and death.

        supply(nk, r S_f t (1/2 + 1/2 h(CXCL10)));   loss(nk, d)

    Reads:    functional_surface, cxcl10
    Changes:  nk
    Source:   records nk_*, leukocyte_traffic, entry_cxcl10_half
    """

    traffic: float = parameter("leukocyte_traffic", "dimensionless")
    recruitment: float = parameter(".recruitment", "Mcell/mL/day/(mm**2/mm**3)")
    cxcl10_half: float = parameter("entry_cxcl10_half", "nM")
    death: float = parameter(".death", "1/day")

    def flows(self, now: Now) -> list[Flow]:
        called = 0.5 + 0.5 * hill(now.cxcl10, self.cxcl10_half)
        return [
            supply("nk", self.recruitment * self.traffic * now.functional_surface * called),
            loss("nk", self.death),
        ]
