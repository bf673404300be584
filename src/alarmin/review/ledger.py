"""The ledger: every statement, run where it can be, with its verdict."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from alarmin.enrollment import enroll
from alarmin.errors import nearest
from alarmin.patients import Cohort, records_of
from alarmin.records import agents as known_agents
from alarmin.records import tumors as known_tumors
from alarmin.review.experiment import FEWEST, Observed, effect_of, observe, scaled
from alarmin.review.statements import (
    LISTED,
    Design,
    Experiment,
    ReviewError,
    Statement,
    experiment,
    sections,
    statements,
    vocabulary,
)
from alarmin.simulation import Settings
from alarmin.therapy.regimen import RegimenError, parse

VERDICTS = ("reproduced", "opposite", "no effect", "not modelled", *LISTED)

Run = tuple[str, str, tuple[tuple[str, float], ...]]
"""Tumor type, regimen, and records with their factors: what makes one simulation."""


@dataclass(frozen=True)
class Entry:
    """A statement with its verdict; effect and interval are logarithms of changed over base."""

    statement: Statement
    verdict: str
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str = ""

    def row(self) -> dict[str, object]:
        """Plain data, for JSON and tables."""
        of = self.statement
        said: dict[str, object] = {
            name: getattr(of, name) for name in ("id", "section", "subject", "predicate", "object", "kind")
        }
        found: dict[str, object] = {"verdict": self.verdict, "effect": self.effect, "low": self.low, "high": self.high}
        return said | found | {"reason": self.reason}


def ledger(
    section: str | None = None,
    *,
    patients: int | None = None,
    days: int | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> tuple[Entry, ...]:
    """Every statement of a section, or of the whole review, with its verdict.

    Args:
        section: only this one.
        patients: in each cohort; as the vocabulary says without it.
        days: length of each run; as the vocabulary says without it.
        progress: is told what is done, how many of how many.

    Raises `ReviewError` where the patients are too few for an interval.
    """
    words = vocabulary()
    chosen = in_section(statements(), section)
    update = {name: value for name, value in (("patients", patients), ("days", days)) if value is not None}
    design = words.design.model_copy(update=update)
    if design.patients < FEWEST:
        raise ReviewError(
            f"{design.patients} patients in each cohort; a median has an interval of 95 % from {FEWEST} on",
            remedy=f"give at least {FEWEST}",
        )
    planned: dict[str, Experiment] = {}
    missing: dict[str, str] = {}
    for entry in chosen:
        if entry.kind in LISTED or entry.not_modelled:
            missing[entry.id] = entry.not_modelled
            continue
        found = experiment(entry, words)
        missing[entry.id] = absent(found)
        if not missing[entry.id]:
            planned[entry.id] = found
    seen = run_all(planned.values(), design, progress)
    return tuple(judge(entry, planned.get(entry.id), seen.get(entry.id), missing[entry.id], design) for entry in chosen)


def in_section(of: Sequence[Statement], section: str | None) -> tuple[Statement, ...]:
    """The statements of a section; raises `ReviewError` that lists the sections where there is none of the name."""
    known = sections(of)
    if section is not None and section not in known:
        raise ReviewError(f"no section {section!r}; {nearest(section, known, 30)}", remedy="choose one of them")
    return tuple(entry for entry in of if section in (None, entry.section))


def absent(of: Experiment) -> str:
    """What an experiment needs and Alarmin does not have; empty where nothing is missing."""
    if of.tumor not in known_tumors():
        return f"tumor type {of.tumor} unknown"
    regimens = (of.given, of.treated)
    named = [part.split()[0] for regimen in regimens for part in regimen.split(" + ") if part]
    lacking = sorted({name for name in named if name not in known_agents()})
    if lacking:
        return f"agent {', '.join(lacking)} unknown"
    try:
        for regimen in regimens:
            parse(regimen)
    except RegimenError as error:
        return f"regimen unknown: {error.message}"
    known = records_of(of.tumor)
    unknown = [record for record in of.intervention.scale if record not in known]
    return f"record {', '.join(unknown)} unknown" if unknown else ""


def judge(
    statement: Statement,
    planned: Experiment | None,
    found: tuple[float, float, float] | None,
    missing: str,
    design: Design,
) -> Entry:
    """The verdict on a statement, from the effect that was found."""
    if statement.kind in LISTED:
        return Entry(statement, statement.kind, reason=statement.explanation)
    if planned is None or found is None:
        return Entry(statement, "not modelled", reason=missing)
    effect, low, high = found
    if not low * high > 0.0 or abs(effect) < design.smallest_effect:
        verdict = "no effect"
    else:
        verdict = "reproduced" if effect * planned.direction > 0.0 else "opposite"
    reason = "" if verdict == "reproduced" else statement.explanation
    return Entry(statement, verdict, effect, low, high, reason)


def run_all(
    experiments: Iterable[Experiment],
    design: Design,
    progress: Callable[[str, int, int], None] | None = None,
    enrolled: Mapping[str, Cohort] | None = None,
) -> dict[str, tuple[float, float, float]]:
    """Effect with interval of each experiment, by statement; each distinct run is simulated once."""
    planned = list(experiments)
    settings = Settings(lanes=design.lanes, decision_days=design.look_days)
    cohorts = dict(enrolled or {})
    tumors = list(dict.fromkeys(entry.tumor for entry in planned))
    for number, tumor in enumerate(tumors):
        if tumor not in cohorts:
            cohorts[tumor] = enroll(tumor, design.patients, design.seed, settings=settings)
        if progress is not None:
            progress("enrolling", number + 1, len(tumors))
    packs = _packs(planned, design.agents_together)
    total = sum(len({run for entry in pack for run in _runs(entry)}) for _, pack in packs)
    found: dict[str, tuple[float, float, float]] = {}
    done = 0
    for carried, pack in packs:
        seen: dict[Run, Observed] = {}
        names = sorted({name for entry in pack for name in entry.readout.quantity})
        for run in dict.fromkeys(run for entry in pack for run in _runs(entry)):
            tumor, regimen, factors = run
            cohort = scaled(cohorts[tumor], dict(factors))
            seen[run] = observe(cohort, regimen, carried, names, design.days, settings)
            done += 1
            if progress is not None:
                progress("experiments", done, total)
        for entry in pack:
            base, changed = (seen[run] for run in _runs(entry))
            found[entry.statement] = effect_of(base, changed, entry.readout, design.margin)
    return found


def _runs(of: Experiment) -> tuple[Run, Run]:
    return (of.tumor, of.given, ()), (of.tumor, of.treated, tuple(sorted(of.intervention.scale.items())))


def _packs(planned: Sequence[Experiment], together: int) -> list[tuple[tuple[str, ...], list[Experiment]]]:
    """Experiments by the agents that their program carries, few programs of few agents each."""
    groups: list[tuple[set[str], list[Experiment]]] = []
    for entry in planned:
        needed = {name for regimen in (entry.given, entry.treated) for name in parse(regimen).agents}
        home = _home(needed, groups, together)
        if home is None:
            home = (set(), [])
            groups.append(home)
        home[0].update(needed)
        home[1].append(entry)
    return [(tuple(sorted(agents)), entries) for agents, entries in groups]


def _home(
    needed: set[str], groups: list[tuple[set[str], list[Experiment]]], together: int
) -> tuple[set[str], list[Experiment]] | None:
    """The group that carries the agents, or else one that has room for them; without agents, the one without."""
    if not needed:
        return next((group for group in groups if not group[0]), None)
    carrying = [group for group in groups if needed <= group[0]]
    roomy = [group for group in groups if group[0] and len(group[0] | needed) <= together]
    return next(iter(carrying + roomy), None)
