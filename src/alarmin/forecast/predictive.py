"""Predictive laws of readings: quantiles, and how well they did.

A reading repeats the last one with some probability, and else follows a mixture over virtual lesions of Student's laws
of the level. Lesions cannot be smaller than nothing: what falls below 0 mm is 0 mm.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from alarmin.forecast.belief import Belief

LEVELS = (np.arange(200) + 0.5) / 200.0
"""Probabilities of the quantiles by which a law is described."""
BINS, GRID = 80, 160


def quantiles(
    belief: Belief,
    mean: NDArray[np.float64],
    spread: NDArray[np.float64],
    weight: NDArray[np.float64],
    last: NDArray[np.float64],
    repeat: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Quantiles of a reading at `LEVELS`, `[case, level]` [mm].

    Args:
        belief: the numbers of the forecast.
        mean: u of the reading for each virtual lesion, `[case, virtual]`.
        spread: of u, `[case]`.
        weight: of each virtual lesion, `[case, virtual]`.
        last: the last reading, `[case]` [mm].
        repeat: probability that the reading is the last one again, `[case]`.
    """
    grid, share = distribution(mean, spread, weight, belief.tails)
    found = np.empty((len(mean), len(LEVELS)))
    place = belief.level(last)
    for case in range(len(mean)):
        again, below = repeat[case], np.interp(place[case], grid[case], share[case])
        # A law with an atom: below it, at it, above it.
        changed = np.clip(
            np.where((1.0 - again) * below > LEVELS, LEVELS, LEVELS - again) / max(1.0 - again, 1e-9), 0.0, 1.0
        )
        found[case] = belief.diameter(np.interp(changed, share[case], grid[case]))
        at = ((1.0 - again) * below <= LEVELS) & ((1.0 - again) * below + again >= LEVELS)
        found[case, at] = last[case]
    return found


def distribution(
    mean: NDArray[np.float64], spread: NDArray[np.float64], weight: NDArray[np.float64], tails: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Values `[case, grid]` and the share of a mixture of Student's laws that lies below them.

    Means are brought together in bins first, which are far narrower than the laws.
    """
    shown = weight > 1e-4 * weight.max(axis=1, keepdims=True)
    low = np.where(shown, mean, np.inf).min(axis=1)
    wide = np.maximum(np.where(shown, mean, -np.inf).max(axis=1) - low, 1e-9)
    place = np.clip(((mean - low[:, None]) / wide[:, None] * (BINS - 1)), 0.0, BINS - 1.0)
    # Each mean is shared by the two bins beside it, so that their average is kept.
    left = np.minimum(place.astype(np.int64), BINS - 2)
    right = place - left
    case = np.broadcast_to(np.arange(len(mean))[:, None] * BINS, left.shape)
    count = lambda index, share: np.bincount(index.ravel(), share.ravel(), len(mean) * BINS).reshape(-1, BINS)
    heavy = weight * shown
    bins = count(case + left, heavy * (1.0 - right)) + count(case + left + 1, heavy * right)
    bins /= bins.sum(axis=1, keepdims=True)

    center = low[:, None] + wide[:, None] * np.linspace(0.0, 1.0, BINS)
    # Fine where the mass is, and far enough out for heavy tails.
    reach = np.sinh(np.linspace(-4.5, 4.5, GRID)) / np.sinh(4.5)
    middle, half = low + 0.5 * wide, 0.5 * wide + 40.0 * spread
    grid = middle[:, None] + half[:, None] * reach
    share = np.empty_like(grid)
    for k in range(GRID):
        share[:, k] = (bins * stdtr(tails, (grid[:, k, None] - center) / spread[:, None])).sum(axis=1)
    return grid, np.maximum.accumulate(share, axis=1)


def weighed(found: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Quantiles at `LEVELS` of laws that are given anew weight, `[case, level]`: p(y) w(y) in place of p(y).

    Args:
        found: quantiles at `LEVELS`, `[case, level]` [mm]: as many equally likely values.
        weight: of each of them, `[case, level]`, positive.
    """
    middle = (np.cumsum(weight, axis=1) - 0.5 * weight) / weight.sum(axis=1, keepdims=True)
    return np.array([np.interp(LEVELS, place, values) for place, values in zip(middle, found, strict=True)])


def crps(found: NDArray[np.float64], read: NDArray[np.float64]) -> NDArray[np.float64]:
    """Continuous ranked probability score of quantiles at `LEVELS`, `[case]` [mm]: twice the mean pinball loss."""
    error = read[:, None] - found
    return 2.0 * np.where(error >= 0.0, LEVELS * error, (LEVELS - 1.0) * error).mean(axis=1)


def inside(found: NDArray[np.float64], read: NDArray[np.float64], share: float = 0.95) -> NDArray[np.bool_]:
    """Whether readings lie in the central interval, ends included, `[case]`."""
    low, high = at(found, (1.0 - share) / 2.0), at(found, (1.0 + share) / 2.0)
    return (low - 1e-9 <= read) & (read <= high + 1e-9)


def at(found: NDArray[np.float64], level: float) -> NDArray[np.float64]:
    """One quantile of each case, between those at `LEVELS`."""
    place = np.clip(level * len(LEVELS) - 0.5, 0.0, len(LEVELS) - 1.0)
    left = int(min(place, len(LEVELS) - 2))
    return found[:, left] + (place - left) * (found[:, left + 1] - found[:, left])
