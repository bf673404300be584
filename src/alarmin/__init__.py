"""Alarmin: immunogenic cell death in tumors, patients and trials. For research, not for decisions about a patient.

import alarmin as al

cohort = al.cohort("nsclc", n=200, seed=1)
course = al.simulate(cohort, "docetaxel 75 mg/m2 q3w", months=12)
result = al.run(al.trial("impower150"), seed=1)
al.score(result)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from alarmin.version import VERSION as __version__

if TYPE_CHECKING:
    from alarmin.enrollment import enroll as cohort
    from alarmin.records import agent, trial, tumor
    from alarmin.review import ledger
    from alarmin.scoring import score
    from alarmin.simulation import Settings, simulate
    from alarmin.therapy.regimen import parse as regimen
    from alarmin.trials import run

PUBLIC = {
    "agent": ("alarmin.records", "agent"),
    "cohort": ("alarmin.enrollment", "enroll"),
    "ledger": ("alarmin.review", "ledger"),
    "regimen": ("alarmin.therapy.regimen", "parse"),
    "run": ("alarmin.trials", "run"),
    "score": ("alarmin.scoring", "score"),
    "Settings": ("alarmin.simulation", "Settings"),
    "simulate": ("alarmin.simulation", "simulate"),
    "trial": ("alarmin.records", "trial"),
    "tumor": ("alarmin.records", "tumor"),
}
"""Public names and where they live; each is imported when first used, so that the command line starts at once."""

__all__ = [
    "Settings", "__version__", "agent", "cohort", "ledger", "regimen", "run", "score", "simulate", "trial", "tumor",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in PUBLIC:
        raise AttributeError(f"module 'alarmin' has no attribute {name!r}")
    module, attribute = PUBLIC[name]
    found = getattr(import_module(module), attribute)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return __all__
