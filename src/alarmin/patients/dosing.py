"""What a regimen gives the patients of a cohort, and how each of them handles it: by patient, then by lesion."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from numpy.typing import NDArray

from alarmin.patients.cohort import Cohort
from alarmin.records import agent as find_agent
from alarmin.therapy import pharmacokinetics
from alarmin.therapy.regimen import Regimen

Doses = Mapping[str, NDArray[np.float64]]
"""Doses by agent, `[day, patient]` [mg], or in the unit of a dose that is no mass."""


@dataclass(frozen=True)
class Dosing:
    """Planned doses of a cohort, and the kinetics of each patient.

    Attributes:
        plan: the regimen.
        days: length of the run.
        planned: what it gives each patient; zeros for agents that are only carried along.
        kinetics: by agent, patients last.
        precision: number format of the steps.
    """

    plan: Regimen
    days: int
    planned: Doses
    kinetics: Mapping[str, pharmacokinetics.Kinetics]
    precision: str

    def by_lane(self, patient: NDArray[np.int64], lanes: int) -> dict[str, pharmacokinetics.Kinetics]:
        """Kinetics of the lesions of a chunk, padded to `lanes`; `patient` is the row in the cohort, `[lane]`."""
        mine = lambda values: jnp.asarray(pad(np.asarray(values)[..., patient], lanes))
        return {name: jax.tree.map(mine, body) for name, body in self.kinetics.items()}

    def table(self, part: Cohort, doses: Doses, start: int, stop: int, width: int, lanes: int) -> dict[str, Array]:
        """Doses from day `start` before day `stop`, for each lesion that the plan aims at, `[day, 1, lane]`.

        It has `width` days, so that one program does; `days` is 0 where a day is to be run, and 1 past the end.

        Args:
            part: the patients of the chunk.
            doses: what they are given.
            start: first day.
            stop: day after the last.
            width: days of the table.
            lanes: of the chunk.
        """
        aims = self.plan.aims(part.patient, part.lesion)
        days = np.zeros((width, 1, 1), self.precision)
        days[stop - start :] = 1.0
        found = {"days": jnp.asarray(days)}
        for name, amount in doses.items():
            given = np.zeros((width, 1, lanes), self.precision)
            given[: stop - start, 0] = pad(amount[start:stop][:, part.patient] * aims.get(name, 1.0), lanes)
            found[name] = jnp.asarray(given)
        return found


def planned_doses(cohort: Cohort, plan: Regimen, days: int) -> dict[str, NDArray[np.float64]]:
    """What a regimen gives each patient before day `days`, by agent, `[day, patient]` [mg or the unit of the dose]."""
    return plan.doses(
        days,
        cohort.patient_value("patient_weight", "kg"),
        cohort.patient_value("patient_body_surface", "m**2"),
        cohort.patient_value("patient_creatinine_clearance", "mL/min"),
    )


def dosing(
    cohort: Cohort,
    plan: Regimen,
    days: int,
    agents: Sequence[str],
    steps_per_day: int,
    precision: str,
    given: NDArray[np.bool_] | None = None,
) -> Dosing:
    """Doses and kinetics of a cohort.

    Args:
        cohort: the patients.
        plan: the regimen.
        days: length of the run.
        agents: those of the regimen, and further ones to carry along without giving them.
        steps_per_day: time steps in a day.
        precision: number format of the steps.
        given: whom the regimen is given, `[patient]`; everybody without it.
    """
    doses = planned_doses(cohort, plan, days)
    whom = np.ones(len(cohort)) if given is None else given
    planned = {name: doses.get(name, np.zeros((days, len(cohort)))) * whom for name in agents}
    kinetics = {
        name: pharmacokinetics.prepare(
            find_agent(name), cohort.patient_value, 1.0 / steps_per_day, amount.max(axis=0), precision
        )
        for name, amount in planned.items()
    }
    return Dosing(plan, days, planned, kinetics, precision)


def pad(values: NDArray[Any], lanes: int) -> NDArray[Any]:
    """Fills the last axis up to `lanes` with copies of its first entry."""
    missing = lanes - values.shape[-1]
    return np.concatenate([values, np.repeat(values[..., :1], missing, axis=-1)], axis=-1) if missing else values
