"""Recover: why lesions leave is learned back, and what is known of the end of a series changes forecasts as it must."""

import numpy as np
import pytest
from scipy.special import expit, ndtri

from alarmin.forecast import leaving, predictive
from alarmin.forecast.condition import series

# Long enough that nobody is read to the end.
DAYS = 42.0 * np.arange(50.0)


def followed(patients, rng, dropout=4.0):
    """Lesions that walk, and are read until they leave, mostly for growth over their nadir."""
    found = []
    for _ in range(patients):
        size = np.maximum(np.round(40.0 * np.exp(np.cumsum(0.15 * rng.standard_normal(len(DAYS))))), 1.0)
        grown = np.log((size + 10.0) / (np.minimum.accumulate(size) + 10.0))
        left = rng.random(len(DAYS)) > expit(2.0 - dropout * grown)
        count = 2 + int(np.argmax(left[1:]))
        found.append((DAYS[:count], size[:count], np.zeros(count, bool)))
    return series(found)


def test_weighing_a_normal_law_by_an_exponential_moves_it_by_its_variance():
    law = ndtri(predictive.LEVELS)[None, :]
    moved = predictive.weighed(law, np.exp(0.5 * law))
    middle = slice(20, 180)
    assert moved[0, middle] == pytest.approx(law[0, middle] + 0.5, abs=0.03)
    assert predictive.weighed(law, np.full_like(law, 3.0)) == pytest.approx(law)


def test_the_chance_of_leaving_is_learned_back():
    scans = followed(1500, np.random.default_rng(1))
    odds = leaving.learn([(scans, False)])
    size, nadir = np.array([30.0, 36.0, 44.0]), 30.0
    found = expit(leaving.features(size, np.array(36.0), np.array(nadir), False, np.array(200.0)) @ odds)
    assert found == pytest.approx(expit(2.0 - 4.0 * np.log((size + 10.0) / (nadir + 10.0))), abs=0.06)


def test_last_readings_are_covered_when_told_that_they_are_last():
    rng = np.random.default_rng(2)
    scans = followed(1500, rng)
    rows = np.flatnonzero(scans.count >= 3)
    wanted = np.stack([rows, scans.count[rows] - 1, scans.count[rows] - 1], axis=1)
    read, last = scans.diameter[rows, wanted[:, 2]], scans.diameter[rows, wanted[:, 2] - 1]
    # What is right for any next reading, whether or not it was the last.
    untold = last[:, None] * np.exp(0.15 * ndtri(predictive.LEVELS))[None, :]
    told = leaving.told(untold, np.ones(len(rows)), leaving.learn([(scans, False)]), scans, False, wanted)
    above = [float((read > predictive.at(law, 0.5)).mean()) for law in (untold, told)]
    assert above[0] > 0.57 and above[1] == pytest.approx(0.5, abs=0.04)
    assert predictive.crps(told, read).mean() < predictive.crps(untold, read).mean()
    same = leaving.told(untold, np.zeros(len(rows)), leaving.learn([(scans, False)]), scans, False, wanted)
    assert same == pytest.approx(untold)
