"""The room of the review: its statements with their place, experiment and verdict, and what stands against them."""

import hashlib
import json
import math
import re
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import platformdirs

from alarmin import published, records
from alarmin.patients import records_of
from alarmin.results.provenance import code_fingerprint, fingerprint
from alarmin.review import Entry, Statement, statements, vocabulary
from alarmin.review.ledger import LISTED, VERDICTS, absent, judge, run_all
from alarmin.review.statements import Experiment, ReviewError, experiment, sections
from alarmin.web.asking import AskedError, words
from alarmin.web.pictures import written
from alarmin.web.worker import Outcome, Report

if TYPE_CHECKING:
    import pandas as pd

NOT_RUN = "not run yet"
FILTERS = (*VERDICTS, NOT_RUN)
DEFAULTS = {"q": "", "section": "", "verdict": "", "statement": ""}


class Verdicts:
    """The verdicts that this code and these records gave on this computer; kept in a folder, if one is given."""

    def __init__(self, folder: Path | None = None) -> None:
        self._file = None if folder is None else folder / f"{_made_by()[:16]}.json"
        self._found: dict[str, Entry] = {}
        if self._file is not None and self._file.exists():
            for id, said in json.loads(self._file.read_text()).items():
                self._found[id] = Entry(find(id), **said)

    def keep(self, entries: Sequence[Entry]) -> None:
        """Keeps verdicts, instead of earlier ones on the same statements."""
        self._found |= {entry.statement.id: entry for entry in entries}
        if self._file is not None:
            said = {id: {k: v for k, v in asdict(e).items() if k != "statement"} for id, e in self._found.items()}
            self._file.parent.mkdir(parents=True, exist_ok=True)
            part = self._file.with_suffix(".partial")
            part.write_text(json.dumps(said, indent=1))
            part.replace(self._file)

    def row(self, statement: Statement) -> dict[str, Any]:
        """A statement as the list shows it."""
        entry = self._found.get(statement.id) or not_run(statement)
        ratio = lambda value: None if value is None else math.exp(value)
        return {
            "id": statement.id,
            "section": statement.section,
            "text": f"{statement.subject} {statement.predicate} {statement.object}",
            "subject": statement.subject,
            "predicate": statement.predicate,
            "object": statement.object,
            "kind": statement.kind,
            "verdict": NOT_RUN if entry is None else entry.verdict,
            "ratio": None if entry is None else ratio(entry.effect),
            "low": None if entry is None else ratio(entry.low),
            "high": None if entry is None else ratio(entry.high),
            "reason": "" if entry is None else entry.reason,
            "can_run": planned(statement.id) is not None,
            "against": len(against(statement)),
        }

    def rows(self, form: Mapping[str, str]) -> list[dict[str, Any]]:
        """The statements that a form asks for."""
        verdict = words(form, "verdict", "Verdict")
        if verdict and verdict not in FILTERS:
            raise AskedError(f"Verdict: {verdict!r:.40}", remedy="choose one of the list")
        return [row for row in map(self.row, chosen(form)) if verdict in ("", row["verdict"])]

    def counts(self) -> Counter[str]:
        """How many statements have which verdict."""
        return Counter(self.row(entry)["verdict"] for entry in statements())


def _made_by() -> str:
    """A fingerprint of all that verdicts depend on."""
    tumors = sorted({run.tumor for entry in statements() if (run := planned(entry.id)) is not None})
    said = [code_fingerprint(), vocabulary().model_dump_json(), *(entry.model_dump_json() for entry in statements())]
    return hashlib.sha256("\n".join([*said, *(fingerprint(records_of(name)) for name in tumors)]).encode()).hexdigest()


def verdict_folder() -> Path:
    """Where the app keeps verdicts: in the user's cache folder."""
    return Path(platformdirs.user_cache_dir("alarmin", "alarmin")) / "verdicts"


def table(rows: Sequence[Mapping[str, Any]]) -> "dict[str, pd.DataFrame]":
    """The list as a table to download."""
    import pandas as pd

    return {"ledger": pd.DataFrame([{k: v for k, v in row.items() if k not in ("text", "can_run")} for row in rows])}


def ledger_file(rows: Sequence[Mapping[str, Any]], kind: str) -> bytes:
    """The list as a file of the kind "csv" or "parquet"."""
    return written(table(rows))[f"ledger.{kind}"]


def find(id: str) -> Statement:
    """The statement with this id; raises `ReviewError` where there is none."""
    found = _by_id().get(id)
    if found is None:
        raise ReviewError(f"no statement {id!r:.40}", remedy="choose one of the list")
    return found


@cache
def _by_id() -> dict[str, Statement]:
    return {entry.id: entry for entry in statements()}


def chosen(form: Mapping[str, str]) -> list[Statement]:
    """The statements of the section that is asked for that hold every word that is searched for."""
    section, text = words(form, "section", "Section"), words(form, "q", "Search").lower().split()
    if section and section not in known_sections():
        raise AskedError(f"Section: {section!r:.40}", remedy="choose one of the list")
    return [
        entry
        for entry in statements()
        if section in ("", entry.section) and all(word in _searched(entry.id) for word in text)
    ]


@cache
def _searched(id: str) -> str:
    """Everything of a statement that words are looked for in."""
    entry = find(id)
    trials = (f"{name} {records.trials()[name].title}" for name in behind(entry) if name in records.trials())
    said = (entry.id, entry.subject, entry.predicate, entry.object, entry.kind, entry.anchor, *trials)
    return " ".join(said).lower()


@cache
def known_sections() -> list[str]:
    """The sections of the review, in their order."""
    return sections(statements())


@cache
def planned(id: str) -> Experiment | None:
    """The experiment of a statement; None where it has none, or something is missing for it."""
    statement = find(id)
    if statement.kind in LISTED or statement.not_modelled:
        return None
    found = experiment(statement, vocabulary())
    return None if absent(found) else found


def not_run(statement: Statement) -> Entry | None:
    """The verdict on a statement that needs no run; None where it can be run."""
    if planned(statement.id) is not None:
        return None
    missing = statement.not_modelled
    if statement.kind not in LISTED and not missing:
        missing = absent(experiment(statement, vocabulary()))
    return judge(statement, None, None, missing, vocabulary().design)


def against(statement: Statement) -> tuple[published.Discrepancy, ...]:
    """What was found against the sentence that the statement stands in."""
    return _against(statement.id)


@cache
def _against(id: str) -> tuple[published.Discrepancy, ...]:
    statement = find(id)
    return tuple(entry for entry in published.audit() if any(_stands_at(place, statement) for place in entry.places))


def behind(statement: Statement) -> list[str]:
    """Names of the studies that the sentence of a statement speaks of, as far as they are known."""
    found = {name for entry in against(statement) for name in entry.studies}
    for name, study in published.studies().items():
        if (study.nct and study.nct in statement.anchor) or any(_stands_at(c.where, statement) for c in study.claims):
            found.add(name)
    return sorted(found)


def _stands_at(place: str, statement: Statement) -> bool:
    """Whether a place such as "section 3.4, line 93, sentence 2" is that of the statement."""
    line, sentence = re.search(r"line (\d+)", place), re.search(r"sentence (\d+)", place)
    if line is None or int(line[1]) != statement.line:
        return False
    return sentence is None or int(sentence[1]) == statement.sentence


def details(id: str, verdicts: Verdicts) -> dict[str, Any]:
    """Everything about one statement: its place, its experiment, the trials behind it, and what stands against it."""
    statement, design = find(id), vocabulary().design
    found = planned(id)
    plan = found and {
        "does": found.intervention.title,
        "scale": dict(found.intervention.scale),
        "given": found.given or "nothing",
        "treated": found.treated or "nothing",
        "readout": found.readout.title,
        "expected": "rises" if found.direction > 0 else "falls",
        "tumor": records.tumor(found.tumor).title,
        "patients": design.patients,
        "days": design.days,
    }
    trials = [
        {
            "name": name,
            "title": published.study(name).title,
            "nct": published.study(name).nct or "",
            "outcome": published.study(name).outcome,
            "known": name in records.trials(),
        }
        for name in behind(statement)
    ]
    return {
        "row": verdicts.row(statement),
        "line": statement.line,
        "sentence": statement.sentence,
        "anchor": statement.anchor,
        "modality": statement.modality,
        "sources": statement.sources,
        "plan": plan,
        "trials": trials,
        "against": [entry.model_dump() for entry in against(statement)],
        "command": f"alarmin review --section {shlex.quote(statement.section)} --json",
        "python": f"import alarmin as al\n\nentries = al.ledger({statement.section!r})",
    }


def runnable(form: Mapping[str, str]) -> tuple[Statement, ...]:
    """The statement that a form asks to run, or those of a section; raises `ReviewError` where none can be run."""
    id, section = words(form, "statement", "Statement"), words(form, "section", "Section")
    asked = [find(id)] if id else chosen({"section": section}) if section else []
    found = tuple(entry for entry in asked if planned(entry.id) is not None)
    if not found:
        said = (
            f"{id} has no experiment" if id else "no section is chosen" if not section else f"nothing in {section} runs"
        )
        raise ReviewError(said, remedy="choose a statement with a button, or a section")
    return found


def work(asked: tuple[Statement, ...], report: Report) -> Outcome:
    """Runs statements with the cohort and the days of `alarmin review`."""
    design = vocabulary().design
    plans = {entry.id: found for entry in asked if (found := planned(entry.id)) is not None}
    report("enrolling", 0, 1)
    seen = run_all(plans.values(), design, report)
    entries = [judge(entry, plans[entry.id], seen[entry.id], "", design) for entry in asked]
    content = {
        "entries": entries,
        "counts": dict(Counter(entry.verdict for entry in entries)),
        "section": asked[0].section,
        "command": f"alarmin review --section {shlex.quote(asked[0].section)} --json",
    }
    return Outcome(content, {})
