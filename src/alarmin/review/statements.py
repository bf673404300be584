"""Statements and the words that they are made of: what a subject does to a patient, where an object is read."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Literal

from pydantic import Field, model_validator

from alarmin.errors import AlarminError, nearest
from alarmin.records import RecordError
from alarmin.records.loader import check, read
from alarmin.records.schema import Strict

DATA = files("alarmin.review") / "data"
LISTED = ("concept", "empirical")
"""Kinds that are listed and not run: ideas, and results of trials."""


class ReviewError(AlarminError):
    """A statement that cannot be made into an experiment."""


class Statement(Strict):
    """One causal statement: subject, predicate, object, and where it stands.

    `expect` is the direction of the object where the predicate alone does not say it; `subject_as` and `object_as` name
    an intervention or a readout other than the usual one; `not_modelled` says why a statement has no experiment.
    `sources` is what the sources cited for it say, where someone looked; `explanation` why it is not reproduced.
    """

    id: str
    section: str
    line: int
    sentence: int
    anchor: str = Field(max_length=60)
    subject: str
    predicate: str
    object: str
    kind: Literal["concept", "empirical", "barrier", "mediator", "agent", "mechanism"]
    modality: str
    sources: str = ""
    expect: Literal[-1, 1] | None = None
    subject_as: str | None = None
    object_as: str | None = None
    tumor: str | None = None
    not_modelled: str = ""
    explanation: str = ""


class Intervention(Strict):
    """What is done to a patient: records times factors, and a regimen beside the one that both runs are given.

    `sets` names the quantities that are set by it, which it therefore cannot be measured by.
    """

    title: str
    sets: tuple[str, ...] = ()
    scale: Mapping[str, float] = {}
    regimen: str = ""
    given: str = ""
    tumor: str | None = None

    @model_validator(mode="after")
    def _does_something(self) -> "Intervention":
        if not self.scale and self.regimen == self.given:
            raise ValueError("it does nothing: scale a record or give a regimen")
        if self.scale and not self.sets:
            raise ValueError("say in `sets` what the records set")
        return self


class Readout(Strict):
    """Where an object is read: a sum of quantities, over the lesion, its margin or its core; or the diameter."""

    title: str
    quantity: tuple[str, ...]
    take: Literal["mean", "margin", "core", "total", "diameter"] = "mean"
    given: str = ""


class Design(Strict):
    """How experiments are run and judged.

    `smallest_effect` is the least change that counts, as a logarithm; effects are the mean of readings every
    `look_days` days of `days`.
    """

    tumor: str
    patients: int = Field(gt=0)
    seed: int
    days: int = Field(gt=0)
    look_days: int = Field(gt=0)
    lanes: int = Field(gt=0)
    margin: float = Field(gt=0)
    agents_together: int = Field(gt=0)
    smallest_effect: float = Field(gt=0)


class Vocabulary(Strict):
    """Subjects, predicates and objects, each declared once."""

    design: Design
    interventions: Mapping[str, Intervention]
    readouts: Mapping[str, Readout]
    subjects: Mapping[str, str]
    objects: Mapping[str, str]
    predicates: Mapping[str, Literal[-1, 1]]

    @model_validator(mode="after")
    def _words_are_known(self) -> "Vocabulary":
        for words, known in ((self.subjects, self.interventions), (self.objects, self.readouts)):
            for word, name in words.items():
                if name not in known:
                    raise ValueError(f"{word!r} stands for {name!r}; {nearest(name, known)}")
        return self


class Experiment(Strict):
    """A statement made runnable; `direction` is where the statement says that the readout goes."""

    statement: str
    tumor: str
    intervention: Intervention
    readout: Readout
    direction: Literal[-1, 1]

    @property
    def given(self) -> str:
        """What patients of both runs are given."""
        return _together(self.intervention.given, self.readout.given)

    @property
    def treated(self) -> str:
        """What patients of the intervened run are given."""
        return _together(self.intervention.regimen or self.intervention.given, self.readout.given)

    @model_validator(mode="after")
    def _not_circular(self) -> "Experiment":
        for quantity in self.readout.quantity:
            record = next((r for r in self.intervention.scale if _sets(r, quantity)), None)
            if quantity in self.intervention.sets or record is not None or _given(quantity, self.intervention.regimen):
                by = record or self.intervention.regimen or self.intervention.title
                raise ValueError(f"{self.statement}: circular, {by!r} sets {quantity!r}, by which it would be measured")
        return self


def experiment(statement: Statement, words: Vocabulary) -> Experiment:
    """The experiment of a statement; raises `ReviewError` where a word is unknown or the experiment is circular."""

    def find(word: str, given: str | None, known: Mapping[str, str], what: str) -> str:
        if given is None and word not in known:
            raise ReviewError(f"{statement.id}: unknown {what} {word!r}; {nearest(word, known)}", remedy="declare it")
        return given if given is not None else known[word]

    action = find(statement.subject, statement.subject_as, words.subjects, "subject")
    place = find(statement.object, statement.object_as, words.objects, "object")
    for name, known in ((action, words.interventions), (place, words.readouts)):
        if name not in known:
            raise ReviewError(f"{statement.id}: unknown {name!r}; {nearest(name, known)}", remedy="declare it")
    if statement.expect is None and statement.predicate not in words.predicates:
        hint = nearest(statement.predicate, words.predicates)
        raise ReviewError(f"{statement.id}: {statement.predicate!r} says no direction; {hint}", remedy="give `expect`")
    content = {
        "statement": statement.id,
        "tumor": statement.tumor or words.interventions[action].tumor or words.design.tumor,
        "intervention": words.interventions[action],
        "readout": words.readouts[place],
        "direction": statement.expect or words.predicates[statement.predicate],
    }
    try:
        return check(Experiment, content, statement.id)
    except RecordError as error:
        raise ReviewError(error.message, remedy="measure what the intervention does not set") from None


@lru_cache(maxsize=1)
def vocabulary() -> Vocabulary:
    """The vocabulary of the review."""
    return check(Vocabulary, read(DATA / "vocabulary.toml"), "vocabulary.toml")


@lru_cache(maxsize=1)
def statements() -> tuple[Statement, ...]:
    """Every statement, by id."""
    found: dict[str, Statement] = {}
    for path in sorted(DATA.iterdir(), key=lambda entry: entry.name):
        if path.name.startswith("section_"):
            for content in read(path).get("statement", ()):
                entry = check(Statement, content, f"{path.name}: {content.get('id', '?')}")
                if entry.id in found:
                    raise ReviewError(f"{path.name}: {entry.id} stands twice", remedy="keep one")
                found[entry.id] = entry
    return tuple(found[id] for id in sorted(found))


def sections(of: Iterable[Statement]) -> list[str]:
    """Sections in the order in which they first come."""
    return list(dict.fromkeys(entry.section for entry in of))


def _sets(record: str, quantity: str) -> bool:
    return record == quantity or record.startswith((f"{quantity}_", f"start_{quantity}"))


def _given(quantity: str, regimen: str) -> bool:
    agents = [part.split()[0] for part in regimen.split(" + ") if part]
    return any(quantity == agent or quantity.startswith(f"{agent}_") for agent in agents)


def _together(*regimens: str) -> str:
    return " + ".join(filter(None, regimens))
