"""Trust: indices of sensitivity are those of functions whose indices are known."""

import numpy as np
import pytest

from alarmin.records import Record, parameters
from alarmin.sensitivity.belief import CHOSEN, FACTORS, SensitivityError, believed, moved, ranges
from alarmin.sensitivity.indices import (
    elementary_effects,
    latin_hypercube,
    prcc,
    saltelli,
    total_effects,
    trajectories,
)


def g_function(points, a):
    """Sobol's g-function of parameters from 0 to 1."""
    return np.prod((np.abs(4.0 * points - 2.0) + a) / (1.0 + a), axis=1)


def total_of_g(a):
    """Its total indices in closed form."""
    own = 1.0 / (3.0 * (1.0 + a) ** 2)
    whole = np.prod(1.0 + own) - 1.0
    return own * np.array([np.prod(1.0 + np.delete(own, j)) for j in range(len(a))]) / whole


def test_prcc_is_the_partial_correlation_of_ranks():
    """Of a linear function with noise, the closed form r = b s/sqrt(b^2 s^2 + v) is met, through a monotone bend."""
    weights = np.array([1.0, -0.5, 0.2, 0.0])
    points = latin_hypercube(20000, 4, 1)
    noise = np.random.default_rng(2).uniform(-0.5, 0.5, len(points))
    found = prcc(points, np.exp(points @ weights + noise))
    expected = weights / np.sqrt(weights**2 + 1.0)
    assert np.allclose(found.index, expected, atol=0.03)
    assert (found.low <= found.index).all() and (found.index <= found.high).all()
    assert list(np.sign(found.index[:3])) == [1.0, -1.0, 1.0]


def test_prcc_is_the_correlation_of_residuals():
    """It agrees with two regressions, done the long way."""
    from scipy.stats import rankdata

    rng = np.random.default_rng(3)
    points = rng.random((300, 5))
    points[:, 1] = 0.7 * points[:, 0] + 0.3 * points[:, 1]
    outcome = points @ [1.0, 0.0, -2.0, 0.5, 0.0] + rng.normal(0, 0.3, 300)
    x, y = rankdata(points, axis=0), rankdata(outcome)
    for j, index in enumerate(prcc(points, outcome).index):
        others = np.column_stack([np.ones(300), np.delete(x, j, axis=1)])
        rest = lambda of, others=others: of - others @ np.linalg.lstsq(others, of, rcond=None)[0]
        assert index == pytest.approx(np.corrcoef(rest(x[:, j]), rest(y))[0, 1], abs=1e-9)


def test_intervals_of_prcc_hold_what_they_promise():
    """With many parameters beside few samples, about 95 % of intervals of those without effect hold zero."""
    rng = np.random.default_rng(4)
    held = []
    for _ in range(8):
        points = rng.random((300, 150))
        found = prcc(points, points[:, 0] + rng.normal(0, 0.3, 300))
        held.append(((found.low <= 0.0) & (found.high >= 0.0))[1:])
    assert 0.90 < np.mean(held) < 0.985


def test_ishigami_misleads_rank_correlation_and_not_sobol():
    """What acts up and down alike has no rank correlation, but a share of the variance: 0.56, 0.44, 0.24 in total."""
    angle = lambda points: np.pi * (2.0 * points - 1.0)
    ishigami = lambda x: np.sin(x[:, 0]) + 7.0 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])
    points = latin_hypercube(4000, 3, 1)
    assert np.allclose(prcc(points, ishigami(angle(points))).index[1:], 0.0, atol=0.08)
    design = saltelli(4096, 3, 1)
    assert np.allclose(total_effects(design, ishigami(angle(design))).index, [0.5576, 0.4424, 0.2437], atol=0.02)


def test_total_effects_of_the_g_function():
    """They meet the closed form, whole and with holes in the design."""
    a = np.array([0.0, 1.0, 4.5, 9.0, 99.0])
    points = saltelli(4096, 5, 2)
    outcome = g_function(points, a)
    assert np.allclose(total_effects(points, outcome).index, total_of_g(a), atol=0.02)
    holes = np.where(np.random.default_rng(1).random(len(outcome)) < 0.05, np.nan, outcome)
    assert np.allclose(total_effects(points, holes).index, total_of_g(a), atol=0.03)
    with pytest.raises(SensitivityError, match="only 0 of 4096 base points"):
        total_effects(points, np.full(len(outcome), np.nan))


def test_elementary_effects():
    """They are the slopes of a linear function, those of SALib for any other, and missing where nothing is known."""
    from SALib.analyze import morris

    points = trajectories(12, 4, 1)
    slopes = np.array([2.0, -1.0, 0.5, 0.0])
    found = elementary_effects(points, points @ slopes)
    assert np.allclose(found.index, np.abs(slopes)) and np.allclose(found.direction, np.sign(slopes))
    assert np.allclose(found.low, found.high)

    outcome = g_function(points, np.array([0.0, 1.0, 4.5, 9.0]))
    problem = {"num_vars": 4, "names": list("abcd"), "bounds": [[0.0, 1.0]] * 4}
    theirs = morris.analyze(problem, points, outcome, num_levels=4, seed=1)
    assert np.allclose(elementary_effects(points, outcome).index, np.asarray(theirs["mu_star"]))

    outcome[points[:, 0] > 0.5] = np.nan
    found = elementary_effects(points, outcome)
    assert np.isnan(found.index[0]) and np.isfinite(found.index[1:]).all()


RECORD = Record(title="x", value=2.0, unit="mm", source="assumption", grade="assumed", status="provisional", note="x")


def test_ranges_are_those_of_records_or_of_grades():
    """Bounds as given, else by grade; proportions stay below 1; what is zero stays zero."""
    change = lambda **update: believed(RECORD.model_copy(update=update))
    for grade, factor in FACTORS.items():
        span = change(grade=grade)
        assert span is not None and (span.low, span.high) == pytest.approx((2.0 / factor, 2.0 * factor))
        assert span.at(np.array([0.0, 0.5, 1.0])) == pytest.approx([span.low, 2.0, span.high])
    span = change(low=1.0)
    assert span is not None and (span.low, span.high) == (1.0, 4.0)
    for proportion, high in ((True, 1.0), (False, 1.6)):
        span = change(title="Share of cells", unit="dimensionless", value=0.8, proportion=proportion)
        assert span is not None and (span.low, span.high) == (0.4, high)
    span = change(value=-1.0)
    assert span is not None and not span.logarithmic and (span.low, span.high) == (-2.0, -0.5)
    assert change(value=0.0) is None


@pytest.mark.parametrize("changes", [{"value": 1.2, "unit": "dimensionless"}, {"value": 0.5}])
def test_what_cannot_be_a_proportion_is_refused(changes):
    with pytest.raises(ValueError, match="is no proportion"):
        Record.model_validate(RECORD.model_dump() | changes | {"proportion": True})


def test_the_bounds_of_a_patient_move_along():
    """A patient at twice the median has bounds twice as high, and no spread."""
    record = RECORD.model_copy(update={"low": 1.0, "high": 3.0})
    found = moved(record, 4.0)
    assert (found.value, found.low, found.high) == (4.0, 2.0, 6.0)


def test_what_the_model_takes_may_vary():
    """Biology and agents are among the ranges, schedules and covariates are not, and patterns choose."""
    from alarmin.patients import records_of

    records = records_of("nsclc")
    found = ranges(records, ["docetaxel"])
    assert "oxygen_uptake_tumor" in found and "docetaxel.cytotoxic.kill_rate" in found and "lesion_diameter" in found
    assert not any(id.startswith(("patient_", "pembrolizumab.")) for id in found)
    assert not any(id.endswith(pattern.strip("*")) for id in found for pattern in CHOSEN)
    assert set(found) & set(parameters())
    assert all(id.startswith("oxygen_") for id in ranges(records, [], ["oxygen_*"]))
    with pytest.raises(SensitivityError, match="oxigen"):
        ranges(records, [], ["oxigen_*"])
