"""Exact: progression by iRECIST in courses worked out by hand: confirmed, taken back, and not looked at again."""

import numpy as np
import pytest

from alarmin.readouts.irecist import immune_progression_day
from alarmin.readouts.recist import Criteria, Response, target_response

CRITERIA = Criteria(response=0.3, progression=0.2, progression_least=5.0, confirmation=28.0, stable=42.0, node=10.0)

# Sums [mm] at scans every six weeks, the first before treatment; the scan from which there is a new lesion; and the
# scans whose day is that of progression by RECIST and by iRECIST, None where there is none.
COURSES = {
    "never worse": ([50, 48, 40, 40], None, None, None),
    "swells, then shrinks": ([50, 65, 40, 30], None, 1, None),
    "grows on": ([50, 65, 70, 80], None, 1, 1),
    "stays as large, then grows": ([50, 65, 67, 75], None, 1, 1),
    "stays as large to the end": ([50, 65, 67, 67], None, 1, 1),
    "nobody looks again": ([50, 48, 40, 65], None, 3, 3),
    "swells, shrinks, and grows again": ([50, 65, 40, 30, 40, 50], None, 1, 4),
    "a new lesion while the rest shrinks": ([50, 40, 30, 30], 2, 2, 2),
    "swells, then a new lesion while it shrinks": ([50, 65, 40, 30], 2, 1, 1),
}


@pytest.mark.parametrize(("sums", "new", "recist", "immune"), COURSES.values(), ids=COURSES.keys())
def test_progression_is_that_worked_out_by_hand(sums, new, recist, immune):
    sums = np.array(sums, float)[:, None]
    days = 42.0 * np.arange(len(sums))[:, None]
    target = target_response(sums, np.array([0]), CRITERIA)
    elsewhere = np.arange(len(sums)) >= (len(sums) if new is None else new)
    overall = np.where(elsewhere[:, None], Response.PD, target).astype(np.int8)
    day = lambda scan: np.inf if scan is None else 42.0 * scan
    found = immune_progression_day(overall, target, sums, days, CRITERIA)[0]
    first = np.flatnonzero(overall[:, 0] == Response.PD)
    assert (first[0] if len(first) else None) == recist
    assert found == day(immune)
    assert found >= day(recist)


def test_a_scan_too_early_decides_nothing():
    """Three weeks later is too soon to confirm, or to take back."""
    sums = np.array([[50.0], [65.0], [40.0], [70.0]])
    target = target_response(sums, np.array([0]), CRITERIA)
    early = np.array([[0.0], [42.0], [63.0], [84.0]])
    assert immune_progression_day(target, target, sums, early, CRITERIA)[0] == 42.0
    late = np.array([[0.0], [42.0], [84.0], [126.0]])
    assert immune_progression_day(target, target, sums, late, CRITERIA)[0] == 126.0
