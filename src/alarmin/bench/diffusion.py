"""Implicit diffusion and decay alone, in a cube of voxels."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from alarmin.bench.clock import fastest_of
from alarmin.bench.memory import triad
from alarmin.numerics.lines import diffuse_decay

STEPS = 3
"""In one call; a multiple of the axes, so that these end in their order."""


def bench_diffusion(
    sizes: Sequence[tuple[int, int]] = ((100, 10), (128, 25)), threads: int = 2, repeats: int = 5
) -> dict[str, Any]:
    """Measures `alarmin.numerics.lines.diffuse_decay` in both precisions, beside what memory gives at that moment.

    A field at a time goes through its steps, so that what it needs stays close to the processor; each thread has its
    share of the fields.

    Args:
        sizes: voxels along a side, and fields.
        threads: at once.
        repeats: of each; the fastest counts.

    Returns a list `diffusion` with, for each size and precision, the voxel·field·steps/s; triad_gb_per_s; and the share
    of it that is needed to read and write each value once a step. Steps and triad take turns, and the fastest of each
    counts, so that both meet the same machine.
    """
    found = []
    for precision in ("float32", "float64"):
        for side, fields in sizes:
            run = _prepared(side, fields, precision, threads)
            run()
            spent, stream = [], []
            for _ in range(repeats):
                stream.append(triad(threads, repeats=1))
                spent.append(run())
            rate = fields * side**3 * STEPS / min(spent)
            found.append(
                {
                    "voxels": side**3,
                    "fields": fields,
                    "precision": precision,
                    "voxel_field_steps_per_s": rate,
                    "triad_gb_per_s": max(stream),
                    "share_of_bandwidth": rate * 2 * jnp.dtype(precision).itemsize / (max(stream) * 1e9),
                }
            )
    return {"diffusion": found}


def _prepared(side: int, fields: int, precision: str, threads: int) -> Callable[[], float]:
    """Takes all fields through their steps, and says how long that took [s]."""
    with jax.enable_x64(precision == "float64"):
        step = jax.jit(
            lambda values: _each_in_place(lambda one: diffuse_decay(one, 2.5, 0.01, STEPS), values), donate_argnums=0
        )
        parts = [(thread + 1) * fields // threads - thread * fields // threads for thread in range(threads)]
        values = [jnp.ones((part, side, side, side), precision) for part in parts]
        # Compiled here, since other threads have a precision of their own.
        steps = {part: step.lower(value).compile() for part, value in zip(parts, values, strict=True)}

    def go(thread: int) -> jax.Array:
        values[thread] = steps[parts[thread]](values[thread])
        return values[thread]

    return lambda: fastest_of([partial(go, thread) for thread in range(threads)], 1)


def _each_in_place(work: Callable[[jax.Array], jax.Array], values: jax.Array) -> jax.Array:
    """`work` of one array after the other along the first axis, each in its own place: no second copy of all."""

    def one(index: jax.Array, found: jax.Array) -> jax.Array:
        here = work(jax.lax.dynamic_index_in_dim(found, index, keepdims=False))
        return jax.lax.dynamic_update_index_in_dim(found, here, index, 0)

    return jax.lax.fori_loop(0, values.shape[0], one, values)
