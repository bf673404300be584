"""Trust: with growth and shrinkage rates as published, and no fit, the hazard of death gives published survival.

Rates of lesions of patients who died later, taken from another model or measured on lesions, meet the survival curves
of OAK: a check of the link from burden to death, with nothing of the tumor's biology in between.
"""

import numpy as np
import pytest

from alarmin.published import study
from alarmin.readouts.new_lesions import hazard, new_lesion_day
from alarmin.readouts.survival import death_day

DAYS = np.arange(0.0, 740.0)
MONTH = 365.25 / 12.0
SPREAD = np.sqrt(0.87)  # of the logarithm of both rates between patients
RATES = {"docetaxel": (0.0182, 0.0357), "atezolizumab": (0.0113, 0.0151)}
"""Growth and shrinkage [1/week]: a published model of docetaxel; medians of the lesions of atezolizumab."""


def survival(cohort, growth, shrinkage, months):
    rng = np.random.default_rng(3)
    n, weeks = len(cohort), DAYS[:, None] / 7.0
    growth, shrinkage = (rate * np.exp(SPREAD * rng.normal(size=n)) for rate in (growth, shrinkage))
    start = 74.0 * np.exp(0.51 * rng.normal(size=n))
    total = start * (np.exp(np.minimum(growth * weeks, 4.0)) + np.exp(-shrinkage * weeks) - 1.0)
    diameter = np.repeat(total / 2.0, 2, axis=1) / cohort.lesion_value("lesion_elongation", "dimensionless")
    new = new_lesion_day(cohort, DAYS, hazard(cohort, DAYS, diameter))
    death = death_day(cohort, DAYS, diameter, "second", new, np.full(n, np.inf))
    return {month: float(np.mean(death > month * MONTH)) for month in months}


def differences(virtual_cohort, arm, growth, shrinkage):
    curve = study("oak").arm(arm).curves[0]
    found = survival(virtual_cohort(3000, 2), growth, shrinkage, curve.months)
    return np.array([found[m] for m in curve.months]) - curve.survival


@pytest.mark.parametrize("arm", RATES)
def test_published_rates_give_published_survival(virtual_cohort, arm):
    assert np.abs(differences(virtual_cohort, arm, *RATES[arm])).max() < 0.08


def test_swapped_rates_would_not(virtual_cohort):
    assert np.abs(differences(virtual_cohort, "docetaxel", *RATES["atezolizumab"])).max() > 0.10
