"""The alarm: what killed cells release, and how strongly dendritic cells hear it."""

from typing import Any

import jax.numpy as jnp

from alarmin.mechanism import Flow, Mechanism, Now, diffuse, loss, parameter, signal, supply
from alarmin.numerics.response import hill


class Alarm(Mechanism):
    """Killed cells discharge ATP, HMGB1 and type-I interferon; the alarm is loud only where all four signals sound.

        release     supply(X, n_X k_X alarm_X),   loss(alarm_X, k_X),   X one of ATP, HMGB1, IFN-I
        signals     H_j = x_j/(x_j + K_j),   x = calreticulin-positive dying cells, released ATP, HMGB1, IFN-I
        alarm       A = (1 - I) (G - e)/(1 - e),   G = prod_j (e + (1 - e) H_j)^w_j,   sum_j w_j = 1

    The mean is geometric since without any one signal dying cells hardly vaccinate. It is taken relative to its floor
    e, so that without death the alarm is exactly zero. Released ATP is what dying cells add to the ATP that living
    cells secrete, at the speed at which ATP is broken down. I is the share of recently killed cells that release an
    inhibitor of the alarm along with it.

    Reads:    dying_immunogenic, alarm carriers, atp_breakdown, hmgb1, ifn_type1
    Changes:  alarm carriers, atp, hmgb1, ifn_type1
    Source:   records alarm_*
    """

    atp_amount: float = parameter(".atp_amount", "uM/(Mcell/mL)")
    hmgb1_amount: float = parameter(".hmgb1_amount", "nM/(Mcell/mL)")
    ifn_amount: float = parameter(".ifn_amount", "nM/(Mcell/mL)")
    atp_discharge: float = parameter(".atp_discharge", "1/day")
    hmgb1_discharge: float = parameter(".hmgb1_discharge", "1/day")
    ifn_discharge: float = parameter(".ifn_discharge", "1/day")
    memory: float = parameter(".memory", "1/day")
    calreticulin_half: float = parameter(".calreticulin_half", "Mcell/mL")
    atp_half: float = parameter(".atp_half", "uM")
    hmgb1_half: float = parameter(".hmgb1_half", "nM")
    ifn_half: float = parameter(".ifn_half", "nM")
    calreticulin_weight: float = parameter(".calreticulin_weight", "dimensionless")
    atp_weight: float = parameter(".atp_weight", "dimensionless")
    hmgb1_weight: float = parameter(".hmgb1_weight", "dimensionless")
    ifn_weight: float = parameter(".ifn_weight", "dimensionless")
    floor: float = parameter(".floor", "dimensionless")
    hmgb1_loss: float = parameter(".hmgb1_loss", "1/day")
    hmgb1_diffusivity: float = parameter(".hmgb1_diffusivity", "mm**2/day")
    hmgb1_host_loss: float = parameter(".hmgb1_host_loss", "1/day")
    ifn_loss: float = parameter(".ifn_loss", "1/day")
    ifn_diffusivity: float = parameter(".ifn_diffusivity", "mm**2/day")
    ifn_host_loss: float = parameter(".ifn_host_loss", "1/day")

    @signal("dimensionless", off=0.0)
    def calreticulin_signal(self, now: Now) -> Any:
        """Share of its full effect that calreticulin on dying cells has [-]."""
        return hill(now.dying_immunogenic, self.calreticulin_half)

    @signal("uM/day", off=0.0)
    def atp_release(self, now: Now) -> Any:
        """ATP that dying cells release [uM/day]."""
        return self.atp_amount * self.atp_discharge * now.alarm_atp

    @signal("dimensionless", off=0.0)
    def atp_signal(self, now: Now) -> Any:
        """Share of its full effect that released ATP has [-]."""
        return hill(now.atp_release / now.atp_breakdown, self.atp_half)

    @signal("dimensionless", off=0.0)
    def hmgb1_signal(self, now: Now) -> Any:
        """Share of its full effect that HMGB1 has [-]."""
        return hill(now.hmgb1, self.hmgb1_half)

    @signal("dimensionless", off=0.0)
    def ifn_signal(self, now: Now) -> Any:
        """Share of its full effect that type-I interferon has [-]."""
        return hill(now.ifn_type1, self.ifn_half)

    @signal("dimensionless", off=0.0)
    def inhibitor_share(self, now: Now) -> Any:
        """Share of the alarm that inhibitors from killed cells take away [-]."""
        return jnp.minimum(now.alarm_inhibitor / jnp.maximum(now.alarm_killed, 1e-9), 1.0)

    @signal("dimensionless", off=0.0)
    def alarm(self, now: Now) -> Any:
        """How strongly dying cells call for maturation, 0 to 1 [-]."""
        heard = (
            (self.calreticulin_weight, now.calreticulin_signal),
            (self.atp_weight, now.atp_signal),
            (self.hmgb1_weight, now.hmgb1_signal),
            (self.ifn_weight, now.ifn_signal),
        )
        # G/e - 1 by logarithms of 1 + (1/e - 1) H: nothing heard is nothing, to the last bit.
        above = 1.0 / self.floor - 1.0
        mean = sum(w * jnp.log(1.0 + above * h) for w, h in heard) / sum(w for w, _ in heard)
        return (1.0 - now.inhibitor_share) * (jnp.exp(mean) - 1.0) / above

    def flows(self, now: Now) -> list[Flow]:
        return [
            loss("alarm_atp", self.atp_discharge),
            loss("alarm_hmgb1", self.hmgb1_discharge),
            loss("alarm_ifn", self.ifn_discharge),
            loss("alarm_inhibitor", self.memory),
            loss("alarm_killed", self.memory),
            supply("atp", now.atp_release),
            supply("hmgb1", self.hmgb1_amount * self.hmgb1_discharge * now.alarm_hmgb1),
            loss("hmgb1", self.hmgb1_loss),
            diffuse("hmgb1", self.hmgb1_diffusivity, host_loss=self.hmgb1_host_loss),
            supply("ifn_type1", self.ifn_amount * self.ifn_discharge * now.alarm_ifn),
            loss("ifn_type1", self.ifn_loss),
            diffuse("ifn_type1", self.ifn_diffusivity, host_loss=self.ifn_host_loss),
        ]
