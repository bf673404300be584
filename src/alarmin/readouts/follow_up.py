"""Scans of a whole cohort through a course: readings, new lesions, responses, progression."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alarmin.patients import Cohort
from alarmin.readouts.new_lesions import has_non_target, hazard, new_lesion_day, non_target_day
from alarmin.readouts.recist import Criteria, NonTarget, Response, first_day, overall_response, target_response
from alarmin.readouts.scan import read, scan_days
from alarmin.records.schema import Visits


@dataclass(frozen=True)
class FollowUp:
    """What the scans of a cohort showed.

    Attributes:
        days: of the scans, `[scan, patient]` [day]; baseline first.
        readings: longest diameters as written down, `[scan, lane]` [mm]; not a number where no scan was taken.
        sums: of the target lesions, `[scan, patient]` [mm].
        target: response of the target lesions, `[scan, patient]`.
        overall: overall response, `[scan, patient]`; NE where no scan was taken.
        new_lesion_day: from which a new lesion can be seen, `[patient]`; infinite without one.
        progression_day: first scan that shows progression, `[patient]`; infinite without one.
    """

    days: NDArray[np.float64]
    readings: NDArray[np.float64]
    sums: NDArray[np.float64]
    target: NDArray[np.int8]
    overall: NDArray[np.int8]
    new_lesion_day: NDArray[np.float64]
    progression_day: NDArray[np.float64]


def follow(
    cohort: Cohort,
    days: NDArray[np.float64],
    diameter: NDArray[np.float64],
    visits: Sequence[Visits],
    untargeted: Sequence[int] = (),
) -> FollowUp:
    """Reads every scan that the plan `visits` asks for within a course.

    What a scan shows depends on the course before it, on the seed and on the patient: a longer course, or other
    patients beside him, change nothing.

    Args:
        cohort: whose course this is.
        days: times of the course, `[time]` [day].
        diameter: of spheres of equal volume, `[time, lane]` [mm].
        visits: when scans are planned.
        untargeted: numbers of lesions, from 1, that are read and count in no sum, such as those that are irradiated.
    """
    at = scan_days(cohort, visits, days[-1])
    taken = at <= days[-1]
    readings = read(cohort, days, diameter, at)
    # A lesion of 0 mm adds nothing to a sum, and is known and healed: it decides nothing.
    targets = np.where(np.isin(cohort.lesion + 1, list(untargeted)), 0.0, readings)
    target = target_response(targets, cohort.first_lane, Criteria.of(cohort.records))
    rate = hazard(cohort, days, diameter)
    appears, worse = new_lesion_day(cohort, days, rate), non_target_day(cohort, days, rate)
    steady = np.where(has_non_target(cohort), NonTarget.NON_CR_NON_PD, NonTarget.CR)
    non_target = np.where(at >= worse, NonTarget.PD, steady).astype(np.int8)
    overall = np.where(taken, overall_response(target, non_target, at >= appears), Response.NE).astype(np.int8)
    overall[0] = Response.SD
    return FollowUp(
        days=at,
        readings=readings,
        sums=cohort.sum_lesions(targets),
        target=target,
        overall=overall,
        new_lesion_day=appears,
        progression_day=first_day(overall == Response.PD, at),
    )


def until_progression(
    visits: Sequence[Visits], weeks_beyond: float = 0.0, untargeted: Sequence[int] = ()
) -> Callable[[NDArray[np.float64], NDArray[np.float64], Cohort], NDArray[np.bool_]]:
    """Decides whose treatment goes on: until the first scan that shows progression, and some weeks beyond it."""

    def treat_on(days: NDArray[np.float64], diameter: NDArray[np.float64], cohort: Cohort) -> NDArray[np.bool_]:
        return days[-1] < follow(cohort, days, diameter, visits, untargeted).progression_day + 7.0 * weeks_beyond

    return treat_on
