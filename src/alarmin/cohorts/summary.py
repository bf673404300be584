"""What came out of a cohort run, read chunk by chunk from its folder."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from alarmin.cohorts.folder import DATA, load
from alarmin.trials import statistics


def summary(folder: str | Path) -> dict[str, Any]:
    """Sizes and endpoints of a run, as plain data.

    `orr`, `cr` and `dcr` are shares, `median_pfs` and `median_os` [month], each as value, low and high (95 %);
    `failed` says by patient what was wrong with those whose state stopped being a number, and who count nowhere else.
    """
    import pyarrow.dataset as ds

    folder = Path(folder)
    manifest = load(folder)
    entries = [manifest.chunks[number] for number in sorted(manifest.chunks)]
    failed = {patient: why for entry in entries for patient, why in entry.failed.items()}
    # Of each patient these columns alone are ever in memory at once.
    wanted = ["response", "pfs", "pfs_event", "os", "os_event"]
    files = [str(folder / DATA / entry.file) for entry in entries if entry.file]
    found: dict[str, Any] = {
        "tumor": manifest.plan.tumor,
        "regimen": manifest.plan.regimen,
        "seed": manifest.plan.seed,
        "months": manifest.plan.months,
        "complete": manifest.complete,
        "patients": sum(entry.patients for entry in entries),
        "lesions": sum(entry.lesions for entry in entries),
        "chunks": len(entries),
        "failed": failed,
    }
    if not files:
        return found
    known = (ds.field("lesion") == 1) & ds.field("failed").is_null()
    rows = ds.dataset(files).to_table(columns=wanted, filter=known)
    if not len(rows):
        return found
    response = rows["response"].to_numpy()
    for name, kinds in (("orr", ("CR", "PR")), ("cr", ("CR",)), ("dcr", ("CR", "PR", "SD"))):
        found[name] = asdict(statistics.proportion(int(np.isin(response, kinds).sum()), len(response)))
    for name in ("pfs", "os"):
        time, event = rows[name].to_numpy(), rows[f"{name}_event"].to_numpy()
        found[f"median_{name}"] = asdict(statistics.median(time, event))
    return found
