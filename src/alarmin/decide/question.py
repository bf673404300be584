"""What is asked of a search for regimens, and what is refused before anything is computed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from alarmin.decide.schedules import Choice, OptimizeError, dosings, regimen_of, standard_of_care
from alarmin.decide.study import METHODS
from alarmin.errors import nearest
from alarmin.records import agent
from alarmin.therapy.regimen import Regimen, parse

Objective = Literal["tumor", "response", "control"]
OBJECTIVES = {
    "tumor": "Log reduction of living tumor cells",
    "response": "Share with a response, beyond the untreated",
    "control": "Share without progression, beyond the untreated",
}


@dataclass(frozen=True)
class Question:
    """What is asked.

    Attributes:
        tumor: tumor type.
        agents: names to choose from; at most `most` in a regimen.
        objective: a name in `OBJECTIVES`.
        standard: the regimen of usual care.
        days: day of the outcome.
        patients: in all, from `populations` possible populations in equal parts.
        method: how regimens are proposed, "tpe" or "nsga2".
        seed: of patients, proposals and resampling.
        backbone: regimen that everybody is given besides what is chosen.
        schedules: further ways in which agents may be given, each a treatment in the regimen language.
    """

    tumor: str
    agents: tuple[str, ...]
    objective: Objective
    most: int
    standard: str
    days: int
    patients: int
    populations: int
    method: str
    seed: int
    backbone: str = ""
    schedules: tuple[str, ...] = ()

    def regimen(self, choices: Sequence[Choice]) -> Regimen:
        """The backbone, and what is chosen."""
        treatments = (*parse(self.backbone).treatments, *regimen_of(choices).treatments)
        return Regimen(tuple(sorted(treatments, key=lambda treatment: treatment.agent)))

    def dosings(self, name: str) -> tuple[str, ...]:
        """The dosings of an agent to choose from, the usual one first."""
        further = tuple(one.removeprefix(f"{name} ") for one in self.schedules if one.startswith(f"{name} "))
        try:
            return dosings(name) + further
        except OptimizeError:
            if not further:
                raise
            return further

    def usual(self, name: str) -> Choice:
        """How an agent is usually given, or as the first of its schedules says where nothing tells."""
        return Choice(name, self.dosings(name)[0])


def ask(
    tumor: str,
    agents: Sequence[str],
    *,
    objective: str = "tumor",
    most: int = 2,
    standard_care: str | None = None,
    backbone: str = "",
    schedules: Sequence[str] = (),
    days: int = 84,
    patients: int = 32,
    populations: int = 4,
    method: str = "tpe",
    seed: int = 0,
) -> Question:
    """A question that has an answer, as far as can be told before anything is computed.

    Usual care is what most control arms of the known trials with the tumor type give, unless `standard_care` says it.
    Raises `OptimizeError` that says what is wrong with it, and what to do.
    """
    if most < 1:
        raise OptimizeError(f"regimens of at most {most} agents", remedy="give --most 1 or more")
    for value, known, option in ((objective, tuple(OBJECTIVES), "objective"), (method, METHODS, "method")):
        if value not in known:
            raise OptimizeError(f"--{option} {value!r}", remedy=f"known: {', '.join(known)}")
    for option, value, least in (("days", days, 1), ("populations", populations, 1), ("seed", seed, 0)):
        if value < least:
            raise OptimizeError(f"--{option} {value}", remedy=f"give a number from {least} up")
    if patients < max(8, 4 * populations):
        raise OptimizeError(
            f"{patients} patients of {populations} populations do not make two halves",
            remedy=f"give --patients {max(8, 4 * populations)} or more, or fewer --populations",
        )
    names = tuple(sorted({agent(name.strip()).name for name in agents if name.strip()}))
    if not names:
        raise OptimizeError("no agents to choose from", remedy="name them, for instance --agents docetaxel,nivolumab")
    given = parse(backbone)
    for name in names:
        if name in given.agents:
            raise OptimizeError(
                f"{name} is in the backbone, and is to be chosen as well", remedy="leave it out of one of the two"
            )
    further = _schedules(schedules, names)
    usual = standard_of_care(tumor) if standard_care is None else parse(standard_care)
    question = Question(
        tumor,
        names,
        objective,  # type: ignore[arg-type]
        min(most, len(names)),
        str(usual),
        days,
        patients,
        populations,
        method,
        seed,
        str(given),
        further,
    )
    for name in names:
        question.dosings(name)
    return question


def _schedules(schedules: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """Schedules as they are kept: each one treatment of an agent to choose from, from the first day on."""
    found = []
    for text in schedules:
        treatments = parse(text).treatments
        if len(treatments) != 1 or treatments[0].start:
            raise OptimizeError(
                f"--schedule {text!r} is not one agent from the first day on",
                remedy='write one agent, for instance "cyclophosphamide 30 mg/m2 bid"; the search chooses the day',
            )
        if treatments[0].agent not in names:
            said = nearest(treatments[0].agent, names)
            raise OptimizeError(
                f"--schedule {text!r}: the agent is none to choose from; {said}", remedy="add it to --agents"
            )
        usual = {str(Choice(treatments[0].agent, dosing).treatment) for dosing in _known(treatments[0].agent)}
        found += [] if str(treatments[0]) in usual else [str(treatments[0])]
    return tuple(sorted(set(found)))


def _known(name: str) -> tuple[str, ...]:
    """Dosings that need no schedule; none where nothing says how often the agent is given."""
    try:
        return dosings(name)
    except OptimizeError:
        return ()
