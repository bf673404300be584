"""Enrollment: candidates are brought to their untreated state, and those whom nobody would meet are turned away.

A lesion is held at its size while its cells, vessels, matrix and molecules settle; then it is let go for twelve weeks.
A candidate becomes a patient if the untreated disease grows, at a speed that has been seen. So inflamed, excluded and
desert tumors arise and are not assigned.
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from alarmin.model import Model
from alarmin.numerics.random import LARGEST_SEED
from alarmin.patients import Cohort, CohortError, draw
from alarmin.patients.dosing import pad
from alarmin.readouts.biopsy import Keep
from alarmin.records import Record
from alarmin.records import population as find_population
from alarmin.simulation import Settings, advance_days, balance, model_of, split
from alarmin.state import FIELDS, State

MOST = 1_000_000
"""Patients of a cohort that is held in memory."""


@dataclass(frozen=True)
class Acceptance:
    """How many candidates were looked at, and how many became patients."""

    candidates: int
    accepted: int

    @property
    def share(self) -> float:
        """Accepted over looked at [-]."""
        return self.accepted / self.candidates if self.candidates else 0.0


def enroll(
    tumor: str,
    n: int,
    seed: int = 0,
    *,
    population: str | None = None,
    changes: Mapping[str, Record] | None = None,
    keep: Keep | None = None,
    settings: Settings = Settings(),
    progress: Callable[[int, int], None] | None = None,
) -> Cohort:
    """The first `n` plausible patients of a tumor type, each in the untreated state.

    Args:
        tumor: tumor type.
        n: how many.
        seed: seed of the cohort; the same seed gives the same patients, however many.
        population: a fitted population; by default that of the tumor type where there is one, "prior" for none.
        changes: records to use instead of those in force, by id.
        keep: which patients to take; all without it.
        settings: how to compute.
        progress: is told how many patients of how many are found.

    Raises `CohortError` where `n` or `seed` is no such number, or hardly any candidate is plausible and taken.
    """
    return enroll_counted(tumor, n, seed, population, changes, settings, progress, keep)[0]


def enroll_counted(
    tumor: str,
    n: int,
    seed: int,
    population: str | None,
    changes: Mapping[str, Record] | None,
    settings: Settings,
    progress: Callable[[int, int], None] | None = None,
    keep: Keep | None = None,
) -> tuple[Cohort, Acceptance]:
    """`enroll`, with the acceptance that tells how well the priors agree with what is seen."""
    if not isinstance(n, int | np.integer) or n <= 0:
        raise CohortError(f"a cohort of {n!r} patients", remedy="ask for a whole number, at least one")
    if n > MOST:
        raise CohortError(f"a cohort of {n} patients", remedy=f"ask for at most {MOST}, or use alarmin cohort")
    if not isinstance(seed, int | np.integer) or seed < 0:
        raise CohortError(f"seed {seed!r}", remedy=f"give a whole number from 0 to {LARGEST_SEED}")
    fitted = find_population(tumor, population)
    changes = {**(fitted.records if fitted else {}), **(changes or {})}
    name = fitted.name if fitted else "prior"
    parts: list[Cohort] = []
    found, looked, grew = 0, 0, 0
    while found < n:
        # As many as should be enough, since a last round for a few takes as long as one for many.
        share = max(found / looked, 0.1) if looked else 0.6
        batch = int(np.ceil(1.1 * (n - found) / share)) + 8
        candidates = draw(tumor, np.arange(looked, looked + batch), seed, changes, name)
        kept = [part for part in _plausible(candidates, settings) if part is not None]
        grew += sum(len(part) for part in kept)
        kept = [part for part in (_taken(part, keep) for part in kept) if part is not None]
        parts += kept
        found += sum(len(part) for part in kept)
        looked += batch
        if progress is not None:
            progress(min(found, n), n)
        if grew >= 400 and found < 0.02 * grew:
            raise CohortError(
                f"the criteria take only {found} of {grew} patients with {tumor!r}",
                remedy="widen the criteria of the trial, or look at the records of the assay",
            )
        if looked >= 400 and grew < 0.02 * looked:
            raise CohortError(
                f"only {grew} of {looked} candidates of {tumor!r} have a disease that grows as disease does",
                remedy="the spreads or the changed records contradict one another: look at those last changed",
            )
    cohort = _join(parts)[np.arange(n)]
    last = int(cohort.ids[-1]) + 1
    return cohort, Acceptance(candidates=last, accepted=n)


def plausible(
    candidates: Cohort, settings: Settings = Settings(), progress: Callable[[int, int], None] | None = None
) -> Cohort | None:
    """Those of the candidates whose untreated disease is plausible, in the untreated state; None where nobody is.

    Args:
        candidates: whoever is asked.
        settings: how to compute.
        progress: is told how many candidates of how many have been looked at.
    """
    parts: list[Cohort] = []
    for number, part in enumerate(_plausible(candidates, settings), start=1):
        parts += [] if part is None else [part]
        if progress is not None:
            progress(min(number * settings.lanes, candidates.lanes), candidates.lanes)
    return _join(parts) if parts else None


def _plausible(candidates: Cohort, settings: Settings) -> Iterator[Cohort | None]:
    """The plausible patients of each chunk of candidates."""
    chunks = [candidates[rows] for rows in split(candidates, settings.lanes)]
    with ThreadPoolExecutor(settings.workers) as pool:
        yield from pool.map(_settle, chunks, [settings] * len(chunks))


def _taken(part: Cohort, keep: Keep | None) -> Cohort | None:
    """Those of the patients who are taken; None where nobody is."""
    rows = np.arange(len(part)) if keep is None else np.flatnonzero(keep(part))
    return part[rows] if len(rows) else None


def settled(candidates: Cohort, settings: Settings = Settings()) -> Cohort:
    """The candidates in their untreated state, whether or not their disease is plausible.

    So the very patients of one geometry are had in another.
    """
    return _join([_untreated(candidates[rows], settings)[0] for rows in split(candidates, settings.lanes)])


def _settle(part: Cohort, settings: Settings) -> Cohort | None:
    """The patients of a chunk of candidates in their untreated state; None where nobody is plausible."""
    found, plausible = _untreated(part, settings)
    return found[np.flatnonzero(plausible)] if plausible.any() else None


def _untreated(part: Cohort, settings: Settings) -> tuple[Cohort, NDArray[np.bool_]]:
    """A chunk of candidates in their untreated state, and whose disease is plausible, `[patient]`."""
    value = lambda record, unit: part.records[record].to(unit)
    model = model_of(part, settings)
    state = first_state(part, settings, model)
    state = balance(model, state, {})
    state = _untreated_days(model, state, value("settling_time", "day"), True, settings)
    after = _untreated_days(model, state, value("observation_time", "day"), False, settings)

    volume = lambda at: part.sum_lesions(np.asarray(at.radius, np.float64)[0, : part.lanes] ** 3)
    with np.errstate(divide="ignore", invalid="ignore"):
        growth = np.log(volume(after) / volume(state))
        doubling = float(after.day - state.day) * np.log(2.0) / growth
    fastest, slowest = value("plausible_doubling_fastest", "day"), value("plausible_doubling_slowest", "day")
    plausible = np.isfinite(doubling) & (doubling >= fastest) & (doubling <= slowest)
    untreated = {name: np.asarray(field)[..., : part.lanes] for name, field in state.fields.items()}
    untreated |= {"radius": np.asarray(state.radius)[:, : part.lanes]}
    untreated |= {"velocity": np.asarray(state.velocity)[:, : part.lanes]}
    for field in untreated.values():
        healthy = np.isfinite(field).all(axis=0).astype(np.float64)
        plausible &= np.minimum.reduceat(healthy, part.first_lane) > 0
    return replace(part, untreated=untreated), plausible


def _untreated_days(model: Model, state: State, days: float, held: bool, settings: Settings) -> State:
    """The state at least `days` later, in the stretches that treated runs take too, so that one program does."""
    stretch = {"days": jnp.zeros((settings.decision_days, 1, 1), settings.precision)}
    for _ in range(int(np.ceil(days / settings.decision_days))):
        state, _, _ = advance_days(model, state, {}, {}, stretch, settings.steps_per_day, jnp.asarray(held))
    return state


def first_state(part: Cohort, settings: Settings, model: Model) -> State:
    """Where the settling of a chunk begins: every field at its record `start_*`, lesions at their size."""
    value = lambda record, unit: part.records[record].to(unit)
    shape = (settings.grid.points, settings.lanes)
    start = {name: jnp.zeros(shape, settings.precision) for name in model.fields if name not in FIELDS}
    for name, entry in FIELDS.items():
        height = 1 if entry.kind == "body" else settings.grid.points
        amount = pad(part.lesion_value(f"start_{name}", entry.unit), settings.lanes)
        start[name] = jnp.asarray(np.broadcast_to(amount, (height, settings.lanes)).astype(settings.precision))
    diameter = np.clip(
        part.lesion_value("lesion_diameter", "mm"),
        value("lesion_diameter_least", "mm"),
        value("lesion_diameter_most", "mm"),
    ) / part.lesion_value("lesion_elongation", "dimensionless")
    return State(
        day=jnp.zeros((), settings.precision),
        radius=jnp.asarray(pad(diameter / 2.0, settings.lanes)[None, :].astype(settings.precision)),
        velocity=jnp.zeros((settings.grid.paths, settings.lanes), settings.precision),
        fields=start,
    )


def _join(parts: list[Cohort]) -> Cohort:
    """One cohort of several that were drawn alike."""
    first = parts[0]
    starts = np.cumsum([0, *(len(part) for part in parts[:-1])])
    across = lambda pick: {name: np.concatenate([pick(part)[name] for part in parts], axis=-1) for name in pick(first)}
    return replace(
        first,
        ids=np.concatenate([part.ids for part in parts]),
        patient=np.concatenate([part.patient + start for part, start in zip(parts, starts, strict=True)]),
        lesion=np.concatenate([part.lesion for part in parts]),
        values=across(lambda part: part.values),
        untreated=across(lambda part: part.untreated or {}),
    )
