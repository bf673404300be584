"""The present as mechanisms see it, and what they see of quantities that are held or lifted."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from alarmin.errors import AlarminError, nearest
from alarmin.state import State

if TYPE_CHECKING:
    from alarmin.model.model import Model


class ModelError(AlarminError):
    """A model that does not fit together."""


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
