"""Turns printed equations (`alarmin.equations`) into SBML's infix formulas, for one well-mixed lesion of a patient.

Well mixed, space is simple: a mean is the value, an integral the value times the volume, a gradient is zero, and the
line from the middle of the ball to its margin is half a radius long.
"""

import ast
from collections.abc import Callable, Mapping
from typing import Any

from alarmin.errors import AlarminError
from alarmin.numerics.response import CLASS_WEIGHTS

CLASSES = range(len(CLASS_WEIGHTS))

BINARY = {ast.Add: ("+", 1), ast.Sub: ("-", 1), ast.Mult: ("*", 2), ast.Div: ("/", 2), ast.Pow: ("^", 4)}
COMPARED = {ast.Gt: ">", ast.GtE: ">=", ast.Lt: "<", ast.LtE: "<="}
SAME_NAME = ("max", "min", "exp", "sqrt", "abs")
ATOM = 9

Resolve = Callable[[str, int | None, int], str]
"""The id of a name, in a distance class (None for what is one for all), in a lesion."""


class FormulaError(AlarminError):
    """An equation that SBML cannot hold."""


class Formulas:
    """Writes expressions of one mechanism as formulas.

    Args:
        resolve: gives the ids of names.
        by_class: names that have a value in each distance class.
        effects: ids of what agents contribute to an effect, by name of the effect and lesion.
        lesions: how many lesions the patient has.
    """

    def __init__(
        self, resolve: Resolve, by_class: Callable[[str], bool], effects: Callable[[str, int], list[str]], lesions: int
    ) -> None:
        self._resolve, self._by_class, self._effects, self._lesions = resolve, by_class, effects, lesions

    def varies(self, expression: str) -> bool:
        """Whether an expression has a value in each distance class."""
        return self._varies(_parsed(expression))

    def write(self, expression: str, lesion: int, place: int | None = None) -> str:
        """The formula of an expression in a lesion, and in a distance class where it varies between them."""
        return self._write(_parsed(expression), lesion, place)[0]

    def _varies(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in ("class_mean", "class_min"):
                return False
            return node.func.id == "by_class" or any(map(self._varies, node.args))
        if isinstance(node, ast.Name):
            return self._by_class(node.id)
        return any(self._varies(child) for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr))

    def _write(self, node: ast.expr, lesion: int, place: int | None) -> tuple[str, int]:
        """A formula, and how strongly it binds."""
        match node:
            case ast.Constant(value=int() | float() as value):
                return repr(float(value)), ATOM
            case ast.Name(id=name):
                return self._resolve(name, place if self._by_class(name) else None, lesion), ATOM
            case ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=int() as index)):
                return self._resolve(name, index, lesion), ATOM
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return f"-{self._inside(operand, lesion, place, 3)}", 2
            case ast.BinOp(left=left, op=op, right=right):
                sign, own = BINARY[type(op)]
                least = own + (sign in "-/^")
                first = self._inside(left, lesion, place, ATOM if sign == "^" else own)
                return f"{first} {sign} {self._inside(right, lesion, place, ATOM if sign == '^' else least)}", own
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                ends = [self._inside(part, lesion, place, 1) for part in (left, right)]
                return f"{ends[0]} {COMPARED[type(op)]} {ends[1]}", 0
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return self._call(name, arguments, lesion, place)
        raise FormulaError(
            f"no way to write {ast.unparse(node)!r} in SBML", remedy="add it to alarmin.exports.formulas"
        )

    def _inside(self, node: ast.expr, lesion: int, place: int | None, least: int) -> str:
        text, binding = self._write(node, lesion, place)
        return text if binding >= least else f"({text})"

    def _call(self, name: str, arguments: list[ast.expr], lesion: int, place: int | None) -> tuple[str, int]:
        write = lambda node, at=lesion, where=place: self._write(node, at, where)[0]
        if name in SAME_NAME:
            return f"{name}({', '.join(map(write, arguments))})", ATOM
        match name, arguments:
            case "log", [x]:
                return f"ln({write(x)})", ATOM
            case "log1p", [x]:
                return f"ln(1 + {self._inside(x, lesion, place, 1)})", ATOM
            case "expm1", [x]:
                return f"(exp({write(x)}) - 1)", ATOM
            case "where", [condition, then, otherwise]:
                return f"piecewise({write(then)}, {write(condition)}, {write(otherwise)})", ATOM
            case "by_class", values:
                return self._write(values[place or 0], lesion, place)
            case "class_mean", [x]:
                parts = (f"{weight!r} * {self._inside(x, lesion, q, 2)}" for q, weight in enumerate(CLASS_WEIGHTS))
                return f"({' + '.join(parts)})", ATOM
            case "class_min", [x]:
                return f"min({', '.join(self._write(x, lesion, q)[0] for q in CLASSES)})", ATOM
            case (("total" | "product"), [ast.Name(id=effect)]):
                ids, sign, nothing = self._effects(effect, lesion), "+" if name == "total" else "*", name == "product"
                return (f"({f' {sign} '.join(ids)})" if len(ids) > 1 else ids[0] if ids else f"{float(nothing)}"), ATOM
            case ("mean", [x]) | ("margin_mean", [x, _]):
                return self._write(x, lesion, place)
            case "integral", [x]:
                return f"{self._resolve('volume', None, lesion)} * {self._inside(x, lesion, place, 3)}", 2
            case "over_lesions", [x]:
                parts = [self._inside(x, other, place, 2) for other in range(self._lesions)]
                return f"({' + '.join(parts)})", ATOM
            case "gradient", [_]:
                return "0", ATOM
            case "outward_integral", [x]:
                return f"{self._inside(x, lesion, place, 2)} * {self._resolve('radius', None, lesion)} / 2", 2
        raise FormulaError(f"no way to write {name!r} in SBML", remedy="add it to alarmin.exports.formulas")


def inlined(name: str, definitions: Mapping[str, str], leaf: Callable[[str], str | None]) -> str:
    """The expression of `name` down to its leaves: each name that `leaf` knows becomes what it says.

    Args:
        name: what is defined.
        definitions: expressions by name.
        leaf: what to write for a name; None for one whose definition is to be put in.
    """

    class Inline(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> Any:
            written = leaf(node.id)
            if written is not None:
                return ast.Name(id=written, ctx=ast.Load())
            return self.visit(_parsed(definitions[node.id])) if node.id in definitions else node

    return ast.unparse(Inline().visit(_parsed(definitions[name])))


def _parsed(expression: str) -> ast.expr:
    return ast.parse(expression, mode="eval").body
