"""Puts what a trial predicts beside what was published, and says whether the published value was to be expected."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit, logit
from scipy.stats import betabinom

from alarmin.published import Study, studies, study
from alarmin.trials.analysis import TrialResult

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

TITLES = {
    "orr": "Response rate [%]",
    "cr": "Complete response rate [%]",
    "dcr": "Disease control rate [%]",
    "median_dor": "Median duration of response [months]",
    "median_pfs": "Median progression-free survival [months]",
    "median_os": "Median overall survival [months]",
    "pfs_at": "Without progression at {} months [%]",
    "os_at": "Alive at {} months [%]",
    "hr_pfs": "Hazard ratio of progression or death",
    "hr_os": "Hazard ratio of death",
}
ORDER = list(TITLES)


@dataclass(frozen=True)
class Row:
    """One endpoint of an arm, or one hazard ratio of a contrast: predicted and published.

    Attributes:
        study: name of the study.
        of: arm, or "experimental v control".
        endpoint: `median_os`, `os_at_12`, `orr`, `hr_pfs` and so on.
        predicted: estimate from the simulated trial; None where it was not reached.
        low, high: 95 % prediction interval for the estimate of a trial of the published size: chance in the simulated
            and in the published trial, and nothing else; no `high` where a median was not reached.
        published: as reported; None where the study does not report it.
        published_low, published_high: its 95 % confidence interval, where reported.
        inside: whether the published value lies within the prediction interval; None where either is missing.
        status: whether the published value was read at its place.
        source: place of the published value.
    """

    study: str
    of: str
    endpoint: str
    predicted: float | None
    low: float | None
    high: float | None
    published: float | None
    published_low: float | None
    published_high: float | None
    inside: bool | None
    status: str
    source: str


@dataclass(frozen=True)
class Scored:
    """A trial's predictions beside its publication."""

    result: TrialResult
    study: Study
    rows: tuple[Row, ...]

    @property
    def compared(self) -> int:
        """Number of rows with both a prediction and a publication."""
        return sum(row.inside is not None for row in self.rows)

    @property
    def inside(self) -> int:
        """Number of published values within their prediction interval."""
        return sum(bool(row.inside) for row in self.rows)

    def frame(self) -> "pd.DataFrame":
        """The rows as a data frame."""
        import pandas as pd

        return pd.DataFrame([asdict(row) for row in self.rows])

    def comparison(self) -> "pd.DataFrame":
        """The compared rows for `alarmin.plots.compare`: shares in percent, one `quantity` to an axis."""
        return comparison(self._compared_rows())

    def table(self) -> "Table":
        """The compared rows, to be printed."""
        from rich.markup import escape
        from rich.table import Table

        table = Table(box=None, header_style="bold", pad_edge=False)
        for heading in ("", "Arm or contrast", "Predicted (95 % interval)", "Published (95 % CI)", ""):
            table.add_column(heading, justify="right" if "(" in heading else "left")
        last = ""
        for row in sorted(self._compared_rows(), key=lambda row: ORDER.index(kind(row.endpoint))):
            name = title(row.endpoint)
            table.add_row(
                escape(name) if name != last else "",
                escape(row.of),
                # Of rows that are compared, only what is not reached is missing.
                estimate(row.endpoint, row.predicted, row.low, row.high, "not reached"),
                estimate(row.endpoint, row.published, row.published_low, row.published_high),
                "within" if row.inside else "[red]outside[/red]",
            )
            last = name
        table.caption = f"{self.inside} of {self.compared} published values lie within their prediction interval"
        return table

    def _compared_rows(self) -> list[Row]:
        return [row for row in self.rows if row.inside is not None]

    def to_json(self) -> dict[str, Any]:
        """The trial's own JSON, with `published` of the same shape and `score` beside it."""
        return {
            **self.result.to_json(),
            "published": published_json(self.study),
            "score": {"compared": self.compared, "inside": self.inside, "rows": [asdict(row) for row in self.rows]},
        }


def comparison(rows: Sequence[Row]) -> "pd.DataFrame":
    """Rows for `alarmin.plots.compare`: shares in percent, one `quantity` to an axis; infinite where not reached."""
    import pandas as pd

    # Of rows that are compared, only what is not reached is missing.
    reached = lambda value: float("inf") if value is None else value
    return pd.DataFrame(
        [
            {"quantity": title(row.endpoint), "label": row.of}
            | {
                name: None if value is None else value * scale(row.endpoint)
                for name, value in (
                    ("predicted", reached(row.predicted)),
                    ("predicted_low", reached(row.low)),
                    ("predicted_high", reached(row.high)),
                    ("published", row.published),
                    ("published_low", row.published_low),
                    ("published_high", row.published_high),
                )
            }
            for row in sorted(rows, key=lambda row: ORDER.index(kind(row.endpoint)))
        ]
    )


def score(result: TrialResult, against: Study | None = None) -> Scored:
    """Every endpoint of every arm and every contrast of a trial, beside the study of the same name.

    A trial that was never published is scored against nothing: all its `published` are None.
    """
    name = result.trial.name
    published = against or (study(name) if name in studies() else _unpublished(result))
    rows = []
    for arm, numbers in result.arms.items():
        rows += _arm_rows(name, arm, numbers, published, result.trial.months)
    for contrast in result.contrasts:
        if contrast["endpoint"] != "orr":
            rows.append(_contrast_row(name, contrast, result, published))
    return Scored(result, published, tuple(rows))


def published_json(published: Study) -> dict[str, Any]:
    """What a study reported, in the shape of a trial's result."""
    arms: dict[str, dict[str, float | None]] = {}
    for arm in published.arms:
        arms[arm.name] = {"n": arm.patients}
        for item in arm.reported():
            unit = _unit(item.endpoint)
            low, high = item.interval(unit)
            arms[arm.name] |= {item.endpoint: item.to(unit), f"{item.endpoint}_low": low, f"{item.endpoint}_high": high}
    contrasts = [
        {"experimental": c.experimental, "control": c.control, "endpoint": c.endpoint, "hr": c.hr}
        | {"low": c.low, "high": c.high, "p": c.p or None}
        for c in published.contrasts
        if c.compare
    ]
    return {"study": published.name, "role": published.role, "arms": arms, "contrasts": contrasts}


def _arm_rows(name: str, arm: str, numbers: Mapping[str, float | None], published: Study, months: float) -> list[Row]:
    reported = published.arm(arm)
    known = {item.endpoint: item for item in reported.reported()} if reported else {}
    rows, n = [], float(numbers["n"] or 0)
    for endpoint in [key for key in numbers if key != "n" and not key.endswith(("_low", "_high"))]:
        item = known.get(endpoint)
        unit = _unit(endpoint)
        low, high = predicted_interval(
            endpoint,
            numbers[endpoint],
            numbers[f"{endpoint}_low"],
            numbers[f"{endpoint}_high"],
            simulated=n,
            published=n if item is None or reported is None else item.n or reported.patients or n,
            followed=months,
        )
        value = None if item is None else item.to(unit)
        ends = (None, None) if item is None else item.interval(unit)
        rows.append(
            Row(
                study=name,
                of=arm,
                endpoint=endpoint,
                predicted=numbers[endpoint],
                low=low,
                high=None if high == np.inf else high,
                published=value,
                published_low=ends[0],
                published_high=ends[1],
                inside=_inside(value, low, high),
                status="" if item is None else item.status,
                source="" if item is None else f"{item.source}: {item.where}",
            )
        )
    return rows


def _contrast_row(name: str, contrast: Mapping[str, Any], result: TrialResult, published: Study) -> Row:
    pair = (contrast["experimental"], contrast["control"])
    item = next(
        (
            c
            for c in published.contrasts
            if c.compare and (c.experimental, c.control) == pair and c.endpoint == contrast["endpoint"]
        ),
        None,
    )
    size = sum(float(result.arms[arm]["n"] or 0) for arm in pair)
    known = [published.arm(arm) for arm in pair]
    sizes = [arm.patients if arm is not None else None for arm in known]
    as_published = sum(n for n in sizes if n is not None) if all(sizes) else size
    low, high = predicted_interval("hr", contrast["hr"], contrast["low"], contrast["high"], size, as_published)
    return Row(
        study=name,
        of=f"{pair[0]} v {pair[1]}",
        endpoint=f"hr_{contrast['endpoint']}",
        predicted=contrast["hr"],
        low=low,
        high=high,
        published=None if item is None else item.hr,
        published_low=None if item is None else item.low,
        published_high=None if item is None else item.high,
        inside=_inside(None if item is None else item.hr, low, high),
        status="" if item is None else item.status,
        source="" if item is None else f"{item.source}: {item.where}",
    )


def predicted_interval(
    endpoint: str,
    value: float | None,
    low: float | None,
    high: float | None,
    simulated: float,
    published: float,
    followed: float | None = None,
) -> tuple[float | None, float | None]:
    """95 % prediction interval for the estimate of another trial with the same arms.

    Shares of patients follow a beta-binomial law, from Jeffreys' prior, and so does survival where nobody or everybody
    has had the event, of which the confidence interval is a point. Everything else has a standard error s, taken
    from its confidence interval on the logarithmic scale (medians, hazard ratios) or the logit scale (survival); with
    m patients simulated and n published, the difference of the two estimates has s sqrt(1 + m/n).

    A median that was not reached is at least as long as patients were followed: its interval begins by as much below
    that, and has no upper end.

    Args:
        endpoint: what is predicted.
        value: its estimate.
        low: lower end of its 95 % confidence interval.
        high: upper end; without it the interval is mirrored from the lower end, if that lies below the estimate.
        simulated: m.
        published: n.
        followed: how long patients were followed at most [month]; without it, what was not reached has no interval.
    """
    if value is None and followed is not None and (low is not None or endpoint in ("median_pfs", "median_os")):
        least = followed if low is None else min(low, followed)
        return followed * (least / followed) ** np.sqrt(1.0 + simulated / published), np.inf
    if value is None or low is None or (high is None and low == value):
        return None, None
    if endpoint in ("orr", "cr", "dcr") or ("_at_" in endpoint and low == high):
        count = value * simulated
        law = betabinom(round(published), count + 0.5, simulated - count + 0.5)
        return float(law.ppf(0.025)) / round(published), float(law.ppf(0.975)) / round(published)
    into, back = transform(endpoint)
    center, bottom = into(value), into(low)
    width = center - bottom if high is None else (into(high) - bottom) / 2.0
    spread = width * np.sqrt(1.0 + simulated / published)
    return float(back(center - spread)), float(back(center + spread))


def title(endpoint: str) -> str:
    """An endpoint in words, with the unit in which people read it."""
    return TITLES[kind(endpoint)].format(endpoint.rpartition("_")[2])


def scale(endpoint: str) -> float:
    """What a value is multiplied by to be in that unit."""
    return 1.0 if endpoint.startswith(("median", "hr")) else 100.0


def spelled(endpoint: str, value: float | None) -> str:
    """A value in that unit; "not reached" where it is infinite, a dash where there is none."""
    if value is None:
        return "–"
    return "not reached" if np.isinf(value) else f"{value * scale(endpoint):.{2 if endpoint.startswith('hr') else 1}f}"


def estimate(endpoint: str, value: float | None, low: float | None, high: float | None, missing: str = "–") -> str:
    """A value with its interval, shares in whole percent; `missing` where there is none."""
    size = scale(endpoint)
    digits = 2 if endpoint.startswith("hr") else 1 if size == 1.0 else 0
    value_said, *ends = (missing if v is None else f"{v * size:.{digits}f}" for v in (value, low, high))
    return value_said if "–" in ends or {*ends} == {missing} else f"{value_said} ({ends[0]} to {ends[1]})"


def kind(endpoint: str) -> str:
    """An endpoint without its month, as `TITLES` has it."""
    return endpoint.rpartition("_")[0] if "_at_" in endpoint else endpoint


def transform(endpoint: str) -> tuple[Callable[[float], float], Callable[[float], float]]:
    """To the scale on which errors of an endpoint are alike, and back: logarithm, or logit of shares."""
    if endpoint == "hr" or endpoint.startswith("median"):
        return np.log, np.exp
    return lambda p: logit(np.clip(p, 1e-3, 1.0 - 1e-3)), expit


def _inside(value: float | None, low: float | None, high: float | None) -> bool | None:
    return None if value is None or low is None or high is None else bool(low <= value <= high)


def _unit(endpoint: str) -> str:
    return "month" if endpoint.startswith("median") else "dimensionless"


def _unpublished(result: TrialResult) -> Study:
    return Study(
        name=result.trial.name,
        title=result.trial.title,
        role="scoring",
        tumor=result.trial.tumor,
        line=result.trial.line,
        arms=(),
        sources={},
    )
