"""Chunks of whole patients, and the workers that take them through a run."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from alarmin.patients import Cohort
from alarmin.patients.dosing import Dosing
from alarmin.simulation.program import advance_days, model_of, profile, readings, state_of
from alarmin.simulation.settings import Clamped, Manage, Settings, TreatOn, Watch


def split(cohort: Cohort, lanes: int) -> Iterator[NDArray[np.int64]]:
    """Rows of whole patients whose lesions fit into `lanes`, in order."""
    counts = np.diff(np.append(cohort.first_lane, cohort.lanes))
    start, filled = 0, 0
    for row, count in enumerate(counts):
        if filled + count > lanes:
            yield np.arange(start, row)
            start, filled = row, 0
        filled += count
    yield np.arange(start, len(cohort))


class Crew:
    """Workers for chunks of one program: the first chunk compiles it while the others wait.

    Attributes:
        pool: the workers.
        compile_s: time that compilation took, 0 before it is done [s].
    """

    def __init__(self, workers: int) -> None:
        self.pool = ThreadPoolExecutor(workers)
        self.compile_s = 0.0
        self._leads, self._compiled = threading.Lock(), threading.Event()

    def __enter__(self) -> "Crew":
        return self

    def __exit__(self, *_: object) -> None:
        self.pool.shutdown()

    def led(self, work: Callable[["Callable[[float], None] | None"], Any]) -> Any:
        """`work(report)`, once the program is there; the first to come gets a `report` of the time to compile it."""
        if not self._leads.acquire(blocking=False):
            self._compiled.wait()
            return work(None)
        try:
            return work(self._report)
        finally:
            self._compiled.set()

    def _report(self, seconds: float) -> None:
        self.compile_s = seconds
        self._compiled.set()


@dataclass(frozen=True)
class Task:
    """What all chunks of a run have in common."""

    agents: Sequence[str]
    dosing: Dosing
    length: int
    every: int | None
    treat_on: TreatOn | None
    manage: Manage | None
    off: Sequence[str]
    clamped: Clamped
    patient: NDArray[np.int64]
    watch: Watch | None
    settings: Settings
    counter: "Counter"

    @property
    def spans(self) -> tuple[int, ...]:
        """Days between looks, and between decisions: neither moves the other."""
        decided = self.every is None or self.treat_on is not None or self.manage is not None
        decisions = (self.settings.decision_days,) if decided else ()
        return decisions if self.every is None else (self.every, *decisions)

    @property
    def looks(self) -> set[int]:
        """Days on which profiles are taken: every so often, and the last."""
        return set() if self.every is None else {*range(0, self.length, self.every), self.length}

    @property
    def stops(self) -> list[int]:
        """Days on which a run halts, from 0 to its end."""
        return sorted({self.length, *(day for span in self.spans for day in range(0, self.length, span))})


@dataclass
class Piece:
    """What one chunk adds to a course, for its own lanes and patients (see `Course`)."""

    lesions: dict[str, NDArray[np.float64]]
    doses: dict[str, NDArray[np.float64]]
    profile_days: NDArray[np.float64]
    profiles: dict[str, NDArray[np.float64]]
    radius: NDArray[np.float64]


class Counter:
    """Adds up the days that chunks have done, and reports how many of how many."""

    def __init__(self, report: Callable[[int, int], None] | None, total: int) -> None:
        self.report, self.total, self.done = report, total, 0

    def add(self, days: int) -> None:
        self.done += days
        if self.report is not None:
            self.report(self.done, self.total)


def run_chunk(
    task: Task,
    part: Cohort,
    rows: NDArray[np.int64],
    doses: dict[str, NDArray[np.float64]],
    report: Callable[[float], None] | None,
) -> Piece:
    """One chunk: the patients `part` in the `rows` of the cohort; tells how long it compiled, where that is asked."""
    settings, length, decision = task.settings, task.length, task.settings.decision_days
    mine = np.isin(task.patient, rows)
    clamped = {name: jax.tree.map(lambda v: v[..., mine] if np.ndim(v) else v, v) for name, v in task.clamped.items()}
    model = model_of(part, settings, task.agents, task.off, clamped)
    state = state_of(part, model, settings)
    lanes = settings.lanes
    kinetics = task.dosing.by_lane(rows[part.patient], lanes)
    bodies = {name: body.start(lanes) for name, body in kinetics.items()}
    empty = {name: jnp.zeros((1, lanes), settings.precision) for name in task.agents}

    people = replace(part, untreated=None)
    history = {name: [np.asarray(reading)[None, : part.lanes]] for name, reading in readings(state, model).items()}
    profiles: list[dict[str, NDArray]] = []
    radius, profile_days = [], []

    def look(day: int) -> None:
        found = profile(model, state, empty)
        if task.watch is not None:
            own = {name: np.asarray(value)[:, : part.lanes] for name, value in found.items()}
            task.watch(day, own, np.asarray(state.radius)[0, : part.lanes])
            return
        profiles.append({name: np.asarray(v)[:, : part.lanes] for name, v in found.items()})
        radius.append(np.asarray(state.radius)[0, : part.lanes])
        profile_days.append(day)

    change = None if task.manage is None else task.manage(people)
    # The same for runs of any length, so that one program does.
    looks, width = task.looks, min(task.spans)
    if 0 in looks:
        look(0)
    for start, stop in pairwise(task.stops):
        if task.treat_on is not None and start > 0 and start % decision == 0:
            due = np.flatnonzero(sum((amount[start:].sum(axis=0) for amount in doses.values()), np.zeros(len(part))))
            measured = np.concatenate(history["diameter"]).astype(np.float64)
            # Nobody decides about a patient whose state is no number any more.
            due = due[np.logical_and.reduceat(np.isfinite(measured).all(axis=0), part.first_lane)[due]]
            if len(due):
                so_far = measured[:, np.isin(part.patient, due)]
                stopped = ~task.treat_on(np.arange(start + 1, dtype=np.float64), so_far, people[due])
                for amount in doses.values():
                    amount[start:, due[stopped]] = 0.0
        if change is not None and start % decision == 0:
            change(start, min(start + decision, length), doses)
        table = task.dosing.table(part, doses, start, stop, width, lanes)
        arguments = (model, state, kinetics, bodies, table, settings.steps_per_day, jnp.asarray(False))
        call = partial(advance_days, *arguments)
        begin = time.perf_counter()
        if advance_days.prepare(*arguments) and report is not None:
            report(time.perf_counter() - begin)
            report = None
        after, drugs, found = jax.block_until_ready(call())
        if report is not None:
            spent = time.perf_counter() - begin
            begin = time.perf_counter()
            jax.block_until_ready(call())
            report(max(spent - (time.perf_counter() - begin), 0.0))
            report = None
        state, bodies = after, drugs
        for name, reading in found.items():
            history[name].append(np.asarray(reading)[: stop - start, : part.lanes])
        if stop in looks:
            look(stop)
        task.counter.add(stop - start)
    return Piece(
        lesions={name: np.concatenate(parts).astype(np.float64) for name, parts in history.items()},
        doses=doses,
        profile_days=np.asarray(profile_days, np.float64),
        profiles={name: np.stack([p[name] for p in profiles]) for name in (profiles[0] if profiles else ())},
        radius=np.stack(radius) if radius else np.zeros((0, part.lanes)),
    )
