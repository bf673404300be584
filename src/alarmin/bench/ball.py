"""How fast the lesion runs on this machine, and where the time goes."""

import resource
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from alarmin.bench.arithmetic import operations, peak
from alarmin.bench.clock import fastest
from alarmin.bench.memory import triad
from alarmin.enrollment import enroll
from alarmin.model import Model, Moment, Sums
from alarmin.programs import jitted
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
    times shells. Each phase is timed by itself, its inputs held fixed: mechanisms (all rates), transport, reaction, and
    growth.

    Returns lane_steps_per_s, unknown_steps_per_s, fields, shells, lanes, workers, precision, compile_s,
    peak_memory_mb, of_peak (operations of a step, by `alarmin.bench.arithmetic`, as a share of what a product of
    matrices reaches), of_bandwidth (the state read and written once a step, as a share of the triad), and phases: of
    each its share of their time, and of_peak.
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
    spent = fastest(step, settings.workers, repeats)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    rate, steps = peak(), settings.workers * STEPS
    fixed = model.sums(state, Moment(model, state, plasma))
    parts, done = {}, {}
    for phase in PHASES:
        run = lambda phase=phase: _phase(model, state, plasma, dt, phase)
        jax.block_until_ready(run())
        parts[phase] = fastest(run, settings.workers, repeats)
        done[phase] = operations(_part(model, state, plasma, dt, phase, fixed), state.fields)[0]
    whole = operations(lambda state: model.step(state, plasma, dt, jnp.asarray(False)), state)[0]
    size = float(sum(value.nbytes for value in jax.tree.leaves(state.fields)))
    lane_steps = steps * settings.lanes / spent
    return {
        "lane_steps_per_s": lane_steps,
        "unknown_steps_per_s": lane_steps * len(model.fields) * settings.ball.shells,
        "fields": len(model.fields),
        "shells": settings.ball.shells,
        "lanes": settings.lanes,
        "workers": settings.workers,
        "precision": settings.precision,
        "compile_s": max(first - spent, 0.0),
        "peak_memory_mb": memory,
        "of_peak": steps * whole / spent / rate,
        "of_bandwidth": steps * 2.0 * size / spent / (triad() * 1e9),
        "phases": {
            name: {"share": value / sum(parts.values()), "of_peak": steps * done[name] / value / rate}
            for name, value in parts.items()
        },
    }


@jitted
def _steps(model: Model, state: State, plasma: Mapping[str, Array], dt: float) -> State:
    step = lambda state, _: (model.step(state, plasma, dt, jnp.asarray(False)), None)
    return jax.lax.scan(step, state, None, length=STEPS)[0]


@jitted
def _phase(model: Model, state: State, plasma: Mapping[str, Array], dt: float, phase: str) -> Any:
    """One phase, `STEPS` times over, each feeding on the last so that none can be left out."""
    part = _part(model, state, plasma, dt, phase, model.sums(state, Moment(model, state, plasma)))
    return jax.lax.scan(lambda fields, _: (part(fields), None), state.fields, None, length=STEPS)[0]


def _part(
    model: Model, state: State, plasma: Mapping[str, Array], dt: float, phase: str, fixed: Sums
) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """What a phase makes of the fields of a state, with the sums of all flows `fixed` where it works out none."""
    at = lambda fields: State(state.day, state.radius, state.velocity, fields)

    def mechanisms(fields: dict[str, Any]) -> dict[str, Any]:
        sums = model.sums(at(fields), Moment(model, at(fields), plasma))
        found = {n: v + 1e-9 * (sums.gain[n] - sums.rate[n] * v) for n, v in fields.items()}
        for (source, _), share in sums.moves.items():
            found[source] = found[source] * (1.0 - 1e-9 * share)
        for (source, target), share in sums.released.items():
            found[target] = found[target] + 1e-9 * share * found[source]
        return found

    def growth(fields: dict[str, Any]) -> dict[str, Any]:
        grown = dict(fields)
        model.grow(at(fields), grown, plasma, dt, jnp.asarray(False))
        return grown

    return {
        "mechanisms": mechanisms,
        "transport": lambda fields: model.transport(at(fields), fixed, dt)[0],
        "reaction": lambda fields: fields | model.react(fields, fixed, dt)[0],
        "growth": growth,
    }[phase]
