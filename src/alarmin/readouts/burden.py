"""The burden of a patient: the sum of the longest diameters of his lesions, how fast it grows, and what follows."""

import numpy as np
from numpy.typing import NDArray

from alarmin.patients import Cohort
from alarmin.readouts.scan import longest_diameter


def sum_of_diameters(cohort: Cohort, diameter: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum of longest diameters without reading error [mm], `[time, patient]`, from spheres `[time, lane]`.

    Disease that cannot be seen is not gone: the sum does not fall below a least value. Records: `hazard_burden_least`.
    """
    least = cohort.records["hazard_burden_least"].to("mm")
    return np.maximum(cohort.sum_lesions(longest_diameter(cohort, diameter)), least)


def growth_rate(cohort: Cohort, days: NDArray[np.float64], burden: NDArray[np.float64]) -> NDArray[np.float64]:
    """Growth rate of the burden over the past cycle [1/day], negative where it shrinks, `[time, patient]`.

        G(t) = (ln B(t) - ln B(t - w)) / w

    At the start, over the time that has passed. Records: `growth_window`.
    """
    size = np.log(burden)
    now = np.maximum(np.arange(len(days)), 1)
    ago = np.searchsorted(days, days[now] - cohort.records["growth_window"].to("day"), side="left")
    ago = np.minimum(ago, now - 1)
    return (size[now] - size[ago]) / (days[now] - days[ago])[:, None]


def event_day(
    days: NDArray[np.float64], hazard: NDArray[np.float64], uniform: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Day on which the cumulative hazard passes -ln(uniform), `[patient]`; infinite where it does not.

    Args:
        days: `[time]`.
        hazard: [1/day], `[time, patient]`; each value holds until the next day of the table.
        uniform: one number in (0, 1) a patient.

    The event depends on the hazard before it alone, so that a longer course moves no event.
    """
    spent = np.cumsum(hazard[:-1] * np.diff(days)[:, None], axis=0)
    due = -np.log(uniform)
    step = np.argmax(spent >= due, axis=0)
    patients = np.arange(len(due))
    over = np.where(step > 0, spent[np.maximum(step - 1, 0), patients], 0.0)
    rate = np.maximum(hazard[step, patients], np.finfo(np.float64).tiny)
    with np.errstate(over="ignore"):
        day = days[step] + (due - over) / rate
    return np.where(spent[-1] >= due, day, np.inf)
