"""Operating characteristics of a design: what it does without an effect, and with the effect of the bank."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alarmin.design import enrichment, reestimation, response_adaptive, selection, sequential
from alarmin.design.boundaries import Boundaries
from alarmin.design.patients import People
from alarmin.design.plan import Design
from alarmin.design.sequential import Runs
from alarmin.records import Trial
from alarmin.trials import statistics
from alarmin.trials.bank import Bank

CHUNK = 250
"""Trials that are computed together: as many as stay near the processor."""

WORKERS = 2
SIZES = (0.5, 0.75, 1.0, 1.25, 1.5)
"""Sizes of the trial, relative to the plan, of the power curve."""

CONFIRMED = 3.0
"""Months after the time of an endpoint by which every response before it has been confirmed."""

CURVE = 2000
"""Most replicates at each size of the power curve."""

SIMULATE: dict[str, Callable[..., Runs]] = {
    "sequential": sequential.simulate,
    "reestimation": reestimation.simulate,
    "enrichment": enrichment.simulate,
    "selection": selection.simulate,
    "response_adaptive": response_adaptive.simulate,
}


@dataclass(frozen=True)
class Characteristics:
    """What a design does.

    Attributes:
        design: what is planned.
        replicates: simulated trials of each kind.
        seed: seed of the drawing.
        population: of the bank, and `training`, what it was fitted to.
        boundaries: of the test.
        scenarios: "null" and "alternative", each with numbers by name.
        runs: the trials of each scenario.
        power: size of the trial [patients], power, and its 95 % simulation interval.
    """

    design: Design
    replicates: int
    seed: int
    population: str
    training: tuple[str, ...]
    boundaries: Boundaries
    scenarios: Mapping[str, Mapping[str, Any]]
    runs: Mapping[str, Runs]
    power: tuple[tuple[int, float, float, float], ...]

    @property
    def patients_for_goal(self) -> float | None:
        """Patients at which the power curve reaches the goal, by straight lines; None where it does not."""
        if not self.power:
            return None
        size, power = (np.array([point[column] for point in self.power]) for column in (0, 1))
        reached = np.flatnonzero(power >= self.design.power)
        if not len(reached) or reached[0] == 0:
            return None
        k = int(reached[0])
        return float(np.interp(self.design.power, power[k - 1 : k + 1], size[k - 1 : k + 1]))

    def to_json(self) -> dict[str, Any]:
        """All but the single trials, as plain data."""
        found = self.boundaries
        return {
            "design": self.design.model_dump(mode="json", exclude_none=True),
            "replicates": self.replicates,
            "seed": self.seed,
            "population": self.population,
            "training": list(self.training),
            "boundaries": {
                "information": found.information.tolist(),
                "efficacy": found.upper.tolist(),
                "lower": found.lower.tolist(),
                "alpha_spent": found.spent.tolist(),
                "drift": found.drift,
            },
            "scenarios": {name: dict(numbers) for name, numbers in self.scenarios.items()},
            "patients_for_goal": self.patients_for_goal,
            "power_curve": [
                dict(zip(("patients", "power", "low", "high"), point, strict=True)) for point in self.power
            ],
        }


def operating_characteristics(
    design: Design,
    bank: Bank,
    replicates: int = 10_000,
    seed: int = 0,
    *,
    curve: bool = True,
    progress: Callable[[str, int, int], None] | None = None,
) -> Characteristics:
    """Simulates a design with patients of a bank.

    Under the null every arm has the outcomes of the control. Each replicate draws one of the bank's populations, so
    that power is averaged over what is not known of patients and treatments (some call it assurance).

    Args:
        design: what is planned.
        bank: of the trial that the design names, followed up to the last cut.
        replicates: how many trials.
        seed: the same seed gives the same trials.
        curve: whether to find power at other sizes, too.
        progress: is told what is done, how much of it, and of how much.
    """
    people = People.of(bank, design)
    if design.test.stratum is not None:
        for limit in design.test.strata:
            people.within(design.test.stratum, limit, None)
    found = sequential.set_boundaries(design, people, _rng(seed, 9, 0))
    runs = {
        name: simulate(design, people, found, replicates, seed, null=name == "null", progress=progress)
        for name in ("null", "alternative")
    }
    scenarios = {name: summary(design, run) for name, run in runs.items()}
    if design.enrichment is not None:
        right = enrichment.right_group(people, design)
        scenarios["alternative"] |= enrichment.picked_right(runs["alternative"], right)
    points = []
    for number, size in enumerate(SIZES if curve else ()):
        other = resized(design, size)
        run = simulate(
            other, people, found, min(replicates, CURVE), seed + 1 + number, null=False, curve=True, progress=progress
        )
        share = statistics.proportion(int(run.success.sum()), len(run.success))
        points.append((other.patients, share.value, share.low, share.high))
    return Characteristics(
        design, replicates, seed, bank.population, bank.training, found, scenarios, runs, tuple(points)
    )


def _rng(seed: int, scenario: int, chunk: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, scenario, chunk])))


def simulate(
    design: Design,
    people: People,
    found: Boundaries,
    count: int,
    seed: int,
    *,
    null: bool,
    curve: bool = False,
    progress: Callable[[str, int, int], None] | None = None,
) -> Runs:
    """`count` trials in chunks, each with random numbers of its own, so that they do not depend on the workers."""
    chunks = [min(CHUNK, count - begin) for begin in range(0, count, CHUNK)]
    one = SIMULATE[design.kind]
    label, done = "power curve" if curve else "null" if null else "alternative", 0

    def run(number: int) -> Runs:
        return one(design, people, found, _rng(seed, 2 * curve + null, number), chunks[number], null=null)

    parts = []
    with ThreadPoolExecutor(WORKERS) as pool:
        for part in pool.map(run, range(len(chunks))):
            parts.append(part)
            done += len(part.success)
            if progress is not None:
                progress(label, done, count)
    return Runs.join(parts)


def resized(design: Design, size: float) -> Design:
    """The design with `size` times as many patients and events, entering so much faster."""
    scaled = lambda count: None if count is None else max(1, round(count * size))
    update: dict[str, Any] = {
        "patients": max(4, round(design.patients * size)),
        "accrual": design.accrual.model_copy(update={"per_month": design.accrual.per_month * size}),
        "cut": design.cut.model_copy(update={"events": scaled(design.cut.events)}),
    }
    if design.enrichment is not None:
        events = {"subgroup_events": scaled(design.enrichment.subgroup_events)}
        update["enrichment"] = design.enrichment.model_copy(update=events)
    return design.model_copy(update=update)


def summary(design: Design, runs: Runs) -> dict[str, Any]:
    """Numbers of one scenario: shares with their 95 % simulation intervals, and means."""
    rejected = runs.success | runs.harm
    looks = range(len(design.looks.fractions))
    by_population = [float(runs.success[runs.population == m].mean()) for m in np.unique(runs.population)]
    return {
        "rejected": share(rejected),
        "success": share(runs.success),
        "success_by_population": [min(by_population), max(by_population)],
        "patients": mean(runs.patients),
        **({"events": mean(runs.events)} if design.endpoint.by_events else {}),
        "months": mean(runs.months),
        "cut_by_time": share(runs.months >= design.cut.months - 1e-9),
        "stops": [
            {
                "look": look + 1,
                "efficacy": float((runs.success & (runs.stop == look)).mean()),
                "futility": float((runs.futile & (runs.stop == look)).mean()),
                "any": float((runs.stop == look).mean()),
            }
            for look in looks
        ],
        **{
            name: share(values) if values.dtype == bool else mean(values[~np.isnan(values.astype(float))])
            for name, values in runs.extra.items()
        },
    }


def share(hits: NDArray[np.bool_]) -> dict[str, float]:
    """A share with its exact 95 % interval."""
    found = statistics.proportion(int(hits.sum()), len(hits))
    return {"value": found.value, "low": found.low, "high": found.high}


def mean(values: NDArray) -> dict[str, float]:
    """A mean, and the central 90 % of what it is over."""
    if not len(values):
        return {"value": float("nan"), "low": float("nan"), "high": float("nan")}
    low, high = np.quantile(values, (0.05, 0.95))
    return {"value": float(np.mean(values)), "low": float(low), "high": float(high)}


def bank_trial(design: Design, trial: Trial) -> Trial:
    """The trial whose bank the design needs: all patients enter at once, and are followed as long as the endpoint asks.

    That is up to the last cut where events count, and else a little longer than the time of the endpoint, so that
    responses are confirmed.
    """
    months = design.cut.months
    if not design.endpoint.by_events:
        months = min(months, (design.endpoint.months or 0.0) + CONFIRMED)
    arms = tuple(arm for arm in trial.arms if arm.name in (*design.experimental, design.control))
    pairs = tuple(p for p in trial.contrasts if {p.experimental, p.control} <= {arm.name for arm in arms})
    return trial.model_copy(
        update={"accrual_months": 0.0, "months": months, "arms": arms, "contrasts": pairs}
        | ({} if pairs else {"primary": ()})
    )
