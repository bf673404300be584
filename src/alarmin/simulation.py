"""Takes a cohort through a regimen: chunks of lanes through one compiled program.

Lesions run in chunks of a fixed width, whole patients in each, padded. No lane knows of another except its siblings,
so results are the same to the bit whatever the number of patients, chunks or workers, and in whatever order.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from numpy.typing import NDArray

from alarmin.errors import AlarminError
from alarmin.model import Lift, Model, Moment, assemble
from alarmin.numerics.grid import Grid
from alarmin.numerics.sphere import Sphere
from alarmin.patients import Cohort
from alarmin.patients.dosing import Dosing, dosing, pad
from alarmin.patients.variation import MOST_LESIONS
from alarmin.programs import kept
from alarmin.state import FIELDS, State
from alarmin.therapy.regimen import Regimen, parse
from alarmin.units import factor

MONTH = 365.25 / 12.0
"""Days in a month."""

LONGEST = 1200
"""Months that a run may have."""

TreatOn = Callable[[NDArray[np.float64], NDArray[np.float64], Cohort], NDArray[np.bool_]]
"""Days so far `[time]`, diameters so far `[time, lane]`, and whose: whether treatment goes on, `[patient]`."""

Manage = Callable[[Cohort], Callable[[int, int, dict[str, NDArray[np.float64]]], None]]
"""Of patients, a function of the days from A, before B, and of all doses `[day, patient]`; it changes those to come."""

Watch = Callable[[int, Mapping[str, NDArray], NDArray], None]
"""Day, profiles by name `[point, lane]` and radii `[lane]` of a chunk; is handed them instead of the course."""

Clamped = Mapping[str, float | Lift]
"""Quantities seen at a fixed value, or lifted in some lesions; a `Lift` has its numbers for the cohort, `[lane]`."""


class SimulationError(AlarminError):
    """A run that cannot be started, or patients whose state became meaningless, who are its `failed`."""

    failed: "tuple[Failure, ...]" = ()


@dataclass(frozen=True)
class Failure:
    """A patient whose state stopped being a number.

    Attributes:
        patient: his id.
        lesion: number of the lesion that was first, from 0.
        day: first day of it.
        reading: what was no number.
        parameters: what was drawn for that lesion, by record, in the unit of the record.
    """

    patient: int
    lesion: int
    day: int
    reading: str
    parameters: Mapping[str, float] = field(repr=False)

    def __str__(self) -> str:
        return (
            f"patient {self.patient}: {self.reading} of lesion {self.lesion + 1} is not a number from day {self.day} on"
        )


@dataclass(frozen=True)
class Settings:
    """How to compute, as against what.

    Attributes:
        grid: where the fields of a lesion live: `Sphere`, `WellMixed`, or a `Box`.
        steps_per_day: time steps in a day.
        lanes: lesions in a chunk; part of the compiled program, without influence on results.
        workers: chunks that run at the same time.
        precision: number format of the state.
        decision_days: days between looks at whether treatment goes on.
    """

    grid: Grid = Sphere()
    steps_per_day: int = 2
    lanes: int = 128
    workers: int = field(default_factory=lambda: min(os.cpu_count() or 1, 2))
    precision: str = "float32"
    decision_days: int = 21

    @property
    def ball(self) -> Sphere:
        """The grid, for readings that need shells; raises `SimulationError` where it has none."""
        if not isinstance(self.grid, Sphere):
            raise SimulationError(
                f"this reading needs the shells of a ball, not {type(self.grid).__name__}",
                remedy="compute it with the default grid",
            )
        return self.grid


COARSE = Settings(steps_per_day=1)
"""How populations are fitted, and so how banks are computed: outcomes of patients who were fitted differ by little."""


@dataclass
class Timing:
    """What a run cost: time to compile and to simulate [s], lesions times time steps."""

    compile_s: float = 0.0
    simulate_s: float = 0.0
    lane_steps: int = 0

    @property
    def lane_steps_per_s(self) -> float:
        """Rate of the simulation, compilation apart."""
        return self.lane_steps / self.simulate_s if self.simulate_s > 0 else 0.0


@dataclass(frozen=True)
class Course:
    """What happened to a cohort under a regimen.

    Attributes:
        cohort: whose course this is.
        regimen: what was planned.
        days: times of the readings, `[time]`, 0 at the start of treatment [day].
        lesions: readings by name, `[time, lane]`: diameter [mm], tumor [Mcell], cd8 [Mcell/mL], oxygen [mmHg], …
        doses: what was given, by agent, `[day, patient]` [mg], or in the unit of a dose that is no mass.
        profile_days: times of the profiles, `[profile]` [day].
        profiles: fields and signals by name, `[profile, shell, lane]`; empty unless asked for.
        radius: of each lesion at the profiles, `[profile, lane]` [mm].
        shells: centers of the shells as a share of the radius, `[shell]`.
        timing: what the run cost.
        failed: patients who were left out, since their state stopped being a number; nobody unless that was asked for.
    """

    cohort: Cohort
    regimen: str
    days: NDArray[np.float64]
    lesions: Mapping[str, NDArray[np.float64]]
    doses: Mapping[str, NDArray[np.float64]]
    profile_days: NDArray[np.float64]
    profiles: Mapping[str, NDArray[np.float64]]
    radius: NDArray[np.float64]
    shells: NDArray[np.float64]
    timing: Timing
    failed: tuple[Failure, ...] = ()

    def __repr__(self) -> str:
        profiles = f", {len(self.profile_days)} profiles" if len(self.profile_days) else ""
        return f"<Course under {self.regimen!r} over {self.days[-1]:g} days{profiles}: {self.cohort!r}>"


def simulate(
    cohort: Cohort,
    regimen: str | Regimen = "",
    *,
    months: float | None = None,
    days: int | None = None,
    treat_on: TreatOn | None = None,
    manage: Manage | None = None,
    given: NDArray[np.bool_] | None = None,
    agents: Sequence[str] = (),
    off: Sequence[str] = (),
    clamped: Clamped | None = None,
    profile_every: int | None = None,
    watch: Watch | None = None,
    drop_failed: bool = False,
    settings: Settings = Settings(),
    crew: "Crew | None" = None,
    progress: Callable[[int, int], None] | None = None,
) -> Course:
    """What happens to each patient of a cohort under a regimen.

    Args:
        cohort: patients in their untreated state (from `alarmin.enrollment.enroll`).
        regimen: in the regimen language; empty for no treatment.
        months: how long; or `days`.
        treat_on: decides every `settings.decision_days` whose treatment goes on, whether profiles are kept or not;
            without it, it goes on as planned.
        manage: changes doses as it goes, for instance after adverse events; without it, they are given as planned.
        given: whom the regimen is given, `[patient]`; everybody without it.
        agents: further agents to carry along without giving them, so that arms share one program.
        off: mechanisms to switch off, by name.
        clamped: quantities that all mechanisms see at a fixed value, or as a `Lift` says, by name.
        profile_every: days between profiles across each lesion, from day 0 on; there is one of the last day too. None
            are kept without it.
        watch: is handed each profile as it comes, so that none is kept.
        drop_failed: leave out patients whose state stops being a number, and name them in `Course.failed`, instead of
            refusing.
        settings: how to compute.
        crew: workers to share with runs of the same program at the same time; without it, the run has its own.
        progress: is told how many days of how many are done.

    Raises:
        SimulationError: where the cohort has no untreated state, an option cannot be meant, or the state of patients
            stops being a number (of all patients, where the others are to go on); it names them with their parameters.
        RegimenError: where the regimen cannot be read.
    """
    if cohort.untreated is None:
        raise SimulationError(
            "these patients have not been brought to their untreated state",
            remedy="make the cohort with alarmin.cohort(tumor, n, seed)",
        )
    plan = parse(regimen) if isinstance(regimen, str) else regimen
    if (months is None) == (days is None):
        raise SimulationError("give the length of the run as either months or days", remedy="for instance months=30")
    asked = float(days if days is not None else np.round((months or 0.0) * MONTH))
    if not (0.0 < asked < np.inf and asked.is_integer()):
        raise SimulationError(f"a run of {asked:g} days", remedy="give a positive number of months, or of whole days")
    if asked > LONGEST * MONTH:
        raise SimulationError(f"a run of {asked:g} days", remedy=f"give at most {LONGEST} months")
    length = int(asked)
    if profile_every is not None and profile_every < 1:
        raise SimulationError(f"profiles every {profile_every} days", remedy="give profile_every as 1 or more")
    if watch is not None and profile_every is None:
        raise SimulationError("a watch without profiles", remedy="say how often it looks with profile_every")

    used = tuple(sorted({*plan.agents, *agents}))
    doses = dosing(cohort, plan, length, used, settings.steps_per_day, settings.precision, given)
    chunks = list(split(cohort, settings.lanes))
    task = _Task(
        agents=used,
        dosing=doses,
        length=length,
        every=profile_every,
        treat_on=treat_on,
        manage=manage,
        off=off,
        clamped=clamped or {},
        patient=cohort.patient,
        watch=watch,
        settings=settings,
        counter=_Counter(progress, len(chunks) * length),
    )
    begin = time.perf_counter()
    with Crew(settings.workers) if crew is None else nullcontext(crew) as workers:
        first_compiled = workers.compile_s
        run = lambda rows: workers.led(
            partial(
                _run_chunk, task, cohort[rows], rows, {name: given[:, rows] for name, given in doses.planned.items()}
            )
        )
        pieces = list(workers.pool.map(run, chunks))
        compile_s = workers.compile_s - first_compiled
    timing = Timing(
        compile_s=compile_s,
        simulate_s=max(time.perf_counter() - begin - compile_s, 1e-9),
        lane_steps=cohort.lanes * length * settings.steps_per_day,
    )

    join = lambda name: {
        key: np.concatenate([getattr(piece, name)[key] for piece in pieces], axis=-1)
        for key in getattr(pieces[0], name)
    }
    lesions = join("lesions")
    failed = failures(cohort, lesions)
    if failed and not (drop_failed and len(failed) < len(cohort)):
        raise _refusal(cohort, failed)
    course = Course(
        cohort=cohort,
        regimen=str(plan),
        days=np.arange(length + 1, dtype=np.float64),
        lesions=lesions,
        doses=join("doses"),
        profile_days=pieces[0].profile_days,
        profiles=join("profiles"),
        radius=np.concatenate([piece.radius for piece in pieces], axis=-1),
        shells=settings.grid.centers,
        timing=timing,
        failed=failed,
    )
    return _without(course, [failure.patient for failure in failed]) if failed else course


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


def siblings(cohort: Cohort, lanes: int) -> NDArray[np.int32]:
    """For each lane, the lanes of its patient in order, `[5, lane]`; `lanes` stands for nobody."""
    found = np.full((MOST_LESIONS, lanes), lanes, np.int32)
    last = np.append(cohort.first_lane[1:], cohort.lanes)
    for row, (begin, end) in enumerate(zip(cohort.first_lane, last, strict=True)):
        del row
        found[: end - begin, begin:end] = np.arange(begin, end)[:, None]
    found[0, cohort.lanes :] = np.arange(cohort.lanes, lanes)
    return found


def model_of(
    cohort: Cohort,
    settings: Settings,
    agents: Sequence[str] = (),
    off: Sequence[str] = (),
    clamped: Clamped | None = None,
) -> Model:
    """The model with the parameters of a chunk of patients."""
    precision = np.dtype(settings.precision)

    def values(record: str, unit: str) -> Array:
        if record not in cohort.records:
            raise SimulationError(f"no record is called {record!r}", remedy="add it under alarmin/records/data")
        entry = cohort.records[record]
        scale = factor(entry.unit, unit)
        own = cohort.drawn(record)
        if own is not None:
            return jnp.asarray(pad(own * scale, settings.lanes)[None, :].astype(precision))
        return jnp.asarray(np.asarray(entry.value * scale, precision))

    def held(value: Any) -> Array:
        kind = bool if np.asarray(value).dtype == bool else precision
        number = np.asarray(value, kind)
        return jnp.asarray(pad(number, settings.lanes)[None, :] if number.ndim else number)

    return assemble(
        values,
        jnp.asarray(siblings(cohort, settings.lanes)),
        agents=agents,
        grid=settings.grid,
        off=off,
        clamped=jax.tree.map(held, dict(clamped or {})),
    )


def state_of(cohort: Cohort, model: Model, settings: Settings) -> State:
    """The untreated state of a chunk, with the agents' fields empty."""
    untreated = cohort.untreated or {}
    give = lambda values: jnp.asarray(pad(values, settings.lanes).astype(settings.precision))
    fields = {name: give(untreated[name]) for name in FIELDS}
    empty = jnp.zeros((settings.grid.points, settings.lanes), settings.precision)
    fields |= {name: empty for name in model.fields if name not in fields}
    fields |= {name: give(untreated[name]) for name in ("tissue",) if name in untreated}
    return State(
        day=jnp.zeros((), settings.precision),
        radius=give(untreated["radius"]),
        velocity=give(untreated["velocity"]),
        fields=fields,
    )


READINGS = ("blood_cd8", "cd8", "diameter", "dying_immunogenic", "oxygen", "tumor")
"""Names of the numbers of each lesion that every run keeps."""


def readings(state: State, model: Model) -> dict[str, Array]:
    """The numbers of `READINGS`, `[lane]`."""
    grid, at = model.grid, state.fields
    mean = lambda value: grid.mean(value, grid.extent(state.radius, at))
    clones = at["tumor_sensitive"] + at["tumor_escaped"] + at["tumor_resistant"]
    found = {
        "diameter": 2.0 * state.radius,
        "tumor": mean(clones) * grid.volume(state.radius),
        "cd8": mean(at["cd8"] + at["cd8_exhausted"] + at["cd8_bystander"]),
        "dying_immunogenic": mean(at["dying_immunogenic"]),
        "oxygen": mean(at["oxygen"]),
        "blood_cd8": at["blood_cd8"],
    }
    return {name: found[name][0] for name in READINGS}


@kept(lambda model, state, kinetics, bodies, *_: (state, bodies, dict.fromkeys(READINGS, state.radius)))
def advance_days(
    model: Model,
    state: State,
    kinetics: Mapping[str, Any],
    bodies: Mapping[str, Any],
    doses: Any,
    per_day: int,
    held: Any,
) -> tuple[State, Mapping[str, Any], dict[str, Array]]:
    """Takes a chunk through the days of `doses`; returns its state, the drug in the bodies, and daily readings.

    `doses` is by agent, `[day, 1, lane]`, and has `days`: 0 for each day that is run, and 1 for those past the end,
    whose readings are 0.
    """
    dt = 1.0 / per_day
    table = {name: amount for name, amount in doses.items() if name in kinetics}

    def day(number: Any, carry: Any) -> Any:
        def step(carry: Any, dose: Mapping[str, Any]) -> Any:
            state, bodies = carry
            stepped = {name: kinetics[name].step(bodies[name], dose[name]) for name in kinetics}
            bodies = {name: amounts for name, (amounts, _) in stepped.items()}
            plasma = {name: mean for name, (_, mean) in stepped.items()}
            return (model.step(state, plasma, dt, held), bodies), None

        today = {name: jax.lax.dynamic_index_in_dim(amount, number, keepdims=False) for name, amount in table.items()}
        later = {name: jnp.zeros((per_day - 1, *dose.shape), dose.dtype) for name, dose in today.items()}
        hours = {name: jnp.concatenate([dose[None], later[name]]) for name, dose in today.items()}
        after, _ = jax.lax.scan(step, carry[:2], hours, length=per_day)
        put = partial(jax.lax.dynamic_update_index_in_dim, index=number, axis=0)
        found = {name: put(carry[2][name], reading) for name, reading in readings(after[0], model).items()}
        return *after, found

    # A loop of a length that the program does not know: one that it knows to be 1 is taken apart, and rounds otherwise.
    length = jnp.sum(doses["days"] == 0.0, dtype=jnp.int32)
    shapes = jax.eval_shape(readings, state, model)
    empty = {name: jnp.zeros((len(doses["days"]), *of.shape), of.dtype) for name, of in shapes.items()}
    return jax.lax.fori_loop(jnp.int32(0), length, day, (state, bodies, empty))


@eqx.filter_jit
def balance(model: Model, state: State, plasma: Mapping[str, Any]) -> State:
    """Brings the molecules of a chunk to balance, from anywhere."""
    return model.settle_molecules(state, plasma, 12)


@eqx.filter_jit
def _profile(model: Model, state: State, plasma: Mapping[str, Any]) -> dict[str, Array]:
    now = Moment(model, state, plasma)
    shape = state.fields["oxygen"].shape
    names = ("tumor", "alarm", "open_fraction", "functional_surface", "imaged_flow", "hypoxia", "solid_stress")
    signals = {name: jnp.broadcast_to(getattr(now, name), shape) for name in names}
    tissue = {name: value for name, value in state.fields.items() if value.shape == shape}
    return tissue | signals


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
class _Task:
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
    counter: "_Counter"

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
class _Piece:
    lesions: dict[str, NDArray[np.float64]]
    doses: dict[str, NDArray[np.float64]]
    profile_days: NDArray[np.float64]
    profiles: dict[str, NDArray[np.float64]]
    radius: NDArray[np.float64]


class _Counter:
    def __init__(self, report: Callable[[int, int], None] | None, total: int) -> None:
        self.report, self.total, self.done = report, total, 0

    def add(self, days: int) -> None:
        self.done += days
        if self.report is not None:
            self.report(self.done, self.total)


def _run_chunk(
    task: _Task,
    part: Cohort,
    rows: NDArray[np.int64],
    doses: dict[str, NDArray[np.float64]],
    report: Callable[[float], None] | None,
) -> _Piece:
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
        found = _profile(model, state, empty)
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
    return _Piece(
        lesions={name: np.concatenate(parts).astype(np.float64) for name, parts in history.items()},
        doses=doses,
        profile_days=np.asarray(profile_days, np.float64),
        profiles={name: np.stack([p[name] for p in profiles]) for name in (profiles[0] if profiles else ())},
        radius=np.stack(radius) if radius else np.zeros((0, part.lanes)),
    )


def failures(cohort: Cohort, lesions: Mapping[str, NDArray[np.float64]]) -> tuple[Failure, ...]:
    """The patients whose readings stop being numbers, in order, each with the first that does; `[time, lane]`."""
    first: dict[int, tuple[int, int, str]] = {}
    for name, reading in lesions.items():
        fine = np.isfinite(reading)
        for lane in np.flatnonzero(~fine.all(axis=0)):
            found = (int(np.argmin(fine[:, lane])), int(lane), name)
            row = int(cohort.patient[lane])
            first[row] = min(first.get(row, found), found)
    return tuple(
        Failure(
            patient=int(cohort.ids[row]),
            lesion=int(cohort.lesion[lane]),
            day=day,
            reading=name,
            parameters={record: float(values[lane]) for record, values in sorted(cohort.values.items())},
        )
        for row, (day, lane, name) in sorted(first.items())
    )


def _refusal(cohort: Cohort, failed: Sequence[Failure]) -> SimulationError:
    others = f"; {len(failed) - 1} more of {len(cohort)} patients" if len(failed) > 1 else ""
    values = ", ".join(f"{name} {value:.4g}" for name, value in failed[0].parameters.items())
    error = SimulationError(
        f"{failed[0]} (seed {cohort.seed}{others}); drawn for this lesion: {values}",
        remedy="use more steps per day, or leave such patients out with drop_failed; and report seed and patient",
    )
    error.failed = tuple(failed)
    return error


def _without(course: Course, failed: Sequence[int]) -> Course:
    """The course of the other patients."""
    cohort = course.cohort
    rows = np.flatnonzero(~np.isin(cohort.ids, failed))
    lanes = np.isin(cohort.patient, rows)
    among = lambda values, chosen: {name: value[..., chosen] for name, value in values.items()}
    return replace(
        course,
        cohort=cohort[rows],
        lesions=among(course.lesions, lanes),
        doses=among(course.doses, rows),
        profiles=among(course.profiles, lanes),
        radius=course.radius[..., lanes],
    )
