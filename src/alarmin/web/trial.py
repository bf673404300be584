"""The room of trials: a trial that is known or uploaded, in virtual patients, beside what was published."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from alarmin import records
from alarmin.records import Trial
from alarmin.records.loader import read
from alarmin.therapy.regimen import parse
from alarmin.trials.randomization import sizes
from alarmin.web.asking import AskedError, from_file, whole, words
from alarmin.web.jobs import Outcome, Report
from alarmin.web.pictures import drawn

if TYPE_CHECKING:
    from alarmin.scoring import Scored
    from alarmin.scoring.score import Row

MOST_PATIENTS, MOST_MONTHS, MOST_ARMS = 400, 120.0, 8
FILE = "trial.toml"
DEFAULTS: dict[str, str] = read(files("alarmin.web") / "forms.toml")["trial"]


@dataclass(frozen=True)
class Asked:
    """A trial, how many patients, and whether its file was uploaded."""

    trial: Trial
    patients: int
    seed: int
    uploaded: bool

    @classmethod
    def of(cls, form: Mapping[str, str], upload: bytes | None = None) -> "Asked":
        """What a form asks for, or the file sent with it; raises `AlarminError` that names the key or the field."""
        if upload is None:
            name = words(form, "trial", "Trial", DEFAULTS["trial"])
            if name.endswith(".toml"):
                raise AskedError(f"Trial: {name!r}", remedy="choose a trial by its name, or upload a file")
            trial = records.trial(name)
        else:
            trial = from_file(upload, FILE, records.trial)
            _within_limits(trial)
        patients = whole(form, "patients", "Patients", 2 * len(trial.arms), MOST_PATIENTS, 60)
        sizes([arm.patients for arm in trial.arms], patients)
        return cls(trial, patients, whole(form, "seed", "Seed", 0, 2**31 - 1), upload is not None)

    def command(self) -> str:
        """The shell command that gives the same trial."""
        name = FILE if self.uploaded else self.trial.name
        return f"alarmin trial {shlex.quote(name)} --patients {self.patients} --seed {self.seed}"

    def python(self) -> str:
        """The Python that gives the same trial."""
        name = FILE if self.uploaded else self.trial.name
        return (
            "import alarmin as al\n\n"
            f"result = al.run(al.trial({name!r}), patients={self.patients}, seed={self.seed})\n"
            "scored = al.score(result)"
        )


def _within_limits(trial: Trial) -> None:
    """Refuses an uploaded trial that would take too long, or that names what there is not."""
    for key, value, most in (("months", trial.months, MOST_MONTHS), ("arms", len(trial.arms), MOST_ARMS)):
        if value > most:
            raise AskedError(f"{FILE}: {key}: {value:g}", remedy=f"here at most {most:g}; use alarmin trial for more")
    for arm in trial.arms:
        records.tumor(arm.tumor or trial.tumor)
        parse(arm.regimen)


def work(asked: Asked, report: Report) -> Outcome:
    """Runs the trial and scores it, as `alarmin trial` does."""
    from alarmin import plots, trials
    from alarmin.scoring import score

    result = trials.run(asked.trial, asked.patients, asked.seed, progress=report)
    scored = score(result)
    report("pictures", 0, 1)
    files = drawn(lambda: plots.trial_figures(result, scored.frame(), scored.comparison()))
    figures = [name.removesuffix(".svg") for name in files if name.endswith(".svg")]
    tables = {**result.tables, "score": scored.frame()}
    files |= {f"{name.lower()}.csv": table.to_csv(index=False).encode() for name, table in tables.items()}
    content = {
        "title": asked.trial.title,
        "nct": asked.trial.nct or "",
        "arms": {name: int(found["n"] or 0) for name, found in result.arms.items()},
        "rows": _rows(scored),
        "inside": scored.inside,
        "compared": scored.compared,
        "primary": [name.upper() for name in asked.trial.primary],
        "success": result.success,
        "figures": figures,
        "tables": sorted(name for name in files if name.endswith(".csv")),
        "command": asked.command(),
        "python": asked.python(),
    }
    return Outcome(content, files)


def _rows(scored: "Scored") -> list[dict[str, Any]]:
    """What is predicted beside what was published; everything predicted where nothing was."""
    from alarmin.scoring.score import ORDER, scale, title

    kind = lambda row: row.endpoint.rpartition("_")[0] if "_at_" in row.endpoint else row.endpoint
    shown = [row for row in scored.rows if row.inside is not None] if scored.compared else list(scored.rows)
    known = [row for row in shown if kind(row) in ORDER and row.predicted is not None]

    def spelled(row: "Row", *values: float | None) -> str:
        size = scale(row.endpoint)
        digits = 2 if row.endpoint.startswith("hr") else 1 if size == 1.0 else 0
        value, low, high = ("–" if v is None else f"{v * size:.{digits}f}" for v in values)
        return value if "–" in (low, high) else f"{value} ({low} to {high})"

    return [
        {
            "endpoint": title(row.endpoint),
            "of": row.of,
            "predicted": spelled(row, row.predicted, row.low, row.high),
            "published": spelled(row, row.published, row.published_low, row.published_high),
            "inside": row.inside,
        }
        for row in sorted(known, key=lambda row: ORDER.index(kind(row)))
    ]
