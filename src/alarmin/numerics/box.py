"""A box of voxels with a lesion of any shape in it, which swells, shrinks and changes shape.

`Box((n, n, n))` is a volume, `Box((n, n))` a section through a lesion. Shapes: voxels first, in the order of the
axes, lanes last, `[voxel, lane]`; inside, `[*axes, lane]`.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from alarmin.numerics.grid import Passage, PerLane, Points, Spread, Vector, ball_volume
from alarmin.numerics.lines import balance, differences, each_in_place, factor, outflow, shifted, substitute

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


def _kind(passage: Passage) -> Any:
    """Passages of one kind can be stacked."""
    return jax.tree.structure(passage), tuple(np.shape(leaf) for leaf in jax.tree.leaves(passage))


class Extent(NamedTuple):
    """Radius of a ball of the lesion's volume [mm], and the share of tissue in each voxel."""

    radius: PerLane
    tissue: Points


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
        total = jnp.sum(extent.tissue, axis=0, keepdims=True)
        if len(self.shape) == 2:
            return extent.radius * jnp.sqrt(np.pi / total)
        return extent.radius * jnp.cbrt(4.0 / 3.0 * np.pi / total)

    def mean(self, value: Points, extent: Extent) -> PerLane:
        """Volume mean, each voxel by its share of tissue."""
        return self._weighted(value, extent.tissue)

    def margin_mean(self, value: Points, depth: float, extent: Extent) -> PerLane:
        """Volume mean within `depth` [mm] of the margin; a voxel that straddles the depth counts by its part."""
        if self.walled:
            return self.mean(value, extent)
        part = jnp.clip((depth - self.depth(extent)) / self.width(extent) + 0.5, 0.0, 1.0)
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

        def nearer(carry: Any) -> Any:
            found, _ = carry
            sides = []
            for axis in range(len(self.shape)):
                edges = [(1, 1) if other == axis else (0, 0) for other in range(found.ndim)]
                wide = jnp.pad(found, edges, constant_values=far)
                sides.append(
                    jnp.minimum(
                        jax.lax.slice_in_dim(wide, 0, self.shape[axis], axis=axis),
                        jax.lax.slice_in_dim(wide, 2, self.shape[axis] + 2, axis=axis),
                    )
                )
            low, *more = ascending(sides)
            new, total, squares = low + 1.0, low, low * low
            for count, side in enumerate(more, start=2):
                total, squares = total + side, squares + side * side
                inside = total * total - count * (squares - 1.0)
                new = jnp.where(new > side, (total + jnp.sqrt(jnp.maximum(inside, 0.0))) / count, new)
            new = jnp.where(fixed, start, jnp.minimum(found, new))
            return new, jnp.any(new < found - 1e-4)

        found = jax.lax.while_loop(lambda carry: carry[1], nearer, (start, jnp.asarray(True)))[0]
        return self._flat(jnp.maximum(found, 0.0)) * self.width(extent)

    def gradient(self, value: Points, extent: Extent) -> Vector:
        """Slope [1/mm]: mean of the differences to the neighbors in tissue; zero where there are none."""
        full, tissue = self._axes(value), self._axes(extent.tissue) > LEAST
        parts = []
        for axis in range(len(self.shape)):
            before, behind = shifted(full, axis)
            both = jnp.logical_and(*shifted(tissue, axis)).astype(full.dtype)
            slope, there = self._both_sides((behind - before) * both, axis), self._both_sides(both, axis)
            parts.append(self._flat((slope[0] + slope[1]) / jnp.maximum(there[0] + there[1], 1.0)))
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
        conductances, leaving, margins = [], [], []
        for axis, part in enumerate(parts):
            (a, b), (into, beyond), (share, next_share) = (shifted(x, axis) for x in (part, inside, tissue))
            both, either = into & beyond, into | beyond
            # At a face through the margin, p falls to 0 within the part of the distance that is tissue.
            reach = jnp.abs(jnp.where(into, share, next_share) - 0.5) / jnp.maximum(jnp.abs(share - next_share), 1e-6)
            conductances.append(jnp.where(both, 1.0, 0.0).astype(part.dtype))
            margins.append(jnp.where(either & ~both, 1.0 / jnp.clip(reach, 0.1, 1.0), 0.0).astype(part.dtype))
            mean = 0.5 * (a + b)
            leaving.append(jnp.where(both, mean, jnp.where(into, a, jnp.where(beyond, b, 0.0))))
        held: Any = 0.0
        for axis, margin in enumerate(margins):
            before, behind = self._both_sides(margin, axis)
            held = held + before + behind
        held = jnp.where(inside, held, 1.0)
        right = jnp.where(inside, outflow(leaving), 0.0)
        found = balance(jnp.zeros_like(tissue), held, conductances, right, self.tolerance)
        return self._flat(jnp.where(inside, found, 0.0)) * width

    def _ball_mean(self, parts: list[Array], extent: Extent) -> Points:
        """What a ball that spreads as the box does has in the mean: div value R²/15."""
        spread: Any = 0.0
        for axis, part in enumerate(parts):
            rows = self.shape[axis]
            first, last = (jax.lax.slice_in_dim(part, row, row + 1, axis=axis) for row in (0, rows - 1))
            spread = spread + jnp.mean(last - first, axis=tuple(self._each)) / (rows - 1)
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
        found: dict[int, Points] = {}
        for motile, work in ((False, self._balanced), (True, self._moved)):
            chosen = [index for index, passage in enumerate(passages) if passage.motile is motile]
            alike: dict[Any, list[int]] = {}
            for index in chosen:
                alike.setdefault(_kind(passages[index]), []).append(index)
            for group in alike.values():
                # One after the other: each ends at its own count, and none needs room beside the others.
                stack = jax.tree.map(lambda *parts: jnp.stack(parts), *(passages[index] for index in group))
                moved = jax.lax.map(lambda passage, work=work: work(passage, extent, dt), stack)
                found |= dict(zip(group, moved, strict=True))
        return [found[index] for index in range(len(passages))]

    def _balanced(self, passage: Passage, extent: Extent, dt: float | None) -> Points:
        del dt
        spread, tissue = passage.spread, extent.tissue
        outside = 1.0 - tissue if spread.host_loss is not None and not self.walled else jnp.zeros_like(tissue)
        around = jnp.zeros_like(tissue) if spread.host_loss is None else spread.host_loss
        outside = jnp.maximum(outside, 0.0)
        loss = tissue * passage.rate + outside * around
        right = tissue * passage.gain + outside * around * spread.host
        faces = self._faces(spread.diffusivity, extent, None if spread.host_loss is not None else tissue)
        if spread.host_loss is None:
            crossing = self._crossing(spread, passage.rate, extent)
            loss, right = loss + crossing, right + crossing * spread.host
            empty = tissue <= LEAST
            loss, right = jnp.where(empty, 1.0, loss), jnp.where(empty, passage.value, right)
        start, loss, right = (self._axes(part) for part in (passage.value, loss, right))
        return self._flat(jnp.maximum(balance(start, loss, faces, right, self.tolerance), 0.0))

    def _moved(self, passage: Passage, extent: Extent, dt: float | None) -> Points:
        step = float(dt or 1.0)
        share = self._axes(jnp.where(extent.tissue > LEAST, extent.tissue, 1.0))
        pace = self._lanes(step / self.width(extent))
        faces = self._faces(passage.spread.diffusivity, extent, extent.tissue)
        value = self._axes(passage.value)
        for axis, face in enumerate(faces):
            forth = back = step * face
            if passage.drift is not None:
                before, behind = shifted(self._axes(passage.drift.parts[axis]), axis)
                open_part = self._aperture(extent.tissue, axis)
                speed = 0.5 * (before + behind) * open_part * pace
                forth, back = forth + jnp.maximum(speed, 0.0), back + jnp.maximum(-speed, 0.0)
            value = self._along(axis, share, forth, back, value)
        gone = step * self._crossing(passage.spread, jnp.full_like(extent.tissue, 1.0 / step), extent)
        gone = gone / self._flat(share)
        return (self._flat(value) + gone * passage.spread.host) / (1.0 + gone)

    def _along(self, axis: int, share: Array, forth: Array, back: Array, value: Array) -> Array:
        """The lines of one axis; the last one comes to the front, since its rows would be far apart in memory."""
        last = axis == len(self.shape) - 1
        if last:
            share, forth, back, value = (jnp.moveaxis(part, axis, 0) for part in (share, forth, back, value))
        place = 0 if last else axis
        found = substitute(factor(share, forth, back, place), share * value, place)
        return jnp.moveaxis(found, 0, axis) if last else found

    def remap(
        self, extent: Extent, swelling: Points, material: Float[Array, "field voxel lane"], held: Any
    ) -> tuple[Extent, Float[Array, "field voxel lane"], Float[Array, "path lane"]]:
        """Full voxels push out what no longer fits into them, or pull in what is missing, along the slope of a
        pressure that is 0 where there is room: -div grad p = share swelling/growth - 1 in full voxels.

        What crosses a face carries the density of the voxel it comes from, linear within it and limited, never more
        than half of what is there. A voxel at the margin fills and empties.
        """
        grown = self._weighted(swelling, extent.tissue)
        size = jnp.where(held, jnp.ones_like(grown), grown)
        content = self._axes(extent.tissue * swelling / size)
        tissue = self._axes(extent.tissue)
        full = jnp.ones_like(tissue, bool) if self.walled else tissue >= FULL
        faces = [jnp.where(jnp.logical_or(*shifted(full, axis)), 1.0, 0.0).astype(tissue.dtype) for axis in self._each]
        inner = [
            jnp.where(jnp.logical_and(*shifted(full, axis)), face, 0.0)
            for axis, face in zip(self._each, faces, strict=True)
        ]
        beyond = [face - both for face, both in zip(faces, inner, strict=True)]
        held_by: Any = 0.0
        for axis, face in enumerate(beyond):
            before, behind = self._both_sides(face, axis)
            held_by = held_by + before + behind
        excess = jnp.where(full, content - 1.0, 0.0)
        if self.walled:
            excess = excess - jnp.mean(excess, axis=tuple(range(excess.ndim - 1)), keepdims=True)
        loss = jnp.where(full, held_by, 1.0)
        pressure = balance(jnp.zeros_like(content), loss, inner, excess, min(self.tolerance * 10.0, 1e-4))
        pressure = jnp.where(full, pressure, 0.0)
        flux = differences(pressure, faces)

        leaving: Any = 0.0
        for axis, part in enumerate(flux):
            before, behind = self._both_sides(part, axis)
            leaving = leaving + jnp.maximum(behind, 0.0) + jnp.maximum(-before, 0.0)
        most = jnp.where(leaving > 0.5 * content, 0.5 * content / jnp.maximum(leaving, 1e-30), 1.0)
        flux = [
            jnp.maximum(part, 0.0) * shifted(most, axis)[0] + jnp.minimum(part, 0.0) * shifted(most, axis)[1]
            for axis, part in enumerate(flux)
        ]
        filled = content - outflow(flux)
        there, gone = tissue > LEAST, self._flat(filled) <= 1e-9

        def move(one: Points) -> Points:
            density = self._axes(one / swelling)
            carried = []
            for axis, part in enumerate(flux):
                before, behind = shifted(density, axis)
                both = jnp.logical_and(*shifted(there, axis)).astype(density.dtype)
                fall, rise = self._both_sides((behind - before) * both, axis)
                slope = jnp.maximum(jnp.minimum(fall, rise), 0.0) + jnp.minimum(jnp.maximum(fall, rise), 0.0)
                crossing = jnp.abs(part)
                (low, high), (a, b) = shifted(slope, axis), shifted(jnp.maximum(content, LEAST), axis)
                outer = before + 0.5 * low * jnp.maximum(1.0 - crossing / a, 0.0)
                inner = behind - 0.5 * high * jnp.maximum(1.0 - crossing / b, 0.0)
                carried.append(jnp.maximum(part, 0.0) * outer + jnp.minimum(part, 0.0) * inner)
            amount = jnp.maximum(content * density - outflow(carried), 0.0)
            return jnp.where(gone, one, self._flat(amount / jnp.maximum(filled, 1e-12)))

        moved = each_in_place(move, material)
        shape = jnp.where(held, extent.tissue, self._flat(jnp.maximum(filled, 0.0)))
        new = Extent(extent.radius * jnp.cbrt(size), shape)
        return new, moved, self._path(flux, grown, extent)

    def _path(self, flux: list[Array], grown: PerLane, extent: Extent) -> Float[Array, "path lane"]:
        """How far tissue went at the voxel centers [mm]: with the lesion, away from its center, and within it."""
        width, parts = self.width(extent), []
        stretch = jnp.cbrt(grown) - 1.0
        for axis, part in enumerate(flux):
            before, behind = self._both_sides(part, axis)
            within = self._flat(0.5 * (before + behind)) * width
            place = jnp.arange(self.shape[axis], dtype=width.dtype) + 0.5
            sizes = [-1 if other == axis else 1 for other in self._each]
            here = jnp.broadcast_to(place.reshape(*sizes, 1), (*self.shape, width.shape[1]))
            here = self._flat(here)
            parts.append(within + stretch * (here - self._weighted(here, extent.tissue)) * width)
        return jnp.concatenate(parts)

    @property
    def _each(self) -> range:
        return range(len(self.shape))

    def _axes(self, values: Points) -> Array:
        return values.reshape(*self.shape, values.shape[-1])

    def _flat(self, values: Array) -> Points:
        return values.reshape(self.points, values.shape[-1])

    def _lanes(self, values: PerLane) -> Array:
        return values.reshape(*(1 for _ in self.shape), values.shape[-1])

    def _weighted(self, value: Points, weight: Points) -> PerLane:
        top, low = (jnp.sum(part, axis=0, keepdims=True) for part in (weight * value, weight))
        return top / jnp.maximum(low, 1e-12)

    def _both_sides(self, faces: Array, axis: int) -> tuple[Array, Array]:
        """The faces before and behind each voxel; 0 at the walls."""
        edges = [(0, 0)] * faces.ndim
        edges[axis] = (1, 1)
        return shifted(jnp.pad(faces, edges), axis)

    def _aperture(self, tissue: Points, axis: int) -> Array:
        """Share of the faces along an axis that is open between tissue and tissue."""
        before, behind = shifted(self._axes(tissue), axis)
        open_part = jnp.minimum(jnp.minimum(before, behind), 1.0)
        return jnp.where(open_part > LEAST, open_part, 0.0)

    def _faces(self, diffusivity: Points | PerLane, extent: Extent, tissue: Points | None) -> list[Array]:
        """Conductances D/h² of the faces [1/day], of their open share where `tissue` is given.

        Where they are the same everywhere, there is one for all: nothing to read for each voxel.
        """
        per_area = self._lanes(1.0 / self.width(extent) ** 2)
        faces = []
        for axis in self._each:
            if diffusivity.shape[0] == 1:
                face = self._lanes(diffusivity) * per_area
            else:
                before, behind = shifted(self._axes(diffusivity), axis)
                face = 0.5 * (before + behind) * per_area
            faces.append(face if tissue is None else face * self._aperture(tissue, axis))
        return faces

    def _margin(self, extent: Extent) -> Array:
        """Area of the margin in each voxel, in areas of a face: |grad share|, moved into voxels with tissue."""
        tissue = jnp.minimum(self._axes(extent.tissue), 1.0)
        squares: Any = 0.0
        for axis in self._each:
            before, behind = shifted(tissue, axis)
            low, high = self._both_sides(behind - before, axis)
            squares = squares + (0.5 * (low + high)) ** 2
        area = jnp.sqrt(squares)
        held = jnp.where(tissue > LEAST, area, 0.0)
        total = lambda part: jnp.sum(part, axis=tuple(range(part.ndim - 1)), keepdims=True)
        return held * total(area) / jnp.maximum(total(held), 1e-12)

    def _crossing(self, spread: Spread, rate: Points, extent: Extent) -> Points:
        """Exchange over the margin per volume of a voxel [1/day], in series with half a voxel of tissue."""
        width = self.width(extent)
        if self.walled:
            return jnp.zeros_like(extent.tissue)
        layer = jnp.minimum(0.5 * width, jnp.sqrt(spread.diffusivity / jnp.maximum(rate, 1e-30)))
        speed = spread.exchange * spread.diffusivity / jnp.maximum(spread.exchange * layer + spread.diffusivity, 1e-30)
        return speed * self._flat(self._margin(extent)) / width
