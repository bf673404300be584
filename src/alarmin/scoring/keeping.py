"""Keeps banks of outcomes between runs, each under the fingerprint of all that it depends on."""

import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import platformdirs

from alarmin.patients.drawing import records_of
from alarmin.patients.possible import possible_populations
from alarmin.records import Trial
from alarmin.results.kept import kept
from alarmin.results.provenance import OUTER, code_fingerprint, fingerprint
from alarmin.simulation import COARSE, Settings
from alarmin.trials.bank import COLUMNS, Bank, fill, fitted
from alarmin.trials.run import by_tumor
from alarmin.version import VERSION


def bank_folder() -> Path:
    """Where the commands keep banks: in the user's cache folder."""
    return Path(platformdirs.user_cache_dir("alarmin", "alarmin")) / "banks"


def kept_bank(
    trial: Trial,
    folder: Path,
    *,
    members: int,
    patients: int,
    seed: int = 0,
    settings: Settings = COARSE,
    progress: Callable[[str, int, int], None] | None = None,
) -> Bank:
    """The bank of a trial from `folder`, simulated and put there where it is not.

    A bank is found again only if trial, records, populations, code, sizes, seed and settings are the same.
    """
    import pandas as pd

    groups = {tumor: possible_populations(tumor, members, seed) for tumor in by_tumor(trial)}
    known = "\n".join(
        [
            VERSION,
            code_fingerprint(OUTER),
            trial.model_dump_json(),
            *(fingerprint(records_of(tumor)) for tumor in groups),
            *(fingerprint(changes) for _, possible in groups.values() for changes in possible),
            " ".join(COLUMNS),
            f"{patients} {seed} {settings.grid} {settings.steps_per_day} {settings.precision} {settings.decision_days}",
        ]
    )
    path = folder / f"{trial.name}-{hashlib.sha256(known.encode()).hexdigest()[:16]}.parquet"

    def make() -> bytes:
        bank = fill(trial, members=members, patients=patients, seed=seed, settings=settings, progress=progress)
        written = io.BytesIO()
        table = bank.table.reset_index(drop=True)
        # Parquet keeps what a table says of itself.
        table.attrs["failed"] = list(bank.failed)
        table.to_parquet(written, index=False)
        return written.getvalue()

    table = kept(path, make, pd.read_parquet)
    return Bank(trial, seed, *fitted(fit for fit, _ in groups.values()), table, tuple(table.attrs.get("failed", ())))
