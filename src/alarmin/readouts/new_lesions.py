"""When new lesions appear, and when lesions that are seen but not measured progress beyond doubt."""

import numpy as np
from numpy.typing import NDArray

from alarmin.patients import Cohort
from alarmin.readouts.burden import event_day, growth_rate, sum_of_diameters


def hazard(cohort: Cohort, days: NDArray[np.float64], diameter: NDArray[np.float64]) -> NDArray[np.float64]:
    """Hazard of a new lesion [1/day], `[time, patient]`.

        λ = λ0 (max(G, m G0) / G0)^β (1 + B / B0)

    B is the sum of longest diameters, G its growth rate: disease that grows also seeds, and more disease seeds more.

    Records: `new_lesion_rate`, `new_lesion_growth`, `new_lesion_growth_least`, `new_lesion_growth_exponent`,
    `new_lesion_burden`.
    """
    value = lambda record, unit="dimensionless": cohort.records[record].to(unit)
    burden = sum_of_diameters(cohort, diameter)
    relative = growth_rate(cohort, days, burden) / value("new_lesion_growth", "1/day")
    relative = np.maximum(relative, value("new_lesion_growth_least"))
    seeding = 1.0 + burden / value("new_lesion_burden", "mm")
    return value("new_lesion_rate", "1/day") * relative ** value("new_lesion_growth_exponent") * seeding


def new_lesion_day(cohort: Cohort, days: NDArray[np.float64], rate: NDArray[np.float64]) -> NDArray[np.float64]:
    """Day from which a new lesion can be seen, `[patient]`; infinite where none appears within the course.

    `rate` is the hazard of a new lesion, `[time, patient]`.
    """
    return event_day(days, rate, cohort.uniform("new lesion"))


def non_target_day(cohort: Cohort, days: NDArray[np.float64], rate: NDArray[np.float64]) -> NDArray[np.float64]:
    """Day from which non-target lesions have progressed beyond doubt, `[patient]`; infinite where they do not.

    `rate` is the hazard of a new lesion, `[time, patient]`. Records: `non_target_rate`, `patient_non_target`.
    """
    share = cohort.records["non_target_rate"].to("dimensionless")
    day = event_day(days, share * rate, cohort.uniform("non-target"))
    return np.where(has_non_target(cohort), day, np.inf)


def has_non_target(cohort: Cohort) -> NDArray[np.bool_]:
    """Who has disease that is seen and not measured, `[patient]`. Records: `patient_non_target`."""
    return cohort.uniform("has non-target") < cohort.records["patient_non_target"].to("dimensionless")
