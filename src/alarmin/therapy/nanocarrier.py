"""Particles that carry a drug through blood into tissue and let it go there."""

import jax.numpy as jnp

from alarmin.mechanism import Action, Flow, Now, diffuse, loss, parameter, supply
from alarmin.records import agent as find_agent
from alarmin.state import Field


class Nanocarrier(Action):
    """Particles leave through the pores of leaky vessels, crawl through the mesh, and release their drug.

        0 = div(D grad n) + k_v n_p - (k_v + k_r + k_L) n,   1/k_v = 1/(P S) + 1/Q,   n_p = c_p (1 - f)/f
        released     supply(c, k_r n)
        P S = P/P_IgG (P S)_IgG,   D = d D_w/a exp(-a/r_p)

    n is carried and c free drug in tissue; c_p is free drug in plasma, the share f of all that circulates. Free drug
    also comes from plasma and spreads as a small molecule does (file of tissue transport). k_L is what lymph drains.

    Reads:    plasma, macromolecule_permeability, blood_flow, molecular_pore, lymph_drainage, carried drug
    Changes:  carried drug, the agent's concentration in tissue
    Source:   the agent's records of this mode and fraction_unbound; records transport_*, vessel_permeability
    """

    size: float = parameter(".radius", "nm")
    permeability: float = parameter(".permeability", "mm/day")
    release: float = parameter(".release", "1/day")
    free_share: float = parameter("agent.pharmacokinetics.fraction_unbound", "dimensionless")
    water_diffusivity: float = parameter("transport_water_diffusivity", "nm*mm**2/day")
    open_share: float = parameter("transport_open_share", "dimensionless")
    antibody_permeability: float = parameter("vessel_permeability", "mm/day")

    @property
    def carried(self) -> str:
        """Name of the field of carried drug."""
        return f"{self.agent}_carried"

    def fields(self) -> tuple[Field, ...]:
        entry = find_agent(self.agent)
        return (Field(self.carried, "molecule", entry.unit, f"{entry.title} in tissue, still carried"),)

    def flows(self, now: Now) -> list[Flow]:
        surface = self.permeability / self.antibody_permeability * now.macromolecule_permeability
        exchange = surface * now.blood_flow / jnp.maximum(surface + now.blood_flow, 1e-12)
        circulating = now.plasma(self.agent) * (1.0 - self.free_share) / self.free_share
        diffusivity = self.open_share * self.water_diffusivity / self.size * jnp.exp(-self.size / now.molecular_pore)
        return [
            supply(self.carried, exchange * circulating),
            loss(self.carried, exchange + self.release + now.lymph_drainage),
            diffuse(self.carried, diffusivity),
            supply(self.agent, self.release * getattr(now, self.carried)),
        ]
