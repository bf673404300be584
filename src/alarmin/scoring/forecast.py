"""Every trial predicted with all its uncertainty, beside what was published and beside the cheapest rivals."""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from alarmin.published import Study, studies, study
from alarmin.records import Trial
from alarmin.records import population as find_population
from alarmin.scoring import rivals
from alarmin.scoring.score import ORDER, kind, scale, title, transform
from alarmin.trials.bank import Bank, replicate
from alarmin.trials.run import by_tumor

if TYPE_CHECKING:
    import pandas as pd

LEVELS = (0.025, 0.25, 0.5, 0.75, 0.975)
NOT_REACHED = 120.0
"""What a median that is not reached counts as where it is scored [month]."""
SHARES = {"pfs_at": "Without progression [%]", "os_at": "Alive [%]"}
"""What shares of patients at different months are called where they share an axis."""


@dataclass(frozen=True)
class Forecast:
    """One published endpoint, and what was foretold of it.

    Attributes:
        study: name of the study.
        of: arm, or "experimental v control".
        endpoint: `median_os`, `os_at_12`, `orr`, `hr_pfs` and so on.
        published: as reported.
        predicted: median of the replicates; a median that is not reached is infinite.
        low, high: their central 95 % interval; `lower`, `upper`: the central 50 %.
        inside_95, inside_50: whether the published value lies there.
        interval_score: width of the 95 % interval plus 40 times what the published value lies outside, on the scale
            on which errors are alike (log for times and ratios, logit for shares), where what is not reached counts
            as `NOT_REACHED`.
        rivals: predictions of the rivals, by name; None where a rival has none.
        rival_scores: their interval scores where they give an interval.
        held_out: whether neither the study nor one that shares its patients was used in fitting.
        status: whether the published value was read at its place.
    """

    study: str
    of: str
    endpoint: str
    published: float
    predicted: float
    low: float
    high: float
    lower: float
    upper: float
    inside_95: bool
    inside_50: bool
    interval_score: float
    rivals: dict[str, float | None]
    rival_scores: dict[str, float | None]
    held_out: bool
    status: str


@dataclass(frozen=True)
class Scoreboard:
    """All forecasts, and the verdict on each trial's primary endpoint: predicted probability and what happened."""

    rows: tuple[Forecast, ...]
    verdicts: dict[str, dict[str, Any]]

    def to_json(self) -> dict[str, Any]:
        """Rows and sums as plain data; what is not reached is None."""
        reached = lambda value: None if isinstance(value, float) and math.isinf(value) else value
        rows = [{name: reached(value) for name, value in asdict(row).items()} for row in self.rows]
        return {**self.sums(), "verdicts": self.verdicts, "rows": rows}

    def sums(self) -> dict[str, Any]:
        """Coverage, interval score, Brier score of success, and mean absolute errors of log hazard ratios."""
        mean = lambda values: float(np.mean(values)) if len(values) else None
        ratios = [row for row in self.rows if row.endpoint.startswith("hr_")]
        error = lambda row, value: abs(np.log(value / row.published))
        names = list(dict.fromkeys(name for row in ratios for name in row.rivals))
        known = [v for v in self.verdicts.values() if v["published"] is not None]
        return {
            "endpoints": len(self.rows),
            "coverage_95": mean([row.inside_95 for row in self.rows]),
            "coverage_50": mean([row.inside_50 for row in self.rows]),
            "interval_score": mean([row.interval_score for row in self.rows]),
            "brier": mean([(v["predicted"] - v["published"]) ** 2 for v in known]),
            "verdicts_right": sum((v["predicted"] > 0.5) == v["published"] for v in known),
            "verdicts_known": len(known),
            "log_hr_error": mean([error(row, row.predicted) for row in ratios]),
            "rivals": {
                name: mean([error(row, row.rivals[name]) for row in ratios if row.rivals[name] is not None])
                for name in names
            },
            "interval_scores_of_ratios": {
                "alarmin": mean([row.interval_score for row in ratios]),
                **{name: mean([s for row in ratios if (s := row.rival_scores[name]) is not None]) for name in names},
            },
        }

    def frame(self) -> "pd.DataFrame":
        """The rows as a data frame."""
        import pandas as pd

        found = [asdict(row) for row in self.rows]
        return pd.DataFrame({field.name: [row[field.name] for row in found] for field in fields(Forecast)})

    def comparison(self) -> "pd.DataFrame":
        """The rows for `alarmin.plots.compare`: hazard ratios, then times and shares; months share an axis."""
        import pandas as pd

        said = []
        for row in sorted(self.rows, key=lambda row: -ORDER.index(kind(row.endpoint))):
            size, (when, month) = scale(row.endpoint), (kind(row.endpoint), row.endpoint.rpartition("_")[2])
            at = f", month {month}" if "_at" in when else ""
            said.append(
                {"quantity": SHARES.get(when) or title(row.endpoint), "label": f"{row.study} {row.of}{at}"}
                | {"predicted": row.predicted * size, "predicted_low": row.low * size}
                | {"predicted_high": row.high * size, "published": row.published * size}
                | {"published_low": None, "published_high": None, "rival": row.rivals.get("independent drug action")}
            )
        return pd.DataFrame(said)


def forecast(bank: Bank, replicates: int = 1000, against: Study | None = None) -> tuple[list[Forecast], dict[str, Any]]:
    """The published endpoints of one trial beside what its bank foretells, and the verdict on its primary endpoint."""
    published = against or study(bank.trial.name)
    sizes = {arm.name: n for arm in bank.trial.arms if (n := _size(published, arm.name)) is not None}
    arms, contrasts = replicate(bank, replicates, sizes=sizes)
    held_out = not _used(published, bank.training)
    rows = []
    for arm in bank.trial.arms:
        reported = published.arm(arm.name)
        mine = arms.loc[arms["arm"] == arm.name]
        for item in reported.reported() if reported else ():
            # Survival beyond the last time under observation is unknown in every replicate.
            if item.endpoint in mine and mine[item.endpoint].notna().any():
                value = item.to("month" if item.endpoint.startswith("median") else "dimensionless")
                draws = mine[item.endpoint].to_numpy(float)
                rows.append(_row(published.name, arm.name, item.endpoint, value, draws, held_out, item.status))
    for pair in bank.trial.contrasts:
        for seen in published.contrasts:
            column = f"hr_{seen.endpoint}"
            if not seen.compare or (seen.experimental, seen.control) != (pair.experimental, pair.control):
                continue
            if column not in contrasts:
                continue
            mine = contrasts.loc[
                (contrasts["experimental"] == pair.experimental) & (contrasts["control"] == pair.control)
            ]
            control = bank.table.loc[bank.table["arm"] == pair.control]
            times, events = control["pfs"].to_numpy(float), control["pfs_event"].to_numpy(bool)
            alone = rivals.independent_action(bank.trial, pair, seen.endpoint, times, events)
            average, spread = rivals.class_average(bank.trial, pair, seen.endpoint)
            error = _error_of_ratio(seen.low, seen.high)
            ends = {
                "independent drug action": None if alone is None else (alone, rivals.assumed("no_class_sd")),
                "class average": (average, spread),
                "no effect": (0.0, rivals.assumed("no_class_sd")),
            }
            of = f"{pair.experimental} v {pair.control}"
            draws = mine[column].to_numpy(float)
            row = _row(published.name, of, column, seen.hr, draws, held_out, seen.status)
            guesses = {name: None if known is None else float(np.exp(known[0])) for name, known in ends.items()}
            scores = {
                name: None
                if known is None
                else interval_score(np.log(seen.hr), *(known[0] + np.array([-1.96, 1.96]) * np.hypot(known[1], error)))
                for name, known in ends.items()
            }
            rows.append(Forecast(**{**asdict(row), "rivals": guesses, "rival_scores": scores}))
    return rows, _verdict(bank, published, arms, contrasts)


def board(
    banks: Sequence[Bank], replicates: int = 1000, progress: Callable[[int, int], None] | None = None
) -> Scoreboard:
    """The scores of all trials together."""
    rows: list[Forecast] = []
    verdicts = {}
    for number, bank in enumerate(banks):
        found, verdict = forecast(bank, replicates)
        rows += found
        if verdict:
            verdicts[bank.trial.name] = verdict
        if progress is not None:
            progress(number + 1, len(banks))
    return Scoreboard(tuple(rows), verdicts)


def fitted_to(trial: Trial) -> tuple[str, ...]:
    """The tumor types of a trial whose fitted population has seen it, or a study that shares its patients."""
    published = studies().get(trial.name)
    fits = {tumor: find_population(tumor) for tumor in by_tumor(trial)}
    return tuple(name for name, fit in fits.items() if published and fit and _used(published, fit.training))


def interval_score(value: float, low: float, high: float, level: float = 0.95) -> float:
    """(high - low) + 2/(1 - level) (what the value lies outside): narrow and right is best (Gneiting, Raftery 2007)."""
    outside = max(low - value, 0.0) + max(value - high, 0.0)
    return float(high - low + 2.0 / (1.0 - level) * outside)


def _row(
    name: str, of: str, endpoint: str, value: float, draws: NDArray[np.float64], held_out: bool, status: str
) -> Forecast:
    # Survival beyond the last time under observation is unknown; medians that are not reached are infinite.
    draws = draws[~np.isnan(draws)]
    low, lower, middle, upper, high = (float(q) for q in np.quantile(draws, LEVELS, method="nearest"))
    into, _ = transform("hr" if endpoint.startswith("hr") else endpoint)
    reached = lambda number: min(number, NOT_REACHED)
    score = interval_score(float(into(value)), float(into(reached(low))), float(into(reached(high))))
    return Forecast(
        study=name,
        of=of,
        endpoint=endpoint,
        published=value,
        predicted=middle,
        low=low,
        high=high,
        lower=lower,
        upper=upper,
        inside_95=low <= value <= high,
        inside_50=lower <= value <= upper,
        interval_score=score,
        rivals={},
        rival_scores={},
        held_out=held_out,
        status=status,
    )


def _verdict(bank: Bank, published: Study, arms: "pd.DataFrame", contrasts: "pd.DataFrame") -> dict[str, Any]:
    """Predicted probability of success by the trial's own rule, and whether it succeeded, where that was reported."""
    trial = bank.trial
    if trial.null_response is not None:
        mine = arms.loc[arms["arm"] == trial.arms[0].name, "success"]
        return {"predicted": float(mine.mean()), "published": published.met, "primary": ["orr"]}
    if not trial.contrasts:
        return {}
    first = trial.contrasts[0]
    mine = contrasts.loc[
        (contrasts["experimental"] == first.experimental) & (contrasts["control"] == first.control), "success"
    ]
    known = {
        c.endpoint: c.high is not None and c.high < 1.0
        for c in published.contrasts
        if c.compare and (c.experimental, c.control) == (first.experimental, first.control)
    }
    wins = [known[name] for name in trial.primary if name in known]
    by_rule = None if not wins else any(wins) if trial.success == "any" else all(wins)
    seen = by_rule if published.met is None else published.met
    return {"predicted": float(mine.mean()), "published": seen, "primary": list(trial.primary)}


def _size(published: Study, arm: str) -> int | None:
    reported = published.arm(arm)
    return reported.patients if reported else None


def _used(published: Study, training: Sequence[str]) -> bool:
    """Whether a study, or one that shares patients with it, is in a training set of names like `oak.docetaxel.orr`."""
    seen = {name.partition(".")[0] for name in training}
    return not seen.isdisjoint({published.name, *published.shares_patients_with})


def _error_of_ratio(low: float | None, high: float | None) -> float:
    return 0.0 if low is None or high is None else float(np.log(high / low) / 3.92)
