"""What regimens are tried: which agents, how much of the standard dose, from which day, how often."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import ceil

from alarmin.errors import AlarminError
from alarmin.records import agent, trials
from alarmin.therapy.regimen import Phase, Regimen, Treatment, parse, standard_phase

STARTS = (0, 7, 21, 42)
"""Days from the start of treatment on which an agent may begin."""
DOSINGS = ((1.0, 1.0), (1.0, 2.0), (0.5, 1.0), (0.5, 0.5), (0.5, 2.0))
"""Multiples of the standard dose and of the standard interval, so that no intensity exceeds the standard."""

_EVERY = re.compile(r"every (\d+) weeks")


class OptimizeError(AlarminError):
    """A question about regimens that has no answer."""


@dataclass(frozen=True)
class Choice:
    """How one agent is given: multiples of the standard `dose` and `interval`, from day `start` (0 is the first)."""

    agent: str
    dose: float = 1.0
    interval: float = 1.0
    start: int = 0

    @property
    def treatment(self) -> Treatment:
        """The treatment in the regimen language, with the number of cycles that is the standard."""
        usual = standard(self.agent)
        return replace(usual, phases=tuple(self._changed(phase) for phase in usual.phases), start=self.start)

    def _changed(self, phase: Phase) -> Phase:
        interval = ceil(phase.interval * self.interval)
        days = tuple(day for day in phase.days if day <= interval)
        return replace(phase, amount=phase.amount * self.dose, interval=interval, days=days)


def regimen_of(choices: Sequence[Choice]) -> Regimen:
    """The regimen of several agents."""
    return Regimen(tuple(choice.treatment for choice in sorted(choices, key=lambda choice: choice.agent)))


def dosings(name: str) -> tuple[tuple[float, float], ...]:
    """Multiples of dose and interval that exist for an agent: what is given daily is not given more often."""
    daily = any(phase.interval == 1 for phase in standard(name).phases)
    return tuple(pair for pair in DOSINGS if not (daily and pair[1] < 1.0))


@cache
def standard(name: str) -> Treatment:
    """How an agent is usually given, at its standard dose.

    That is what most arms of the known trials give at this dose; where none does, what the record of the standard dose
    says of its interval, and daily by mouth. Raises `OptimizeError` where nothing says how often.
    """
    drug, usual = agent(name), standard_phase(agent(name))
    seen = Counter(
        treatment
        for trial in trials().values()
        for arm in trial.arms
        for treatment in parse(arm.regimen).treatments
        if treatment.agent == drug.name and treatment.start == 0
    )
    same = Counter({one: n for one, n in seen.items() if all(p.amount == usual.amount for p in one.phases)})
    same = Counter({one: n for one, n in same.items() if all(p.basis == usual.basis for p in one.phases)})
    if same:
        return same.most_common(1)[0][0]
    said = _EVERY.search(drug.dosing.where)
    if drug.route == "by mouth":
        often = 2.0 if "twice a day" in drug.dosing.where else 1.0
        return Treatment(drug.name, (replace(usual, amount=often * usual.amount),))
    if said is not None:
        interval = 7 * int(said[1])
    else:
        raise OptimizeError(
            f"nothing says how often {drug.name} is given: no known trial gives {usual.amount:g} {usual.basis}, and "
            "the record of its dose names no interval",
            remedy="name other agents, or add a trial file that gives it",
        )
    return Treatment(drug.name, (replace(usual, interval=interval),))
