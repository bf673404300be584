"""Implicit diffusion along one axis of a box after the other, and balances by conjugate gradients.

Arrays are `[*axes, lane]`; a face array along an axis is one shorter on that axis.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array


class Factors(NamedTuple):
    """Rows along the first axis after elimination: what the next row gets of each, its pivot, what it takes back."""

    push: Array
    pivot: Array
    pull: Array


def factor(loss: Array, forth: Array, back: Array) -> Factors:
    """Eliminates the rows (loss + out) u_s - in = right along the first axis, of which `forth` leaves s for s + 1.

    Across the face between s and s + 1 flow forth u_s - back u_{s+1}. What is carried from row to row is the loss
    that is left, so that nothing cancels, and every u is positive where `right` is.

    Args:
        loss: `[row, ...]`.
        forth: `[row - 1, ...]`, not negative; `back` alike.
    """
    zero = jnp.zeros_like(forth[:1])
    forth, back = jnp.concatenate([forth, zero]), jnp.concatenate([back, zero])

    def eliminate(left: Array, row: tuple[Array, Array, Array]) -> Any:
        lost, a, b = row
        d = lost + left
        pivot = 1.0 / jnp.maximum(d + a, 1e-30)
        return b * pivot * d, (a, pivot, b * pivot)

    return Factors(*jax.lax.scan(eliminate, jnp.zeros_like(loss[0]), (loss, forth, back))[1])


def substitute(factors: Factors, right: Array) -> Array:
    """Solves the eliminated rows for the right-hand side `[row, ...]`."""

    def forward(given: Array, row: Any) -> Any:
        (push, pivot, _), here = row
        value = (here + given) * pivot
        return push * value, value

    def backward(above: Array, row: Any) -> Any:
        (_, _, pull), value = row
        here = value + pull * above
        return here, here

    zero = jnp.zeros_like(right[0])
    value = jax.lax.scan(forward, zero, (factors, right))[1]
    return jax.lax.scan(backward, zero, (factors, value), reverse=True)[1]


def along(axis: int, work: Callable[..., Array], *arrays: Array) -> Array:
    """What `work` makes of arrays whose first axis is `axis`, with the axis back in its place."""
    return jnp.moveaxis(work(*(jnp.moveaxis(array, axis, 0) for array in arrays)), 0, axis)


def diffuse_decay(value: Array, number: Any, decay: Any) -> Array:
    """A time step of du/dt = D div grad u - l u between closed walls, one axis after the other.

    Args:
        value: `[*axes]`.
        number: D dt/h² [-].
        decay: l dt [-]; each axis takes its share.

    First order in time, second in space; positive, and without decay conservative. The factors are those of one line.
    """
    for axis in range(value.ndim):
        rows = value.shape[axis]
        face = jnp.full((rows - 1,), number, value.dtype)
        loss = jnp.full((rows,), 1.0 + decay / value.ndim, value.dtype)
        factors = factor(loss, face, face)
        # The lines of one plane at a time: their values stay close to the processor.
        value = along(axis, lambda right, factors=factors: substitute(factors, right), value)
    return value


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


def balance(
    start: Array, loss: Array, conductances: Sequence[Array], right: Array, tolerance: float, most: int = 2000
) -> Array:
    """Solves loss u + outflow(conductance differences of u) = right, by conjugate gradients scaled by the diagonal.

    Ends where the residual is below `tolerance` of the right-hand side in every lane, in the norm of the scaling; a
    lane that is there rests, so that no lane depends on its neighbors.
    """
    apply = lambda u: loss * u + outflow(differences(u, conductances))
    diagonal = loss
    for axis, conductance in enumerate(conductances):
        edges = [(0, 0)] * conductance.ndim
        edges[axis] = (1, 1)
        before, behind = shifted(jnp.pad(conductance, edges), axis)
        diagonal = diagonal + before + behind
    scale = 1.0 / jnp.maximum(diagonal, 1e-30)
    axes = tuple(range(start.ndim - 1))
    dot = lambda a, b: jnp.sum(a * b, axis=axes, keepdims=True)
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
