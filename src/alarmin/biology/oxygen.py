"""Oxygen: delivered by flow and by diffusion out of vessels, used by cells."""

import jax.numpy as jnp

from alarmin.mechanism import Flow, Mechanism, Now, diffuse, loss, parameter, signal, supply
from alarmin.numerics.response import CLASS_QUANTILES, class_exposure, class_mean


class Oxygen(Mechanism):
    """Vessels supply oxygen in series through blood flow and radial diffusion; cells use it at a saturating rate.

        0 = div(D grad O) + k_e (p_a - O) + o - U sum_q w_q p_q / (p_q + K_m)
        1/k_e = 1/k_K + 1/(beta c Q),    k_K = 2 pi psi N D / max(ln(1/(r_v sqrt(pi N))) - 3/4, 0.3)

    Vessels stand closer than shells are wide, so each shell carries five distance classes p_q = m_q O, whose
    distances follow a clustered Poisson law of the vessel density N and whose decay length is sqrt(D (O + K_m)/U).
    Where vessels are further apart than that, classes fade out and oxygen varies on the grid alone. o is what agents
    release, c the oxygen that blood carries under agents, relative to that without them.

    Reads:    oxygen, functional_surface, blood_flow, tumor, caf, leukocytes, effects oxygen_carrying, oxygen_release
    Changes:  oxygen
    Source:   records oxygen_*, vessel_*
    """

    diffusivity: float = parameter("oxygen_diffusivity", "mm**2/day")
    uptake: float = parameter("oxygen_uptake_tumor", "mmHg/day/(Mcell/mL)")
    uptake_half: float = parameter("oxygen_uptake_half", "mmHg")
    share_caf: float = parameter("oxygen_uptake_share_caf", "dimensionless")
    share_immune: float = parameter("oxygen_uptake_share_immune", "dimensionless")
    arterial: float = parameter("oxygen_supply_pressure", "mmHg")
    capacity: float = parameter("oxygen_blood_capacity", "dimensionless")
    irregularity: float = parameter("vessel_spacing_irregularity", "dimensionless")
    vessel_radius: float = parameter("vessel_radius", "mm")
    class_density: float = parameter("vessel_density_class_half", "1/mm**2")
    host: float = parameter("oxygen_host", "mmHg")
    host_loss: float = parameter("oxygen_host_loss", "1/day")

    def demand(self, now: Now):
        """Maximal use U of all cells [mmHg/day]."""
        return self.uptake * (now.tumor + self.share_caf * now.caf + self.share_immune * now.leukocytes)

    @signal("1/mm**2")
    def vessel_density(self, now: Now):
        """Functional vessels per cross-section N, from their surface [1/mm2]."""
        return jnp.maximum(now.functional_surface, 0.02) / (2.0 * jnp.pi * self.vessel_radius)

    @signal("mm")
    def vessel_distance(self, now: Now):
        """Distance to the nearest functional vessel in the five classes [mm]."""
        spacing = 1.0 / jnp.sqrt(jnp.pi * now.vessel_density)
        return tuple(y**0.5 * spacing for y in CLASS_QUANTILES)

    @signal("mmHg", off=(60.0,) * 5)
    def oxygen_by_class(self, now: Now):
        """Oxygen tension in the five distance classes, far to near; its weighted mean is the shell's [mmHg]."""
        length = jnp.sqrt(self.diffusivity * (now.oxygen + self.uptake_half) / jnp.maximum(self.demand(now), 1e-3))
        density = now.vessel_density * now.vessel_density
        classes = density / (density + self.class_density**2)
        shares = class_exposure(now.vessel_distance, length)
        return tuple((1.0 + classes * (share - 1.0)) * now.oxygen for share in shares)

    @signal("mmHg/day", off=0.0)
    def oxygen_use(self, now: Now):
        """Oxygen that cells use [mmHg/day]."""
        return self.demand(now) * class_mean(lambda p: p / (p + self.uptake_half), now.oxygen_by_class)

    def flows(self, now: Now) -> list[Flow]:
        n = now.vessel_density
        spacing = jnp.maximum(-jnp.log(self.vessel_radius * jnp.sqrt(jnp.pi * n)) - 0.75, 0.3)
        krogh = 2.0 * jnp.pi * self.irregularity * n * self.diffusivity / spacing
        flow = jnp.maximum(self.capacity * now.product("oxygen_carrying") * now.blood_flow, 1e-6)
        delivery = krogh * flow / (krogh + flow)
        return [
            supply("oxygen", delivery * self.arterial + now.total("oxygen_release")),
            loss("oxygen", delivery + now.oxygen_use / jnp.maximum(now.oxygen, 1e-6)),
            diffuse("oxygen", self.diffusivity, host=self.host, host_loss=self.host_loss),
        ]
