"""From dose to plasma: how the concentration of an agent follows what is given, exactly, step by step.

Everything about a patient is worked out once, in double precision, for a fixed step; a step is then a few products.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import NDArray
from scipy.linalg import expm

from alarmin.errors import AlarminError, nearest
from alarmin.records import Agent
from alarmin.units import factor

PerLane = NDArray[np.float64]
Values = Callable[[str, str], PerLane]
"""The value of a record in a unit, by lane."""

MEMORY = 14.0
"""Time for which the response to a dose with saturable kinetics is followed [day]."""


class PharmacokineticsError(AlarminError):
    """An agent file whose pharmacokinetics cannot be used."""


class Kinetics(eqx.Module):
    """The body of each patient as one agent sees it."""

    def start(self, lanes: int) -> Float[Array, "part lane"]:
        """The body without the agent."""
        raise NotImplementedError

    def step(
        self, body: Float[Array, "part lane"], dose: Float[Array, "1 lane"]
    ) -> tuple[Float[Array, "part lane"], Float[Array, "1 lane"]]:
        """The body one step later, and the mean concentration over the step, after `dose` [mg] at its beginning.

        The concentration is in plasma, in the agent's unit; only the unbound part where the agent's file says which.
        """
        raise NotImplementedError


class LinearKinetics(Kinetics):
    """Compartments that exchange in proportion to concentration; `body` holds the amount in each, and in the bag [mg].

        dA0/dt = R(t) - (CL + Q1 + Q2) A0/V0 + Q1 A1/V1 + Q2 A2/V2
        dAi/dt = Qi (A0/V0 - Ai/Vi);    R = k_a A_gut, dA_gut/dt = -k_a A_gut where the agent is absorbed

    The infusion R runs at a constant rate from the beginning of the step; of one that is longer than a step, each step
    gets its part. The modes of the system make amounts and mean concentration exact at any step length. `shares` are
    the parts of a dose that its steps get.
    """

    keep: Float[Array, "part part lane"]
    gain: Float[Array, "part lane"]
    mean_keep: Float[Array, "part lane"]
    mean_gain: Float[Array, "1 lane"]
    shares: Float[Array, "step lane"]

    def start(self, lanes: int) -> Float[Array, "part lane"]:
        return jnp.zeros((self.gain.shape[0] + self.shares.shape[0] - 1, lanes), self.gain.dtype)

    def step(self, body: Any, dose: Any) -> tuple[Any, Any]:
        parts = self.gain.shape[0]
        amounts, bag = body[:parts], jnp.concatenate([body[parts:], jnp.zeros_like(body[:1])]) + self.shares * dose
        mean = jnp.sum(self.mean_keep * amounts, axis=0, keepdims=True) + self.mean_gain * bag[:1]
        return jnp.concatenate([jnp.sum(self.keep * amounts[None], axis=1) + self.gain * bag[:1], bag[1:]]), mean


class SaturableKinetics(Kinetics):
    """Elimination and uptake into tissue that saturate; `body` holds the mean concentrations that are still to come.

        dA0/dt = R(t) - Vm C/(Km + C) - Vt C/(Kt + C) + k A1 - Q (C - A2/V2),   C = A0/V0
        dA1/dt = Vt C/(Kt + C) - k A1,    dA2/dt = Q (C - A2/V2)

    The response of each patient to the planned dose is worked out beforehand. A dose adds this response, in
    proportion to itself, to what earlier doses left; that doses saturate one another is neglected, which needs
    nearly everything to be gone when the next one comes. After `MEMORY` what is left is dropped.
    """

    response: Float[Array, "part lane"]

    def start(self, lanes: int) -> Float[Array, "part lane"]:
        return jnp.zeros((self.response.shape[0], lanes), self.response.dtype)

    def step(self, body: Any, dose: Any) -> tuple[Any, Any]:
        coming = body + self.response * dose
        return jnp.concatenate([coming[1:], jnp.zeros_like(coming[:1])]), coming[:1]


class LocalKinetics(SaturableKinetics):
    """What is given in a lesion acts there evenly over the day of the dose, and is then gone from the syringe.

    The "concentration" is the dose per day [dose/day], the same whatever the number of steps a day.
    """


def prepare(agent: Agent, value: Values, dt: float, planned_dose: PerLane, precision: str = "float32") -> Kinetics:
    """The kinetics of an agent in the patients whose records `value` hands out, for steps of `dt` [day].

    Args:
        agent: the agent.
        value: value of a record in a unit, `[lane]`.
        dt: length of a step [day].
        planned_dose: the dose for which saturation is worked out, `[lane]` [mg].
        precision: number format of the steps.

    Raises `PharmacokineticsError` where the agent's file has a parameter that nothing uses, or lacks one.
    """
    read = _Reader(agent, value)
    if agent.local:
        read.refuse_unused()
        return LocalKinetics(jnp.asarray(np.ones((round(1.0 / dt), len(planned_dose)), precision)))
    scale = _scale(read)
    # Cast by NumPy, since JAX would compile that for every number of patients.
    cast = lambda array: jnp.asarray(np.asarray(array, precision))
    if agent.pharmacokinetics.model == "linear":
        body, shares = _linear_body(read), np.ones((1, len(planned_dose)))
        if read.has("absorption"):
            absorption = read("absorption", "1/day")
            keep, gain, mean_keep, mean_gain = absorbing(*body, absorption, dt)
        else:
            infusion = read("infusion_time", "day")
            keep, gain, mean_keep, mean_gain = propagators(*body, np.minimum(infusion, dt), dt)
            steps = np.arange(max(int(np.ceil(np.max(infusion) / dt - 1e-9)), 1))[:, None]
            shares = np.clip(infusion / dt - steps, 0.0, 1.0) * dt / infusion * shares
        read.refuse_unused()
        return LinearKinetics(cast(keep), cast(gain), cast(mean_keep * scale), cast(mean_gain * scale), cast(shares))
    body = _saturable_body(read, value(f"{agent.name}.molar_mass", "g/mol"))
    infusion = read("infusion_time", "hour")
    read.refuse_unused()
    planned = np.maximum(planned_dose, 1e-3)
    return SaturableKinetics(cast(single_dose(body, planned, infusion, dt).means * scale / planned))


class _Reader:
    """Reads pharmacokinetic records of an agent and notices which were never asked for."""

    def __init__(self, agent: Agent, value: Values) -> None:
        self.agent, self.value, self.used = agent, value, set[str]()

    def has(self, name: str) -> bool:
        return name in self.agent.pharmacokinetics.parameters

    def __call__(self, name: str, unit: str, otherwise: float | None = None) -> Any:
        self.used.add(name)
        if not self.has(name):
            if otherwise is None:
                raise PharmacokineticsError(
                    f"{self.agent.name}: pharmacokinetics.{name} is missing",
                    remedy=f"add the record, in {unit} or a unit like it, to the agent's file",
                )
            return otherwise
        return self.value(f"{self.agent.name}.pharmacokinetics.{name}", unit)

    def refuse_unused(self) -> None:
        for name in self.agent.pharmacokinetics.parameters.keys() - self.used:
            raise PharmacokineticsError(
                f"{self.agent.name}: nothing uses pharmacokinetics.{name}; {nearest(name, self.used)}",
                remedy="correct the name, or remove the record",
            )


class LinearBody(NamedTuple):
    """What `LinearKinetics` needs of the patients, `[lane]` each.

    Clearance [L/day] and volume of the central compartment [L]; exchange [L/day] with outer compartments and their
    volumes [L]; the duration of an infusion [day] or the rate of absorption [1/day]; what turns mg/L into the agent's
    unit, of the unbound part.
    """

    clearance: PerLane
    central: PerLane
    exchange: list[PerLane]
    volumes: list[PerLane]
    infusion: PerLane | None
    absorption: PerLane | None
    scale: PerLane


def linear_body(agent: Agent, value: Values) -> LinearBody:
    """The body of the patients whose records `value` hands out, of an agent with linear kinetics."""
    read = _Reader(agent, value)
    timing = ("absorption", "1/day") if read.has("absorption") else ("infusion_time", "day")
    given = read(*timing)
    infusion, absorption = (None, given) if read.has("absorption") else (given, None)
    return LinearBody(*_linear_body(read), infusion, absorption, _scale(read))


def saturable_body(agent: Agent, value: Values) -> "tuple[SaturableBody, PerLane, PerLane]":
    """The body of the patients of an agent with saturable kinetics, the duration of an infusion [hour], the scale."""
    read = _Reader(agent, value)
    body = _saturable_body(read, value(f"{agent.name}.molar_mass", "g/mol"))
    return body, read("infusion_time", "hour"), _scale(read)


def _scale(read: _Reader) -> PerLane:
    """What turns mg/L in plasma into the agent's unit, of the unbound part."""
    molar = factor("mg/L/(g/mol)", read.agent.unit) / read.value(f"{read.agent.name}.molar_mass", "g/mol")
    return molar * read("fraction_unbound", "dimensionless", 1.0)


def _linear_body(read: _Reader) -> tuple[PerLane, PerLane, list[PerLane], list[PerLane]]:
    """Clearance [L/day], central volume [L], exchange [L/day] and volumes [L] of the outer compartments.

    Clearance is a record, or renal as Calvert has it: ratio x (creatinine clearance + non-renal clearance). Body size
    and albumin act as powers (x / reference)^exponent where the agent's file gives them.
    """
    if read.has("nonrenal_clearance"):
        filtered = read.value("patient_creatinine_clearance", "L/day")
        clearance = read("clearance_ratio", "dimensionless") * (filtered + read("nonrenal_clearance", "L/day"))
        read("filtration_cap", "L/day")  # for the dose, in alarmin.therapy.regimen
    else:
        clearance = read("clearance", "L/day")
    flow = _power(read, "weight", "clearance", "kg")
    size = _power(read, "weight", "volume", "kg")
    clearance = clearance * flow * _power(read, "albumin", "clearance", "g/L")
    exchange, volumes = [], []
    for tail in ("", "_2"):
        if read.has(f"peripheral_volume{tail}"):
            exchange.append(read(f"intercompartmental_clearance{tail}", "L/day") * flow)
            volumes.append(read(f"peripheral_volume{tail}", "L") * size)
    return clearance, read("central_volume", "L") * size, exchange, volumes


def _power(read: _Reader, of: str, on: str, unit: str) -> Any:
    if not read.has(f"{of}_exponent_{on}"):
        return 1.0
    relative = read.value(f"patient_{of}", unit) / read(f"{of}_reference", unit)
    return relative ** read(f"{of}_exponent_{on}", "dimensionless")


def propagators(
    clearance: PerLane,
    central: PerLane,
    exchange: list[PerLane],
    volumes: list[PerLane],
    infusion: PerLane,
    dt: float,
) -> tuple[PerLane, PerLane, PerLane, PerLane]:
    """What a step of linear compartments does, exactly, per mg of amounts and of dose.

    Args:
        clearance: from the central compartment, `[lane]` [L/day].
        central: volume of the central compartment, `[lane]` [L].
        exchange: with each outer compartment, `[lane]` each [L/day].
        volumes: of the outer compartments, `[lane]` each [L].
        infusion: duration of an infusion, not above `dt`, `[lane]` [day].
        dt: length of a step [day].

    Returns:
        Amounts kept `[part, part, lane]` and gained `[part, lane]`, and the mean concentration over the step [mg/L]
        from amounts `[part, lane]` and from the dose `[1, lane]`.
    """
    if np.any(infusion > dt) or np.any(infusion <= 0):
        raise PharmacokineticsError(
            f"an infusion of {np.max(infusion):.3g} days in steps of {dt:.3g} days",
            remedy="let the infusion time be positive and at most one step",
        )
    sizes = np.stack(np.broadcast_arrays(central, *volumes))
    parts, lanes = sizes.shape
    rates = np.zeros((lanes, parts, parts))
    rates[:, 0, 0] = -(clearance + sum(exchange)) / central
    for i, flow in enumerate(exchange, start=1):
        rates[:, 0, i] = rates[:, i, 0] = flow / np.sqrt(sizes[0] * sizes[i])
        rates[:, i, i] = -flow / sizes[i]
    # Amounts over the square root of volume: there the rates are symmetric, with real modes that decay at `decay`.
    decay, modes = np.linalg.eigh(rates)
    into = modes / np.sqrt(sizes.T)[:, :, None]
    out_of = modes * np.sqrt(sizes.T)[:, :, None]
    kept = np.exp(decay * dt)
    infusion = np.broadcast_to(infusion, lanes)[:, None]
    gained = np.exp(decay * (dt - infusion)) * np.expm1(decay * infusion) / (decay * infusion)
    compose = lambda shares: np.maximum(np.einsum("lim,lm,ljm->ijl", out_of, shares, into), 0.0)
    return (
        compose(kept),
        compose(gained)[:, 0],
        compose((kept - 1.0) / (decay * dt))[0] / central,
        compose((gained - 1.0) / (decay * dt))[:1, 0] / central,
    )


def absorbing(
    clearance: PerLane,
    central: PerLane,
    exchange: list[PerLane],
    volumes: list[PerLane],
    absorption: PerLane,
    dt: float,
) -> tuple[PerLane, PerLane, PerLane, PerLane]:
    """What a step of linear compartments does, exactly, where a dose enters a gut or depot that empties into them.

    Arguments and results are those of `propagators`, with the absorption rate `[lane]` [1/day] in place of the
    infusion, and the gut as the last compartment. Clearance and volumes are apparent ones, over the bioavailability.
    """
    sizes = np.stack(np.broadcast_arrays(central, *volumes, absorption))
    parts, lanes = sizes.shape
    rates = np.zeros((lanes, 2 * parts, 2 * parts))
    rates[:, 0, 0] = -(clearance + sum(exchange)) / central
    for i, flow in enumerate(exchange, start=1):
        rates[:, i, 0], rates[:, 0, i], rates[:, i, i] = flow / central, flow / sizes[i], -flow / sizes[i]
    rates[:, 0, parts - 1] = absorption
    rates[:, parts - 1, parts - 1] = -absorption
    # Beside itself, the exponential of this block holds its integral over the step.
    rates[:, range(parts), range(parts, 2 * parts)] = 1.0
    whole = np.maximum(expm(rates * dt), 0.0)
    keep = np.moveaxis(whole[:, :parts, :parts], 0, -1)
    mean = whole[:, 0, parts:].T / central / dt
    return keep, keep[:, -1], mean, mean[-1:]


class SaturableBody(NamedTuple):
    """Volumes and rates of a body with saturable kinetics, `[lane]` each; time in hours, amounts in mg."""

    central: PerLane
    elimination: PerLane
    elimination_half: PerLane
    uptake: PerLane
    uptake_half: PerLane
    back: PerLane
    exchange: PerLane
    outer: PerLane


def _saturable_body(read: _Reader, molar_mass: PerLane) -> SaturableBody:
    mass = factor("umol*g/mol", "mg") * molar_mass
    return SaturableBody(
        central=read("central_volume", "L"),
        elimination=read("elimination_most", "umol/hour") * mass,
        elimination_half=read("elimination_half", "umol/L") * mass,
        uptake=read("uptake_most", "umol/hour") * mass,
        uptake_half=read("uptake_half", "umol/L") * mass,
        back=read("uptake_return", "1/hour"),
        exchange=read("intercompartmental_clearance", "L/hour"),
        outer=read("peripheral_volume", "L"),
    )


class SingleDose(NamedTuple):
    """What follows one dose: concentration [mg/L] at `times` [hour] `[time, lane]`, its means over the steps
    `[step, lane]`, and the amount left in the body at the end, `[lane]` [mg]."""

    times: NDArray[np.float64]
    concentration: PerLane
    means: PerLane
    left: PerLane


def single_dose(body: SaturableBody, dose: PerLane, infusion: PerLane, dt: float) -> SingleDose:
    """The response of each lane to `dose` [mg], infused over `infusion` [hour], for `MEMORY` in steps of `dt` [day].

    Rosenbrock's two-stage method, stable for every patient on one time grid: 3 minutes for 12 hours, then 15, with
    which exposure to paclitaxel is 0.06 % too large. Below 48 minutes a step the grid becomes finer in proportion, so
    that an error of second order in `dt` is all that is left.
    """
    steps = int(np.ceil(MEMORY / dt - 1e-9))
    ends = 24.0 * dt * np.arange(steps + 1)
    stops = np.unique(np.broadcast_to(infusion, dose.shape))
    spacing = min(0.05, 24.0 * dt / 16.0)
    fine, coarse = np.arange(0.0, 12.0, spacing), np.arange(12.0, ends[-1], 5.0 * spacing)
    times = np.unique(np.round(np.concatenate([fine, coarse, ends, stops]), 9))
    times = times[times <= ends[-1] + 1e-9]
    amounts = np.zeros((3, len(dose)))
    curve = [np.zeros(len(dose))]
    for begin, end in pairwise(times):
        rate = np.where(begin < infusion - 1e-9, dose / infusion, 0.0)
        amounts = np.maximum(_rosenbrock(body, amounts, rate, end - begin), 0.0)
        curve.append(amounts[0] / body.central)
    concentration = np.stack(curve)
    areas = 0.5 * np.diff(times)[:, None] * (concentration[1:] + concentration[:-1])
    so_far = np.concatenate([np.zeros((1, len(dose))), np.cumsum(areas, axis=0)])
    at_ends = so_far[np.searchsorted(times, ends - 1e-6)]
    return SingleDose(times, concentration, np.diff(at_ends, axis=0) / (24.0 * dt), amounts.sum(axis=0))


def _rosenbrock(body: SaturableBody, amounts: PerLane, rate: PerLane, h: float) -> PerLane:
    """One step of length `h` [hour] of the saturable system, second order and stable at any rate."""
    gamma = 1.0 - np.sqrt(0.5)
    c = amounts[0] / body.central
    uptake_slope = body.uptake * body.uptake_half / (body.uptake_half + c) ** 2 / body.central
    out_slope = body.elimination * body.elimination_half / (body.elimination_half + c) ** 2 / body.central
    forth, back = body.exchange / body.central, body.exchange / body.outer
    g = gamma * h

    def slope(a: PerLane) -> PerLane:
        c = a[0] / body.central
        taken = body.uptake * c / (body.uptake_half + c) - body.back * a[1]
        spread = forth * a[0] - back * a[2]
        return np.stack([rate - body.elimination * c / (body.elimination_half + c) - taken - spread, taken, spread])

    def solve(right: PerLane) -> PerLane:
        """(1 - g J) x = right; only the central compartment couples to the others."""
        first, second = 1.0 + g * body.back, 1.0 + g * back
        pivot = 1.0 + g * (out_slope + uptake_slope / first + forth / second)
        x = (right[0] + g * body.back * right[1] / first + g * back * right[2] / second) / pivot
        return np.stack([x, (right[1] + g * uptake_slope * x) / first, (right[2] + g * forth * x) / second])

    one = solve(slope(amounts))
    two = solve(slope(amounts + h * one) - 2.0 * one)
    return amounts + h * (1.5 * one + 0.5 * two)
