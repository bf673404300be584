"""Trust: what `alarmin model` prints as computed is what the code computes, for every mechanism, to nine digits."""

import inspect
import math
import re
from collections.abc import Sequence
from functools import cache
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from alarmin.equations import EquationError, equations, signals
from alarmin.mechanism import Diffuse, Flow, Mechanism, Now, loss, marked, parameter, supply
from alarmin.model import actions, biology, make, needs
from alarmin.numerics.response import CLASS_WEIGHTS
from alarmin.patients import records_of
from alarmin.records import agents
from alarmin.state import FIELDS
from well_mixed import TUMOR

KINDS = [(kind, None) for kind in biology()] + list(actions(sorted(agents())))
POINTS = 8

# In -log(mean(exp(-x))) = least - log(mean(exp(least - x))), the least may be any number.
NO_MATTER = {"least = class_min(by_class_2)"}

# Operations over space, as any functions of one value that can be told apart.
SPACE = {
    "integral": lambda x: 1.7 * x,
    "mean": lambda x: 0.8 * x + 0.1,
    "margin_mean": lambda x, depth: x * (1.0 + depth),
    "over_lesions": lambda x: 2.3 * x,
    "gradient": lambda x: x - 1.1,
    "outward_integral": lambda x: 0.6 * x - 0.2,
}
FUNCTIONS = SPACE | {
    "pi": math.pi,
    "min": np.minimum,
    "max": np.maximum,
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "sqrt": np.sqrt,
    "abs": np.abs,
    "where": np.where,
    "by_class": lambda *values: np.array(values)[:, None],
    "class_mean": lambda x: np.tensordot(CLASS_WEIGHTS, x, 1),
    "class_min": lambda x: np.min(x, axis=0),
    "total": lambda x: np.sum(x, axis=0),
    "product": lambda x: np.prod(x, axis=0),
}


class Points:
    """Some points of tissue with any values, as a mechanism sees them; effects are those of three agents."""

    def __init__(self, mechanism: Mechanism, values: dict[str, Any], plasma: Any, rng: np.random.Generator) -> None:
        self.mechanism, self.blood, self.rng, self.contributions = mechanism, plasma, rng, {}
        self.__dict__ |= SPACE | {name: value if value.ndim == 1 else tuple(value) for name, value in values.items()}

    def __getattr__(self, name: str) -> Any:
        if name not in marked(type(self.mechanism), "signal"):
            raise AttributeError(name)
        self.__dict__[name] = getattr(self.mechanism, name)(self)
        return self.__dict__[name]

    def contributed(self, effect: str) -> Any:
        return self.contributions.setdefault(effect, self.rng.uniform(0.2, 1.4, (3, POINTS)))

    def total(self, effect: str) -> Any:
        return self.contributed(effect).sum(axis=0)

    def product(self, effect: str) -> Any:
        return self.contributed(effect).prod(axis=0)

    def plasma(self, agent: str) -> Any:
        assert agent == self.mechanism.agent
        return self.blood

    def once(self, name: str, work: Any) -> Any:
        del name
        return work()


@cache
def records() -> dict[str, Any]:
    return records_of(TUMOR)


@cache
def computed(kind: type[Mechanism], agent: str | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the code computes, by the name or flow as printed; and what it saw, by the name as printed.

    Half of the points have the values of the records, half any values; some have no agent.
    """
    rng = np.random.default_rng(1)

    def value(record: str, unit: str) -> Any:
        anything = rng.uniform(0.1, 0.9, POINTS)
        return np.where(np.arange(POINTS) % 2, anything, records()[record].to(unit))

    mechanism = make(kind, value, agent)
    values = {}
    for name in (*FIELDS, "radius", "depth", "velocity", *signals()):
        if name not in marked(kind, "signal"):
            shape = (len(CLASS_WEIGHTS), POINTS) if signals().get(name) else POINTS
            values[name] = np.exp(rng.uniform(-4.0, 3.0, shape))
    # Concentrations and fields of the agent are printed with `agent` in place of its name.
    printed = {name: f"agent{name.removeprefix(agent)}" for name in own_fields(mechanism, agent)} if agent else {}
    amount = lambda: rng.uniform(0.1, 9.0, POINTS) * (np.arange(POINTS) > 1)
    own = {name: amount() for name in printed}
    plasma = amount()
    now: Any = Points(mechanism, values | own, plasma, rng)

    found: dict[str, Any] = {}
    for name in (*marked(kind, "signal"), *marked(kind, "effect")):
        found[name] = np.array(getattr(mechanism, name)(now))
    for flow in mechanism.flows(now):
        for label, number in parts(flow, printed):
            found.setdefault(label, []).append(np.broadcast_to(number, POINTS))

    seen = values | {printed[name]: value for name, value in own.items()} | {"plasma": plasma} | now.contributions
    taken = {*seen, *found, *signals(), *FUNCTIONS}
    for attribute, (record, _) in needs(kind).items():
        name = record.replace(".", "_") if attribute in taken else attribute
        assert name not in taken, name
        seen[name] = getattr(mechanism, attribute)
    return found, seen


def own_fields(mechanism: Mechanism, agent: str) -> list[str]:
    return sorted({agent, *(field.name for field in mechanism.fields())})


def parts(flow: Flow, printed: dict[str, str]) -> list[tuple[str, Any]]:
    """The numbers of a flow, each with the words under which it is printed."""
    fields = {key: printed.get(value, value) for key, value in flow._asdict().items() if isinstance(value, str)}
    label = f"{type(flow).__name__.lower()} {' -> '.join(fields.values())}"
    numbers = {key: value for key, value in flow._asdict().items() if key not in fields and value is not None}
    if isinstance(flow, Diffuse) and flow.host_loss is None and flow.exchange is None:
        numbers.pop("host")
    first = next(iter(numbers))
    return [(label if key == first else f"{label}, {key}", value) for key, value in numbers.items()]


def split(line: str) -> tuple[str, str, str]:
    """Name or flow, sign, and expression of a line."""
    sign = " = " if " = " in line else ": "
    left, right = line.split(sign, 1)
    return left, sign, right


def evaluated(lines: Sequence[str], seen: dict[str, Any]) -> dict[str, Any]:
    """The value of each line of equations."""
    known, found = {**FUNCTIONS, **seen}, {}
    for line in lines:
        left, sign, right = split(line)
        value = eval(right, {"__builtins__": {}}, known)
        if sign == " = ":
            assert left not in known, f"{left} is defined twice"
            known[left] = found[left] = value
        else:
            found.setdefault(left, []).append(np.broadcast_to(value, POINTS))
    return found


def differences(lines: Sequence[str], kind: type[Mechanism], agent: str | None) -> list[str]:
    """What the printed lines say differently from the code."""
    found, seen = computed(kind, agent)
    printed = evaluated(lines, seen)
    flows = lambda names: {name for name in names if " " in name}
    assert flows(printed) == flows(found)
    wrong = []
    for name, value in found.items():
        assert np.isfinite(value).all(), (name, value)
        close = np.shape(printed[name]) == np.shape(value) and np.allclose(printed[name], value, rtol=1e-9, atol=0.0)
        if not close:
            wrong.append(name)
    return wrong


@pytest.mark.parametrize(("kind", "agent"), KINDS, ids=[f"{agent or ''}{kind.__name__}" for kind, agent in KINDS])
def test_printed_equations_are_what_the_code_computes(kind, agent):
    assert differences(equations(kind), kind, agent) == []


@pytest.mark.parametrize(("kind", "agent"), {kind: (kind, agent) for kind, agent in KINDS}.values())
def test_an_altered_equation_is_found(kind, agent):
    """Any line that gives one percent more than it should is found."""
    lines = equations(kind)
    for number, line in enumerate(lines):
        left, sign, right = split(line)
        if right != "0" and line not in NO_MATTER:
            altered = [*lines[:number], f"{left}{sign}1.01 * ({right})", *lines[number + 1 :]]
            assert differences(altered, kind, agent), line


class Odd(Mechanism):
    """Computes with names that are taken, and shares what has no name."""

    lactate: float = parameter("turnover_odd", "1/day")

    def flows(self, now: Now) -> list[Flow]:
        return [supply("oxygen", (now.lactate - (self.lactate - now.glucose)) ** 3 / (2.0 / now.glucose))]


class Sine(Mechanism):
    """Computes what has no printed form."""

    def flows(self, now: Now) -> list[Flow]:
        return [loss("oxygen", jnp.sin(now.oxygen))]


@pytest.mark.parametrize("kind", dict.fromkeys(kind for kind, _ in KINDS), ids=lambda kind: kind.__name__)
def test_a_mechanism_names_the_effects_that_it_reads_and_causes(kind):
    """What agents do to a mechanism, and a mode to others, stands in its docstring, from which its page is made."""
    read = set(re.findall(r"now\.(?:product|total)\(\"(\w+)\"\)", inspect.getsource(kind)))
    parts = re.split(r"\n(Reads|Changes|Source): ", inspect.getdoc(kind) or "")
    said = dict(zip(parts[1::2], parts[2::2], strict=True))
    assert {name for name in read if name not in said.get("Reads", "")} == set()
    assert {name for name in marked(kind, "effect") if name not in said.get("Changes", "")} == set()


def test_brackets_stand_where_they_are_needed_and_a_taken_name_gives_way():
    assert equations(Odd) == ["supply oxygen: (lactate - (turnover_odd - glucose)) ** 3 / (2 / glucose)"]


def test_what_cannot_be_printed_is_refused():
    with pytest.raises(EquationError, match="'sin'"):
        equations(Sine)


def test_a_mean_over_the_distance_classes_is_one_expression():
    from alarmin.biology.hypoxia import Hypoxia

    assert equations(Hypoxia)[0] == "oxygen_want = class_mean(1 / (1 + (oxygen_by_class / oxygen_half) ** 2))"
