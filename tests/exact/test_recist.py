"""Trust: responses follow RECIST 1.1 to the letter, every cell of its tables included."""

import itertools

import numpy as np
import pytest

from alarmin.readouts.recist import (
    Criteria,
    NonTarget,
    Response,
    best_response,
    overall_response,
    target_response,
)
from alarmin.records import parameters

CR, PR, SD, PD, NE = Response
RULES = Criteria.of(parameters())
ONE = np.array([0])


def target(*sums, rules=RULES, node=False):
    """Responses of one patient with one target lesion, baseline first."""
    readings = np.array(sums, float)[:, None]
    return [Response(r) for r in target_response(readings, ONE, rules, np.array([node]))[1:, 0]]


def best(responses, days=None, confirm=True):
    """Best response of one patient, scanned every six weeks or on `days`; baseline is put in front."""
    overall = np.array([SD, *responses], np.int8)[:, None]
    when = np.array([0, *(days or 42 * np.arange(1, len(responses) + 1))], float)[:, None]
    found = best_response(overall, when, RULES, confirm)
    return Response(found.response[0]), found.response_day[0], found.progression_day[0]


def test_partial_response_is_thirty_percent_from_baseline():
    assert target(100, 70) == [PR]
    assert target(100, 71) == [SD]
    assert target(90, 63) == [PR]  # 0.7 x 90 is less than 63 in binary


def test_progression_is_measured_from_nadir_even_below_baseline():
    assert target(100, 50, 60) == [PR, PD]
    assert target(100, 50, 59) == [PR, PR]


def test_from_baseline_instead_of_nadir_would_be_seen():
    readings = np.array([100.0, 50.0, 60.0])
    assert not readings[2] >= 1.2 * readings[0]
    assert target(*readings)[-1] == PD


def test_progression_needs_five_millimeters():
    assert target(15, 19) == [SD]
    assert target(15, 20) == [PD]
    assert target(100, 119) == [SD]
    assert target(100, 120) == [PD]


def test_without_the_absolute_rule_four_millimeters_would_count():
    loose = Criteria(**{**RULES.__dict__, "progression_least": 0.0})
    assert target(15, 19, rules=loose) == [PD]


def test_complete_response_needs_every_lesion_gone_and_nodes_normal():
    assert target(30, 0) == [CR]
    assert target(30, 5) == [PR]
    assert target(20, 9, node=True) == [CR]
    assert target(20, 10, node=True) == [PR]
    both = np.array([[20.0, 20.0], [0.0, 9.0], [0.0, 10.0]])
    found = target_response(both, ONE, RULES, np.array([False, True]))[1:, 0]
    assert list(found) == [CR, SD if 10 > 0.7 * 40 else PR]


def test_a_lesion_that_returns_is_progression():
    assert target(30, 0, 5) == [CR, PD]


def test_what_cannot_be_read_is_not_evaluable_unless_the_rest_has_progressed():
    readings = np.array([[30.0, 30.0], [np.nan, 30.0], [np.nan, 75.0]])
    assert list(target_response(readings, ONE, RULES)[1:, 0]) == [NE, PD]


def test_an_incomplete_sum_is_no_nadir():
    readings = np.array([[50.0, 50.0], [np.nan, 20.0], [45.0, 45.0]])
    assert target_response(readings, ONE, RULES)[2, 0] == SD


def test_patients_do_not_mix():
    readings = np.array([[10.0, 40.0, 50.0], [10.0, 10.0, 60.0]])
    assert list(target_response(readings, np.array([0, 2]), RULES)[1]) == [PR, PD]


@pytest.mark.parametrize(
    ("response", "non_target", "new"), list(itertools.product(Response, NonTarget, [False, True])), ids=str
)
def test_overall_response_table(response, non_target, new):
    found = Response(overall_response(*(np.array([x]) for x in (response, non_target, new)))[0])
    if new or response == PD or non_target == NonTarget.PD:
        assert found == PD
    elif response == CR:
        assert found == (CR if non_target == NonTarget.CR else PR)
    else:
        assert found == response


@pytest.mark.parametrize(
    ("responses", "days", "expected"),
    [
        ((PR, PR), None, PR),
        ((PR, SD, PR), None, PR),
        ((PR, CR), None, PR),
        ((CR, CR), None, CR),
        ((PR, PD), None, SD),
        ((PR, NE), None, SD),
        ((PR, PR), (42, 60), SD),
        ((PR, PR, PR), (42, 60, 75), PR),
        ((PR, PD, PR), None, SD),
        ((SD, PD), None, SD),
        ((SD, PD), (20, 42), PD),
        ((PD, PR), None, PD),
        ((NE, PD), None, PD),
        ((NE, NE), None, NE),
        ((), None, NE),
        ((CR, PD), None, SD),
        ((SD, SD, PR, PR), None, PR),
    ],
)
def test_best_response_with_confirmation(responses, days, expected):
    assert best(responses, days)[0] == expected


def test_without_confirmation_one_scan_is_enough():
    assert best((PR, PD), confirm=False)[0] == PR
    assert best((PR, PD), confirm=True)[0] == SD


def test_days_of_response_and_progression():
    assert best((SD, PR, PR, PD))[1:] == (84.0, 168.0)
    assert best((SD, PR, SD))[1:] == (np.inf, np.inf)


def test_a_response_that_comes_after_the_week_that_counts_is_stable_disease():
    days = np.array([0.0, 42.0, 84.0, 126.0, 168.0])[:, None].repeat(3, axis=1)
    SD, PR, CR = Response.SD, Response.PR, Response.CR
    overall = np.array([[SD, PR, PR, PR, PR], [SD, SD, SD, PR, PR], [SD, SD, PR, CR, CR]], np.int8).T
    best = best_response(overall, days, RULES, confirm=False).by_day(91.0)
    assert best.response.tolist() == [PR, SD, CR]
    assert best.response_day.tolist() == [42.0, np.inf, 84.0]
    assert best.progression_day.tolist() == [np.inf] * 3
