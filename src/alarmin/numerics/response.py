"""Saturating responses, and means over the distance classes within a shell."""

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp

CLASS_WEIGHTS = (0.05, 0.20, 0.25, 0.25, 0.25)
"""Shares of tissue in the five distance classes, far from a vessel to near [-]."""

CLASS_QUANTILES = tuple(2.0 * (u**-0.5 - 1.0) for u in (0.025, 0.15, 0.375, 0.625, 0.875))
"""Class mid-points of a clustered Poisson distance law P(d > x) = (1 + y/2)^-2 in y = pi N x^2 [-]."""


def hill(x: Any, half: Any, power: int = 1) -> Any:
    """Saturating rise x^n / (x^n + K^n), from 0 to 1; one half at x = K."""
    if power == 1:
        return x / (x + half)
    return x**power / (x**power + half**power)


def suppress(x: Any, half: Any, most: Any, power: int = 1) -> Any:
    """What a suppressor leaves of a step, 1 - m x^n / (x^n + K^n), from 1 down to 1 - m."""
    return 1.0 - most * hill(x, half, power)


def class_mean(function: Callable[..., Any], *classes: Sequence[Any]) -> Any:
    """Mean of a nonlinear function over the distance classes, sum_q w_q f(x_q, y_q, …)."""
    total = None
    for weight, values in zip(CLASS_WEIGHTS, zip(*classes, strict=True), strict=True):
        term = weight * function(*values)
        total = term if total is None else total + term
    return total


def class_exposure(distances: Sequence[Any], length: Any) -> tuple[Any, ...]:
    """Concentration in each distance class over the mean, of what falls off from a vessel over `length`.

    e^(-d_q/l) / sum_q w_q e^(-d_q/l); the weighted mean of the five is 1.
    """
    per_length = -1.0 / length
    fall = tuple(jnp.exp(distance * per_length) for distance in distances)
    per_mean = 1.0 / class_mean(lambda share: share, fall)
    return tuple(share * per_mean for share in fall)


def class_log_exposure(distances: Sequence[Any], length: Any) -> tuple[Any, ...]:
    """Natural logarithms of `class_exposure`, from which its powers are had cheaply."""
    per_length = -1.0 / length
    slopes = tuple(distance * per_length for distance in distances)
    log_mean = jnp.log(class_mean(jnp.exp, slopes))
    return tuple(slope - log_mean for slope in slopes)
