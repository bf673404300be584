"""One step of supplies, losses and transfers that is positive and conservative at any length."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

Field = Float[Array, "*space lane"]


class Outcome(NamedTuple):
    """New value of a field, and the amount that left it per unit of rate [field day]."""

    value: Field
    left_per_rate: Field


def advance(value: Field, gain: Field, rate: Field, dt: float) -> Outcome:
    """Exact step of dx/dt = gain - rate x.

        x(dt) = x e^-z + gain dt f1(z),   z = rate dt,   f1 = (1 - e^-z)/z
        integral of x over the step = x dt f1 + gain dt^2 f2(z),   f2 = (1 - f1)/z

    The integral times a part of the rate is what left along that part, so that transfers arrive to the last bit of
    what departed. First order in time over coupled fields, exact for one.
    """
    z = rate * dt
    small = z < 0.05
    safe = jnp.where(small, 1.0, z)
    # For small z the quotients would cancel: a series for f2, and the rest from it, so that balances stay exact.
    large_f1 = (1.0 - jnp.exp(-safe)) / safe
    f2 = jnp.where(small, 0.5 - z * (1.0 / 6.0 - z * (1.0 / 24.0 - z / 120.0)), (1.0 - large_f1) / safe)
    f1 = jnp.where(small, 1.0 - z * f2, large_f1)
    decay = jnp.where(small, 1.0 - z * f1, jnp.exp(-safe))
    return Outcome(value * decay + gain * (dt * f1), value * (dt * f1) + gain * (dt * dt * f2))
