"""The room of the review: its statements, searched and filtered, and the verdict on each that was run here."""

import math
import shlex
from collections.abc import Mapping
from functools import cache
from typing import Any

from alarmin.review import Entry, Statement, statements, vocabulary
from alarmin.review.ledger import LISTED, absent, judge, run_all
from alarmin.review.statements import Experiment, ReviewError, experiment, sections
from alarmin.web.asking import AskedError, words
from alarmin.web.jobs import Outcome, Report


class Verdicts:
    """The verdicts on statements that were run since the server started."""

    def __init__(self) -> None:
        self._found: dict[str, Entry] = {}

    def keep(self, entry: Entry) -> None:
        """Keeps a verdict, instead of an earlier one on the same statement."""
        self._found[entry.statement.id] = entry

    def row(self, statement: Statement) -> dict[str, Any]:
        """A statement as the page shows it."""
        entry = self._found.get(statement.id) or not_run(statement)
        effect = None if entry is None else entry.effect
        spread = None if entry is None or entry.low is None or entry.high is None else (entry.low, entry.high)
        return {
            "id": statement.id,
            "section": statement.section,
            "text": f"{statement.subject} {statement.predicate} {statement.object}",
            "subject": statement.subject,
            "predicate": statement.predicate,
            "object": statement.object,
            "kind": statement.kind,
            "verdict": "" if entry is None else entry.verdict,
            "ratio": None if effect is None else math.exp(effect),
            "low": None if spread is None else math.exp(spread[0]),
            "high": None if spread is None else math.exp(spread[1]),
            "reason": "" if entry is None else entry.reason,
            "can_run": planned(statement.id) is not None,
        }


def find(id: str) -> Statement:
    """The statement with this id; raises `ReviewError` where there is none."""
    found = next((entry for entry in statements() if entry.id == id), None)
    if found is None:
        raise ReviewError(f"no statement {id!r:.40}", remedy="choose one of the list")
    return found


def chosen(form: Mapping[str, str]) -> list[Statement]:
    """The statements of the section that is asked for that hold every word that is searched for."""
    section, text = words(form, "section", "Section"), words(form, "q", "Search").lower().split()
    if section and section not in known_sections():
        raise AskedError(f"Section: {section!r:.40}", remedy="choose one of the list")
    return [
        entry
        for entry in statements()
        if section in ("", entry.section)
        and all(
            word in " ".join((entry.id, entry.subject, entry.predicate, entry.object, entry.kind)).lower()
            for word in text
        )
    ]


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


def runnable(id: str) -> Experiment:
    """The experiment of a statement; raises `ReviewError` where there is none."""
    found = planned(find(id).id)
    if found is None:
        raise ReviewError(f"{id} has no experiment", remedy="choose a statement with a button")
    return found


def work(asked: Experiment, verdicts: Verdicts, report: Report) -> Outcome:
    """Runs one statement with the cohort and the days of `alarmin review`, and keeps the verdict."""
    design, statement = vocabulary().design, find(asked.statement)
    report("enrolling", 0, 1)
    found = run_all([asked], design, report)
    report("verdict", 1, 1)
    entry = judge(statement, asked, found[statement.id], "", design)
    verdicts.keep(entry)
    content = {
        "row": verdicts.row(statement),
        "intervention": asked.intervention.title,
        "readout": asked.readout.title,
        "expected": "rises" if asked.direction > 0 else "falls",
        "tumor": asked.tumor,
        "patients": design.patients,
        "days": design.days,
        "command": f"alarmin review --section {shlex.quote(statement.section)} --json",
    }
    return Outcome(content, {})
