"""Which parameters the outcomes hang on: samples, runs, indices, and one table."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alarmin.errors import nearest
from alarmin.patients import records_of
from alarmin.records import Record
from alarmin.records import population as find_population
from alarmin.records import tumor as find_tumor
from alarmin.sensitivity.belief import Range, SensitivityError, ranges
from alarmin.sensitivity.indices import (
    Indices,
    elementary_effects,
    latin_hypercube,
    prcc,
    saltelli,
    total_effects,
    trajectories,
)
from alarmin.sensitivity.outcomes import OUTCOMES, outcomes, typical
from alarmin.simulation import Settings
from alarmin.therapy.regimen import Regimen, parse

METHODS = ("prcc", "morris", "sobol")

SPARE = 30
"""Least number of samples beyond the parameters in a regression on all of them."""

Points = NDArray[np.float64]
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Sensitivity:
    """What the outcomes of a regimen hang on.

    Attributes:
        tumor: tumor type.
        regimen: what was given.
        days: day of the outcomes of treatment.
        method: of the indices.
        samples: sets of values that were tried.
        plausible: how many of them make a patient; the others tell nothing.
        population: name of the fitted population of which the patient is one, or "prior".
        records: of the typical patient, by id.
        table: a row for each outcome and parameter, ranked within the outcome by the size of the index; columns
            `outcome`, `rank`, `record`, `title`, `grade`, `status`, `unit`, `from`, `to` (what is believed), `index`,
            `low`, `high` (95 %), `direction` (1: rises with the parameter).
    """

    tumor: str
    regimen: str
    days: int
    method: str
    samples: int
    plausible: int
    population: str
    records: Mapping[str, Record]
    table: pd.DataFrame

    def top(self, count: int) -> pd.DataFrame:
        """The first `count` rows of each outcome."""
        return self.table.loc[self.table["rank"] <= count]


def sensitivity(
    tumor: str,
    regimen: str | Regimen,
    *,
    samples: int = 4096,
    method: str = "prcc",
    days: int = 84,
    top: int = 40,
    only: Iterable[str] = (),
    seed: int = 0,
    settings: Settings = Settings(),
    progress: Progress | None = None,
) -> Sensitivity:
    """Which of the numbers that a model uses decide the outcomes of a regimen, within what is believed of each.

    A typical patient is run once for each set of values, all as lanes of one program. `prcc` varies all parameters at
    once over a Latin hypercube; `morris` walks through them one at a time; `sobol` screens with `morris` first and
    divides the variance among the `top` parameters, each stage with `samples` runs.

    Args:
        tumor: tumor type.
        regimen: in the regimen language; empty for no treatment.
        samples: sets of values in each stage; designs take as many as fit.
        method: of the indices.
        days: day of the outcomes of treatment.
        top: how many parameters `sobol` takes on.
        only: patterns of ids to vary, such as `oxygen_*`; all without any.
        seed: of the patient and the samples.
        settings: how to compute.
        progress: is told what is done, how many of how many.

    Raises `SensitivityError` where the samples are too few for the parameters.
    """
    if method not in METHODS:
        raise SensitivityError(f"unknown method {method!r}; {nearest(method, METHODS)}", remedy="choose one of them")
    plan = parse(regimen) if isinstance(regimen, str) else regimen
    name = find_tumor(tumor).name
    fitted = find_population(name)
    believed_of = ranges(records_of(name, fitted.records if fitted else {}), plan.agents, only)
    least(method, samples, len(believed_of), top)
    records = typical(name, seed, settings)
    spans = ranges(records, plan.agents, only)
    run = lambda points, over: outcomes(name, records, _values(points, over), plan, days, settings, progress)

    if method == "prcc":
        points = latin_hypercube(samples, len(spans), seed)
        found = run(points, spans)
        whole = np.isfinite(found["change"])
        least_plausible(int(whole.sum()), len(spans))
        indices = {outcome: prcc(points[whole], found[outcome][whole], seed) for outcome in OUTCOMES}
    else:
        points = trajectories(samples // (len(spans) + 1), len(spans), seed)
        found = run(points, spans)
        indices = {outcome: elementary_effects(points, found[outcome], seed) for outcome in OUTCOMES}
    if method == "sobol":
        spans = _strongest(spans, indices, top)
        points = saltelli(_power_of_two(samples // (len(spans) + 2)), len(spans), seed)
        found = run(points, spans)
        indices = {outcome: total_effects(points, found[outcome], seed) for outcome in OUTCOMES}
    table = pd.concat([_rows(outcome, spans, records, of) for outcome, of in indices.items()], ignore_index=True)
    plausible = int(np.isfinite(found["change"]).sum())
    population = fitted.name if fitted else "prior"
    return Sensitivity(name, str(plan), days, method, len(points), plausible, population, records, table)


def least(method: str, samples: int, parameters: int, top: int) -> None:
    """Raises `SensitivityError` where a method cannot do with so few samples."""
    needed = {"prcc": parameters + SPARE, "morris": 2 * (parameters + 1), "sobol": 2 * (parameters + 1)}[method]
    if method == "sobol":
        needed = max(needed, 16 * (min(top, parameters) + 2))
    if samples < needed:
        raise SensitivityError(
            f"{samples} samples for {parameters} parameters; {method} needs at least {needed}",
            remedy='give more --samples, or vary fewer parameters with --only "PATTERN"',
        )


def least_plausible(plausible: int, parameters: int) -> None:
    """Raises `SensitivityError` where too few samples are left for a regression on all parameters."""
    if plausible < parameters + SPARE:
        raise SensitivityError(
            f"only {plausible} samples make a plausible patient; {parameters} parameters need {parameters + SPARE}",
            remedy='give more --samples, or vary fewer parameters with --only "PATTERN"',
        )


def overall(table: pd.DataFrame) -> pd.DataFrame:
    """The parameters by their largest index over all outcomes, each index relative to the largest of its outcome.

    One row for each parameter, `rank` from 1, with the row of the outcome in which it counts most.
    """
    size = table["index"].abs()
    relative = size / size.groupby(table["outcome"]).transform("max")
    order = relative.sort_values(ascending=False, kind="stable").index
    found = table.loc[order].drop_duplicates("record").reset_index(drop=True)
    return found.assign(rank=np.arange(1, len(found) + 1))


def _values(points: Points, spans: Mapping[str, Range]) -> dict[str, Points]:
    return {id: span.at(points[:, column]) for column, (id, span) in enumerate(spans.items())}


def _rows(outcome: str, spans: Mapping[str, Range], records: Mapping[str, Record], of: Indices) -> pd.DataFrame:
    rows = pd.DataFrame(
        {
            "outcome": outcome,
            "rank": 0,
            "record": list(spans),
            **{name: [getattr(records[id], name) for id in spans] for name in ("title", "grade", "status", "unit")},
            "from": [span.low for span in spans.values()],
            "to": [span.high for span in spans.values()],
            "index": of.index,
            "low": of.low,
            "high": of.high,
            "direction": of.direction,
        }
    )
    rows = rows.iloc[np.argsort(-np.nan_to_num(np.abs(of.index), nan=-1.0), kind="stable")].reset_index(drop=True)
    return rows.assign(rank=np.arange(1, len(rows) + 1))


def _strongest(spans: dict[str, Range], indices: Mapping[str, Indices], top: int) -> dict[str, Range]:
    """The `top` parameters by their largest index, relative to the largest of each outcome."""
    sizes = [np.nan_to_num(np.abs(of.index)) for of in indices.values()]
    relative = np.max([size / max(size.max(), 1e-12) for size in sizes], axis=0)
    chosen = set(np.argsort(-relative, kind="stable")[:top].tolist())
    return {id: span for number, (id, span) in enumerate(spans.items()) if number in chosen}


def _power_of_two(most: int) -> int:
    return 1 << (max(most, 1).bit_length() - 1)
