"""Explicit diffusion of many fields that turn into one another."""

import time
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from alarmin.bench.clock import fastest

STEPS = 30
"""In one call."""


def explicit_step(values: Array, number: float, rate: float) -> Array:
    """One step of a ring of fields `[field, *axes]` between closed walls, by Euler's method.

        du_k/dt = D div grad u_k + r (f(u_{k-1}) - f(u_k)),   f(u) = u/(1 + u)

    Args:
        values: u.
        number: D dt/h² [-], at most 1/(2 axes).
        rate: r dt [-].

    What one field loses the next one gains, so that the sum of all never changes.
    """
    spread: Any = 0.0
    for axis in range(1, values.ndim):
        walls = [(1, 1) if other == axis else (0, 0) for other in range(values.ndim)]
        spread = spread + jnp.diff(jnp.pad(jnp.diff(values, axis=axis), walls), axis=axis)
    turned = values / (1.0 + values)
    return values + number * spread + rate * (jnp.roll(turned, 1, axis=0) - turned)


def bench_reaction(
    shapes: Sequence[tuple[int, ...]] = ((128, 128), (64, 64, 64)), fields: int = 10, repeats: int = 7
) -> dict[str, Any]:
    """Measures `explicit_step` in both precisions.

    Returns a list `reaction` with, for each shape and precision, the voxel·field·steps/s and the time from nothing to
    the first result (compile_s).
    """
    found = []
    for precision in ("float32", "float64"):
        for shape in shapes:
            with jax.enable_x64(precision == "float64"):
                values = jnp.asarray(jax.random.uniform(jax.random.key(0), (fields, *shape)), precision)
                begin = time.perf_counter()
                steps = jax.jit(
                    lambda values: jax.lax.fori_loop(0, STEPS, lambda _, u: explicit_step(u, 0.1, 0.01), values)
                )
                run = steps.lower(values).compile()
                jax.block_until_ready(run(values))
                started = time.perf_counter() - begin
                spent = fastest(lambda run=run, values=values: run(values), 1, repeats)
            found.append(
                {
                    "shape": list(shape),
                    "fields": fields,
                    "precision": precision,
                    "voxel_field_steps_per_s": values.size * STEPS / spent,
                    "compile_s": started,
                }
            )
    return {"reaction": found}
