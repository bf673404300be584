"""One well-mixed point of tissue in a patient with one lesion, for tests of single mechanisms."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import jax.numpy as jnp

from alarmin.mechanism import Flow, Loss, Mechanism, Release, Supply, Transfer, marked
from alarmin.model import make
from alarmin.patients import records_of

TUMOR = "nsclc"


def build(*kinds: type[Mechanism], dtype: Any = jnp.float64, **changes: float) -> tuple[Mechanism, ...]:
    """Mechanisms with the values of the records in force, some of them changed by record id."""
    records = records_of(TUMOR)
    missing = changes.keys() - records.keys()
    assert not missing, missing

    def value(record: str, unit: str) -> Any:
        return jnp.asarray(changes.get(record, records[record].to(unit)), dtype)

    return tuple(make(kind, value) for kind in kinds)


class Here:
    """What mechanisms see: values as given, signals from the mechanisms, effects of agents as given."""

    def __init__(
        self,
        mechanisms: tuple[Mechanism, ...],
        values: Mapping[str, float],
        effects: Mapping[str, float] | None = None,
        *,
        volume: float = 1.0,
        slope: float = 0.0,
        dtype: Any = jnp.float64,
    ) -> None:
        self.mechanisms, self.effects, self.volume, self.slope = mechanisms, effects or {}, volume, slope
        self.full: Callable[[Any], Any] = lambda value: jnp.broadcast_to(jnp.asarray(value, dtype), (1, 1))
        for name, value in values.items():
            parts = value if isinstance(value, tuple) else None
            setattr(self, name, tuple(map(self.full, parts)) if parts else self.full(value))

    def __getattr__(self, name: str) -> Any:
        for mechanism in self.__dict__["mechanisms"]:
            if name in marked(type(mechanism), "signal"):
                return getattr(mechanism, name)(self)
        raise AttributeError(name)

    def integral(self, density: Any) -> Any:
        return self.full(density) * self.volume

    def mean(self, value: Any) -> Any:
        return self.full(value)

    def margin_mean(self, value: Any, depth: float) -> Any:
        del depth
        return self.full(value)

    def over_lesions(self, amount: Any) -> Any:
        return amount

    def gradient(self, value: Any) -> Any:
        del value
        return self.full(self.slope)

    def total(self, effect: str) -> Any:
        return self.effects.get(effect, 0.0)

    def product(self, effect: str) -> Any:
        return self.effects.get(effect, 1.0)

    def flows(self) -> list[Flow]:
        """All flows of the mechanisms."""
        return [flow for mechanism in self.mechanisms for flow in mechanism.flows(self)]

    def gains_and_rates(self) -> tuple[dict[str, float], dict[str, float]]:
        """Sum of supplies (with arrivals) and of loss rates (with departures), by field."""
        gains: dict[str, float] = defaultdict(float)
        rates: dict[str, float] = defaultdict(float)
        for flow in self.flows():
            if isinstance(flow, Supply):
                gains[flow.field] += float(jnp.squeeze(flow.gain))
            elif isinstance(flow, Loss):
                rates[flow.field] += float(jnp.squeeze(flow.rate))
            elif isinstance(flow, Transfer):
                rates[flow.source] += float(jnp.squeeze(flow.rate))
                gains[flow.target] += float(jnp.squeeze(flow.rate * getattr(self, flow.source)))
            elif isinstance(flow, Release):
                gains[flow.target] += float(jnp.squeeze(flow.rate * getattr(self, flow.source)))
        return gains, rates
