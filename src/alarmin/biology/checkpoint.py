"""PD-L1 on tumor cells, and what it does to T cells through PD-1."""

from typing import Any

from alarmin.mechanism import Mechanism, Now, parameter, signal


class Checkpoint(Mechanism):
    """Tumor cells answer interferon gamma and hypoxia with PD-L1, which holds T cells back through PD-1.

        PD-L1 = p (1 + i h(IFN-gamma) + y hypoxia)        relative to the amount of half effect
        inhibition = x^2/(1 + x^2),   x = PD-L1 times the share of the signal that agents leave

    Reads:    ifn_gamma_response, hypoxia, effect pd1_free
    Source:   records checkpoint_*
    """

    pdl1: float = parameter(".pdl1", "dimensionless")
    interferon_gain: float = parameter(".interferon_gain", "dimensionless")
    hypoxia_gain: float = parameter(".hypoxia_gain", "dimensionless")

    @signal("dimensionless", off=0.0)
    def pdl1_expression(self, now: Now) -> Any:
        """PD-L1 per tumor cell, relative to the amount that has half its effect [-]."""
        induced = 1.0 + self.interferon_gain * now.ifn_gamma_response + self.hypoxia_gain * now.hypoxia
        return self.pdl1 * induced

    @signal("dimensionless", off=0.0)
    def pd1_inhibition(self, now: Now) -> Any:
        """Share of its full effect on T cells that PD-1 has [-]."""
        bound = (now.pdl1_expression * now.product("pd1_free")) ** 2
        return bound / (1.0 + bound)
