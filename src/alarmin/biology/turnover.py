"""Spontaneous turnover: tumor cells die silently all the time."""

from alarmin.mechanism import CLONES, DeathMode, Flow, Now, parameter


class Turnover(DeathMode):
    """A constant share of tumor cells dies each day, almost without alarm.

        transfer(n_i -> dying, k_d),   k_d = g c/(1 - c),   g = ln 2 / doubling time

    Reads:    clones
    Changes:  clones, dying_immunogenic, dying_silent, alarm carriers
    Source:   records turnover_*, tumor_doubling_time, tumor_loss_factor
    """

    doubling_time: float = parameter("tumor_doubling_time", "day")
    loss_factor: float = parameter("tumor_loss_factor", "dimensionless")

    def flows(self, now: Now) -> list[Flow]:
        rate = 0.6931471805599453 / self.doubling_time * self.loss_factor / (1.0 - self.loss_factor)
        return self.deaths({clone: rate for clone in CLONES})
