"""Lactate: what cells make of glucose that they do not burn."""

from typing import Any

import jax.numpy as jnp

from alarmin.mechanism import Flow, Mechanism, Now, diffuse, loss, parameter, signal, supply


class Lactate(Mechanism):
    """Each glucose that is not burnt with oxygen gives two lactate, which blood washes out; lactate is acid.

        0 = div(D grad L) + k L_b + 2 a max(u - r O/6, m u) - k e L,   1/k = 1/(P S_o) + 1/Q
        pH = max(pH_0 - c (L - L_b), pH_min)

    u is glucose and O oxygen that cells use, r the share of oxygen that burns glucose, six to one. a and e are what
    agents leave of the production and of the export of lactate.

    Reads:    lactate, glucose_uptake, oxygen_use, open_surface, blood_flow, effects lactate_production, lactate_efflux
    Changes:  lactate
    Source:   records lactate_*, oxygen_solubility
    """

    burning: float = parameter(".oxygen_share", "dimensionless")
    fermented: float = parameter(".least_share", "dimensionless")
    solubility: float = parameter("oxygen_solubility", "mM/mmHg")
    permeability: float = parameter(".permeability", "mm/day")
    blood: float = parameter(".blood", "mM")
    diffusivity: float = parameter(".diffusivity", "mm**2/day")
    host: float = parameter(".host", "mM")
    host_loss: float = parameter(".host_loss", "1/day")
    ph_rest: float = parameter(".ph_rest", "dimensionless")
    ph_fall: float = parameter(".ph_fall", "1/mM")
    ph_least: float = parameter(".ph_least", "dimensionless")

    @signal("dimensionless", off=7.4)
    def ph(self, now: Now) -> Any:
        """Acidity of the interstitium, as pH [-]."""
        return jnp.maximum(self.ph_rest - self.ph_fall * (now.lactate - self.blood), self.ph_least)

    def flows(self, now: Now) -> list[Flow]:
        burnt = self.burning * self.solubility / 6.0 * now.oxygen_use
        left = jnp.maximum(now.glucose_uptake - burnt, self.fermented * now.glucose_uptake)
        crossing = self.permeability * now.open_surface
        exchange = crossing * now.blood_flow / jnp.maximum(crossing + now.blood_flow, 1e-6)
        return [
            supply("lactate", exchange * self.blood + 2.0 * now.product("lactate_production") * left),
            loss("lactate", exchange * now.product("lactate_efflux")),
            diffuse("lactate", self.diffusivity, host=self.host, host_loss=self.host_loss),
        ]
