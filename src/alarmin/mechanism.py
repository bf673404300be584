"""The one interface of everything that happens in a tumor.

A mechanism is one file with one class. It declares the records that it needs (`parameter`), the quantities that it
defines for others (`signal`, `effect`), and the flows that it causes. Flows add up over mechanisms, and the time step
treats them alike whatever they mean:

    supply(field, gain)              d field/dt += gain                     gain >= 0  [field/day]
    loss(field, rate)                d field/dt -= rate field               rate >= 0  [1/day]
    transfer(source, target, rate)   source loses rate source, target gains exactly that
    release(source, target, rate)    target gains rate source, source loses nothing
    diffuse(field, diffusivity, …)   div(diffusivity grad field), with an exchange at the margin of the lesion
    drift(field, velocity)           -div(velocity field), velocity along the outward radius [mm/day]

Rates that are never negative make every field positive at any step length, and a transfer exact in every scheme.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import equinox as eqx
from jaxtyping import Array, Float

from alarmin.numerics.response import class_mean
from alarmin.state import Field

Quantity = Float[Array, "*space lane"] | Float[Array, ""] | float
"""A field or signal on the grid, a number per lesion (`[1, lane]`), or a plain number."""


class Supply(NamedTuple):
    field: str
    gain: Quantity


class Loss(NamedTuple):
    field: str
    rate: Quantity


class Transfer(NamedTuple):
    source: str
    target: str
    rate: Quantity


class Release(NamedTuple):
    source: str
    target: str
    rate: Quantity


class Diffuse(NamedTuple):
    field: str
    diffusivity: Quantity
    host: Quantity
    host_loss: Quantity | None
    exchange: Quantity | None


class Drift(NamedTuple):
    field: str
    velocity: Quantity


Flow = Supply | Loss | Transfer | Release | Diffuse | Drift


def supply(field: str, gain: Quantity) -> Supply:
    """`field` gains `gain` per day, whatever its value."""
    return Supply(field, gain)


def loss(field: str, rate: Quantity) -> Loss:
    """`field` loses the fraction `rate` of itself per day."""
    return Loss(field, rate)


def transfer(source: str, target: str, rate: Quantity) -> Transfer:
    """`source` loses `rate * source` per day; `target` gains the same amount."""
    return Transfer(source, target, rate)


def release(source: str, target: str, rate: Quantity) -> Release:
    """`target` gains `rate * source` per day, summed up exactly as `source` falls within a step."""
    return Release(source, target, rate)


def diffuse(
    field: str,
    diffusivity: Quantity,
    *,
    host: Quantity = 0.0,
    host_loss: Quantity | None = None,
    exchange: Quantity | None = None,
) -> Diffuse:
    """`field` diffuses with `diffusivity` [mm2/day].

    At the margin it exchanges with host tissue at the value `host`: through an exterior in which it is lost at
    `host_loss` [1/day] (then the exchange velocity is D (1/l + 1/R), l = sqrt(D / host_loss)), or at the velocity
    `exchange` [mm/day]. With neither, nothing crosses.
    """
    return Diffuse(field, diffusivity, host, host_loss, exchange)


def drift(field: str, velocity: Quantity) -> Drift:
    """`field` is carried outward at `velocity` [mm/day] (negative: inward); nothing crosses the margin."""
    return Drift(field, velocity)


class Now(Protocol):
    """What a mechanism can see: the present state of the lesion, of the patient and of the other mechanisms.

    `now.NAME` is a field of `alarmin.state`, or a signal that another mechanism defines, computed when first asked
    for. Shapes: fields `[shell, lane]`; radius, integrals, means and patient states `[1, lane]`.
    """

    radius: Any
    depth: Any

    def __getattr__(self, name: str) -> Any: ...

    def integral(self, density: Quantity) -> Any:
        """Sum over the volume of each lesion: density per mL in, amount out."""
        ...

    def mean(self, value: Quantity) -> Any:
        """Volume mean in each lesion."""
        ...

    def margin_mean(self, value: Quantity, depth: float) -> Any:
        """Volume mean within `depth` [mm] of the margin."""
        ...

    def over_lesions(self, amount: Quantity) -> Any:
        """Sum over the lesions of a patient, handed to each of them."""
        ...

    def gradient(self, value: Quantity) -> Any:
        """Outward derivative at the shell centers [1/mm]."""
        ...

    def outward_integral(self, value: Quantity) -> Any:
        """Line integral from each shell center to the margin [mm]."""
        ...

    def total(self, effect: str) -> Any:
        """Sum of what the agents contribute to `effect`; 0.0 where none does."""
        ...

    def product(self, effect: str) -> Any:
        """Product of what the agents contribute to `effect`; 1.0 where none does."""
        ...

    def plasma(self, agent: str) -> Any:
        """Mean plasma concentration of an agent over the step, in the agent's unit, `[1, lane]`.

        Of an agent that is given in the lesion: its dose per day, in the unit of the dose, on the day of the dose.
        """
        ...

    def once(self, name: str, work: Callable[[], Any]) -> Any:
        """What `work` returns, worked out once at this moment; `name` tells it from everything else."""
        ...


class Mark(NamedTuple):
    """What a decorator notes of a method: its role, its unit, its value where the mechanism is off, and whether it
    costs so much that its value is kept for all who read it."""

    role: str
    unit: str
    off: float | tuple[float, ...] | None
    kept: bool = False


def signal(unit: str, off: float | tuple[float, ...] | None = None, kept: bool = False) -> Callable[[Any], Any]:
    """Marks a method as the one definition of the quantity of its name, which any mechanism may read.

    `off` is its value where the mechanism is switched off; without it, it cannot be switched off while others read it.
    What many read and is long to work out is `kept` in memory; the compiler works out the others again wherever they
    are read, which is faster for a few sums and products.
    """
    return lambda method: _mark(method, Mark("signal", unit, off, kept))


def effect(unit: str) -> Callable[[Any], Any]:
    """Marks a method of an `Action` as this agent's contribution to the effect of its name.

    Biology reads all contributions together, by `now.total(name)` or `now.product(name)`.
    """
    return lambda method: _mark(method, Mark("effect", unit, None))


def _mark(method: Any, mark: Mark) -> Any:
    method.mark = mark
    return method


class Mechanism(eqx.Module):
    """One thing that happens. Subclasses declare `parameter`s, define `signal`s, and return `flows`."""

    def fields(self) -> Sequence[Field]:
        """Fields that this mechanism brings along (agents do; biology's fields stand in `alarmin.state`)."""
        return ()

    def flows(self, now: Now) -> Sequence[Flow]:
        """The flows that this mechanism causes at the present state."""
        return ()


class Action(Mechanism):
    """A mode of action of one agent. Its `parameter(".name", unit)`s are the agent's own records."""

    agent: str = eqx.field(static=True)


def parameter(record: str, unit: str) -> Any:
    """A number that the mechanism takes from the record `record`, handed over in `unit`.

    Its shape is `[1, lane]` where patients or lesions differ, and `[]` elsewhere. An id that starts with a dot belongs
    to the mechanism: in an `Action` it is the agent's own record of that name for this mode (`.affinity` is
    `atezolizumab.pdl1_blockade.affinity`), elsewhere it follows the name of the file (`.atp` in
    `biology/turnover.py` is `turnover_atp`). In an `Action`, an id that starts with `agent.` is another part of the
    agent's file (`agent.tissue.partition`).
    """
    return eqx.field(metadata={"record": record, "unit": unit})


CLONES = ("tumor_sensitive", "tumor_escaped", "tumor_resistant")
"""The tumor clones, in the order of `alarmin.state`."""

LYMPHOCYTES = ("cd8", "cd8_exhausted", "cd8_bystander", "cd4", "treg", "nk")
"""The lymphocytes, in the order of `alarmin.state`."""

LEUKOCYTES = (*LYMPHOCYTES, "dc_immature", "dc_mature", "m1", "m2", "mdsc")
"""All immune cells, in the order of `alarmin.state`."""


class DeathMode(Mechanism):
    """A way in which tumor cells die, with the alarm that the killed cells raise.

    A share `calreticulin` of the killed becomes `dying_immunogenic`, the rest `dying_silent` (or `necrotic`). Each
    killed cell charges the carriers of ATP, HMGB1 and type-I interferon with the weights of the mode, relative to an
    anthracycline, and an inhibitor where the mode releases one; the carriers discharge at their own speed.
    """

    calreticulin: float = parameter(".calreticulin", "dimensionless")
    atp: float = parameter(".atp", "dimensionless")
    hmgb1: float = parameter(".hmgb1", "dimensionless")
    ifn: float = parameter(".ifn", "dimensionless")
    inhibitor: float = parameter(".inhibitor", "dimensionless")

    def deaths(self, rates: dict[str, Any], rest: str = "dying_silent") -> list[Flow]:
        """The flows of killing each clone at its rate [1/day]; the carriers are charged with exactly the cells that
        die, however fast."""
        charges = {"atp": self.atp, "hmgb1": self.hmgb1, "ifn": self.ifn, "inhibitor": self.inhibitor, "killed": 1.0}
        found: list[Flow] = []
        for clone, rate in rates.items():
            found.append(transfer(clone, "dying_immunogenic", self.calreticulin * rate))
            found.append(transfer(clone, rest, (1.0 - self.calreticulin) * rate))
            found += [release(clone, f"alarm_{name}", weight * rate) for name, weight in charges.items()]
        return found


class DamageMode(Action, DeathMode):
    """A drug whose exposure is remembered by cells as damage, from which they die over days.

        dX/dt = c/AUC_ref - k_r X
        kill rate = k_max (f0 + (1 - f0) d/d_ref) s(H),   H = 1 for sensitive and escaped cells, R^h for resistant ones

    AUC_ref is the unbound exposure in plasma to one standard dose, so that the dose makes X = 1 where tissue is as
    exposed as plasma. d is the rate at which cells divide: what grows faster shrinks faster (Norton and Simon). Blood
    lymphocytes are lost in proportion to exposure. A mode says how strongly damage is felt in each distance class
    (`effort`), and what share s of the maximal rate that makes in cells of a hardness H (`share_killed`).
    """

    reference_exposure: float = parameter(".reference_exposure", "uM*day")
    repair: float = parameter(".repair", "1/day")
    kill_rate: float = parameter(".kill_rate", "1/day")
    damage_half: float = parameter(".damage_half", "dimensionless")
    steepness: float = parameter(".steepness", "dimensionless")
    resting_share: float = parameter(".resting_share", "dimensionless")
    resistance: float = parameter(".resistance", "dimensionless")
    lymphocyte_loss: float = parameter(".lymphocyte_loss", "dimensionless")
    penetration: float = parameter("agent.tissue.penetration", "mm")
    division_reference: float = parameter("tumor_division_reference", "1/day")

    @property
    def damage(self) -> str:
        """Name of the field of damage."""
        return f"{self.agent}_damage"

    def fields(self) -> tuple[Field, ...]:
        return (Field(self.damage, "property", "dimensionless", f"damage that {self.agent} has left in cells"),)

    def effort(self, now: Now) -> tuple[Any, ...]:
        """Damage as felt in the five distance classes, over what kills half as fast as possible, to the power h [-]."""
        raise NotImplementedError

    def share_killed(self, now: Now, effort: tuple[Any, ...], hardness: Any) -> Any:
        """Share of the maximal rate at which cells of a hardness die [-]."""
        raise NotImplementedError

    @effect("dimensionless")
    def cytotoxic_pressure(self, now: Now) -> Any:
        """Share of its maximal effect on sensitive cells that the agent has now, 0 to 1 [-]."""
        return class_mean(lambda e: e / (1.0 + e), now.once(f"{self.agent}_effort", lambda: self.effort(now)))

    @effect("1/day")
    def lymphodepletion(self, now: Now) -> Any:
        """Loss rate of blood lymphocytes; over one standard dose it adds up to `lymphocyte_loss` [1/day]."""
        return self.lymphocyte_loss * now.plasma(self.agent) / self.reference_exposure

    def flows(self, now: Now) -> list[Flow]:
        effort = now.once(f"{self.agent}_effort", lambda: self.effort(now))
        dividing = now.birth_rate / self.division_reference
        cycling = self.kill_rate * (self.resting_share + (1.0 - self.resting_share) * dividing)
        sensitive, resistant = now.once(
            f"{self.agent}_kills",
            lambda: tuple(
                cycling * self.share_killed(now, effort, hardness)
                for hardness in (1.0, self.resistance**self.steepness)
            ),
        )
        rates = {"tumor_sensitive": sensitive, "tumor_escaped": sensitive, "tumor_resistant": resistant}
        return [
            supply(self.damage, getattr(now, self.agent) / self.reference_exposure),
            loss(self.damage, self.repair),
            *self.deaths(rates),
        ]


def marked(mechanism: type[Mechanism], role: str) -> dict[str, Mark]:
    """The methods of a mechanism that carry the role, by name."""
    found = {name: getattr(getattr(mechanism, name), "mark", None) for name in dir(mechanism)}
    return {name: mark for name, mark in found.items() if mark is not None and mark.role == role}
