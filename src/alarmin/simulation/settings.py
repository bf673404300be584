"""What a run is asked for, how it is computed, and how it is refused."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from alarmin.errors import AlarminError
from alarmin.model import Lift
from alarmin.numerics.grid import Grid
from alarmin.numerics.sphere import Sphere
from alarmin.patients import Cohort

MONTH = 365.25 / 12.0
"""Days in a month."""

LONGEST = 1200
"""Months that a run may have."""

TreatOn = Callable[[NDArray[np.float64], NDArray[np.float64], Cohort], NDArray[np.bool_]]
"""Days so far `[time]`, diameters so far `[time, lane]`, and whose: whether treatment goes on, `[patient]`."""

Manage = Callable[[Cohort], Callable[[int, int, dict[str, NDArray[np.float64]]], None]]
"""Of patients, a function of the days from A, before B, and of all doses `[day, patient]`; it changes those to come."""

Watch = Callable[[int, Mapping[str, NDArray], NDArray], None]
"""Day, profiles by name `[point, lane]` and radii `[lane]` of a chunk; is handed them instead of the course."""

Clamped = Mapping[str, float | Lift]
"""Quantities seen at a fixed value, or lifted in some lesions; a `Lift` has its numbers for the cohort, `[lane]`."""


class SimulationError(AlarminError):
    """A run that cannot be started, or patients whose state became meaningless, who are its `failed`."""

    failed: "tuple[Failure, ...]" = ()


@dataclass(frozen=True)
class Failure:
    """A patient whose state stopped being a number.

    Attributes:
        patient: his id.
        lesion: number of the lesion that was first, from 0.
        day: first day of it.
        reading: what was no number.
        parameters: what was drawn for that lesion, by record, in the unit of the record.
    """

    patient: int
    lesion: int
    day: int
    reading: str
    parameters: Mapping[str, float] = field(repr=False)

    def __str__(self) -> str:
        return (
            f"patient {self.patient}: {self.reading} of lesion {self.lesion + 1} is not a number from day {self.day} on"
        )


@dataclass(frozen=True)
class Settings:
    """How to compute, as against what.

    Attributes:
        grid: where the fields of a lesion live: `Sphere`, `WellMixed`, or a `Box`.
        steps_per_day: time steps in a day.
        lanes: lesions in a chunk; part of the compiled program, without influence on results.
        workers: chunks that run at the same time.
        precision: number format of the state.
        decision_days: days between looks at whether treatment goes on.
    """

    grid: Grid = Sphere()
    steps_per_day: int = 2
    lanes: int = 128
    workers: int = field(default_factory=lambda: min(os.cpu_count() or 1, 2))
    precision: str = "float32"
    decision_days: int = 21

    @property
    def ball(self) -> Sphere:
        """The grid, for readings that need shells; raises `SimulationError` where it has none."""
        if not isinstance(self.grid, Sphere):
            raise SimulationError(
                f"this reading needs the shells of a ball, not {type(self.grid).__name__}",
                remedy="compute it with the default grid",
            )
        return self.grid


COARSE = Settings(steps_per_day=1)
"""How populations are fitted, and so how banks are computed: outcomes of patients who were fitted differ by little."""
