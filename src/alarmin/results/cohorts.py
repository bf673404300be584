"""Keeps enrolled patients between runs, each cohort under the fingerprint of all that it depends on."""

import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from alarmin import enrollment
from alarmin.patients import Cohort
from alarmin.patients.drawing import records_of
from alarmin.records import population, tumor
from alarmin.results.kept import kept
from alarmin.results.provenance import code_fingerprint, fingerprint
from alarmin.simulation import Settings
from alarmin.version import VERSION

PARTS = ("values", "untreated")


def kept_cohort(
    name: str,
    n: int,
    seed: int,
    folder: Path,
    *,
    settings: Settings = Settings(),
    progress: Callable[[int, int], None] | None = None,
) -> Cohort:
    """The first `n` plausible patients of a tumor type, enrolled where `folder` lacks them.

    They are found again only if records, fit, code, seed, number and settings are the same.
    """
    fit = population(name, None)
    records = records_of(name, fit.records if fit else None)
    called = fit.name if fit else "prior"
    how = f"{settings.grid} {settings.steps_per_day} {settings.precision} {settings.decision_days}"
    known = [
        VERSION,
        code_fingerprint(),
        fingerprint(records),
        tumor(name).model_dump_json(),
        called,
        f"{n} {seed}",
        how,
    ]
    path = folder / f"{tumor(name).name}-{hashlib.sha256(chr(10).join(known).encode()).hexdigest()[:16]}.npz"

    def make() -> bytes:
        cohort = enrollment.enroll(name, n, seed, settings=settings, progress=progress)
        arrays: dict[str, Any] = {"ids": cohort.ids, "patient": cohort.patient, "lesion": cohort.lesion}
        for part in PARTS:
            arrays |= {f"{part}/{key}": value for key, value in (getattr(cohort, part) or {}).items()}
        written = io.BytesIO()
        np.savez(written, **arrays)
        return written.getvalue()

    def read(file: BinaryIO) -> Cohort:
        with np.load(file) as held:
            values, untreated = (_of(held, part) for part in PARTS)
            who = held["ids"], held["patient"], held["lesion"]
            return Cohort(tumor(name).name, seed, *who, values, records, called, untreated)

    return kept(path, make, read)


def _of(held: np.lib.npyio.NpzFile, part: str) -> dict[str, np.ndarray]:
    return {key.removeprefix(f"{part}/"): held[key] for key in held.files if key.startswith(f"{part}/")}
