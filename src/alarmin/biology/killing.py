"""CD8 T cells kill tumor cells that show antigen."""

from typing import Any

import jax.numpy as jnp

from alarmin.mechanism import DeathMode, Flow, Now, parameter, signal


class CTLKilling(DeathMode):
    """Killing is limited by the tumor cell, by the T cell, and by the need for several hits.

        k = kappa C A S/(K_T + T + (kappa/k_max) cd8),   C = (cd8 + e cd8_exhausted) cd8/(cd8 + E)
        A = min(mhc x (1/2 + 1/2 h(IFN-gamma)) (1 - y hypoxia), 1)

    per tumor cell with antigen and day; cells that have lost antigen die at a small part of it. kappa is what one
    T cell kills in a day, k_max the fastest death of a tumor cell; below E effectors per mL hits come too far apart.
    S is what suppressors leave of killing, x the MHC of cells under agents, relative to that without them.

    Reads:    clones, cd8, cd8_exhausted, killing_capacity, ifn_gamma_response, hypoxia, effect mhc_expression
    Changes:  clones, dying_immunogenic, dying_silent, alarm carriers
    Source:   records killing_*
    """

    kills: float = parameter(".per_cell", "1/day")
    fastest: float = parameter(".fastest", "1/day")
    cooperation: float = parameter(".cooperation_half", "Mcell/mL")
    contact_half: float = parameter(".contact_half", "Mcell/mL")
    exhausted: float = parameter(".exhausted_share", "dimensionless")
    escaped: float = parameter(".escaped_share", "dimensionless")
    mhc: float = parameter(".mhc", "dimensionless")
    mhc_hypoxia: float = parameter(".mhc_hypoxia", "dimensionless")

    @signal("dimensionless", off=0.0)
    def antigen_presentation(self, now: Now) -> Any:
        """Antigen that a tumor cell shows, relative to the most [-]."""
        shown = self.mhc * now.product("mhc_expression") * (0.5 + 0.5 * now.ifn_gamma_response)
        return jnp.minimum(shown * (1.0 - self.mhc_hypoxia * now.hypoxia), 1.0)

    @signal("1/day", off=0.0)
    def ctl_kill_rate(self, now: Now) -> Any:
        """Death rate of tumor cells with antigen by CD8 T cells [1/day]."""
        together = now.cd8 / (now.cd8 + self.cooperation)
        effective = (now.cd8 + self.exhausted * now.cd8_exhausted) * together
        contacts = self.contact_half + now.tumor + self.kills / self.fastest * now.cd8
        return self.kills * effective * now.antigen_presentation * now.killing_capacity / contacts

    def flows(self, now: Now) -> list[Flow]:
        rate = now.ctl_kill_rate
        return self.deaths({"tumor_sensitive": rate, "tumor_escaped": self.escaped * rate, "tumor_resistant": rate})
