"""Macrophages: monocytes arrive inflammatory and turn suppressive, or back."""

from alarmin.mechanism import Flow, Mechanism, Now, loss, parameter, supply, transfer
from alarmin.numerics.response import hill


class Macrophages(Mechanism):
    """Recruitment by CSF-1 and CCL2, polarization both ways, and death.

        supply(m1, r S_f t a u);   loss(m1, d);   loss(m2, d + d' (1 - c))
        transfer(m1 -> m2, k (p_0 + p_1 h(IL-10) + p_2 h(lactate)) u)
        transfer(m2 -> m1, k_b + k_i h(IFN-gamma) + k_c (1 - c)),   u = 1 - m (1 - c)

    h(lactate) = x^2/(x^2 + K^2), the others x/(x + K). a is the call of CCL2, c the share of its full effect that
    CSF-1 has.

    Reads:    functional_surface, monocyte_call, csf1_response, il10, lactate, ifn_gamma_response
    Changes:  m1, m2
    Source:   records myeloid_*, leukocyte_traffic
    """

    traffic: float = parameter("leukocyte_traffic", "dimensionless")
    recruitment: float = parameter(".recruitment", "Mcell/mL/day/(mm**2/mm**3)")
    death: float = parameter(".death", "1/day")
    polarization: float = parameter(".polarization", "1/day")
    polarization_rest: float = parameter(".polarization_rest", "dimensionless")
    polarization_il10: float = parameter(".polarization_il10", "dimensionless")
    polarization_lactate: float = parameter(".polarization_lactate", "dimensionless")
    il10_half: float = parameter(".il10_half", "nM")
    lactate_half: float = parameter(".lactate_half", "mM")
    reversal: float = parameter(".reversal", "1/day")
    reversal_interferon: float = parameter(".reversal_interferon", "1/day")
    csf1_dependence: float = parameter(".csf1_dependence", "dimensionless")
    csf1_reversal: float = parameter(".csf1_reversal", "1/day")
    csf1_death: float = parameter(".csf1_death", "1/day")

    def flows(self, now: Now) -> list[Flow]:
        blocked = 1.0 - now.csf1_response
        supported = 1.0 - self.csf1_dependence * blocked
        entry = self.recruitment * self.traffic * now.functional_surface * now.monocyte_call
        suppressive = (
            self.polarization_rest
            + self.polarization_il10 * hill(now.il10, self.il10_half)
            + self.polarization_lactate * hill(now.lactate, self.lactate_half, 2)
        )
        reversed_ = self.reversal + self.reversal_interferon * now.ifn_gamma_response + self.csf1_reversal * blocked
        return [
            supply("m1", entry * supported),
            transfer("m1", "m2", self.polarization * suppressive * supported),
            transfer("m2", "m1", reversed_),
            loss("m1", self.death),
            loss("m2", self.death + self.csf1_death * blocked),
        ]
