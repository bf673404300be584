"""One step of supplies, losses and transfers that is positive and conservative at any length."""

import jax.numpy as jnp
from jaxtyping import Array, Float

Field = Float[Array, "*space lane"]
Rate = Float[Array, "*#space #lane"] | Float[Array, ""] | float


def time_integral(value: Field, gain: Rate, rate: Rate, dt: float) -> Field:
    """Integral of x over a step of dx/dt = gain - rate x, exact [field day].

        integral = x dt f1(z) + gain dt^2 f2(z),   z = rate dt
        f1 = (1 - e^-z)/z,   f2 = (1 - f1)/z

    Times a part of the rate it is what left along that part, so that transfers arrive to the last bit of what
    departed.
    """
    z = rate * dt
    small = z < 0.05
    safe = jnp.where(small, 1.0, z)
    # For small z the quotients would cancel: a series for f2, and the rest from it.
    per = 1.0 / safe
    large_f1 = (1.0 - jnp.exp(-safe)) * per
    f2 = jnp.where(small, 0.5 - z * (1.0 / 6.0 - z * (1.0 / 24.0 - z * (1.0 / 120.0))), (1.0 - large_f1) * per)
    f1 = jnp.where(small, 1.0 - z * f2, large_f1)
    return value * (dt * f1) + gain * (dt * dt * f2)


def advance(value: Field, gain: Rate, rate: Rate, dt: float, integral: Field) -> Field:
    """Exact step of dx/dt = gain - rate x, from its integral over the step: x + gain dt - rate times the integral.

    First order in time over coupled fields, exact for one.
    """
    # Only rounding can make this negative.
    return jnp.maximum(value + gain * dt - rate * integral, 0.0)
