"""Plays every coalition of switches on every patient, side by side as lanes of one program.

A coalition is a copy of the patient, from the same untreated state, in which some quantities are seen as they would be
in healthy tissue from the first day of treatment on. What it is worth is

    v(S) = ln B(untreated, day D) - ln B(treated, switches S thrown, day D)

with the burden B, the living tumor cells of all lesions. The untreated course is that of the patient as he is, so what
a switch does without any treatment counts too, and a barrier that starves the tumor can be worth less than nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alarmin.explain.shapley import coalitions, interactions, shapley
from alarmin.explain.switches import ExplainError, Game, games, lifts
from alarmin.patients import Cohort
from alarmin.simulation import Course, Crew, Settings, simulate
from alarmin.therapy.regimen import Regimen, parse

TOGETHER = 40
"""Patients whose coalitions are held in memory at the same time; without influence on results."""

__all__ = ["ExplainError", "Explanation", "Played", "explain"]


@dataclass(frozen=True)
class Played:
    """A game played to the end for every patient.

    Attributes:
        game: its switches.
        values: what each coalition is worth, in the order of `alarmin.explain.coalitions`, `[2**switch, patient]`.
        shapley: what each switch is worth, `[switch, patient]`; they add up to v(all) - v(none).
        interactions: of pairs of switches, `[switch, switch, patient]`.
    """

    game: Game
    values: NDArray[np.float64]
    shapley: NDArray[np.float64]
    interactions: NDArray[np.float64]

    @property
    def shares(self) -> NDArray[np.float64]:
        """Shapley values over the sum of their sizes, with their sign, `[switch, patient]` [-]."""
        return self.shapley / np.maximum(np.abs(self.shapley).sum(axis=0), 1e-12)

    @property
    def dominant(self) -> NDArray[np.int64]:
        """The switch that is worth most, `[patient]`; -1 where none is worth more than nothing."""
        return np.where(self.shapley.max(axis=0) > 0.0, self.shapley.argmax(axis=0), -1)


@dataclass(frozen=True)
class Explanation:
    """What held each patient of a cohort back.

    Attributes:
        cohort: whose.
        regimen: what was given.
        days: day on which burdens are compared.
        untreated: living tumor cells without treatment on that day, `[patient]` [Mcell].
        treated: the same under the regimen, `[patient]` [Mcell].
        start: the same on day 0, `[patient]` [Mcell].
        barriers: the game of barriers.
        steps: the game of steps.
        lane_steps: lesions times time steps that were computed.
        seconds: for how long, without compilation.
    """

    cohort: Cohort
    regimen: str
    days: int
    start: NDArray[np.float64]
    untreated: NDArray[np.float64]
    treated: NDArray[np.float64]
    barriers: Played
    steps: Played
    lane_steps: int
    seconds: float

    @property
    def change(self) -> NDArray[np.float64]:
        """Tumor cells under treatment on the last day relative to the first, less one, `[patient]` [-]."""
        return self.treated / self.start - 1.0


def explain(
    cohort: Cohort,
    regimen: str | Regimen,
    *,
    days: int = 84,
    agents: Sequence[str] = (),
    settings: Settings = Settings(),
    progress: Callable[[int, int], None] | None = None,
) -> Explanation:
    """Shapley values of barriers and of steps for each patient of a cohort under a regimen.

    Args:
        cohort: patients in their untreated state.
        regimen: in the regimen language; the same for all, whatever happens.
        days: day on which burdens are compared.
        agents: further agents to carry along without giving them, so that regimens share one program.
        settings: how to compute.
        progress: is told how many groups of patients, of how many, are done.

    Raises `ExplainError` where nothing is given, or there are no days.
    """
    plan = treated(parse(regimen) if isinstance(regimen, str) else regimen)
    if days < 1:
        raise ExplainError(f"a comparison on day {days}", remedy="give at least one day")
    carried = tuple(sorted({*plan.agents, *agents}))
    thrown = _copies()
    copies = len(next(iter(thrown.values())))
    treated_copy = np.arange(copies) > 0
    parts: list[Course] = []
    batches = [cohort[rows] for rows in np.array_split(np.arange(len(cohort)), -(-len(cohort) // TOGETHER))]
    start, burdens = [], []
    with Crew(settings.workers) as crew:
        for batch in batches:
            everyone = batch[np.repeat(np.arange(len(batch)), copies)]
            each = {name: np.tile(where, len(batch)) for name, where in thrown.items()}
            course = simulate(
                everyone,
                plan,
                days=days,
                given=np.tile(treated_copy, len(batch)),
                agents=carried,
                clamped=lifts(everyone, carried, each),
                settings=settings,
                crew=crew,
            )
            parts.append(course)
            if progress is not None:
                progress(len(parts), len(batches))
            start.append(burden(course, 0).reshape(-1, copies)[:, 0])
            burdens.append(burden(course, days).reshape(-1, copies).T)
    alone, *others = np.concatenate(burdens, axis=1)
    left = np.stack(others)
    values = np.log(alone) - np.log(left)
    split = 2 ** len(games().barriers.switch)
    return Explanation(
        cohort=cohort,
        regimen=str(plan),
        days=days,
        start=np.concatenate(start),
        untreated=alone,
        treated=left[0],
        barriers=_played(games().barriers, values[:split]),
        # Nobody switched is the same copy in both games.
        steps=_played(games().steps, np.concatenate([values[:1], values[split:]])),
        lane_steps=sum(course.timing.lane_steps for course in parts),
        seconds=sum(course.timing.simulate_s for course in parts),
    )


def treated(plan: Regimen) -> Regimen:
    """The regimen, after a look that something is given; raises `ExplainError` where nothing is."""
    if not plan.agents:
        raise ExplainError("no treatment to explain", remedy='give a regimen, such as "atezolizumab 1200 mg q3w"')
    return plan


def burden(course: Course, day: int) -> NDArray[np.float64]:
    """Living tumor cells of all lesions of each patient on a day, `[patient]` [Mcell].

    Never below the share of those of day 0 that `games().deepest` says.
    """
    cells = course.cohort.sum_lesions(course.lesions["tumor"])
    return np.maximum(cells[day], games().deepest * cells[0])


def _copies() -> dict[str, NDArray[np.bool_]]:
    """By switch, in which copies of a patient it is thrown: the untreated one, all coalitions of barriers, of steps."""
    found: dict[str, NDArray[np.bool_]] = {}
    first, second = (coalitions(len(game.switch)) for game in (games().barriers, games().steps))
    for game, before, own, after in (
        (games().barriers, 1, first, len(second) - 1),
        (games().steps, 1 + len(first), second[1:], 0),
    ):
        for i, name in enumerate(game.names):
            found[name] = np.concatenate([np.zeros(before, bool), own[:, i], np.zeros(after, bool)])
    return found


def _played(game: Game, values: NDArray[np.float64]) -> Played:
    return Played(game, values, shapley(values), interactions(values))
