"""A model in time: mechanisms' flows added up, and one step of all fields.

The model has no equations of its own. It adds up the flows of mechanisms, and advances the state by one step: molecules
to their balance, motile cells through the tissue, reactions, and growth.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from alarmin.errors import nearest
from alarmin.mechanism import Diffuse, Drift, Loss, Mechanism, Now, Release, Supply, Transfer
from alarmin.model.moment import Lift, ModelError, Moment
from alarmin.numerics.grid import Grid, Passage, Spread, Vector
from alarmin.numerics.reaction import advance, time_integral
from alarmin.state import MATERIAL, Field, State


class Budget(NamedTuple):
    """What one step did to the content of each slow tissue field, as a running check of conservation.

    Amounts per lesion, `[1, lane]`: `before` and `after` the step, `made` by reactions (net), `crossed` the margin
    inward, or was given to hold the lesion at its size. `after - before - made - crossed` is zero up to rounding.
    """

    before: dict[str, Array]
    after: dict[str, Array]
    made: dict[str, Array]
    crossed: dict[str, Array]


class Sums(eqx.Module):
    """All flows at one moment, added up by field: supplies, rates of loss, transfers, diffusion and drift."""

    gain: dict[str, Array]
    rate: dict[str, Array]
    moves: dict[tuple[str, str], Array]
    released: dict[tuple[str, str], Array]
    spread: dict[str, Spread]
    drift: dict[str, Array]


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

    def sums(self, state: State, now: Now) -> Sums:
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

    def transport(self, state: State, sums: Sums, dt: float | None) -> tuple[dict[str, Any], dict[str, Any]]:
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

    def react(self, fields: dict[str, Any], sums: Sums, dt: float) -> tuple[dict[str, Any], dict[str, Any]]:
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
