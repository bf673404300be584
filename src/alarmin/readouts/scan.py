"""What CT reports of a lesion: on which day it is taken, and what the reader writes down."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from alarmin.patients import Cohort
from alarmin.records.schema import MOST_LESIONS, Visits

SCANS = 64
"""Scans whose random numbers are drawn together; a fixed number, so that longer follow-up changes no earlier scan."""


def planned_days(visits: Sequence[Visits], until: float) -> NDArray[np.float64]:
    """Days on which a plan wants scans, up to day `until`, `[scan]`; the first is baseline, day 0."""
    days = [0.0]
    for visit in visits:
        end = until if visit.until is None else min(visit.until, until)
        while days[-1] + visit.every <= end:
            days.append(days[-1] + visit.every)
    return np.asarray(days)


def scan_days(cohort: Cohort, visits: Sequence[Visits], until: float) -> NDArray[np.float64]:
    """Days on which each patient is scanned, `[scan, patient]`: the plan, missed by a few days at random.

    A scan never precedes the one before it. Records: `scan_day_error`.
    """
    plan = planned_days(visits, until)[:, None]
    error = cohort.records["scan_day_error"].to("day") * _first(cohort.normal, "scan day", (), len(plan))
    error[0] = 0.0
    return np.maximum.accumulate(np.maximum(plan + error, 0.0), axis=0)


def longest_diameter(cohort: Cohort, diameter: NDArray[np.float64]) -> NDArray[np.float64]:
    """Longest diameter [mm] of lesions that are not spheres, from that of the sphere of equal volume.

    Shapes `[..., lane]`. Records: `lesion_elongation`.
    """
    return diameter * cohort.lesion_value("lesion_elongation", "dimensionless")


def read(
    cohort: Cohort, days: NDArray[np.float64], diameter: NDArray[np.float64], at: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Longest diameters [mm] as a reader writes them down, `[scan, lane]`; not a number where no scan was taken.

        y_k = D e^b + σ(D) e_k,     σ(D)² = σ0² + (σ1 D)²,     e_k = ρ e_(k-1) + sqrt(1 - ρ²) z_k

    rounded to whole millimeters. A small lesion is often called too small to measure and then counts 5 mm; a smaller
    one is not seen and counts 0.

    Args:
        cohort: whose lesions these are.
        days: times of the course, `[time]` [day].
        diameter: of the spheres of equal volume, `[time, lane]` [mm].
        at: days of the scans, `[scan, patient]`; a scan after the last day of the course is not taken.

    Records: `lesion_elongation`, `scan_error`, `scan_relative_error`, `scan_memory`, `scan_reader_bias`,
    `scan_rounding`, `scan_small`, `scan_small_width`, `scan_gone`.
    """
    value = lambda record, unit="mm": cohort.records[record].to(unit)
    true = longest_diameter(cohort, at_days(days, diameter, at[:, cohort.patient]))
    error, rho = np.zeros(cohort.lanes), value("scan_memory", "dimensionless")
    noise = _first(cohort.normal, "scan error", (MOST_LESIONS,), len(at))[:, cohort.patient, cohort.lesion]
    luck = _first(cohort.uniform, "scan small", (MOST_LESIONS,), len(at))[:, cohort.patient, cohort.lesion]
    sigma = np.hypot(value("scan_error"), value("scan_relative_error", "dimensionless") * true)
    center = true * np.exp(cohort.lesion_value("scan_reader_bias", "dimensionless"))
    readings = np.empty_like(true)
    for k in range(len(at)):
        error = noise[k] if k == 0 else rho * error + np.sqrt(1.0 - rho**2) * noise[k]
        readings[k] = center[k] + sigma[k] * error
    step, small, gone = value("scan_rounding"), value("scan_small"), value("scan_gone")
    readings = np.maximum(step * np.round(readings / step), gone)
    too_small = (true < small) & (luck < expit((small - true) / value("scan_small_width")))
    readings = np.where(too_small, small, readings)
    readings = np.where(true < gone, 0.0, readings)
    return np.where(np.isnan(true), np.nan, readings)


def at_days(days: NDArray[np.float64], course: NDArray[np.float64], at: NDArray[np.float64]) -> NDArray[np.float64]:
    """A course `[time, column]` at days of its own for each column, `[scan, column]`; not a number after its end."""
    before = np.clip(np.searchsorted(days, at, side="right") - 1, 0, len(days) - 2)
    columns = np.arange(course.shape[1])[None, :]
    share = (at - days[before]) / (days[before + 1] - days[before])
    found = course[before, columns] + share * (course[before + 1, columns] - course[before, columns])
    return np.where(at > days[-1], np.nan, found)


def _first(
    draw: Callable[[str, Sequence[int]], NDArray[np.float64]], stream: str, shape: tuple[int, ...], scans: int
) -> NDArray[np.float64]:
    """Random numbers `[scan, patient, *shape]` of which the first do not depend on how many follow."""
    parts = [draw(f"{stream} {block}", (SCANS, *shape)) for block in range(-(-scans // SCANS))]
    return np.moveaxis(np.concatenate(parts, axis=1), 1, 0)[:scans].copy()
