"""The equations of a mechanism as its code computes them, in lines that can be read, and evaluated.

A mechanism is run once on names instead of numbers, and what it did with them is written down:

    NAME = EXPRESSION            a signal, an effect, or a part that is used again or long
    supply FIELD: EXPRESSION     a flow, one line each (`alarmin.mechanism` says what each kind does)

An expression is Python. Names are fields, signals and parameters; `agent` is the concentration of an agent in tissue,
`plasma` that in blood, and `agent_NAME` a field of its own. What differs between the five distance classes has five
values, `by_class(…)`; `class_mean(x)` is their weighted mean, `class_min(x)` the least. `total(x)` and `product(x)`
take the contributions of all agents to the effect x together. `integral`, `mean`, `gradient` and the like act over
space (`alarmin.mechanism.Now`); everything else acts in each place by itself.
"""

from alarmin.equations.tracing import EquationError, parameter_names, signals, trace
from alarmin.equations.writing import Page
from alarmin.mechanism import Mechanism
from alarmin.state import FIELDS

__all__ = ["equations", "signals", "parameter_names", "EquationError"]


def equations(kind: type[Mechanism]) -> list[str]:
    """The equations of a mechanism, one line each; a line uses only names that stand above it or come from outside.

    Raises `EquationError` where the mechanism computes something that has no printed form.
    """
    traced = trace(kind)
    return Page(traced.outputs, traced.calls, {*FIELDS, *signals()}).write()
