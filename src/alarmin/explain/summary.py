"""What an explanation comes to over a cohort, and as tables."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from alarmin.explain.games import Explanation, Played

if TYPE_CHECKING:
    import pandas as pd


def summary(played: Played) -> list[dict[str, Any]]:
    """A row for each switch, over patients.

    `value` is the Shapley value and `share` its share of the sizes of all of them, with its sign: means with the
    quantiles that hold 95 % of patients; `dominant` is the share of patients in whom the switch is worth most.
    """
    return [
        {"name": switch.name, "title": switch.title}
        | _spread("value", played.shapley[i])
        | _spread("share", played.shares[i])
        | {"dominant": float((played.dominant == i).mean())}
        for i, switch in enumerate(played.game.switch)
    ]


def pairs(played: Played) -> list[dict[str, Any]]:
    """A row for each pair of switches, largest mean interaction first."""
    names = played.game.names
    rows = [
        {"first": names[j], "second": names[i]} | _spread("interaction", played.interactions[i, j])
        for i in range(len(names))
        for j in range(i)
    ]
    return sorted(rows, key=lambda row: -abs(row["interaction"]))


def tables(found: Explanation) -> "dict[str, pd.DataFrame]":
    """Tables by name.

    `patients` has outcomes, `shapley` a row for each patient and switch, `coalitions` one for each coalition (a
    number with a bit for each switch, first to last), `pairs` the interactions over patients.
    """
    import pandas as pd

    ids = found.cohort.ids
    patients = pd.DataFrame(
        {
            "patient": ids,
            "lesions": np.bincount(found.cohort.patient),
            "start": found.start,
            "untreated": found.untreated,
            "treated": found.treated,
            "change": found.change,
        }
    )
    values, worth, pair = [], [], []
    for game, played in (("barriers", found.barriers), ("steps", found.steps)):
        names = np.array(["", *played.game.names])
        patients[f"dominant_{game}"] = names[played.dominant + 1]
        for i, name in enumerate(played.game.names):
            columns = {"patient": ids, "game": game, "switch": name}
            values.append(pd.DataFrame({**columns, "value": played.shapley[i], "share": played.shares[i]}))
        for coalition, row in enumerate(played.values):
            worth.append(pd.DataFrame({"patient": ids, "game": game, "coalition": coalition, "value": row}))
        pair.append(pd.DataFrame(pairs(played)).assign(game=game))
    join = lambda parts: pd.concat(parts, ignore_index=True)
    return {"patients": patients, "shapley": join(values), "coalitions": join(worth), "pairs": join(pair)}


def content(found: Explanation) -> Mapping[str, Any]:
    """Everything as plain data: the summary of each game, and each patient."""
    cohort = found.cohort
    whole = {"tumor": cohort.tumor, "regimen": found.regimen, "days": found.days, "seed": cohort.seed}
    whole |= {"population": cohort.population, "patients": len(cohort)}
    for name, played in (("barriers", found.barriers), ("steps", found.steps)):
        whole[name] = {
            "title": played.game.title,
            "none": float(played.values[0].mean()),
            "all": float(played.values[-1].mean()),
            "switches": summary(played),
            "pairs": pairs(played),
            "each": [
                {
                    "patient": int(id),
                    "change": float(found.change[row]),
                    "none": float(played.values[0, row]),
                    "all": float(played.values[-1, row]),
                    "shapley": dict(zip(played.game.names, played.shapley[:, row].tolist(), strict=True)),
                }
                for row, id in enumerate(cohort.ids)
            ],
        }
    return whole


def _spread(name: str, values: NDArray[np.float64]) -> dict[str, float]:
    low, high = np.quantile(values, (0.025, 0.975))
    return {name: float(values.mean()), f"{name}_low": float(low), f"{name}_high": float(high)}
