"""When new lesions appear, and when lesions that are seen but not measured progress beyond doubt."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from alarmin.patients import Cohort
from alarmin.readouts.burden import event_day, growth_rate, sum_of_diameters


def hazard(cohort: Cohort, days: NDArray[np.float64], diameter: NDArray[np.float64]) -> NDArray[np.float64]:
    """Hazard of a new lesion [1/day], `[time, patient]`.

        λ = λ0 M(G)/M(G0) (1 + B/B0),     M(G) = E[max(g, 0)],   g ~ N(G, σ²)

    Metastases that are too small to be seen stand at every size. One that grows at the rate g (of its diameter, on
    the log scale) passes the size at which it is seen, so that they appear in proportion to the mean of max(g, 0).
    Their rates scatter by σ around that of the disease that is seen, G: treatment that shrinks it holds most of them
    back as well. B is the sum of longest diameters: more disease has seeded more.

    Records: `new_lesion_rate`, `new_lesion_growth`, `new_lesion_growth_spread`, `new_lesion_burden`.
    """
    value = lambda record, unit="dimensionless": cohort.records[record].to(unit)
    burden = sum_of_diameters(cohort, diameter)
    spread = value("new_lesion_growth_spread", "1/day")
    usual = mean_growth(np.asarray(value("new_lesion_growth", "1/day")), spread)
    passing = mean_growth(growth_rate(cohort, days, burden), spread) / usual
    return value("new_lesion_rate", "1/day") * passing * (1.0 + burden / value("new_lesion_burden", "mm"))


def mean_growth(growth: NDArray[np.float64], spread: float) -> NDArray[np.float64]:
    """Mean of the growth rates above 0, those below counted as 0, of normal rates: E[max(g, 0)].

    M(G) = G Φ(G/σ) + σ φ(G/σ)
    """
    x = growth / spread
    return growth * ndtr(x) + spread * np.exp(-0.5 * x**2) / np.sqrt(2.0 * np.pi)


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
