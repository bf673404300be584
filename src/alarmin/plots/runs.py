"""The usual pictures of a course and of a trial."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from alarmin.plots.compare import compare
from alarmin.plots.section import section
from alarmin.plots.survival import Landmark, Median, survival
from alarmin.plots.waterfall import waterfall

if TYPE_CHECKING:
    from alarmin.simulation import Course
    from alarmin.trials.analysis import TrialResult

MONTH = 365.25 / 12.0
SURVIVAL = {
    "os": ("overall survival", "alive"),
    "pfs": ("progression-free survival", "alive without progression"),
}


def course_section(course: "Course", lane: int = 0, at: Sequence[float] | None = None) -> Figure:
    """Cuts through one lesion of a course with profiles, on the days `at` or at five times, closer at first."""
    last = float(course.profile_days[-1])
    chosen = at if at is not None else [0.0, 0.12 * last, 0.35 * last, 0.65 * last, last]
    person = course.cohort.patient[lane]
    doses = {name: np.flatnonzero(amount[:, person] > 0).tolist() for name, amount in course.doses.items()}
    return section(
        course.profile_days,
        course.radius[:, lane],
        course.shells,
        {name: values[:, :, lane] for name, values in course.profiles.items()},
        at=chosen,
        title=f"{course.cohort.tumor.upper()}, {' + '.join(n for n, d in doses.items() if d) or 'untreated'}",
        diameter=(course.days, course.lesions["diameter"][:, lane]),
        doses={name: days for name, days in doses.items() if days},
    )


def trial_figures(
    result: "TrialResult", scored: pd.DataFrame | None = None, comparison: pd.DataFrame | None = None
) -> dict[str, Figure]:
    """Survival curves, waterfall, and the comparison with what was published, by name.

    `scored` has a row for each endpoint of an arm (`of`), with `published`, `published_low` and `published_high`;
    `comparison` is the table that `compare` takes.
    """
    found: dict[str, Figure] = {}
    title = result.trial.title.partition(":")[0]
    known: Any = None if scored is None else scored[scored["published"].notna()]
    adtte = result.tables["adtte"]
    for code, (name, event) in SURVIVAL.items():
        rows = adtte[adtte["PARAMCD"] == code.upper()]
        arms = {str(arm): (part["AVAL"] / MONTH, part["CNSR"] == 0) for arm, part in rows.groupby("ARM", sort=False)}
        if code in result.trial.endpoints:
            points = _published_points(known, code) if known is not None else {}
            figure = survival(arms, title=f"{title}: {name}", event=event, published=points, note=_ratios(result, code))
            found[name.replace(" ", "-")] = figure
    published = {}
    if known is not None:
        published = dict(known[known["endpoint"] == "orr"].set_index("of")["published"])
    found["best-response"] = waterfall(_changes(result), title=f"{title}: best response", published=published)
    if comparison is not None and len(comparison):
        found["published"] = compare(comparison, title=f"{title}: predicted against published")
    return found


def _published_points(known: Any, code: str) -> dict[str, list[Landmark | Median]]:
    found: dict[str, list[Landmark | Median]] = {}
    for row in known.to_dict("records"):
        value, ends = row["published"], [row[f"published_{end}"] for end in ("low", "high")]
        low, high = (None, None) if any(pd.isna(end) for end in ends) else ends
        if match := re.fullmatch(rf"{code}_at_(\d+)", row["endpoint"]):
            found.setdefault(row["of"], []).append(Landmark(float(match[1]), value, low, high))
        elif row["endpoint"] == f"median_{code}":
            found.setdefault(row["of"], []).append(Median(value, low, high))
    return found


def _ratios(result: "TrialResult", code: str) -> str:
    return "\n".join(
        f"{c['experimental']} v {c['control']}: HR {c['hr']:.2f} ({c['low']:.2f}–{c['high']:.2f})"
        for c in result.contrasts
        if c["endpoint"] == code and c["hr"] is not None
    )


def _changes(result: "TrialResult") -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Deepest change of the sum of diameters up to progression [%] and best response, by arm; 0 without a scan."""
    adsl: Any = result.tables["adsl"]
    adrs: Any = result.tables["adrs"]
    scans = adrs[adrs["PARAMCD"] == "OVRLRESP"]
    progression = scans[scans["AVALC"] == "PD"].groupby("USUBJID")["ADY"].min()
    until = scans["USUBJID"].map(progression).fillna(np.inf)
    least = scans[scans["ADY"] <= until].groupby("USUBJID")["SUMDIAM"].min()
    best = adrs[adrs["PARAMCD"] == "BESTRESP"][["USUBJID", "AVALC"]]
    table = adsl.merge(best, on="USUBJID").assign(least=lambda t: t["USUBJID"].map(least))
    change = (100.0 * (table["least"] / table["SUMDIAM"] - 1.0)).fillna(0.0)
    return {
        str(arm): (change[part.index].to_numpy(), part["AVALC"].to_numpy(str))
        for arm, part in table.groupby("ARM", sort=False)
    }
