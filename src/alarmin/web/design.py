"""The room of designs: a form that writes a design file, or an uploaded one, and what the design would do."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alarmin import records
from alarmin.errors import nearest
from alarmin.numerics.random import LARGEST_SEED
from alarmin.records import Trial
from alarmin.records.loader import read
from alarmin.web.asking import AskedError, from_file, number, whole, words
from alarmin.web.pictures import drawn, written
from alarmin.web.worker import Outcome, Report

if TYPE_CHECKING:
    from alarmin.design import Characteristics, Design

FILE = "design.toml"
MOST_BANK, MOST_MONTHS, MOST_PATIENTS = 400, 120.0, 5000
DEFAULTS: dict[str, str] = read(files("alarmin.web") / "forms.toml")["design"]
SHAPES = ("obrien_fleming", "pocock")
ENDPOINTS = ("os", "pfs", "orr", "rmst", "milestone")


@dataclass(frozen=True)
class Asked:
    """A design with its trial, the file that says it, and how many trials to simulate."""

    design: "Design"
    trial: Trial
    text: str
    replicates: int
    seed: int

    @classmethod
    def of(cls, form: Mapping[str, str], upload: bytes | None = None) -> "Asked":
        """What a form asks for, or the file sent with it; raises `AlarminError` that names the key or the field."""
        content = file_of(form).encode() if upload is None else upload
        design, trial = from_file(content, FILE, _load)
        size = design.bank.populations * design.bank.patients
        for key, value, most in (
            ("bank: populations times patients", size, MOST_BANK),
            ("cut.months", design.cut.months, MOST_MONTHS),
            ("patients", design.patients, MOST_PATIENTS),
            ("looks.fractions", len(design.looks.fractions), 10),
        ):
            if value > most:
                raise AskedError(f"{key}: {value:g}", remedy=f"here at most {most:g}; use alarmin design for more")
        replicates = whole(form, "replicates", "Simulated trials", 100, 10_000, 2000)
        return cls(design, trial, content.decode(), replicates, whole(form, "seed", "Seed", 0, LARGEST_SEED))

    def python(self) -> str:
        """The Python that gives the same characteristics."""
        size = self.design.bank
        return (
            "from alarmin.design import bank_trial, load, operating_characteristics\n"
            "from alarmin.trials.bank import fill\n\n"
            f"design, trial = load({FILE!r})\n"
            f"bank = fill(bank_trial(design, trial), members={size.populations}, patients={size.patients})\n"
            f"found = operating_characteristics(design, bank, {self.replicates}, {self.seed})"
        )


def _load(path: Path) -> "tuple[Design, Trial]":
    from alarmin.design import load

    # A design may name a trial file beside it; from here it may name known trials only, and no file of this computer.
    name = read(path).get("trial")
    if name is not None and name not in records.trials():
        raise AskedError(
            f"{FILE}: trial: {name!r:.60}; {nearest(str(name), records.trials())}",
            remedy="name a trial that Alarmin knows",
        )
    return load(path)


def file_of(form: Mapping[str, str]) -> str:
    """The design file that a form describes."""
    import tomli_w

    field = partial(words, form)
    spending = field("spending", "Alpha spending", SHAPES[0])
    futility = field("futility", "Futility")
    endpoint: dict[str, Any] = {"name": field("endpoint", "Endpoint", "os")}
    if field("endpoint_months", "Months of the endpoint"):
        endpoint["months"] = number(form, "endpoint_months", "Months of the endpoint", 0.1, MOST_MONTHS)
    cut: dict[str, Any] = {"months": number(form, "months", "Last look, at the latest after", 1, MOST_MONTHS, 36)}
    if field("events", "Events"):
        cut["events"] = whole(form, "events", "Events at the last look", 1, MOST_PATIENTS)
    looks: dict[str, Any] = {"fractions": _shares(field("fractions", "Looks", "1")), "spending": spending}
    if futility:
        looks["futility"] = {"spending": futility}
    return tomli_w.dumps(
        {
            "name": "design",
            "trial": field("trial", "Trial"),
            "experimental": [part.strip() for part in field("experimental", "Experimental arm").split(",")],
            "control": field("control", "Control arm"),
            "patients": whole(form, "patients", "Patients", 4, MOST_PATIENTS, 600),
            "alpha": number(form, "alpha", "Alpha", 0.0001, 0.4999, 0.025),
            "sides": whole(form, "sides", "Sides", 1, 2, 1),
            "power": number(form, "power", "Goal of power", 0.51, 0.999, 0.9),
            "endpoint": endpoint,
            "accrual": {
                "per_month": number(form, "per_month", "Patients a month", 0.1, 1000, 40),
                "drop_out_per_month": number(form, "drop_out", "Drop-out a month", 0.0, 0.5),
            },
            "cut": cut,
            "looks": looks,
            "bank": {
                "populations": whole(form, "populations", "Populations", 1, 16, 4),
                "patients": whole(form, "bank_patients", "Patients in each population", 2, MOST_BANK, 20),
            },
        }
    )


def _shares(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise AskedError(f"Looks: {text!r}", remedy="write shares of the information as in 0.5, 0.75, 1") from None


def work(asked: Asked, report: Report) -> Outcome:
    """Simulates the design, as `alarmin design` does; banks are kept where that command keeps them."""
    import pandas as pd

    from alarmin import plots
    from alarmin.design import bank_trial, operating_characteristics
    from alarmin.scoring.keeping import bank_folder, kept_bank

    design, size = asked.design, asked.design.bank
    report("bank", 0, size.populations)
    bank = kept_bank(
        bank_trial(design, asked.trial),
        bank_folder(),
        members=size.populations,
        patients=size.patients,
        progress=report,
    )
    found = operating_characteristics(design, bank, asked.replicates, asked.seed, progress=report)
    report("pictures", 0, 1)
    figures = plots.design_figures(found)
    content = _content(found) | {
        "figures": list(figures),
        "text": asked.text,
        "command": f"alarmin design {FILE} --replicates {asked.replicates} --seed {asked.seed}",
        "python": asked.python(),
    }
    tables = {"looks": pd.DataFrame(content["looks"])}
    return Outcome(content, {FILE: asked.text.encode()} | drawn(figures) | written(tables))


def _content(found: "Characteristics") -> dict[str, Any]:
    null, effect = found.scenarios["null"], found.scenarios["alternative"]
    plan, bounds = found.design, found.boundaries
    looks = [
        {
            "look": look + 1,
            "information": 100 * float(bounds.information[look]),
            "success": float(upper),
            "futility": float(bounds.lower[look]),
            "spent": float(bounds.spent[look]),
            "null_ends": 100 * null["stops"][look]["any"],
            "effect_ends": 100 * effect["stops"][look]["any"],
        }
        for look, upper in enumerate(bounds.upper)
    ]
    means = [("Patients", "patients", 0), ("Events", "events", 0), ("Months", "months", 1)]
    return {
        "title": plan.title or f"{', '.join(plan.experimental)} v {plan.control}",
        "trial": plan.trial,
        "alpha": 100 * plan.alpha,
        "goal": 100 * plan.power,
        "replicates": found.replicates,
        "error": {key: 100 * value for key, value in null["rejected"].items()},
        "power": {key: 100 * value for key, value in effect["success"].items()},
        "needed": found.patients_for_goal,
        "means": [
            (label, digits, null[name]["value"], effect[name]["value"]) for label, name, digits in means if name in null
        ],
        "looks": looks,
        "two_sided": plan.sides == 2,
    }
