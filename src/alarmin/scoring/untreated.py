"""Untreated tumors of the model beside what was measured in those of patients."""

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from alarmin.published import untreated
from alarmin.readouts.phenotype import PHENOTYPES, QUANTITIES
from alarmin.records import tumor as find_tumor
from alarmin.records.schema import UNTREATED

NUMBERS = ("published", "published_low", "published_high")
NOTHING: dict[str, Any] = {**dict.fromkeys(NUMBERS, np.nan), "n": np.nan, "status": "", "source": ""}


def beside(patients: pd.DataFrame, tumor: str, training: Collection[str] = ()) -> pd.DataFrame:
    """Each reading of untreated tumors of a type, and what was published of it.

    Args:
        patients: a row for each patient, from `alarmin.readouts.phenotype.untreated_tumors`.
        tumor: the tumor type.
        training: names of the data that the population was fitted to.

    Returns:
        A row for each quantity: `tumor`, `quantity`, `title`, `unit`; `model` with `low` and `high` (a median and the
        10 to 90 % of patients; of a phenotype, its share and the 95 % interval of that share, after Wilson);
        `published` with `published_low` and `published_high` as far as the source gives them, `n` tumors, `status`,
        and `source` with the place in it, not a number where there is none; and `fitted`, whether the population was
        fitted to it.
    """
    measured = {item.quantity: item for item in untreated().findings if item.tumor == tumor and item.compare}
    rows: list[dict[str, Any]] = []
    for name in PHENOTYPES:
        share = binomtest(int((patients["phenotype"] == name).sum()), len(patients))
        ends = share.proportion_ci(method="wilson")
        about = {"quantity": name, "title": f"{name.capitalize()} tumors", "unit": "dimensionless"}
        rows.append(about | {"model": share.statistic, "low": ends.low, "high": ends.high} | _measured(measured, name))
    for name, (title, unit) in QUANTITIES.items():
        about = {"quantity": name, "title": title, "unit": unit}
        rows.append(about | _quantiles(patients[name].to_numpy()) | _published(measured, tumor, name))
    about = {"quantity": "mutations", "title": "Mutations (the model draws none)", "unit": "1/Mb"}
    rows.append(about | {"model": np.nan, "low": np.nan, "high": np.nan} | _published(measured, tumor, "mutations"))
    seen = {name.removeprefix(f"{UNTREATED}.{tumor}.") for name in training}
    return pd.DataFrame([{"tumor": tumor, **row, "fitted": row["quantity"] in seen} for row in rows])


def _quantiles(values: Any) -> dict[str, float]:
    low, model, high = np.quantile(values, (0.1, 0.5, 0.9))
    return {"model": float(model), "low": float(low), "high": float(high)}


def _published(measured: dict[Any, Any], tumor: str, name: str) -> dict[str, Any]:
    """What was measured of a quantity; of cells and mutations, what the composition of the type says."""
    entry = find_tumor(tumor).composition
    if entry is None or not (name.startswith("share_") or name in ("mutations", "m1_to_m2")):
        return _measured(measured, name)
    about = {"n": entry.tumors, "status": entry.status, "source": f"{entry.source}: {entry.where}"}
    if name == "m1_to_m2":
        return NOTHING | about | {"published": entry.median["m1"] / entry.median["m2"]}
    return NOTHING | about | {"published": entry.median[name.removeprefix("share_")]}


def _measured(measured: dict[Any, Any], name: str) -> dict[str, Any]:
    item = measured.get(name)
    if item is None:
        return dict(NOTHING)
    low, high = (np.nan if end is None else end for end in (item.low, item.high))
    about = {"n": np.nan if item.n is None else item.n, "status": item.status, "source": f"{item.source}: {item.where}"}
    return {"published": item.value, "published_low": low, "published_high": high} | about
