"""Myeloid-derived suppressor cells: called by hypoxic tumors, and more so where CSF-1 is blocked."""

from alarmin.mechanism import Flow, Mechanism, Now, loss, parameter, supply


class Mdsc(Mechanism):
    """Recruitment and death.

        supply(mdsc, r S_f t (1/2 + hypoxia) (1 + b (1 - c)));   loss(mdsc, d)

    c is the share of CSF-1 signalling that agents leave; without it fibroblasts send chemokines for granulocytic
    cells.

    Reads:    functional_surface, hypoxia, effect csf1_signaling
    Changes:  mdsc
    Source:   records mdsc_*, leukocyte_traffic
    """

    traffic: float = parameter("leukocyte_traffic", "dimensionless")
    recruitment: float = parameter(".recruitment", "Mcell/mL/day/(mm**2/mm**3)")
    csf1_rebound: float = parameter(".csf1_rebound", "dimensionless")
    death: float = parameter(".death", "1/day")

    def flows(self, now: Now) -> list[Flow]:
        rebound = 1.0 + self.csf1_rebound * (1.0 - now.product("csf1_signaling"))
        entry = self.recruitment * self.traffic * now.functional_surface * (0.5 + now.hypoxia)
        return [supply("mdsc", entry * rebound), loss("mdsc", self.death)]
