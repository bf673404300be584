"""Runs a mechanism on names instead of numbers, and notes what it computes and what its code calls it."""

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

import jax
from jax.core import ShapedArray, Tracer
from jax.extend.core import ClosedJaxpr, Literal, Primitive

from alarmin.equations.terms import CLASSES, Term, Terms
from alarmin.equations.writing import RESERVED, SPACE
from alarmin.errors import AlarminError
from alarmin.mechanism import Action, Diffuse, Drift, Flow, Loss, Mechanism, Release, Supply, Transfer, marked
from alarmin.model import biology, needs
from alarmin.state import FIELDS

INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "**", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}
CALLS = ("max", "min", "exp", "log", "log1p", "expm1", "sqrt", "abs")
SAME = ("convert_element_type", "broadcast_in_dim", "stop_gradient", "copy")


class EquationError(AlarminError):
    """A computation that has no printed form."""


named = Primitive("named")
named.def_abstract_eval(lambda *_, **__: ShapedArray((), jax.numpy.result_type(float)))
"""A quantity by its name, or an operation over space by its name."""


class Traced(NamedTuple):
    """What a mechanism computes.

    Attributes:
        outputs: signals and effects (`NAME =`) and parts of flows (`supply FIELD:`), each with its term.
        calls: what the code calls a term.
    """

    outputs: list[tuple[str, Term]]
    calls: dict[Term, str]


def trace(kind: type[Mechanism]) -> Traced:
    """Runs a mechanism on names."""
    labels: list[tuple[str, int]] = []
    notes: dict[tuple[str, str], list[tuple[Any, ...]]] = {}

    def run() -> list[Any]:
        labels.clear()
        notes.clear()
        mechanism: Any = _instance(kind)
        now: Any = Names(signals())
        found: list[Any] = []
        with _noting(kind, notes):
            for name in _defined(kind):
                value = getattr(mechanism, name)(now)
                values = value if isinstance(value, tuple) else (value,)
                labels.append((f"{name} =", len(values)))
                found += values
            for label, value in (part for flow in mechanism.flows(now) for part in _parts(flow)):
                labels.append((f"{label}:", 1))
                found.append(value)
        return [*found, *(value for calls in notes.values() for values in calls for value in values)]

    # Numbers in the code are kept as they are written.
    with jax.enable_x64(True):
        program = jax.make_jaxpr(run)()
    terms = Terms()
    results = iter(_terms(program, [], terms))
    outputs = [(label, terms.over_classes([next(results) for _ in range(size)])) for label, size in labels]
    calls: dict[Term, str] = {}
    for (_, name), noted in notes.items():
        values = [[next(results) for _ in one] for one in noted]
        if len(noted) == len(CLASSES) and len(values[0]) == 1:
            # A function that is called for one distance class after the other.
            values.append([one[0] for one in values])
        for one in values:
            term = terms.merged(one) if len(one) > 1 else one[0]
            if term is not None:
                calls.setdefault(term, name)
    return Traced(outputs, calls)


def parameter_names(kind: type[Mechanism]) -> dict[str, str]:
    """What the parameters of a mechanism are called in its equations, by attribute.

    It is the attribute, or the name of the record where a field or signal has the name of the attribute.
    """
    taken = {*RESERVED, *FIELDS, *signals(), *_defined(kind)}
    return {name: record.replace(".", "_") if name in taken else name for name, (record, _) in needs(kind).items()}


def _instance(kind: type[Mechanism]) -> Mechanism:
    """The mechanism with names as parameters."""
    build: Any = kind
    found = {attribute: named.bind(name=name) for attribute, name in parameter_names(kind).items()}
    return build(agent="agent", **found) if issubclass(kind, Action) else build(**found)


def _defined(kind: type[Mechanism]) -> list[str]:
    """Signals and effects of a mechanism in the order in which its code defines them."""
    known = {**marked(kind, "signal"), **marked(kind, "effect")}
    order = [name for base in reversed(kind.__mro__) for name in vars(base)]
    return sorted(known, key=order.index)


class Names:
    """What mechanisms see (`alarmin.mechanism.Now`), with a name in place of each quantity."""

    def __init__(self, by_class: Mapping[str, bool]) -> None:
        self._by_class = by_class

    def __getattr__(self, name: str) -> Any:
        if name in SPACE:
            return lambda *values: named.bind(*(jax.numpy.asarray(value, float) for value in values), name=name)
        if self._by_class.get(name, False):
            return tuple(named.bind(name=name, place=place) for place in CLASSES)
        return named.bind(name=name)

    def total(self, effect: str) -> Any:
        return named.bind(named.bind(name=effect), name="total")

    def product(self, effect: str) -> Any:
        return named.bind(named.bind(name=effect), name="product")

    def plasma(self, agent: str) -> Any:
        del agent
        return named.bind(name="plasma")

    def once(self, name: str, work: Callable[[], Any]) -> Any:
        del name
        return work()


@cache
def signals() -> dict[str, bool]:
    """All signals of the biology: whether they have a value in each distance class."""
    owners = {name: kind for kind in biology() for name in marked(kind, "signal")}
    found: dict[str, bool] = dict.fromkeys(owners, False)

    class Here(Names):
        def __getattr__(self, name: str) -> Any:
            if name not in owners:
                return super().__getattr__(name)
            build: Any = owners[name]
            mechanism = build(**{attribute: named.bind(name=attribute) for attribute in needs(build)})
            value = getattr(mechanism, name)(self)
            found[name] = isinstance(value, tuple)
            self.__dict__[name] = value
            return value

    now: Any = Here({})
    jax.make_jaxpr(lambda: [getattr(now, name) for name in owners])()
    return found


def _parts(flow: Flow) -> Iterator[tuple[str, Any]]:
    match flow:
        case Supply(field, value):
            yield f"supply {field}", value
        case Loss(field, value):
            yield f"loss {field}", value
        case Transfer(source, target, value):
            yield f"transfer {source} -> {target}", value
        case Release(source, target, value):
            yield f"release {source} -> {target}", value
        case Drift(field, value):
            yield f"drift {field}", value
        case Diffuse(field, value, host, host_loss, exchange):
            yield f"diffuse {field}", value
            if host_loss is not None or exchange is not None:
                yield f"diffuse {field}, host", host
            if host_loss is not None:
                yield f"diffuse {field}, host_loss", host_loss
            if exchange is not None:
                yield f"diffuse {field}, exchange", exchange


@contextmanager
def _noting(kind: type[Mechanism], notes: dict[tuple[str, str], list[tuple[Any, ...]]]) -> Iterator[None]:
    """Notes what the code of a mechanism calls its intermediate results: local variables, and methods by name."""
    file = inspect.getsourcefile(kind)

    def note(function: str, name: str, value: Any) -> None:
        values = value if isinstance(value, tuple) else (value,)
        if values and all(isinstance(one, Tracer) for one in values):
            notes.setdefault((function, name), []).append(values)

    def watch(frame: Any, event: str, result: Any) -> None:
        code = frame.f_code
        if event == "return" and code.co_filename == file and not code.co_name.startswith("<"):
            for name, value in frame.f_locals.items():
                if name not in code.co_varnames[: code.co_argcount]:
                    note(code.co_qualname, name, value)
            if hasattr(kind, code.co_name):
                note(code.co_qualname, code.co_name, result)

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        yield
    finally:
        sys.setprofile(before)


def _terms(program: ClosedJaxpr, given: Sequence[Term], terms: Terms) -> list[Term]:
    """The results of a program as terms in what it is given."""
    known: dict[Any, Term] = dict(zip(program.jaxpr.invars, given, strict=True))
    known |= {name: terms.number(value) for name, value in zip(program.jaxpr.constvars, program.consts, strict=True)}
    read: Callable[[Any], Term] = lambda one: terms.number(one.val) if isinstance(one, Literal) else known[one]
    for step in program.jaxpr.eqns:
        parts, name, setting = [read(one) for one in step.invars], step.primitive.name, step.params
        if name == "named" and not parts:
            found = [terms("name", value=(setting["name"], setting.get("place")))]
        elif name == "named":
            found = [terms(setting["name"], *parts)]
        elif name in INFIX:
            found = [terms(INFIX[name], *parts)]
        elif name in CALLS:
            found = [terms(name, *parts)]
        elif name in SAME and not jax.numpy.issubdtype(step.outvars[0].aval.dtype, jax.numpy.integer):
            found = parts
        elif name == "neg":
            found = [terms("negative", *parts)]
        elif name == "square":
            found = [terms("**", *parts, terms.number(2))]
        elif name == "integer_pow":
            found = [terms("**", *parts, terms.number(setting["y"]))]
        elif name == "exp2":
            found = [terms("**", terms.number(2), *parts)]
        elif name == "select_n" and len(parts) == 3:
            found = [terms("where", parts[0], parts[2], parts[1])]
        elif isinstance(setting.get("jaxpr"), ClosedJaxpr):
            found = _terms(setting["jaxpr"], parts, terms)
        else:
            raise EquationError(f"no way to print the operation {name!r}", remedy="add it to alarmin.equations")
        known |= dict(zip(step.outvars, found, strict=True))
    return [read(one) for one in program.jaxpr.outvars]
