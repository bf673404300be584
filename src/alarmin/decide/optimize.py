"""The best regimens of some agents: most effect for each toxicity, found in some patients and reported in others.

    effect      mean over patients of ln(living tumor cells untreated / treated) on the last day, or the share of
                patients whose sum of diameters has fallen by the RECIST decrease, less that of the untreated
    toxicity    mean over patients of 1 - exp(-Σ hazards of events of grade 3 or more up to the last day)

Optuna proposes regimens (multi-objective tree-structured Parzen estimator, or NSGA-II) and keeps the study in a
database, so that a run that was stopped goes on where it was. Candidates carry all agents, and so share one program.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alarmin.decide.schedules import STARTS, Choice, OptimizeError, dosings, regimen_of, standard
from alarmin.enrollment import enroll
from alarmin.patients import Cohort
from alarmin.readouts.burden import sum_of_diameters
from alarmin.readouts.recist import Criteria
from alarmin.readouts.toxicity import Hazard, risks
from alarmin.records import agent
from alarmin.results.provenance import code_fingerprint, fingerprint
from alarmin.simulation import Course, Settings, simulate
from alarmin.therapy.regimen import Regimen

if TYPE_CHECKING:
    import optuna

Objective = Literal["tumor", "response"]
OBJECTIVES = {"tumor": "Log reduction of living tumor cells", "response": "Share with a response"}
METHODS = ("tpe", "nsga2")
RESAMPLES = 1000
MOVES = 1e-3
"""Least effect that is one."""


@dataclass(frozen=True)
class Optimized:
    """Regimens that no other regimen beats in both effect and toxicity.

    Attributes:
        cohort: all patients; `found_in` and `reported_in`, how many chose and how many report.
        agents, objective, most, days, trials, method, seed: what was asked.
        table: a row for each regimen of the front and each agent alone at its standard dose (`kind`): `effect`,
            `toxicity` and `gain`, the effect beyond the best single agent, in patients who did not choose, with 95 %
            intervals by resampling of patients; `effect_found` and `toxicity_found` in those who did; `on_front`, the
            share of resamples in which no other row beats it in both.
        tried: every trial of the study, in the patients who choose.
    """

    cohort: Cohort
    found_in: int
    reported_in: int
    agents: tuple[str, ...]
    objective: Objective
    most: int
    days: int
    trials: int
    method: str
    seed: int
    table: pd.DataFrame
    tried: pd.DataFrame


class Bench:
    """Tries regimens on patients: effect and toxicity of each, `[patient]` both; no regimen is simulated twice."""

    def __init__(
        self, cohort: Cohort, agents: Sequence[str], objective: Objective, days: int, settings: Settings
    ) -> None:
        self.cohort, self.agents, self.objective, self.days = cohort, agents, objective, days
        self.settings = settings
        self.known: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}
        self.untreated = self._outcome(self._course(Regimen()))

    def try_out(self, choices: Sequence[Choice]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Effect and toxicity of a regimen in each patient."""
        plan = regimen_of(choices)
        if str(plan) not in self.known:
            course = self._course(plan)
            usual = regimen_of([Choice(choice.agent) for choice in choices])
            harm = severe(self.cohort, plan, usual, course.doses, self.days)
            self.known[str(plan)] = self._outcome(course) - self.untreated, harm
        return self.known[str(plan)]

    def _course(self, plan: Regimen) -> Course:
        return simulate(self.cohort, plan, days=self.days, agents=self.agents, settings=self.settings)

    def _outcome(self, course: Course) -> NDArray[np.float64]:
        if self.objective == "tumor":
            # A fraction of a cell is no cell.
            left = self.cohort.sum_lesions(course.lesions["tumor"][-1])
            return -np.log(np.maximum(left, 1e-6))
        total = sum_of_diameters(self.cohort, course.lesions["diameter"])
        return (total[-1] <= (1.0 - Criteria.of(self.cohort.records).response) * total[0]).astype(float)


def severe(
    cohort: Cohort, plan: Regimen, usual: Regimen, doses: dict[str, NDArray[np.float64]] | Any, days: int
) -> NDArray[np.float64]:
    """Probability of an event of grade 3 or more within some days, `[patient]`.

    The hazard of a dose is that which it has where agents are given as usual, so that more doses bring more events.
    """
    total = np.zeros(len(cohort))
    for risk in risks(cohort, plan):
        total += Hazard(risk, cohort, usual).daily(0, days, doses).sum(axis=0)
    return -np.expm1(-total)


def optimize(
    tumor: str,
    agents: Sequence[str],
    *,
    objective: Objective = "tumor",
    most: int = 2,
    trials: int = 60,
    days: int = 84,
    patients: int = 32,
    method: str = "tpe",
    study: Path | None = None,
    seed: int = 0,
    settings: Settings = Settings(),
    progress: Callable[[str, int, int], None] | None = None,
) -> Optimized:
    """Regimens of at most `most` of the agents that trade effect against toxicity best.

    Args:
        tumor: tumor type.
        agents: names to choose from.
        objective: "tumor" or "response".
        most: agents in a regimen at most.
        trials: regimens that are tried in all, those of the study so far included.
        days: day of the outcome.
        patients: in all; those with odd numbers choose, and the others report.
        method: "tpe" or "nsga2".
        study: database in which the study is kept; in memory without it.
        seed: of patients, proposals and resampling.
        settings: how to compute.
        progress: is told what is done, how much of it, and of how much.

    Raises `OptimizeError` where the question has no answer, or the study answers another one.
    """
    names = check(agents, objective, most, method, days)
    told = lambda what: None if progress is None else lambda done, total: progress(what, done, total)
    everyone = enroll(tumor, patients, seed, settings=settings, progress=told("enroll"))
    odd = everyone.ids % 2 == 1
    if min(odd.sum(), (~odd).sum()) < 2:
        raise OptimizeError(f"{patients} patients do not make two halves", remedy="give more --patients, at least 8")
    halves = [everyone[np.flatnonzero(half)] for half in (odd, ~odd)]
    # One width for both halves, so that one program does.
    lanes = min(settings.lanes, 8 * -(-max(half.lanes for half in halves) // 8))
    finds, reports = (Bench(half, names, objective, days, replace(settings, lanes=lanes)) for half in halves)

    question = {"tumor": tumor, "agents": list(names), "objective": objective, "most": most, "days": days}
    question |= {"patients": patients, "method": method, "seed": seed, "code": code_fingerprint()}
    question |= {"records": fingerprint(everyone.records), "settings": f"{settings.grid} {settings.steps_per_day}"}
    kept = _open(study, question)
    most_here = min(most, len(names))
    alone = [(Choice(name),) for name in names]
    begin = [*alone, tuple(Choice(name) for name in names[:most_here])]
    if not any(abs(finds.try_out(choices)[0].mean()) > MOVES for choices in begin):
        raise OptimizeError(
            f"none of {', '.join(names)} moves the objective {objective!r} by day {days}, alone or together",
            remedy="give more days, another objective, or other agents",
        )
    done = _completed(kept)
    while len(done) < trials:
        # Each proposal has its own seed, so that a study that goes on is the one that was never stopped.
        kept.sampler = _sampler(method, int(np.random.SeedSequence([seed, len(done)]).generate_state(1)[0]))
        if len(done) < len(begin):
            kept.enqueue_trial(_parameters(begin[len(done)], most_here), skip_if_exists=False)
        trial = kept.ask()
        choices = _propose(trial, names, most_here, [start for start in STARTS if 2 * start < days])
        effect, harm = finds.try_out(choices)
        trial.set_user_attr("regimen", str(regimen_of(choices)))
        kept.tell(trial, [float(effect.mean()), float(harm.mean())])
        done = _completed(kept)
        if progress is not None:
            progress("search", len(done), trials)
    tried = pd.DataFrame(
        [
            {"trial": number, "regimen": one.user_attrs["regimen"], "effect": one.values[0], "toxicity": one.values[1]}
            for number, one in enumerate(done)
        ]
    )
    best = {}
    for row in tried.loc[undominated(tried["effect"].to_numpy(), tried["toxicity"].to_numpy())].itertuples():
        best.setdefault(str(row.regimen), _choices(done[int(row.trial)].params))  # type: ignore[arg-type]
    table = _report(finds, reports, alone, best, seed)
    return Optimized(
        everyone, len(halves[0]), len(halves[1]), names, objective, most, days, len(done), method, seed, table, tried
    )


def check(agents: Sequence[str], objective: str, most: int, method: str, days: int) -> tuple[str, ...]:
    """Names of the agents, once each and in order; refuses what cannot be asked."""
    if most < 1:
        raise OptimizeError(f"regimens of at most {most} agents", remedy="give --most 1 or more")
    for value, known, option in ((objective, tuple(OBJECTIVES), "objective"), (method, METHODS, "method")):
        if value not in known:
            raise OptimizeError(f"--{option} {value!r}", remedy=f"known: {', '.join(known)}")
    if days < 1:
        raise OptimizeError(f"--days {days}", remedy="give a number from 1 up")
    names = tuple(sorted({agent(name.strip()).name for name in agents if name.strip()}))
    if not names:
        raise OptimizeError("no agents to choose from", remedy="name them, for instance --agents docetaxel,nivolumab")
    for name in names:
        standard(name)
    return names


def undominated(effect: NDArray[np.float64], toxicity: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which of some regimens no other beats: none has at least the effect and at most the toxicity, and one of both
    strictly. The last axis counts regimens."""
    more, less = effect[..., None, :] >= effect[..., :, None], toxicity[..., None, :] <= toxicity[..., :, None]
    strict = (effect[..., None, :] > effect[..., :, None]) | (toxicity[..., None, :] < toxicity[..., :, None])
    return ~(more & less & strict).any(axis=-1)


def _open(path: Path | None, question: dict[str, Any]) -> "optuna.Study":
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = None if path is None else f"sqlite:///{path.resolve()}"
    try:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        kept = optuna.create_study(
            storage=storage, study_name="alarmin", directions=["maximize", "minimize"], load_if_exists=path is not None
        )
    except Exception as error:
        raise OptimizeError(
            f"{path} cannot be read as a study: {type(error).__name__}", remedy="name a new file, or one of a study"
        ) from error
    asked = kept.user_attrs.get("question")
    if asked is None:
        kept.set_user_attr("question", question)
    elif asked != question:
        other = ", ".join(f"{key} {asked.get(key)!r}" for key in question if asked.get(key) != question[key])
        raise OptimizeError(f"the study {path} answers another question: {other}", remedy="name a new file")
    return kept


def _sampler(method: str, seed: int) -> "optuna.samplers.BaseSampler":
    import optuna

    if method == "nsga2":
        return optuna.samplers.NSGAIISampler(population_size=20, seed=seed)
    return optuna.samplers.TPESampler(n_startup_trials=15, seed=seed)


def _completed(kept: "optuna.Study") -> "list[optuna.trial.FrozenTrial]":
    import optuna

    return kept.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))


def _propose(trial: "optuna.Trial", names: Sequence[str], most: int, starts: Sequence[int]) -> tuple[Choice, ...]:
    """A regimen out of slots, of which the first is never empty; an agent in two slots is given once."""
    for slot in range(most):
        found = trial.suggest_categorical(f"slot {slot + 1}", [*names] if slot == 0 else ["none", *names])
        if found != "none":
            pairs = [f"{dose:g} x dose, {interval:g} x interval" for dose, interval in dosings(found)]
            trial.suggest_categorical(f"{found}, dosing", pairs)
            trial.suggest_categorical(f"{found}, start", starts)
    return _choices(trial.params)


def _choices(params: dict[str, Any]) -> tuple[Choice, ...]:
    given = sorted({value for key, value in params.items() if key.startswith("slot ") and value != "none"})
    found = []
    for name in given:
        dose, _, _, interval, _, _ = params[f"{name}, dosing"].split()
        found.append(Choice(name, float(dose), float(interval), int(params[f"{name}, start"])))
    return tuple(found)


def _parameters(choices: Sequence[Choice], most: int) -> dict[str, Any]:
    found: dict[str, Any] = {f"slot {slot + 1}": "none" for slot in range(most)}
    for slot, choice in enumerate(choices):
        found[f"slot {slot + 1}"] = choice.agent
        found[f"{choice.agent}, dosing"] = f"{choice.dose:g} x dose, {choice.interval:g} x interval"
        found[f"{choice.agent}, start"] = choice.start
    return found


def _report(
    finds: Bench, reports: Bench, alone: Sequence[tuple[Choice, ...]], best: dict[str, tuple[Choice, ...]], seed: int
) -> pd.DataFrame:
    """Regimens of the front and agents alone, in the patients who chose nothing."""
    rows = [("alone", str(regimen_of(choices)), choices) for choices in alone]
    rows += [("front", name, choices) for name, choices in best.items()]
    effect, harm = (np.stack(values) for values in zip(*(reports.try_out(c) for _, _, c in rows), strict=True))
    found = [finds.try_out(choices) for _, _, choices in rows]
    single = int(np.argmax([of[0].mean() for of in found[: len(alone)]]))
    n = effect.shape[1]
    drawn = np.random.default_rng([seed, 2]).integers(n, size=(RESAMPLES, n))
    effects, harms = (values[:, drawn].mean(axis=-1).T for values in (effect, harm))
    kept = undominated(effects, harms).mean(axis=0)
    table = []
    for i, (kind, name, choices) in enumerate(rows):
        row: dict[str, Any] = {"kind": kind, "regimen": name, "agents": " + ".join(c.agent for c in choices)}
        for what, value, again in (
            ("effect", effect[i].mean(), effects[:, i]),
            ("toxicity", harm[i].mean(), harms[:, i]),
            ("gain", (effect[i] - effect[single]).mean(), effects[:, i] - effects[:, single]),
        ):
            low, high = np.quantile(again, (0.025, 0.975))
            row |= {what: float(value), f"{what}_low": float(low), f"{what}_high": float(high)}
        row |= {"effect_found": float(found[i][0].mean()), "toxicity_found": float(found[i][1].mean())}
        table.append(row | {"on_front": float(kept[i])})
    return pd.DataFrame(table).sort_values(["kind", "toxicity"], ignore_index=True)
