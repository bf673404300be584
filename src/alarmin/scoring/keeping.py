"""Keeps banks of outcomes between runs, each under the fingerprint of all that it depends on."""

import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import platformdirs

from alarmin import results
from alarmin.patients.drawing import records_of
from alarmin.patients.possible import possible_populations
from alarmin.records import Trial
from alarmin.results.provenance import OUTER, code_fingerprint, fingerprint
from alarmin.simulation import COARSE, Settings
from alarmin.trials.bank import COLUMNS, Bank, fill
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
    fit = list(groups.values())[-1][0]
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
    if path.exists():
        table = pd.read_parquet(path)
        return Bank(trial, seed, fit.name if fit else "prior", fit.training if fit else (), table)
    bank = fill(trial, members=members, patients=patients, seed=seed, settings=settings, progress=progress)
    written = io.BytesIO()
    bank.table.to_parquet(written, index=False)
    folder.mkdir(parents=True, exist_ok=True)
    results.write_file(path, written.getvalue())
    return bank
