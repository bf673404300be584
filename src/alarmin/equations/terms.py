"""Expressions as terms: simplified where that changes nothing, and one for all distance classes where they agree."""

from collections.abc import Sequence
from typing import Any

from alarmin.numerics.response import CLASS_WEIGHTS

CLASSES = range(len(CLASS_WEIGHTS))


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
