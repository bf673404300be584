"""Exact: growth laws agree with their equations integrated, and scores of forecasts with closed forms."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from alarmin.forecast import laws, predictive

DAYS = np.linspace(0.0, 300.0, 13)
SLOPES = {
    "exponential": ((0.004,), lambda u, a: a),
    "logistic": ((0.02, 1.5), lambda u, a, k: a * (1.0 - np.exp(u - k))),
    "Gompertz": ((0.01, 0.02), lambda u, a, b: b - a * u),
    "general Gompertz": ((0.01, 0.02, 0.3), lambda u, a, b, m: np.exp(-m * u) * (b - a * u)),
    "Bertalanffy": ((0.03, 0.02), lambda u, a, b: a * np.exp(-u / 3.0) - b),
    "general Bertalanffy": ((0.03, 0.02, 0.6), lambda u, a, b, m: a * np.exp(-m * u) - b),
}


@pytest.mark.parametrize("law", laws.LAWS, ids=lambda law: law.name)
def test_a_law_solves_its_equation(law):
    values, slope = SLOPES[law.name]
    exact = solve_ivp(lambda t, u: slope(u, *values), (0.0, 300.0), [0.0], t_eval=DAYS, rtol=1e-10, atol=1e-12).y[0]
    found = law.diameter(DAYS, 20.0, np.array(values))
    assert found == pytest.approx(20.0 * np.exp(exact / 3.0), rel=2e-3 if law.name == "general Gompertz" else 1e-8)


@pytest.mark.parametrize("law", laws.LAWS, ids=lambda law: law.name)
def test_a_fit_follows_the_law_that_made_the_readings(law):
    read = law.diameter(DAYS, 20.0, np.array(SLOPES[law.name][0]))
    fitted = law.diameter(DAYS, read[0], law.fit(DAYS, read))
    assert fitted == pytest.approx(read, abs=0.05)


def test_a_rate_of_zero_is_growth_in_proportion_to_time():
    assert laws.growth(0.0, DAYS) == pytest.approx(DAYS)
    assert laws.growth(0.01, DAYS) == pytest.approx((1.0 - np.exp(-0.01 * DAYS)) / 0.01)


def test_the_score_of_a_certain_forecast_is_its_error():
    certain = np.full((1, len(predictive.LEVELS)), 20.0)
    assert predictive.crps(certain, np.array([23.0])) == pytest.approx([3.0])


def test_the_score_of_an_even_law_is_its_closed_form():
    # CRPS of the uniform law on (0, 1) at y is y² - y + 1/3.
    even = predictive.LEVELS[None, :]
    for y in (0.1, 0.5, 0.8):
        assert predictive.crps(even, np.array([y]))[0] == pytest.approx(y * y - y + 1.0 / 3.0, abs=1e-4)
