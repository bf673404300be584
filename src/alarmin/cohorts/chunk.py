"""One chunk of a cohort run: some candidates, from their drawing to their outcomes, as the bytes of a Parquet file."""

import hashlib
import io
import resource
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from alarmin.cohorts.plan import MadeWith, Plan, RunError, made_with
from alarmin.enrollment import plausible
from alarmin.numerics import random
from alarmin.patients import Cohort, draw
from alarmin.readouts.biopsy import Biopsy
from alarmin.readouts.follow_up import until_progression
from alarmin.readouts.recist import Response
from alarmin.simulation import MONTH, Course, Crew, Failure, SimulationError, simulate
from alarmin.trials.endpoints import outcomes

if TYPE_CHECKING:
    import pyarrow as pa

READINGS = ("hyaluronan", "pdl1", "cd8", "teff", "ecog")
"""What is read of each patient before treatment (`alarmin.readouts.biopsy.Biopsy`)."""

KEPT = ("diameter", "tumor", "cd8", "oxygen")
"""Readings of each lesion that are kept of the first and the last day: [mm], [Mcell], [Mcell/mL], [mmHg]."""


@dataclass(frozen=True)
class Piece:
    """What a chunk came to.

    Attributes:
        patients, lesions: how many of its candidates became patients, and how many lesions they have.
        failed: what was wrong with those whose state stopped being a number, by id.
        content: one row a lesion, as the bytes of a Parquet file; empty where nobody became a patient.
        sha256: of the content.
        memory_mb: most memory that the process of the worker has held [MB].
    """

    patients: int
    lesions: int
    failed: Mapping[int, str]
    content: bytes
    sha256: str
    memory_mb: float


def run_chunk(plan: Plan, number: int, expected: MadeWith) -> Piece:
    """Draws, enrolls, treats and follows the candidates of chunk `number`.

    Nothing but the plan and the number has influence on the content, to the bit.

    Raises:
        RunError: where this worker computes with something else than `expected`.
    """
    different = expected.differences(made_with(plan))
    if different:
        raise RunError(
            f"a worker on {socket.gethostname()} would compute other bits: {'; '.join(different)}",
            remedy="give all workers the environment of the run, on processors of one kind",
        )
    candidates = draw(plan.tumor, plan.ids(number), plan.seed, plan.changes(), plan.population_name)
    found = plausible(candidates, plan.settings)
    # Nobody will ask for the random numbers of these patients again.
    random.forget()
    if found is None:
        return _piece(None, {})
    course, failed = follow(plan, found)
    rows = table(plan, found, course, failed)
    random.forget()
    return _piece(rows, {failure.patient: str(failure) for failure in failed})


def first_patients(content: bytes, count: int, failed: Mapping[int, str]) -> Piece:
    """The first `count` patients of a chunk."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = pq.read_table(pa.BufferReader(content))
    patients = np.unique(rows["patient"].to_numpy())[:count]
    chosen = rows.filter(pa.array(np.isin(rows["patient"].to_numpy(), patients)))
    return _piece(chosen, {patient: why for patient, why in failed.items() if patient in patients})


def _piece(rows: "pa.Table | None", failed: Mapping[int, str]) -> Piece:
    content = b"" if rows is None else parquet(rows)
    return Piece(
        patients=0 if rows is None else len(rows["patient"].unique()),
        lesions=0 if rows is None else rows.num_rows,
        failed=failed,
        content=content,
        sha256=hashlib.sha256(content).hexdigest(),
        memory_mb=_memory_mb(),
    )


def follow(plan: Plan, cohort: Cohort) -> tuple[Course | None, tuple[Failure, ...]]:
    """The course of those whose state stays a number, None where nobody's does, and who failed."""
    trial = plan.trial()
    try:
        course = simulate(
            cohort,
            plan.regimen,
            months=plan.months,
            treat_on=until_progression(trial.scans) if plan.until_progression else None,
            drop_failed=True,
            settings=plan.settings,
            crew=_crew(),
        )
    except SimulationError as error:
        if not error.failed:
            raise
        return None, error.failed
    return course, course.failed


def table(plan: Plan, cohort: Cohort, course: Course | None, failed: tuple[Failure, ...]) -> "pa.Table":
    """One row a lesion, with what is known of its patient in each; empty where he failed.

    Columns: patient, lesion, failed; what was drawn, by record; READINGS before treatment; KEPT as `NAME_start` and
    `NAME_end`; `scan_day`, `scan_diameter` [mm] and `scan_response`, lists; response, `response_day`; pfs and os
    [month] with `pfs_event` and `os_event`.
    """
    import pyarrow as pa

    why = {failure.patient: str(failure) for failure in failed}
    ids = cohort.ids[cohort.patient]
    columns = {
        "patient": pa.array(ids),
        "lesion": pa.array((cohort.lesion + 1).astype(np.int8)),
        "failed": pa.array([why.get(int(patient)) for patient in ids], pa.string()),
    }
    columns |= {name: pa.array(values.astype(np.float32)) for name, values in sorted(cohort.values.items())}
    biopsy = Biopsy(cohort, plan.settings)
    for name in READINGS:
        columns[name] = pa.array(np.asarray(getattr(biopsy, name), np.float32)[cohort.patient])
    known = _schema().empty_table() if course is None else _followed(plan, course)
    # A row of nobody, for those who failed.
    missing = np.isin(ids, list(why))
    rows = pa.array(np.cumsum(~missing) - 1, mask=missing)
    return pa.table(columns | {name: known[name].combine_chunks().take(rows) for name in known.column_names})


def _followed(plan: Plan, course: Course) -> "pa.Table":
    """What became of each lesion and its patient, one row a lesion."""
    import pyarrow as pa

    trial, cohort = plan.trial(), course.cohort
    found = outcomes(course, trial, trial.arms[0])
    names = np.array([response.name for response in Response])
    each = lambda values: values[..., cohort.patient]
    # Of scans that nobody took any more, there is no diameter.
    read = np.where(each(found.overall) == Response.NE, np.nan, found.scans.readings)
    columns = {
        **{f"{name}_start": course.lesions[name][0] for name in KEPT},
        **{f"{name}_end": course.lesions[name][-1] for name in KEPT},
        "scan_day": list(each(found.scans.days).T),
        "scan_diameter": list(read.T),
        "scan_response": list(names[each(found.overall)].T),
        "response": each(names[found.best.response]),
        "response_day": each(np.where(found.responds, found.best.response_day, np.nan)),
        "pfs": each(found.pfs) / MONTH,
        "pfs_event": each(found.pfs_event),
        "os": each(found.os) / MONTH,
        "os_event": each(found.os_event),
    }
    return pa.table({field.name: pa.array(columns[field.name], field.type, from_pandas=True) for field in _schema()})


def _schema() -> "pa.Schema":
    import pyarrow as pa

    number, whether, word = pa.float32(), pa.bool_(), pa.string()
    return pa.schema(
        {
            **{f"{name}_{end}": number for end in ("start", "end") for name in KEPT},
            "scan_day": pa.list_(number),
            "scan_diameter": pa.list_(number),
            "scan_response": pa.list_(word),
            "response": word,
            "response_day": number,
            "pfs": pa.float64(),
            "pfs_event": whether,
            "os": pa.float64(),
            "os_event": whether,
        }
    )


def parquet(content: "pa.Table") -> bytes:
    """A table as the bytes of a Parquet file; the same table gives the same bytes."""
    import pyarrow.parquet as pq

    written = io.BytesIO()
    pq.write_table(content, written, compression="zstd")
    return written.getvalue()


@cache
def _crew() -> Crew:
    """The one crew of a process: what one chunk has compiled, the next need not wait for."""
    return Crew(1)


def _memory_mb() -> float:
    """Most memory that this process has held [MB]."""
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kilobytes / (1024.0**2 if sys.platform == "darwin" else 1024.0)
