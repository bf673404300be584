"""Myeloid-derived suppressor cells: called by CCL2, and more so where CSF-1 is blocked."""

from alarmin.mechanism import Flow, Mechanism, Now, loss, parameter, supply


class Mdsc(Mechanism):
    """Recruitment and death.

        supply(mdsc, r S_f t a (1 + b (1 - c)));   loss(mdsc, d)

    a is the call of CCL2, c the share of its full effect that CSF-1 has; without CSF-1 fibroblasts send chemokines for
    granulocytic cells.

    Reads:    functional_surface, monocyte_call, csf1_response
    Changes:  mdsc
    Source:   records mdsc_*, leukocyte_traffic
    """

    traffic: float = parameter("leukocyte_traffic", "dimensionless")
    recruitment: float = parameter(".recruitment", "Mcell/mL/day/(mm**2/mm**3)")
    csf1_rebound: float = parameter(".csf1_rebound", "dimensionless")
    death: float = parameter(".death", "1/day")

    def flows(self, now: Now) -> list[Flow]:
        rebound = 1.0 + self.csf1_rebound * (1.0 - now.csf1_response)
        entry = self.recruitment * self.traffic * now.functional_surface * now.monocyte_call
        return [supply("mdsc", entry * rebound), loss("mdsc", self.death)]
