"""The usual pictures of a course and of a trial."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from alarmin.plots.compare import compare
from alarmin.plots.course import diameters, immune_cells
from alarmin.plots.forest import forest
from alarmin.plots.kymograph import kymograph
from alarmin.plots.section import section
from alarmin.plots.spider import spider
from alarmin.plots.survival import Landmark, Median, survival
from alarmin.plots.swimmer import swimmer
from alarmin.plots.waterfall import waterfall

if TYPE_CHECKING:
    from alarmin.simulation import Course
    from alarmin.trials.analysis import TrialResult

MONTH = 365.25 / 12.0
SURVIVAL = {
    "os": ("overall survival", "alive"),
    "pfs": ("progression-free survival", "alive without progression"),
}


CELLS = {
    "cd8": "CD8 effectors",
    "cd8_exhausted": "exhausted CD8",
    "cd8_bystander": "bystander CD8",
    "cd4": "CD4 T cells",
    "treg": "regulatory T cells",
    "nk": "NK cells",
    "dc_immature": "immature dendritic cells",
    "dc_mature": "mature dendritic cells",
    "m1": "inflammatory macrophages",
    "m2": "suppressive macrophages",
    "mdsc": "suppressor cells (MDSC)",
}
"""The immune cells, by field, and what they are called where they are drawn."""


SHOWN = (0.0, 0.12, 0.35, 0.65, 1.0)
"""Parts of a course after which its lesion is shown in section."""


def course_section(course: "Course", lane: int = 0, at: Sequence[float] | None = None) -> Figure:
    """Cuts through one lesion of a course with profiles, on the days `at` or on up to five days, closer at first."""
    days = np.asarray(course.profile_days, np.float64)
    # In a short course the same profile may be the nearest one twice.
    chosen = at if at is not None else sorted({float(days[np.argmin(np.abs(days - f * days[-1]))]) for f in SHOWN})
    doses = _doses(course, lane)
    return section(
        *_profiles(course, lane),
        at=chosen,
        title=_title(course, doses),
        diameter=(course.days, course.lesions["diameter"][:, lane]),
        doses=doses,
    )


def course_kymograph(course: "Course", lane: int = 0) -> Figure:
    """One lesion of a course with profiles, from its center to its margin over time."""
    doses = _doses(course, lane)
    return kymograph(*_profiles(course, lane), title=_title(course, doses), doses=doses)


def course_figures(course: "Course", person: int = 0, number: int | None = None) -> dict[str, Figure]:
    """Pictures of one patient by name: the first lesion in section and over time, all diameters, immune cells.

    `number` is what the patient is called, from 1; the place in the course without it.
    """
    lanes = np.flatnonzero(course.cohort.patient == person)
    given = course.regimen or "untreated"
    cells = {title: course.profiles[name] for name, title in CELLS.items() if name in course.profiles}
    # A shell of a sphere weighs as its volume.
    walls = np.r_[0.0, 0.5 * (course.shells[1:] + course.shells[:-1]), 1.0]
    weight = np.diff(walls**3)[None, :]
    means = {title: (values[:, :, lanes[0]] * weight).sum(axis=1) for title, values in cells.items()}
    title = f"{course.cohort.tumor.upper()}, patient {number or person + 1}"
    return {
        "section": course_section(course, lanes[0]),
        "kymograph": course_kymograph(course, lanes[0]),
        "diameters": diameters({given: (course.days, course.lesions["diameter"][:, lanes])}, title=title),
        "immune-cells": immune_cells({given: (course.profile_days, means)}, title=f"{title}, first lesion"),
    }


def _doses(course: "Course", lane: int) -> dict[str, list[int]]:
    person = course.cohort.patient[lane]
    doses = {name: np.flatnonzero(amount[:, person] > 0).tolist() for name, amount in course.doses.items()}
    return {name: days for name, days in doses.items() if days}


def _profiles(course: "Course", lane: int) -> tuple[Any, Any, Any, dict[str, Any]]:
    fields = {name: values[:, :, lane] for name, values in course.profiles.items()}
    return course.profile_days, course.radius[:, lane], course.shells, fields


def _title(course: "Course", doses: dict[str, list[int]]) -> str:
    return f"{course.cohort.tumor.upper()}, {' + '.join(doses) or 'untreated'}"


def trial_figures(
    result: "TrialResult", scored: pd.DataFrame | None = None, comparison: pd.DataFrame | None = None
) -> dict[str, Figure]:
    """Survival, responses (waterfall, spider, swimmer), hazard ratios, and the comparison with what was published.

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
    found["spider"] = spider(_scans(result), title=f"{title}: change of diameters")
    patients = _patients(result)
    for arm, part in patients.groupby("arm", sort=False):
        found[f"swimmer-{slug(str(arm))}"] = swimmer(part, title=f"{title}: {arm}")
    ratios = _forest(result, known)
    if len(ratios):
        found["hazard-ratios"] = forest(ratios, title=f"{title}: hazard ratios")
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


def _forest(result: "TrialResult", known: Any) -> pd.DataFrame:
    """The table that `forest` takes: every hazard ratio of the trial, and the published ones where there are some."""
    published: Any = {}
    if known is not None:
        published = known.set_index(["of", "endpoint"])["published"].to_dict()
    adtte = result.tables["adtte"]
    happened = adtte[adtte["CNSR"] == 0].groupby(["PARAMCD", "ARM"]).size()
    events = {str(code) + str(arm): int(count) for (code, arm), count in happened.items()}  # type: ignore[misc]
    rows = []
    for contrast in result.contrasts:
        if contrast.get("hr") is None or contrast["low"] is None or contrast["high"] is None:
            continue
        of, code = f"{contrast['experimental']} v {contrast['control']}", contrast["endpoint"]
        rows.append(
            {
                "group": SURVIVAL[code][0].capitalize(),
                "label": of,
                **{name: contrast["hr" if name == "estimate" else name] for name in ("estimate", "low", "high")},
                "events": sum(events.get(code.upper() + contrast[arm], 0) for arm in ("experimental", "control")),
                "published": published.get((of, f"hr_{code}")),
            }
        )
    rows.sort(key=lambda row: row["group"])
    return pd.DataFrame(rows).astype({"published": float}) if rows else pd.DataFrame()


def _scans(result: "TrialResult") -> dict[str, tuple[Any, Any, Any, Any]]:
    """By arm what `spider` takes: patients, months and changes of all scans up to progression, and best responses."""
    adrs: Any = result.tables["adrs"]
    scans = adrs[adrs["PARAMCD"] == "OVRLRESP"]
    progression = scans[scans["AVALC"] == "PD"].groupby("USUBJID")["ADY"].min()
    scans = scans[scans["ADY"] <= scans["USUBJID"].map(progression).fillna(np.inf)]
    baseline = result.tables["adsl"].set_index("USUBJID")["SUMDIAM"]
    best = adrs[adrs["PARAMCD"] == "BESTRESP"].set_index("USUBJID")["AVALC"]
    change = 100.0 * (scans["SUMDIAM"] / scans["USUBJID"].map(baseline) - 1.0)
    return {
        str(arm): (part["USUBJID"].to_numpy(str), part["ADY"] / MONTH, change[part.index], best)
        for arm, part in scans.groupby("ARM", sort=False)
    }


def _patients(result: "TrialResult") -> pd.DataFrame:
    """The table that `swimmer` takes, with the arm of each patient."""
    adtte: Any = result.tables["adtte"]
    adrs: Any = result.tables["adrs"]
    scans = adrs[adrs["PARAMCD"] == "OVRLRESP"]
    first = lambda names: scans[scans["AVALC"].isin(names)].groupby("USUBJID")["ADY"].min() / MONTH
    best = adrs[adrs["PARAMCD"] == "BESTRESP"].set_index("USUBJID")["AVALC"]
    os = adtte[adtte["PARAMCD"] == "OS"]
    who = os["USUBJID"]
    response = who.map(first(["CR", "PR"])).where(who.map(best).isin(["CR", "PR"]).to_numpy())
    return pd.DataFrame(
        {
            "patient": who,
            "arm": os["ARM"],
            "follow_up": os["AVAL"] / MONTH,
            "best": who.map(best),
            "death": os["CNSR"] == 0,
            "response": response,
            "progression": who.map(first(["PD"])),
        }
    )


def slug(name: str) -> str:
    """A name as part of the name of a file."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "arm"


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
