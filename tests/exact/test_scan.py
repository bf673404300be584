"""Trust: readings err as those of radiologists do: repeated CT, equal readings, false progression."""

import numpy as np
import pytest

from alarmin.readouts.follow_up import follow, until_progression
from alarmin.readouts.recist import Response
from alarmin.readouts.scan import at_days, longest_diameter, planned_days, read, scan_days
from alarmin.records.schema import Visits

SIX_WEEKS = (Visits(every=42),)


def stable(cohort, diameter, days):
    """A course in which the longest diameters [mm] do not change."""
    sphere = diameter / longest_diameter(cohort, np.ones(cohort.lanes))
    return np.broadcast_to(sphere, (len(days), cohort.lanes))


def two_readings(virtual_cohort, diameter, memory):
    cohort = virtual_cohort(4000, scan_memory=memory)
    days = np.array([0.0, 100.0])
    at = np.broadcast_to([[0.0], [42.0]], (2, 4000))
    return read(cohort, days, stable(cohort, diameter, days), at)


def test_repeated_scans_differ_as_published(virtual_cohort):
    """Read again without looking at the first scan: SD 2.4 mm, 57 % by more than 1 mm, 33 % by more than 2 mm."""
    first, second = two_readings(virtual_cohort, 30.0, 0.0)
    change = second - first
    assert 2.0 < change.std() < 3.1
    assert 0.47 < np.mean(np.abs(change) > 1.0) < 0.67
    assert 0.23 < np.mean(np.abs(change) > 2.0) < 0.43
    assert np.mean(change >= 0.2 * first) < 0.05
    assert 0.74 < np.mean(np.abs(change) <= 0.1 * first) < 0.90


def test_readers_who_look_back_repeat_themselves(virtual_cohort):
    shares = [np.mean(np.diff(two_readings(virtual_cohort, size, 0.6), axis=0) == 0) for size in (15.0, 25.0)]
    assert all(0.24 < share < 0.36 for share in shares)


def test_without_memory_equal_readings_are_too_rare(virtual_cohort):
    assert np.mean(np.diff(two_readings(virtual_cohort, 25.0, 0.0), axis=0) == 0) < 0.20


@pytest.mark.parametrize(
    ("lesions", "size", "expected", "by"), [(1, 20.0, 0.12, 0.03), (2, 20.0, 0.07, 0.02), (3, 30.0, 0.001, 0.002)]
)
def test_false_progression_of_stable_lesions(virtual_cohort, lesions, size, expected, by):
    cohort = virtual_cohort(3000, lesions, new_lesion_rate=0.0)
    days = np.arange(0.0, 360.0)
    found = follow(cohort, days, stable(cohort, size, days), SIX_WEEKS)
    assert np.mean((found.overall[1:9] == Response.PD).any(axis=0)) == pytest.approx(expected, abs=by)


def test_readings_are_whole_and_small_lesions_are_five_or_nothing(virtual_cohort):
    cohort = virtual_cohort(500)
    days = np.array([0.0, 100.0])
    at = np.zeros((1, 500))
    assert np.all(read(cohort, days, stable(cohort, 1.9, days), at) == 0.0)
    small = read(cohort, days, stable(cohort, 3.0, days), at)
    assert np.mean(small == 5.0) > 0.8
    assert np.all(small >= 2.0)
    large = read(cohort, days, stable(cohort, 60.0, days), at)
    assert np.all(large == np.round(large))
    assert large.mean() == pytest.approx(60.0, rel=0.02)


def test_planned_days():
    plan = (Visits(every=42, until=252), Visits(every=63))
    assert list(planned_days(plan, 400)) == [0, 42, 84, 126, 168, 210, 252, 315, 378]
    assert list(planned_days(plan, 41)) == [0]


def test_scans_keep_their_order_and_are_missed_by_days(virtual_cohort):
    days = scan_days(virtual_cohort(2000), SIX_WEEKS, 300.0)
    assert np.all(np.diff(days, axis=0) >= 0)
    assert (days[3] - 126.0).std() == pytest.approx(3.0, rel=0.1)


def test_values_between_days_are_interpolated():
    course = np.array([[0.0, 10.0], [10.0, 20.0], [10.0, 30.0]])
    found = at_days(np.array([0.0, 10.0, 20.0]), course, np.array([[5.0, 15.0], [20.0, 21.0]]))
    np.testing.assert_allclose(found, [[5.0, 25.0], [10.0, np.nan]])


def growing(cohort, days):
    return 20.0 * np.exp(np.linspace(-0.002, 0.006, cohort.lanes) * days[:, None])


def test_a_scan_does_not_depend_on_what_follows_nor_on_who_else_is_there(virtual_cohort):
    cohort, days = virtual_cohort(60, 2), np.arange(0.0, 500.0)
    diameter = growing(cohort, days)
    whole = follow(cohort, days, diameter, SIX_WEEKS)
    short = follow(cohort, days[:200], diameter[:200], SIX_WEEKS)
    scans = len(short.days)
    seen = short.days <= 199.0
    assert np.array_equal(whole.overall[:scans][seen], short.overall[seen])
    some = cohort[[3, 17, 40]]
    lanes = np.isin(cohort.patient, [3, 17, 40])
    alone = follow(some, days, diameter[:, lanes], SIX_WEEKS)
    assert np.array_equal(alone.overall, whole.overall[:, [3, 17, 40]])
    assert np.array_equal(alone.readings, whole.readings[:, lanes], equal_nan=True)


def test_treatment_stops_at_the_scan_that_shows_progression(virtual_cohort):
    cohort, days = virtual_cohort(60, 2), np.arange(0.0, 500.0)
    diameter = growing(cohort, days)
    whole = follow(cohort, days, diameter, SIX_WEEKS)
    for k in (21, 84, 210):
        goes_on = until_progression(SIX_WEEKS)(days[: k + 1], diameter[: k + 1], cohort)
        assert np.array_equal(goes_on, whole.progression_day > k)
        beyond = until_progression(SIX_WEEKS, 6.0)(days[: k + 1], diameter[: k + 1], cohort)
        assert np.array_equal(beyond, whole.progression_day + 42.0 > k)


def test_what_is_no_target_decides_nothing_and_is_read_all_the_same(virtual_cohort):
    """A first lesion that melts away makes a response only where it is a target; a second that grows, progression."""
    cohort = virtual_cohort(50, 2, vary=False, scan_error=0.0, scan_relative_error=0.0, new_lesion_rate=0.0)
    days = np.arange(0.0, 151.0)
    shape = np.where(cohort.lesion == 0, -0.03, 0.0)
    melting = stable(cohort, 40.0, days) * np.exp(shape * days[:, None])
    counted, left_out = (follow(cohort, days, melting, SIX_WEEKS, untargeted) for untargeted in ((), (1,)))
    assert np.all(counted.target[-1] == Response.PR)
    assert np.all(left_out.target == Response.SD)
    assert np.array_equal(counted.readings, left_out.readings)
    assert np.array_equal(left_out.sums, left_out.readings[:, cohort.lesion == 1])
    growing = stable(cohort, 40.0, days) * np.exp(-shape[::-1] * days[:, None])
    assert np.all(follow(cohort, days, growing, SIX_WEEKS, (1,)).target[-1] == Response.PD)
    assert np.all(follow(cohort, days, growing, SIX_WEEKS, (2,)).target == Response.SD)
