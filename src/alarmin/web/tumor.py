"""The room of one patient: a tumor type under one regimen, or under two side by side."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from alarmin import records
from alarmin.therapy.regimen import parse
from alarmin.web.asking import AskedError, whole, words
from alarmin.web.jobs import Outcome, Report
from alarmin.web.pictures import drawn

if TYPE_CHECKING:
    from alarmin.simulation import Course

LONGEST, LAST_PATIENT = 730, 100
PROFILE_DAYS = 7
DEFAULTS = {"tumor": "nsclc", "regimen": "atezolizumab 1200 mg q3w", "other": "", "days": "180", "seed": "0"}
DEFAULTS |= {"patient": "1"}

CELLS = {
    "CD8 effector": "cd8",
    "CD8 exhausted": "cd8_exhausted",
    "CD4 helper": "cd4",
    "Regulatory T": "treg",
    "Natural killer": "nk",
    "Mature dendritic": "dc_mature",
    "Suppressive macrophages": "m2",
    "MDSC": "mdsc",
}
"""Immune cells that are shown, and the fields that hold them."""


@dataclass(frozen=True)
class Asked:
    """One virtual patient, and one or two regimens."""

    tumor: str
    regimens: tuple[str, ...]
    days: int
    seed: int
    patient: int

    @classmethod
    def of(cls, form: Mapping[str, str]) -> "Asked":
        """What a form asks for; raises `AlarminError` that names the field, or the part of the regimen."""
        kind = records.tumor(words(form, "tumor", "Tumor type", DEFAULTS["tumor"]))
        first, other = words(form, "regimen", "Regimen"), words(form, "other", "Second regimen")
        regimens = [str(parse(text)) for text in ([first, other] if other else [first])]
        if len(set(regimens)) < len(regimens):
            raise AskedError(
                f"both regimens are {regimens[0] or 'none'!r}", remedy="change one, or leave the second empty"
            )
        return cls(
            kind.name,
            tuple(regimens),
            whole(form, "days", "Days", PROFILE_DAYS, LONGEST, 180),
            whole(form, "seed", "Seed", 0, 2**31 - 1),
            whole(form, "patient", "Patient", 1, LAST_PATIENT, 1),
        )

    def commands(self) -> str:
        """The shell commands that give the same patient."""
        return "\n".join(
            f"alarmin simulate {self.tumor} {shlex.quote(regimen or 'none')} --days {self.days} --seed {self.seed} "
            f"--patient {self.patient} --picture lesion-{number}.png"
            for number, regimen in enumerate(self.regimens, start=1)
        )

    def python(self) -> str:
        """The Python that gives the same patient."""
        runs = "\n".join(
            f"course_{number} = al.simulate(patient, {regimen!r}, days={self.days}, profile_every={PROFILE_DAYS}, "
            "settings=al.Settings(lanes=8))"
            for number, regimen in enumerate(self.regimens, start=1)
        )
        return (
            "import alarmin as al\n\n"
            f"cohort = al.cohort({self.tumor!r}, n={self.patient}, seed={self.seed}, settings=al.Settings(lanes=64))\n"
            f"patient = cohort[[{self.patient - 1}]]\n{runs}"
        )


def work(asked: Asked, report: Report) -> Outcome:
    """Runs the patient under each regimen, as `alarmin simulate` does, and draws."""
    from alarmin import plots
    from alarmin.enrollment import enroll
    from alarmin.simulation import Settings, simulate

    cohort = enroll(
        asked.tumor,
        asked.patient,
        asked.seed,
        settings=Settings(lanes=64),
        progress=lambda done, total: report("patient", done, total),
    )
    courses: dict[str, Course] = {}
    for number, regimen in enumerate(asked.regimens, start=1):
        courses[regimen or "untreated"] = simulate(
            cohort[[asked.patient - 1]],
            regimen,
            days=asked.days,
            profile_every=PROFILE_DAYS,
            settings=Settings(lanes=8),
            progress=lambda done, total, of=number: report(f"regimen {of}, day", done, total),
        )
    report("pictures", 0, 1)
    title = f"{records.tumor(asked.tumor).title}, patient {asked.patient}, seed {asked.seed}"

    def figures() -> dict[str, Any]:
        return {
            "diameters": plots.diameters(
                {name: (course.days, course.lesions["diameter"]) for name, course in courses.items()}, title=title
            ),
            "immune-cells": plots.immune_cells(
                {name: (course.profile_days, _cells(course)) for name, course in courses.items()},
                title=f"{title}: first lesion",
            ),
        } | {f"sections-{n}": plots.course_section(course) for n, course in enumerate(courses.values(), start=1)}

    ordered = list(courses.values())

    def section(number: int, day: int) -> bytes:
        cut = lambda: {"section": plots.course_section(ordered[number], at=[0, day])}
        return drawn(cut, ("png",))["section.png"]

    content = {
        "courses": [_summary(name, course) for name, course in courses.items()],
        "days": [int(day) for day in ordered[0].profile_days],
        "commands": asked.commands(),
        "python": asked.python(),
    }
    return Outcome(content, drawn(figures) | _tables(courses), section)


def _summary(name: str, course: "Course") -> dict[str, Any]:
    total = course.lesions["diameter"].sum(axis=1)
    return {
        "regimen": name,
        "lesions": course.lesions["diameter"].shape[1],
        "before": float(total[0]),
        "after": float(total[-1]),
        "change": float(total[-1] / total[0] - 1.0),
        "least": float(total.min() / total[0] - 1.0),
        "least_day": int(total.argmin()),
    }


def _cells(course: "Course") -> dict[str, Any]:
    """Volume means over the first lesion, by the name of the cell, `[profile]` [Mcell/mL]."""
    from alarmin.simulation import Settings

    shares = Settings().ball.shares
    return {title: course.profiles[field][:, :, 0] @ shares for title, field in CELLS.items()}


def _tables(courses: "Mapping[str, Course]") -> dict[str, bytes]:
    import pandas as pd

    lesions, cells = [], []
    for name, course in courses.items():
        for lesion in range(course.lesions["diameter"].shape[1]):
            readings = {reading: values[:, lesion] for reading, values in course.lesions.items()}
            lesions.append(pd.DataFrame({"regimen": name, "lesion": lesion + 1, "day": course.days} | readings))
        found = {CELLS[title]: values for title, values in _cells(course).items()}
        cells.append(pd.DataFrame({"regimen": name, "lesion": 1, "day": course.profile_days} | found))
    return {
        "lesions.csv": pd.concat(lesions).to_csv(index=False).encode(),
        "immune-cells.csv": pd.concat(cells).to_csv(index=False).encode(),
    }
