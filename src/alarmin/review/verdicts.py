"""The verdicts of a run of the review as a small table that is kept: what came out, and from what."""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from alarmin.errors import AlarminError
from alarmin.review.ledger import VERDICTS, Entry
from alarmin.review.statements import statements, vocabulary
from alarmin.version import VERSION


@dataclass(frozen=True)
class Verdict:
    """What one statement came to in one run.

    `ratio`, `low` and `high` are the reading with the intervention over that without it, in the median patient, and the
    interval that holds the median in 95 % of samples; None where nothing was run. Cohorts of `patients` from `seed`
    were followed for `days`.
    """

    id: str
    section: str
    verdict: str
    ratio: float | None
    low: float | None
    high: float | None
    patients: int
    days: int
    seed: int
    version: str


def written(entries: Sequence[Entry], *, patients: int | None = None) -> str:
    """The table of a run, as CSV; `patients` where it was not the number of the vocabulary."""
    design = vocabulary().design
    ratio = lambda effect: None if effect is None else round(math.exp(effect), 4)
    found = io.StringIO()
    table = csv.DictWriter(found, [field.name for field in fields(Verdict)], lineterminator="\n")
    table.writeheader()
    for entry in entries:
        of, run = entry.statement, (patients or design.patients, design.days, design.seed, VERSION)
        effects = ratio(entry.effect), ratio(entry.low), ratio(entry.high)
        table.writerow(asdict(Verdict(of.id, of.section, entry.verdict, *effects, *run)))
    return found.getvalue()


def read(path: Path) -> Mapping[str, Verdict]:
    """The verdicts of a file that `written` made, by statement.

    Raises `AlarminError` where it is no such file, or speaks of a statement or a verdict that there is not.
    """
    remedy = "write it anew: alarmin review --out FILE.csv"
    known = {statement.id for statement in statements()}
    found: dict[str, Verdict] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if set(row) != {field.name for field in fields(Verdict)}:
                raise AlarminError(f"{path.name} has the columns {', '.join(map(str, row))}", remedy=remedy)
            if row["id"] not in known or row["verdict"] not in VERDICTS:
                raise AlarminError(f"{path.name}: {row['id']!r} {row['verdict']!r} is no verdict", remedy=remedy)
            number = lambda name, row=row: float(row[name]) if row[name] else None
            size = (number("ratio"), number("low"), number("high"))
            run = (int(row["patients"]), int(row["days"]), int(row["seed"]), row["version"])
            found[row["id"]] = Verdict(row["id"], row["section"], row["verdict"], *size, *run)
    return found
