"""How fast the lesion runs on this machine, and where the time goes."""

import resource
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from alarmin.enrollment import enroll
from alarmin.model import Model, Moment
from alarmin.numerics.lines import diffuse_decay
from alarmin.simulation import Settings, model_of, split, state_of
from alarmin.state import State

PHASES = ("mechanisms", "transport", "reaction", "growth")
STEPS = 60


def bench(
    tumor: str = "nsclc",
    agents: Sequence[str] = ("atezolizumab", "bevacizumab", "carboplatin", "paclitaxel"),
    settings: Settings = Settings(),
    repeats: int = 5,
) -> dict[str, Any]:
    """Measures the lesion with the agents named, on as many chunks at once as there are workers.

    A lane-step is one lesion through one time step with all its fields; an unknown-step is a lane-step times fields
    times shells. Each phase is timed by itself, its inputs held fixed, and given as a share of their sum.

    Returns lane_steps_per_s, unknown_steps_per_s, fields, shells, lanes, workers, precision, compile_s,
    peak_memory_mb, and phases: the share of mechanisms (all rates), transport, reaction, and growth.
    """
    cohort = enroll(tumor, settings.lanes, settings=settings)
    part = cohort[next(split(cohort, settings.lanes))]
    model = model_of(part, settings, agents)
    state = state_of(part, model, settings)
    plasma = {name: jnp.ones((1, settings.lanes), settings.precision) for name in agents}
    dt = 1.0 / settings.steps_per_day

    step = lambda: _steps(model, state, plasma, dt)
    begin = time.perf_counter()
    jax.block_until_ready(step())
    first = time.perf_counter() - begin
    spent = _fastest(step, settings.workers, repeats)
    parts = {}
    for phase in PHASES:
        run = lambda phase=phase: _phase(model, state, plasma, dt, phase)
        jax.block_until_ready(run())
        parts[phase] = _fastest(run, settings.workers, repeats)
    lane_steps = settings.workers * settings.lanes * STEPS / spent
    return {
        "lane_steps_per_s": lane_steps,
        "unknown_steps_per_s": lane_steps * len(model.fields) * settings.ball.shells,
        "fields": len(model.fields),
        "shells": settings.ball.shells,
        "lanes": settings.lanes,
        "workers": settings.workers,
        "precision": settings.precision,
        "compile_s": max(first - spent, 0.0),
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0,
        "phases": {name: value / sum(parts.values()) for name, value in parts.items()},
    }


def _fastest(run: Callable[[], Any], workers: int, repeats: int) -> float:
    """Least wall time of `workers` runs at once [s]; the least, since other work on the machine only adds."""
    spent = []
    with ThreadPoolExecutor(workers) as pool:
        for _ in range(repeats):
            begin = time.perf_counter()
            list(pool.map(lambda _: jax.block_until_ready(run()), range(workers)))
            spent.append(time.perf_counter() - begin)
    return min(spent)


@eqx.filter_jit
def _steps(model: Model, state: State, plasma: Mapping[str, Array], dt: float) -> State:
    step = lambda state, _: (model.step(state, plasma, dt, jnp.asarray(False)), None)
    return jax.lax.scan(step, state, None, length=STEPS)[0]


@eqx.filter_jit
def _phase(model: Model, state: State, plasma: Mapping[str, Array], dt: float, phase: str) -> Any:
    """One phase, `STEPS` times over, each feeding on the last so that none can be left out."""
    at = lambda fields: State(state.day, state.radius, state.velocity, fields)
    fixed = model.sums(state, Moment(model, state, plasma))

    def once(fields: dict[str, Any], _: Any) -> Any:
        if phase == "mechanisms":
            sums = model.sums(at(fields), Moment(model, at(fields), plasma))
            found = {n: v + 1e-9 * (sums.gain[n] - sums.rate[n] * v) for n, v in fields.items()}
            for (source, _), share in sums.moves.items():
                found[source] = found[source] * (1.0 - 1e-9 * share)
            for target, shares in sums.released.items():
                for source, share in shares.items():
                    found[target] = found[target] + 1e-9 * share * found[source]
            return found, None
        if phase == "transport":
            return model.transport(at(fields), fixed, dt)[0], None
        if phase == "reaction":
            return fields | model.react(fields, fixed, dt)[0], None
        grown = dict(fields)
        model.grow(at(fields), grown, plasma, dt, jnp.asarray(False))
        return grown, None

    return jax.lax.scan(once, state.fields, None, length=STEPS)[0]


def bench_diffusion(sizes: Sequence[tuple[int, int]] = ((100, 10), (128, 25)), repeats: int = 3) -> dict[str, Any]:
    """Measures implicit diffusion and decay alone in a cube, beside what memory gives.

    A field at a time goes through all three axes (`alarmin.numerics.lines.diffuse_decay`), so that what it needs stays
    close to the processor; a step reads and writes each value once from and to memory at best.

    Args:
        sizes: voxels along a side, and fields.
        repeats: of each; the fastest counts.

    Returns stream_gb_per_s (one array read, one written), and for each size and precision the voxel·field·steps/s and
    their share of what memory allows at one reading and one writing.
    """
    numbers = jax.random.uniform(jax.random.key(0), (20_000_000,), "float32")
    add = jax.jit(lambda a: a + 3.0 * (a + 1.0))
    jax.block_until_ready(add(numbers))
    stream = 2 * numbers.nbytes / _fastest(lambda: add(numbers), 1, repeats) / 1e9
    found: dict[str, Any] = {"stream_gb_per_s": stream, "diffusion": []}
    for precision in ("float32", "float64"):
        with jax.enable_x64(precision == "float64"):
            for side, fields in sizes:
                values = jnp.ones((fields, side, side, side), precision)
                steps = jax.jit(lambda values: jax.lax.map(lambda one: diffuse_decay(one, 2.5, 0.01), values))
                # Compiled here, since other threads have a precision of their own.
                step = steps.lower(values).compile()
                jax.block_until_ready(step(values))
                spent = _fastest(lambda step=step, values=values: step(values), 1, repeats)
                rate = values.size / spent
                found["diffusion"].append(
                    {
                        "voxels": side**3,
                        "fields": fields,
                        "precision": precision,
                        "voxel_field_steps_per_s": rate,
                        "share_of_bandwidth": rate * 2 * values.itemsize / (stream * 1e9),
                    }
                )
    return found
