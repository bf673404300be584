"""What adverse events do to the doses that follow: delays, reductions, and ends."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from alarmin.patients import Cohort
from alarmin.readouts.toxicity import Doses, Hazard, Risk, harms_marrow, is_checkpoint, risks
from alarmin.records import agent
from alarmin.therapy.regimen import Regimen

MOST = 12
"""Events of one kind that one patient can have; a fixed number, so that it changes none of them."""

GONE = 3.0
"""Steps of dose after which an agent is not given any more."""


@dataclass(frozen=True)
class AdverseEvent:
    """Which event a patient had, its grade, on which day, by which agent, and what was done (in the words of CDISC)."""

    patient: int
    event: str
    grade: int
    day: int
    agent: str
    action: str


@dataclass
class Watch:
    """Patients under a regimen, and what happens to them from day to day.

    An event comes when its cumulative hazard passes a threshold that was drawn for patient, agent and event. So nothing
    that is given to others changes it, and less exposure means later events in the same patient. Then:

        marrow     all agents that harm the marrow wait; the bringer goes down half a step
        fever      all agents that harm the marrow wait; the bringer goes down a step
        immune     all checkpoint antibodies wait; they end at grade 4, or at the second event
        other      the bringer waits and goes down a step; it ends at grade 4
        fatal      everything ends

    One step is three quarters of the planned dose, two are half, and the third is the end. Antibodies wait and end, but
    are not reduced.

    Doses that were given in the end are watched without acting (`acts`); of those it is known from which day on a
    patient was not treated any more, `ends` `[patient]`, whatever his events.

    Records: `toxicity_*`.
    """

    cohort: Cohort
    plan: Regimen
    acts: bool = True
    ends: NDArray[np.float64] | None = None
    log: list[AdverseEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        n = len(self.cohort)
        self.risks = risks(self.cohort, self.plan)
        self.hazards = [Hazard(risk, self.cohort, self.plan) for risk in self.risks]
        self.spent = np.zeros((len(self.risks), n))
        self.count = np.zeros((len(self.risks), n), np.int64)
        self.steps = {name: np.zeros(n) for name in self.plan.agents}
        self.thresholds = np.cumsum(-np.log(self._drawn("")), axis=2)
        self.severity, self.fate = self._drawn(" grade"), self._drawn(" fatal")

    def _drawn(self, use: str) -> NDArray[np.float64]:
        """Uniform numbers for each risk, patient and event, `[risk, patient, event]`."""
        found = np.ones((len(self.risks), len(self.cohort), MOST))
        for number, risk in enumerate(self.risks):
            found[number] = self.cohort.uniform(f"toxicity {risk.agent} {risk.event}{use}", (MOST,))
        return found

    def _value(self, name: str, unit: str = "dimensionless") -> float:
        return self.cohort.records[f"toxicity_{name}"].to(unit)

    def look(self, start: int, stop: int, doses: Doses) -> None:
        """Goes through the days from `start` before `stop`; `doses` change from the day after each event on."""
        if not self.risks or stop <= start:
            return
        days, handled = np.arange(start, stop), np.full(len(self.cohort), start)
        while True:
            daily = np.stack([hazard.daily(start, stop, doses) for hazard in self.hazards])
            so_far = np.cumsum(np.concatenate([self.spent[:, None], daily], axis=1), axis=1)[:, 1:]
            limit = np.take_along_axis(self.thresholds, np.minimum(self.count, MOST - 1)[..., None], axis=2)[
                :, None, :, 0
            ]
            due = (so_far >= limit) & (self.count < MOST)[:, None] & (days[:, None] >= handled)
            if not due.any():
                break
            # The earliest event of each patient; what comes after it may not come once doses have changed.
            when = np.where(due.any(axis=1), due.argmax(axis=1), stop)
            for row in np.flatnonzero(due.any(axis=(0, 1))):
                number = int(when[:, row].argmin())
                handled[row] = start + when[number, row]
                self._happen(number, int(row), int(handled[row]), doses)
        self.spent = so_far[:, -1]

    def _happen(self, number: int, row: int, day: int, doses: Doses) -> None:
        risk, count = self.risks[number], self.count[number, row]
        self.count[number, row] += 1
        fatal = self._value(f"fatal_{risk.kind}" if risk.kind in ("fever", "immune") else "fatal_other")
        grade = 4 if self.severity[number, row, count] < self._value("grade4") else 3
        grade = 5 if self.fate[number, row, count] < fatal else grade
        action = self._answer(risk, row, day, grade, doses)
        self.log.append(AdverseEvent(row, risk.event, grade, day, risk.agent, action))

    def _answer(self, risk: Risk, row: int, day: int, grade: int, doses: Doses) -> str:
        """Changes doses after an event, and says how those of its bringer were changed."""
        if grade == 5:
            self._scale(self.plan.agents, row, day, 0.0, doses)
            return "NOT APPLICABLE"
        if not self._goes_on(risk.agent, row, day, doses):
            return "NOT APPLICABLE"
        together: tuple[str, ...] = (risk.agent,)
        if risk.kind in ("marrow", "fever"):
            together = tuple(filter(harms_marrow, self.plan.agents))
        if risk.kind == "immune":
            together = tuple(filter(is_checkpoint, self.plan.agents))
        before = float(self.steps[risk.agent][row])
        after = before + (self._value("marrow_steps") if risk.kind == "marrow" else 1.0)
        if (grade == 4 and risk.kind in ("immune", "other")) or (risk.kind == "immune" and after >= 2.0):
            after = GONE
        changed = together if risk.kind == "immune" else (risk.agent,)
        for name in changed:
            self.steps[name][row] = after
        if after >= GONE:
            self._scale(changed, row, day, 0.0, doses)
        hold = "other" if risk.kind == "fever" else risk.kind
        for name in together:
            self._delay(name, row, day, int(self._value(f"hold_{hold}", "day")), doses)
        if after >= GONE:
            return "DRUG WITHDRAWN"
        factor = self._share(after) / self._share(before)
        if agent(risk.agent).kind == "antibody" or factor == 1.0:
            return "DRUG INTERRUPTED"
        self._scale((risk.agent,), row, day, factor, doses)
        return "DOSE REDUCED"

    def _goes_on(self, name: str, row: int, day: int, doses: Doses) -> bool:
        """Whether more of an agent would have been given after a day."""
        left = bool(doses[name][day + 1 :, row].any())
        if left or self.acts:
            return left
        # An event that ends an agent leaves none of its doses; the plan tells that there were some to leave out.
        if self.steps[name][row] >= GONE or (self.ends is not None and day >= self.ends[row]):
            return False
        planned = self.plan.doses(len(doses[name]), *np.ones((3, 1)))[name]
        return bool(np.count_nonzero(doses[name][: day + 1, row]) < np.count_nonzero(planned))

    def _share(self, steps: float) -> float:
        """Dose after so many steps, relative to that planned."""
        return 1.0 if steps < 1.0 else self._value("dose_first") if steps < 2.0 else self._value("dose_second")

    def _scale(self, names: tuple[str, ...], row: int, day: int, factor: float, doses: Doses) -> None:
        for name in names if self.acts else ():
            doses[name][day + 1 :, row] *= factor

    def _delay(self, name: str, row: int, day: int, hold: int, doses: Doses) -> None:
        """Moves all doses that follow, so that the next is not given before the hold is over."""
        later = doses[name][day + 1 :, row]
        due = np.flatnonzero(later)
        if not self.acts or not len(due) or due[0] >= hold:
            return
        shift = hold - int(due[0])
        moved = np.concatenate([np.zeros(shift), later])[: len(later)]
        later[:] = moved


def manage(plan: Regimen) -> Callable[[Cohort], Callable[[int, int, Doses], None]]:
    """Changes the doses of a regimen as events call for it, in the form that `alarmin.simulation.simulate` takes."""
    return lambda cohort: Watch(cohort, plan).look


def adverse_events(
    cohort: Cohort, plan: Regimen, doses: Doses, ends: NDArray[np.float64] | None = None
) -> tuple[AdverseEvent, ...]:
    """What happened under the doses that were given in the end, in the order of days.

    `ends` is the day from which each patient was not treated any more, whatever his events, `[patient]`.
    """
    if not doses:
        return ()
    watch = Watch(cohort, plan, acts=False, ends=ends)
    watch.look(0, len(next(iter(doses.values()))), doses)
    return tuple(sorted(watch.log, key=lambda event: (event.day, event.patient)))
