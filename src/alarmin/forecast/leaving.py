"""Who is scanned again, and what a reading is like where it is known whether another one followed.

Scans end with progression, death, withdrawal, or the data. Log odds that a lesion is scanned once more are a logistic
regression on what was read of it last. By Bayes' rule they also say what the reading itself was like:

    p(y | the last) ~ p(y) (1 - P(again | y)),     p(y | not the last) ~ p(y) P(again | y)

where p(y) is what was foretold of the reading without that knowledge. What is assumed: leaving depends on what was
read, on the kind of treatment and on the time, and on nothing else.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from alarmin import records
from alarmin.forecast import predictive
from alarmin.forecast.belief import OFFSET
from alarmin.forecast.condition import Series
from alarmin.readouts.recist import Criteria

Array = NDArray[Any]
YEAR = 360.0
"""Days by which time is counted."""


def learn(taught: Sequence[tuple[Series, bool]]) -> Array:
    """Log odds of being scanned once more, of `features`.

    Args:
        taught: readings of lesions that teach, and whether they were given cytotoxic agents alone.
    """
    found, again = [], []
    for scans, toxic in taught:
        rows, seen = np.array([(row, n) for row in range(len(scans)) for n in range(2, scans.count[row] + 1)]).T
        found.append(_read(scans, toxic, rows, seen))
        again.append(seen < scans.count[rows])
    x, y = np.concatenate(found), np.concatenate(again)
    loss = lambda b: np.mean(np.logaddexp(0.0, x @ b) - y * (x @ b)) + 1e-4 * b @ b
    return minimize(loss, np.zeros(x.shape[1])).x


def features(diameter: Array, before: Array, nadir: Array, toxic: bool, days: Array) -> Array:
    """What the odds multiply, `[..., 9]`.

    A constant; the change of ln(d + 10 mm) since the reading before, and its growth over the nadir; progression of the
    lesion by RECIST's criteria; cytotoxic agents, and these with growth and with progression; years and their square.

    Args:
        diameter: of the reading [mm], and `before`, of the one before it, and `nadir`, the least before it.
        toxic: whether cytotoxic agents alone were given.
        days: day of the reading, from the first scan [day].
    """
    criteria = Criteria.of(records.parameters())
    rise = diameter - nadir
    worse = ((rise >= criteria.progression * nadir) & (rise >= criteria.progression_least)).astype(float)
    change = np.log((diameter + OFFSET) / (before + OFFSET))
    grown = np.maximum(np.log((diameter + OFFSET) / (nadir + OFFSET)), 0.0)
    poison, years = float(toxic), days / YEAR
    columns = (1.0, change, grown, worse, poison, poison * grown, poison * worse, years, years**2)
    return np.stack(np.broadcast_arrays(*columns), axis=-1)


def told(found: Array, ends: Array, odds: Array, scans: Series, toxic: bool, wanted: NDArray[np.int64]) -> Array:
    """Quantiles of readings of which it is known whether another one followed, `[case, level]` [mm].

    Args:
        found: quantiles without that knowledge, `[case, level]` [mm].
        ends: 1 where the reading was the last, -1 where another one followed, 0 where nobody knows, `[case]`.
        odds: from `learn`.
        scans: of the lesions, and `toxic`, whether they were given cytotoxic agents alone.
        wanted: lesion, scans seen and place of the reading, `[case, 3]`.
    """
    rows, seen, at = wanted.T
    last = scans.diameter[rows, seen - 1]
    nadir = np.minimum.accumulate(scans.diameter, axis=1)[rows, seen - 1]
    days = scans.days[rows, at] - scans.days[rows, 0]
    again = expit(features(found, last[:, None], nadir[:, None], toxic, days[:, None]) @ odds)
    weight = np.select([ends[:, None] > 0, ends[:, None] < 0], [1.0 - again, again], 1.0)
    return predictive.weighed(found, weight)


def unlikely(odds: Array, scans: Series, toxic: bool, wanted: NDArray[np.int64], most: float = 10.0) -> Array:
    """1 / probability of having been scanned until the target, given each time what had been read, `[case]`."""
    found = np.ones(len(wanted))
    for k, (row, seen, at) in enumerate(wanted):
        steps = np.arange(seen, at + 1)
        stays = expit(_read(scans, toxic, np.full(len(steps), row), steps) @ odds)
        found[k] = min(1.0 / np.prod(stays), most)
    return found


def _read(scans: Series, toxic: bool, rows: NDArray[np.int64], seen: NDArray[np.int64]) -> Array:
    """`features` of the last of the readings that were seen, `[case, 9]`."""
    size = scans.diameter
    nadir = np.minimum.accumulate(size, axis=1)[rows, seen - 2]
    days = scans.days[rows, seen - 1] - scans.days[rows, 0]
    return features(size[rows, seen - 1], size[rows, seen - 2], nadir, toxic, days)
