"""A lesion whose every point is like every other."""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from alarmin.numerics.grid import Passage, PerLane, Spread, ball_volume


class WellMixed(NamedTuple):
    """One point for a whole lesion; nothing crosses its margin.

    Depth, velocity and the line integral to the margin have their means over a ball that grows alike everywhere: R/4,
    3/4 of the velocity of the margin, and 4/15 R times the value (the mean of integral_r^R Γ s/3 ds is Γ R²/15).
    """

    @property
    def points(self) -> int:
        """One."""
        return 1

    @property
    def rates_at_once(self) -> bool:
        """Yes: a step stays in the cache."""
        return True

    @property
    def paths(self) -> int:
        """One."""
        return 1

    @property
    def centers(self) -> np.ndarray:
        """The mean place in a ball as a share of the radius, `[1]`."""
        return np.asarray([0.75])

    def extent(self, radius: PerLane, fields: Any) -> PerLane:
        """The radius says all."""
        del fields
        return radius

    def kept(self, extent: PerLane) -> tuple[PerLane, dict[str, Any]]:
        """The radius."""
        return extent, {}

    def velocity(self, stored: PerLane) -> PerLane:
        """Outward, mean over the lesion [mm/day]."""
        return stored

    def volume(self, radius: PerLane) -> PerLane:
        """Volume of the lesion [mL]."""
        return ball_volume(radius)

    def mean(self, value: PerLane, extent: PerLane) -> PerLane:
        """The value itself."""
        del extent
        return value

    def margin_mean(self, value: PerLane, within: float, depth: PerLane, extent: PerLane) -> PerLane:
        """The value itself."""
        del within, depth, extent
        return value

    def depth(self, extent: PerLane) -> PerLane:
        """Mean distance from the margin [mm]."""
        return 0.25 * extent

    def gradient(self, value: PerLane, extent: PerLane) -> PerLane:
        """None."""
        del extent
        return jnp.zeros_like(value)

    def outward_integral(self, value: PerLane, extent: PerLane) -> PerLane:
        """Mean of the line integral to the margin."""
        return (4.0 / 15.0) * extent * value

    def spread(self, diffusivity: Any, host: Any, host_loss: Any, exchange: Any, extent: PerLane) -> Spread:
        """Nowhere to go."""
        del host, host_loss, exchange
        return Spread(diffusivity, jnp.zeros_like(extent), jnp.zeros_like(extent))

    def carry(self, passages: list[Passage], extent: PerLane, dt: float | None) -> list[Any]:
        """Molecules at gain/rate; motile cells where they are."""
        del extent, dt
        return [p.value if p.motile else p.gain / jnp.maximum(p.rate, 1e-30) for p in passages]

    def remap(self, extent: PerLane, swelling: PerLane, material: Any, held: Any) -> tuple[PerLane, Any, PerLane]:
        """Every density falls as the lesion swells."""
        grown = jnp.where(held, jnp.ones_like(swelling), swelling)
        radius = extent * jnp.cbrt(grown)
        return radius, material * (1.0 / swelling)[None], 0.75 * extent * (jnp.cbrt(swelling) - 1.0)
