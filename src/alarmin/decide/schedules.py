"""What regimens are tried: which agents, how much of the standard dose, how often, from which day, for how long."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, Context
from fractions import Fraction
from functools import cache

from alarmin.errors import AlarminError
from alarmin.records import agent, trials
from alarmin.records import tumor as find_tumor
from alarmin.therapy.regimen import Phase, Regimen, Treatment, parse, standard_phase

STARTS = (0, 7, 21, 42)
"""Days from the start of treatment on which an agent may begin."""
DOSINGS = ("1 of 1", "1 of 2", "1/2 of 1", "1/2 of 1/2", "1/3 of 1/3")
"""Shares of the standard dose, of the standard interval; no intensity exceeds the standard."""
PULSES = (0, 1, 2, 4)
"""Cycles after which an agent is stopped, weeks where cycles are shorter and go on; 0 for as long as is standard."""


class OptimizeError(AlarminError):
    """A question about regimens that has no answer."""


@dataclass(frozen=True)
class Choice:
    """How one agent is given.

    Attributes:
        agent: its name.
        dosing: a name in `DOSINGS`, or phases in the regimen language, such as "60 mg/m2 q1d".
        start: first day, from 0.
        cycles: number in `PULSES`.
    """

    agent: str
    dosing: str = DOSINGS[0]
    start: int = 0
    cycles: int = 0

    @property
    def treatment(self) -> Treatment:
        """The treatment in the regimen language."""
        if self.dosing not in DOSINGS:
            found = parse(f"{self.agent} {self.dosing}").treatments[0]
            return replace(found, phases=_first(found.phases, self.cycles), start=self.start)
        usual = standard(self.agent)
        phases = tuple(self._shared(phase) for phase in usual.phases)
        return replace(usual, phases=_first(phases, self.cycles), start=self.start)

    def _shared(self, phase: Phase) -> Phase:
        dose, often = (float(Fraction(word)) for word in self.dosing.split(" of "))
        amount = phase.amount * dose
        if dose < 1.0:
            # As much as is weighed in a clinic, and no more than the share.
            amount = float(Context(prec=3, rounding=ROUND_DOWN).create_decimal(repr(amount)))
        return replace(phase, amount=amount, interval=round(phase.interval * often))


def _first(phases: Sequence[Phase], cycles: int) -> tuple[Phase, ...]:
    """Of several phases, the first so many cycles, or weeks where shorter cycles go on; all where it is 0."""
    if not cycles:
        return tuple(phases)
    first, found = phases[0], []
    left = cycles * (7 // first.interval) if first.interval < 7 and first.cycles is None else cycles
    for phase in phases:
        taken = min(left, phase.cycles or left)
        left -= taken
        if taken:
            found.append(replace(phase, cycles=taken))
    return tuple(found)


def regimen_of(choices: Sequence[Choice]) -> Regimen:
    """The regimen of several agents."""
    return Regimen(tuple(choice.treatment for choice in sorted(choices, key=lambda choice: choice.agent)))


def dosings(name: str) -> tuple[str, ...]:
    """The names in `DOSINGS` that a clinic could give: cycles of whole weeks stay so, and no cycle is shorter than the
    days on which it gives."""
    phases = standard(name).phases

    def possible(dosing: str) -> bool:
        often = Fraction(dosing.split(" of ")[1])
        lengths = [often * phase.interval for phase in phases]
        unit = 1 if any(phase.interval % 7 for phase in phases) else 7
        return all(length % unit == 0 and length >= max(p.days) for length, p in zip(lengths, phases, strict=True))

    return tuple(dosing for dosing in DOSINGS if possible(dosing))


@cache
def standard(name: str) -> Treatment:
    """How an agent is usually given, at its standard dose.

    That is what its file says (`usual`), or what most arms of the known trials give at this dose. Raises
    `OptimizeError` where nothing says how often.
    """
    drug, usual = agent(name), standard_phase(agent(name))
    if drug.usual is not None:
        return parse(f"{name} {drug.usual}").treatments[0]
    seen = Counter(
        treatment
        for trial in trials().values()
        for arm in trial.arms
        for treatment in parse(arm.regimen).treatments
        if treatment.agent == drug.name and treatment.start == 0
    )
    as_usual = lambda phase: phase.amount == usual.amount and phase.basis == usual.basis
    same = Counter({one: n for one, n in seen.items() if all(as_usual(phase) for phase in one.phases)})
    if same:
        return same.most_common(1)[0][0]
    raise OptimizeError(
        f"nothing says how often {drug.name} is given: no known trial gives {usual.amount:g} {usual.basis}, and its "
        "file has no `usual`",
        remedy=f'say it, for instance --schedule "{drug.name} {replace(usual, interval=21)}", or name other agents',
    )


def standard_of_care(tumor: str) -> Regimen:
    """What most control arms of the known trials with a tumor type give; of as many, the one with fewest agents.

    Raises `OptimizeError` where no known trial has a control arm that treats.
    """
    found: Counter[Regimen] = Counter()
    for trial in trials().values():
        controls = {pair.control for pair in trial.contrasts}
        for arm in trial.arms:
            if (
                arm.name in controls
                and (arm.tumor or trial.tumor) == find_tumor(tumor).name
                and parse(arm.regimen).agents
            ):
                found[parse(arm.regimen)] += 1
    if not found:
        raise OptimizeError(
            f"no known trial with {tumor!r} has a control arm that treats",
            remedy='say what is usual, for instance --standard "docetaxel 75 mg/m2 q3w"',
        )
    return min(found, key=lambda plan: (-found[plan], len(plan.agents), str(plan)))
