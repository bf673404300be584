"""How an agent gets from plasma into the tissue of a lesion, and how it leaves it."""

import jax.numpy as jnp

from alarmin.mechanism import Action, Flow, Now, diffuse, loss, parameter, supply
from alarmin.records import agent as find_agent
from alarmin.state import Field


class TissueTransport(Action):
    """Vessels supply the agent from plasma and take it back; it diffuses through the matrix, is used up and lost.

        0 = div(D grad c) + k_v c_p - (k_v/K + k_u + k_l + k_L) c,    1/k_v = 1/(P S) + 1/Q
        D = d D_w/a exp(-a/r_p),    k_u = f D/l^2

    Small molecules cross the whole open surface; proteins and particles cross more of immature and little of mature
    vessels, so the share s of the exchange that is selective by size takes the permeability of the lesion's vessels to
    antibodies, P S = (1 - s) P S_o + s P/P_IgG (P S)_IgG. The penetration length l says how fast cells take the agent
    up; the share f of that is not given back. k_L is what lymph drains. The margin is closed, as if the tissue around
    a lesion were supplied like it.

    Reads:    open_surface, macromolecule_permeability, blood_flow, molecular_pore,
              lymph_drainage, plasma
    Changes:  the agent's concentration in tissue
    Source:   the agent's records of tissue; records transport_*, vessel_permeability
    """

    size: float = parameter(".radius", "nm")
    permeability: float = parameter(".permeability", "mm/day")
    selectivity: float = parameter(".size_selectivity", "dimensionless")
    partition: float = parameter(".partition", "dimensionless")
    penetration: float = parameter(".penetration", "mm")
    used_share: float = parameter(".uptake_lost", "dimensionless")
    lost: float = parameter(".loss", "1/day")
    water_diffusivity: float = parameter("transport_water_diffusivity", "nm*mm**2/day")
    open_share: float = parameter("transport_open_share", "dimensionless")
    antibody_permeability: float = parameter("vessel_permeability", "mm/day")

    def fields(self) -> tuple[Field, ...]:
        entry = find_agent(self.agent)
        return (Field(self.agent, "molecule", entry.unit, f"{entry.title} in tissue"),)

    def flows(self, now: Now) -> list[Flow]:
        selective = self.permeability / self.antibody_permeability * now.macromolecule_permeability
        surface = (1.0 - self.selectivity) * self.permeability * now.open_surface + self.selectivity * selective
        exchange = surface * now.blood_flow / jnp.maximum(surface + now.blood_flow, 1e-12)
        diffusivity = self.open_share * self.water_diffusivity / self.size * jnp.exp(-self.size / now.molecular_pore)
        used = self.used_share * diffusivity / self.penetration**2
        return [
            supply(self.agent, exchange * now.plasma(self.agent)),
            loss(self.agent, exchange / self.partition + used + self.lost + now.lymph_drainage),
            diffuse(self.agent, diffusivity),
        ]
