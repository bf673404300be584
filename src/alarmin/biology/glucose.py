"""Glucose: delivered by blood, used by cells, more of it without oxygen."""

from typing import Any

import jax.numpy as jnp

from alarmin.mechanism import Flow, Mechanism, Now, diffuse, loss, parameter, signal, supply
from alarmin.numerics.response import class_exposure


class Glucose(Mechanism):
    """Vessels exchange glucose with blood; cells use it at a saturating rate that hypoxia raises.

        0 = div(D grad G) + k (G_b - G) - u G,   1/k = 1/(P S_o) + 1/Q
        u = q y (n + s_F F + s_I I)(1 + h H_v)/(G + K)

    y is the patient's glycolysis. The distance classes fall off over sqrt(D/u), and fade out with vessel density as
    those of oxygen do.

    Reads:    glucose, open_surface, blood_flow, tumor, caf, leukocytes, hypoxia_vegf, vessel_distance, vessel_density
    Changes:  glucose
    Source:   records glucose_*, vessel_density_class_half
    """

    uptake: float = parameter(".uptake", "mM/day/(Mcell/mL)")
    glycolysis: float = parameter(".glycolysis", "dimensionless")
    share_caf: float = parameter(".share_caf", "dimensionless")
    share_immune: float = parameter(".share_immune", "dimensionless")
    hypoxia_gain: float = parameter(".hypoxia_gain", "dimensionless")
    half: float = parameter(".uptake_half", "mM")
    permeability: float = parameter(".permeability", "mm/day")
    blood: float = parameter(".blood", "mM")
    diffusivity: float = parameter(".diffusivity", "mm**2/day")
    host: float = parameter(".host", "mM")
    host_loss: float = parameter(".host_loss", "1/day")
    class_density: float = parameter("vessel_density_class_half", "1/mm**2")

    @signal("1/day", off=0.0)
    def glucose_use(self, now: Now) -> Any:
        """Rate at which cells take glucose up [1/day]."""
        cells = now.tumor + self.share_caf * now.caf + self.share_immune * now.leukocytes
        most = self.uptake * self.glycolysis * cells * (1.0 + self.hypoxia_gain * now.hypoxia_vegf)
        return most / (now.glucose + self.half)

    @signal("mM/day", off=0.0)
    def glucose_uptake(self, now: Now) -> Any:
        """Glucose that cells use [mM/day]."""
        return now.glucose_use * now.glucose

    @signal("mM", off=(5.0,) * 5)
    def glucose_by_class(self, now: Now) -> Any:
        """Glucose in the five distance classes, far to near; its weighted mean is the shell's [mM]."""
        length = jnp.sqrt(self.diffusivity / jnp.maximum(now.glucose_use, 1e-3))
        density = now.vessel_density * now.vessel_density
        classes = density / (density + self.class_density**2)
        shares = class_exposure(now.vessel_distance, length)
        return tuple((1.0 + classes * (share - 1.0)) * now.glucose for share in shares)

    def flows(self, now: Now) -> list[Flow]:
        crossing = self.permeability * now.open_surface
        exchange = crossing * now.blood_flow / jnp.maximum(crossing + now.blood_flow, 1e-6)
        return [
            supply("glucose", exchange * self.blood),
            loss("glucose", exchange + now.glucose_use),
            diffuse("glucose", self.diffusivity, host=self.host, host_loss=self.host_loss),
        ]
