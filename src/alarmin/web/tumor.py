"""The room of one patient: a tumor type with its barriers under one regimen, or under two side by side."""

import json
import shlex
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from alarmin import records
from alarmin.explain.switches import games
from alarmin.numerics.random import LARGEST_SEED
from alarmin.therapy.regimen import parse
from alarmin.web.asking import AskedError, number, whole, words
from alarmin.web.pictures import drawn, written
from alarmin.web.worker import Outcome, Report

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from alarmin.explain import Explanation
    from alarmin.patients import Cohort
    from alarmin.simulation import Course

LONGEST, LAST_PATIENT = 730, 100
PROFILE_DAYS = 7
BARRIERS = {f"barrier_{switch.name}": switch for switch in games().barriers.switch}
"""The barriers of a tumor, by the name of their field."""

DEFAULTS = {"tumor": "nsclc", "regimen": "atezolizumab 1200 mg q3w", "other": "", "days": "180", "seed": "0"}
DEFAULTS |= {"patient": "1"} | dict.fromkeys(BARRIERS, "100")

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

DRUG_COLORS = ("#F26B8A", "#7FD4E6", "#C6DE5A", "#E3A5F0")
_ENROLLED: "dict[tuple[str, int], Cohort]" = {}


@dataclass(frozen=True)
class Asked:
    """One virtual patient, one or two regimens, and the share of each barrier that stays, by its name."""

    tumor: str
    regimens: tuple[str, ...]
    days: int
    seed: int
    patient: int
    kept: tuple[tuple[str, float], ...] = ()

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
        share = lambda name, title: number(form, name, f"Barrier {title} [%]", 0, 100, 100) / 100
        return cls(
            kind.name,
            tuple(regimens),
            whole(form, "days", "Days", PROFILE_DAYS, LONGEST, 180),
            whole(form, "seed", "Seed", 0, LARGEST_SEED),
            whole(form, "patient", "Patient", 1, LAST_PATIENT, 1),
            tuple((switch.name, share(name, switch.title)) for name, switch in BARRIERS.items()),
        )

    @property
    def agents(self) -> tuple[str, ...]:
        """All agents of all regimens, so that these share one program."""
        return tuple(sorted({agent for regimen in self.regimens for agent in parse(regimen).agents}))

    @property
    def lowered(self) -> dict[str, float]:
        """The barriers that do not stay as they are."""
        return {name: share for name, share in self.kept if share < 1.0}

    @property
    def moved(self) -> set[str]:
        """The fields of these barriers."""
        return {f"barrier_{name}" for name in self.lowered}

    @property
    def held_back(self) -> tuple[object, ...]:
        """What the barrier profile depends on: barriers are lifted from where the patient has them."""
        return ("profile", self.tumor, self.regimens, self.days, self.seed, self.patient)

    def commands(self) -> str:
        """The shell commands that give the same patient."""
        barriers = "".join(f" --barrier {name}={share:g}" for name, share in self.lowered.items())
        return "\n".join(
            f"alarmin simulate {self.tumor} {shlex.quote(regimen or 'none')} --days {self.days} --seed {self.seed} "
            f"--patient {self.patient}{barriers} --picture lesion-{count}.png"
            for count, regimen in enumerate(self.regimens, start=1)
        )

    def python(self) -> str:
        """The Python that gives the same patient."""
        lines = ["import alarmin as al"]
        if self.lowered:
            lines += ["from alarmin.explain import lowered"]
        lines += [
            "",
            f"cohort = al.cohort({self.tumor!r}, n={self.patient}, seed={self.seed}, settings=al.Settings(lanes=64))",
            f"patient = cohort[[{self.patient - 1}]]",
        ]
        for count, regimen in enumerate(self.regimens, start=1):
            how = f"days={self.days}, profile_every={PROFILE_DAYS}, settings=al.Settings(lanes=8)"
            if self.lowered:
                agents = list(parse(regimen).agents)
                lines += [f"barriers_{count} = lowered(patient, {agents}, {self.lowered})"]
                how += f", clamped=barriers_{count}"
            lines += [f"course_{count} = al.simulate(patient, {regimen!r}, {how})"]
        return "\n".join(lines)


def work(asked: Asked, report: Report) -> Outcome:
    """Runs the patient under each regimen, as `alarmin simulate` does; the page and, later, the plots draw it."""
    from alarmin import plots
    from alarmin.explain import lowered
    from alarmin.simulation import Settings, simulate

    patient = _patient(asked, report)
    courses: dict[str, Course] = {}
    for count, regimen in enumerate(asked.regimens, start=1):
        # All agents and all barriers stand in every program, so that a moved slider needs no other one.
        courses[regimen or "untreated"] = simulate(
            patient,
            regimen,
            days=asked.days,
            profile_every=PROFILE_DAYS,
            agents=asked.agents,
            clamped=lowered(patient, asked.agents, dict(asked.kept)),
            settings=Settings(lanes=8),
            progress=lambda done, total, of=count: report(f"regimen {of}, day", done, total),
        )
    title = f"{records.tumor(asked.tumor).title}, patient {asked.patient}, seed {asked.seed}"
    sizes = {name: (course.days, course.lesions["diameter"]) for name, course in courses.items()}
    cells = {name: (course.profile_days, _cells(course, 0)) for name, course in courses.items()}
    later: dict[str, Callable[[], Figure]] = {
        "diameters": partial(plots.diameters, sizes, title=title),
        "immune-cells": partial(plots.immune_cells, cells, title=f"{title}: first lesion"),
    }
    later |= {f"sections-{n}": partial(plots.course_section, course) for n, course in enumerate(courses.values(), 1)}
    content = {
        "courses": [_summary(name, course) for name, course in courses.items()],
        "days": [int(day) for day in next(iter(courses.values())).profile_days],
        "lowered": {BARRIERS[f"barrier_{name}"].title: share for name, share in asked.lowered.items()},
        "commands": asked.commands(),
        "python": asked.python(),
    }
    shown = {"course.json": json.dumps(_shown(courses)).encode()}
    return Outcome(content, shown | written(_tables(courses)), later)


def profile(asked: Asked, report: Report) -> Outcome:
    """What held the patient back under each regimen, as `alarmin explain` finds it."""
    import pandas as pd

    from alarmin import plots
    from alarmin.explain import explain
    from alarmin.explain.summary import tables

    patient = _patient(asked, report)
    found: dict[str, Explanation] = {}
    for regimen in filter(None, asked.regimens):
        tell = lambda done, total: report("barriers", done, total)
        found[regimen] = explain(patient, regimen, days=asked.days, progress=tell)
    game = games().barriers
    figure = plots.barrier_profiles(
        np.concatenate([one.barriers.shapley for one in found.values()], axis=1),
        [switch.title for switch in game.switch],
        [fill(regimen, 34) for regimen in found],
        unit=f"gain in log reduction of tumor cells by day {asked.days}, if it is lifted",
    )
    rows = [
        {
            "regimen": regimen,
            "values": dict(zip([s.title for s in game.switch], one.barriers.shapley[:, 0].tolist(), strict=True)),
            "largest": game.switch[int(one.barriers.dominant[0])].title if one.barriers.dominant[0] >= 0 else "",
        }
        for regimen, one in found.items()
    ]
    table = pd.concat([tables(one)["shapley"].assign(regimen=regimen) for regimen, one in found.items()])
    commands = [
        f"alarmin explain {asked.tumor} {shlex.quote(regimen)} --patients {asked.patient} --seed {asked.seed} "
        f"--days {asked.days} --out why-{count}"
        for count, regimen in enumerate(found, start=1)
    ]
    content = {"rows": rows, "commands": "\n".join(commands), "days": asked.days}
    return Outcome(content, drawn({"barriers": figure}) | written({"barriers": table}))


def _patient(asked: Asked, report: Report) -> "Cohort":
    """The patient who is asked for; cohorts are kept, so that a moved slider enrolls nobody."""
    from alarmin.enrollment import enroll
    from alarmin.simulation import Settings

    known = _ENROLLED.pop((asked.tumor, asked.seed), None)
    if known is None or len(known) < asked.patient:
        known = enroll(
            asked.tumor,
            asked.patient,
            asked.seed,
            settings=Settings(lanes=64),
            progress=lambda done, total: report("patient", done, total),
        )
    for old in list(_ENROLLED)[:-5]:
        del _ENROLLED[old]
    _ENROLLED[asked.tumor, asked.seed] = known
    return known[[asked.patient - 1]]


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


def _volume(course: "Course") -> NDArray[np.float64]:
    """Of each lesion as a sphere of its diameter, `[time, lesion]` [mL]."""
    return np.pi / 6.0 * course.lesions["diameter"] ** 3 / 1000.0


def _cells(course: "Course", lesion: int) -> dict[str, Any]:
    """Volume means over a lesion, by the name of the cell, `[profile]` [Mcell/mL]."""
    from alarmin.simulation import Settings

    shares = Settings().ball.shares
    return {title: course.profiles[field][:, :, lesion] @ shares for title, field in CELLS.items()}


def _shown(courses: "Mapping[str, Course]") -> dict[str, Any]:
    """What the page draws: profiles as bytes relative to the top of their scale, which all courses share."""
    from alarmin.plots.section import CHANNELS

    first = next(iter(courses.values()))
    given = [name for name in first.doses if name in first.profiles]
    channels: dict[str, dict[str, Any]] = {
        name: {"title": c.title, "color": c.color, "unit": c.unit} for name, c in CHANNELS.items()
    }
    for name, color in zip(given, DRUG_COLORS * len(given), strict=False):
        drug = records.agent(name)
        channels[name] = {"title": drug.title, "color": color, "unit": drug.unit}
    for name, channel in channels.items():
        top = max(float(np.nanpercentile(course.profiles[name], 99.5)) for course in courses.values())
        channel["top"] = float(f"{max(top, 1e-12):.3g}")
    few = lambda values: [float(f"{value:.4g}") for value in np.asarray(values, float)]

    def level(course: "Course", name: str, lesion: int) -> str:
        share = np.clip(course.profiles[name][:, :, lesion] / channels[name]["top"], 0.0, 1.0)
        return b64encode(np.round(255.0 * share).astype(np.uint8).tobytes()).decode()

    return {
        "shells": few(first.shells),
        "days": few(first.profile_days),
        "channels": channels,
        "drugs": given,
        "courses": [
            {
                "regimen": name,
                "doses": {
                    records.agent(agent).title: np.flatnonzero(amount[:, 0] > 0).tolist()
                    for agent, amount in course.doses.items()
                    if (amount > 0).any()
                },
                "lesions": [
                    {
                        "radius": few(course.radius[:, lesion]),
                        "volume": few(_volume(course)[:, lesion]),
                        "cells": {title: few(values) for title, values in _cells(course, lesion).items()},
                        "fields": {channel: level(course, channel, lesion) for channel in channels},
                    }
                    for lesion in range(course.radius.shape[1])
                ],
            }
            for name, course in courses.items()
        ],
    }


def _tables(courses: "Mapping[str, Course]") -> dict[str, Any]:
    import pandas as pd

    lesions, cells = [], []
    for name, course in courses.items():
        for lesion in range(course.lesions["diameter"].shape[1]):
            columns = {"regimen": name, "lesion": lesion + 1}
            # Beside the volume that it gives; programs hand readings over by the alphabet.
            first = {"diameter": course.lesions["diameter"][:, lesion]}
            readings = first | {reading: values[:, lesion] for reading, values in course.lesions.items()}
            lesions.append(
                pd.DataFrame({**columns, "day": course.days, "volume": _volume(course)[:, lesion]} | readings)
            )
            found = {CELLS[title]: values for title, values in _cells(course, lesion).items()}
            cells.append(pd.DataFrame({**columns, "day": course.profile_days} | found))
    join = lambda parts: pd.concat(parts, ignore_index=True)
    return {"lesions": join(lesions), "immune-cells": join(cells)}
