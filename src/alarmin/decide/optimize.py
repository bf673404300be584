"""The best regimens of some agents: most effect for each toxicity, found in some patients and reported in others.

    effect      mean over patients of ln(living tumor cells untreated / treated) on the last day; or the share of
                patients with a RECIST response, or without RECIST progression, less that of the untreated
    toxicity    mean over patients of 1 - exp(-Σ hazards of events of grade 3 or more up to the last day)

Patients come from several possible populations. Every other one of each chooses, and the others report. Candidates
carry all agents, and so share one program.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alarmin.decide.question import Question
from alarmin.decide.schedules import Choice, OptimizeError
from alarmin.decide.study import Study, choices_of
from alarmin.enrollment import enroll
from alarmin.patients import Cohort
from alarmin.patients.drawing import records_of
from alarmin.patients.possible import possible_populations
from alarmin.readouts.biopsy import Biopsy
from alarmin.readouts.burden import sum_of_diameters
from alarmin.readouts.recist import Criteria
from alarmin.readouts.toxicity import Hazard, risks
from alarmin.results.provenance import code_fingerprint, fingerprint
from alarmin.simulation import Course, Settings, simulate
from alarmin.therapy.regimen import Regimen, parse
from alarmin.trials.bank import READINGS

Floats = NDArray[np.float64]
MOVES = 1e-3
"""Least effect that is one."""


@dataclass(frozen=True)
class Optimized:
    """Regimens that no other regimen beats in both effect and toxicity.

    Attributes:
        question: what was asked.
        finds, reports: the patients who chose, and those who report.
        population: name of the fit that patients come from, or "prior".
        best: the regimen with the most effect of those that bring no more toxicity than usual care, in the patients
            who chose; the least toxic of the front where none does.
        table: a row for each regimen (`kind`: best, front, standard, alone), in the patients who report, as
            `alarmin.decide.report.regimens` has it.
        tried: every trial of the study, in the patients who chose.
    """

    question: Question
    finds: "Half"
    reports: "Half"
    population: str
    best: tuple[Choice, ...]
    table: pd.DataFrame
    tried: pd.DataFrame


class Half:
    """Patients on whom regimens are tried; none is simulated twice.

    Attributes:
        cohorts: those of each possible population.
        member: number of the population of each patient, `[patient]`.
    """

    def __init__(self, cohorts: Sequence[Cohort], question: Question, settings: Settings) -> None:
        self.cohorts, self.question, self.settings = cohorts, question, settings
        self.member = np.repeat(np.arange(len(cohorts)), [len(cohort) for cohort in cohorts])
        self.known: dict[str, tuple[Floats, Floats]] = {}

    def try_out(self, plan: Regimen, usual: Regimen) -> tuple[Floats, Floats]:
        """Effect and toxicity of a regimen in each patient; `usual` is how its agents are usually given."""
        if str(plan) not in self.known:
            outcome, harm = [], []
            for cohort in self.cohorts:
                course = self._course(cohort, plan)
                outcome.append(self._outcome(course))
                harm.append(severe(cohort, plan, usual, course.doses, self.question.days))
            self.known[str(plan)] = np.concatenate(outcome) - self.untreated, np.concatenate(harm)
        return self.known[str(plan)]

    def try_choices(self, choices: Sequence[Choice]) -> tuple[Floats, Floats]:
        """`try_out` of what is chosen."""
        asked = self.question
        return self.try_out(asked.regimen(choices), asked.regimen([asked.usual(choice.agent) for choice in choices]))

    def try_standard(self) -> tuple[Floats, Floats]:
        """`try_out` of usual care."""
        plan = parse(self.question.standard)
        return self.try_out(plan, plan)

    @cached_property
    def untreated(self) -> Floats:
        """Outcome of each patient without treatment."""
        return np.concatenate([self._outcome(self._course(cohort, Regimen())) for cohort in self.cohorts])

    @cached_property
    def readings(self) -> dict[str, Floats]:
        """What is known of each patient before treatment, by name."""
        biopsies = [Biopsy(cohort, self.settings) for cohort in self.cohorts]
        return {name: np.concatenate([getattr(biopsy, name) for biopsy in biopsies]) for name in READINGS}

    def _course(self, cohort: Cohort, plan: Regimen) -> Course:
        asked = self.question
        carried = {*asked.agents, *parse(asked.standard).agents, *parse(asked.backbone).agents}
        return simulate(cohort, plan, days=asked.days, agents=tuple(carried), settings=self.settings)

    def _outcome(self, course: Course) -> Floats:
        if self.question.objective == "tumor":
            # A fraction of a cell is no cell.
            return -np.log(np.maximum(course.cohort.sum_lesions(course.lesions["tumor"][-1]), 1e-6))
        rules = Criteria.of(course.cohort.records)
        total = sum_of_diameters(course.cohort, course.lesions["diameter"])
        if self.question.objective == "response":
            return (total[-1] <= (1.0 - rules.response) * total[0]).astype(float)
        least = np.minimum.accumulate(total)
        grown = (total >= (1.0 + rules.progression) * least) & (total - least >= rules.progression_least)
        return (~np.asarray(grown.any(axis=0))).astype(float)


def severe(cohort: Cohort, plan: Regimen, usual: Regimen, doses: Any, days: int) -> Floats:
    """Probability of an event of grade 3 or more within some days, `[patient]`.

    The hazard of a dose is that which it has where agents are given as `usual`, so that more doses bring more events.
    """
    total = np.zeros(len(cohort))
    for risk in risks(cohort, plan):
        total += Hazard(risk, cohort, usual).daily(0, days, doses).sum(axis=0)
    return -np.expm1(-total)


def optimize(
    question: Question,
    trials: int = 60,
    *,
    storage: Path | None = None,
    settings: Settings = Settings(),
    progress: Callable[[str, int, int], None] | None = None,
) -> Optimized:
    """The regimens that trade effect against toxicity best.

    Args:
        question: from `alarmin.decide.ask`.
        trials: regimens that are tried in all, those of the study so far included.
        storage: database in which the study is kept; in memory without it.
        settings: how to compute.
        progress: is told what is done, how much of it, and of how much.

    Raises `OptimizeError` where no agent moves the objective, or the study answers another question.
    """
    from alarmin.decide.report import regimens

    fit, possible = possible_populations(question.tumor, question.populations, question.seed)
    known = "".join(fingerprint(changes) for changes in (records_of(question.tumor), *possible))
    kept = {**vars(question), "agents": list(question.agents), "schedules": list(question.schedules)}
    kept |= {"code": code_fingerprint(), "records": known}
    kept |= {"settings": f"{settings.grid} {settings.steps_per_day} {settings.precision}"}
    options = {name: question.dosings(name) for name in question.agents}
    study = Study(storage, kept, options, question.most, question.method, question.seed)

    everyone = []
    each = -(-question.patients // question.populations)
    for number, changes in enumerate(possible):
        seed = question.seed + number
        narrow = replace(settings, lanes=min(settings.lanes, 64))
        everyone.append(enroll(question.tumor, each, seed, population="prior", changes=changes, settings=narrow))
        if progress is not None:
            progress("enroll", number + 1, question.populations)
    halves = [[cohort[np.arange(first, each, 2)] for cohort in everyone] for first in (0, 1)]
    # One width for all, so that one program does.
    widest = max(cohort.lanes for half in halves for cohort in half)
    settings = replace(settings, lanes=min(settings.lanes, 8 * -(-widest // 8)))
    finds, reports = (Half(half, question, settings) for half in halves)

    alone = [(question.usual(name),) for name in question.agents]
    begin = [*alone, tuple(question.usual(name) for name in question.agents[: question.most])]
    begin = begin[: len(alone)] if len(begin[-1]) == 1 else begin
    without = finds.try_choices(())[0] if question.backbone else 0.0
    if not any(abs((finds.try_choices(choices)[0] - without).mean()) > MOVES for choices in begin):
        raise OptimizeError(
            f"none of {', '.join(question.agents)} moves the objective {question.objective!r} by day {question.days}, "
            "alone or together",
            remedy="give more days, another objective, or other agents",
        )
    while (number := len(study.done)) < trials:
        trial, choices = study.propose(begin[number] if number < len(begin) else None)
        effect, harm = finds.try_choices(choices)
        study.tell(trial, float(effect.mean()), float(harm.mean()))
        if progress is not None:
            progress("search", number + 1, trials)
    done = study.done
    chosen = [choices_of(one.params) for one in done]
    tried = pd.DataFrame(
        {
            "trial": np.arange(len(chosen)),
            "regimen": [str(question.regimen(choices)) for choices in chosen],
            "effect": [one.values[0] for one in done],
            "toxicity": [one.values[1] for one in done],
        }
    )
    on_front = undominated(tried["effect"].to_numpy(), tried["toxicity"].to_numpy())
    # Of those that do the same until the last day, the first that was tried stands for all.
    front = list({tuple(done[i].values): chosen[i] for i in np.flatnonzero(on_front)[::-1]}.values())[::-1]
    best = _best(finds, front)
    table = regimens(finds, reports, best, front, alone, question.seed)
    return Optimized(question, finds, reports, fit.name if fit else "prior", best, table, tried)


def undominated(effect: Floats, toxicity: Floats) -> NDArray[np.bool_]:
    """Which of some regimens no other beats: none has at least the effect and at most the toxicity, and one of both
    strictly. The last axis counts regimens."""
    more, less = effect[..., None, :] >= effect[..., :, None], toxicity[..., None, :] <= toxicity[..., :, None]
    strict = (effect[..., None, :] > effect[..., :, None]) | (toxicity[..., None, :] < toxicity[..., :, None])
    return ~np.asarray((more & less & strict).any(axis=-1))


def _best(finds: Half, front: Sequence[tuple[Choice, ...]]) -> tuple[Choice, ...]:
    found = [tuple(float(value.mean()) for value in finds.try_choices(choices)) for choices in front]
    limit = float(finds.try_standard()[1].mean())
    allowed = [i for i, (_, harm) in enumerate(found) if harm <= limit + 1e-9]
    if not allowed:
        return front[min(range(len(front)), key=lambda i: found[i][1])]
    return front[max(allowed, key=lambda i: found[i][0])]
