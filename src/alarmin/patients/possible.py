"""Populations that agree with what is known: what a fit or the priors leave open, drawn."""

import numpy as np

from alarmin.numerics import random
from alarmin.records import Population, Record, parameters, tumor
from alarmin.records import population as find_population

Z95 = 3.919927969080108
"""Width of a central 95 % interval in standard deviations of a normal law."""


def possible_populations(
    name: str, count: int, seed: int = 0, population: str | None = None
) -> tuple[Population | None, list[dict[str, Record]]]:
    """Populations of a tumor type, as changed records, and the fit they come from.

    Fitted records take the values of one member of the posterior after the other. Records of the type that no fit has
    seen are drawn from their `low` to `high`, as a 95 % interval (log-normal where both are positive); those of a type
    that was fitted itself stay where the fit took them to be.

    Args:
        name: tumor type.
        count: how many populations.
        seed: seed of the draws.
        population: name of a fit, "prior" for none; that of the type, or what other types' fits share, without it.
    """
    fit = find_population(name, population)
    own = fit is not None and fit.tumor == tumor(name).name and fit.borrowed_from is None
    ill_known = {} if own else _ill_known(name, fit)
    found = []
    for number in range(count):
        changes = {} if fit is None else fit.member(number % fit.members) if fit.members else dict(fit.records)
        for id, record in ill_known.items():
            z = float(random.normal(seed, f"{id} in population", np.array([number]))[0])
            changes[id] = record.model_copy(update={"value": _within(record, z)})
        found.append(changes)
    return fit, found


def _ill_known(name: str, fit: Population | None) -> dict[str, Record]:
    """Records of the tumor type with a range of belief, fitted ones apart."""
    fitted = fit.records if fit else {}
    known = {**{id: record for id, record in parameters().items() if id.startswith("hazard_log_baseline")}}
    known |= tumor(name).parameters
    return {id: r for id, r in known.items() if r.low is not None and r.high is not None and id not in fitted}


def _within(record: Record, z: float) -> float:
    low, high = record.low, record.high
    assert low is not None
    assert high is not None
    if low > 0 and record.value > 0:
        value = record.value * (high / low) ** (z / Z95)
    else:
        value = record.value + (high - low) * z / Z95
    return float(np.clip(value, low, high))
