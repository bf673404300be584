"""How long another simulator takes for the same patient, beside Alarmin, in one run on one machine."""

import os
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from alarmin.enrollment import enroll
from alarmin.errors import AlarminError
from alarmin.exports.patient import mixed
from alarmin.exports.sbml import sbml
from alarmin.simulation import Settings, simulate

REGIMEN = "paclitaxel 80 mg/m2 qw"
DAYS = 730
RTOL = 1e-6


def against_roadrunner(
    tumor: str = "nsclc", regimen: str = REGIMEN, days: int = DAYS, settings: Settings = Settings(), repeats: int = 3
) -> dict[str, Any]:
    """Two years of weekly dosing: spatial lesions in Alarmin, the same patient well mixed in libRoadRunner's CVODE.

    Times are the least of `repeats`, loading and compilation apart. Alarmin's is given twice: a lesion's share of a
    full chunk on every worker, and a chunk that holds one patient alone, from start to end.

    Returns roadrunner_s, alarmin_lane_s, alarmin_alone_s, ratio (lane over roadrunner), ratio_alone, and what was run.

    Raises `AlarminError` without libRoadRunner.
    """
    try:
        import roadrunner
    except ImportError:
        raise AlarminError(
            "libRoadRunner is not installed", remedy="install it with: pip install libroadrunner"
        ) from None
    cohort = enroll(tumor, settings.lanes, settings=settings)
    single = cohort[np.flatnonzero(np.bincount(cohort.patient) == 1)[:1]]

    model = roadrunner.RoadRunner(sbml(mixed(single), regimen, days=days))
    model.integrator.relative_tolerance = RTOL
    model.integrator.absolute_tolerance = 1e-9

    def peer() -> None:
        model.resetToOrigin()
        model.integrator.relative_tolerance = RTOL
        model.simulate(0, days, days + 1, ["time", "diameter"])

    lanes = settings.lanes * settings.workers
    rows = np.arange(len(cohort))
    while cohort[rows].lanes < lanes:
        rows = np.concatenate([rows, np.arange(len(cohort))])
    many = cohort[rows[: int(np.searchsorted(np.cumsum(np.bincount(cohort[rows].patient)), lanes, side="right"))]]
    alone = replace(settings, lanes=8, workers=1)
    whole = _fastest(lambda: simulate(many, regimen, days=days, settings=settings), repeats)
    one = _fastest(lambda: simulate(single, regimen, days=days, settings=alone), repeats)
    theirs = _fastest(peer, repeats)
    return {
        "regimen": regimen,
        "days": days,
        "rtol": RTOL,
        "roadrunner": roadrunner.__version__,
        "shells": settings.ball.shells,
        "lanes": many.lanes,
        "workers": settings.workers,
        "cores": os.cpu_count(),
        "roadrunner_s": theirs,
        "alarmin_lane_s": whole / many.lanes,
        "alarmin_alone_s": one,
        "ratio": whole / many.lanes / theirs,
        "ratio_alone": one / theirs,
    }


def _fastest(run: Callable[[], Any], repeats: int) -> float:
    """Least wall time of a run [s] after a first one, which compiles."""
    run()
    spent = []
    for _ in range(repeats):
        begin = time.perf_counter()
        run()
        spent.append(time.perf_counter() - begin)
    return min(spent)
