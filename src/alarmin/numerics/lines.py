"""Implicit diffusion along one axis of a box after the other, and balances by conjugate gradients.

Arrays are `[*axes, lane]`; a face array along an axis is one shorter on that axis.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array


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
        forth: one row shorter, not negative; `back` alike.
        axis: of the rows.
    """
    rows = loss.shape[axis]
    edge = [(0, 1) if other == axis else (0, 0) for other in range(loss.ndim)]
    forth, back = jnp.pad(forth, edge), jnp.pad(back, edge)

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
        face = jnp.full((rows - 1,), number, value.dtype)
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


def each_in_place(work: Callable[[Array], Array], values: Array) -> Array:
    """`work` of one array after the other along the first axis, each in its own place: no second copy of all."""

    def one(index: Array, found: Array) -> Array:
        here = work(jax.lax.dynamic_index_in_dim(found, index, keepdims=False))
        return jax.lax.dynamic_update_index_in_dim(found, here, index, 0)

    return jax.lax.fori_loop(0, values.shape[0], one, values)


def turned(values: Array) -> Array:
    """The same with the last axis first."""
    *others, last = values.shape
    return values.reshape(-1, last).T.reshape(last, *others)


def shifted(values: Array, axis: int) -> tuple[Array, Array]:
    """The values before and behind each face along an axis."""
    rows = values.shape[axis]
    return jax.lax.slice_in_dim(values, 0, rows - 1, axis=axis), jax.lax.slice_in_dim(values, 1, rows, axis=axis)


def outflow(fluxes: Sequence[Array]) -> Array:
    """Sum of what leaves each voxel across its faces; nothing crosses the walls."""
    total: Any = 0.0
    for axis, flux in enumerate(fluxes):
        edges = [(0, 0)] * flux.ndim
        edges[axis] = (1, 1)
        before, behind = shifted(jnp.pad(flux, edges), axis)
        total = total + (behind - before)
    return total


def differences(values: Array, conductances: Sequence[Array]) -> list[Array]:
    """Fluxes conductance (u_s - u_{s+1}) across the faces of each axis."""
    found = []
    for axis, conductance in enumerate(conductances):
        before, behind = shifted(values, axis)
        found.append(conductance * (before - behind))
    return found


def whole(values: Array) -> Array:
    """Sum over the voxels `[1, ..., lane]`: planes first, by a product with ones, which is faster than a sum."""
    planes = jnp.ones((1, values.shape[0]), values.dtype) @ values.reshape(values.shape[0], -1)
    rest = planes.reshape(-1, values.shape[-1])
    return jnp.sum(rest, axis=0).reshape(*(1 for _ in values.shape[:-1]), values.shape[-1])


def balance(
    start: Array, loss: Array, conductances: Sequence[Array], right: Array, tolerance: float, most: int = 2000
) -> Array:
    """Solves loss u + outflow(conductance differences of u) = right, by conjugate gradients scaled by the diagonal.

    A conductance has a value for each face of its axis, or one for all, `[1, ..., lane]`.

    Ends where the residual is below `tolerance` of the right-hand side in every lane, in the norm of the scaling; a
    lane that is there rests, so that no lane depends on its neighbors.
    """
    apply = lambda u: loss * u + outflow(differences(u, conductances))
    diagonal = loss
    for axis, conductance in enumerate(conductances):
        edges = [(0, 0)] * conductance.ndim
        edges[axis] = (1, 1)
        every = jnp.broadcast_to(conductance, shifted(loss, axis)[0].shape)
        before, behind = shifted(jnp.pad(every, edges), axis)
        diagonal = diagonal + before + behind
    scale = 1.0 / jnp.maximum(diagonal, 1e-30)
    dot = lambda a, b: whole(a * b)
    goal = jnp.maximum(tolerance**2 * dot(right, scale * right), 1e-36)

    def go(carry: Any) -> Any:
        u, residual, direction, size, count = carry
        image = apply(direction)
        moving = size > goal
        step = jnp.where(moving, size / jnp.maximum(dot(direction, image), 1e-36), 0.0)
        u, residual = u + step * direction, residual - step * image
        scaled = scale * residual
        new = jnp.where(moving, dot(residual, scaled), size)
        turn = jnp.where(moving, new / jnp.maximum(size, 1e-36), 0.0)
        return u, residual, scaled + turn * direction, new, count + 1

    residual = right - apply(start)
    direction = scale * residual
    first = (start, residual, direction, dot(residual, direction), np.int32(0))
    unfinished = lambda carry: jnp.any(carry[3] > goal) & (carry[4] < most)
    return jax.lax.while_loop(unfinished, go, first)[0]
