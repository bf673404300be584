"""The games as data: which quantities a switch sets, and to what."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from alarmin.errors import AlarminError, nearest
from alarmin.mechanism import Mark, marked
from alarmin.model import Lift, biology
from alarmin.patients import Cohort
from alarmin.records import agent as find_agent
from alarmin.records.loader import check, read
from alarmin.records.schema import Strict
from alarmin.state import FIELDS

AGENT = "AGENT"
"""Stands for each agent of the regimen in turn."""


class ExplainError(AlarminError):
    """A question about a course that cannot be answered."""


class Seen(Strict):
    """One quantity and what it is seen at: a `record`, a `value`, what follows `at` others, or a share of `plasma`."""

    quantity: str
    why: str
    record: str | None = None
    value: float | None = None
    at: Mapping[str, float | str] = {}
    plasma: str | None = None

    @model_validator(mode="after")
    def _one_way(self) -> "Seen":
        given = [self.record is not None, self.value is not None, bool(self.at), self.plasma is not None]
        if sum(given) != 1:
            raise ValueError("give one of record, value, at and plasma")
        for name in (self.quantity, *self.at):
            if name != AGENT and name not in quantities():
                raise ValueError(f"no quantity is called {name!r}; {nearest(name, quantities())}")
        if (self.quantity == AGENT) != (self.plasma is not None):
            raise ValueError(f"{AGENT} and plasma go together")
        return self


class Switch(Strict):
    """A player of a game: the quantities that are set when it is switched."""

    name: str
    title: str
    seen: tuple[Seen, ...]


class Game(Strict):
    """Switches, which are thrown in every combination."""

    title: str
    switch: tuple[Switch, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the switches, in order."""
        return tuple(switch.name for switch in self.switch)


class Games(Strict):
    """All games; no two switches set the same quantity, so that they can share one program.

    `deepest` is the least share of the tumor cells of day 0 that counts when burdens are compared.
    """

    deepest: float = Field(gt=0, lt=1)
    barriers: Game
    steps: Game

    @model_validator(mode="after")
    def _apart(self) -> "Games":
        found = [seen.quantity for game in (self.barriers, self.steps) for one in game.switch for seen in one.seen]
        for name in found:
            if found.count(name) > 1:
                raise ValueError(f"{name!r} is set twice; set what it is made of in one of the places")
        return self


@lru_cache(maxsize=1)
def games() -> Games:
    """The games that patients are explained by."""
    return check(Games, read(files("alarmin.explain") / "data" / "switches.toml"), "switches.toml")


@lru_cache(maxsize=1)
def quantities() -> dict[str, Mark]:
    """Every quantity that can be set, by name."""
    fields = {name: Mark("field", field.unit, None) for name, field in FIELDS.items()}
    return fields | {name: mark for kind in biology() for name, mark in marked(kind, "signal").items()}


def lifts(cohort: Cohort, agents: Sequence[str], thrown: Mapping[str, NDArray[np.bool_]]) -> dict[str, Lift]:
    """What the lesions of a cohort see once switches are thrown, by quantity.

    Args:
        cohort: whose lesions; records take the value of each.
        agents: the agents of the regimen; of those not carried by blood there is nothing to deliver.
        thrown: by name of the switch, for which patients it is thrown, `[patient]`; all switches are named.
    """
    found = {}
    for game in (games().barriers, games().steps):
        for switch in game.switch:
            found |= _thrown(cohort, agents, switch, thrown[switch.name][cohort.patient])
    return found


def lowered(cohort: Cohort, agents: Sequence[str], kept: Mapping[str, float]) -> dict[str, Lift]:
    """What the lesions of a cohort see where barriers are lowered, to hand to `alarmin.simulate` as `clamped`.

        seen = healthy + kept (own - healthy)

    Args:
        cohort: whose lesions.
        agents: the agents of the regimen.
        kept: by name of the barrier, the share of it that stays, from 0 (as in healthy tissue) to 1 (as it is); those
            that are not named stay as they are. A barrier at 1 changes nothing, and keeps its place in the program.

    Raises `ExplainError` that names the barrier where it is unknown, or its share lies outside.
    """
    found = {}
    for name, share in kept.items():
        switch = next((known for known in games().barriers.switch if known.name == name), None)
        if switch is None:
            said = nearest(name, games().barriers.names)
            raise ExplainError(f"no barrier is called {name!r}; {said}", remedy="name one of the barriers")
        if not 0.0 <= share <= 1.0:
            raise ExplainError(
                f"barrier {name}: a share of {share:g}", remedy="give 0 (healthy tissue) to 1 (as it is)"
            )
        where = np.full(cohort.lanes, share < 1.0)
        for quantity, lift in _thrown(cohort, agents, switch, where).items():
            found[quantity] = replace(lift, kept=np.full(cohort.lanes, share))
    return found


def _thrown(cohort: Cohort, agents: Sequence[str], switch: Switch, where: NDArray[np.bool_]) -> dict[str, Lift]:
    """What the lesions `where` a switch is thrown see, by quantity."""
    found = {}
    for seen in switch.seen:
        if seen.plasma is not None:
            for agent in (name for name in agents if "tissue" in find_agent(name).transport):
                share = cohort.lesion_value(seen.plasma.replace(AGENT, agent), "dimensionless")
                found[agent] = Lift(where, share, agent=agent)
        elif seen.at:
            at = {name: _level(cohort, name, source) for name, source in seen.at.items()}
            found[seen.quantity] = Lift(where, at=at)
        else:
            source = seen.record if seen.record is not None else seen.value
            found[seen.quantity] = Lift(where, _level(cohort, seen.quantity, source))
    return found


def _level(cohort: Cohort, quantity: str, source: float | str | None) -> Any:
    """A number or record as the value of a quantity, in its unit; as often as the quantity has classes."""
    mark = quantities()[quantity]
    value = cohort.lesion_value(source, mark.unit) if isinstance(source, str) else np.float64(source or 0.0)
    return (value,) * len(mark.off) if isinstance(mark.off, tuple) else value
