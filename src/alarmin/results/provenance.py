"""Where a result comes from: what is needed to make it again, and to judge how far it can be trusted."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from alarmin.records import Record, Source, sources
from alarmin.version import NOTICE, VERSION

PACKAGES = ("jax", "jaxlib", "equinox", "numpy", "scipy", "pandas", "lifelines", "xarray", "zarr")


class Parameter(BaseModel):
    """A record as it was in force, without its prose."""

    model_config = ConfigDict(frozen=True)

    value: float
    unit: str
    source: str
    grade: str
    status: str


class Provenance(BaseModel):
    """The recipe of a result.

    Attributes:
        alarmin: version that made it.
        made: date and time, UTC.
        command: what was asked for.
        subject: trial, or tumor type and regimen.
        seed: seed of everything random.
        patients: number of virtual patients.
        population: name of the fitted population, or "prior".
        members: of posteriors, which the populations of a bank were; None where everybody had the same records.
        parameters: every record in force, by id.
        parameters_hash: SHA-256 of the complete records, their prose and spreads included.
        trust: number of records of each grade and of each status.
        citations: the sources of these records, by key.
        packages: versions of the packages that computed it.
        notice: what the result is not for.
    """

    model_config = ConfigDict(frozen=True)

    alarmin: str
    made: str
    command: str
    subject: dict[str, str]
    seed: int
    patients: int
    population: str
    members: str | None = None
    parameters: dict[str, Parameter]
    parameters_hash: str
    trust: dict[str, dict[str, int]]
    citations: dict[str, Source]
    packages: dict[str, str]
    notice: str = NOTICE

    def to_json(self) -> str:
        """The provenance as indented JSON."""
        return self.model_dump_json(indent=1, exclude_none=True)


def provenance(
    *,
    command: str,
    subject: Mapping[str, str],
    seed: int,
    patients: int,
    records: Mapping[str, Record],
    population: str = "prior",
    members: str | None = None,
) -> Provenance:
    """The provenance of a result that is being made now from `records`."""
    cited = sorted({record.source for record in records.values()})
    return Provenance(
        alarmin=VERSION,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        command=command,
        subject=dict(subject),
        seed=seed,
        patients=patients,
        population=population,
        members=members,
        parameters={name: _parameter(records[name]) for name in sorted(records)},
        parameters_hash=fingerprint(records),
        trust={
            "grade": dict(sorted(Counter(record.grade for record in records.values()).items())),
            "status": dict(sorted(Counter(record.status for record in records.values()).items())),
        },
        citations={key: sources()[key] for key in cited if key in sources()},
        packages={name: _version(name) for name in PACKAGES},
    )


def records_by_tumor(every: Mapping[str, Mapping[str, Record]]) -> dict[str, Record]:
    """Records of tumor types by id; what is not the same in all of them, by "TUMOR.id"."""
    first = next(iter(every.values()))
    shared = {id for id, record in first.items() if all(of.get(id) == record for of in every.values())}
    return {id if id in shared else f"{name}.{id}": of[id] for name, of in every.items() for id in of}


def fingerprint(records: Mapping[str, Record]) -> str:
    """SHA-256 of complete records; it changes with any of them, and not with their order."""
    content = {name: records[name].model_dump(mode="json") for name in sorted(records)}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


OUTER = (
    *("cli", "web", "scoring", "calibrate", "review", "explain", "sensitivity", "decide", "cohorts", "forecast"),
    *("plots", "exports", "results", "design", "bench", "published"),
)
"""Rooms that nothing which simulates patients and trials may import: their code changes no outcome."""


@cache
def code_fingerprint(without: tuple[str, ...] = ()) -> str:
    """SHA-256 of all code of Alarmin; it changes with any of its files.

    Args:
        without: rooms, such as "cli", that do not count, since what is asked about may not import them.
    """
    digest = hashlib.sha256()
    root = Path(__file__).parent.parent
    for path in sorted(root.rglob("*.py")):
        place = path.relative_to(root)
        if Path(place.parts[0]).stem not in without:
            digest.update(place.as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def _parameter(record: Record) -> Parameter:
    return Parameter(
        value=record.value, unit=record.unit, source=record.source, grade=record.grade, status=record.status
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
