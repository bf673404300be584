"""Writes terms as lines of Python that a person can read."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from alarmin.equations.terms import Term

SPACE = ("integral", "mean", "margin_mean", "over_lesions", "gradient", "outward_integral")
RESERVED = {*SPACE, "max", "min", "exp", "log", "log1p", "expm1", "sqrt", "abs", "pi", "where"}
RESERVED |= {
    "by_class",
    "class_mean",
    "class_min",
    "total",
    "product",
    "agent",
    "plasma",
    "radius",
    "depth",
    "velocity",
}
"""What no part of an equation can be called."""

WIDTH = 100
"""A longer line is broken up at the names that its code gives to parts of it."""

LARGE = 3
"""A part with more operations is written once even where its code has no name for it."""

BINDING = {">": 0, ">=": 0, "<": 0, "<=": 0, "+": 1, "-": 1, "*": 2, "/": 2, "negative": 3, "**": 4}
ATOM = 5


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

    def __init__(self, outputs: Sequence[tuple[str, Term]], calls: Mapping[Term, str], taken: Iterable[str]) -> None:
        self._outputs = outputs
        self._own = {label.removesuffix(" ="): term for label, term in outputs if label.endswith(" =")}
        own = {term: name for name, term in reversed(self._own.items())}
        self._calls = {term: name for term, name in {**calls, **own}.items() if term.parts}
        self._uses: Counter[Term] = Counter()
        self._sizes: dict[Term, int] = {}
        self._names: dict[Term, str] = {}
        self._taken = {*RESERVED, *taken, *self._own}
        self._done: set[Any] = set()
        self._lines: list[str] = []

    def write(self) -> list[str]:
        """The lines, each with only names that stand above it or come from outside."""
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
