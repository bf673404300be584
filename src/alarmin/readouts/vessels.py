"""What treatment does to the vessels of a lesion, as biopsies and perfusion scans see it."""

import numpy as np
import pandas as pd

from alarmin.patients import Cohort
from alarmin.simulation import Settings, simulate

VESSEL_READINGS = ("vessel_mature", "vessel_immature", "imaged_flow")
"""Density of vessels with and without pericytes, and the blood flow that a scan sees."""


def vessels_under(cohort: Cohort, regimen: str, day: int, settings: Settings = Settings()) -> pd.DataFrame:
    """Vessels in the first lesion of each patient, as ratios to before treatment.

    Args:
        cohort: patients in their untreated state.
        regimen: in the regimen language.
        day: of the second reading.
        settings: how to compute, on the ball.

    Returns:
        A row for each patient: `patient` (its id), and for each of `VESSEL_READINGS` the mean over the lesion on that
        day over that on day 0 [-].

    Raises `SimulationError` as `alarmin.simulation.simulate` does.
    """
    course = simulate(cohort, regimen, days=day, profile_every=day, settings=settings)
    first = cohort.first_lane
    mean = lambda profile: settings.ball.shares @ np.asarray(profile[:, first], np.float64)
    ratio = lambda profiles: mean(profiles[-1]) / mean(profiles[0])
    ratios = {name: ratio(course.profiles[name]) for name in VESSEL_READINGS}
    return pd.DataFrame({"patient": cohort.ids, **ratios})
