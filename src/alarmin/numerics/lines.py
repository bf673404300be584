"""Implicit diffusion along one axis of a box after the other, and balances by conjugate gradients.

Arrays are `[lane, *axes]`, and axes count from 0 behind the lane (of `factor` and `substitute`, as they stand). Faces
along an axis stand with the voxel before them; the last one is the wall, and 0.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

PIECES = 16
"""Into which a sum over voxels is cut."""


class Factors(NamedTuple):
    """Rows along an axis after elimination: what each takes from the row before, its pivot, what it gets back from the
    row behind. Where a coefficient is the same for all lines, its size on the other axes is 1."""

    take: Array
    pivot: Array
    pull: Array


def factor(loss: Array, forth: Array, back: Array, axis: int = 0) -> Factors:
    """Eliminates the rows (loss + out) u_s - in = right along an axis, of which `forth` leaves s for s + 1.

    Across the face between s and s + 1 flow forth u_s - back u_{s+1}. What is carried from row to row is the loss
    that is left, so that nothing cancels, and every u is positive where `right` is.

    Args:
        loss: `[*axes, ...]`.
        forth: of the face behind each row, not negative, and 0 behind the last; `back` alike.
        axis: of the rows.
    """
    rows = loss.shape[axis]

    def eliminate(s: Array, carry: Any) -> Any:
        (take, pivots, pulls), left, before = carry
        lost, a, b = (_row(array, s, axis) for array in (loss, forth, back))
        d = lost + left
        pivot = 1.0 / jnp.maximum(d + a, 1e-30)
        pull = b * pivot
        found = Factors(*map(partial(_put, s=s, axis=axis), (take, pivots, pulls), (before * pivot, pivot, pull)))
        return found, pull * d, a

    none = jnp.zeros_like(_row(loss, 0, axis))
    empty = jnp.zeros_like(loss)
    return jax.lax.fori_loop(0, rows, eliminate, (Factors(empty, empty, empty), none, none))[0]


def substitute(factors: Factors, right: Array, axis: int = 0) -> Array:
    """Solves the eliminated rows for the right-hand side `[*axes, ...]`, in its own place."""
    take, pivot, pull = factors
    rows = right.shape[axis]

    def forward(s: Array, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        values, before = carry
        here = _row(pivot, s, axis) * _row(values, s, axis) + _row(take, s, axis) * before
        return _put(values, here, s, axis), here

    def backward(count: Array, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        values, behind = carry
        s = rows - 1 - count
        here = _row(values, s, axis) + _row(pull, s, axis) * behind
        return _put(values, here, s, axis), here

    none = jnp.zeros_like(_row(right, 0, axis))
    values = jax.lax.fori_loop(0, rows, forward, (right, none))[0]
    return jax.lax.fori_loop(0, rows, backward, (values, none))[0]


def _row(array: Array, s: Any, axis: int) -> Array:
    return jax.lax.dynamic_index_in_dim(array, s, axis)


def _put(array: Array, row: Array, s: Any, axis: int) -> Array:
    return jax.lax.dynamic_update_slice_in_dim(array, row, s, axis)


def diffuse_decay(value: Array, number: Any, decay: Any, steps: int = 1) -> Array:
    """Time steps of du/dt = D div grad u - l u between closed walls, one axis after the other.

    A processor is fast where what lies behind the axis of a line is long. So the last axis comes to the front, and
    stays there: the next step finds the axes turned by one. With the same coefficients everywhere, their order does
    not matter but for rounding.

    Args:
        value: `[*axes]`.
        number: D dt/h² [-].
        decay: l dt [-]; each axis takes its share.
        steps: how many.

    First order in time, second in space; positive, and without decay conservative. The factors are those of one line.
    """
    axes = value.ndim

    def line(rows: int) -> Factors:
        face = jnp.full((rows,), number, value.dtype).at[-1].set(0.0)
        return factor(jnp.full((rows,), 1.0 + decay / axes, value.dtype), face, face)

    factors = {rows: line(rows) for rows in set(value.shape)}

    def along(values: Array, axis: int) -> Array:
        sizes = [-1 if other == axis else 1 for other in range(axes)]
        return substitute(Factors(*(part.reshape(sizes) for part in factors[values.shape[axis]])), values, axis)

    def step(values: Array) -> Array:
        for axis in range(axes - 1):
            values = along(values, axis)
        return along(turned(values), 0)

    def round_trip(_: Any, values: Array) -> Array:
        for _ in range(axes):
            values = step(values)
        return values

    value = jax.lax.fori_loop(0, steps // axes, round_trip, value)
    for _ in range(steps % axes):
        value = step(value)
    return jnp.moveaxis(value, range(steps % axes), range(-(steps % axes), 0)) if steps % axes else value


def by_itself(work: Callable[[], Array], known: Array) -> Array:
    """What `work` returns, computed after `known` and not melted into what follows.

    It is NaN if `known` begins with the lowest number there is, which does not happen; but the compiler does not know.
    """
    shape, never = jax.eval_shape(work), jnp.finfo(known.dtype).min
    return jax.lax.cond(known.reshape(-1)[0] != never, work, lambda: jnp.full(shape.shape, jnp.nan, shape.dtype))


def total(*factors: Array) -> Array:
    """Sum over the voxels of each lane of a product of arrays, `[lane, 1, ..., 1]`.

    Told to add all, the compiler adds one value after the other. So pieces are added to one another first, many values
    at once, and then what is left.
    """
    shape = jnp.broadcast_shapes(*(factor.shape for factor in factors))
    lanes = [jnp.broadcast_to(factor, shape).reshape(shape[0], -1) for factor in factors]
    long = lanes[0].shape[1] // PIECES

    def product(first: int, last: int) -> Array:
        return math.prod((factor[:, first:last] for factor in lanes[1:]), start=lanes[0][:, first:last])

    def added() -> Array:
        return sum((product(k * long, (k + 1) * long) for k in range(1, PIECES)), start=product(0, long))

    found = jnp.sum(by_itself(added, lanes[0]), axis=1) + jnp.sum(product(PIECES * long, lanes[0].shape[1]), axis=1)
    return found.reshape(-1, *(1 for _ in shape[1:]))


def turned(values: Array) -> Array:
    """The same with the last axis first."""
    *others, last = values.shape
    return values.reshape(-1, last).T.reshape(last, *others)


def roomy(values: Array, reach: int = 1, alone: bool = False) -> Callable[[int, int], Array]:
    """`at(axis, shift)`, the voxels up to `reach` before and behind along an axis, read from one copy.

    The memory of a lane is a ring: beyond a wall comes what comes in memory, behind the last voxel the first one. So of
    faces, which are 0 at the wall behind, those before each voxel are 0 at the wall before.

    From a copy, one instruction reads many values, while a shift that the compiler melts into what follows takes them
    one by one. So within a loop, the copy is made `alone`, and one that all its rounds read is made before it.
    """
    lanes, room = values.reshape(values.shape[0], -1), reach * int(np.prod(values.shape[2:]))
    copy = lambda: jnp.concatenate([lanes[:, -room:], lanes, lanes[:, :room]], axis=1)
    wide = by_itself(copy, lanes) if alone else copy()

    def at(axis: int, shift: int) -> Array:
        first = room + shift * int(np.prod(values.shape[axis + 2 :]))
        return wide[:, first : first + lanes.shape[1]].reshape(values.shape)

    return at


def behind(values: Array, axis: int, alone: bool = False) -> Array:
    """The next voxel along an axis (see `roomy`)."""
    return roomy(values, alone=alone)(axis, 1)


def before(values: Array, axis: int) -> Array:
    """The voxel before along an axis; of faces, those before each voxel (see `roomy`)."""
    return roomy(values)(axis, -1)


def sides(values: Array, alone: bool = False) -> list[tuple[Array, Array]]:
    """`before` and `behind` along each axis, all read from one copy (see `roomy`)."""
    at = roomy(values, alone=alone)
    return [(at(axis, -1), at(axis, 1)) for axis in range(values.ndim - 1)]


def inner(values: Array) -> list[Array]:
    """For each axis the faces behind the voxels, 1 between two voxels and 0 at the wall, `[1, ..., row, ..., 1]`."""
    found = []
    for axis, rows in enumerate(values.shape[1:], start=1):
        there = (jnp.arange(rows) < rows - 1).astype(values.dtype)
        found.append(there.reshape([rows if other == axis else 1 for other in range(values.ndim)]))
    return found


def outflow(fluxes: Sequence[Array]) -> Array:
    """Sum of what leaves each voxel across its faces."""
    total: Any = 0.0
    for axis, flux in enumerate(fluxes):
        total = total + (flux - before(flux, axis))
    return total


def differences(values: Array, conductances: Sequence[Array]) -> list[Array]:
    """Fluxes conductance (u_s - u_{s+1}) across the faces of each axis."""
    return [part * (values - following) for part, (_, following) in zip(conductances, sides(values), strict=True)]


def balance(
    start: Array, loss: Array, conductances: Sequence[Array], right: Array, tolerance: float, most: int = 2000
) -> Array:
    """Solves loss u + outflow(conductance differences of u) = right, by conjugate gradients scaled by the diagonal.

    Ends where the residual is below `tolerance` of the right-hand side in every lane, in the norm of the scaling; a
    lane that is there rests, so that no lane depends on its neighbors.
    """
    faces = [roomy(part, alone=True) for part in conductances]

    def apply(u: Array) -> Array:
        image = loss * u
        for axis, (last, following) in enumerate(sides(u, alone=True)):
            image = image + faces[axis](axis, -1) * (u - last) + faces[axis](axis, 0) * (u - following)
        return image

    diagonal = loss
    for axis, face in enumerate(faces):
        diagonal = diagonal + face(axis, -1) + face(axis, 0)
    scale = 1.0 / jnp.maximum(diagonal, 1e-30)
    goal = jnp.maximum(tolerance**2 * total(right, right, scale), 1e-36)

    def go(carry: Any) -> Any:
        u, residual, direction, size, turn, count = carry
        # The new direction comes first: made last, it would be copied beside the old one.
        direction = scale * residual + turn * direction
        image = apply(direction)
        moving = size > goal
        step = jnp.where(moving, size / jnp.maximum(total(direction, image), 1e-36), 0.0)
        u, residual = u + step * direction, residual - step * image
        new = jnp.where(moving, total(residual, residual, scale), size)
        turn = jnp.where(moving, new / jnp.maximum(size, 1e-36), 0.0)
        return u, residual, direction, new, turn, count + 1

    residual = right - apply(start)
    size = total(residual, residual, scale)
    first = (start, residual, jnp.zeros_like(start), size, jnp.zeros_like(size), np.int32(0))
    unfinished = lambda carry: jnp.any(carry[3] > goal) & (carry[5] < most)
    return jax.lax.while_loop(unfinished, go, first)[0]
