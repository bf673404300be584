"""Exact: boundaries of group sequential tests agree with printed tables, and with the normal law itself."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from alarmin.design.boundaries import crossing, efficacy, wang_tsiatis, with_futility
from alarmin.design.selection import dunnett_p


def equal(looks: int) -> np.ndarray:
    return np.arange(1, looks + 1) / looks


CLASSICAL = {
    # rpact 4.3.0, tests/testthat/test-pkgname.R: getDesignInverseNormal() with its defaults (O'Brien-Fleming).
    "O'Brien-Fleming, 3 looks": (equal(3), 0.0, 1, [3.4710914, 2.4544323, 2.0040356]),
    # rpact 4.3.0, inst/tests/testthat/test-rpact.R: typeOfDesign = "WT", deltaWT = 0.3.
    "Wang-Tsiatis, unequal looks": ((0.2, 0.5, 1.0), 0.3, 1, [2.8688923, 2.3885055, 2.0793148]),
    # Jennison and Turnbull (2000), C_B(5, 0.05) = 2.040 and C_P(5, 0.05) = 2.413; the boundary is C_B √(5/k), and its
    # further digits are those that gsDesign(k = 5, test.type = 2, sfu = "OF") is quoted with, not seen in print.
    "O'Brien-Fleming, 5 looks": (equal(5), 0.0, 2, [4.5617, 3.2256, 2.6337, 2.2809, 2.0401]),
    "Pocock, 5 looks": (equal(5), 0.5, 2, [2.413] * 5),
}


@pytest.mark.parametrize(("t", "exponent", "sides", "printed"), CLASSICAL.values(), ids=CLASSICAL.keys())
def test_classical_boundaries_agree_with_tables(t, exponent, sides, printed):
    assert wang_tsiatis(t, 0.025, exponent, sides) == pytest.approx(printed, abs=1e-3)


@pytest.mark.parametrize(
    # gsDesign (2a56888), tests/testthat/test-base.R, test.JT.WT: last boundaries, from Jennison and Turnbull (2000).
    ("looks", "exponent", "last"),
    [(9, 0.1, 2.113), (6, 0.25, 2.154), (7, 0.4, 2.313)],
)
def test_last_boundaries_of_wang_and_tsiatis_agree_with_tables(looks, exponent, last):
    assert wang_tsiatis(equal(looks), 0.025, exponent, 2)[-1] == pytest.approx(last, abs=6e-4)


@pytest.mark.parametrize(
    # Pocock (1977): nominal two-sided p at each of K looks, as reprinted in Wikipedia, "Pocock boundary".
    ("looks", "nominal"),
    [(2, 0.0294), (3, 0.0221), (4, 0.0182), (5, 0.0158)],
)
def test_pocock_has_its_nominal_levels(looks, nominal):
    assert 2.0 * norm.sf(wang_tsiatis(equal(looks), 0.025, 0.5, 2)) == pytest.approx([nominal] * looks, abs=6e-5)


SPENDING = {
    # gsDesign, vignette SeqDesignSurvival, and SAS/STAT, PROC SEQDESIGN, example "Computing Sample Size for Survival
    # Data with Uniform Accrual": method=errfuncobf, alpha=0.05, two-sided.
    "O'Brien-Fleming type, 4 looks": (4, 0.05, 2, [4.33263, 2.96333, 2.35902, 2.01409]),
    # gsDesign(k = 3, test.type = 1, sfu = sfLDOF), as quoted, not seen in print.
    "O'Brien-Fleming type, 3 looks": (3, 0.025, 1, [3.7103, 2.5114, 1.9930]),
    # SeqBounds.jl, README: bounds([0.25, 0.5, 0.75, 1.0], 0.05).
    "O'Brien-Fleming type, alpha 0.05": (4, 0.05, 1, [3.74955, 2.53993]),
}


@pytest.mark.parametrize(("looks", "alpha", "sides", "printed"), SPENDING.values(), ids=SPENDING.keys())
def test_spending_functions_agree_with_tables(looks, alpha, sides, printed):
    found = efficacy(equal(looks), alpha, "obrien_fleming", sides=sides)
    assert found.upper[: len(printed)] == pytest.approx(printed, abs=1e-3)
    assert found.spent[-1] == pytest.approx(alpha / sides)


@pytest.mark.parametrize(
    # gsDesign, tests/testthat/test-base.R, test.JT.Power.type3, from Jennison and Turnbull (2000), chapter 7: largest
    # information relative to a fixed test, one-sided alpha 0.05, alpha and beta spent as t^rho, binding.
    ("looks", "rho", "beta", "inflation"),
    [(5, 2, 0.05, 1.101), (10, 3, 0.05, 1.069), (3, 2, 0.1, 1.072), (4, 3, 0.1, 1.040), (2, 2, 0.2, 1.043)],
)
def test_futility_agrees_with_tables(looks, rho, beta, inflation):
    spend = lambda total: np.diff(total * equal(looks) ** rho, prepend=0.0)
    found = with_futility(efficacy(equal(looks), 0.05, spend(0.05)), beta, spend(beta), binding=True)
    assert found.drift is not None
    assert (found.drift / (norm.ppf(0.95) + norm.ppf(1.0 - beta))) ** 2 == pytest.approx(inflation, abs=6e-4)


@pytest.mark.parametrize(
    # gsDesign, tests/testthat/test-base.R, test.Deming.gsProb: repeated testing at the two-sided level 0.05.
    ("looks", "one_sided"),
    [(2, 0.042), (4, 0.063), (10, 0.097), (20, 0.124)],
)
def test_repeated_testing_inflates_alpha_as_printed(looks, one_sided):
    bound = np.full(looks, norm.ppf(0.975))
    assert crossing(equal(looks), -bound, bound)[1].sum() == pytest.approx(one_sided, abs=6e-4)


def test_the_recursion_agrees_with_the_multivariate_normal_law():
    t, upper, lower, drift = np.array([0.4, 0.7, 1.0]), np.array([2.5, 2.2, 2.0]), np.array([-0.5, 0.3, 1.0]), 1.7
    covariance = np.sqrt(np.minimum.outer(t, t) / np.maximum.outer(t, t))
    below, above = crossing(t, lower, upper, drift)
    law = multivariate_normal(drift * np.sqrt(t), covariance, abseps=1e-7)
    inside = law.cdf(upper, lower_limit=lower)
    assert 1.0 - below.sum() - above.sum() == pytest.approx(inside, abs=1e-5)


def test_alpha_is_kept_and_power_reached_with_futility():
    base = efficacy(equal(3), 0.025)
    for binding in (False, True):
        found = with_futility(base, 0.1, "obrien_fleming", binding=binding)
        null = crossing(found.information, found.lower, found.upper)[1].sum()
        power = crossing(found.information, found.lower, found.upper, found.drift or 0.0)[1].sum()
        assert power == pytest.approx(0.9, abs=1e-6)
        assert null == pytest.approx(0.025, abs=1e-6) if binding else null < 0.025


def test_dunnett_agrees_with_the_multivariate_normal_law():
    for arms in (2, 3):
        covariance = np.full((arms, arms), 0.5) + 0.5 * np.eye(arms)
        p = 1.0 - multivariate_normal(np.zeros(arms), covariance, abseps=1e-7).cdf(np.full(arms, 2.1))
        assert dunnett_p(np.array([2.1]), arms)[0] == pytest.approx(p, abs=1e-5)


@pytest.mark.parametrize("rule", ["classical_obrien_fleming", "classical_pocock", "obrien_fleming", "pocock"])
def test_a_lenient_level_has_boundaries_too(rule):
    """A level up to one half, and a power just above it, which a screening trial may ask for."""
    found = efficacy((0.5, 1.0), 0.45, rule)
    assert crossing(found.information, found.lower, found.upper)[1].sum() == pytest.approx(0.45)
    both = with_futility(found, 0.49, "pocock")
    assert both.drift is not None
    assert crossing(both.information, both.lower, both.upper, both.drift)[1].sum() == pytest.approx(0.51, abs=1e-6)
