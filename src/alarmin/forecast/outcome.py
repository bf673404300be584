"""What came of a contest: errors by rival and protocol, and what a picture of some patients needs."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alarmin.forecast import predictive
from alarmin.forecast.condition import Series
from alarmin.forecast.rivals import LOCF


@dataclass(frozen=True)
class Outcome:
    """What came of a contest.

    Attributes:
        rows: one row a rival, protocol and forecast: who, what was read and foretold, error, CRPS, inside, weight.
        fitting, scoring: patients who taught, and who were scored.
        picture: of nine patients, what was read and the quantiles of their later scans.
    """

    rows: pd.DataFrame
    fitting: int
    scoring: int
    picture: list[dict]

    def table(self, by: str | None = None) -> pd.DataFrame:
        """MAE of the next and of all later scans, CRPS, coverage, by rival and protocol, and by `by` where asked.

        Each patient counts once, with the mean over his forecasts. `difference` and `crps_difference` are the mean
        paired differences from LOCF of the MAE and of the CRPS, `error` and `crps_error` their standard errors;
        `reweighted` weighs errors by the inverse probability of having been scanned.
        """
        key = ["protocol", *([by] if by else []), "rival"]
        who = ["protocol", "arm", "patient"]
        rows = self.rows.assign(next_error=self.rows["error"].where(self.rows["ahead"] == 1))
        person = rows.groupby(list(dict.fromkeys([*key, *who])), sort=False)
        each = person[["error", "next_error", "crps", "inside"]].mean().reset_index()
        weight = (
            rows.assign(product=rows["weight"] * rows["error"]).groupby(key, sort=False)[["product", "weight"]].sum()
        )
        base = each.loc[each["rival"] == LOCF].set_index(who)[["error", "crps"]]
        beside = base.loc[pd.MultiIndex.from_frame(each.loc[:, who])]
        each["gain"] = each["error"] - beside["error"].to_numpy()
        each["sharper"] = each["crps"] - beside["crps"].to_numpy()
        found: Any = each.groupby(key, sort=False).agg(
            patients=("error", "size"),
            next_mae=("next_error", "mean"),
            mae=("error", "mean"),
            crps=("crps", "mean"),
            coverage=("inside", "mean"),
            difference=("gain", "mean"),
            error=("gain", "sem"),
            crps_difference=("sharper", "mean"),
            crps_error=("sharper", "sem"),
        )
        found["reweighted"] = weight["product"] / weight["weight"]
        return found.reset_index()


def shown(scans: Series, people: pd.DataFrame, treatment: str, wanted: NDArray[np.int64], found: Any) -> list[dict]:
    """What a picture needs of patients.

    Args:
        scans: their readings.
        people: who they are.
        treatment: what they were given.
        wanted: lesion, scans seen and place of the target, `[case, 3]`.
        found: quantiles of the targets, `[case, level]` [mm].
    """
    entries = []
    for row in np.unique(wanted[:, 0]):
        mine = wanted[:, 0] == row
        n = scans.count[row]
        entries.append(
            {
                **people.iloc[row][["arm", "pattern"]].to_dict(),
                "treatment": treatment,
                "days": scans.days[row, :n],
                "read": scans.diameter[row, :n],
                "seen": int(wanted[mine][0, 1]),
                **{f"q{int(1000 * p)}": predictive.at(found[mine], p) for p in (0.025, 0.25, 0.5, 0.75, 0.975)},
            }
        )
    return entries


def nine(entries: list[dict]) -> list[dict]:
    """Three patients of each pattern with at least seven scans, evenly through the list, chosen by no result."""
    chosen = []
    for name in ("up", "down", "fluctuating"):
        mine = [entry for entry in entries if entry["pattern"] == name and len(entry["days"]) >= 7]
        chosen += [mine[k] for k in np.linspace(0, len(mine) - 1, 3).round().astype(int)] if len(mine) >= 3 else mine
    return chosen
