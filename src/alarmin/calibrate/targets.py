"""The published values that a fit looks at, as one vector with its covariance, on scales on which errors are alike."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alarmin import published, records
from alarmin.calibrate.plan import Plan, Target
from alarmin.errors import AlarminError, nearest
from alarmin.readouts.phenotype import QUANTITIES
from alarmin.readouts.vessels import VESSEL_READINGS
from alarmin.records.schema import TREATED, UNTREATED
from alarmin.units import factor

PERCENTILES = (10, 25, 50, 75, 90)
"""Percentiles of lesion changes that evidence holds."""


class FitError(AlarminError):
    """A fit that cannot be made."""


@dataclass(frozen=True)
class Data:
    """What a plan looks at, as one vector: names, transformed values, and the covariance of their errors.

    `sampling` is what chance in finite trials gives (for lesions, their readers too); `shared` is what sets trials of
    the same treatment apart. Shares (survival at a landmark, response) are on the complementary log-log and logit
    scales, times and hazard ratios on the log scale, so that errors are symmetric; changes of lesions are as they are.
    """

    names: tuple[str, ...]
    values: NDArray[np.float64]
    sampling: NDArray[np.float64]
    shared: NDArray[np.float64]

    @property
    def covariance(self) -> NDArray[np.float64]:
        """Of both together, `[datum, datum]`."""
        return self.sampling + self.shared

    def only(self, data: NDArray[np.int64]) -> "Data":
        """Some of the data."""
        block = np.ix_(data, data)
        return Data(tuple(self.names[i] for i in data), self.values[data], self.sampling[block], self.shared[block])


def transform(endpoint: str, value: float) -> float:
    """An endpoint on the scale on which it is compared."""
    if endpoint.startswith("median"):
        return float(np.log(max(value, 0.1)))
    if endpoint.startswith("hr") or endpoint in (*QUANTITIES, *VESSEL_READINGS):
        return float(np.log(value))
    if endpoint.startswith("lesion"):
        return value
    share = float(np.clip(value, 0.005, 0.995))
    if endpoint.startswith(("os_at", "pfs_at")):
        return float(np.log(-np.log(share)))
    return float(np.log(share / (1.0 - share)))


def spread(endpoint: str, value: float, error: float) -> float:
    """Standard error on the scale of `transform`, of a value with the standard error `error`."""
    if endpoint.startswith("median"):
        return error / max(value, 0.1)
    if endpoint.startswith("hr"):
        return error / value
    if endpoint.startswith("lesion"):
        return error
    share = float(np.clip(value, 0.005, 0.995))
    slope = -1.0 / (share * np.log(share)) if endpoint.startswith(("os_at", "pfs_at")) else 1.0 / (share * (1 - share))
    return abs(slope) * error


def data_of(plan: Plan) -> Data:
    """The published values that a plan looks at; raises `FitError` for one that is not there or only for scoring.

    Landmarks of one arm share their patients: their errors correlate as the square root of the ratio of cumulative
    hazards. All survival of one trial shares what sets that trial apart, and so do its response rates; both cancel in
    a hazard ratio. What is known of tumors before and under treatment comes last.
    """
    names, values, errors, curves, hazards, responses = [], [], [], [], [], []
    for target in plan.targets:
        study = published.study(target.trial)
        if study.role != "training":
            raise FitError(f"{target.trial!r} is for scoring, not for training", remedy="drop it from the plan")
        for endpoint in target.endpoints:
            value, error = _reported(study, target, endpoint)
            names.append(f"{target.trial}.{target.arm}.{endpoint}")
            values.append(transform(endpoint, value))
            error = spread(endpoint, value, error)
            lesion = endpoint.startswith("lesion")
            errors.append(np.hypot(error, plan.between_trials_lesion) if lesion else max(error, plan.least_error))
            curves.append((target.trial, target.arm, endpoint.split("_")[0], "_at_" in endpoint))
            # A higher hazard raises the complementary log-log of survival and shortens medians.
            sign = 1.0 if "_at_" in endpoint else -1.0 if endpoint in ("median_os", "median_pfs") else 0.0
            hazards.append((target.trial, sign))
            responses.append((target.trial, float(endpoint == "orr")))
    about: list[tuple[str, str, float, float]] = []
    for quantity, error in plan.untreated.items():
        about.append((UNTREATED, quantity, _before(plan, quantity), error))
    for quantity, error in plan.treated.items():
        about.append((TREATED, quantity, seen_under(plan, quantity).ratio, error))
    for when, quantity, value, error in about:
        names.append(f"{when}.{plan.tumor}.{quantity}")
        values.append(transform(quantity, value))
        errors.append(error)
        curves.append((when, plan.tumor, quantity, False))
        hazards.append((when, 0.0))
        responses.append((when, 0.0))
    error, value = np.asarray(errors), np.asarray(values)
    spent = np.exp(value)
    nearness = np.sqrt(np.minimum.outer(spent, spent) / np.maximum.outer(spent, spent))
    one_curve = np.asarray([[a == b and a[3] for b in curves] for a in curves])
    sampling = np.outer(error, error) * np.where(one_curve, 0.9 * nearness, 0.0)
    np.fill_diagonal(sampling, error**2)
    alike = lambda parts: np.asarray([[a[1] * b[1] * (a[0] == b[0]) for b in parts] for a in parts])
    shared = plan.between_trials**2 * alike(hazards) + plan.between_trials_response**2 * alike(responses)
    return Data(tuple(names), value, sampling, shared)


def _before(plan: Plan, quantity: str) -> float:
    """A published median of untreated tumors, in the unit in which it is read off."""
    if quantity not in QUANTITIES:
        why = f"plan {plan.name!r} looks at {quantity!r} of untreated tumors; {nearest(quantity, QUANTITIES)}"
        raise FitError(why, remedy="correct the plan")
    composition = records.tumor(plan.tumor).composition
    if quantity.startswith("share_") and composition is not None and composition.status != "unverified":
        return composition.median[quantity.removeprefix("share_")]
    for item in published.untreated().findings:
        if (item.tumor, item.quantity, item.compare) == (plan.tumor, quantity, True) and item.status != "unverified":
            return item.value * factor(item.unit, QUANTITIES[quantity].unit)
    raise FitError(f"no {quantity!r} of untreated {plan.tumor!r} was read at its source", remedy="correct the plan")


def seen_under(plan: Plan, quantity: str) -> published.MeasuredUnder:
    """What was seen of vessels under treatment; raises `FitError` where it was not, or nobody read it."""
    known = {item.quantity: item for item in published.treated().findings if item.status != "unverified"}
    if quantity not in known:
        why = f"plan {plan.name!r} looks at {quantity!r} under treatment; {nearest(quantity, known)}"
        raise FitError(why, remedy="correct the plan")
    return known[quantity]


def _reported(study: published.Study, target: Target, endpoint: str) -> tuple[float, float]:
    """A published value and its standard error; shares without an interval have the error of their sample."""
    if endpoint.startswith("hr_"):
        return _ratio(study, target, endpoint)
    arm = target.arm
    reported = study.arm(arm)
    if reported is not None and endpoint.startswith("lesion_"):
        week, percent = (int(part) for part in endpoint.split("_")[1:])
        for change in reported.lesions:
            if change.week == week and percent in PERCENTILES:
                rank = PERCENTILES.index(percent)
                return change.quantiles[rank], quantile_error(change.quantiles, rank, change.n)
    match = [item for item in (reported.reported() if reported else ()) if item.endpoint == endpoint]
    if reported is None or not match:
        raise FitError(f"study {study.name!r} reports no {endpoint!r} of arm {arm!r}", remedy="correct the plan")
    _refuse_unverified(study, f"{endpoint!r} of arm {arm!r}", match[0].status)
    unit = "month" if endpoint.startswith("median") else "dimensionless"
    value, (low, high) = match[0].to(unit), match[0].interval(unit)
    if low is not None and high is not None:
        return value, (high - low) / (2.0 * published.Z)
    n = match[0].n or reported.patients
    if n is None:
        raise FitError(f"study {study.name!r} gives neither interval nor number of patients of arm {arm!r}")
    return value, value / n**0.5 if unit == "month" else (value * (1.0 - value) / n) ** 0.5


def _refuse_unverified(study: published.Study, what: str, status: str) -> None:
    """No fit looks at a value that nobody has read at its source."""
    if status == "unverified":
        raise FitError(f"{what} in study {study.name!r} is unverified", remedy="read it at its source, or drop it")


def _ratio(study: published.Study, target: Target, endpoint: str) -> tuple[float, float]:
    """A published hazard ratio of the target's arm over its control, and its standard error."""
    wanted = (target.arm, target.control, endpoint.removeprefix("hr_"))
    for seen in study.contrasts:
        if seen.compare and (seen.experimental, seen.control, seen.endpoint) == wanted and seen.low and seen.high:
            _refuse_unverified(study, f"{endpoint!r} of {target.arm!r} over {target.control!r}", seen.status)
            return seen.hr, seen.hr * float(np.log(seen.high / seen.low)) / (2.0 * published.Z)
    raise FitError(
        f"study {study.name!r} reports no {endpoint!r} with an interval of {target.arm!r} over {target.control!r}",
        remedy="correct the plan",
    )


def quantile_error(quantiles: Sequence[float], rank: int, n: int) -> float:
    """Standard error of a sample quantile, its density taken from the neighbors."""
    low, high = max(rank - 1, 0), min(rank + 1, len(quantiles) - 1)
    slope = (quantiles[high] - quantiles[low]) / ((PERCENTILES[high] - PERCENTILES[low]) / 100.0)
    share = PERCENTILES[rank] / 100.0
    return float(slope * (share * (1.0 - share) / n) ** 0.5)
