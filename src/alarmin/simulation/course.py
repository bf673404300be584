"""What came of a run: the course of each patient, and who failed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from alarmin.patients import Cohort
from alarmin.simulation.settings import Failure, SimulationError


@dataclass
class Timing:
    """What a run cost: time to compile and to simulate [s], lesions times time steps."""

    compile_s: float = 0.0
    simulate_s: float = 0.0
    lane_steps: int = 0

    @property
    def lane_steps_per_s(self) -> float:
        """Rate of the simulation, compilation apart."""
        return self.lane_steps / self.simulate_s if self.simulate_s > 0 else 0.0


@dataclass(frozen=True)
class Course:
    """What happened to a cohort under a regimen.

    Attributes:
        cohort: whose course this is.
        regimen: what was planned.
        days: times of the readings, `[time]`, 0 at the start of treatment [day].
        lesions: readings by name, `[time, lane]`: diameter [mm], tumor [Mcell], cd8 [Mcell/mL], oxygen [mmHg], …
        doses: what was given, by agent, `[day, patient]` [mg], or in the unit of a dose that is no mass.
        profile_days: times of the profiles, `[profile]` [day].
        profiles: fields and signals by name, `[profile, shell, lane]`; empty unless asked for.
        radius: of each lesion at the profiles, `[profile, lane]` [mm].
        shells: centers of the shells as a share of the radius, `[shell]`.
        timing: what the run cost.
        failed: patients who were left out, since their state stopped being a number; nobody unless that was asked for.
    """

    cohort: Cohort
    regimen: str
    days: NDArray[np.float64]
    lesions: Mapping[str, NDArray[np.float64]]
    doses: Mapping[str, NDArray[np.float64]]
    profile_days: NDArray[np.float64]
    profiles: Mapping[str, NDArray[np.float64]]
    radius: NDArray[np.float64]
    shells: NDArray[np.float64]
    timing: Timing
    failed: tuple[Failure, ...] = ()

    def __repr__(self) -> str:
        profiles = f", {len(self.profile_days)} profiles" if len(self.profile_days) else ""
        return f"<Course under {self.regimen!r} over {self.days[-1]:g} days{profiles}: {self.cohort!r}>"


def failures(cohort: Cohort, lesions: Mapping[str, NDArray[np.float64]]) -> tuple[Failure, ...]:
    """The patients whose readings stop being numbers, in order, each with the first that does; `[time, lane]`."""
    first: dict[int, tuple[int, int, str]] = {}
    for name, reading in lesions.items():
        fine = np.isfinite(reading)
        for lane in np.flatnonzero(~fine.all(axis=0)):
            found = (int(np.argmin(fine[:, lane])), int(lane), name)
            row = int(cohort.patient[lane])
            first[row] = min(first.get(row, found), found)
    return tuple(
        Failure(
            patient=int(cohort.ids[row]),
            lesion=int(cohort.lesion[lane]),
            day=day,
            reading=name,
            parameters={record: float(values[lane]) for record, values in sorted(cohort.values.items())},
        )
        for row, (day, lane, name) in sorted(first.items())
    )


def refusal(cohort: Cohort, failed: Sequence[Failure]) -> SimulationError:
    """What a run raises that does not leave such patients out."""
    others = f"; {len(failed) - 1} more of {len(cohort)} patients" if len(failed) > 1 else ""
    values = ", ".join(f"{name} {value:.4g}" for name, value in failed[0].parameters.items())
    error = SimulationError(
        f"{failed[0]} (seed {cohort.seed}{others}); drawn for this lesion: {values}",
        remedy="use more steps per day, or leave such patients out with drop_failed; and report seed and patient",
    )
    error.failed = tuple(failed)
    return error


def without(course: Course, failed: Sequence[int]) -> Course:
    """The course of the other patients."""
    cohort = course.cohort
    rows = np.flatnonzero(~np.isin(cohort.ids, failed))
    lanes = np.isin(cohort.patient, rows)
    among = lambda values, chosen: {name: value[..., chosen] for name, value in values.items()}
    return replace(
        course,
        cohort=cohort[rows],
        lesions=among(course.lesions, lanes),
        doses=among(course.doses, rows),
        profiles=among(course.profiles, lanes),
        radius=course.radius[..., lanes],
    )
