"""One patient: what his scans say of him, and what his lesions do next.

Weights of virtual patients multiply over the lesions, each of which is like any lesion of the virtual patient. Paths
are drawn: a virtual patient, one of his lesions for each real one, and what the mechanism leaves open. They say how
readings go together; each reading alone then follows the law that contests score (`predictive`), by its rank among the
draws. From the paths come the lesions, their sum, the time to progression by the sum, and response (RECIST 1.1, target
lesions).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import rankdata

from alarmin import records
from alarmin.forecast import predictive
from alarmin.forecast.bank import Bank
from alarmin.forecast.belief import belief
from alarmin.forecast.condition import Conditioned, Series, condition, series
from alarmin.forecast.contest import habits, kind_of, usable
from alarmin.numerics import random
from alarmin.readouts.recist import Criteria

Array = NDArray[Any]
LEVELS = {"low": 0.025, "lower": 0.25, "median": 0.5, "upper": 0.75, "high": 0.975}
DRAWS = 2000
SPEAKS = 0.2
"""Share of the prior variance that scans must take away, or SD by which they must move it, to speak of a parameter."""


@dataclass(frozen=True)
class Forecast:
    """What is foretold of one patient under one regimen.

    Attributes:
        patient: label in the file.
        regimen: what is given.
        lesions: rows of lesion, day and quantiles low, lower, median, upper, high [mm]; `sum` is the sum of all.
        response: probability of partial or complete response by the sum, at any scan seen or foretold.
        progression: probability of progression by the sum at the foretold scans.
        progression_day: median and central 95 % of its day; infinite beyond the last scan that is foretold.
        alike: effective number of virtual patients who are like this one.
        speaks: of each parameter, by how many prior SD its mean moved, and the share of the variance that went.
    """

    patient: str
    regimen: str
    lesions: pd.DataFrame
    response: float
    progression: float
    progression_day: tuple[float, float, float]
    alike: float
    speaks: pd.DataFrame


def forecast(
    rows: pd.DataFrame, bank: Bank, *, every: float = 42.0, scans: int = 8, seed: int = 0, start: float | None = None
) -> Forecast | None:
    """The forecast of one patient; None where nothing of him could be read.

    Args:
        rows: his rows of `alarmin.forecast.lesions.Lesions`.
        bank: virtual lesions under his treatment, or under what it would be from now on.
        every: days between the scans that are foretold, from his last one on.
        scans: how many.
        seed: of the draws.
        start: day of the last scan, where that is not in the rows.
    """
    names, readings = [], []
    for name, mine in rows.groupby("lesion", sort=False):
        found = usable(mine.sort_values("day", kind="stable"))
        if len(found[0]):
            # A lesion that could be followed was not nothing at first.
            found[1][0] = max(found[1][0], 1.0)
            names.append(str(name))
            readings.append(found)
    if not names:
        return None
    last = max(float(days[-1]) for days, _, _ in readings) if start is None else start
    ahead = last + every * np.arange(1, scans + 1)
    learned = belief(kind_of(bank.regimen))
    table = series(readings, [np.asarray(ahead, np.float64)] * len(names))
    beside = condition(table, bank, learned)
    chance, weight = together(beside, table.count, bank)
    paths = _paths(beside, table.count, scans, chance, weight, bank, seed)
    paths = np.stack([_as_read(path, beside, table, lesion, weight[lesion]) for lesion, path in enumerate(paths)])

    parts = [_quantiles(name, ahead, paths[k]) for k, name in enumerate(names)]
    total = paths.sum(axis=0)
    parts.append(_quantiles("sum", ahead, total))
    response, progression, day = _recist(readings, total, ahead)
    alike = float(1.0 / np.sum(chance**2))
    told = speaks(bank, weight.mean(axis=0))
    label = str(rows["patient"].iloc[0])
    return Forecast(label, bank.regimen, pd.concat(parts, ignore_index=True), response, progression, day, alike, told)


def together(beside: Conditioned, count: NDArray[np.int64], bank: Bank) -> tuple[Array, Array]:
    """Weights of virtual patients, `[patient]`, and of their lesions for each real one, `[lesion, virtual]`.

        P(p) ~ Π_i Σ_(j of p) l_ij,     w_ij = P(p(j)) l_ij / Σ_(k of p(j)) l_ik

    l_ij is the weight of the virtual lesion j by the scans of the lesion i alone.
    """
    one = beside.log_weight[np.arange(len(count)), count - 1]
    own = np.exp(one - one.max(axis=1, keepdims=True))
    sums = np.stack([np.bincount(bank.patient, of, minlength=bank.patient.max() + 1) for of in own])
    log = np.log(np.maximum(sums, 1e-300)).sum(axis=0)
    chance = np.exp(log - log.max())
    chance /= chance.sum()
    return chance, chance[bank.patient] * own / np.maximum(sums[:, bank.patient], 1e-300)


def _paths(
    beside: Conditioned,
    count: NDArray[np.int64],
    scans: int,
    chance: Array,
    weight: Array,
    bank: Bank,
    seed: int,
) -> Array:
    """Diameters of drawn futures, `[lesion, scan, draw]` [mm], as scans would read them."""
    learned = beside.belief
    cumulative = np.cumsum(chance)
    drawn = np.minimum(np.searchsorted(cumulative, (np.arange(DRAWS) + 0.5) / DRAWS * cumulative[-1]), len(chance) - 1)
    found = np.empty((len(count), scans, DRAWS))
    for lesion, n in enumerate(count):
        ids = np.array([lesion])
        pick = random.uniform(seed, "which lesion", ids, (DRAWS,))[0]
        # Within each drawn patient, lesions by their share of his weight.
        order = np.argsort(bank.patient, kind="stable")
        heavy = np.cumsum(weight[lesion, order])
        first = np.concatenate([[0.0], np.cumsum(np.bincount(bank.patient, weight[lesion], minlength=len(chance)))])
        place = first[drawn] + pick * (first[drawn + 1] - first[drawn])
        virtual = order[np.minimum(np.searchsorted(heavy, place), len(order) - 1)]
        at = np.arange(n, n + scans)
        mean = np.stack([beside.ahead(ids, np.array([n]), np.array([k]))[0][0, virtual] for k in at])
        noise = random.normal(seed, "path", ids, (scans, DRAWS))[0]
        chi = random.normal(seed, "tails", ids, (DRAWS,))[0]
        # Student's law by its gamma mixture, Wilson and Hilferty's cube for chi-square.
        half = 2.0 / (9.0 * learned.tails)
        scale = np.maximum(1.0 - half + np.sqrt(half) * chi, 0.15) ** -1.5
        root = beside.root[lesion][np.ix_(at, at)]
        found[lesion] = learned.diameter(mean + (root @ noise) * scale)
    return found


def _as_read(paths: Array, beside: Conditioned, table: Series, lesion: int, weight: Array) -> Array:
    """Drawn futures of one lesion, `[scan, draw]` [mm], each scan by the law of a reading, ranked as the draws."""
    at = table.count[lesion] + np.arange(len(paths))
    rows, seen = np.full(len(at), lesion), np.full(len(at), table.count[lesion])
    mean, spread = beside.ahead(rows, seen, at)
    last = table.diameter[rows, seen - 1]
    repeat = beside.belief.repeats(*habits(table, rows, seen, at))
    law = predictive.quantiles(beside.belief, mean, spread, np.tile(weight, (len(at), 1)), last, repeat)
    rank = (paths.argsort(axis=1, kind="stable").argsort(axis=1, kind="stable") + 0.5) / paths.shape[1]
    return np.stack([np.interp(level, predictive.LEVELS, values) for level, values in zip(rank, law, strict=True)])


def _quantiles(name: str, days: Array, paths: Array) -> pd.DataFrame:
    values = np.quantile(paths, list(LEVELS.values()), axis=1)
    return pd.DataFrame({"lesion": name, "day": days, **dict(zip(LEVELS, values, strict=True))})


def _recist(readings: list, total: Array, ahead: Array) -> tuple[float, float, tuple[float, float, float]]:
    """Chance of response, of progression, and quantiles of the day of progression, by the sum of diameters."""
    criteria = Criteria.of(records.parameters())
    common = sorted(set.intersection(*({float(d) for d in days} for days, _, _ in readings)))
    seen = [sum(float(size[np.flatnonzero(days == day)[0]]) for days, size, _ in readings) for day in common]
    first = sum(float(size[0]) for _, size, _ in readings)
    sums = np.concatenate([np.tile(np.array([first, *seen])[:, None], (1, total.shape[1])), total])
    nadir = np.minimum.accumulate(sums, axis=0)[:-1]
    rise = sums[1:] - nadir
    worse = (rise >= criteria.progression * nadir) & (rise >= criteria.progression_least)
    past = len(sums) - len(total)
    before = np.logical_or.accumulate(worse, axis=0)
    shrunk = (sums[1:] <= (1.0 - criteria.response) * first) & ~before
    later = worse[past - 1 :]
    day = np.where(later.any(axis=0), ahead[np.argmax(later, axis=0)], np.inf)
    middle, low, high = (float(np.quantile(day, q, method="nearest")) for q in (0.5, 0.025, 0.975))
    return float(shrunk.any(axis=0).mean()), float(later.any(axis=0).mean()), (middle, low, high)


def speaks(bank: Bank, weight: Array) -> pd.DataFrame:
    """What scans say of each parameter: how far its mean moved and how much narrower it became, strongest first.

    Values are ranked to normal scores, so that all parameters are told in prior standard deviations. A parameter
    counts as spoken of beyond `SPEAKS` and beyond what chance does among so few patients alike.
    """
    prior = 1.0 / np.bincount(bank.patient)[bank.patient]
    prior, after = prior / prior.sum(), weight / weight.sum()
    alike = 1.0 / np.sum(np.bincount(bank.patient, after) ** 2)
    known: Mapping = records.parameters()
    rows = []
    for name, values in bank.parameters.items():
        score = ndtri((rankdata(values) - 0.5) / len(values))
        mean = lambda w, s=score: float(w @ s)
        variance = lambda w, s=score: float(w @ s**2 - (w @ s) ** 2)
        moved, gone = mean(after) - mean(prior), 1.0 - variance(after) / variance(prior)
        title = known[name].title if name in known else name
        rows.append({"record": name, "title": title, "moved": moved, "gone": gone})
    table = pd.DataFrame(rows)
    moved, gone = np.abs(np.array(table["moved"], float)), np.array(table["gone"], float)
    # Two standard errors of a weighted mean and of a weighted variance.
    clear = (moved > max(SPEAKS, 2.0 / alike**0.5)) | (gone > max(SPEAKS, 2.0 * (2.0 / alike) ** 0.5))
    return table.assign(speaks=clear).iloc[np.argsort(-np.maximum(moved, gone))].reset_index(drop=True)
