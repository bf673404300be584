"""A ball cut into concentric shells that follow its radius, finite volumes throughout.

Shapes: shells first, lanes last; of a stack of fields, `[field, shell, lane]`.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from alarmin.numerics.grid import Passage, Spread, ball_volume

Shells = Float[Array, "shell lane"]
PerLane = Float[Array, "1 lane"]
Lanes = Float[Array, "lane"]
Stack = Float[Array, "field shell lane"]


class Rows(NamedTuple):
    """What each shell of each column loses and is given; across its outer face flow forth u_s - back u_{s+1}."""

    loss: Shells
    right: Shells
    forth: Float[Array, "face column"]
    back: Float[Array, "face column"]


class Sphere(NamedTuple):
    """Concentric shells with faces at xi = 1 - (1 - u)^packing, u uniform, so that they are thinner at the margin.

    `packing` 1 gives shells of equal width. All methods take the present `radius` [mm], shape `[1, lane]`.
    """

    shells: int = 48
    packing: float = 1.5

    @property
    def faces(self) -> np.ndarray:
        """Positions of the shell faces as a share of the radius, `[shell + 1]`."""
        return 1.0 - (1.0 - np.linspace(0.0, 1.0, self.shells + 1)) ** self.packing

    @property
    def centers(self) -> np.ndarray:
        """Positions of the shell centers as a share of the radius, `[shell]`."""
        return 0.5 * (self.faces[1:] + self.faces[:-1])

    @property
    def shares(self) -> np.ndarray:
        """Share of the lesion's volume in each shell, `[shell]`; they add up to 1."""
        return np.diff(self.faces**3)

    @property
    def points(self) -> int:
        """The shells."""
        return self.shells

    @property
    def rates_at_once(self) -> bool:
        """Yes: a step stays in the cache."""
        return True

    @property
    def paths(self) -> int:
        """The shells: a velocity has its outward component alone."""
        return self.shells

    def extent(self, radius: PerLane, fields: Any) -> PerLane:
        """The radius says all."""
        del fields
        return radius

    def kept(self, extent: PerLane) -> tuple[PerLane, dict[str, Any]]:
        """The radius."""
        return extent, {}

    def velocity(self, stored: Shells) -> Shells:
        """Outward, at the shell centers [mm/day]."""
        return stored

    def _column(self, values: np.ndarray, like: Array) -> Array:
        return jnp.asarray(values, like.dtype)[:, None]

    def volume(self, radius: PerLane) -> PerLane:
        """Volume of the lesion [mL]."""
        return ball_volume(radius)

    def volumes(self, radius: PerLane) -> Shells:
        """Volume of each shell [mL]."""
        return self._column(self.shares, radius) * self.volume(radius)

    def depth(self, radius: PerLane) -> Shells:
        """Distance of each shell center from the margin [mm]."""
        return self._column(1.0 - self.centers, radius) * radius

    def mean(self, value: Shells, extent: PerLane | None = None) -> PerLane:
        """Volume mean, which the shares of the shells give whatever the radius."""
        del extent
        return jnp.asarray(self.shares, value.dtype)[None] @ value

    def margin_mean(self, value: Shells, within: float, depth: Shells, radius: PerLane) -> PerLane:
        """Volume mean `within` [mm] of the margin; a shell that straddles the limit counts by its part."""
        del depth
        inner = jnp.clip(1.0 - within / radius, 0.0, 1.0)
        faces = jnp.maximum(self._column(self.faces, value), inner)
        part = faces[1:] ** 3 - faces[:-1] ** 3
        whole = jnp.ones((1, self.shells), value.dtype)
        return (whole @ (part * value)) / (whole @ part)

    def gradient(self, value: Shells, radius: PerLane) -> Shells:
        """Outward derivative at the shell centers [1/mm]; zero at the center of the ball, one-sided at the margin."""
        gaps = self._column(np.diff(self.centers), value) * radius
        inner = jnp.diff(value, axis=0) / gaps
        zero = jnp.zeros_like(value[:1])
        # A ball of one shell has no slope.
        last = inner[-1:] if self.shells > 1 else zero
        return 0.5 * (jnp.concatenate([zero, inner]) + jnp.concatenate([inner, last]))

    def outward_integral(self, value: Shells, radius: PerLane) -> Shells:
        """Line integral from each shell center to the margin [mm]."""
        length = self._column(np.diff(self.faces), value) * radius * value
        outward = np.triu(np.ones((self.shells, self.shells)), 1) + 0.5 * np.eye(self.shells)
        return jnp.asarray(outward, value.dtype) @ length

    def spread(self, diffusivity: Any, host: Any, host_loss: Any, exchange: Any, radius: PerLane) -> Spread:
        """Diffusivity in the shells, exchange and host value at the rim `[lane]`."""
        full = lambda part: jnp.broadcast_to(jnp.asarray(part, radius.dtype), (self.shells, radius.shape[1]))
        rim = lambda part: full(part)[-1]
        if host_loss is not None:
            crossing = self.margin_exchange(radius[0], rim(diffusivity), rim(host_loss))
        else:
            crossing = rim(0.0 if exchange is None else exchange)
        return Spread(full(diffusivity), crossing, rim(host))

    def carry(self, passages: list[Passage], radius: PerLane, dt: float | None) -> list[Shells]:
        """All fields side by side, a column for each field of each lane, through one elimination."""
        rows = [self.rows(passage, radius, dt) for passage in passages]
        moved = self.solve(jax.tree.map(lambda *parts: jnp.concatenate(parts, axis=-1), *rows))
        lanes = radius.shape[1]
        return [moved[:, index * lanes : (index + 1) * lanes] for index in range(len(passages))]

    def rows(self, passage: Passage, radius: PerLane, dt: float | None) -> "Rows":
        """The balance 0 = div(D grad u - v u) + gain - rate u of each shell, in units of 4 pi R^3.

        A shell has the volume d(xi^3)/3, and a face the conductance D xi^2 / (R^2 dxi). The margin lets `exchange`
        (host - u) [mm/day per area] through, in series with the outer half shell; a boundary layer sqrt(D/rate)
        thinner than that half shell takes its place. Drift is upwind. A time step of a motile field is the same
        equation with the loss 1/dt and the gain u_old/dt; its boundary layer has its own rate, whatever the step.
        """
        spread, exchange, host = passage.spread, passage.spread.exchange[None], passage.spread.host[None]
        volume = self._column(self.shares / 3.0, radius)
        pace = 1.0 / (dt or 1.0)
        rate, gain = (pace, pace * passage.value) if passage.motile else (passage.rate, passage.gain)
        loss, right = jnp.broadcast_to(volume * rate, spread.diffusivity.shape), volume * gain

        half_shell = 0.5 * float(np.diff(self.faces)[-1]) * radius
        diffusivity, lost = spread.diffusivity[-1:], jnp.broadcast_to(passage.rate, spread.diffusivity.shape)[-1:]
        layer = jnp.minimum(half_shell, jnp.sqrt(diffusivity / jnp.maximum(lost, 1e-30)))
        crossing = exchange * diffusivity / jnp.maximum(exchange * layer + diffusivity, 1e-30) / radius
        rim = self._column(np.arange(self.shells) == self.shells - 1, radius)
        loss, right = loss + rim * crossing, right + rim * (crossing * host)

        faces, gaps = self.faces[1:-1], np.diff(self.centers)
        part = self._column((self.centers[1:] - faces) / gaps, radius)
        between = part * spread.diffusivity[:-1] + (1.0 - part) * spread.diffusivity[1:]
        forth = back = between * self._column(faces**2 / gaps, radius) * (1.0 / radius**2)
        if passage.drift is not None:
            speed = 0.5 * (passage.drift[:-1] + passage.drift[1:]) * self._column(faces**2, radius) / radius
            forth, back = forth + jnp.maximum(speed, 0.0), back + jnp.maximum(-speed, 0.0)
        return Rows(loss, right, forth, back)

    def solve(self, rows: "Rows") -> Shells:
        """Solves all columns at once, by one elimination from the center outward and back; u >= 0 where `right` is.

        With d u_s - (what s + 1 gives) = right, u_s = (right + back u_{s+1}) / (d + forth), and shell s + 1 keeps
        d' = loss + back d / (d + forth). Nothing cancels.
        """
        loss, right, forth, back = rows
        if self.shells == 1:
            return right / jnp.maximum(loss, 1e-30)

        def eliminate(carry: Any, s: Any) -> Any:
            d, held = carry
            a = forth[s]
            pivot = 1.0 / jnp.maximum(d + a, 1e-30)
            pull, value = back[s] * pivot, held * pivot
            return (loss[s + 1] + pull * d, right[s + 1] + a * value), (pull, value)

        (d, held), (pull, value) = jax.lax.scan(eliminate, (loss[0], right[0]), jnp.arange(self.shells - 1))
        rim = held / jnp.maximum(d, 1e-30)

        def substitute(above: Any, left: Any) -> Any:
            here = left[1] + left[0] * above
            return here, here

        inner = jax.lax.scan(substitute, rim, (pull, value), reverse=True)[1]
        return jnp.concatenate([inner, rim[None]])

    def _inner_sum(self, content: Shells) -> Shells:
        """Sum over each shell and all inside it; as a product, since a running sum is slow to compile into anything."""
        return jnp.asarray(np.tri(self.shells), content.dtype) @ content

    def margin_exchange(self, radius: Lanes, diffusivity: Lanes, host_loss: Lanes) -> Lanes:
        """Exchange velocity with an unbounded exterior in which the substance decays: D (1/l + 1/R) [mm/day]."""
        return diffusivity * (jnp.sqrt(host_loss / jnp.maximum(diffusivity, 1e-30)) + 1.0 / radius)

    def remap(self, radius: PerLane, swelling: Shells, material: Stack, held: Any) -> tuple[PerLane, Stack, Shells]:
        """Moves material so that every shell is filled again after its content swelled or shrank.

        The material of shell s now needs `swelling` times its volume, and the radius follows the sum. Where `held` is
        true the lesion is brought back to its radius as a whole: it gives or takes the same share everywhere. Returns
        radius, material and the outward velocity times the step at the shell centers [mm].

        Each face moves the volume between where the material's boundary went and where the grid's face is, with the
        density of the side it comes from, linear within a shell and limited (second order, conservative, positive).
        """
        column = lambda values: jnp.asarray(values, radius.dtype)[:, None]
        shares = column(self.shares)
        content = shares * swelling
        moved = self._inner_sum(content)  # volume inside the moved faces, per old volume of the lesion
        grown = moved[-1:]
        out = moved - column(self.faces[1:] ** 3) * grown  # crosses each face outward; 0 at the margin
        beyond = jnp.concatenate([content[1:], content[-1:]])
        # At most half a shell's content through each of its faces, so that it never gives more than it has.
        out = jnp.clip(out, -0.5 * beyond, 0.5 * content)
        # Two ghost shells at either end, equal to their neighbors, have no slope: no face needs a case of its own.
        edges = lambda values, n: jnp.concatenate(
            [values[..., :1, :]] * n + [values] + [values[..., -1:, :]] * n, axis=-2
        )
        density = jax.lax.optimization_barrier(edges(material * (1.0 / swelling)[None], 2))
        fall, rise = density[:, 1:-1] - density[:, :-2], density[:, 2:] - density[:, 1:-1]
        slope = jnp.maximum(jnp.minimum(fall, rise), 0.0) + jnp.minimum(jnp.maximum(fall, rise), 0.0)
        crossing = jnp.concatenate([jnp.zeros_like(out[:1]), out])
        size = edges(content, 1)
        part = lambda size: (0.5 * (1.0 - jnp.abs(crossing) / size))[None]
        outer = density[:, 1:-2] + slope[:, :-1] * part(size[:-1])
        inner = density[:, 2:-1] - slope[:, 1:] * part(size[1:])
        flux = jnp.maximum(crossing, 0.0)[None] * outer + jnp.minimum(crossing, 0.0)[None] * inner
        flux = jax.lax.optimization_barrier(flux)
        room = (1.0 / (shares * grown))[None]
        spread = jnp.maximum(content[None] * density[:, 2:-2] + flux[:, :-1] - flux[:, 1:], 0.0) * room

        stretch = jnp.exp(jnp.log(moved / column(self.faces[1:] ** 3)) / 3.0) - 1.0
        face_step = column(self.faces[1:]) * radius * stretch
        center_step = 0.5 * (face_step + jnp.concatenate([jnp.zeros_like(face_step[:1]), face_step[:-1]]))
        return jnp.where(held, radius, radius * jnp.cbrt(grown)), spread, center_step
