"""A ball cut into concentric shells that follow its radius, finite volumes throughout.

Shapes: shells first, lanes last; a stack of fields stands between them, `[shell, field, lane]`.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

Shells = Float[Array, "shell lane"]
PerLane = Float[Array, "1 lane"]
Lanes = Float[Array, "lane"]
Stack = Float[Array, "shell field lane"]


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

    def _column(self, values: np.ndarray, like: Array) -> Array:
        return jnp.asarray(values, like.dtype)[:, None]

    def volume(self, radius: PerLane) -> PerLane:
        """Volume of the lesion [mL]."""
        return (4.0 / 3.0 * np.pi * 1e-3) * radius**3

    def volumes(self, radius: PerLane) -> Shells:
        """Volume of each shell [mL]."""
        return self._column(self.shares, radius) * self.volume(radius)

    def depth(self, radius: PerLane) -> Shells:
        """Distance of each shell center from the margin [mm]."""
        return self._column(1.0 - self.centers, radius) * radius

    def mean(self, value: Shells) -> PerLane:
        """Volume mean."""
        return jnp.sum(self._column(self.shares, value) * value, axis=0, keepdims=True)

    def margin_mean(self, value: Shells, depth: float, radius: PerLane) -> PerLane:
        """Volume mean within `depth` [mm] of the margin; a shell that straddles the depth counts by its part."""
        inner = jnp.clip(1.0 - depth / radius, 0.0, 1.0)
        faces = jnp.maximum(self._column(self.faces, value), inner)
        part = faces[1:] ** 3 - faces[:-1] ** 3
        return jnp.sum(part * value, axis=0, keepdims=True) / jnp.sum(part, axis=0, keepdims=True)

    def gradient(self, value: Shells, radius: PerLane) -> Shells:
        """Outward derivative at the shell centers [1/mm]; zero at the center of the ball, one-sided at the margin."""
        gaps = self._column(np.diff(self.centers), value) * radius
        inner = jnp.diff(value, axis=0) / gaps
        zero, last = jnp.zeros_like(inner[:1]), inner[-1:]
        return 0.5 * (jnp.concatenate([zero, inner]) + jnp.concatenate([inner, last]))

    def outward_integral(self, value: Shells, radius: PerLane) -> Shells:
        """Line integral from each shell center to the margin [mm]."""
        length = self._column(np.diff(self.faces), value) * radius * value
        beyond = jnp.cumsum(length[::-1], axis=0)[::-1] - length
        return beyond + 0.5 * length

    def transport(
        self,
        radius: PerLane,
        diffusivity: Stack,
        supply: Stack,
        loss: Stack,
        exchange: Float[Array, "field lane"],
        host: Float[Array, "field lane"],
        drift: Float[Array, "shell drifting lane"] | None = None,
    ) -> Stack:
        """Solves 0 = div(D grad u - v u) + supply - loss u in every field at once.

        A time step of length dt is the same equation with 1/dt added to the loss and u_old/dt to the supply.
        The margin lets `exchange` (host - u) [mm/day per area] through, in series with the outer half shell; a
        boundary layer sqrt(D/loss) thinner than that half shell takes its place. `drift` [mm/day at the shell
        centers] applies to the first fields of the stack and is upwind.

        One elimination from the center outward and back; the matrix is an M-matrix, so u >= 0.
        """
        faces, dtype = self.faces, supply.dtype
        column = lambda values: jnp.asarray(values, dtype)[:, None, None]
        # In units of 4 pi R^3, a shell has the volume d(xi^3)/3, and a face the conductance D xi^2 / (R^2 dxi).
        volume = column(self.shares / 3.0)
        per_area = column(faces[1:-1] ** 2 / np.diff(self.centers)) / radius[None] ** 2
        inner_part = column((self.centers[1:] - faces[1:-1]) / np.diff(self.centers))
        speed = jnp.zeros((self.shells - 1, 0, supply.shape[2]), dtype)
        if drift is not None:
            speed = 0.5 * (drift[:-1] + drift[1:]) * column(faces[1:-1] ** 2) / radius[None]
        drifting = speed.shape[1]

        def eliminate(carry: Any, row: Any) -> Any:
            # Across a face, shell s gives a u_s - b u_{s+1}. With d u_s - (what s + 1 gives) = right below the face:
            # u_s = (right + b u_{s+1}) / (d + a), and shell s + 1 keeps d' = V loss + b d / (d + a). Nothing cancels.
            d, right, below = carry
            here, v_loss, v_supply, area, part, v = row
            a = b = (part * below + (1.0 - part) * here) * area
            if drifting:
                a = jnp.concatenate([a[:drifting] + jnp.maximum(v, 0.0), a[drifting:]])
                b = jnp.concatenate([b[:drifting] + jnp.maximum(-v, 0.0), b[drifting:]])
            pivot = 1.0 / jnp.maximum(d + a, 1e-30)
            kept = (b * pivot, right * pivot)
            return (v_loss + kept[0] * d, v_supply + a * kept[1], here), kept

        v_loss, v_supply = volume * loss, volume * supply
        rows = (diffusivity[1:], v_loss[1:], v_supply[1:], per_area, inner_part, speed)
        start = (v_loss[0], v_supply[0], diffusivity[0])
        (d, right, d_rim), (pull, value) = jax.lax.scan(eliminate, start, rows)

        layer = jnp.minimum(0.5 * float(np.diff(faces)[-1]) * radius, jnp.sqrt(d_rim / jnp.maximum(loss[-1], 1e-30)))
        margin = exchange * d_rim / jnp.maximum(exchange * layer + d_rim, 1e-30) / radius
        rim = (right + margin * host) / jnp.maximum(d + margin, 1e-30)

        def substitute(above: Any, row: Any) -> Any:
            here = row[1] + row[0] * above
            return here, here

        inner = jax.lax.scan(substitute, rim, (pull, value), reverse=True)[1]
        return jnp.concatenate([inner, rim[None]])

    def margin_exchange(self, radius: Lanes, diffusivity: Lanes, host_loss: Lanes) -> Lanes:
        """Exchange velocity with an unbounded exterior in which the substance decays: D (1/l + 1/R) [mm/day]."""
        return diffusivity * (jnp.sqrt(host_loss / jnp.maximum(diffusivity, 1e-30)) + 1.0 / radius)

    def remap(self, radius: PerLane, swelling: Shells, material: Stack, held: Any) -> tuple[PerLane, Stack, Shells]:
        """Moves material so that every shell is filled again after its content swelled or shrank.

        The material of shell s now needs `swelling` times its volume. The radius follows the sum, or stays where
        `held` is true (then what does not fit leaves through the margin). Returns radius, material and the outward
        velocity times the step at the shell centers [mm].

        Each face moves the volume between where the material's boundary went and where the grid's face is, with the
        density of the side it comes from, linear within a shell and limited (second order, conservative, positive).
        """
        column = lambda values: jnp.asarray(values, radius.dtype)[:, None]
        shares = column(self.shares)
        content = shares * swelling
        moved = jnp.cumsum(content, axis=0)  # volume inside the moved faces, per old volume of the lesion
        grown = jnp.where(held, jnp.ones_like(moved[-1:]), moved[-1:])
        out = moved - column(self.faces[1:] ** 3) * grown  # crosses each face outward; 0 at the margin unless held
        beyond = jnp.concatenate([content[1:], content[-1:]])
        # At most half a shell's content through each of its faces, so that it never gives more than it has.
        out = jnp.clip(out, -0.5 * beyond, 0.5 * content)
        part = 0.5 * (1.0 - jnp.abs(out) / content)
        part_beyond = 0.5 * (1.0 - jnp.abs(out) / beyond)
        part_inner = jnp.concatenate([part_beyond[:1], part_beyond[:-1]])

        # Barriers keep the padded copies out of the arithmetic loops, which then run at the width of the processor.
        density = material * (1.0 / swelling)[:, None, :]
        padded = jax.lax.optimization_barrier(jnp.concatenate([density[:1], density, density[-1:]]))
        density = padded[1:-1]
        fall, rise = density - padded[:-2], padded[2:] - density
        slope = jnp.maximum(jnp.minimum(fall, rise), 0.0) + jnp.minimum(jnp.maximum(fall, rise), 0.0)
        at_outer, at_inner = jax.lax.optimization_barrier(
            (density + slope * part[:, None, :], density - slope * part_inner[:, None, :])
        )
        leaving, returning = jnp.maximum(out, 0.0)[:, None, :], jnp.minimum(out, 0.0)[:, None, :]
        flux = leaving[:-1] * at_outer[:-1] + returning[:-1] * at_inner[1:]
        rim = leaving[-1:] * at_outer[-1:] + returning[-1:] * density[-1:]
        flux = jax.lax.optimization_barrier(jnp.concatenate([jnp.zeros_like(rim), flux, rim]))
        room = 1.0 / (shares * grown)
        spread = jnp.maximum(content[:, None, :] * density + flux[:-1] - flux[1:], 0.0) * room[:, None, :]

        stretch = jnp.cbrt(moved / column(self.faces[1:] ** 3)) - 1.0
        face_step = column(self.faces[1:]) * radius * stretch
        center_step = 0.5 * (face_step + jnp.concatenate([jnp.zeros_like(face_step[:1]), face_step[:-1]]))
        return radius * jnp.cbrt(grown), spread, center_step
