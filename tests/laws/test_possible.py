"""Laws: what a fit and the priors leave open is drawn as they say, the same for the same seed."""

import numpy as np
import pytest

from alarmin.patients.possible import possible_populations
from alarmin.records import Population, Record, population, tumor
from alarmin.records import loader as records_loader


@pytest.fixture
def with_members(monkeypatch):
    """The fit of non-squamous NSCLC with a posterior of three members."""
    fit = population("nsclc")
    kill = "docetaxel.cytotoxic.kill_rate"
    made = fit.model_copy(update={"ensemble": {kill: (0.1, 0.2, 0.4), f"{kill} between patients": (0.5, 0.6, 0.7)}})
    monkeypatch.setattr(records_loader, "populations", lambda: {"nsclc": made})
    return made, kill


def test_members_of_the_posterior_come_one_after_the_other(with_members):
    made, kill = with_members
    fit, found = possible_populations("nsclc", 4)
    assert fit.name == made.name
    assert [changes[kill].value for changes in found] == [0.1, 0.2, 0.4, 0.1]
    assert [changes[kill].between_patients.cv for changes in found] == [0.5, 0.6, 0.7, 0.5]
    assert found[0].keys() == made.records.keys()


def test_a_type_without_a_fit_borrows_what_is_shared_and_draws_what_is_ill_known(with_members):
    _, kill = with_members
    fit, found = possible_populations("pdac", 6, seed=2)
    assert fit.borrowed_from == "nsclc"
    assert found[1][kill].value == 0.2
    assert not any(id.startswith("hazard_log_baseline") and id in fit.records for id in found[0])
    assert "hazard_east_asia" not in population("pdac", "borrowed").records, "it was seen in lung cancer alone"
    own = tumor("pdac").parameters
    drawn = [id for id in found[0] if id in own and id not in fit.records]
    assert drawn
    for id in drawn:
        values = [changes[id].value for changes in found]
        assert min(values) >= own[id].low - 1e-12
        assert max(values) <= own[id].high + 1e-12
        assert np.ptp(values) > 0.0 or own[id].low == own[id].high
    assert [c[drawn[0]].value for c in possible_populations("pdac", 6, seed=2)[1]] == [c[drawn[0]].value for c in found]
    assert possible_populations("pdac", 1, seed=3)[1][0][drawn[0]].value != found[0][drawn[0]].value


def test_the_prior_borrows_nothing(with_members):
    fit, found = possible_populations("nsclc", 2, population="prior")
    assert fit is None
    assert not any("kill_rate" in id for id in found[0])


@pytest.mark.parametrize("name", ["nsclc", "pdac", "sarcoma", "melanoma"])
def test_a_fit_is_the_same_by_its_name_and_by_its_tumor_type(name):
    assert population(name, name) == population(name)


def test_a_fit_says_what_it_left_open():
    fit = population("nsclc")
    assert isinstance(fit, Population)
    assert all(isinstance(record, Record) for record in fit.records.values())
    assert fit.members == len(next(iter(fit.ensemble.values()), ()))
