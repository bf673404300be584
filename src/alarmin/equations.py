"""The equations of a mechanism as its code computes them, in lines that can be read, and evaluated.

A mechanism is run once on names instead of numbers, and what it did with them is written down:

    NAME = EXPRESSION            a signal, an effect, or a part that is used more than once
    supply FIELD: EXPRESSION     a flow, one line each (`alarmin.mechanism` says what each kind does)

An expression is Python. Names are fields, signals and parameters; `agent` is the concentration of an agent in tissue,
`plasma` that in blood, and `agent_NAME` a field of its own. What differs between the five distance classes has five
values, `by_class(…)`; `class_mean(x)` is their weighted mean, `class_min(x)` the least. `total(x)` and `product(x)`
take the contributions of all agents to the effect x together. `integral`, `mean`, `gradient` and the like act over
space (`alarmin.mechanism.Now`); everything else acts in each place by itself.
"""

import inspect
import math
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

import jax
from jax.extend.core import ClosedJaxpr, Literal, Primitive

from alarmin.errors import AlarminError
from alarmin.mechanism import Action, Diffuse, Drift, Flow, Loss, Mechanism, Release, Supply, Transfer, marked
from alarmin.model import biology, needs
from alarmin.numerics.response import CLASS_WEIGHTS
from alarmin.state import FIELDS

CLASSES = range(len(CLASS_WEIGHTS))
SPACE = ("integral", "mean", "margin_mean", "over_lesions", "gradient", "outward_integral")
INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "**", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}
CALLS = ("max", "min", "exp", "log", "log1p", "expm1", "sqrt", "abs")
SAME = ("convert_element_type", "broadcast_in_dim", "stop_gradient", "copy")
BINDING = {">": 0, ">=": 0, "<": 0, "<=": 0, "+": 1, "-": 1, "*": 2, "/": 2, "negative": 3, "**": 4}
ATOM = 5
RESERVED = {*SPACE, *CALLS, "where", "by_class", "class_mean", "class_min", "total", "product", "pi"}
RESERVED |= {"agent", "plasma", "radius", "depth", "velocity"}
WIDTH = 100
"""A longer line is broken up at the names that its code gives to parts of it."""
LARGE = 3
"""A part with more operations is written once even where its code has no name for it."""


class EquationError(AlarminError):
    """A computation that has no printed form."""


named = Primitive("named")
named.def_abstract_eval(lambda *_, **__: jax.core.ShapedArray((), jax.numpy.result_type(float)))


def equations(kind: type[Mechanism]) -> list[str]:
    """The equations of a mechanism, one line each; a line uses only names that stand above it or come from outside.

    Raises `EquationError` where the mechanism computes something that has no printed form.
    """
    labels: list[tuple[str, int]] = []
    notes: dict[tuple[str, str], list[tuple[Any, ...]]] = {}

    def run() -> list[Any]:
        labels.clear()
        notes.clear()
        mechanism, now = _instance(kind), Names(signals())
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

    with _double():
        program = jax.make_jaxpr(run)()
    terms = Terms()
    results = iter(_terms(program, [], terms))
    outputs = [(label, terms.over_classes([next(results) for _ in range(size)])) for label, size in labels]
    page = Page(outputs)
    for (_, name), calls in notes.items():
        values = [[next(results) for _ in one] for one in calls]
        if len(calls) == len(CLASSES) and len(values[0]) == 1:
            values.append([one[0] for one in values])
        for one in values:
            page.suggest(name, terms.merged(one) if len(one) > 1 else one[0])
    return page.write()


@contextmanager
def _double() -> Iterator[None]:
    """Lets JAX keep numbers in the code as they are written."""
    before = jax.config.jax_enable_x64  # type: ignore[attr-defined]
    jax.config.update("jax_enable_x64", True)
    try:
        yield
    finally:
        jax.config.update("jax_enable_x64", before)


def _instance(kind: type[Mechanism]) -> Mechanism:
    """The mechanism with names as parameters: its own, or that of the record where a field or signal has the name."""
    build: Any = kind
    found = {}
    for attribute, (record, _) in needs(kind).items():
        clash = attribute in {*RESERVED, *FIELDS, *signals(), *_defined(kind)}
        found[attribute] = named.bind(name=record.replace(".", "_") if clash else attribute)
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

    now = Here({})
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
        if values and all(isinstance(one, jax.core.Tracer) for one in values):
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


class Term:
    """A number, a name (with its place among the distance classes), or an operation on terms."""

    def __init__(self, op: str, parts: "tuple[Term, ...]", value: Any) -> None:
        self.op, self.parts, self.value = op, parts, value


class Terms:
    """Makes terms, so that equal terms are one and the same; leaves out what changes nothing."""

    def __init__(self) -> None:
        self._known: dict[Any, Term] = {}

    def number(self, value: Any) -> Term:
        return self("number", value=float(value))

    def __call__(self, op: str, *parts: Term, value: Any = None) -> Term:
        simple = self._simple(op, *parts)
        if simple is not None:
            return simple
        key = (op, parts, value)
        if key not in self._known:
            self._known[key] = Term(op, parts, value)
        return self._known[key]

    def _simple(self, op: str, *parts: Term) -> Term | None:
        match op, *((part.value if part.op == "number" else part) for part in parts):
            case ("+", 0.0, _) | ("*", 1.0, _):
                return parts[1]
            case ("+" | "-", _, 0.0) | ("*" | "/" | "**", _, 1.0):
                return parts[0]
            case ("*", 0.0, _) | ("*", _, 0.0):
                return self.number(0.0)
            case "negative", float(value):
                return self.number(-value)
            case ("*", Term(op="/") as part, Term() as other) | ("*", Term() as other, Term(op="/") as part) if (
                part.parts[0].value == 1.0
            ):
                return self("/", other, part.parts[1])
            case "*", Term() as a, Term() as b if a is b or (a.op == "**" and a.parts[0] is b):
                power = self.number(1.0) if a is b else a.parts[1]
                return self("**", b, self.number(power.value + 1.0)) if power.op == "number" else None
            case "**", Term(op="**") as a, float(power) if a.parts[1].op == "number" and power.is_integer():
                return self("**", a.parts[0], self.number(a.parts[1].value * power))
            case "+" | "min", Term() as left, Term() as right if left.op == op:
                return self._fold(op, left, right)
        return None

    def _fold(self, op: str, left: Term, right: Term) -> Term | None:
        """A sum or least over the distance classes, one after the other, in one term."""
        found = [right]
        while left.op == op and len(found) < len(CLASSES) - 1:
            left, last = left.parts
            found.insert(0, last)
        found.insert(0, left)
        if len(found) != len(CLASSES):
            return None
        if op == "+":
            if any(one.op != "*" or one.parts[0].value != w for one, w in zip(found, CLASS_WEIGHTS, strict=True)):
                return None
            found = [one.parts[1] for one in found]
        whole = self.merged(found)
        return None if whole is None else self("class_mean" if op == "+" else "class_min", whole)

    def merged(self, found: Sequence[Term]) -> Term | None:
        """One term for what differs between the distance classes in nothing but the class; None where there is none."""
        first = found[0]
        if all(one is first for one in found):
            return first
        if len(found) != len(CLASSES) or any((one.op, len(one.parts)) != (first.op, len(first.parts)) for one in found):
            return None
        if first.op == "number":
            return self("by_class", *found)
        if first.op == "name":
            same = [one.value for one in found] == [(first.value[0], place) for place in CLASSES]
            return self("name", value=(first.value[0], None)) if same else None
        parts = [self.merged(each) for each in zip(*(one.parts for one in found), strict=True)]
        return self(first.op, *(part for part in parts if part is not None)) if None not in parts else None

    def over_classes(self, found: Sequence[Term]) -> Term:
        """One term for one value, or for one value in each distance class."""
        return found[0] if len(found) == 1 else self.merged(found) or self("by_class", *found)


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
        elif name in SAME:
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


class Shown(NamedTuple):
    text: str
    binding: int


KNOWN = {math.pi: Shown("pi", ATOM), 2.0 * math.pi: Shown("2 * pi", 2), math.log(2.0): Shown("log(2)", ATOM)}


def _show(term: Term, names: Mapping[Term, str], at_top: bool = False) -> Shown:
    """A term as an expression in Python, with the terms in `names` by name."""
    if term in names and not at_top:
        return Shown(names[term], ATOM)
    if term.op == "number":
        if term.value in KNOWN:
            return KNOWN[term.value]
        number = f"{term.value:.12g}"
        return Shown(number, BINDING["negative"] if term.value < 0 else ATOM)
    if term.op == "name":
        name, place = term.value
        return Shown(name if place is None else f"{name}[{place}]", ATOM)
    parts = [_show(part, names) for part in term.parts]
    if term.op not in BINDING:
        return Shown(f"{term.op}({', '.join(part.text for part in parts)})", ATOM)
    own = BINDING[term.op]
    wrap: Callable[[Shown, int], str] = lambda one, least: one.text if one.binding >= least else f"({one.text})"
    if term.op == "negative":
        return Shown(f"-{wrap(parts[0], own)}", own)
    left, right = parts
    if term.op == "**":
        return Shown(f"{wrap(left, ATOM)} ** {wrap(right, ATOM)}", own)
    # What comes to the right of + and * needs no brackets; of - and / it does.
    return Shown(f"{wrap(left, own)} {term.op} {wrap(right, own + (term.op in '-/' or own == 0))}", own)


class Page:
    """The lines of a mechanism: shared parts stand before what uses them, each under the name that its code gives."""

    def __init__(self, outputs: Sequence[tuple[str, Term]]) -> None:
        self._outputs = outputs
        self._own = {label.removesuffix(" ="): term for label, term in outputs if label.endswith(" =")}
        self._calls: dict[Term, str] = {term: name for name, term in reversed(self._own.items()) if term.parts}
        self._uses: Counter[Term] = Counter()
        self._sizes: dict[Term, int] = {}
        self._names: dict[Term, str] = {}
        self._taken = {*RESERVED, *FIELDS, *signals(), *self._own}
        self._done: set[Any] = set()
        self._lines: list[str] = []

    def suggest(self, name: str, term: Term | None) -> None:
        """Notes that the code calls a term by this name."""
        if term is not None and term.parts:
            self._calls.setdefault(term, name)

    def write(self) -> list[str]:
        for _, term in self._outputs:
            self._count(term)
        for label, term in self._outputs:
            if label.endswith(" ="):
                self._define_own(label.removesuffix(" ="))
            else:
                self._prepare(term)
                self._line(label, term, _show(term, self._names))
        return self._lines

    def _count(self, term: Term) -> None:
        """Counts how often a term would be printed, if none but those with a name were printed once."""
        self._uses[term] += 1
        if term.op == "name":
            self._taken.add(term.value[0])
        if self._uses[term] == 1 or not self._may_have_name(term):
            for part in term.parts:
                self._count(part)

    def _may_have_name(self, term: Term) -> bool:
        if term in self._calls:
            return any(part.parts for part in term.parts)
        return self._size(term) > LARGE

    def _size(self, term: Term) -> int:
        """How many operations a term shows, where parts with a name show none."""
        if term not in self._sizes:
            shown = [part for part in term.parts if part not in self._calls]
            self._sizes[term] = 1 + sum(map(self._size, shown)) if term.parts else 0
        return self._sizes[term]

    def _prepare(self, term: Term) -> None:
        """Writes the lines on which an expression with this term rests."""
        if term in self._done:
            return
        self._done.add(term)
        if term.op == "name" and term.value[0] in self._own:
            self._define_own(term.value[0])
        elif self._own.get(self._calls.get(term, "")) is term:
            self._define_own(self._calls[term])
        elif self._uses[term] > 1 and self._may_have_name(term):
            self._define(term)
        else:
            for part in term.parts:
                self._prepare(part)

    def _define_own(self, name: str) -> None:
        """Writes a signal or effect of the mechanism."""
        if name in self._done:
            return
        term = self._own[name]
        self._done |= {name, term}
        self._equation(name, term)

    def _define(self, term: Term) -> None:
        """Writes a part under a name of its own."""
        wanted = name = self._calls.get(term, "part")
        number = 1
        while name in self._taken:
            number += 1
            name = f"{wanted}_{number}"
        self._taken.add(name)
        self._equation(name, term)

    def _equation(self, name: str, term: Term) -> None:
        for part in term.parts or (term,):
            self._prepare(part)
        self._line(f"{name} =", term, _show(term, self._names, at_top=True))
        if term.parts:
            self._names.setdefault(term, name)

    def _line(self, label: str, term: Term, shown: Shown) -> None:
        if len(label) + len(shown.text) > WIDTH and term not in self._names:
            for part in self._called(term):
                self._define(part)
            shown = _show(term, self._names, at_top=True)
        self._lines.append(f"{label} {shown.text}")

    def _called(self, term: Term) -> Iterator[Term]:
        """The largest parts of a term that its code calls by a name."""
        for part in term.parts:
            if part in self._names:
                continue
            if part in self._calls and self._may_have_name(part):
                yield part
            else:
                yield from self._called(part)
