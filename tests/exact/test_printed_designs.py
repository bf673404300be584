"""Exact: boundaries, power, events and expected sizes agree with the tables that gsDesign prints, to 1e-3."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import norm

from alarmin.design.boundaries import Boundaries, crossing, efficacy, spending, with_futility

PRINTED = tomllib.loads((Path(__file__).parent / "printed_designs.toml").read_text())
DESIGNS = {design["name"]: design for design in PRINTED["design"]}
CLOSE = 1e-3


def spent(rule: list[Any], total: float, t: np.ndarray) -> np.ndarray:
    """What each look spends of `total`, by a function that gsDesign knows."""
    name, *parameter = rule
    if name == "hsd":
        share = np.expm1(-parameter[0] * t) / np.expm1(-parameter[0])
    elif name == "power":
        share = t ** parameter[0]
    else:
        return np.diff(spending(name, total, t), prepend=0.0)
    return np.diff(total * share, prepend=0.0)


@cache
def found(name: str) -> tuple[Boundaries, float]:
    """Boundaries of a printed design, and the drift for which it has its power."""
    return solve(DESIGNS[name])


def solve(design: dict[str, Any]) -> tuple[Boundaries, float]:
    """The same, of any design."""
    t, sides = np.array(design["looks"]), 2 if design.get("two_sided") else 1
    bounds = efficacy(t, sides * design["alpha"], sides * spent(design["rule"], design["alpha"], t), sides=sides)
    if "futility" not in design:
        missing = lambda drift: crossing(t, bounds.lower, bounds.upper, drift)[1].sum() - 1.0 + design["beta"]
        return bounds, float(brentq(missing, 1.0, 6.0))
    beta = spent(design["futility"], design["beta"], t)
    bounds = with_futility(bounds, design["beta"], beta, binding=design.get("binding", False))
    assert bounds.drift is not None
    return bounds, bounds.drift


@pytest.mark.parametrize("design", DESIGNS.values(), ids=DESIGNS.keys())
def test_boundaries_agree_with_what_is_printed(design):
    bounds, _ = found(design["name"])
    close = max(CLOSE, 0.5 * 10.0 ** -design.get("digits", 4))
    assert bounds.upper == pytest.approx(design["upper"], abs=close)
    if "lower" in design:
        assert bounds.lower == pytest.approx(design["lower"], abs=close)


@pytest.mark.parametrize("design", DESIGNS.values(), ids=DESIGNS.keys())
def test_probabilities_agree_with_what_is_printed(design):
    bounds, drift = found(design["name"])
    for name, effect in (("null", 0.0), ("effect", drift)):
        below, above = crossing(bounds.information, bounds.lower, bounds.upper, effect)
        assert np.cumsum(above) == pytest.approx(design[f"{name}_upper"], abs=CLOSE)
        if "lower" in design:
            assert np.cumsum(below) == pytest.approx(design[f"{name}_lower"], abs=CLOSE)


@pytest.mark.parametrize("design", [one for one in DESIGNS.values() if {"ratio", "expected", "events"} & {*one}])
def test_sizes_agree_with_what_is_printed(design):
    """Sizes relative to a fixed design are squares of drifts; events are 4 (drift / ln HR)² (Schoenfeld)."""
    bounds, drift = found(design["name"])
    ratio = (drift / (norm.isf(design["alpha"]) + norm.isf(design["beta"]))) ** 2
    assert ratio == pytest.approx(design.get("ratio", ratio), abs=CLOSE)
    for effect, size in zip((0.0, drift), design.get("expected", ()), strict=False):
        stops = sum(crossing(bounds.information, bounds.lower, bounds.upper, effect))
        stops[-1] = 1.0 - stops[:-1].sum()
        assert ratio * stops @ bounds.information == pytest.approx(size, abs=CLOSE)
    if "events" in design:
        events = 4.0 * (drift / np.log(design["hazard_ratio"])) ** 2 * bounds.information
        assert events == pytest.approx(design["events"], abs=0.01)


def test_power_agrees_with_what_is_printed_for_nine_effects():
    printed = PRINTED["power"]
    bounds, drift = found(printed["design"])
    for effect, success, futility in zip(printed["effect"], printed["success"], printed["futility"], strict=True):
        below, above = crossing(bounds.information, bounds.lower, bounds.upper, effect * drift)
        assert above.sum() == pytest.approx(success, abs=CLOSE)
        assert below.sum() == pytest.approx(futility, abs=CLOSE)


def test_another_spending_function_would_be_noticed():
    """The companion: with slightly more alpha spent early, boundaries and power are off by more than allowed."""
    other, drift = solve(DESIGNS["five looks, efficacy alone"] | {"rule": ["hsd", -3.5]})
    printed = DESIGNS["five looks, efficacy alone"]
    assert np.abs(other.upper - printed["upper"]).max() > 10 * CLOSE
    above = np.cumsum(crossing(other.information, other.lower, other.upper, drift)[1])
    assert np.abs(above - printed["effect_upper"]).max() > 10 * CLOSE
