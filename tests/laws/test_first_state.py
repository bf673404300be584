"""Laws: whatever the start of settling holds, the first steps make room for it, and lesions keep their size."""

import jax.numpy as jnp
import numpy as np
import pytest

from alarmin.enrollment import balance, first_state
from alarmin.model import Moment
from alarmin.patients import draw
from alarmin.programs import jitted
from alarmin.simulation import Settings, model_of


def test_a_start_that_does_not_fit_is_brought_to_its_volume():
    """Cells that withstand drugs come beside the sensitive ones, so that more is there at first than room for it."""
    settings = Settings(precision="float64", lanes=16)
    part = draw("nsclc", np.arange(6), seed=2)
    model = model_of(part, settings)
    start = first_state(part, settings, model)
    filled = lambda state: np.asarray(Moment(model, state, {}).occupied / Moment(model, state, {}).packing)
    share = lambda state: np.asarray(state.fields["tumor_resistant"] / state.fields["tumor_sensitive"])
    assert filled(start)[:, : part.lanes].max() > 1.1
    held = jitted(lambda model, state: model.step(state, {}, 0.5, jnp.asarray(True)))
    state = held(model, balance(model, start, {}))
    assert filled(state)[:, : part.lanes] == pytest.approx(1.0, rel=1e-6)
    assert np.asarray(state.radius) == pytest.approx(np.asarray(start.radius), rel=1e-12)
    assert share(state)[:, : part.lanes] == pytest.approx(share(start)[:, : part.lanes], rel=0.01)
