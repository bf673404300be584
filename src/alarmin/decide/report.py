"""What regimens are worth in patients who did not choose them: how much, how surely, for whom, and by which of their
parts.

Intervals hold 95 % of resamples: first of populations, then of the patients of each.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import spearmanr

from alarmin.decide import cutoff
from alarmin.decide.schedules import Choice

if TYPE_CHECKING:
    from alarmin.decide.optimize import Half, Optimized

Floats = NDArray[np.float64]
RESAMPLES = 1000


def resampled(member: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Rows of patients in each resample, `[resample, patient]`; all populations have as many."""
    count, each = int(member.max()) + 1, int(np.bincount(member)[0])
    draw = np.random.default_rng([seed, 2])
    chosen = draw.integers(count, size=(RESAMPLES, count))
    rows = chosen[:, :, None] * each + draw.integers(each, size=(RESAMPLES, count, each))
    return rows.reshape(RESAMPLES, -1)


def regimens(
    finds: "Half",
    reports: "Half",
    best: tuple[Choice, ...],
    front: Sequence[tuple[Choice, ...]],
    alone: Sequence[tuple[Choice, ...]],
    seed: int,
) -> pd.DataFrame:
    """A row for each regimen, in the patients who report; usual care has one row, whatever else it is.

    `effect`, `toxicity`, and `gain`, the effect beyond usual care, with intervals `_low` and `_high`; `better`, the
    share of resamples with a gain; `benefits`, the share of patients who themselves gain; `on_front`, the share of
    resamples in which no other row beats it; `effect_found` and `toxicity_found`, in the patients who chose.
    """
    from alarmin.decide.optimize import undominated

    usual, usual_found, name_of = reports.try_standard(), finds.try_standard(), reports.question.regimen
    rows: list[tuple[str, str, tuple[Floats, Floats], tuple[Floats, Floats]]] = []
    listed: set[str] = set()
    for kind, several in (("best", [best]), ("front", front), ("alone", alone)):
        for choices in several:
            if str(name_of(choices)) in listed:
                continue
            listed |= {str(name_of(choices)), reports.question.standard}
            found = finds.try_choices(choices)
            rows.append((kind, str(name_of(choices)), reports.try_choices(choices), found))
    rows.append(("standard", reports.question.standard, usual, usual_found))
    again = resampled(reports.member, seed)
    effects, harms = (np.stack([row[2][i][again].mean(axis=1) for row in rows], axis=1) for i in (0, 1))
    unbeaten = undominated(effects, harms).mean(axis=0)
    table = []
    for i, (kind, name, (effect, harm), found) in enumerate(rows):
        gains = effects[:, i] - effects[:, -1]
        row: dict[str, Any] = {"kind": kind, "regimen": name}
        row |= _spread("effect", effect.mean(), effects[:, i]) | _spread("toxicity", harm.mean(), harms[:, i])
        row |= _spread("gain", (effect - usual[0]).mean(), gains)
        row |= {"better": float((gains > 0.0).mean()), "benefits": float((effect > usual[0]).mean())}
        row |= {"on_front": float(unbeaten[i])}
        table.append(row | {"effect_found": float(found[0].mean()), "toxicity_found": float(found[1].mean())})
    order = {"best": 0, "front": 1, "standard": 2, "alone": 3}
    return pd.DataFrame(table).sort_values(
        ["kind", "toxicity"],
        key=lambda column: column.map(order) if column.name == "kind" else column,
        ignore_index=True,
    )


def parts(found: "Optimized") -> pd.DataFrame:
    """What each part of the best regimen adds, in the patients who report: the regimen without it.

    A row for each agent that is left out, for all agents from the first day on, for all at standard dose and interval,
    and for all as long as is usual; `effect` and `toxicity` are those of the best regimen less those without the part.
    """
    best, reports = found.best, found.reports
    without: dict[str, tuple[Choice, ...]] = {}
    if len(best) > 1:
        without |= {choice.agent: tuple(other for other in best if other != choice) for choice in best}
    as_usual = found.question.usual
    for part, usual in (
        ("start", lambda choice: replace(choice, start=0)),
        ("dose and interval", lambda choice: replace(choice, dosing=as_usual(choice.agent).dosing)),
        ("number of cycles", lambda choice: replace(choice, cycles=0)),
    ):
        changed = tuple(usual(choice) for choice in best)
        without |= {} if changed == best else {part: changed}
    again = resampled(reports.member, found.question.seed)
    whole, rows = reports.try_choices(best), []
    for part, choices in without.items():
        less = reports.try_choices(choices)
        row: dict[str, Any] = {"part": part, "without": str(found.question.regimen(choices))}
        for name, mine, other in zip(("effect", "toxicity"), whole, less, strict=True):
            row |= _spread(name, (mine - other).mean(), (mine - other)[again].mean(axis=1))
        rows.append(row)
    return pd.DataFrame(rows)


def who(found: "Optimized") -> pd.DataFrame:
    """Who gains from the best regimen beyond usual care, by readings before treatment.

    A row for each reading: its rank correlation with the gain in the patients who chose (`found`) and in those who
    report (`reported`); the cut-off that the first chose, and the gains of those whom it selects and of the rest among
    the second, with intervals; strongest in the patients who chose first.
    """
    gains = [h.try_choices(found.best)[0] - h.try_standard()[0] for h in (found.finds, found.reports)]
    again = resampled(found.reports.member, found.question.seed)
    rows = []
    for name in found.finds.readings:
        known = [half.readings[name] for half in (found.finds, found.reports)]
        if any(np.ptp(values) == 0.0 for values in (*known, *gains)):
            continue
        rank = [_correlation(a, b) for a, b in zip(known, gains, strict=True)]
        row: dict[str, Any] = {"reading": name, "found": rank[0], "reported": rank[1]}
        cut = cutoff.choose(known[0], gains[0])
        if cut is not None:
            row |= {"cut": cut.limit, "side": "high" if cut.high else "low"}
            chosen = cut.selects(known[1])
            for what, side in (("selected", chosen), ("rest", ~chosen)):
                row |= {f"{what}_patients": int(side.sum())}
                if side.any():
                    weight = side[again].sum(axis=1)
                    sums = np.where(side, gains[1], 0.0)[again].sum(axis=1)
                    row |= _spread(f"gain_{what}", gains[1][side].mean(), sums[weight > 0] / weight[weight > 0])
        rows.append(row)
    return pd.DataFrame(sorted(rows, key=lambda row: -abs(row["found"])))


def _correlation(a: Floats, b: Floats) -> float:
    """Spearman's rank correlation."""
    found: Any = spearmanr(a, b)
    return float(found.statistic)


def _spread(name: str, value: float, again: Floats) -> dict[str, float]:
    low, high = np.quantile(again, (0.025, 0.975))
    return {name: float(value), f"{name}_low": float(low), f"{name}_high": float(high)}
