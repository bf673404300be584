"""When a patient dies: a hazard that follows the burden, and a death drawn from it."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from alarmin.patients import Cohort
from alarmin.readouts.burden import event_day, growth_rate, sum_of_diameters


def hazard(
    cohort: Cohort,
    days: NDArray[np.float64],
    diameter: NDArray[np.float64],
    line: Literal["first", "second"],
    new_lesion_day: NDArray[np.float64],
    east_asia: float = 0.0,
) -> NDArray[np.float64]:
    """Hazard of death [1/day], `[time, patient]`.

        h = h_other(age) + e(t) exp(β0) (B/B0)^β1 exp(β2 G/(G + G½) + β3 [new lesion] + β4 ([ECOG >= 1] - P0)
                                                   + β5 (albumin - A0) + β6 ln(NLR/R0) + β7 [East Asia] + ω)

    B is the sum of longest diameters, G its growth rate (0 where it shrinks), e(t) the selection at entry and ω the
    patient's frailty; covariates count from A0, R0 and the share P0. Other causes follow Gompertz: mortality doubles
    every few years of age.

    Args:
        cohort: whose course this is.
        days: times of the course, `[time]` [day].
        diameter: of spheres of equal volume, `[time, lane]` [mm].
        line: line of therapy.
        new_lesion_day: from which a new lesion is there, `[patient]`.
        east_asia: share of patients who were enrolled in East Asia [-].

    Records: `hazard_*`, `mortality`, `mortality_age`, `mortality_doubling`, `patient_*`.
    """
    value = lambda record, unit="dimensionless": cohort.records[record].to(unit)
    patient = cohort.patient_value
    burden = sum_of_diameters(cohort, diameter)
    growth = np.clip(growth_rate(cohort, days, burden), 0.0, value("hazard_growth_most", "1/day"))
    albumin = patient("patient_albumin", "g/L") - value("hazard_albumin_reference", "g/L")
    lymphocytes = np.log(patient("patient_nlr", "dimensionless") / value("hazard_nlr_reference"))
    fixed = (
        value(f"hazard_log_baseline_{line}_line")
        + value("hazard_ecog") * (has_ecog_one(cohort) - value("patient_ecog_one"))
        + value("hazard_albumin", "L/g") * albumin
        + value("hazard_nlr") * lymphocytes
        + value("hazard_east_asia") * (cohort.uniform("east asia") < east_asia)
        + patient("patient_frailty", "dimensionless")
    )
    present = (
        value("hazard_burden") * np.log(burden / value("hazard_burden_reference", "mm"))
        + value("hazard_growth") * growth / (growth + value("hazard_growth_half", "1/day"))
        + value("hazard_new_lesion") * (days[:, None] >= new_lesion_day)
    )
    entry = np.where(days < value("hazard_early_time", "day"), value("hazard_early"), 1.0)[:, None]
    week = 7.0
    disease = entry * np.exp(fixed + present) / week

    doubling = value("mortality_doubling", "day")
    age = patient("patient_age", "day") + days[:, None] - value("mortality_age", "day")
    return value("mortality", "1/day") * 2.0 ** (age / doubling) + disease


def death_hazard(
    cohort: Cohort,
    days: NDArray[np.float64],
    diameter: NDArray[np.float64],
    line: Literal["first", "second"],
    new_lesion_day: NDArray[np.float64],
    progression_day: NDArray[np.float64],
    later_immunotherapy: float = 0.0,
    east_asia: float = 0.0,
) -> NDArray[np.float64]:
    """`hazard` with what follows the treatment [1/day], `[time, patient]`.

    A share `later_immunotherapy` of patients gets immunotherapy after progression, which multiplies their hazard from
    then on. The other arguments are those of `hazard`. Records: `later_immunotherapy`.
    """
    rate = hazard(cohort, days, diameter, line, new_lesion_day, east_asia)
    given = cohort.uniform("later immunotherapy") < later_immunotherapy
    effect = cohort.records["later_immunotherapy"].to("dimensionless")
    return np.where(given & (days[:, None] >= progression_day), effect * rate, rate)


def death_day(
    cohort: Cohort,
    days: NDArray[np.float64],
    diameter: NDArray[np.float64],
    line: Literal["first", "second"],
    new_lesion_day: NDArray[np.float64],
    progression_day: NDArray[np.float64],
    later_immunotherapy: float = 0.0,
    east_asia: float = 0.0,
) -> NDArray[np.float64]:
    """Day of death, `[patient]`; infinite for those who outlive the course. Arguments as for `death_hazard`."""
    rate = death_hazard(cohort, days, diameter, line, new_lesion_day, progression_day, later_immunotherapy, east_asia)
    return event_day(days, rate, cohort.uniform("death"))


def has_ecog_one(cohort: Cohort) -> NDArray[np.bool_]:
    """Who has an ECOG performance status of 1 or more, `[patient]`. Records: `patient_ecog_one`."""
    return cohort.uniform("ecog") < cohort.records["patient_ecog_one"].to("dimensionless")
