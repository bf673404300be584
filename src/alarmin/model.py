"""Assembles mechanisms into one model, and takes it through time.

The model has no equations of its own. It finds out what each mechanism reads and changes by letting it run, refuses
what nobody produces, adds up the flows, and advances the state by one step: molecules to their balance, motile cells
through the tissue, reactions, and growth.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

import alarmin.biology
from alarmin import therapy
from alarmin.errors import AlarminError, nearest
from alarmin.mechanism import Action, Diffuse, Drift, Loss, Mechanism, Now, Release, Supply, Transfer, marked
from alarmin.numerics.grid import Grid, Passage, Spread, Vector
from alarmin.numerics.reaction import advance, time_integral
from alarmin.numerics.sphere import Sphere
from alarmin.records import agent as find_agent
from alarmin.state import FIELDS, MATERIAL, Field, State

Values = Callable[[str, str], Any]
"""Hands out the value of a record in a unit, `[]` or `[1, lane]`."""


class ModelError(AlarminError):
    """A model that does not fit together."""


def _classes(module: Any) -> Iterator[type[Mechanism]]:
    for _, found in inspect.getmembers(module, inspect.isclass):
        if issubclass(found, Mechanism) and found.__module__ == module.__name__:
            yield found


def biology() -> tuple[type[Mechanism], ...]:
    """Every mechanism in `alarmin.biology`, by file name."""
    names = sorted(item.name for item in pkgutil.iter_modules(alarmin.biology.__path__))
    return tuple(kind for name in names for kind in _classes(importlib.import_module(f"alarmin.biology.{name}")))


def record_id(kind: type[Mechanism], declared: str, agent: str | None = None) -> str:
    """The full id of a record that a mechanism declares (see `alarmin.mechanism.parameter`)."""
    file = kind.__module__.rpartition(".")[2]
    if agent is not None:
        if declared.startswith("."):
            return f"{agent}.{file}{declared}"
        if declared.startswith("agent."):
            return f"{agent}.{declared.removeprefix('agent.')}"
    return f"{file}_{declared[1:]}" if declared.startswith(".") else declared


def needs(kind: type[Mechanism], agent: str | None = None) -> dict[str, tuple[str, str]]:
    """Records that a mechanism takes: attribute → (record id, unit)."""
    fields = getattr(kind, "__dataclass_fields__", {})
    return {
        name: (record_id(kind, field.metadata["record"], agent), field.metadata["unit"])
        for name, field in fields.items()
        if "record" in field.metadata
    }


def make(kind: type[Mechanism], values: Values, agent: str | None = None) -> Mechanism:
    """An instance of a mechanism with its parameters filled in."""
    build: Any = kind
    given = {name: values(record, unit) for name, (record, unit) in needs(kind, agent).items()}
    return build(**given) if agent is None else build(agent=agent, **given)


def actions(agents: Sequence[str]) -> tuple[tuple[type[Action], str], ...]:
    """Transport and modes of action of the agents, each with the agent's name."""
    found = []
    for name in agents:
        entry = find_agent(name)
        modes = (*entry.transport, *(action.mode for action in entry.actions))
        found += [(therapy.action(mode), name) for mode in modes]
    return tuple(found)


class Moment:
    """The present as mechanisms see it (`alarmin.mechanism.Now`); signals are worked out when asked for."""

    radius: Any
    depth: Any

    def __init__(self, model: "Model", state: State, plasma: Mapping[str, Array]) -> None:
        self._model, self._state, self._plasma, self._grid = model, state, plasma, model.grid
        self._extent = model.grid.extent(state.radius, state.fields)
        self._known: dict[str, Any] = dict(state.fields)
        # In the order of a list: programs of another order would be other programs to the compiler.
        for name in [name for name in model.clamped if name in state.fields]:
            self._known[name] = model.seen(name, state.fields[name], self)
        self._known |= {"velocity": model.grid.velocity(state.velocity), "radius": state.radius}
        self._open: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        known = self._known
        if name not in known:
            known[name] = self._work_out(name)
        return known[name]

    def _work_out(self, name: str) -> Any:
        if name == "depth":
            return self._grid.depth(self._extent)
        provider = self._model.providers.get(name)
        if provider is None:
            raise ModelError(
                f"{self._reader()} reads {name!r}, which no field holds and no mechanism defines; "
                + nearest(name, {**self._model.providers, **self._known}),
                remedy="add the mechanism that defines it, or correct the name",
            )
        if name in self._open:
            ring = " → ".join([*self._open[self._open.index(name) :], name])
            raise ModelError(f"signals depend on one another in a ring: {ring}", remedy="let one of them read a field")
        self._open.append(name)
        index, mark = provider
        mechanism = self._model.mechanisms[index]
        off = self._model.names[index] in self._model.off
        value = mark.off if off else getattr(mechanism, name)(self)
        if value is None:
            raise ModelError(
                f"{self._model.names[index]} is switched off, but {name!r} is still read",
                remedy=f"switch off what reads {name!r} too, or give the signal a value for when it is off",
            )
        self._open.pop()
        if mark.kept and not off:
            value = self._model.kept(value)
        return self._model.seen(name, value, self)

    def instead(self, seen: Mapping[str, Any]) -> "Moment":
        """The same moment, if these quantities alone were seen at other values than their own."""
        return Moment(replace(self._model, clamped=dict(seen)), self._state, self._plasma)

    def _reader(self) -> str:
        return f"signal {self._open[-1]!r}" if self._open else "a mechanism"

    def integral(self, density: Any) -> Any:
        return self.mean(density) * self._grid.volume(self.radius)

    def mean(self, value: Any) -> Any:
        return self._grid.mean(self._spread(value), self._extent)

    def margin_mean(self, value: Any, depth: float) -> Any:
        return self._grid.margin_mean(self._spread(value), depth, self.depth, self._extent)

    def over_lesions(self, amount: Any) -> Any:
        padded = jnp.concatenate([amount, jnp.zeros_like(amount[:, :1])], axis=1)
        return jnp.sum(padded[0][self._model.siblings], axis=0, keepdims=True)

    def gradient(self, value: Any) -> Any:
        return self._grid.gradient(value, self._extent)

    def outward_integral(self, value: Any) -> Any:
        return self._grid.outward_integral(value, self._extent)

    def total(self, effect: str) -> Any:
        total: Any = 0.0
        for value in self._effects(effect):
            total = total + value
        return total

    def product(self, effect: str) -> Any:
        product: Any = 1.0
        for value in self._effects(effect):
            product = product * value
        return product

    def plasma(self, agent: str) -> Any:
        return self._plasma[agent]

    def once(self, name: str, work: Callable[[], Any]) -> Any:
        if name not in self._known:
            self._known[name] = jax.tree.map(self._model.kept, work())
        return self._known[name]

    def _effects(self, effect: str) -> list[Any]:
        self._model.asked.add(effect)
        return [getattr(self._model.mechanisms[index], effect)(self) for index in self._model.effects.get(effect, ())]

    def _spread(self, value: Any) -> Any:
        shape = (self._grid.points, self.radius.shape[1])
        return jnp.broadcast_to(jnp.asarray(value, self.radius.dtype), shape)


class Lift(eqx.Module):
    """A quantity that some lesions see as it would be if nothing held it there, and the others as it is.

        seen = where(lifted, free + kept (own - free), own)

    Attributes:
        lifted: which lesions, `[1, lane]`.
        value: what is free: a number or `[1, lane]`; times the plasma concentration where an agent is named.
        at: instead of a value, other quantities at which the model works it out, by name.
        kept: share of what holds it that stays, `[1, lane]`; nothing stays without it.
        agent: whose plasma concentration `value` is a share of.
    """

    lifted: Any
    value: Any = None
    at: dict[str, Any] = eqx.field(default_factory=dict)
    kept: Any = None
    agent: str | None = eqx.field(static=True, default=None)

    def seen(self, name: str, own: Any, now: Moment) -> Any:
        """What mechanisms see of the quantity `name`, whose own value is `own`."""
        free = self.value
        if self.at:
            free = getattr(now.instead(self.at), name)
        elif self.agent is not None:
            free = self.value * now.plasma(self.agent)
        if self.kept is not None:
            free = free + self.kept * (own - free)
        return jnp.where(self.lifted, free, own)


class Budget(NamedTuple):
    """What one step did to the content of each slow tissue field, as a running check of conservation.

    Amounts per lesion, `[1, lane]`: `before` and `after` the step, `made` by reactions (net), `crossed` the margin
    inward, or was given to hold the lesion at its size. `after - before - made - crossed` is zero up to rounding.
    """

    before: dict[str, Array]
    after: dict[str, Array]
    made: dict[str, Array]
    crossed: dict[str, Array]


class Model(eqx.Module):
    """Mechanisms on a grid, for the lanes of one chunk.

    Attributes:
        mechanisms: with their parameters.
        siblings: for each lane, the lanes of the same patient, padded with the number of lanes, `[5, lane]`.
        clamped: quantities that everybody sees at a fixed value instead of their own, or as a `Lift` says, by name.
        off: names of mechanisms that are switched off.
        one: always 1, and not known to be to the compiler: what it divides is worked out once, `[point, lane]`.
    """

    mechanisms: tuple[Mechanism, ...]
    siblings: Int[Array, "most lane"]
    clamped: dict[str, Any]
    one: Float[Array, "point lane"]
    grid: Grid = eqx.field(static=True)
    names: tuple[str, ...] = eqx.field(static=True)
    off: frozenset[str] = eqx.field(static=True)
    providers: dict[str, Any] = eqx.field(static=True)
    effects: dict[str, tuple[int, ...]] = eqx.field(static=True)
    fields: dict[str, Field] = eqx.field(static=True)
    asked: set[str] = eqx.field(static=True)

    def apart(self, work: Callable[[], Any]) -> Any:
        """What `work` returns, computed by itself: the compiler neither repeats it nor melts it into what follows."""
        static: list[Any] = []

        def arrays() -> Any:
            found, rest = eqx.partition(work(), eqx.is_array)
            static.append(rest)
            return found

        shapes = jax.eval_shape(arrays)
        empty = lambda: jax.tree.map(lambda shape: jnp.zeros(shape.shape, shape.dtype), shapes)
        return eqx.combine(jax.lax.cond(self.one[0, 0] > 0.0, arrays, empty), static[0])

    def kept(self, value: Any) -> Any:
        """`value`, worked out once: the compiler repeats sums and products in all that reads them, but no division.

        It makes a product of the division by a number, but not of that by an array.
        """
        if jnp.ndim(value) < 2:
            return value
        points, lanes = jnp.shape(value)
        return value / self.one[:points, :lanes].astype(value.dtype)

    def seen(self, name: str, value: Any, now: Moment) -> Any:
        """The value that mechanisms see of a quantity: its own, or what it is clamped to."""
        held = self.clamped.get(name, value)
        return held.seen(name, value, now) if isinstance(held, Lift) else held

    def flows(self, now: Now) -> list[tuple[str, Any]]:
        """All flows at the present moment, with the name of the mechanism that causes each."""
        found = []
        for name, mechanism in zip(self.names, self.mechanisms, strict=True):
            if name not in self.off:
                found += [(name, flow) for flow in mechanism.flows(now)]
        for name, flow in found:
            for field in (flow.source, flow.target) if isinstance(flow, Transfer | Release) else (flow.field,):
                if field not in self.fields:
                    raise ModelError(
                        f"{name} changes {field!r}, which is not a field; {nearest(field, self.fields)}",
                        remedy="add the field to alarmin.state, or correct the name",
                    )
        return found

    def settle_molecules(self, state: State, plasma: Mapping[str, Array], sweeps: int) -> State:
        """Brings the fast molecules to balance with the slow fields, which stay as they are."""

        def sweep(_: Any, fields: dict[str, Any]) -> dict[str, Any]:
            at = State(state.day, state.radius, state.velocity, fields)
            sums = self.sums(at, Moment(self, at, plasma))
            moved, _ = self.transport(at, sums, None)
            return {**fields, **{name: moved[name] for name in moved if self.fields[name].kind == "molecule"}}

        fields = jax.lax.fori_loop(0, sweeps, sweep, state.fields)
        return State(state.day, state.radius, state.velocity, fields)

    def step(self, state: State, plasma: Mapping[str, Array], dt: float, held: Any) -> State:
        """One step of length `dt` [day]; while `held`, lesions are kept at their radius."""
        return self._advance(state, plasma, dt, held)[0]

    def audited_step(self, state: State, plasma: Mapping[str, Array], dt: float, held: Any) -> tuple[State, Budget]:
        """`step`, with the budget of every slow tissue field."""
        return self._advance(state, plasma, dt, held)

    def _advance(self, state: State, plasma: Mapping[str, Array], dt: float, held: Any) -> tuple[State, Budget]:
        sums = self.sums(state, Moment(self, state, plasma))
        fields, margin = self.transport(state, sums, dt)
        react = lambda: self.react(fields, sums, dt)
        changed, net = self.apart(react) if self.grid.rates_at_once else react()
        fields |= changed
        radius, velocity, shed = self.grow(state, fields, plasma, dt, held)
        new = State(state.day + dt, radius, velocity, fields)

        extent = self.grid.extent
        content = lambda r, of: {
            n: self.grid.mean(of[n], extent(r, of)) * self.grid.volume(r) for n in self._names(*MATERIAL)
        }
        return new, Budget(
            before=content(state.radius, state.fields),
            after=content(radius, fields),
            made=content(state.radius, {**state.fields, **net}),
            crossed={name: margin.get(name, 0.0) - amount for name, amount in shed.items()},
        )

    def _names(self, *kinds: str) -> list[str]:
        return [name for name, field in self.fields.items() if field.kind in kinds]

    def sums(self, state: State, now: Now) -> "Sums":
        """Works out every mechanism at the present moment."""
        gain: dict[str, Any] = dict.fromkeys(self.fields, 0.0)
        rate: dict[str, Any] = dict.fromkeys(self.fields, 0.0)
        moves: dict[tuple[str, str], Any] = {}
        released: dict[tuple[str, str], Any] = {}
        spread: dict[str, Spread] = {}
        drift: dict[str, Any] = {}
        for _, flow in self.flows(now):
            match flow:
                case Supply(field, amount):
                    gain[field] = gain[field] + amount
                case Loss(field, share):
                    rate[field] = rate[field] + share
                case Transfer(source, target, share):
                    rate[source] = rate[source] + share
                    if self.fields[source].kind == "molecule":
                        gain[target] = gain[target] + share * state.fields[source]
                    else:
                        moves[source, target] = moves.get((source, target), 0.0) + share
                case Release(source, target, share):
                    released[source, target] = released.get((source, target), 0.0) + share
                case Diffuse(field):
                    spread[field] = self._spread(state, flow)
                case Drift(field, velocity):
                    drift[field] = velocity if isinstance(velocity, Vector) else self._full(state, velocity)
        return Sums(gain, rate, moves, released, spread, drift)

    def _full(self, state: State, part: Any) -> Any:
        return jnp.broadcast_to(jnp.asarray(part, state.radius.dtype), (self.grid.points, state.radius.shape[1]))

    def _spread(self, state: State, flow: Diffuse) -> Spread:
        extent = self.grid.extent(state.radius, state.fields)
        return self.grid.spread(flow.diffusivity, flow.host, flow.host_loss, flow.exchange, extent)

    def transport(self, state: State, sums: "Sums", dt: float | None) -> tuple[dict[str, Any], dict[str, Any]]:
        """Molecules in balance; motile cells after diffusing for `dt` (left alone where it is None).

        Also returns what crossed the margin of each motile field inward [amount].
        """
        fields = dict(state.fields)
        for name in self._names("molecule"):
            if name not in sums.spread:
                fields[name] = jnp.broadcast_to(
                    sums.gain[name] / jnp.maximum(sums.rate[name], 1e-12), fields[name].shape
                )
        chosen = [n for n in sums.spread if self.fields[n].kind == "molecule" or dt is not None]
        chosen.sort(key=lambda name: name not in sums.drift)
        if not chosen:
            return fields, {}
        extent = self.grid.extent(state.radius, state.fields)
        passages = [
            Passage(
                motile=self.fields[name].kind != "molecule",
                spread=sums.spread[name],
                value=fields[name],
                gain=self._full(state, sums.gain[name]),
                rate=self._full(state, sums.rate[name]),
                drift=sums.drift.get(name),
            )
            for name in chosen
        ]
        crossed = {}
        for name, passage, new in zip(chosen, passages, self.grid.carry(passages, extent, dt), strict=True):
            if passage.motile:
                crossed[name] = self.grid.mean(new - fields[name], extent) * self.grid.volume(state.radius)
            fields[name] = new
        return fields, crossed

    def react(self, fields: dict[str, Any], sums: "Sums", dt: float) -> tuple[dict[str, Any], dict[str, Any]]:
        """Slow fields after supplies, losses and transfers, and what those add up to by themselves.

        What passes down the table of `alarmin.state` arrives evenly over the step, so that what dies is cleared within
        it; what passes up arrives at its end.
        """
        new, left, net = {}, {}, {}
        arriving: dict[str, list[tuple[str, Any]]] = {}
        for (source, target), share in (*sums.moves.items(), *sums.released.items()):
            arriving.setdefault(target, []).append((source, share))
        back = []
        for name in self._names(*MATERIAL, "property", "body"):
            gain, rate = sums.gain[name], sums.rate[name]
            for source, share in arriving.get(name, ()):
                # What comes from a field further down the table is not known yet.
                if source in left:
                    gain = gain + share * left[source] / dt
                else:
                    back.append((source, name, share))
            left[name] = self.kept(time_integral(fields[name], gain, rate, dt))
            new[name] = advance(fields[name], gain, rate, dt, left[name])
            net[name] = gain * dt - rate * left[name]
        for source, target, share in back:
            arrived = share * left[source]
            new[target] = new[target] + arrived
            net[target] = net[target] + arrived
        return new, net

    def grow(self, state: State, fields: dict[str, Any], plasma: Any, dt: float, held: Any) -> tuple[Any, Any, Any]:
        """Moves tissue so that it fills its volume again; changes the material in `fields`."""
        now = Moment(self, State(state.day, state.radius, state.velocity, fields), plasma)
        swelling = now.occupied / now.packing
        names = self._names(*MATERIAL)
        stacked = jnp.stack([fields[name] for name in names])
        extent = self.grid.extent(state.radius, fields)
        grown, material, walked = self.grid.remap(extent, swelling, stacked, held)
        radius, shape = self.grid.kept(grown)
        before, after = self.grid.volume(state.radius), self.grid.volume(radius)
        shed = {}
        for index, name in enumerate(names):
            shed[name] = self.grid.mean(fields[name], extent) * before - self.grid.mean(material[index], grown) * after
            fields[name] = material[index]
        fields |= shape
        return radius, walked / dt, shed


class Sums(eqx.Module):
    """All flows at one moment, added up by field: supplies, rates of loss, transfers, diffusion and drift."""

    gain: dict[str, Array]
    rate: dict[str, Array]
    moves: dict[tuple[str, str], Array]
    released: dict[tuple[str, str], Array]
    spread: dict[str, Spread]
    drift: dict[str, Array]


def assemble(
    values: Values,
    siblings: Array,
    *,
    agents: Sequence[str] = (),
    grid: Grid = Sphere(),
    off: Sequence[str] = (),
    clamped: Mapping[str, Any] | None = None,
) -> Model:
    """The model of the whole biology and of the agents named, with the values of the records in force.

    Raises `ModelError` where two mechanisms define the same signal or a name in `off` is not a mechanism.
    """
    kinds: list[tuple[type[Mechanism], str | None]] = [(kind, None) for kind in biology()]
    kinds += list(actions(agents))
    mechanisms = tuple(make(kind, values, agent) for kind, agent in kinds)
    names = tuple(kind.__name__ if agent is None else f"{agent}:{kind.__name__}" for kind, agent in kinds)
    for name in off:
        if name not in names:
            raise ModelError(f"no mechanism is called {name!r}; {nearest(name, names)}", remedy="correct the name")
    providers: dict[str, Any] = {}
    effects: dict[str, tuple[int, ...]] = {}
    for index, (kind, _) in enumerate(kinds):
        for name, mark in marked(kind, "signal").items():
            if name in providers:
                raise ModelError(
                    f"{names[index]} and {names[providers[name][0]]} both define {name!r}",
                    remedy="keep one definition",
                )
            providers[name] = (index, mark)
        for name in marked(kind, "effect"):
            effects[name] = (*effects.get(name, ()), index)
    fields = dict(FIELDS)
    for mechanism in mechanisms:
        fields |= {field.name: field for field in mechanism.fields()}
    return Model(
        mechanisms=mechanisms,
        siblings=siblings,
        clamped=dict(clamped or {}),
        one=jnp.ones((grid.points, siblings.shape[1])),
        grid=grid,
        names=names,
        off=frozenset(off),
        providers=_Frozen(providers),
        effects=_Frozen(effects),
        fields=_Frozen(fields),
        asked=_Notes(),
    )


class _Frozen(dict):
    """A dictionary that can be part of a compiled program's identity."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(tuple(sorted((key, str(value)) for key, value in self.items())))


class _Notes(set):
    """What mechanisms asked for; never part of a program's identity."""

    def __hash__(self) -> int:  # type: ignore[override]
        return 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Notes)
