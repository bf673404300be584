"""Floating-point operations: how many a program carries out, and how many the processor can."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal, Var

from alarmin.bench.clock import fastest

SUMS = frozenset({"reduce_max", "reduce_min", "reduce_prod", "reduce_sum"})
"""Primitives of which each value that goes in counts."""

ARITHMETIC = frozenset({
    "abs", "add", "add_any", "cbrt", "clamp", "cos", "div", "erf", "exp", "exp2", "expm1", "integer_pow", "log",
    "log1p", "logistic", "max", "min", "mul", "neg", "pow", "rem", "rsqrt", "sin", "sqrt", "square", "sub", "tanh",
})  # fmt: skip
"""Primitives of which each value that comes out counts."""


def operations(work: Callable[..., Any], *args: Any) -> tuple[float, float]:
    """Floating-point operations that `work` carries out with these arguments, and those without repeats.

    Loops count as often as they run, and of branches the one that is taken. In the second number, what repeats until it
    is good enough counts once. An exponential counts as one operation, as a sum does, and so does what the compiler
    works out several times: this is the least that a processor has to do for these equations, solved this way.
    """
    program = jax.make_jaxpr(work)(*args)
    count = _Count()
    count.run(program.jaxpr, program.consts, jax.tree.leaves(args))
    return count.all, count.once


class _Count:
    """Carries a program out piece by piece, and counts."""

    def __init__(self) -> None:
        self.all = self.once = 0.0

    def run(self, program: Jaxpr, constants: Sequence[Any], args: Sequence[Any]) -> list[Any]:
        """What the program returns."""
        known: dict[Var, Any] = dict(zip((*program.constvars, *program.invars), (*constants, *args), strict=True))
        value = lambda atom: atom.val if isinstance(atom, Literal) else known[atom]
        last = {atom: at for at, equation in enumerate(program.eqns) for atom in _variables(equation.invars)}
        last |= dict.fromkeys(_variables(program.outvars), len(program.eqns))
        for at, equation in enumerate(program.eqns):
            given = [value(atom) for atom in equation.invars]
            for atom in set(_variables(equation.invars)):
                # What nothing reads any more takes no room.
                if last[atom] == at:
                    del known[atom]
            match equation.primitive.name:
                case "while":
                    found = self._repeated(equation.params, given)
                case "cond":
                    taken = equation.params["branches"][int(given[0])]
                    found = self.run(taken.jaxpr, taken.consts, given[1:])
                case "jit" | "pjit" | "closed_call" | "custom_jvp_call" | "custom_vjp_call":
                    (inside,) = _programs(equation.params)
                    found = self.run(inside.jaxpr, inside.consts, given)
                case _:
                    counted = _of(equation)
                    self.all, self.once = self.all + counted, self.once + counted
                    found = equation.primitive.bind(*given, **equation.params)
                    found = found if equation.primitive.multiple_results else [found]
            known.update(zip(equation.outvars, found, strict=True))
        return [value(atom) for atom in program.outvars]

    def _repeated(self, params: dict[str, Any], given: list[Any]) -> list[Any]:
        """A loop that ends by itself: its first round counts as once."""
        ends, body = params["cond_jaxpr"], params["body_jaxpr"]
        split = params["cond_nconsts"], params["cond_nconsts"] + params["body_nconsts"]
        asks, needs, state = given[: split[0]], given[split[0] : split[1]], given[split[1] :]
        first = True
        while self.run(ends.jaxpr, ends.consts, (*asks, *state))[0]:
            before = self.once
            state = self.run(body.jaxpr, body.consts, (*needs, *state))
            self.once, first = (self.once if first else before), False
        return state


def _variables(atoms: Sequence[Any]) -> list[Var]:
    return [atom for atom in atoms if isinstance(atom, Var)]


def _of(equation: Any) -> float:
    """Operations of one piece without loops that end by themselves."""
    name, inside = equation.primitive.name, _programs(equation.params)
    if inside:
        return equation.params.get("length", 1) * sum(_of(part) for program in inside for part in program.jaxpr.eqns)
    out = equation.outvars[0].aval
    if name == "dot_general":
        (across, _), _ = equation.params["dimension_numbers"]
        return 2.0 * out.size * math.prod(equation.invars[0].aval.shape[axis] for axis in across)
    if not jnp.issubdtype(out.dtype, jnp.floating):
        return 0.0
    return float(equation.invars[0].aval.size if name in SUMS else out.size if name in ARITHMETIC else 0)


def _programs(params: dict[str, Any]) -> list[ClosedJaxpr]:
    parts = [part for value in params.values() for part in (value if isinstance(value, tuple | list) else (value,))]
    return [part for part in parts if isinstance(part, ClosedJaxpr)]


def peak(side: int = 2048) -> float:
    """Operations a second of a product of matrices in single precision, on all cores."""
    matrix = jnp.ones((side, side), "float32")
    product = jax.jit(lambda matrix: matrix @ matrix)
    jax.block_until_ready(product(matrix))
    return 2.0 * side**3 / fastest(lambda: product(matrix), 1, 5)
