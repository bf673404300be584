"""From doses to plasma in an exported patient: compartments as differential equations, doses as events.

What Alarmin works out exactly for each of its steps (`alarmin.therapy.pharmacokinetics`) is written here as the
equations themselves. An infusion begins with an event that adds its rate, and ends with one that takes it away again.
"""

from collections.abc import Callable

import numpy as np

from alarmin.exports.network import Constant, Event, Network, Rule, State
from alarmin.patients import Cohort
from alarmin.patients.dosing import planned_doses
from alarmin.records import agent as find_agent
from alarmin.therapy.pharmacokinetics import MEMORY, linear_body, saturable_body
from alarmin.therapy.regimen import Regimen

Doses = dict[int, float]
"""Doses by the day on which they are given [mg], or in the unit of a dose that is no mass."""


def add_doses(out: Network, cohort: Cohort, plan: Regimen, name: str, days: int, plasma: Callable[[int], str]) -> None:
    """Adds the kinetics of one agent and its doses before day `days`; `plasma` gives the id that tissue sees."""
    drug = find_agent(name)
    table = planned_doses(cohort, plan, days)[name][:, 0]
    doses = {int(day): float(table[day]) for day in np.flatnonzero(table)}
    if drug.local:
        aims = plan.aims(cohort.patient, cohort.lesion).get(name, np.ones(cohort.lanes, bool))
        for lesion in range(cohort.lanes):
            _local(out, name, plasma(lesion), doses if aims[lesion] else {})
    elif drug.pharmacokinetics.model == "linear":
        _linear(out, cohort, name, plasma(0), doses)
    else:
        _saturable(out, cohort, name, plasma(0), doses)


def _local(out: Network, name: str, plasma: str, doses: Doses) -> None:
    """What is given in a lesion acts there evenly over the day of the dose."""
    out.states[plasma] = State(0.0, "", f"{name}: dose per day, on the day of the dose")
    out.rates[plasma] = "0"
    for day, dose in doses.items():
        out.events.append(Event(day, f"{name} given", {plasma: repr(dose)}))
        if day + 1 not in doses:
            out.events.append(Event(day + 1, f"{name} over", {plasma: "0"}))


def _linear(out: Network, cohort: Cohort, name: str, plasma: str, doses: Doses) -> None:
    """V0 dc0/dt = R - CL c0 - sum Qi (c0 - ci);   Vi dci/dt = Qi (c0 - ci);   R = k_a gut where it is absorbed."""
    body = linear_body(find_agent(name), cohort.patient_value)
    number = lambda what, values, unit: _number(out, f"{name}_{what}", values, unit, f"{name}: {what}")
    clearance, central = number("clearance", body.clearance, "L/day"), number("central_volume", body.central, "L")
    inside, entering = f"{name}_central", f"{name}_infusion"
    out.states[inside] = State(0.0, "mg", f"{name} in the central compartment")
    lost = [f"{clearance} * {inside} / {central}"]
    for i, (flow, volume) in enumerate(zip(body.exchange, body.volumes, strict=True), start=1):
        flow, volume = number(f"exchange_{i}", flow, "L/day"), number(f"peripheral_volume_{i}", volume, "L")
        outside = f"{name}_peripheral_{i}"
        out.states[outside] = State(0.0, "mg", f"{name} in outer compartment {i}")
        out.rates[outside] = f"{flow} * ({inside} / {central} - {outside} / {volume})"
        lost.append(out.rates[outside])
    if body.absorption is not None:
        gut, rate = f"{name}_gut", number("absorption", body.absorption, "1/day")
        out.states[gut] = State(0.0, "mg", f"{name} that is still to be absorbed")
        out.rates[gut] = f"-{rate} * {gut}"
        out.rates[inside] = f"{rate} * {gut} - {' - '.join(lost)}"
        out.events += [Event(day, f"{name} given", {gut: f"{gut} + {dose!r}"}) for day, dose in doses.items()]
    else:
        _infusion(out, entering, name)
        out.rates[inside] = f"{entering} - {' - '.join(lost)}"
        duration = number("infusion_time", body.infusion, "day")
        for day, dose in doses.items():
            rate = f"{dose!r} / {duration}"
            end = day + out.constants[duration].value
            out.events.append(Event(day, f"{name} begins", {entering: f"{entering} + {rate}"}))
            out.events.append(Event(end, f"{name} ends", {entering: f"{entering} - {rate}"}))
    scale = number("plasma_scale", body.scale, "")
    unit = find_agent(name).unit
    out.rules[plasma] = Rule(f"{scale} * {inside} / {central}", unit, f"{name} in plasma, what is unbound")


def _saturable(out: Network, cohort: Cohort, name: str, plasma: str, doses: Doses) -> None:
    """Elimination and uptake that saturate. As in Alarmin, each dose is followed by itself for `MEMORY` days.

    dA0/dt = R - Vm C/(Km + C) - Vt C/(Kt + C) + k A1 - Q (C - A2/V2),   dA1/dt = Vt C/(Kt + C) - k A1,
    dA2/dt = Q (C - A2/V2),   C = A0/V0,   of the largest dose that is planned, to which the others are in proportion
    """
    body, infusion, scale = saturable_body(find_agent(name), cohort.patient_value)
    number = lambda what, values, unit: _number(out, f"{name}_{what}", values, unit, f"{name}: {what}")
    central, outer = number("central_volume", body.central, "L"), number("peripheral_volume", body.outer, "L")
    most = number("elimination_most", 24.0 * body.elimination, "mg/day")
    half = number("elimination_half", body.elimination_half, "mg/L")
    taken_most = number("uptake_most", 24.0 * body.uptake, "mg/day")
    taken_half = number("uptake_half", body.uptake_half, "mg/L")
    back = number("uptake_return", 24.0 * body.back, "1/day")
    exchange = number("exchange", 24.0 * body.exchange, "L/day")
    duration, factor = number("infusion_time", infusion / 24.0, "day"), number("plasma_scale", scale, "")
    planned = number("planned_dose", np.array([max(doses.values(), default=1.0)]), "mg")
    # A second body takes the next dose where the one before it is still followed.
    bodies = max((sum(day <= later <= day + MEMORY for later in doses) for day in doses), default=1)
    concentrations = []
    for j in range(1, bodies + 1):
        inside, held, far, share = (f"{name}_{part}_{j}" for part in ("central", "tissue", "peripheral", "share"))
        for id, place in (
            (inside, "the central compartment"),
            (held, "binding tissue"),
            (far, "the outer compartment"),
        ):
            out.states[id] = State(0.0, "mg", f"{name} in {place}, of dose {j} in turn")
        out.states[share] = State(0.0, "dimensionless", f"dose {j} in turn, over the planned dose")
        out.rates[share] = "0"
        _infusion(out, f"{name}_infusion_{j}", name)
        c = f"{inside}_concentration"
        out.rules[c] = Rule(f"{inside} / {central}", "mg/L", f"{name} in blood, of dose {j} in turn")
        taken = f"{taken_most} * {c} / ({taken_half} + {c}) - {back} * {held}"
        spread = f"{exchange} * ({c} - {far} / {outer})"
        gone = f"{most} * {c} / ({half} + {c})"
        out.rates |= {inside: f"{name}_infusion_{j} - {gone} - ({taken}) - {spread}", held: taken, far: spread}
        concentrations.append(f"{share} * {c}")
    for turn, (day, dose) in enumerate(doses.items()):
        j = turn % bodies + 1
        entering = f"{name}_infusion_{j}"
        empty = {f"{name}_{part}_{j}": "0" for part in ("central", "tissue", "peripheral")}
        begin = empty | {f"{name}_share_{j}": f"{dose!r} / {planned}", entering: f"{planned} / {duration}"}
        out.events.append(Event(day, f"{name} begins", begin))
        out.events.append(Event(day + out.constants[duration].value, f"{name} ends", {entering: "0"}))
        out.events.append(Event(day + MEMORY, f"{name} forgotten", empty | {f"{name}_share_{j}": "0"}))
    formula = f"{factor} * ({' + '.join(concentrations)})"
    out.rules[plasma] = Rule(formula, find_agent(name).unit, f"{name} in plasma, what is unbound")


def _infusion(out: Network, id: str, name: str) -> None:
    out.states[id] = State(0.0, "mg/day", f"{name} that is being infused")
    out.rates[id] = "0"


def _number(out: Network, id: str, values: object, unit: str, title: str) -> str:
    """A number of this patient, by its id."""
    out.constants[id] = Constant(float(np.ravel(np.asarray(values, float))[0]), unit, title.replace("_", " "))
    return id
