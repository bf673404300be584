"""A study of regimens that is kept trial by trial, and goes on where it was stopped, however it was stopped."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from alarmin.decide.schedules import PULSES, STARTS, Choice, OptimizeError

if TYPE_CHECKING:
    import optuna

METHODS = ("tpe", "nsga2")
RANDOM_FIRST = 15
"""Proposals before the estimator of `tpe` is asked."""


class Study:
    """Trials of one question, of which those that ended are kept in a database.

    A trial is written in one transaction once it has ended. Each proposal has its own seed and depends on the trials
    that ended before it alone, so that a study that was stopped goes on as if it had not been.

    Args:
        path: database; in memory without it.
        question: what is asked; a database that answers another question is refused.
        dosings: agents to choose from, with the ways to give each; at most `most` of them together.
        method: one of `METHODS`.
        seed: of proposals.

    Raises `OptimizeError` where the database cannot be read, or answers another question.
    """

    def __init__(
        self,
        path: Path | None,
        question: dict[str, Any],
        dosings: Mapping[str, Sequence[str]],
        most: int,
        method: str,
        seed: int,
    ) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.dosings, self.most, self.method, self.seed = dosings, min(most, len(dosings)), method, seed
        self.starts = [start for start in STARTS if 2 * start < question["days"]]
        try:
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
            self.kept = optuna.create_study(
                storage=None if path is None else f"sqlite:///{path.resolve()}",
                study_name="alarmin",
                directions=["maximize", "minimize"],
                load_if_exists=path is not None,
            )
        except Exception as error:
            raise OptimizeError(
                f"{path} cannot be read as a study: {type(error).__name__}",
                remedy="name a new file, or one of a study",
            ) from error
        asked = self.kept.user_attrs.get("question")
        if asked is None:
            self.kept.set_user_attr("question", question)
        elif asked != question:
            told = lambda value: f"{value[:8]}…" if isinstance(value, str) and len(value) > 60 else repr(value)
            other = ", ".join(f"{k} was {told(asked.get(k))}" for k in question if asked.get(k) != question[k])
            raise OptimizeError(
                f"the study {path} answers another question: {other}",
                remedy="ask as it was asked, or name a new file",
            )

    @property
    def done(self) -> "list[optuna.trial.FrozenTrial]":
        """Trials that ended, in their order."""
        import optuna

        return self.kept.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))

    def propose(self, choices: Sequence[Choice] | None = None) -> "tuple[optuna.Trial, tuple[Choice, ...]]":
        """A new trial: of these choices, or of what the method proposes."""
        given = None if choices is None else parameters_of(choices, self.most)
        self.kept.sampler = _sampler(self.method, [self.seed, len(self.done)], given)
        trial = self.kept.ask()
        # The first slot is never empty; an agent in two slots is given once.
        for slot in range(self.most):
            names = [*self.dosings] if slot == 0 else ["none", *self.dosings]
            found = trial.suggest_categorical(f"slot {slot + 1}", names)
            if found != "none":
                trial.suggest_categorical(f"{found}, dosing", self.dosings[found])
                trial.suggest_categorical(f"{found}, start", self.starts)
                trial.suggest_categorical(f"{found}, cycles", PULSES)
        return trial, choices_of(trial.params)

    def tell(self, trial: "optuna.Trial", effect: float, toxicity: float) -> None:
        """A trial has ended; from now on it is kept."""
        self.kept.tell(trial, [effect, toxicity])


def choices_of(params: dict[str, Any]) -> tuple[Choice, ...]:
    """The choices that stand in the parameters of a trial."""
    given = sorted({value for key, value in params.items() if key.startswith("slot ") and value != "none"})
    return tuple(Choice(name, *(params[f"{name}, {what}"] for what in ("dosing", "start", "cycles"))) for name in given)


def parameters_of(choices: Sequence[Choice], most: int) -> dict[str, Any]:
    """The parameters of a trial of these choices."""
    found: dict[str, Any] = {f"slot {slot + 1}": "none" for slot in range(most)}
    for slot, choice in enumerate(choices):
        found[f"slot {slot + 1}"] = choice.agent
        for what in ("dosing", "start", "cycles"):
            found[f"{choice.agent}, {what}"] = getattr(choice, what)
    return found


def _sampler(method: str, seeds: Sequence[int], given: dict[str, Any] | None) -> "optuna.samplers.BaseSampler":
    import optuna

    class Given(optuna.samplers.RandomSampler):
        """Takes the parameters as they are given."""

        def sample_independent(self, study: Any, trial: Any, param_name: str, param_distribution: Any) -> Any:
            return (given or {})[param_name]

    seed = int(np.random.SeedSequence(seeds).generate_state(1)[0])
    if given is not None:
        return Given()
    if method == "nsga2":
        return optuna.samplers.NSGAIISampler(population_size=20, seed=seed)
    return optuna.samplers.TPESampler(n_startup_trials=RANDOM_FIRST, seed=seed)
