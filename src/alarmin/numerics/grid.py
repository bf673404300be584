"""What every grid of a lesion can do, so that mechanisms run on a point, a ball, a section and a volume unchanged.

Fields have points first and lanes last, `[point, lane]`; what is one number a lesion is `[1, lane]`.
"""

from typing import Any, NamedTuple, Protocol

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

Points = Float[Array, "point lane"]
PerLane = Float[Array, "1 lane"]


class Spread(NamedTuple):
    """How a field spreads: diffusivity `[point, lane]`, exchange velocity and host value at the margin.

    In a box, a diffusivity that is the same everywhere is `[1, lane]`.

    On grids that hold tissue around the lesion, `host_loss` is the rate of loss there; None where nothing but the
    exchange crosses the margin.
    """

    diffusivity: Array
    exchange: Any
    host: Any
    host_loss: Any = None


class Passage(NamedTuple):
    """A field on its way through tissue.

    A molecule (`motile` false) goes to the balance 0 = div(D grad u) + gain - rate u; a motile cell starts from
    `value` and spreads and drifts for a time step, and its `rate` says only how deep it gets over the margin.
    """

    motile: bool
    spread: Spread
    value: Any
    gain: Any
    rate: Any
    drift: Any


class Vector(eqx.Module):
    """A direction and a size at each point, as components along the axes of a box.

    Mechanisms treat it as they treat an outward component on the ball: they scale it, and take its size by `abs`.
    """

    parts: tuple[Array, ...]
    __array_ufunc__ = None

    def __mul__(self, factor: Any) -> "Vector":
        return Vector(tuple(part * factor for part in self.parts))

    __rmul__ = __mul__

    def __truediv__(self, divisor: Any) -> "Vector":
        return Vector(tuple(part / divisor for part in self.parts))

    def __abs__(self) -> Array:
        total: Any = 0.0
        for part in self.parts:
            total = total + part * part
        # The slope of a root has no value at zero.
        return jnp.where(total > 0.0, jnp.sqrt(jnp.where(total > 0.0, total, 1.0)), 0.0)


def ball_volume(radius: PerLane) -> PerLane:
    """Volume of a ball [mL] of a radius [mm]."""
    return (4.0 / 3.0 * np.pi * 1e-3) * radius**3


class Grid(Protocol):
    """Where the fields of lesions live.

    An `extent` is what a grid knows of the present size and shape of each lesion: of the ball its radius [mm], of a
    box the radius of a ball of the same volume and the share of tissue in each voxel.
    """

    @property
    def points(self) -> int:
        """Points at which fields have values."""
        ...

    @property
    def paths(self) -> int:
        """Components of a velocity, at all points."""
        ...

    @property
    def rates_at_once(self) -> bool:
        """Whether all rates of a step are there before fields change: faster, and twice the room of the state."""
        ...

    @property
    def centers(self) -> np.ndarray:
        """What the points are called in stored profiles, `[point]`."""
        ...

    def extent(self, radius: Any, fields: Any, /) -> Any:
        """The present extent, from the radius and the fields of a state."""
        ...

    def kept(self, extent: Any, /) -> tuple[Any, dict[str, Any]]:
        """The radius, and the fields in which a state holds the rest of an extent."""
        ...

    def velocity(self, stored: Any, /) -> Any:
        """A velocity as mechanisms see it, from how a state holds it, `[path, lane]`."""
        ...

    def volume(self, radius: Any, /) -> Any:
        """Volume of the lesion [mL]."""
        ...

    def mean(self, value: Any, extent: Any, /) -> Any:
        """Volume mean over the lesion."""
        ...

    def margin_mean(self, value: Any, within: float, depth: Any, extent: Any, /) -> Any:
        """Volume mean `within` [mm] of the margin, from the `depth` of each point."""
        ...

    def depth(self, extent: Any, /) -> Any:
        """Distance of each point from the margin [mm]."""
        ...

    def gradient(self, value: Any, extent: Any, /) -> Any:
        """Slope [1/mm]: outward component, or `Vector`."""
        ...

    def outward_integral(self, value: Any, extent: Any, /) -> Any:
        """The potential, 0 at the margin, that falls outward by `value` per mm."""
        ...

    def spread(self, diffusivity: Any, host: Any, host_loss: Any, exchange: Any, extent: Any, /) -> Spread:
        """How a field spreads, from what a mechanism says of it (`alarmin.mechanism.diffuse`)."""
        ...

    def carry(self, passages: list[Passage], extent: Any, dt: float | None, /) -> list[Any]:
        """Each field after its passage: molecules in balance, motile cells after `dt` [day]."""
        ...

    def remap(self, extent: Any, swelling: Any, material: Any, held: Any, /) -> tuple[Any, Any, Any]:
        """Moves material `[field, point, lane]` so that tissue is filled again after it swelled or shrank.

        The content of a point needs `swelling` times its volume. The lesion grows by the sum, or keeps its size where
        `held` is true, and gives or takes the same share everywhere. Returns extent, material, and path of the tissue
        [mm].
        """
        ...
