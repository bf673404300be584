"""Long chains of rules, cut: simulators that write out each rule wherever it is read choke on them.

A rule that would be long when written out becomes a state that follows it as fast as molecules follow their balance.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping

from alarmin.exports.network import Network, State

LONGEST = 250
"""Names in a rule, written out, from which on it becomes a state."""

NAME = re.compile(r"[A-Za-z_]\w*")


def cut(out: Network) -> None:
    """Turns long rules of a network that are read elsewhere into states that follow them, at their present value."""
    formulas = {id: rule.formula for id, rule in out.rules.items()} | {id: r.law for id, r in out.reactions.items()}
    values, sizes = initial_values(out), dict[str, int]()
    everything = [*formulas.values(), *out.rates.values()]
    uses = Counter(name for formula in everything for name in NAME.findall(formula) if name in formulas)

    def size(id: str) -> int:
        if id not in sizes:
            read = NAME.findall(formulas[id])
            length = len(read) + sum(size(name) for name in read if name in formulas)
            long = length > LONGEST or (length > LONGEST / 5 and uses[id] > 3)
            sizes[id] = 1 if long and id in out.rules and uses[id] else length
            if sizes[id] == 1 and length > 1:
                rule = out.rules.pop(id)
                out.states[id] = State(values[id], rule.unit, rule.title)
                out.rates[id] = f"molecule_relaxation * ({rule.formula} - {id})"
        return sizes[id]

    for id in formulas:
        size(id)


def initial_values(out: Network) -> dict[str, float]:
    """The value of every id at the beginning, before the first dose."""
    known = {id: constant.value for id, constant in out.constants.items()} | dict(out.lesions)
    known |= {id: state.initial for id, state in out.states.items()}
    formulas = {id: rule.formula for id, rule in out.rules.items()} | {id: r.law for id, r in out.reactions.items()}

    class Values(dict[str, float]):
        def __missing__(self, id: str) -> float:
            self[id] = evaluate(formulas[id], self)
            return self[id]

    found = Values(known)
    return {id: found[id] for id in (*known, *formulas)}


FUNCTIONS = {"ln": math.log, "exp": math.exp, "sqrt": math.sqrt, "min": min, "max": max, "abs": abs, "pi": math.pi}


def evaluate(formula: str, values: Mapping[str, float]) -> float:
    """The value of a formula; both branches of a `piecewise` are worked out, as all are defined everywhere."""

    class Names(dict[str, object]):
        def __missing__(self, name: str) -> object:
            return values[name]

    names = Names(FUNCTIONS, piecewise=lambda then, condition, otherwise: then if condition else otherwise)
    return float(eval(compile(formula.replace("^", "**"), "formula", "eval"), {"__builtins__": {}}, names))
