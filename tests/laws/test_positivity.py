"""Laws: no field is ever negative or not a number, for 10,000 patients. Takes minutes; runs in `make verify`."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from alarmin.enrollment import first_state
from alarmin.patients import draw
from alarmin.simulation import Settings, balance, model_of, split

AGENTS = ("atezolizumab", "bevacizumab", "carboplatin", "paclitaxel")
DAYS = 60


@eqx.filter_jit
def least(model, state, plasma):
    """Least value of each field over all steps; not a number where any was not."""

    def step(carry, day):
        state, low = carry
        given = {name: jnp.where(day % 21 < 2, value, 0.0) for name, value in plasma.items()}
        state = model.step(state, given, 1.0, jnp.asarray(False))
        return (state, {name: jnp.minimum(low[name], jnp.min(field)) for name, field in state.fields.items()}), None

    low = {name: jnp.min(field) for name, field in state.fields.items()}
    return jax.lax.scan(step, (state, low), jnp.arange(DAYS))[0][1]


@pytest.mark.slow
def test_no_field_is_ever_negative_for_ten_thousand_candidates() -> None:
    settings = Settings()
    candidates = draw("nsclc", np.arange(10_000), seed=11)
    for rows in split(candidates, settings.lanes):
        part = candidates[rows]
        model = model_of(part, settings, AGENTS)
        state = first_state(part, settings, model)
        plasma = {name: jnp.full((1, settings.lanes), 5.0, settings.precision) for name in AGENTS}
        low = least(model, balance(model, state, {name: 0.0 * value for name, value in plasma.items()}), plasma)
        for name, value in low.items():
            assert float(value) >= 0.0, (name, float(value), rows[0])
