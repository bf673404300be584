"""Replicate trials of the planned size, with everything that is uncertain, beside what was published."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from alarmin.published import studies
from alarmin.scoring.score import ORDER, Row, comparison, kind, published_json
from alarmin.trials.bank import Bank, quantiles, replicate

if TYPE_CHECKING:
    import pandas as pd

POPULATIONS, PATIENTS = 8, 54
"""Size of the bank that replicates are drawn from, in a terminal and in the browser: populations, patients of each."""


@dataclass(frozen=True)
class Replicates:
    """Trials drawn from a bank.

    Attributes:
        bank: where they are drawn from.
        arms: a row for each replicate and arm.
        contrasts: a row for each replicate and contrast.
        rows: median and central 95 % over replicates of each endpoint, beside the published value.
        success: by contrast, the share of replicates that meet the rule of the trial.
    """

    bank: Bank
    arms: "pd.DataFrame"
    contrasts: "pd.DataFrame"
    rows: tuple[Row, ...]
    success: dict[str, float]

    @property
    def compared(self) -> tuple[Row, ...]:
        """The rows with a prediction and a publication."""
        return tuple(row for row in self.rows if row.inside is not None)

    def frame(self) -> "pd.DataFrame":
        """The rows as a data frame."""
        import pandas as pd

        return pd.DataFrame([asdict(row) for row in self.rows])

    def comparison(self) -> "pd.DataFrame":
        """The compared rows for `alarmin.plots.compare`."""
        return comparison(self.compared)


def replicates(bank: Bank, count: int, seed: int = 0) -> Replicates:
    """Draws `count` trials from a bank, as `alarmin trial --replicates` does."""
    trial = bank.trial
    arms, contrasts = replicate(bank, count, seed=seed)
    known = published_json(studies()[trial.name]) if trial.name in studies() else {"arms": {}, "contrasts": []}
    rows = []
    for arm in trial.arms:
        seen = known["arms"].get(arm.name, {})
        for endpoint, found in quantiles(arms.loc[arms["arm"] == arm.name]).items():
            said = {end: seen.get(f"{endpoint}{end}") for end in ("", "_low", "_high")}
            rows.append(_row(trial.name, arm.name, endpoint, found, said))
    success = {}
    for pair in trial.contrasts:
        of = f"{pair.experimental} v {pair.control}"
        mine = contrasts.loc[(contrasts["experimental"] == pair.experimental) & (contrasts["control"] == pair.control)]
        success[of] = float(mine["success"].mean())
        for endpoint, found in quantiles(mine).items():
            same = (pair.experimental, pair.control, endpoint.removeprefix("hr_"))
            seen = next((c for c in known["contrasts"] if (c["experimental"], c["control"], c["endpoint"]) == same), {})
            said = {"": seen.get("hr"), "_low": seen.get("low"), "_high": seen.get("high")}
            rows.append(_row(trial.name, of, endpoint, found, said))
    return Replicates(bank, arms, contrasts, tuple(row for row in rows if kind(row.endpoint) in ORDER), success)


def _row(study: str, of: str, endpoint: str, found: dict[str, Any], said: dict[str, float | None]) -> Row:
    low, high, published = found["low"], found["high"], said[""]
    # A quantile that is not reached lies beyond every published time.
    least, most = (float("inf") if end is None else end for end in (low, high))
    inside = None if published is None else least <= published <= most
    return Row(
        study=study,
        of=of,
        endpoint=endpoint,
        predicted=found["median"],
        low=low,
        high=high,
        published=published,
        published_low=said["_low"],
        published_high=said["_high"],
        inside=inside,
        status="",
        source="",
    )
