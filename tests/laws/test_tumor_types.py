"""Laws of the tumor types: each can be drawn, inherits what it does not give, and refuses an unknown base."""

import numpy as np
import pytest

from alarmin.patients import draw
from alarmin.records import tumors
from alarmin.records.schema import Composition


@pytest.mark.parametrize("name", sorted(tumors()))
def test_every_type_can_be_drawn(name: str) -> None:
    """All values are finite, and the correlations of the type do not contradict one another."""
    cohort = draw(name, np.arange(16), seed=1)
    assert all(np.isfinite(value).all() for value in cohort.values.values())


@pytest.mark.parametrize("name", sorted(tumors()))
def test_every_type_has_the_records_of_the_reference_type(name: str) -> None:
    """Nothing that differs between types is left out of one of them."""
    assert tumors()["nsclc"].parameters.keys() <= tumors()[name].parameters.keys()


def test_a_rank_of_something_without_a_median_is_refused() -> None:
    """The check of compositions can fail."""
    entry = tumors()["pdac"].composition
    assert entry is not None
    content = entry.model_dump()
    content["rank"] = [{"between": ("cd8", "unheard"), "rho": 0.5}]
    with pytest.raises(ValueError, match="unheard"):
        Composition.model_validate(content)
