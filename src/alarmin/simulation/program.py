"""The model and the state of a chunk of patients, and the compiled programs that take them through days."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from numpy.typing import NDArray

from alarmin.model import Model, Moment, assemble
from alarmin.patients import Cohort
from alarmin.patients.dosing import pad
from alarmin.programs import kept
from alarmin.records.schema import MOST_LESIONS
from alarmin.simulation.settings import Clamped, Settings, SimulationError
from alarmin.state import FIELDS, State
from alarmin.units import factor


def siblings(cohort: Cohort, lanes: int) -> NDArray[np.int32]:
    """For each lane, the lanes of its patient in order, `[5, lane]`; `lanes` stands for nobody."""
    found = np.full((MOST_LESIONS, lanes), lanes, np.int32)
    last = np.append(cohort.first_lane[1:], cohort.lanes)
    for row, (begin, end) in enumerate(zip(cohort.first_lane, last, strict=True)):
        del row
        found[: end - begin, begin:end] = np.arange(begin, end)[:, None]
    found[0, cohort.lanes :] = np.arange(cohort.lanes, lanes)
    return found


def model_of(
    cohort: Cohort,
    settings: Settings,
    agents: Sequence[str] = (),
    off: Sequence[str] = (),
    clamped: Clamped | None = None,
) -> Model:
    """The model with the parameters of a chunk of patients."""
    precision = np.dtype(settings.precision)

    def values(record: str, unit: str) -> Array:
        if record not in cohort.records:
            raise SimulationError(f"no record is called {record!r}", remedy="add it under alarmin/records/data")
        entry = cohort.records[record]
        scale = factor(entry.unit, unit)
        own = cohort.drawn(record)
        if own is not None:
            return jnp.asarray(pad(own * scale, settings.lanes)[None, :].astype(precision))
        return jnp.asarray(np.asarray(entry.value * scale, precision))

    def held(value: Any) -> Array:
        kind = bool if np.asarray(value).dtype == bool else precision
        number = np.asarray(value, kind)
        return jnp.asarray(pad(number, settings.lanes)[None, :] if number.ndim else number)

    return assemble(
        values,
        jnp.asarray(siblings(cohort, settings.lanes)),
        agents=agents,
        grid=settings.grid,
        off=off,
        clamped=jax.tree.map(held, dict(clamped or {})),
    )


def state_of(cohort: Cohort, model: Model, settings: Settings) -> State:
    """The untreated state of a chunk, with the agents' fields empty."""
    untreated = cohort.untreated or {}
    give = lambda values: jnp.asarray(pad(values, settings.lanes).astype(settings.precision))
    fields = {name: give(untreated[name]) for name in FIELDS}
    empty = jnp.zeros((settings.grid.points, settings.lanes), settings.precision)
    fields |= {name: empty for name in model.fields if name not in fields}
    fields |= {name: give(untreated[name]) for name in ("tissue",) if name in untreated}
    return State(
        day=jnp.zeros((), settings.precision),
        radius=give(untreated["radius"]),
        velocity=give(untreated["velocity"]),
        fields=fields,
    )


READINGS = ("blood_cd8", "cd8", "diameter", "dying_immunogenic", "oxygen", "tumor")
"""Names of the numbers of each lesion that every run keeps."""


def readings(state: State, model: Model) -> dict[str, Array]:
    """The numbers of `READINGS`, `[lane]`."""
    grid, at = model.grid, state.fields
    mean = lambda value: grid.mean(value, grid.extent(state.radius, at))
    clones = at["tumor_sensitive"] + at["tumor_escaped"] + at["tumor_resistant"]
    found = {
        "diameter": 2.0 * state.radius,
        "tumor": mean(clones) * grid.volume(state.radius),
        "cd8": mean(at["cd8"] + at["cd8_exhausted"] + at["cd8_bystander"]),
        "dying_immunogenic": mean(at["dying_immunogenic"]),
        "oxygen": mean(at["oxygen"]),
        "blood_cd8": at["blood_cd8"],
    }
    return {name: found[name][0] for name in READINGS}


@kept(lambda model, state, kinetics, bodies, *_: (state, bodies, dict.fromkeys(READINGS, state.radius)))
def advance_days(
    model: Model,
    state: State,
    kinetics: Mapping[str, Any],
    bodies: Mapping[str, Any],
    doses: Any,
    per_day: int,
    held: Any,
) -> tuple[State, Mapping[str, Any], dict[str, Array]]:
    """Takes a chunk through the days of `doses`; returns its state, the drug in the bodies, and daily readings.

    `doses` is by agent, `[day, 1, lane]`, and has `days`: 0 for each day that is run, and 1 for those past the end,
    whose readings are 0.
    """
    dt = 1.0 / per_day
    table = {name: amount for name, amount in doses.items() if name in kinetics}

    def day(number: Any, carry: Any) -> Any:
        def step(carry: Any, dose: Mapping[str, Any]) -> Any:
            state, bodies = carry
            stepped = {name: kinetics[name].step(bodies[name], dose[name]) for name in kinetics}
            bodies = {name: amounts for name, (amounts, _) in stepped.items()}
            plasma = {name: mean for name, (_, mean) in stepped.items()}
            return (model.step(state, plasma, dt, held), bodies), None

        today = {name: jax.lax.dynamic_index_in_dim(amount, number, keepdims=False) for name, amount in table.items()}
        later = {name: jnp.zeros((per_day - 1, *dose.shape), dose.dtype) for name, dose in today.items()}
        hours = {name: jnp.concatenate([dose[None], later[name]]) for name, dose in today.items()}
        after, _ = jax.lax.scan(step, carry[:2], hours, length=per_day)
        put = partial(jax.lax.dynamic_update_index_in_dim, index=number, axis=0)
        found = {name: put(carry[2][name], reading) for name, reading in readings(after[0], model).items()}
        return *after, found

    # A loop of a length that the program does not know: one that it knows to be 1 is taken apart, and rounds otherwise.
    length = jnp.sum(doses["days"] == 0.0, dtype=jnp.int32)
    shapes = jax.eval_shape(readings, state, model)
    empty = {name: jnp.zeros((len(doses["days"]), *of.shape), of.dtype) for name, of in shapes.items()}
    return jax.lax.fori_loop(jnp.int32(0), length, day, (state, bodies, empty))


@eqx.filter_jit
def balance(model: Model, state: State, plasma: Mapping[str, Any]) -> State:
    """Brings the molecules of a chunk to balance, from anywhere."""
    return model.settle_molecules(state, plasma, 12)


@eqx.filter_jit
def profile(model: Model, state: State, plasma: Mapping[str, Any]) -> dict[str, Array]:
    """Fields and signals across each lesion, by name, `[point, lane]`."""
    now = Moment(model, state, plasma)
    shape = state.fields["oxygen"].shape
    names = ("tumor", "alarm", "open_fraction", "functional_surface", "imaged_flow", "hypoxia", "solid_stress")
    signals = {name: jnp.broadcast_to(getattr(now, name), shape) for name in names}
    tissue = {name: value for name, value in state.fields.items() if value.shape == shape}
    return tissue | signals
