"""One well-mixed patient as a list of quantities, rules, reactions and doses, from the equations as the code runs them.

The equations are those that `alarmin model` prints (`alarmin.equations`), with the numbers of the patient. What is
added here is what the time step does with them, in the limit of short steps:

    slow fields       what flows say, diluted as tissue swells: V' = growth V, growth = occupied(net flows)/packing
    molecules         x' = k (balance - x), balance = (gain + m host)/(loss + m); k is fast: a molecule is always nearly
                      in balance, as it is after each of Alarmin's steps, and molecules that depend on one another
                      find their common balance
    over the margin   m = (3/R) v D/(v l + D), v the exchange velocity; l = min(R/2, sqrt(D/loss))
"""

import inspect
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from alarmin.equations import equations, parameter_names, signals
from alarmin.errors import AlarminError
from alarmin.exports.formulas import CLASSES, Formulas, inlined
from alarmin.mechanism import Mechanism, marked
from alarmin.model import actions, biology, make, needs
from alarmin.patients import Cohort
from alarmin.records import Record
from alarmin.state import FIELDS, MATERIAL, Field
from alarmin.therapy.regimen import Regimen, parse

RELAXATION = 1e6
"""How fast molecules go to their balance [1/day]."""


class ExportError(AlarminError):
    """What cannot be exported."""


class Constant(NamedTuple):
    value: float
    unit: str
    title: str
    record: Record | None = None


class State(NamedTuple):
    """What changes by reactions (in a compartment) or by a rate rule (where `compartment` is empty)."""

    initial: float
    unit: str
    title: str
    compartment: str = ""


class Rule(NamedTuple):
    formula: str
    unit: str
    title: str


class Reaction(NamedTuple):
    """`law` is in the amount that flows per day, from `source` to `target`; either may be nothing."""

    source: str
    target: str
    law: str
    title: str
    reversible: bool = False


class Event(NamedTuple):
    day: float
    title: str
    changes: dict[str, str]


@dataclass
class Network:
    """A patient as differential equations; ids are Alarmin's names.

    Attributes:
        title: who, of what tumor, under which regimen.
        about: how it was made, a paragraph each.
        lesions: ids of the lesions, which are compartments, with their volumes [mL].
        constants: numbers by id.
        states: what has a rate or takes part in reactions, by id.
        rates: d/dt by id of the state or lesion.
        rules: what follows from the rest at every moment, by id.
        reactions: flows, by id.
        events: doses and the ends of infusions, in order.
    """

    title: str
    about: tuple[str, ...]
    lesions: dict[str, float]
    constants: dict[str, Constant] = field(default_factory=dict)
    states: dict[str, State] = field(default_factory=dict)
    rates: dict[str, str] = field(default_factory=dict)
    rules: dict[str, Rule] = field(default_factory=dict)
    reactions: dict[str, Reaction] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)


def network(cohort: Cohort, regimen: str | Regimen = "", *, days: int = 730) -> Network:
    """The network of one patient.

    Args:
        cohort: one patient in the untreated state of lesions of one shell (`alarmin.exports.well_mixed`).
        regimen: in the regimen language; empty for no treatment.
        days: doses are listed up to this day.

    Raises `ExportError` where the cohort is not one untreated patient of one shell.
    """
    untreated = cohort.untreated or {}
    if len(cohort) != 1 or not untreated or len(untreated["oxygen"]) != 1:
        raise ExportError(
            f"{len(cohort)} patients, {len(untreated.get('oxygen', ()))} shells",
            remedy="give one patient with well-mixed lesions, from alarmin.exports.well_mixed",
        )
    plan = parse(regimen) if isinstance(regimen, str) else regimen
    return _Builder(cohort, plan, days).build()


class _Builder:
    """Collects what mechanisms say, lesion by lesion; then adds what the time step does with it."""

    def __init__(self, cohort: Cohort, plan: Regimen, days: int) -> None:
        self.cohort, self.plan, self.days = cohort, plan, days
        self.count = cohort.lanes
        who = f"patient {cohort.ids[0]} of seed {cohort.seed}"
        volumes = 4.0 / 3.0 * np.pi * np.asarray(cohort.untreated["radius"][0], float) ** 3 / 1000.0  # type: ignore[index]
        self.out = Network(
            title=f"{cohort.tumor}, {who}, {plan or 'untreated'}",
            about=(
                f"A well-mixed virtual patient with cancer: {cohort.tumor}, {who}, population {cohort.population}, "
                f"under {plan or 'no treatment'}.",
                "Molecules relax to their balance with the slow fields at the rate molecule_relaxation; Alarmin takes "
                "the balance itself.",
            ),
            lesions={self.at("lesion", lane): float(volume) for lane, volume in enumerate(volumes)},
        )
        self.kinds = [*((kind, None) for kind in biology()), *actions(plan.agents)]
        self.fields = dict(FIELDS) | {f.name: f for f in self._brought()}
        self.gain: dict[tuple[str, int], list[str]] = defaultdict(list)
        self.loss: dict[tuple[str, int], list[str]] = defaultdict(list)
        self.margin: dict[tuple[str, int], dict[str, str]] = defaultdict(dict)
        self.contributed: dict[str, list[str]] = defaultdict(list)
        self.local = {name for name in plan.agents if _agent(name).local}

    # --- names -------------------------------------------------------------------------------------------------

    def at(self, name: str, lesion: int) -> str:
        """The id of what belongs to a lesion: with its number where there are several."""
        return name if self.count == 1 else f"{name}_{lesion + 1}"

    def field_id(self, name: str, lesion: int) -> str:
        return name if self.fields[name].kind == "body" else self.at(name, lesion)

    def plasma(self, agent: str, lesion: int) -> str:
        """Concentration of an agent in blood; what is given in lesions has one in each."""
        return self.at(f"{agent}_plasma", lesion) if agent in self.local else f"{agent}_plasma"

    def _brought(self) -> Iterator[Field]:
        for kind, agent in self.kinds:
            if agent is not None:
                yield from make(kind, lambda record, unit: 1.0, agent).fields()

    def constant(self, name: str, record: str, unit: str, lesion: int) -> str:
        """The id of the number of a record, one for all lesions where they have the same."""
        values = self.cohort.lesion_value(record, unit)
        name = name if np.all(values == values[0]) else self.at(name, lesion)
        entry = self.cohort.records[record]
        found = Constant(float(values[lesion]), unit, entry.title, entry)
        if self.out.constants.setdefault(name, found)[:2] != found[:2]:
            raise ExportError(f"{record} is taken in two units, one of them {unit!r}", remedy="let it be one unit")
        return name

    # --- mechanisms --------------------------------------------------------------------------------------------

    def build(self) -> Network:
        from alarmin.exports.doses import add_doses
        from alarmin.exports.relaxation import cut

        for kind, agent in self.kinds:
            for effect in marked(kind, "effect"):
                self.contributed[effect].append(f"{_prefix(kind, agent)}__{effect}")
        self._states()
        for kind, agent in self.kinds:
            self._mechanism(kind, agent)
        for lesion in range(self.count):
            self._space(lesion)
        for name, entry in self.fields.items():
            for lesion in range(1 if entry.kind == "body" else self.count):
                if entry.kind == "molecule":
                    self._molecule(name, lesion)
                elif entry.kind == "property":
                    id = self.at(name, lesion)
                    lost = _sum(self.loss[name, lesion])
                    self.out.rates[id] = f"{_sum(self.gain[name, lesion])} - {_bracket(lost)} * {id}"
                elif (name, lesion) in self.margin:
                    self._crawl(name, lesion)
        for lesion in range(self.count):
            self._growth(lesion)
        for agent in self.plan.agents:
            add_doses(
                self.out, self.cohort, self.plan, agent, self.days, lambda lesion, a=agent: self.plasma(a, lesion)
            )
        cut(self.out)
        self.out.events.sort(key=lambda event: event.day)
        return self.out

    def _states(self) -> None:
        self.out.constants["molecule_relaxation"] = Constant(RELAXATION, "1/day", "How fast molecules find balance")
        untreated = self.cohort.untreated or {}
        for name, entry in self.fields.items():
            for lesion in range(1 if entry.kind == "body" else self.count):
                initial = float(untreated[name][0, lesion]) if name in untreated else 0.0
                compartment = self.at("lesion", lesion) if entry.kind in MATERIAL else ""
                compartment = "patient" if entry.kind == "body" else compartment
                self.out.states[self.field_id(name, lesion)] = State(initial, entry.unit, entry.meaning, compartment)

    def _mechanism(self, kind: type[Mechanism], agent: str | None) -> None:
        prefix, records = _prefix(kind, agent), needs(kind, agent)
        numbers = {printed: records[attribute] for attribute, printed in parameter_names(kind).items()}
        own_effects, units = marked(kind, "effect"), marked(kind, "signal") | marked(kind, "effect")
        parts: dict[str, bool] = {}

        def named(name: str) -> str:
            """A field by its name, where an agent's own is printed as `agent…`."""
            mine = agent is not None and re.fullmatch(r"agent(_.*)?", name) and name not in FIELDS
            return f"{agent}{name.removeprefix('agent')}" if mine else name

        def resolve(name: str, place: int | None, lesion: int) -> str:
            if name == "pi":
                return "pi"
            if name == "volume":
                return self.at("lesion", lesion)
            if name == "plasma" and agent is not None:
                return self.plasma(agent, lesion)
            if name in numbers:
                record, unit = numbers[name]
                clash = "_record" if record in signals() or record in self.fields else ""
                return self.constant(record.replace(".", "_") + clash, record, unit, lesion)
            if name in parts or name in own_effects:
                name = f"{prefix}__{name}"
            elif named(name) in self.fields:
                return self.field_id(named(name), lesion)
            return self.at(name if place is None else f"{name}_class{place + 1}", lesion)

        def by_class(name: str) -> bool:
            return parts.get(name, signals().get(name, False) and name not in numbers)

        effects = lambda effect, lesion: [self.at(id, lesion) for id in self.contributed.get(effect, ())]
        write = Formulas(resolve, by_class, effects, self.count)
        docs = inspect.getdoc(kind) or prefix
        flows: dict[str, int] = defaultdict(int)
        for line in equations(kind):
            if " = " in line and ": " not in line.partition(" = ")[0]:
                name, _, expression = line.partition(" = ")
                varies = write.varies(expression)
                if name not in units:
                    parts[name] = varies
                about = (units[name].unit, _first(getattr(kind, name))) if name in units else ("", "")
                for lesion in range(self.count):
                    for place in CLASSES if varies else (None,):
                        rule = Rule(write.write(expression, lesion, place), *about)
                        self.out.rules[resolve(name, place, lesion)] = rule
                continue
            label, _, expression = line.partition(": ")
            flows[label] += 1
            again = f"_{flows[label]}" if flows[label] > 1 else ""
            if expression != "0" or label.startswith("diffuse"):
                self._flow(f"{prefix}__", label, again, lambda l, e=expression: write.write(e, l), named, _first(docs))

    def _flow(
        self,
        prefix: str,
        label: str,
        again: str,
        rate: Callable[[int], str],
        named: Callable[[str], str],
        title: str,
    ) -> None:
        """One flow of a mechanism in every lesion, or once in the patient."""
        what, _, ends = label.partition(" ")
        first, _, second = (
            named(end) for end in re.split(r"( -> |, )", ends + (" -> " if "," not in ends else ""))[:3]
        )
        if what == "drift":
            return
        if what == "diffuse":
            for lesion in range(self.count):
                self.margin[first, lesion][second or "diffusivity"] = rate(lesion)
            return
        body = self.fields[second or first].kind == "body"
        for lesion in range(1 if body else self.count):
            source, share = self.field_id(first, lesion), _bracket(rate(lesion))
            amount = rate(lesion) if what == "supply" else f"{share} * {source}"
            gains = {"supply": first, "transfer": second, "release": second}.get(what, "")
            loses = first if what in ("loss", "transfer") else ""
            if loses:
                self.loss[loses, lesion].append(rate(lesion))
            if loses and not self._in_compartment(loses):
                loses = ""
            if gains and not self._in_compartment(gains):
                self.gain[gains, lesion].append(amount)
                gains = ""
            if loses or gains:
                space = "" if body else f"{self.at('lesion', lesion)} * "
                to = f"__{second}" if second else ""
                id = self.at(f"{prefix}{what}_{first}{to}{again}", 0 if body else lesion)
                source, target = (self.field_id(end, lesion) if end else "" for end in (loses, gains))
                law = f"{space}{_bracket(amount) if space else amount}"
                self.out.reactions[id] = Reaction(source, target, law, title)

    def _in_compartment(self, name: str) -> bool:
        return self.fields[name].kind in (*MATERIAL, "body")

    # --- what the time step does -------------------------------------------------------------------------------

    def _space(self, lesion: int) -> None:
        id = lambda name: self.at(name, lesion)
        rule = lambda name, formula, unit, title: self.out.rules.setdefault(id(name), Rule(formula, unit, title))
        rule("radius", f"(750 * {id('lesion')} / pi)^(1 / 3)", "mm", "radius of the lesion")
        rule("diameter", f"2 * {id('radius')}", "mm", "diameter of the sphere of equal volume")
        rule("depth", f"{id('radius')} / 2", "mm", "distance of the middle shell from the margin")
        rule("velocity", f"{id('radius')} * {id('growth')} / 6", "mm/day", "outward speed of tissue half way out")
        rule("tumor_cells", f"{id('tumor')} * {id('lesion')}", "Mcell", "living tumor cells of the lesion")

    def _cross(self, name: str, lesion: int, loss: str) -> str:
        """Writes the rate at which a field with this `loss` crosses the margin [1/day]."""
        given, id, radius = self.margin[name, lesion], self.at(name, lesion), self.at("radius", lesion)
        diffusivity = self._rule(
            f"{id}__margin_diffusivity", given["diffusivity"], "mm**2/day", f"diffusivity of {name}"
        )
        if "host_loss" in given:
            speed = f"{diffusivity} * (sqrt({_bracket(given['host_loss'])} / {diffusivity}) + 1 / {radius})"
        else:
            speed = given["exchange"]
        speed = self._rule(f"{id}__margin_exchange", speed, "mm/day", f"exchange velocity of {name} at the margin")
        layer = f"min({radius} / 2, sqrt({diffusivity} / {loss}))"
        rate = f"3 / {radius} * {speed} * {diffusivity} / ({speed} * {layer} + {diffusivity})"
        return self._rule(f"{id}__margin_crossing", rate, "1/day", f"exchange of {name} with the host")

    def _rule(self, id: str, formula: str, unit: str, title: str) -> str:
        if id in self.out.rules:
            raise ExportError(f"two rules are called {id!r}", remedy="rename one of them in its mechanism")
        self.out.rules[id] = Rule(formula, unit, title)
        return id

    def _total_loss(self, name: str, lesion: int) -> str:
        """Writes what flows take of a field [1/day]."""
        id = f"{self.at(name, lesion)}__total_loss"
        return self._rule(id, _sum(self.loss[name, lesion]), "1/day", f"loss of {name}")

    def _molecule(self, name: str, lesion: int) -> None:
        id, unit = self.at(name, lesion), self.fields[name].unit
        gain, given = _sum(self.gain[name, lesion]), self.margin.get((name, lesion), {})
        loss = self._total_loss(name, lesion)
        balance = f"({gain}) / {loss}"
        if "host_loss" in given or "exchange" in given:
            crossing = self._cross(name, lesion, loss)
            balance = f"({gain} + {crossing} * {_bracket(given['host'])}) / ({loss} + {crossing})"
        balance = self._rule(f"{id}__balance", balance, unit, f"balance of {name}")
        self.out.rates[id] = f"molecule_relaxation * ({balance} - {id})"

    def _crawl(self, name: str, lesion: int) -> None:
        """T cells over the margin."""
        id, host = self.at(name, lesion), self.margin[name, lesion]["host"]
        loss = self._total_loss(name, lesion)
        crossing = self._cross(name, lesion, loss)
        law = f"{self.at('lesion', lesion)} * {crossing} * ({host} - {id})"
        title = "T cells come and go over the margin."
        self.out.reactions[f"{id}__margin"] = Reaction("", id, law, title, reversible=True)

    def _growth(self, lesion: int) -> None:
        """Tissue moves apart where its content needs more room: the volume follows what flows add up to."""
        space, made = self.at("lesion", lesion), set[str]()

        def leaf(id: str) -> str | None:
            state = self.out.states.get(id)
            if state is None or state.compartment != space:
                return None
            made.add(id)
            return f"{id}__made"

        definitions = {id: rule.formula for id, rule in self.out.rules.items()}
        grown = f"({inlined(self.at('occupied', lesion), definitions, leaf)}) / {self.at('packing', lesion)}"
        for id in sorted(made):
            flows = [f"+ {flow}" for flow, found in self.out.reactions.items() if found.target == id]
            flows += [f"- {flow}" for flow, found in self.out.reactions.items() if found.source == id]
            formula = f"({' '.join(flows).removeprefix('+ ') or '0'}) / {space}"
            self._rule(f"{id}__made", formula, f"({self.out.states[id].unit})/day", f"what flows add up to for {id}")
        self._rule(self.at("growth", lesion), grown, "1/day", "growth of the lesion's volume")
        self.out.rates[space] = f"{space} * {self.at('growth', lesion)}"


def _agent(name: str) -> Any:
    from alarmin.records import agent

    return agent(name)


def _prefix(kind: type[Mechanism], agent: str | None) -> str:
    file = kind.__module__.rpartition(".")[2]
    return file if agent is None else f"{agent}__{file}"


def _first(text: Any) -> str:
    """The first line of a docstring."""
    return ((text if isinstance(text, str) else inspect.getdoc(text)) or "").partition("\n")[0]


def _sum(terms: list[str]) -> str:
    return " + ".join(terms) or "0"


def _bracket(formula: str) -> str:
    return formula if re.fullmatch(r"[\w.]+", formula) else f"({formula})"
