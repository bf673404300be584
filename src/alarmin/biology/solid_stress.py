"""Growth stress: tissue that pushes outward against its own friction presses on its center."""

import jax.numpy as jnp

from alarmin.mechanism import Flow, Mechanism, Now, loss, parameter, supply


class GrowthStress(Mechanism):
    """The stress that drives tissue outward, built up and relaxed over days; killing cells takes it away.

        d sigma_g/dt = (target - sigma_g)/tau,   target(r) = max(0, sigma_h + integral_r^R v/K dr)
        K = K_0/(1 + C/C_K)

    Collagen C raises the friction 1/K; sigma_h is the stress of the tissue around the lesion.

    Reads:    velocity, collagen, growth_stress
    Changes:  growth_stress
    Source:   records solid_stress_*
    """

    host: float = parameter(".host", "kPa")
    conductivity: float = parameter(".conductivity", "mm**2/kPa/day")
    collagen_half: float = parameter(".collagen_half", "mg/mL")
    relaxation: float = parameter(".relaxation", "day")

    def flows(self, now: Now) -> list[Flow]:
        friction = (1.0 + now.collagen / self.collagen_half) / self.conductivity
        target = jnp.maximum(self.host + now.outward_integral(now.velocity * friction), 0.0)
        rate = 1.0 / self.relaxation
        return [supply("growth_stress", rate * target), loss("growth_stress", rate)]
