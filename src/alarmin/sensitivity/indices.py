"""Indices of sensitivity: from samples and outcomes to one number for each parameter, with its interval.

All take and return plain arrays; parameters are shares, 0 to 1, of the way through what is believed of them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc, rankdata

from alarmin.sensitivity.belief import SensitivityError
from alarmin.trials.statistics import Z

Array = NDArray[np.float64]

RESAMPLES = 200


@dataclass(frozen=True)
class Indices:
    """Sensitivity of one outcome to each parameter, `[parameter]` each.

    `index` is what they are ranked by, from `low` to `high` with 95 % confidence; `direction` is 1 where the outcome
    rises with the parameter, -1 where it falls.
    """

    index: Array
    low: Array
    high: Array
    direction: Array


def latin_hypercube(samples: int, parameters: int, seed: int) -> Array:
    """Points of which each parameter takes every one of `samples` strata once, `[sample, parameter]`."""
    return qmc.LatinHypercube(parameters, rng=np.random.default_rng(seed)).random(samples)


def prcc(points: Array, outcome: Array, seed: int = 0) -> Indices:
    """Partial rank correlation: how an outcome goes along with a parameter when all others are accounted for.

        r_j = cor(x_j - E[x_j | others], y - E[y | others]),   x, y ranks, E linear

    Pairs of residuals are resampled for the error on Fisher's scale, which is taken times sqrt(n/(n - k - 1)) for the k
    parameters that took part in the regressions.

    Args:
        points: `[sample, parameter]`.
        outcome: `[sample]`.
        seed: of the resampling.
    """
    n, k = points.shape
    x, y = _scores(points), _scores(outcome)
    inverse = np.linalg.pinv(x.T @ x / n, hermitian=True)
    slope = inverse @ (x.T @ y / n)
    own = x @ inverse / np.diag(inverse)
    rest = (y - x @ slope)[:, None] + own * slope
    index = _correlations(np.ones((1, n)), own, rest)[0]
    drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1.0 / n), RESAMPLES).astype(np.float64)
    spread = _fisher(_correlations(drawn, own, rest)).std(axis=0)
    half = Z * spread * np.sqrt(n / max(n - k - 1, 1))
    low, high = np.tanh(_fisher(index) - half), np.tanh(_fisher(index) + half)
    return Indices(index, np.minimum(low, index), np.maximum(high, index), np.sign(index))


def _fisher(correlation: Array) -> Array:
    """Fisher's scale, on which a correlation has nearly a normal error; it ends short of where it is infinite."""
    return np.arctanh(np.clip(correlation, -0.999999, 0.999999))


def _scores(values: Array) -> Array:
    ranks = rankdata(values, axis=0)
    ranks = ranks - ranks.mean(axis=0)
    return ranks / np.maximum(ranks.std(axis=0), 1e-12)


def _correlations(weights: Array, x: Array, y: Array) -> Array:
    """Correlation of the columns of x with those of y under each row of weights, `[resample, parameter]`."""
    total = weights.sum(axis=1, keepdims=True)
    mean = lambda of: weights @ of / total
    mx, my = mean(x), mean(y)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = (mean(x * y) - mx * my) / np.sqrt((mean(x * x) - mx**2) * (mean(y * y) - my**2))
    return np.nan_to_num(found)


def trajectories(count: int, parameters: int, seed: int) -> Array:
    """Morris's walks through the grid of four levels, one parameter a step, `[count (parameters + 1), parameter]`."""
    from SALib.sample import morris

    return morris.sample(_cube(parameters), count, num_levels=4, local_optimization=False, seed=seed)


def elementary_effects(points: Array, outcome: Array, seed: int = 0) -> Indices:
    """Morris's screening: how much an outcome changes while a parameter passes through its range.

        mu*_j = mean |y(x + d e_j) - y(x)| / |d|

    in the unit of the outcome. A step counts where the outcome is a number at both of its ends; a parameter none of
    whose steps counts has no index.

    Args:
        points: of `trajectories`, `[sample, parameter]`.
        outcome: `[sample]`, possibly not a number.
        seed: of the resampling of trajectories.
    """
    k = points.shape[1]
    walks, values = points.reshape(-1, k + 1, k), outcome.reshape(-1, k + 1)
    moves = np.diff(walks, axis=1)
    effects = np.full((len(walks), k), np.nan)
    walk, step = np.indices(moves.shape[:2])
    moved = np.abs(moves).argmax(axis=2)
    effects[walk, moved] = np.diff(values, axis=1) / moves[walk, step, moved]
    rows = np.random.default_rng(seed).integers(len(effects), size=(RESAMPLES, len(effects)))
    size = np.abs(effects)
    low, high = _percentiles(np.stack([_mean(size[row]) for row in rows]))
    return Indices(_mean(size), low, high, np.sign(_mean(effects)))


def saltelli(base: int, parameters: int, seed: int) -> Array:
    """Saltelli's design on Sobol points, `[base (parameters + 2), parameter]`; `base` is a power of two."""
    from SALib.sample import sobol

    return sobol.sample(_cube(parameters), base, calc_second_order=False, seed=seed)


def total_effects(points: Array, outcome: Array, seed: int = 0) -> Indices:
    """Sobol's total index: the share of the variance that is left when all but one parameter are known.

        ST_j = E[Var(y | all but x_j)] / Var(y)

    The direction is that of the rank correlation. A base point counts where the outcome is a number at all points that
    belong to it.

    Args:
        points: of `saltelli`, `[sample, parameter]`.
        outcome: `[sample]`, possibly not a number.
        seed: of the resampling.

    Raises `SensitivityError` where fewer than eight base points count.
    """
    from SALib.analyze import sobol

    k = points.shape[1]
    whole: NDArray[np.bool_] = np.atleast_1d(np.isfinite(outcome.reshape(-1, k + 2)).all(axis=1))
    if whole.sum() < 8:
        raise SensitivityError(
            f"only {whole.sum()} of {len(whole)} base points of Sobol's design are patients throughout",
            remedy="give more samples or a lower --top, or use --method prcc, which needs no design to be complete",
        )
    kept = np.repeat(whole, k + 2)
    found = sobol.analyze(
        _cube(k), outcome[kept], calc_second_order=False, num_resamples=RESAMPLES, seed=seed, print_to_console=False
    )
    index, half = np.asarray(found["ST"]), np.asarray(found["ST_conf"])
    ranks = _scores(points[kept]).T @ _scores(outcome[kept])
    return Indices(index, index - half, index + half, np.sign(ranks))


def _cube(parameters: int) -> dict[str, object]:
    return {
        "num_vars": parameters,
        "names": [str(number) for number in range(parameters)],
        "bounds": [[0.0, 1.0]] * parameters,
    }


def _mean(values: Array) -> Array:
    """Mean over trajectories of what is a number, `[parameter]`; not a number where none is."""
    counts = np.isfinite(values).sum(axis=0)
    return np.where(counts > 0, np.nansum(values, axis=0) / np.maximum(counts, 1), np.nan)


def _percentiles(drawn: Array) -> tuple[Array, Array]:
    """The central 95 % of each column, not a number where a column has none."""
    some = np.isfinite(drawn).any(axis=0)
    ends = np.full((2, drawn.shape[1]), np.nan)
    ends[:, some] = np.nanpercentile(drawn[:, some], [2.5, 97.5], axis=0)
    return ends[0], ends[1]
