"""A box of voxels with a lesion of any shape in it, which swells, shrinks and changes shape.

`Box((n, n, n))` is a volume, `Box((n, n))` a section through a lesion. Shapes: voxels first, in the order of the
axes, lanes last, `[voxel, lane]`; inside, `[lane, *axes]`.
"""

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from alarmin.numerics.grid import Passage, PerLane, Points, Spread, Vector, ball_volume
from alarmin.numerics.lines import (
    balance,
    before,
    behind,
    by_itself,
    differences,
    factor,
    inner,
    outflow,
    roomy,
    sides,
    substitute,
    total,
)

LEAST = 1e-3
"""Share of tissue below which a voxel counts as empty [-]."""

FULL = 0.99
"""Share of tissue from which a voxel counts as full [-]."""


def ascending(parts: Sequence[Array]) -> list[Array]:
    """A few arrays in ascending order at each place; a library sorts columns of three a hundred times slower."""
    found: list[Array] = []
    for part in parts:
        for rank, other in enumerate(found):
            found[rank], part = jnp.minimum(other, part), jnp.maximum(other, part)
        found.append(part)
    return found


def limited(fall: Array, rise: Array) -> Array:
    """The lesser of two slopes of one sign; 0 where they differ."""
    return jnp.maximum(jnp.minimum(fall, rise), 0.0) + jnp.minimum(jnp.maximum(fall, rise), 0.0)


def carried(flux: Array, left: Sequence[Array], right: Sequence[Array]) -> Array:
    """What crosses a face: the flux of tissue times the density of where it comes from, linear within it.

    Args:
        flux: from left to right, as a share of a voxel.
        left: density, its slope over a voxel, and content of tissue; `right` alike.
    """
    reach = lambda content: 0.5 * jnp.maximum(1.0 - jnp.abs(flux) / jnp.maximum(content, LEAST), 0.0)
    outward = left[0] + left[1] * reach(left[2])
    return jnp.maximum(flux, 0.0) * outward + jnp.minimum(flux, 0.0) * (right[0] - right[1] * reach(right[2]))


class Extent(NamedTuple):
    """Radius of a ball of the lesion's volume [mm], and the share of tissue in each voxel."""

    radius: PerLane
    tissue: Points


class Ways(NamedTuple):
    """Where fields get through: area of the margin in each voxel, in areas of a face, and open share of the faces."""

    margin: Array
    apertures: list[Array]


class Box(NamedTuple):
    """Cubes of equal size which grow with the lesion, so that the sum of their shares of tissue never changes.

    The width h of a voxel follows the radius R of a ball of the lesion's volume: 4/3 π R³ = h³ sum of shares (in a
    section, of a disk of its area). Uniform growth so moves nothing across the voxels; what does move is how one part
    outgrows another. Where `walled`, tissue fills the box, which has no margin: a piece out of a lesion, to which
    depth and pressure are given as means over a ball, as in `WellMixed`.

    Attributes:
        shape: voxels along each of two or three axes.
        walled: whether tissue fills the box.
        tolerance: at which balances are accepted, as a share of the right-hand side.
    """

    shape: tuple[int, ...]
    walled: bool = False
    tolerance: float = 1e-5

    @property
    def points(self) -> int:
        """The voxels."""
        return int(np.prod(self.shape))

    @property
    def rates_at_once(self) -> bool:
        """No: twice the state of a large box is much."""
        return False

    @property
    def paths(self) -> int:
        """A component along each axis, in each voxel."""
        return len(self.shape) * self.points

    @property
    def centers(self) -> np.ndarray:
        """Numbers of the voxels, `[voxel]`."""
        return np.arange(self.points)

    def extent(self, radius: PerLane, fields: Any) -> Extent:
        """Radius, and the field `tissue`."""
        return Extent(radius, fields["tissue"])

    def kept(self, extent: Extent) -> tuple[PerLane, dict[str, Any]]:
        """Radius, and the field `tissue`."""
        return extent.radius, {"tissue": extent.tissue}

    def velocity(self, stored: Float[Array, "path lane"]) -> Vector:
        """Components along the axes at the voxel centers [mm/day]."""
        return Vector(tuple(jnp.split(stored, len(self.shape))))

    def volume(self, radius: PerLane) -> PerLane:
        """Volume of the lesion [mL]."""
        return ball_volume(radius)

    def width(self, extent: Extent) -> PerLane:
        """Width of a voxel [mm]."""
        shares = total(extent.tissue.T).T
        if len(self.shape) == 2:
            return extent.radius * jnp.sqrt(np.pi / shares)
        return extent.radius * jnp.cbrt(4.0 / 3.0 * np.pi / shares)

    def mean(self, value: Points, extent: Extent) -> PerLane:
        """Volume mean, each voxel by its share of tissue."""
        return self._weighted(value, extent.tissue)

    def margin_mean(self, value: Points, within: float, depth: Points, extent: Extent) -> PerLane:
        """Volume mean `within` [mm] of the margin, by depth; a voxel that straddles the limit counts by its part."""
        if self.walled:
            return self.mean(value, extent)
        part = jnp.clip((within - depth) / self.width(extent) + 0.5, 0.0, 1.0)
        return self._weighted(value, extent.tissue * part)

    def depth(self, extent: Extent) -> Points:
        """Distance of each voxel from the margin [mm]: |grad d| = 1, upwind; 0 outside.

        A voxel that tissue fills in part has its margin at (share - 1/2) of its width.
        """
        if self.walled:
            return jnp.broadcast_to(0.25 * extent.radius, extent.tissue.shape)
        tissue = self._axes(extent.tissue)
        fixed = tissue < FULL
        far = float(sum(self.shape))
        start = jnp.where(fixed, tissue - 0.5, far)
        walls = [(before(face, axis) == 0.0, face == 0.0) for axis, face in enumerate(inner(tissue))]

        def nearer(carry: Any) -> Any:
            found, _ = carry
            near = []
            for (first, end), (last, following) in zip(walls, sides(found, alone=True), strict=True):
                near.append(jnp.minimum(jnp.where(first, far, last), jnp.where(end, far, following)))
            low, *more = ascending(near)
            new, plain, squares = low + 1.0, low, low * low
            for count, side in enumerate(more, start=2):
                plain, squares = plain + side, squares + side * side
                inside = plain * plain - count * (squares - 1.0)
                new = jnp.where(new > side, (plain + jnp.sqrt(jnp.maximum(inside, 0.0))) / count, new)
            new = jnp.where(fixed, start, jnp.minimum(found, new))
            # A sum of what fell: whether any did takes longer to find out.
            return new, jnp.sum(total(found - new)) > 1e-4

        found = jax.lax.while_loop(lambda carry: carry[1], nearer, (start, jnp.asarray(True)))[0]
        return self._flat(jnp.maximum(found, 0.0)) * self.width(extent)

    def gradient(self, value: Points, extent: Extent) -> Vector:
        """Slope [1/mm]: mean of the differences to the neighbors in tissue; zero where there are none."""
        full, tissue = self._axes(value), (self._axes(extent.tissue) > LEAST).astype(value.dtype)
        parts = []
        for axis, (face, (last, following)) in enumerate(zip(inner(full), sides(full), strict=True)):
            after = face * tissue * behind(tissue, axis)
            ahead = before(after, axis)
            slope = ahead * (full - last) + after * (following - full)
            parts.append(self._flat(slope / jnp.maximum(ahead + after, 1.0)))
        return Vector(tuple(parts)) / self.width(extent)

    def outward_integral(self, value: Vector, extent: Extent) -> Points:
        """The potential p with -div grad p = div value [mm], 0 at the margin, where the share of tissue is one half.

        Where the value is outward and the same in all directions, this is its line integral to the margin.
        """
        width, parts = self.width(extent), [self._axes(part) for part in value.parts]
        if self.walled:
            return self._ball_mean(parts, extent)
        tissue = self._axes(extent.tissue)
        inside = tissue > 0.5
        conductances, leaving = [], []
        held: Any = 0.0
        for axis, (face, part) in enumerate(zip(inner(tissue), parts, strict=True)):
            beyond, share = behind(inside.astype(tissue.dtype), axis) > 0.0, behind(tissue, axis)
            both, either = inside & beyond, inside | beyond
            # At a face through the margin, p falls to 0 within the part of the distance that is tissue.
            reach = jnp.abs(jnp.where(inside, tissue, share) - 0.5) / jnp.maximum(jnp.abs(tissue - share), 1e-6)
            margin = face * jnp.where(either & ~both, 1.0 / jnp.clip(reach, 0.1, 1.0), 0.0)
            held = held + margin + before(margin, axis)
            conductances.append(jnp.where(both, face, 0.0))
            here, there = inside.astype(part.dtype), beyond.astype(part.dtype)
            leaving.append(face * (here * part + there * behind(part, axis)) / jnp.maximum(here + there, 1.0))
        held = jnp.where(inside, held, 1.0)
        right = jnp.where(inside, outflow(leaving), 0.0)
        found = balance(jnp.zeros_like(tissue), held, conductances, right, self.tolerance)
        return self._flat(jnp.where(inside, found, 0.0)) * width

    def _ball_mean(self, parts: list[Array], extent: Extent) -> Points:
        """What a ball that spreads as the box does has in the mean: div value R²/15."""
        spread: Any = 0.0
        for axis, part in enumerate(parts):
            rows = self.shape[axis]
            first, last = (jax.lax.index_in_dim(part, row, axis + 1, keepdims=False) for row in (0, rows - 1))
            spread = spread + jnp.mean(last - first, axis=tuple(range(1, last.ndim))) / (rows - 1)
        mean = spread[None] / self.width(extent) * extent.radius**2 / 15.0
        return jnp.broadcast_to(mean, extent.tissue.shape)

    def spread(self, diffusivity: Any, host: Any, host_loss: Any, exchange: Any, extent: Extent) -> Spread:
        """Diffusivity in the voxels; around the lesion that of its margin. With `host_loss`, host tissue fills the
        rest of the box; otherwise the field crosses the margin at the velocity `exchange`, or not at all."""
        lanes = extent.radius.shape[1]

        def least(part: Any) -> Array:
            # What is the same in all voxels takes no room for each: many fields are stacked.
            known = jnp.asarray(part, extent.radius.dtype)
            return known if known.ndim == 2 and known.shape[0] > 1 else jnp.broadcast_to(known, (1, lanes))

        nothing = jnp.zeros_like(extent.radius)
        inside = least(diffusivity)
        if host_loss is None:
            return Spread(inside, least(0.0 if exchange is None else exchange), least(host))
        if self.walled:
            return Spread(inside, nothing, least(host), nothing)
        if inside.shape[0] > 1:
            around = self._weighted(inside, self._flat(self._margin(extent)))
            inside = jnp.where(extent.tissue > LEAST, inside, around)
        return Spread(inside, nothing, least(host), least(host_loss))

    def carry(self, passages: list[Passage], extent: Extent, dt: float | None) -> list[Points]:
        """Each molecule to its balance; each motile cell along one axis after the other, then over the margin."""
        ways = Ways(self._margin(extent), [self._aperture(extent.tissue, axis) for axis in self._each])
        found: list[Points] = []
        for passage in passages:
            work = partial(self._moved if passage.motile else self._balanced, passage, extent, ways, dt)
            # One after the other: the room that one needs serves the next.
            found.append(by_itself(work, found[-1] if found else passage.value))
        return found

    def _balanced(self, passage: Passage, extent: Extent, ways: Ways, dt: float | None) -> Points:
        del dt
        spread, tissue = passage.spread, extent.tissue
        outside = 1.0 - tissue if spread.host_loss is not None and not self.walled else jnp.zeros_like(tissue)
        around = jnp.zeros_like(tissue) if spread.host_loss is None else spread.host_loss
        outside = jnp.maximum(outside, 0.0)
        loss = tissue * passage.rate + outside * around
        right = tissue * passage.gain + outside * around * spread.host
        faces = self._faces(spread.diffusivity, extent, None if spread.host_loss is not None else ways)
        if spread.host_loss is None:
            crossing = self._crossing(spread, passage.rate, extent, ways)
            loss, right = loss + crossing, right + crossing * spread.host
            empty = tissue <= LEAST
            loss, right = jnp.where(empty, 1.0, loss), jnp.where(empty, passage.value, right)
        start, loss, right = (self._axes(part) for part in (passage.value, loss, right))
        return self._flat(jnp.maximum(balance(start, loss, faces, right, self.tolerance), 0.0))

    def _moved(self, passage: Passage, extent: Extent, ways: Ways, dt: float | None) -> Points:
        step = float(dt or 1.0)
        share = self._axes(jnp.where(extent.tissue > LEAST, extent.tissue, 1.0))
        pace = self._lanes(step / self.width(extent))
        faces = self._faces(passage.spread.diffusivity, extent, ways)
        value = self._axes(passage.value)
        for axis, face in enumerate(faces):
            forth = back = step * face
            if passage.drift is not None:
                part = self._axes(passage.drift.parts[axis])
                speed = 0.5 * (part + behind(part, axis, alone=True)) * ways.apertures[axis] * pace
                forth, back = forth + jnp.maximum(speed, 0.0), back + jnp.maximum(-speed, 0.0)
            value = self._along(axis, share, forth, back, value)
        gone = step * self._crossing(passage.spread, passage.rate, extent, ways)
        gone = gone / self._flat(share)
        return (self._flat(value) + gone * passage.spread.host) / (1.0 + gone)

    def _along(self, axis: int, share: Array, forth: Array, back: Array, value: Array) -> Array:
        """The lines of one axis; the last one comes to the front, since its rows would be far apart in memory."""
        last = axis == len(self.shape) - 1
        if last:
            share, forth, back, value = (jnp.moveaxis(part, -1, 0) for part in (share, forth, back, value))
        place = 0 if last else axis + 1
        found = substitute(factor(share, forth, back, place), share * value, place)
        return jnp.moveaxis(found, 0, -1) if last else found

    def remap(
        self, extent: Extent, swelling: Points, material: Float[Array, "field voxel lane"], held: Any
    ) -> tuple[Extent, Float[Array, "field voxel lane"], Float[Array, "path lane"]]:
        """Full voxels push out what no longer fits into them, or pull in what is missing, along the slope of a
        pressure that is 0 where there is room: -div grad p = share swelling/growth - 1 in full voxels.

        What crosses a face carries the density of the voxel it comes from, linear within it and limited, never more
        than half of what is there. A voxel at the margin fills and empties.
        """
        grown = self._weighted(swelling, extent.tissue)
        content = self._axes(extent.tissue * swelling / grown)
        tissue = self._axes(extent.tissue)
        full = jnp.ones_like(tissue, bool) if self.walled else tissue >= FULL
        faces, joined = [], []
        held_by: Any = 0.0
        for axis, face in enumerate(inner(tissue)):
            beyond = behind(full.astype(tissue.dtype), axis) > 0.0
            faces.append(jnp.where(full | beyond, face, 0.0))
            joined.append(jnp.where(full & beyond, face, 0.0))
            margin = faces[axis] - joined[axis]
            held_by = held_by + margin + before(margin, axis)
        excess = jnp.where(full, content - 1.0, 0.0)
        if self.walled:
            excess = excess - jnp.mean(excess, axis=tuple(range(1, excess.ndim)), keepdims=True)
        loss = jnp.where(full, held_by, 1.0)
        pressure = balance(jnp.zeros_like(content), loss, joined, excess, min(self.tolerance * 10.0, 1e-4))
        pressure = jnp.where(full, pressure, 0.0)
        flux = differences(pressure, faces)

        leaving: Any = 0.0
        for axis, part in enumerate(flux):
            leaving = leaving + jnp.maximum(part, 0.0) + jnp.maximum(-before(part, axis), 0.0)
        most = jnp.where(leaving > 0.5 * content, 0.5 * content / jnp.maximum(leaving, 1e-30), 1.0)
        flux = [
            jnp.maximum(part, 0.0) * most + jnp.minimum(part, 0.0) * behind(most, axis)
            for axis, part in enumerate(flux)
        ]
        filled = content - outflow(flux)
        empty = self._flat(filled) <= 1e-9
        there = (tissue > LEAST).astype(tissue.dtype)
        open_at = [roomy(face * there * behind(there, axis), 2) for axis, face in enumerate(inner(there))]
        content_at, flux_at = roomy(content), [roomy(part) for part in flux]

        def move(one: Points) -> Points:
            density = self._axes(one / swelling)
            at, amount = roomy(density, 2, alone=True), content * density
            for axis in self._each:
                rises = [open_at[axis](axis, k) * (at(axis, k + 1) - at(axis, k)) for k in (-2, -1, 0, 1)]
                slopes = [limited(*pair) for pair in pairwise(rises)]
                last, here, following = (
                    (at(axis, k), slope, content_at(axis, k)) for k, slope in zip((-1, 0, 1), slopes, strict=True)
                )
                amount = amount + carried(flux_at[axis](axis, -1), last, here) - carried(flux[axis], here, following)
            return jnp.where(empty, one, self._flat(jnp.maximum(amount, 0.0)) / jnp.maximum(self._flat(filled), 1e-12))

        moved: list[Points] = []
        for one in material:
            # No second copy of all, as one loop over them would need.
            moved.append(by_itself(partial(move, one), moved[-1] if moved else one))
        shape = jnp.where(held, extent.tissue, self._flat(jnp.maximum(filled, 0.0)))
        new = Extent(jnp.where(held, extent.radius, extent.radius * jnp.cbrt(grown)), shape)
        return new, jnp.stack(moved), self._path(flux, grown, extent)

    def _path(self, flux: list[Array], grown: PerLane, extent: Extent) -> Float[Array, "path lane"]:
        """How far tissue went at the voxel centers [mm]: with the lesion, away from its center, and within it."""
        width, parts = self.width(extent), []
        stretch = jnp.cbrt(grown) - 1.0
        for axis, part in enumerate(flux):
            within = self._flat(0.5 * (before(part, axis) + part)) * width
            place = jnp.arange(self.shape[axis], dtype=width.dtype) + 0.5
            sizes = [-1 if other == axis else 1 for other in self._each]
            here = jnp.broadcast_to(place.reshape(1, *sizes), (width.shape[1], *self.shape))
            here = self._flat(here)
            parts.append(within + stretch * (here - self._weighted(here, extent.tissue)) * width)
        return jnp.concatenate(parts)

    @property
    def _each(self) -> range:
        return range(len(self.shape))

    def _axes(self, values: Points) -> Array:
        # The lane comes first: a last axis of one lane leaves nothing to read at once.
        return values.T.reshape(-1, *self.shape)

    def _flat(self, values: Array) -> Points:
        return values.reshape(-1, self.points).T

    def _lanes(self, values: PerLane) -> Array:
        return values.reshape(-1, *(1 for _ in self.shape))

    def _weighted(self, value: Points, weight: Points) -> PerLane:
        top, low = total(weight.T, value.T), total(weight.T)
        return top.T / jnp.maximum(low.T, 1e-12)

    def _aperture(self, tissue: Points, axis: int) -> Array:
        """Share of the faces along an axis that is open between tissue and tissue."""
        full = self._axes(tissue)
        open_part = inner(full)[axis] * jnp.minimum(jnp.minimum(full, behind(full, axis)), 1.0)
        return jnp.where(open_part > LEAST, open_part, 0.0)

    def _faces(self, diffusivity: Points | PerLane, extent: Extent, ways: Ways | None) -> list[Array]:
        """Conductances D/h² of the faces [1/day], of their open share where `ways` are given.

        Where they are the same everywhere, they are `[lane, 1, ..., row, ..., 1]`: nothing to read for each voxel.
        """
        per_area = self._lanes(1.0 / self.width(extent) ** 2)
        faces = []
        for axis, face in enumerate(inner(self._axes(extent.tissue))):
            if diffusivity.shape[0] == 1:
                part = self._lanes(diffusivity) * per_area
            else:
                full = self._axes(diffusivity)
                part = 0.5 * (full + behind(full, axis, alone=True)) * per_area
            faces.append(part * (face if ways is None else ways.apertures[axis]))
        return faces

    def _margin(self, extent: Extent) -> Array:
        """Area of the margin in each voxel, in areas of a face: |grad share|, moved into voxels with tissue."""
        tissue = jnp.minimum(self._axes(extent.tissue), 1.0)
        squares: Any = 0.0
        for axis in self._each:
            rise = inner(tissue)[axis] * (behind(tissue, axis) - tissue)
            squares = squares + (0.5 * (before(rise, axis) + rise)) ** 2
        area = by_itself(lambda: jnp.sqrt(squares), tissue)
        held = jnp.where(tissue > LEAST, area, 0.0)
        return held * total(area) / jnp.maximum(total(held), 1e-12)

    def _crossing(self, spread: Spread, rate: Points, extent: Extent, ways: Ways) -> Points:
        """Exchange over the margin per volume of a voxel [1/day], in series with half a voxel of tissue, or with the
        boundary layer sqrt(D/rate) where that is thinner."""
        width = self.width(extent)
        if self.walled:
            return jnp.zeros_like(extent.tissue)
        layer = jnp.minimum(0.5 * width, jnp.sqrt(spread.diffusivity / jnp.maximum(rate, 1e-30)))
        speed = spread.exchange * spread.diffusivity / jnp.maximum(spread.exchange * layer + spread.diffusivity, 1e-30)
        return speed * self._flat(ways.margin) / width
