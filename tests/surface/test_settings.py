"""Trust: the strict settings under which all tests run are in force, since a setting that is off shows nothing."""

import warnings

import jax.numpy as jnp
import pytest

from alarmin.numerics.reaction import time_integral


def test_double_precision():
    assert jnp.zeros(1).dtype == jnp.float64


def test_ranks_do_not_mix():
    with pytest.raises(ValueError, match="rank_promotion"):
        jnp.zeros((2, 3)) + jnp.zeros(3)


def test_number_formats_do_not_mix():
    with pytest.raises(ValueError, match="type promotion"):
        jnp.zeros(3, jnp.float32) + jnp.zeros(3, jnp.float64)


def test_shapes_are_checked():
    field = jnp.ones((4, 2))
    time_integral(field, field, field, 1.0)
    with pytest.raises(Exception, match="whilst typechecking parameter 'gain'"):
        time_integral(field, jnp.ones((4, 3)), field, 1.0)


def test_warnings_are_errors():
    with pytest.raises(UserWarning):
        warnings.warn("something", stacklevel=1)
