"""The room of trials: a trial that is known or uploaded, in virtual patients, beside what was published."""

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from alarmin import records
from alarmin.numerics.random import LARGEST_SEED
from alarmin.records import Trial
from alarmin.records.loader import read
from alarmin.therapy.regimen import parse
from alarmin.trials.randomization import sizes
from alarmin.web.asking import AskedError, from_file, whole, words
from alarmin.web.pictures import drawn, written
from alarmin.web.worker import Outcome, Report

if TYPE_CHECKING:
    from alarmin.scoring.score import Row

MOST_PATIENTS, MOST_MONTHS, MOST_ARMS, MOST_REPLICATES = 400, 120.0, 8, 10_000

FILE = "trial.toml"
DEFAULTS: dict[str, str] = read(files("alarmin.web") / "forms.toml")["trial"]
KINDS = {"one": "one trial, patient by patient", "replicates": "replicate trials of the planned size"}


@dataclass(frozen=True)
class Asked:
    """A trial; how many patients, or how many replicates (0: one trial); the file it came in, empty for a known one."""

    trial: Trial
    patients: int
    replicates: int
    seed: int
    text: str

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
        seed, text = whole(form, "seed", "Seed", 0, LARGEST_SEED), "" if upload is None else upload.decode()
        kind = words(form, "kind", "What to run", "one")
        if kind not in KINDS:
            raise AskedError(f"What to run: {kind!r}", remedy=f"choose one of {', '.join(KINDS)}")
        if kind == "replicates":
            return cls(trial, 0, whole(form, "replicates", "Replicates", 2, MOST_REPLICATES, 1000), seed, text)
        patients = whole(form, "patients", "Patients", 2 * len(trial.arms), MOST_PATIENTS, 60)
        sizes([arm.patients for arm in trial.arms], patients)
        return cls(trial, patients, 0, seed, text)

    @property
    def name(self) -> str:
        """What the trial is called by in a command."""
        return FILE if self.text else self.trial.name

    def command(self) -> str:
        """The shell command that gives the same trial, or the same replicates."""
        size = f"--replicates {self.replicates}" if self.replicates else f"--patients {self.patients}"
        return f"alarmin trial {shlex.quote(self.name)} {size} --seed {self.seed}"

    def python(self) -> str:
        """The Python that gives the same."""
        from alarmin.scoring.replicates import PATIENTS, POPULATIONS

        if not self.replicates:
            return (
                "import alarmin as al\n\n"
                f"result = al.run(al.trial({self.name!r}), patients={self.patients}, seed={self.seed})\n"
                "scored = al.score(result)"
            )
        return (
            "import alarmin as al\nfrom alarmin.scoring import replicates\nfrom alarmin.trials.bank import fill\n\n"
            f"bank = fill(al.trial({self.name!r}), members={POPULATIONS}, patients={PATIENTS}, seed={self.seed})\n"
            f"found = replicates(bank, {self.replicates}, seed={self.seed})"
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
    """Runs the trial and scores it, as `alarmin trial` does; or draws replicates of it."""
    if asked.replicates:
        return _replicates(asked, report)
    from alarmin import plots, trials
    from alarmin.scoring import score

    result = trials.run(asked.trial, asked.patients, asked.seed, progress=report)
    scored = score(result)
    report("pictures", 0, 1)
    figures = plots.trial_figures(result, scored.frame(), scored.comparison())
    tables = {name.lower(): table for name, table in result.tables.items()} | {"score": scored.frame()}
    content = _content(asked, scored.rows) | {
        "arms": {name: int(found["n"] or 0) for name, found in result.arms.items()},
        "primary": [name.upper() for name in asked.trial.primary],
        "success": result.success,
        "figures": list(figures),
        "tables": list(tables),
    }
    return Outcome(content, _own_file(asked) | drawn(figures) | written(tables))


def _replicates(asked: Asked, report: Report) -> Outcome:
    """Replicates from a bank that is kept where `alarmin trial --replicates` keeps it."""
    from alarmin import plots
    from alarmin.scoring import replicates
    from alarmin.scoring.keeping import bank_folder, kept_bank
    from alarmin.scoring.replicates import PATIENTS, POPULATIONS

    report("bank", 0, POPULATIONS)
    bank = kept_bank(
        asked.trial,
        bank_folder(),
        members=POPULATIONS,
        patients=PATIENTS,
        seed=asked.seed,
        progress=report,
    )
    found = replicates(bank, asked.replicates, asked.seed)
    report("pictures", 0, 1)
    figures = {}
    if found.compared:
        title = f"{asked.trial.title.partition(':')[0]}: {asked.replicates} replicates against published"
        figures["published"] = plots.compare(found.comparison(), title=title)
    tables = {"arms": found.arms, "contrasts": found.contrasts, "summary": found.frame()}
    content = _content(asked, found.rows) | {
        "replicates": asked.replicates,
        "chances": found.success,
        "sizes": {arm.name: arm.patients for arm in asked.trial.arms},
        "figures": list(figures),
        "tables": list(tables),
    }
    return Outcome(content, _own_file(asked) | drawn(figures) | written(tables))


def _content(asked: Asked, rows: "Iterable[Row]") -> dict[str, Any]:
    rows = list(rows)
    return {
        "title": asked.trial.title,
        "nct": asked.trial.nct or "",
        "replicates": 0,
        "rows": _rows(rows),
        "inside": sum(bool(row.inside) for row in rows),
        "compared": sum(row.inside is not None for row in rows),
        "own": FILE if asked.text else "",
        "command": asked.command(),
        "python": asked.python(),
    }


def _own_file(asked: Asked) -> dict[str, bytes]:
    return {FILE: asked.text.encode()} if asked.text else {}


def _rows(rows: "list[Row]") -> list[dict[str, Any]]:
    """What is predicted beside what was published; everything predicted where nothing was."""
    from alarmin.scoring.score import ORDER, estimate, kind, title

    compared = [row for row in rows if row.inside is not None]
    known = [row for row in compared or rows if kind(row.endpoint) in ORDER and (compared or row.predicted is not None)]

    return [
        {
            "endpoint": title(row.endpoint),
            "of": row.of,
            # Of what is compared, only what is not reached is missing.
            "predicted": estimate(row.endpoint, row.predicted, row.low, row.high, "not reached" if compared else "–"),
            "published": estimate(row.endpoint, row.published, row.published_low, row.published_high),
            "inside": row.inside,
        }
        for row in sorted(known, key=lambda row: ORDER.index(kind(row.endpoint)))
    ]
