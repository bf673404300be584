"""The whole step of a lesion in a cube of voxels: all fields, all mechanisms."""

import resource
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from alarmin.bench.arithmetic import operations, peak
from alarmin.bench.clock import fastest
from alarmin.bench.memory import triad
from alarmin.enrollment import enroll
from alarmin.geometry import GeometryError, ball_in, boxed, lesion_radius, one_lesion
from alarmin.model import Model, Moment
from alarmin.numerics.box import Box
from alarmin.programs import jitted
from alarmin.simulation import Settings, model_of, state_of
from alarmin.state import State

STEPS = 4
"""In one call, as a run takes many; room for what lies between the steps is made once."""


def bench_volume(
    tumor: str = "nsclc", side: int = 64, repeats: int = 3, diameter: float | None = None
) -> dict[str, Any]:
    """Measures one step of a lesion in side³ voxels, beside what memory gives and what the processor multiplies.

    The floors are those of the least that a step can do: to read and write the state once, and to carry out its
    floating-point operations (`alarmin.bench.arithmetic`) at the rate of a product of matrices.

    The lesion has a `diameter` [mm], by default that of the record `lesion_diameter`: the smaller it is, the closer are
    voxels, and the more iterations the balances of molecules take. Raises `GeometryError` where it is no size.

    Returns step_s, bandwidth_floor_s, arithmetic_floor_s, times_floor (of the larger), times_floor_once (where what is
    repeated until it is good enough counts once), state_mb, temporary_mb (what a step needs beside the state),
    times_state (both together), traffic_mb (what the pieces of the compiled step read and write, by the compiler's
    count, loops once), peak_memory_mb, compile_s, and phases: of each its time [s], and its operations as a share of
    what the processor could do in that time.
    """
    if diameter is not None and not 0.0 < diameter < float("inf"):
        raise GeometryError(f"a lesion of {diameter:g} mm", remedy="give a diameter above 0")
    cohort = one_lesion(enroll(tumor, 4, 1))
    diameter = cohort.records["lesion_diameter"].to("mm") if diameter is None else diameter
    box = Box((side,) * 3)
    spacing = diameter / (0.67 * side)
    tissue = ball_in(box.shape, spacing, diameter)
    cohort = boxed(cohort, box, tissue, radius=lesion_radius(tissue, spacing))
    settings = Settings(grid=box, lanes=1, workers=1)
    model = model_of(cohort, settings)
    state = state_of(cohort, model, settings)
    begin = time.perf_counter()
    run = _steps.lower(model, state).compile()
    compile_s = time.perf_counter() - begin
    spent = fastest(lambda: run(model, state), 1, repeats) / STEPS
    used = run.compiled.memory_analysis()
    size = float(sum(value.nbytes for value in jax.tree.leaves(state.fields)))
    bandwidth = 2.0 * size / (triad() * 1e9)
    counted = _step.lower(model, state).compile().compiled.cost_analysis()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    rate = peak()
    state = run(model, state)
    done, once = (count / rate for count in operations(_advance, model, state))
    temporary = float(used.temp_size_in_bytes)
    return {
        "voxels": side**3,
        "diameter_mm": diameter,
        "fields": len(state.fields),
        "step_s": spent,
        "bandwidth_floor_s": bandwidth,
        "arithmetic_floor_s": done,
        "times_floor": spent / max(bandwidth, done),
        "times_floor_once": spent / max(bandwidth, once),
        "state_mb": size / 1e6,
        "temporary_mb": temporary / 1e6,
        "times_state": (size + temporary) / size,
        "traffic_mb": float(counted["bytes accessed"]) / 1e6,
        "peak_memory_mb": memory,
        "compile_s": compile_s,
        "phases": _phases(model, state, rate, repeats),
    }


def _advance(model: Model, state: State) -> State:
    return model.step(state, {}, 0.5, jnp.asarray(False))


_step = jitted(_advance)


@jitted
def _steps(model: Model, state: State) -> State:
    return jax.lax.scan(lambda state, _: (_advance(model, state), None), state, None, length=STEPS)[0]


def _phases(model: Model, state: State, rate: float, repeats: int) -> Mapping[str, Mapping[str, float]]:
    """Time of each phase of one step by itself [s], and its operations over what `rate` [1/s] would allow in it."""
    sums = model.sums(state, Moment(model, state, {}))
    phases: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
        "mechanisms": (lambda model, state: model.sums(state, Moment(model, state, {})), (model, state)),
        "transport": (lambda model, state, sums: model.transport(state, sums, 0.5)[0], (model, state, sums)),
        "reaction": (lambda model, state, sums: model.react(state.fields, sums, 0.5)[0], (model, state, sums)),
        "growth": (_grown, (model, state)),
    }
    found = {}
    for name, (work, given) in phases.items():
        run = jitted(work)
        jax.block_until_ready(run(*given))
        spent = fastest(partial(run, *given), 1, repeats)
        found[name] = {"s": spent, "of_peak": operations(work, *given)[0] / rate / spent}
    return found


def _grown(model: Model, state: State) -> dict[str, Array]:
    fields = dict(state.fields)
    model.grow(state, fields, {}, 0.5, jnp.asarray(False))
    return fields
