"""Order: the response to one dose with saturable kinetics converges as steps become finer."""

import numpy as np

from alarmin.therapy.pharmacokinetics import SaturableBody, single_dose


def exposure(steps_per_day: int) -> np.ndarray:
    """Half-daily means of the response to paclitaxel in one patient, from steps that divide half days."""
    sizes = (12.0, 31.0, 0.38, 160.0, 2.6, 1.2, 20.5, 380.0)
    body = SaturableBody(*(np.array([size]) for size in sizes))
    means = single_dose(body, np.array([378.0]), np.array([3.0]), 1.0 / steps_per_day).means[:, 0]
    return means.reshape(28, -1).mean(axis=1)


def test_the_grid_of_a_dose_becomes_finer_with_the_steps():
    """Second order below 48 minutes a step."""
    coarse, middle, fine = (exposure(steps) for steps in (60, 120, 240))
    ratio = np.abs(coarse - middle).sum() / np.abs(middle - fine).sum()
    assert 3.5 < ratio < 4.6, ratio
    # What is left at the usual two steps a day is what the function says of itself.
    usual, best = exposure(2).sum(), (4.0 * fine - middle).sum() / 3.0
    assert 5e-4 < usual / best - 1.0 < 7e-4
