"""A cut-off of a reading, chosen in some patients, and what it is worth in others."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from alarmin.trials import resampling

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

QUANTILES = np.linspace(0.2, 0.8, 13)
"""Where a cut-off is looked for; fewer than a fifth of patients on one side are too few to plan a trial with."""
RESAMPLES = 500
LEAST = 3
"""Patients on each side without whom nothing is said of a side."""


class Cut(NamedTuple):
    """A limit of a reading, and whether those at or above it (`high`) are selected, or those below."""

    limit: float
    high: bool

    def selects(self, reading: Floats) -> Flags:
        """Who is selected, `[patient]`."""
        return (reading >= self.limit) == self.high


class Both(NamedTuple):
    """Times and events of the same patients in two arms, experimental first, `[arm, patient]` [month]."""

    time: Floats
    event: Flags

    def of(self, rows: NDArray[Any]) -> "Both":
        """Those of some patients."""
        return Both(self.time[:, rows], self.event[:, rows])


def choose(reading: Floats, gain: Floats) -> Cut | None:
    """The cut-off that separates the gains `[patient]` best, by Welch's |t|; None where none leaves two groups."""
    best, found = -1.0, None
    for limit in np.unique(np.quantile(reading, QUANTILES, method="inverted_cdf")):
        above = reading >= limit
        least = max(LEAST, 0.15 * len(reading))
        if min(above.sum(), (~above).sum()) < least:
            continue
        difference = gain[above].mean() - gain[~above].mean()
        error = np.sqrt(sum(gain[side].var(ddof=1) / side.sum() for side in (above, ~above)))
        t = abs(difference) / max(error, 1e-9)
        if t > best:
            best, found = t, Cut(float(limit), bool(difference >= 0.0))
    return found


def report(cut: Cut, reading: Floats, gain: Floats, both: Both, alpha: float, power: float, seed: int) -> dict:
    """What a cut-off is worth in patients in whom it was not chosen.

    Args:
        cut: from `choose`, with other patients.
        reading, gain: of these patients, `[patient]`; gain is time in the experimental arm less that in the control.
        both: their outcomes in both arms.
        alpha: two-sided level of the trial that is planned.
        power: its power.
        seed: of the resampling of patients, within each side.

    Returns:
        For the selected, the rest and all: patients, mean gain [month] and hazard ratio, with 95 % intervals; the
        difference in gain; events that a trial needs among all and among the selected, and patients to screen for them.
    """
    rng = np.random.default_rng([seed, len(reading)])
    chosen = cut.selects(reading)
    rows = {"selected": np.flatnonzero(chosen), "rest": np.flatnonzero(~chosen), "all": np.arange(len(reading))}
    found: dict[str, Any] = {"share": float(chosen.mean())}
    drawn = {}
    for name, who in rows.items():
        found[f"patients_{name}"] = len(who)
        if len(who) < LEAST:
            drawn[name] = np.full(RESAMPLES, np.nan)
            found |= _spread(f"gain_{name}", np.nan, drawn[name]) | _spread(f"hr_{name}", np.nan, drawn[name])
            continue
        again = who[rng.integers(len(who), size=(RESAMPLES, len(who)))]
        drawn[name] = gain[again].mean(axis=1)
        found |= _spread(f"gain_{name}", float(gain[who].mean()), drawn[name])
        found |= _spread(f"hr_{name}", float(_ratios(both, who[None])[0]), _ratios(both, again))
    apart = drawn["selected"] - drawn["rest"]
    found |= _spread("difference", found["gain_selected"] - found["gain_rest"], apart)
    for name in ("all", "selected"):
        events = events_needed(found[f"hr_{name}"], alpha, power)
        rate = float(both.event[:, rows[name]].mean()) if len(rows[name]) else np.nan
        found[f"events_{name}"] = events
        found[f"trial_{name}"] = events / rate if rate > 0.0 else np.inf
    found["screened"] = found["trial_selected"] / found["share"] if found["share"] > 0.0 else np.inf
    return found


def events_needed(hr: float, alpha: float = 0.05, power: float = 0.9) -> float:
    """Events that a 1:1 trial needs to show a hazard ratio (Schoenfeld): d = 4 (z_α/2 + z_power)² / ln²(HR).

    Infinite where the experimental arm does no better.
    """
    if not hr < 1.0:
        return np.nan if np.isnan(hr) else np.inf
    return float(np.ceil(4.0 * (ndtri(1.0 - alpha / 2.0) + ndtri(power)) ** 2 / np.log(hr) ** 2))


def _ratios(both: Both, rows: NDArray[np.int64]) -> Floats:
    """Hazard ratio of the patients `[replicate, patient]` in the experimental arm against themselves in the control."""
    join = lambda values: np.concatenate([values[0][rows], values[1][rows]], axis=1)
    first = np.arange(2 * rows.shape[1]) < rows.shape[1]
    return resampling.hazard_ratios(join(both.time), join(both.event), first)[0]


def _spread(name: str, value: float, drawn: Floats) -> dict[str, float]:
    low, high = np.quantile(drawn, (0.025, 0.975)) if np.isfinite(drawn).all() else (np.nan, np.nan)
    return {name: value, f"{name}_low": float(low), f"{name}_high": float(high)}
