"""Reads files of lesion diameters: one row a lesion and scan, with the words of the reading room kept as what they say.

    patient, lesion, day, diameter_mm        `lesion` may be missing; `study` and `arm` may be there

A file with a row that cannot be meant is refused as a whole, with every such row and what to do about it: to go on
without it would drop rows that nobody sees.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from alarmin.errors import AlarminError, nearest

TOO_SMALL = ("TOO SMALL TO MEASURE", "TOO SMALL", "TSTM")
NOT_EVALUABLE = ("NOT EVALUABLE", "NE", "NOT DONE", "MISSING")
COLUMNS = ("patient", "day", "diameter_mm")
OPTIONAL = ("study", "arm", "lesion")
EARLIEST, LATEST = -84.0, 3650.0
"""Days on which a scan can lie: a baseline within twelve weeks before the first dose, follow-up of ten years."""
SMALLEST, LARGEST = 5.0, 400.0
"""Longest diameters that a lesion can have at its first scan, and ever [mm]."""
MOST = 20
"""Lesions of one patient; RECIST follows five."""
SHOWN = 8
TARGET = 10.0
"""Least diameter of a target lesion at baseline, by RECIST [mm]."""


class LesionError(AlarminError):
    """A lesion file that cannot be meant."""


class Scan(BaseModel):
    """One reading of one lesion, as it stands in a file."""

    model_config = ConfigDict(frozen=True)

    patient: str = Field(min_length=1)
    lesion: str = Field(min_length=1)
    day: float = Field(ge=EARLIEST, le=LATEST, allow_inf_nan=False)
    diameter: float | None = Field(ge=0.0, le=LARGEST, allow_inf_nan=False)
    status: Literal["measured", "too small", "not evaluable"]

    @field_validator("patient", "lesion", mode="before")
    @classmethod
    def _without_spaces(cls, value: str) -> str:
        return value.strip()


@dataclass(frozen=True)
class Lesions:
    """The scans of a file.

    Attributes:
        table: one row a reading, in the order of the file, with the columns study, arm, patient, lesion, day,
            diameter (not a number where it was not measured), status and row (line of the file).
        notes: what the reader of the file should know.
    """

    table: pd.DataFrame
    notes: tuple[str, ...]

    def patients(self) -> Iterator[tuple[tuple[str, str, str], pd.DataFrame]]:
        """Study, arm and label of each patient, with his rows by lesion and day."""
        for key, rows in self.table.groupby(["study", "arm", "patient"], sort=False):
            yield key, rows.sort_values(["lesion", "day"], kind="stable")  # type: ignore[misc]


def read(path: str | Path, *, as_published: bool = False) -> Lesions:
    """The lesions of a CSV file; raises `LesionError` that names rows and remedies.

    Args:
        path: of the file.
        as_published: for data that are compared with publications on them, who took them as they stand: a lesion may
            be read twice on a day, an empty diameter is not evaluable, a row without a day is left out with a note.
    """
    raw = _cells(path)
    _columns(raw)
    if raw.empty:
        raise LesionError(f"{str(path)!r} holds no rows", remedy="give one row for each lesion and scan")
    for name in OPTIONAL:
        if name not in raw:
            raw[name] = "1" if name == "lesion" else ""
    left_out = 0
    if as_published:
        raw["diameter_mm"] = raw["diameter_mm"].replace("", NOT_EVALUABLE[0])
        left_out = int((raw["day"] == "").sum())
    raw = raw.loc[raw["day"] != ""] if as_published else raw
    wrong: list[str] = []
    scans = [_scan(row["row"], row, wrong) for row in raw.to_dict("records")]
    _refuse(wrong, "correct these rows, or write NOT EVALUABLE where nothing could be measured")
    table = pd.DataFrame([scan.model_dump() for scan in scans if scan is not None])
    table["diameter"] = table["diameter"].astype(float)
    table.insert(0, "study", raw["study"].str.strip().to_numpy())
    table.insert(1, "arm", raw["arm"].str.strip().to_numpy())
    table["row"] = raw["row"].to_numpy()
    if not as_published:
        _once(table)
        _millimeters(table)
    notes = [f"{left_out} rows without a day are left out"] if left_out else []
    return Lesions(table, (*notes, *_notes(table)))


def _cells(path: str | Path) -> pd.DataFrame:
    """What stands in a file, as text, with the line of each row; lines without anything are no rows."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file, skipinitialspace=True, strict=True)
            rows = [(lines.line_num, cells) for cells in lines if any(cell.strip() for cell in cells)]
    except FileNotFoundError:
        raise LesionError(f"there is no file {str(path)!r}", remedy="correct the path") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise LesionError(
            f"{str(path)!r} is not read as a table: {error}", remedy="save it as CSV, comma-separated, in UTF-8"
        ) from None
    if not rows:
        raise LesionError(f"{str(path)!r} is empty", remedy="give one row for each lesion and scan, under a header")
    names: list[str] = [name.strip().lower() for name in rows[0][1]]
    if len(names) == 1 and re.search(r"[;\t]", names[0]):
        raise LesionError(
            f"the columns of {str(path)!r} are parted by semicolons or tabs",
            remedy="part them by commas, and write decimal points",
        )
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise LesionError(f"the column {twice[0]!r} stands twice in the header", remedy="keep one of them")
    wrong = [
        f"row {line}: {len(cells)} cells under {len(names)} columns"
        + ("; is a decimal comma among them?" if len(cells) > len(names) else "")
        for line, cells in rows[1:]
        if len(cells) != len(names)
    ]
    _refuse(wrong, "give every row a cell for each column, and write decimal points")
    found = pd.DataFrame([cells for _, cells in rows[1:]], columns=pd.Index(names), dtype=str)
    return found.assign(row=[line for line, _ in rows[1:]])


def _columns(raw: pd.DataFrame) -> None:
    for name in COLUMNS:
        if name not in raw:
            found = ", ".join(map(repr, raw.columns.drop("row")[:12])) or "none"
            if name == "diameter_mm" and "diameter_cm" in raw:
                raise LesionError("diameters are in cm (column 'diameter_cm')", remedy="multiply by 10: 'diameter_mm'")
            raise LesionError(
                f"the column {name!r} is missing; found: {found}",
                remedy="name the columns patient, lesion, day, diameter_mm; days from the first dose",
            )
    for name in raw.columns.drop("row"):
        if name not in (*COLUMNS, *OPTIONAL):
            raise LesionError(
                f"column {name!r} is not known; {nearest(name, (*COLUMNS, *OPTIONAL))}",
                remedy="rename it, or leave it out: names, dates of birth and the like are not needed",
            )


def _scan(number: int, row: dict[str, str], wrong: list[str]) -> Scan | None:
    """One row, or None with what is wrong with it."""
    diameter, status = _diameter(row["diameter_mm"])
    if isinstance(diameter, str):
        wrong.append(f"row {number}: {diameter}")
        return None
    if _number(row["day"]) is None:
        said = "looks like a date" if re.search(r"\d[-/.]\d+[-/.]\d", row["day"]) else "is no number"
        wrong.append(f"row {number}: day {row['day']!r} {said}; count days from the first dose")
        return None
    try:
        return Scan(
            patient=row["patient"],
            lesion=row["lesion"],
            day=float(row["day"]),
            diameter=diameter,
            status=status,
        )
    except ValidationError as error:
        wrong += [f"row {number}: {_said(problem['loc'][0], row)}" for problem in error.errors()]
        return None


def _said(field: object, row: dict[str, str]) -> str:
    if field == "day":
        return (
            f"day {row['day']} lies outside {EARLIEST:g} to {LATEST:g}; count days from the first dose, "
            "a baseline scan before it is negative"
        )
    if field == "diameter":
        return f"diameter {row['diameter_mm']} lies outside 0 to {LARGEST:g} mm"
    return f"{field} is empty"


def _diameter(text: str) -> tuple[float | str | None, Literal["measured", "too small", "not evaluable"]]:
    """A diameter [mm] and how it was read; a text says what is wrong."""
    word = " ".join(text.upper().split())
    if word in TOO_SMALL:
        return None, "too small"
    if word in NOT_EVALUABLE:
        return None, "not evaluable"
    value = _number(text)
    if value is not None:
        return value, "measured"
    if not word:
        return "the diameter is empty; write NOT EVALUABLE where nothing could be measured", "measured"
    if word.endswith("CM"):
        return f"the diameter {text!r} is in cm; multiply by 10 and leave the unit out", "measured"
    if word.endswith("MM"):
        return f"the diameter {text!r} has a unit; leave it out", "measured"
    if re.fullmatch(r"-?\d+,\d+", word):
        return f"the diameter {text!r} has a decimal comma; write {text.strip().replace(',', '.')!r}", "measured"
    return f"the diameter {text!r} is no number; known words: {TOO_SMALL[0]}, {NOT_EVALUABLE[0]}", "measured"


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\s*[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?\s*", text, re.IGNORECASE) else None


def _refuse(wrong: list[str], remedy: str) -> None:
    if wrong:
        more = f"\n… and {len(wrong) - SHOWN} more rows" if len(wrong) > SHOWN else ""
        raise LesionError("\n".join(wrong[:SHOWN]) + more, remedy=remedy)


def _once(table: pd.DataFrame) -> None:
    """Refuses a lesion that is read twice on one day, and more lesions than anybody follows."""
    key = ["study", "arm", "patient", "lesion", "day"]
    first = table.groupby(key)["row"].transform("min")
    again = table.loc[table["row"] != first]
    wrong = [
        f"row {r.row}: the lesion was read on day {r.day:g} already, in row {first[i]}" for i, r in again.iterrows()
    ]
    _refuse(wrong, "keep one reading of each lesion and day; number the lesions of a patient in the column 'lesion'")
    counts = table.groupby(key[:3])["lesion"].nunique()
    if (counts > MOST).any():
        patient, count = counts.idxmax(), counts.max()
        row = table.loc[table["patient"] == patient[-1], "row"].iloc[0]  # type: ignore[index]
        raise LesionError(
            f"the patient of row {row} has {count} lesions; at most {MOST} can be followed",
            remedy="give the target lesions (RECIST: up to five), and one label for each patient",
        )


def _millimeters(table: pd.DataFrame) -> None:
    """Refuses what only centimeters explain: nobody follows a lesion that was too small to be measured at first."""
    seen = table.loc[table["diameter"].notna()]
    first = seen.sort_values("day", kind="stable").groupby(["study", "arm", "patient", "lesion"], sort=False).head(1)
    small = first.loc[first["diameter"] < SMALLEST]
    wrong = [
        f"row {r.row}: {r.diameter:g} mm at the first scan is too small to be followed (10 mm at least, by RECIST)"
        for r in small.itertuples()
    ]
    _refuse(wrong, "give diameters in mm: if these are in cm, multiply by 10")
    # One lesion of 8 mm is followed now and then; that all are, and were read to the tenth, is not.
    if (first["diameter"] < TARGET).all() and (first["diameter"] % 1.0 > 0.0).any():
        wrong = [f"row {r.row}: {r.diameter:g} mm at the first scan, as in all lesions" for r in first.itertuples()]
        _refuse(wrong, "give diameters in mm: if these are in cm, multiply by 10; if not, round them to whole mm")
    # A reading that is a tenth of those before and after it was written in another unit.
    for _, rows in seen.groupby(["study", "arm", "patient", "lesion"], sort=False):
        rows = rows.sort_values("day", kind="stable")
        size, row = rows["diameter"].to_numpy(), rows["row"].to_numpy()
        for k in range(1, len(size) - 1):
            before, now, after = size[k - 1 : k + 2]
            if 0.0 < 0.8 * before < 10.0 * now < 1.25 * before and after > 5.0 * now:
                wrong.append(f"row {row[k]}: {now:g} is a tenth of {before:g} before it, and {after:g} follows")
    _refuse(wrong, "give diameters in mm: if these are in cm, multiply by 10")


def _notes(table: pd.DataFrame) -> Iterator[str]:
    key = ["study", "arm", "patient", "lesion"]
    scans = table["diameter"].notna().groupby([table[name] for name in key]).sum()
    counts = table["status"].value_counts()
    if counts.get("too small", 0):
        yield f"{counts['too small']} readings too small to measure are taken as what they say: present, below 5 mm"
    if counts.get("not evaluable", 0):
        yield f"{counts['not evaluable']} readings not evaluable are missing; nothing is put in their place"
    once, never = int(np.sum(scans == 1)), int(np.sum(scans == 0))
    latest = table.sort_values("day").drop_duplicates(key, keep="last")["day"].to_numpy(float)
    before = int((latest < 0.0).sum())
    if before:
        yield f"{before} lesions were read before the first dose alone: what treatment does is that of the population"
    if once:
        yield f"{once} lesions have one reading: their forecast is that of the population"
    if never:
        yield f"{never} lesions have no reading: nothing is forecast for them"
