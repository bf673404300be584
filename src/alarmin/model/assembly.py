"""Assembles mechanisms into one model: finds what each reads and changes, and refuses what nobody produces."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array

import alarmin.biology
from alarmin import therapy
from alarmin.errors import nearest
from alarmin.mechanism import Action, Mechanism, marked
from alarmin.model.model import Model
from alarmin.model.moment import ModelError
from alarmin.numerics.grid import Grid
from alarmin.numerics.sphere import Sphere
from alarmin.records import agent as find_agent
from alarmin.state import FIELDS

Values = Callable[[str, str], Any]
"""Hands out the value of a record in a unit, `[]` or `[1, lane]`."""


def _classes(module: Any) -> Iterator[type[Mechanism]]:
    for _, found in inspect.getmembers(module, inspect.isclass):
        if issubclass(found, Mechanism) and found.__module__ == module.__name__:
            yield found


def biology() -> tuple[type[Mechanism], ...]:
    """Every mechanism in `alarmin.biology`, by file name."""
    names = sorted(item.name for item in pkgutil.iter_modules(alarmin.biology.__path__))
    return tuple(kind for name in names for kind in _classes(importlib.import_module(f"alarmin.biology.{name}")))


def record_id(kind: type[Mechanism], declared: str, agent: str | None = None) -> str:
    """The full id of a record that a mechanism declares (see `alarmin.mechanism.parameter`)."""
    file = kind.__module__.rpartition(".")[2]
    if agent is not None:
        if declared.startswith("."):
            return f"{agent}.{file}{declared}"
        if declared.startswith("agent."):
            return f"{agent}.{declared.removeprefix('agent.')}"
    return f"{file}_{declared[1:]}" if declared.startswith(".") else declared


def needs(kind: type[Mechanism], agent: str | None = None) -> dict[str, tuple[str, str]]:
    """Records that a mechanism takes: attribute → (record id, unit)."""
    fields = getattr(kind, "__dataclass_fields__", {})
    return {
        name: (record_id(kind, field.metadata["record"], agent), field.metadata["unit"])
        for name, field in fields.items()
        if "record" in field.metadata
    }


def make(kind: type[Mechanism], values: Values, agent: str | None = None) -> Mechanism:
    """An instance of a mechanism with its parameters filled in."""
    build: Any = kind
    given = {name: values(record, unit) for name, (record, unit) in needs(kind, agent).items()}
    return build(**given) if agent is None else build(agent=agent, **given)


def actions(agents: Sequence[str]) -> tuple[tuple[type[Action], str], ...]:
    """Transport and modes of action of the agents, each with the agent's name."""
    found = []
    for name in agents:
        entry = find_agent(name)
        modes = (*entry.transport, *(action.mode for action in entry.actions))
        found += [(therapy.action(mode), name) for mode in modes]
    return tuple(found)


def assemble(
    values: Values,
    siblings: Array,
    *,
    agents: Sequence[str] = (),
    grid: Grid = Sphere(),
    off: Sequence[str] = (),
    clamped: Mapping[str, Any] | None = None,
) -> Model:
    """The model of the whole biology and of the agents named, with the values of the records in force.

    Raises `ModelError` where two mechanisms define the same signal or a name in `off` is not a mechanism.
    """
    kinds: list[tuple[type[Mechanism], str | None]] = [(kind, None) for kind in biology()]
    kinds += list(actions(agents))
    mechanisms = tuple(make(kind, values, agent) for kind, agent in kinds)
    names = tuple(kind.__name__ if agent is None else f"{agent}:{kind.__name__}" for kind, agent in kinds)
    for name in off:
        if name not in names:
            raise ModelError(f"no mechanism is called {name!r}; {nearest(name, names)}", remedy="correct the name")
    providers: dict[str, Any] = {}
    effects: dict[str, tuple[int, ...]] = {}
    for index, (kind, _) in enumerate(kinds):
        for name, mark in marked(kind, "signal").items():
            if name in providers:
                raise ModelError(
                    f"{names[index]} and {names[providers[name][0]]} both define {name!r}",
                    remedy="keep one definition",
                )
            providers[name] = (index, mark)
        for name in marked(kind, "effect"):
            effects[name] = (*effects.get(name, ()), index)
    fields = dict(FIELDS)
    for mechanism in mechanisms:
        fields |= {field.name: field for field in mechanism.fields()}
    return Model(
        mechanisms=mechanisms,
        siblings=siblings,
        clamped=dict(clamped or {}),
        one=jnp.ones((grid.points, siblings.shape[1])),
        grid=grid,
        names=names,
        off=frozenset(off),
        providers=_Frozen(providers),
        effects=_Frozen(effects),
        fields=_Frozen(fields),
        asked=_Notes(),
    )


class _Frozen(dict):
    """A dictionary that can be part of a compiled program's identity."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(tuple(sorted((key, str(value)) for key, value in self.items())))


class _Notes(set):
    """What mechanisms asked for; never part of a program's identity."""

    def __hash__(self) -> int:  # type: ignore[override]
        return 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Notes)
