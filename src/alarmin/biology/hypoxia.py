"""Hypoxia: the activity of hypoxia-inducible factors."""

from typing import Any

from alarmin.mechanism import Mechanism, Now, parameter, signal
from alarmin.numerics.response import class_mean


class Hypoxia(Mechanism):
    """Cells sense oxygen by hypoxia-inducible factors; loss of VHL keeps these on, whatever the oxygen.

        H = a sum_q w_q/(1 + (p_q/K)^2),   H_v = a (h + b (1 - h)),   h = H/a

    a is the share of their activity that agents leave, b the share that loss of VHL adds in tumor cells.

    Reads:    oxygen_by_class, effect hif_activity
    Source:   records hypoxia_*
    """

    oxygen_half: float = parameter(".oxygen_half", "mmHg")
    vhl_loss: float = parameter(".vhl_loss", "dimensionless")

    @signal("dimensionless", off=0.0, kept=True)
    def oxygen_want(self, now: Now) -> Any:
        """Hypoxia as cells sense it, before agents [-]."""
        per_half = 1.0 / self.oxygen_half

        def sensed(p: Any) -> Any:
            x = p * per_half
            return 1.0 / (1.0 + x * x)

        return class_mean(sensed, now.oxygen_by_class)

    @signal("dimensionless", off=0.0)
    def hypoxia(self, now: Now) -> Any:
        """Activity of hypoxia-inducible factors, 0 to 1 [-]."""
        return now.product("hif_activity") * now.oxygen_want

    @signal("dimensionless", off=0.0)
    def hypoxia_vegf(self, now: Now) -> Any:
        """Activity that drives VEGF and glycolysis of tumor cells, where loss of VHL adds to it [-]."""
        return now.product("hif_activity") * (now.oxygen_want + self.vhl_loss * (1.0 - now.oxygen_want))
