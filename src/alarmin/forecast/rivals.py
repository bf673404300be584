"""What the rivals forecast of real lesions, and how far off they usually are."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alarmin.forecast import laws, predictive
from alarmin.forecast.belief import OFFSET
from alarmin.forecast.condition import Series

Array = NDArray[Any]
LOCF = "last reading (LOCF)"
STARTS = {"biexponential, mixed effects": (-6.5, -6.0, 0.0), "Gompertz, population prior": (0.0, -5.0, 0.0)}


def mixed_laws(found: Sequence[Series]) -> dict[str, laws.Mixed]:
    """The laws with a population prior, learned on lesions that teach."""
    width = max(scans.days.shape[1] for scans in found)
    widen = lambda x: np.pad(x, ((0, 0), (0, width - x.shape[1])), mode="edge")
    days = np.concatenate([widen(scans.days - scans.days[:, :1]) for scans in found])
    size = np.concatenate([widen(scans.diameter) for scans in found])
    count = np.concatenate([scans.count for scans in found])
    curves = dict(zip(STARTS, (laws.stein, laws.population_gompertz), strict=True))
    return {n: laws.Mixed.learn(curves[n], np.array(STARTS[n]), days, size, count) for n in STARTS}


def last_readings(scans: Series, wanted: NDArray[np.int64]) -> dict[str, Array]:
    """The last reading of each case, as the forecast that it is, `[case]` [mm]."""
    return {LOCF: scans.diameter[wanted[:, 0], wanted[:, 1] - 1]}


def fitted_laws(scans: Series, mixed: Mapping[str, laws.Mixed], wanted: NDArray[np.int64]) -> dict[str, Array]:
    """Diameters that growth laws forecast for each case, by law, `[case]` [mm].

    Args:
        scans: of the lesions.
        mixed: laws with a population prior.
        wanted: lesion, scans seen and place of the target, `[case, 3]`.
    """
    at = wanted[:, 2]
    days = scans.days - scans.days[:, :1]
    pairs, place = np.unique(wanted[:, :2], axis=0, return_inverse=True)
    place, found = place.ravel(), {}
    for law in laws.LAWS:
        table = np.zeros((len(pairs), days.shape[1]))
        for k, (row, n) in enumerate(pairs):
            fitted = law.fit(days[row, :n], scans.diameter[row, :n])
            table[k] = law.diameter(days[row], scans.diameter[row, 0], fitted)
        found[law.name] = table[place, at]
    for name, population in mixed.items():
        table = population.forecast(days[pairs[:, 0]], scans.diameter[pairs[:, 0]], pairs[:, 1])
        found[name] = table[place, at]
    return found


def spread_out(point: Array, ahead: NDArray[np.int64], errors: Mapping[int, Array]) -> Array:
    """Quantiles of a rival, `[case, level]` [mm]: its point, and the errors on ln(d + 10 mm) that it made before."""
    found = np.empty((len(point), len(predictive.LEVELS)))
    for step, error in errors.items():
        mine = np.minimum(ahead, max(errors)) == step
        moved = np.log(point[mine, None] + OFFSET) + np.quantile(error, predictive.LEVELS)[None, :]
        found[mine] = np.maximum(np.exp(moved) - OFFSET, 0.0)
    return found


def errors_of(point: Array, read: Array, ahead: NDArray[np.int64], most: int = 4) -> dict[int, Array]:
    """Errors on ln(d + 10 mm) by scans ahead; from `most` on together."""
    error = np.log(read + OFFSET) - np.log(point + OFFSET)
    steps = np.minimum(ahead, most)
    return {int(step): error[steps == step] for step in np.unique(steps)}
