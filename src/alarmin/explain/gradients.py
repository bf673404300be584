"""How the burden of one patient answers to every parameter of the mechanisms, by differentiation through the run.

Derivatives are carried along forward in time, many parameters side by side: the program is three times that of the run,
and needs no memory of its steps, where going backward needs minutes to compile and the whole course in memory.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from numpy.typing import NDArray

from alarmin.explain.switches import ExplainError
from alarmin.model import Model, actions, biology, needs
from alarmin.patients import Cohort
from alarmin.patients.dosing import dosing
from alarmin.records.schema import MOST_LESIONS
from alarmin.simulation import Settings, advance_days, model_of, readings, state_of
from alarmin.state import State
from alarmin.therapy.regimen import Regimen, parse

TOGETHER = 64
"""Parameters that are differentiated by side by side; without influence on results."""

QUICK: Any = {"xla_cpu_use_fusion_emitters": False, "xla_backend_optimization_level": 1}
"""Options of the compiler: with those that it has by itself it takes ten times as long, for a program no faster."""


def elasticities(
    patient: Cohort, regimen: str | Regimen, *, days: int = 84, settings: Settings = Settings()
) -> dict[str, float]:
    """Relative change of the burden of one patient per relative change of each record of the mechanisms.

        e_p = d ln B(D) / d ln p,   B the living tumor cells of all lesions on day D

    A record changes from the first day of treatment on, in all lesions alike; the untreated state, the doses and the
    kinetics in plasma stay as they are. A record of value zero has no relative change, and gets 0.

    Args:
        patient: a cohort of one patient in the untreated state.
        regimen: in the regimen language, or empty.
        days: day D.
        settings: how to compute.

    Returns:
        By record id, largest first.

    Raises `ExplainError` where the cohort is not one patient.
    """
    if len(patient) != 1:
        raise ExplainError(f"gradients of {len(patient)} patients at once", remedy="choose one patient: cohort[[0]]")
    plan = parse(regimen) if isinstance(regimen, str) else regimen
    # Always as many lanes as a patient can have lesions, so that one program does for all.
    start = prepared(patient, plan, days, replace(settings, lanes=MOST_LESIONS))
    records = start.records
    found = _slopes(start, settings.precision)
    if not np.isfinite(found).all():
        bad = [record for record, value in zip(records, found, strict=True) if not np.isfinite(value)]
        raise ExplainError(
            f"no gradient by {', '.join(bad)}", remedy="compare two runs with the record changed instead"
        )
    return {records[i]: float(found[i]) for i in np.argsort(-np.abs(found), kind="stable")}


class Start(eqx.Module):
    """Everything that a run of one patient needs.

    `own` is 1 for the lesions of the patient and 0 for lanes that only fill up, `[lane]`; `attributes` says which
    attribute of which mechanism takes which record: mechanism, name, index in `records`.
    """

    model: Model
    state: State
    kinetics: Mapping[str, Any]
    bodies: Mapping[str, Any]
    table: Mapping[str, Any]
    own: Array
    per_day: int = eqx.field(static=True)
    records: tuple[str, ...] = eqx.field(static=True)
    attributes: tuple[tuple[int, str, int], ...] = eqx.field(static=True)


def prepared(patient: Cohort, plan: Regimen, days: int, settings: Settings) -> Start:
    """The start of the run of a patient."""
    model = model_of(patient, settings, plan.agents)
    kinds = [*((kind, None) for kind in biology()), *actions(plan.agents)]
    taken = [(i, name, record) for i, kind in enumerate(kinds) for name, (record, _) in needs(*kind).items()]
    records = tuple(dict.fromkeys(record for _, _, record in taken))
    lanes = settings.lanes
    given = dosing(patient, plan, days, plan.agents, settings.steps_per_day, settings.precision)
    kinetics = given.by_lane(patient.patient, lanes)
    return Start(
        model=model,
        state=state_of(patient, model, settings),
        kinetics=kinetics,
        bodies={name: body.start(lanes) for name, body in kinetics.items()},
        table=given.table(patient, given.planned, 0, days, days, lanes),
        own=jnp.asarray((np.arange(lanes) < patient.lanes).astype(settings.precision)),
        per_day=settings.steps_per_day,
        records=records,
        attributes=tuple((i, name, records.index(record)) for i, name, record in taken),
    )


def log_burden(start: Start, by: Array) -> Array:
    """Logarithm of the living tumor cells on the last day, where the logarithm of each record is larger `by` so much.

    `by` is `[record]`, in the order of `start.records`.
    """
    mechanisms = list(start.model.mechanisms)
    for i, name, record in start.attributes:
        changed = {name: getattr(mechanisms[i], name) * jnp.exp(by[record])}
        mechanisms[i] = replace(mechanisms[i], **changed)
    model = replace(start.model, mechanisms=tuple(mechanisms))
    state, _, _ = advance_days(
        model, start.state, start.kinetics, start.bodies, start.table, start.per_day, jnp.asarray(False)
    )
    return jnp.log(jnp.sum(start.own * readings(state, model)["tumor"]))


def _slopes(start: Start, precision: str) -> NDArray[np.float64]:
    """Derivatives of `log_burden` by each record where nothing is changed, `[record]`."""
    count = len(start.records)
    arrays, rest = eqx.partition(start, eqx.is_array)

    def along(arrays: Start, directions: Array) -> Array:
        whole = eqx.combine(arrays, rest)
        slope = lambda one: jax.jvp(lambda by: log_burden(whole, by), (jnp.zeros_like(one),), (one,))[1]
        return jax.vmap(slope)(directions)

    run = jax.jit(along, compiler_options=QUICK)
    # Filled up with parameters that are not there, so that one program does for all.
    every = np.eye(-(-count // TOGETHER) * TOGETHER, count, dtype=precision).reshape(-1, TOGETHER, count)
    return np.concatenate([np.asarray(run(arrays, jnp.asarray(part)), np.float64) for part in every])[:count]
