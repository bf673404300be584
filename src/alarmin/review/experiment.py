"""Runs an intervention on a cohort, and reads quantities from the lesions as it goes.

Records are numbers of the compiled program, not part of it: scaling one for patients who are already in their untreated
state costs no compilation, and neither does another regimen of agents that the program carries along.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from numpy.typing import NDArray

from alarmin.errors import nearest
from alarmin.model import Model, Moment
from alarmin.patients import Cohort
from alarmin.patients.dosing import Dosing, dosing
from alarmin.review.statements import Readout, ReviewError
from alarmin.simulation import Settings, advance_days, model_of, split, state_of
from alarmin.state import State
from alarmin.therapy.regimen import parse

FEWEST = 6
"""Patients from whom on the least and the largest of their effects hold the median in 95 % of samples."""


@dataclass(frozen=True)
class Observed:
    """What was seen of a run, lanes last.

    Attributes:
        first_lane: lane of the first lesion of each patient, `[patient]`.
        edges: edges of the shells as a share of the radius, `[shell + 1]`.
        radius: of each lesion at each look, `[look, lane]` [mm].
        quantities: by name, `[look, shell, lane]`.
    """

    first_lane: NDArray[np.int64]
    edges: NDArray[np.float64]
    radius: NDArray[np.float64]
    quantities: Mapping[str, NDArray[np.float64]]


def scaled(cohort: Cohort, factors: Mapping[str, float]) -> Cohort:
    """The same patients in the same untreated state, with records times factors from now on."""
    records, values = dict(cohort.records), dict(cohort.values)
    for id, factor in factors.items():
        if id not in records:
            raise ReviewError(f"no record is called {id!r}; {nearest(id, records)}", remedy="correct the id")
        records[id] = records[id].model_copy(update={"value": records[id].value * factor})
        own = cohort.drawn(id)
        if own is not None:
            values[id] = own * factor
    return replace(cohort, records=records, values=values)


def observe(
    cohort: Cohort, regimen: str, agents: Sequence[str], names: Sequence[str], days: int, settings: Settings
) -> Observed:
    """Quantities of each lesion every `settings.decision_days` and at the end; `agents` are carried along."""
    given = dosing(cohort, parse(regimen), days, agents, settings.steps_per_day, settings.precision)
    parts = [_chunk(cohort, rows, given, names, settings) for rows in split(cohort, settings.lanes)]
    return Observed(
        cohort.first_lane,
        np.asarray(settings.ball.faces, np.float64),
        np.concatenate([radius for radius, _ in parts], axis=-1),
        {name: np.concatenate([seen[name] for _, seen in parts], axis=-1) for name in names},
    )


def effect_of(base: Observed, changed: Observed, readout: Readout, margin: float) -> tuple[float, float, float]:
    """Median over patients of the logarithm of changed over base, with a 95 % interval from order statistics."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.log(reading(changed, readout, margin) / reading(base, readout, margin))
    return median_interval(ratio[np.isfinite(ratio)])


def reading(seen: Observed, readout: Readout, margin: float) -> NDArray[np.float64]:
    """What a readout finds in each patient, the mean over looks and lesions, `[patient]`."""
    radius = seen.radius
    if readout.take == "diameter":
        value = 2.0 * radius
    else:
        density: Any = sum(seen.quantities[name] for name in readout.quantity)
        inner, outer = seen.edges[:-1, None], seen.edges[1:, None]
        if readout.take == "margin":
            inner = np.clip(inner, np.minimum(1.0 - margin / radius, inner[-1])[:, None, :], outer)
        elif readout.take == "core":
            inner, outer = np.minimum(inner, 0.5), np.minimum(outer, 0.5)
        volume = outer**3 - inner**3
        value = np.sum(density * volume, axis=1)
        if readout.take == "total":
            value = value * 4.0 / 3.0 * np.pi * (radius / 10.0) ** 3
        else:
            value = value / np.sum(volume * np.ones_like(density), axis=1)
    value = value.mean(axis=0)
    counts = np.diff(np.append(seen.first_lane, value.shape[-1]))
    return np.add.reduceat(value, seen.first_lane) / counts


def median_interval(values: NDArray[np.float64]) -> tuple[float, float, float]:
    """Median with the order statistics that hold the true one in 95 % of samples."""
    from scipy.stats import binom

    if not len(values):
        return float("nan"), float("nan"), float("nan")
    ranked = np.sort(values)
    low = max(int(binom.ppf(0.025, len(ranked), 0.5)) - 1, 0)
    return float(np.median(ranked)), float(ranked[low]), float(ranked[len(ranked) - 1 - low])


@eqx.filter_jit
def _look(model: Model, state: State, plasma: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Array]:
    now = Moment(model, state, plasma)
    shape = state.fields["oxygen"].shape
    return {name: jnp.broadcast_to(getattr(now, name), shape) for name in names}


def _chunk(
    cohort: Cohort, rows: NDArray[np.int64], given: Dosing, names: Sequence[str], settings: Settings
) -> tuple[NDArray[np.float64], dict[str, NDArray[np.float64]]]:
    part, lanes, span = cohort[rows], settings.lanes, settings.decision_days
    model = model_of(part, settings, tuple(given.planned))
    state = state_of(part, model, settings)
    kinetics = given.by_lane(rows[part.patient], lanes)
    bodies = {name: body.start(lanes) for name, body in kinetics.items()}
    empty = {name: jnp.zeros((1, lanes), settings.precision) for name in kinetics}
    doses = {name: amount[:, rows] for name, amount in given.planned.items()}
    radius: list[Any] = []
    looks: list[dict[str, Any]] = []
    for start in range(0, given.days, span):
        table = given.table(part, doses, start, min(start + span, given.days), span, lanes)
        state, bodies, _ = advance_days(
            model, state, kinetics, bodies, table, settings.steps_per_day, jnp.asarray(False)
        )
        radius.append(np.asarray(state.radius, np.float64)[0, : part.lanes])
        seen = _look(model, state, empty, tuple(names))
        looks.append({name: np.asarray(found, np.float64)[:, : part.lanes] for name, found in seen.items()})
    return np.stack(radius), {name: np.stack([look[name] for look in looks]) for name in names}
